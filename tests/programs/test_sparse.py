"""Sparse derivatives inside traced functions: those of the plain function, in their own arrays."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradtape as gt
from gradtape.programs.files import CannotSaveError, ProgramFileError
from gradtape.programs.symbols import TraceError
from tests.operators.test_sparsity_patterns import programs, run
from tests.programs.test_bad_files import members_of, rewrite

sp = pytest.importorskip("scipy.sparse")

RNG = np.random.default_rng(3)
X = np.array([0.4, -1.3, 0.7, 2.1, -0.2, 0.9])
Z = X + 1j * X[::-1]
FULL = RNG.normal(size=(6, 6))

LLVM = pytest.param("llvm", marks=pytest.mark.skipif(not find_spec("llvmlite"), reason="an extra"))
both_engines = pytest.mark.parametrize("engine", ["numpy", LLVM])


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def wheres(x: Any) -> Any:
    return np.where(x > 0, x[::-1], x**2)


def cubes(x: Any) -> Any:
    return np.sum(x**3)


def same(actual: Any, expected: Any) -> None:
    """Sparse arrays, in nests: the same entries, and values to some units in the last place."""
    assert gt.nest.same_structure(actual, expected)
    for a, e in zip(gt.nest.flatten(actual), gt.nest.flatten(expected), strict=True):
        assert type(a) is type(e) is sp.csr_array
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_array_equal(a.indices, e.indices)
        np.testing.assert_array_equal(a.indptr, e.indptr)
        assert a.has_canonical_format
        eps = np.finfo(e.dtype).eps
        scale = np.max(np.abs(e.data), initial=1)
        np.testing.assert_allclose(a.data, e.data, rtol=64 * eps, atol=64 * eps * scale)


# The same as without ------------------------------------------------------------------------------

JACOBIANS: dict[str, Any] = {
    "diagonal": (lambda x: x * np.tanh(x), X),
    "differences": (lambda x: np.diff(x) ** 2, X),
    "the argument": (lambda x: x, X),
    "reversed": (lambda x: 2 * x[::-1], X),
    "where": (wheres, X),
    "maximum": (lambda x: np.maximum(x, x[::-1] ** 2), X),
    "clip": (lambda x: np.clip(x, -0.5, 0.5) * x, X),
    "sorted": (lambda x: np.sort(x) ** 2, X),
    "computed places": (lambda x: x[np.argsort(x)] ** 3, X),
    "given places": (lambda x, i: x[i] ** 2, X, np.array([3, 1, 1, 0])),
    "a mask": (lambda x: x[x > 0] ** 2, X),
    "largest": (lambda x: np.max(x.reshape(2, 3), 1) * x[:2], X),
    "median": (lambda x: np.median(x.reshape(2, 3), 1) * x[:2], X),
    "a sparse matrix": (lambda x, a: (a @ x) ** 2, X, np.diag(X)),
    "a full matrix": (lambda x, a: (a @ x) ** 2, X, FULL),
    "solved": (lambda x: np.linalg.solve(FULL, x) ** 2, X),
    "running": (lambda x: np.cumsum(x) ** 2, X),
    "nothing": (lambda x: x[:0] ** 2, X),
    "a number": (lambda x: x**3, np.float64(2.0)),
    "a sign": (lambda x: np.maximum(x, 0), np.float64(2.0)),
    "complex": (lambda x: x**2 * np.roll(x, 1), Z),
    "single": (lambda x: np.diff(x) ** 2, X.astype(np.float32)),
    "single complex": (lambda x: x**2 * np.roll(x, 1), Z.astype(np.complex64)),
}


@both_engines
@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians(name: str, mode: Any, engine: str) -> None:
    f, x, *others = JACOBIANS[name]
    operator = gt.jacobian(f, mode=mode, sparse=True)
    dense = gt.jacobian(f, mode=mode)
    traced = gt.function(operator, engine=engine)
    for factor in (1, -1, 2, 1):
        expected = operator(x * factor, *others)
        same(traced(x * factor, *others), expected)
        whole = np.reshape(dense(x * factor, *others), expected.shape)
        np.testing.assert_allclose(expected.toarray(), whole, rtol=1e-5, atol=1e-6)
    assert traced.traces <= 2


HESSIANS: dict[str, Any] = {
    "rosenbrock": (rosenbrock, X),
    "arrow": (lambda x: np.sum(np.exp(x[0]) * x[1:] ** 2) + x[0] ** 4, X),
    "constant": (lambda x: np.sum(x * x), X),
    "zero": (lambda x: np.sum(x), X),
    "branches": (lambda x: np.sum(np.where(x > 0, x**3, np.roll(x, 1) * x)), X),
    "single": (rosenbrock, X.astype(np.float32)),
    "complex": (lambda x: np.sum(np.real(x * x * np.roll(x, 1))), Z),
}


@both_engines
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("name", HESSIANS)
def test_hessians(name: str, known: bool, engine: str) -> None:
    f, x = HESSIANS[name]
    for factor in (1, 2, 1):
        kept = gt.sparsity(f, order=2)(x * factor) if known else None
        operator = gt.hessian(f, sparse=True, sparsity=kept)
        traced = gt.function(operator, engine=engine)
        same(traced(x * factor), operator(x * factor))
        same(traced(x * factor), operator(x * factor))
        expected = gt.hessian(f)(x * factor)
        np.testing.assert_allclose(traced(x).toarray(), gt.hessian(f)(x), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(operator(x * factor).toarray(), expected, rtol=1e-4, atol=1e-4)
        assert traced.traces == 1


@both_engines
def test_nests(engine: str) -> None:
    def f(x: Any, rest: Any) -> Any:
        y = rest["y"]
        return {"a": x * y, "b": (np.diff(y) ** 2, x[0] * y[:2])}

    arguments = X, {"y": X[::-1].astype(np.float32), "unused": X[:2]}
    operator = gt.jacobian(f, argnums=(0, 1), sparse=True)
    traced = gt.function(operator, engine=engine)
    for _ in range(2):
        same(traced(*arguments), operator(*arguments))


@both_engines
def test_beside_other_results(engine: str) -> None:
    def f(x: Any) -> Any:
        return cubes(x), x[::-1]

    operator = gt.hessian(f, has_aux=True, sparse=True)
    traced = gt.function(operator, engine=engine)
    for factor in (1, 2):
        (h, aux), (expected, other) = traced(factor * X), operator(factor * X)
        same(h, expected)
        np.testing.assert_array_equal(aux, other)


@both_engines
def test_on_the_tape(engine: str) -> None:
    def f(x: Any) -> Any:
        x = gt.constant(x)
        with gt.GradientTape() as tape:
            tape.watch(x)
            y = x[1:] * x[:-1]
        return tape.jacobian(y, x, sparse=True)

    traced = gt.function(f, engine=engine)
    for factor in (1, 2):
        same(traced(factor * X), f(factor * X))
    assert traced.traces == 1


@pytest.mark.fuzz
@both_engines
@pytest.mark.filterwarnings("ignore:what value returned does not depend")
@given(program=programs, seed=st.integers(0, 10**6), mode=st.sampled_from(["forward", "reverse"]))
def test_random_programs(program: Any, seed: int, mode: str, engine: str) -> None:
    function = run(program)

    def value(x: Any) -> Any:
        out = function(x[0], x[1])
        return out if isinstance(out, gt.Tensor) else gt.constant(out)

    operator = gt.jacobian(value, mode=mode, sparse=True)
    traced = gt.function(operator, engine=engine)
    for x in np.random.default_rng(seed).uniform(-1, 1, (2, 2, 3, 2)):
        expected = operator(x)
        for _ in range(2):
            found = traced(x)
            np.testing.assert_array_equal(found.indices, expected.indices)
            np.testing.assert_array_equal(found.indptr, expected.indptr)
            np.testing.assert_allclose(found.data, expected.data, rtol=1e-6, atol=1e-8)


# Patterns and guards ------------------------------------------------------------------------------


@both_engines
def test_another_branch_has_another_pattern(engine: str) -> None:
    traced = gt.function(gt.jacobian(wheres, sparse=True), engine=engine)
    plus, minus = np.abs(X), -np.abs(X)
    for x, places in [(plus, np.arange(6)[::-1]), (minus, np.arange(6)), (3 * plus, None)]:
        j = traced(x)
        np.testing.assert_array_equal(j.toarray(), gt.jacobian(wheres)(x))
        if places is not None:
            np.testing.assert_array_equal(j.indices, places)
    assert traced.traces == 2


def test_values_that_no_pattern_depends_on_have_no_guards() -> None:
    traced = gt.function(gt.jacobian(lambda x: np.sin(x) * x, sparse=True))
    for k in range(5):
        traced(X * k)
    assert traced.traces == 1


def test_the_zeros_of_a_matrix_that_is_given_are_guarded() -> None:
    f = lambda x, a: (a @ x) ** 2  # noqa: E731
    traced = gt.function(gt.jacobian(f, sparse=True))
    band = np.diag(X)
    assert [traced(X, a).nnz for a in (band, 2 * band, band + np.eye(6, k=1), FULL)] == [
        *(6, 6, 11, 36)
    ]
    assert traced.traces == 3


@both_engines
def test_a_kept_pattern_is_used_as_it_is(engine: str) -> None:
    kept = gt.sparsity(wheres)(np.abs(X))
    operator = gt.jacobian(wheres, sparse=True, sparsity=kept)
    traced = gt.function(operator, engine=engine)
    for x in (np.abs(X), -np.abs(X)):  # for the second it is wrong, and nobody looks
        same(traced(x), operator(x))
    assert traced.traces == 1


@both_engines
@pytest.mark.parametrize("x", [np.abs(X), np.abs(Z)])
def test_a_kept_pattern_that_is_compared_is_refused_where_it_is_wrong(x: Any, engine: str) -> None:
    kept = gt.sparsity(wheres, check=True)(np.abs(X))
    traced = gt.function(gt.jacobian(wheres, sparse=True, sparsity=kept), engine=engine)
    np.testing.assert_array_equal(traced(np.abs(X)).toarray(), np.eye(6)[::-1])
    for _ in range(2):
        with pytest.raises(ValueError, match=r"misses entries .* 6 of 6 numbers differ"):
            traced(-np.abs(X))
    np.testing.assert_array_equal(traced(3 * np.abs(X)).toarray(), np.eye(6)[::-1])
    assert traced.traces == 1


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("x", [X, Z])
def test_a_kept_pattern_that_is_compared_is_taken_where_it_is_right(x: Any, mode: str) -> None:
    f = JACOBIANS["complex"][0]
    kept = gt.sparsity(f, mode=mode, check=True)(x)
    operator = gt.jacobian(f, sparse=True, sparsity=kept)
    traced = gt.function(operator)
    for factor in (1, 2):
        same(traced(factor * x), operator(factor * x))


# Arrays of their own ------------------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    "f", [lambda x: x, lambda x: 1 * x, lambda x: np.diff(x), lambda x: x**3, lambda x: x[::-1]]
)
def test_what_is_written_into_a_result_stays_in_it(f: Any, traced: bool) -> None:
    kept = gt.sparsity(f)(X)
    operator = gt.jacobian(f, sparse=True, sparsity=kept)
    operator = gt.function(operator) if traced else operator
    expected = gt.jacobian(f)(X)
    for _ in range(4):
        j = operator(X)
        np.testing.assert_array_equal(j.toarray(), expected)
        for array in (j.data, j.indices, j.indptr):
            array[...] = 0
    np.testing.assert_array_equal(kept.pattern.toarray(), expected != 0)


@both_engines
def test_what_is_the_same_at_each_call_is_a_new_array_each_time(engine: str) -> None:
    traced = gt.function(gt.hessian(lambda x: np.sum(x * x), sparse=True), engine=engine)
    for _ in range(3):
        h = traced(X)
        np.testing.assert_array_equal(h.toarray(), 2 * np.eye(6))
        h.data[...] = h.indices[...] = 0


@both_engines
def test_the_same_result_twice_is_two_arrays(engine: str) -> None:
    @gt.function(engine=engine)
    def f(x: Any) -> Any:
        h = gt.hessian(cubes, sparse=True)(x)
        return h, h, h.data

    for _ in range(2):
        one, other, values = f(X)
        one.data[...] = one.indices[...] = 0
        np.testing.assert_allclose(other.toarray(), np.diag(6 * X))
        np.testing.assert_allclose(values, 6 * X)


def test_results_behave_as_if_the_constructor_had_made_them() -> None:
    h = gt.function(gt.hessian(rosenbrock, sparse=True))(X)
    made = sp.csr_array((h.data.copy(), h.indices.copy(), h.indptr.copy()), shape=h.shape)
    made.has_canonical_format  # noqa: B018
    assert vars(h).keys() == vars(made).keys()
    for key, value in vars(made).items():
        np.testing.assert_array_equal(vars(h)[key], value)
    h.data[3] = made.data[3] = 0
    for matrix in (h, made):
        matrix.eliminate_zeros()
        matrix.sum_duplicates()
    assert h.nnz == made.nnz == 3 * 6 - 3
    np.testing.assert_array_equal((h @ h.T - 2 * h).toarray(), (made @ made.T - 2 * made).toarray())


def test_sparse_arrays_of_the_users_own_come_out_as_copies() -> None:
    own = sp.csc_array(np.eye(3))
    traced = gt.function(lambda x: (x * 2, own))
    for _ in range(2):
        _, found = traced(X)
        assert type(found) is sp.csc_array
        np.testing.assert_array_equal(found.toarray(), np.eye(3))
        found.data[...] = 5
    np.testing.assert_array_equal(own.toarray(), np.eye(3))


# Beside other traces, tapes and files -------------------------------------------------------------


def test_inside_of_another_traced_function() -> None:
    inner = gt.function(gt.hessian(cubes, sparse=True))
    outer = gt.function(lambda x: (inner(2 * x), 2 * inner(x).data))
    for factor in (1, 3):
        h, values = outer(factor * X)
        np.testing.assert_allclose(h.toarray(), np.diag(12 * factor * X))
        np.testing.assert_allclose(values, 12 * factor * X)
    assert (outer.traces, inner.traces) == (1, 0)


def test_what_scipy_does_with_one_is_refused() -> None:
    traced = gt.function(lambda x: gt.hessian(cubes, sparse=True)(x) @ x)
    with pytest.raises(TraceError):
        traced(X)


def test_under_a_tape() -> None:
    traced = gt.function(gt.hessian(cubes, sparse=True))
    expected = np.diag(6 * X)
    with gt.GradientTape():
        np.testing.assert_allclose(traced(X).toarray(), expected)
    v = gt.Variable(X)
    for _ in range(2):
        np.testing.assert_allclose(traced(v).toarray(), expected)
        with gt.GradientTape(), pytest.raises(TypeError, match="leave out sparse=True"):
            traced(v)


def test_in_a_file(tmp_path: Any) -> None:
    path = tmp_path / "hessian.gt"
    traced = gt.function(gt.hessian(rosenbrock, has_aux=False, sparse=True))
    traced(X)
    traced.save(path)
    loaded = gt.load(path)
    for factor in (1, 2, 3):
        found = loaded(factor * X)
        same(found, traced(factor * X))
        found.data[...] = found.indices[...] = 0
    loaded.save(path)
    same(gt.load(path)(X), traced(X))
    nested = gt.function(lambda x: loaded(2 * x))
    for _ in range(2):
        same(nested(X), traced(2 * X))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("shape", s) for s in ([6, 2], [2, 6], [6], [-1, 6], "6", None)],
        *[("output", n) for n in (1, -1, "0", None)],
        *[("indices", "indptr"), ("indptr", "indices"), ("indptr", None)],
    ],
)
def test_in_a_bad_file(tmp_path: Any, key: str, value: Any) -> None:
    path = tmp_path / "hessian.gt"
    traced = gt.function(gt.hessian(rosenbrock, sparse=True))
    traced(X)
    traced.save(path)
    members = members_of(path)
    data = json.loads(members["programs.json"])
    (leaf,) = data["programs"][0]["returns"][1]
    assert leaf["kind"] == "sparse"
    leaf[key] = leaf[value] if value in ("indices", "indptr") else value
    members["programs.json"] = json.dumps(data).encode()
    rewrite(path, members)
    with pytest.raises(ProgramFileError):
        gt.load(path)(X)


def test_what_a_file_cannot_say(tmp_path: Any) -> None:
    own = sp.csc_array(np.eye(3))
    traced = gt.function(lambda x: (x, own))
    traced(X)
    with pytest.raises(CannotSaveError, match="only a csr_array"):
        traced.save(tmp_path / "own.gt")


def test_sums_of_several_shares_are_no_writes() -> None:
    """A program would be for one layout in memory only."""
    traced = gt.function(gt.hessian(rosenbrock, sparse=True))
    for x in (X, np.repeat(X, 2)[::2]):
        same(traced(x), gt.hessian(rosenbrock, sparse=True)(x))
    assert traced.traces == 1


def test_transforms_forward() -> None:
    """A rule that is the function itself is part of the program, too."""
    dct = pytest.importorskip("gradtape.scipy.fft").dct
    for operator in (
        gt.jacobian(dct, mode="forward"),
        gt.jacobian(dct, mode="forward", sparse=True),
    ):
        traced = gt.function(operator)
        found, expected = [np.asarray(f(X) @ X) for f in (traced, operator)]
        np.testing.assert_allclose(found, expected)
