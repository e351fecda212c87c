"""The LLVM engine's elementwise functions: special values as NumPy's, the same on every width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from gradtape.operation import PRIMITIVES
from gradtape.programs.llvm.mathematics import EMITTERS, raised
from gradtape.programs.llvm.mathematics_lanes import Real
from tests.programs.llvm_harness import Compiled, lanes_of

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

FLOATS = [np.float32, np.float64]
LOGIC = ("logical_and", "logical_or", "logical_xor", "logical_not")
REALS = sorted(set(EMITTERS) - {*LOGIC, "where"})
#: Our own are what the tape computes with.
OWN = {name: PRIMITIVES[name].compute for name in EMITTERS if name in PRIMITIVES}
OWN["logistic"] = special.expit


def meaning(name: str) -> Any:
    return OWN.get(name) or getattr(np, name, None) or getattr(special, name)


def arity(name: str) -> int:
    return getattr(meaning(name), "nin", None) or PRIMITIVES[name].arity


def specials(dtype: Any) -> Any:
    info = np.finfo(dtype)
    return np.array(
        [
            *(0.0, -0.0, 1, -1, 0.25, 0.5, -0.5, 1.5, -1.5, 2, -2, 3, -3, 4, 10, 1e10, -1e10),
            *(np.inf, -np.inf, np.nan, info.tiny, -info.tiny, info.max, -info.max),
            *(info.smallest_subnormal, -info.smallest_subnormal),
        ],
        dtype,
    )


def everything(dtype: Any, count: int) -> list[Any]:
    return [a.ravel() for a in np.meshgrid(*[specials(dtype)] * count)]


def close(got: Any, wanted: Any) -> Any:
    """Whether results are the same but for a few last digits; signs of 0 and NaN count."""
    off = 16 * np.spacing(np.minimum(np.abs(wanted), np.finfo(wanted.dtype).max))
    both = (np.isnan(got) & np.isnan(wanted)) | (got == wanted) | (np.abs(got - wanted) <= off)
    return both & ((np.signbit(got) == np.signbit(wanted)) | np.isnan(wanted))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", REALS)
def test_special_values_are_numpys(name: str, dtype: Any) -> None:
    args = everything(dtype, arity(name))
    wanted = meaning(name)(*args)
    if name == "cosine":  # ours is right where hypot overflows, and among subnormal numbers
        legs = np.hypot(*args)
        fine = (np.isfinite(legs) | ~np.isfinite(args).all(0)) & ~(legs < np.finfo(dtype).tiny)
        args, wanted = [a[fine] for a in args], wanted[fine]
    if name == "float_power":
        wanted = wanted.astype(dtype)
    result = bool if wanted.dtype == bool else dtype
    assert wanted.dtype == result
    got = Compiled(name, [dtype] * len(args), result, lanes_of(dtype))(*args)
    same = got == wanted if result is bool else close(got, wanted)
    wrong = int(np.argmin(same))
    assert same.all(), ([a[wrong] for a in args], got[wrong], wanted[wrong])


def numbers(dtype: Any, count: int) -> list[Any]:
    rng = np.random.default_rng(0)
    some = [rng.uniform(-3, 3, 50), rng.uniform(-800, 800, 25), [1e6, -1e30, 0.0, np.inf, np.nan]]
    x = np.concatenate([np.asarray(s).astype(dtype) for s in some])
    return [rng.permutation(x) for _ in range(count)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", REALS)
def test_every_width_and_level_gives_the_same(name: str, dtype: Any) -> None:
    args = numbers(dtype, arity(name))
    result = bool if meaning(name)(*args).dtype == bool else dtype
    one = Compiled(name, [dtype] * len(args), result, 1, level=0)(*args)
    full = lanes_of(dtype)
    for lanes, level in [(1, 2), (full // 4, 2), (full // 2, 1), (full, 0), (full, 3)]:
        other = Compiled(name, [dtype] * len(args), result, lanes, level)(*args)
        assert np.array_equal(one, other, equal_nan=result is not bool), (lanes, level)
    plain = Compiled(name, [dtype] * len(args), result, full // 4, plain=True)(*args)
    assert np.array_equal(one, plain, equal_nan=result is not bool)


@pytest.mark.parametrize("name", LOGIC)
def test_logic(name: str) -> None:
    pair = [np.array([False, False, True, True]), np.array([False, True, False, True])]
    args = pair[: getattr(np, name).nin]
    got = Compiled(name, [bool] * len(args), bool, 4)(*args)
    assert np.array_equal(got, getattr(np, name)(*args))


@pytest.mark.parametrize("dtype", FLOATS)
def test_where(dtype: Any) -> None:
    x, y = numbers(dtype, 2)
    condition = x > y
    got = Compiled("where", [bool, dtype, dtype], dtype, lanes_of(dtype))(condition, x, y)
    assert np.array_equal(got, np.where(condition, x, y), equal_nan=True)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, -1, -2, -3, 0.5, 1.5, -0.5, 7, 0.0, -2.5])
def test_powers_with_one_number(exponent: float, dtype: Any) -> None:
    def emit(builder: Any, values: list[Any]) -> Any:
        return raised(builder, values[0], exponent)

    x = np.concatenate([specials(dtype), np.random.default_rng(0).uniform(0, 9, 200).astype(dtype)])
    got = Compiled(emit, [dtype], dtype, lanes_of(dtype))(x)
    fine = np.abs(x) != 0 if exponent == 0.5 else np.full(x.shape, True)  # NumPy's is sqrt there
    assert close(got, np.power(x, dtype(exponent)))[fine].all()


def test_python_numbers_stand_for_lanes() -> None:
    def emit(builder: Any, values: list[Any]) -> Any:
        x = Real(builder, values[0])
        return (2 / (1 + x) - 3 * x).value

    x = np.linspace(0, 1, 10)
    got = Compiled(emit, [np.float64], np.float64, 8)(x)
    assert np.array_equal(got, 2 / (1 + x) - 3 * x)
