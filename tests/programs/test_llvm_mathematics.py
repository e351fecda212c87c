"""The LLVM engine's mathematics against long doubles and mpmath: how far the results are off."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from gradtape.programs.llvm import mathematics, polynomials
from tests.programs.llvm_harness import Compiled, lanes_of

LONG = np.longdouble
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.skipif(np.finfo(LONG).nmant < 60, reason="needs long doubles to compare with"),
]

#: What the documentation promises: the largest errors in units of the last place.
PROMISED = {
    name: (float(single), float(double))
    for names, single, double in re.findall(
        r"^(\S.*?) +(\d\.\d+) +(\d\.\d+)$", mathematics.__doc__ or "", re.MULTILINE
    )
    for name in names.split(", ")
}


def _logistic(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _sech_squared(x: Any) -> Any:
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


def _logit(x: Any) -> Any:
    middle = np.log1p((2 * x - 1) / (1 - x))
    return np.where(np.abs(x - 0.5) < 0.1, middle, np.log(x / (1 - x)))


def _xlogy(x: Any, y: Any) -> Any:
    return np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y))


def _xlog1py(x: Any, y: Any) -> Any:
    return np.where((x == 0) & ~np.isnan(y), 0, x * np.log1p(y))


def _within(x: Any) -> Any:
    """An argument of erfc, which is 0 or 2 further out: mpmath cannot take the largest."""
    return min(max(x, -10_000), 10_000)


#: Those that are not NumPy's, in long doubles.
REFERENCES = {
    "logistic": _logistic,
    "expit": _logistic,
    "sech_squared": _sech_squared,
    "logit": _logit,
    "log_expit": lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
    "entr": lambda x: np.where(x == 0, 0, np.where(x < 0, -np.inf, -x * np.log(x))),
    "xlogy": _xlogy,
    "xlog1py": _xlog1py,
    "cosine": lambda x, y: np.where((x == 0) & (y == 0), 0, x / np.hypot(x, y)),
}
PAIRS = (
    *("power", "float_power", "hypot", "cosine", "arctan2", "logaddexp", "logaddexp2"),
    *("xlogy", "xlog1py"),
)
BY_MPMATH = {
    "erf": mpmath.erf,
    "erfc": lambda x: mpmath.erfc(_within(x)),
    "ndtr": lambda x: mpmath.erfc(_within(-x / mpmath.sqrt(2))) / 2,
}
#: Where the result may be much smaller than its parts, errors count by these.
SUMS = ("logaddexp", "logaddexp2")


def points(dtype: Any, count: int, seed: int) -> Any:
    """Numbers of all magnitudes, dense where things happen, and special ones."""
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    whole = np.uint32 if dtype is np.float32 else np.uint64
    n = count // 8

    def uniform(bound: float) -> Any:
        return rng.uniform(-bound, bound, n)

    some = [
        rng.integers(0, np.iinfo(whole).max, n, dtype=whole, endpoint=True).view(dtype),
        uniform(1),
        uniform(20),
        uniform(800 if dtype is np.float64 else 110),
        uniform(1) * 10 ** uniform(10),
        np.round(uniform(1e6)) * (np.pi / 2),
        1 + uniform(1) * 2 ** uniform(30),
        uniform(1) * info.tiny * 8,
        [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, np.inf, -np.inf, np.nan],
        [info.tiny, info.max, -info.max, info.smallest_subnormal, -info.smallest_subnormal],
    ]
    return np.concatenate([np.asarray(s).astype(dtype) for s in some])


def ulps(got: Any, wanted: Any, scale: Any = 0) -> Any:
    """How many units of the last place some results are off."""
    near = wanted.astype(got.dtype)
    size = np.minimum(np.maximum(np.abs(near), scale), np.finfo(got.dtype).max)
    off = np.abs(got.astype(LONG) - wanted) / np.spacing(size.astype(got.dtype)).astype(LONG)
    same = (got == near) | (np.isnan(got) & np.isnan(near))
    off = np.where(same & ~(off < np.inf), 0, off)
    return np.where(np.isnan(off), np.inf, off).astype(float)


@cache
def function(name: str, dtype: Any) -> Compiled:
    return Compiled(name, [dtype] * (2 if name in PAIRS else 1), dtype, lanes_of(dtype))


def arguments(name: str, dtype: Any, count: int) -> list[Any]:
    x = points(dtype, count, 1)
    if name not in PAIRS:
        return [x]
    rng = np.random.default_rng(2)
    y = x[rng.permutation(len(x))]
    if name == "power":  # large and small results, near the ends and elsewhere
        base = np.abs(points(dtype, count, 3))
        goal = rng.uniform(-745, 710, len(base)) * (1 if dtype is np.float64 else 0.13)
        other = (goal / np.log(base)).astype(dtype)
        return [np.concatenate([x, base]), np.concatenate([y, other])]
    close = (x + rng.uniform(-4, 4, len(x))).astype(dtype)
    scaled = (x * rng.uniform(-4, 4, len(x))).astype(dtype)
    return [np.concatenate([x, x, x]), np.concatenate([y, close, scaled])]


def largest_error(name: str, dtype: Any, count: int) -> tuple[float, Any]:
    args = arguments(name, dtype, count)
    wide = LONG if dtype is np.float64 or name in SUMS else np.float64
    reference = REFERENCES.get(name) or getattr(np, name)
    wanted = reference(*[a.astype(wide) for a in args]).astype(LONG)
    scale = np.maximum(*[np.abs(a) for a in args]) if name in SUMS else 0
    off = ulps(function(name, dtype)(*args), wanted, np.where(np.isfinite(scale), scale, 0))
    worst = int(np.argmax(off))
    return off[worst], [a[worst] for a in args]


def test_what_is_promised_is_at_most_two() -> None:
    assert len(PROMISED) > 35
    assert max([max(pair) for pair in PROMISED.values()]) <= 2


@pytest.mark.parametrize("name", sorted(set(PROMISED) - set(BY_MPMATH)))
def test_floats_are_as_exact_as_promised(name: str) -> None:
    error, where = largest_error(name, np.float32, 1_000_000 if name not in PAIRS else 300_000)
    assert error <= PROMISED[name][0], where


@pytest.mark.parametrize("name", sorted(set(PROMISED) - set(BY_MPMATH)))
def test_doubles_are_as_exact_as_promised(name: str) -> None:
    error, where = largest_error(name, np.float64, 100_000)
    assert error <= PROMISED[name][1], where


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BY_MPMATH)
def test_error_functions_are_as_exact_as_promised(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([points(dtype, 800, 1), *[rng.uniform(-b, b, 1500) for b in (1.2, 7, 28)]])
    x = x[np.isfinite(x)].astype(dtype)
    with mpmath.workdps(40):
        wanted = [BY_MPMATH[name](mpmath.mpf(float(v))) for v in x]
        texts = ["0" if abs(w) < 1e-330 else mpmath.nstr(w, 25) for w in wanted]
    off = ulps(function(name, dtype)(x), np.array(texts, LONG))
    worst = int(np.argmax(off))
    assert off[worst] <= PROMISED[name][dtype is np.float64], x[worst]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_of_any_size(name: str) -> None:
    # 6381956970095103 * 2**797 is the double that is closest to a multiple of pi/2.
    x = np.array([6381956970095103 * 2.0**797, 1e22, 2.0**1023, np.finfo(float).max, 5e15, 1e300])
    x = np.concatenate([x, -x])
    with mpmath.workdps(400):
        wanted = [mpmath.nstr(getattr(mpmath, name)(mpmath.mpf(float(v))), 25) for v in x]
    assert ulps(function(name, np.float64)(x), np.array(wanted, LONG)).max() <= 2
    assert np.isnan(function(name, np.float64)(np.array([np.inf, -np.inf, np.nan]))).all()


def test_logarithms_of_powers_are_whole() -> None:
    exponents = np.arange(-300, 300)
    got = function("log10", np.float64)(np.array([float(f"1e{n}") for n in exponents]))
    assert np.array_equal(got, exponents)
    exponents = np.arange(-1074, 1024)
    got = function("log2", np.float64)(np.ldexp(1.0, exponents))
    assert np.array_equal(got, exponents)
    assert np.array_equal(function("exp2", np.float64)(exponents.astype(float)), 2.0**exponents)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("base", [0.1, 0.999, 1.0, 2, 2.5, 10, 1e-30, 1e30, 0, -3])
def test_powers_of_one_number(base: float, dtype: Any) -> None:
    def emit(builder: Any, values: list[Any]) -> Any:
        return mathematics.exponential(builder, values[0], base)

    x = points(dtype, 20_000, 4)
    if 0 < base != 1:  # the whole range of results
        goal = np.random.default_rng(5).uniform(-745, 710, 20_000)
        x = np.concatenate([x, (goal * (0.13 if dtype is np.float32 else 1) / np.log(base))])
    x = x.astype(dtype)
    off = ulps(Compiled(emit, [dtype], dtype, lanes_of(dtype))(x), np.power(LONG(dtype(base)), x))
    assert off.max() <= 1.3, x[off.argmax()]


@pytest.mark.slow
def test_polynomials_are_what_the_tool_makes() -> None:
    tool = Path(__file__).parents[2] / "docs" / "tools" / "minimax.py"
    made: dict[str, Any] = {}
    exec(subprocess.run([sys.executable, tool], capture_output=True, check=True).stdout, made)
    for name in polynomials.__all__:
        assert made[name] == getattr(polynomials, name)
