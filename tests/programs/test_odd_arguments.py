"""Traced functions of arrays of any length, in any memory, with any numbers, by both engines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from fuzz.traced import ENGINES, layouts
from tests.programs.test_every_rule_traced import compare

EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 700.0, -800.0, 1e-3, 3e38, -3e-39]


def values(shape: Any, dtype: Any, kind: str = "normal") -> Any:
    """Numbers of a kind, the same ones each time."""
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=shape)
    if kind == "edges":
        tiny = np.finfo(dtype).smallest_subnormal
        drawn = rng.choice([*EDGES, tiny, -3 * tiny, float(np.finfo(dtype).tiny) / 2], shape)
    with np.errstate(all="ignore"):
        return np.asarray(drawn).astype(dtype)


def slope(f: Callable[..., Any]) -> Callable[..., Any]:
    """The value and the gradient of the sum of a function of two arrays."""
    return gt.value_and_grad(lambda x, y: np.sum(f(x, y)), (0, 1))


#: Programs of two arrays of one shape.
PROGRAMS: dict[str, Callable[..., Any]] = {
    "chain": lambda x, y: np.tanh(x * y) - np.exp(-np.abs(x)) / (1 + y * y),
    "slopes": slope(lambda x, y: np.sin(x) * y + np.sqrt(1 + x * x) * np.arctan(y)),
    "logarithms": slope(lambda x, y: np.log1p(x * x) * y + np.logaddexp(x, y)),
    "choices": slope(lambda x, y: np.where(x > y, x * y, np.maximum(x, 0)) + np.minimum(x, y)),
    "signs": lambda x, y: [np.copysign(x, y), np.sign(x), np.isnan(x), x == y, -x, abs(y)],
    "sums": lambda x, y: [np.sum(x), np.sum(x * y, axis=0), np.sum(x - y, axis=-1)],
    "reversed": slope(lambda x, y: x[::-1] * y + np.flip(y)[1:].sum() * x),
    "outer": slope(lambda x, y: x[..., None] * np.sin(y)[..., None, :]),
    "turned": slope(lambda x, y: np.tanh(x.T @ y) if x.ndim == 2 else x * np.mean(y)),
    "joined": lambda x, y: np.concatenate([x, 2 * y, x[:1]], axis=0) ** 2,
}
SHAPES: list[Any] = [(0,), (1,), (7,), (33,), (0, 3), (3, 0), (1, 1), (5, 1), (1, 6), (19, 5)]


def eager(f: Callable[..., Any], arguments: Any) -> Any:
    """What the plain function gives, or the error that it raises."""
    with np.errstate(all="ignore"):
        try:
            return [np.copy(leaf)[()] for leaf in leaves(f(*arguments))]
        except (ValueError, IndexError) as error:
            return type(error)


def leaves(nest: Any) -> Iterator[Any]:
    """The arrays of a nest."""
    if isinstance(nest, (tuple, list)):
        for part in nest:
            yield from leaves(part)
    else:
        yield nest


def check(f: Callable[..., Any], traced: Any, arguments: Any) -> None:
    """Compare a traced function with the plain one; neither writes into its arguments."""
    before = [np.copy(a) for a in arguments]
    compare(eager(traced, arguments), eager(f, arguments))
    for a, b in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_shapes_and_layouts(name: str, shape: Any, engine: str) -> None:
    f = PROGRAMS[name]
    traced = gt.function(f, engine=engine)
    dtype = np.float32 if len(name) % 2 else np.float64
    x, y = values((2, *shape), dtype)
    check(f, traced, (x, y))
    for arguments in layouts((y, x)):
        check(f, traced, arguments)
    check(f, traced, (np.broadcast_to(x[:1], shape), y))
    check(f, traced, (x, x))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PROGRAMS)
def test_special_values(name: str, dtype: Any, engine: str) -> None:
    f = PROGRAMS[name]
    traced = gt.function(f, engine=engine)
    for shape in [(45,), (9, 4)]:
        x, y = values((2, *shape), dtype)
        check(f, traced, (x, y))
        check(f, traced, (values(shape, dtype, "edges"), y))
        check(f, traced, (x, values(shape, dtype, "edges")))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["slopes", "choices", "turned"])
def test_threads(name: str, engine: str) -> None:
    f = PROGRAMS[name]
    traced = gt.function(f, engine=engine)
    sets = [values((2, 40, 6), np.float64) * k for k in range(1, 7)]
    expected = [eager(f, pair) for pair in sets]
    wrong: list[Any] = []
    start = threading.Barrier(6)

    def work(k: int) -> None:
        start.wait()  # the first trace is under way in one of them
        for _ in range(20):
            try:
                compare(eager(traced, sets[k]), expected[k])
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
