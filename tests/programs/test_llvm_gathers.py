"""Entries picked by arrays of places, in native code: what NumPy picks, wherever it lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import gradtape as gt
from gradtape.programs.llvm import gathers, objects
from gradtape.programs.llvm.engine import LlvmProgram
from tests.programs.graphs import Building
from tests.programs.llvm_programs import agree

pytestmark = pytest.mark.skipif(not objects.available(), reason="objects look different here")

RNG = np.random.default_rng(11)
X = RNG.normal(size=(5, 7))
MASK = X > 0
ROWS = np.array([4, 0, 0, -1, 2])

INDICES: dict[str, Any] = {
    "rows": (ROWS,),
    "columns": (slice(None), ROWS),
    "entries": (ROWS, ROWS[::-1]),
    "a mask": (MASK,),
    "a mask of rows": (MASK[:, 0], slice(1, None, 2)),
    "an outer product": (ROWS[:, None], np.array([[1, 2, 6]])),
    "beside a number": (ROWS, 3),
    "around a slice": (ROWS, slice(None), None),
    "small numbers": (ROWS.astype(np.int8),),
    "without signs": (np.array([3, 1], np.uint64),),
    "a list of arrays": (Ellipsis, np.array([[0, 6], [6, 0]])),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("name", INDICES)
def test_of_an_input(name: str, dtype: Any) -> None:
    build = Building()
    x = build.input((X * 3).astype(dtype))
    build.returns(build.call("getitem", x, params=(INDICES[name],)))
    agree(build, ulp=0)


@pytest.mark.parametrize("name", INDICES)
def test_of_what_lies_in_another_order(name: str) -> None:
    """The places are those in the memory of what was computed."""
    build = Building()
    x = build.input(np.ascontiguousarray(X.T[::-1]))
    turned = build.call("transpose", x, params=((-1, -2),))
    back = build.call("getitem", turned, params=((slice(None), slice(None, None, -1)),))
    twice = build.call("getitem", build.call("add", back, back), params=(INDICES[name],))
    found = build.call("getitem", back, params=(INDICES[name],))
    build.returns(found, build.call("sin", twice), build.call("sum", found, params=((0,), False)))
    agree(build)


def test_of_one_entry_that_is_spread() -> None:
    build = Building()
    x = build.input(np.float64(2.5))
    spread = build.call("broadcast", x, params=((6,),))
    build.returns(build.call("getitem", spread, params=((np.array([5, 0, 0]),),)))
    agree(build, ulp=0)


def test_of_a_constant_and_twice_as_an_output() -> None:
    build = Building()
    x, c = build.input(X), build.constant(X[::-1].copy())
    found = build.call("getitem", c, params=((ROWS,),))
    build.returns(found, found, build.call("multiply", found, x))
    agree(build, ulp=0)


@pytest.mark.parametrize("index", [(np.array([], np.int64),), (np.array([3]), np.array([2]))])
def test_of_no_entry_or_one(index: Any) -> None:
    build = Building()
    x = build.input(X)
    build.returns(build.call("getitem", x, params=(index,)), build.call("exp", x))
    agree(build, native=False)


def test_many_entries_stay_with_numpy(monkeypatch: Any) -> None:
    monkeypatch.setattr(gathers, "MOST", 3)
    build = Building()
    x = build.input(X)
    build.returns(build.call("getitem", x, params=((ROWS,),)))
    assert [part.native for part in LlvmProgram(build.graph).parts] == [False]
    agree(build, ulp=0, native=False)


def test_places_are_those_of_the_trace() -> None:
    places = ROWS.copy()
    f = gt.function(lambda x: x[places] * 2, engine="llvm")
    expected = f(X)
    places[...] = 0
    np.testing.assert_array_equal(f(X), expected)


def test_traced_and_differentiated() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sin(x[ROWS]) * x[MASK][:5, None])

    for operator in (gt.grad(f), gt.hessian(f)):
        traced = gt.function(operator, engine="llvm")
        for x in (X, 2 * X):
            np.testing.assert_allclose(traced(x), operator(x), rtol=1e-12, atol=1e-12)
        assert traced.traces == 1
