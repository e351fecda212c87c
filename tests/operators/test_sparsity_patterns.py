"""Patterns: never an entry too few, whatever the program; and just the right ones where known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradtape as gt
import gradtape.tf as tf
from gradtape.nest import flatten
from gradtape.rules import PRIMITIVES, load_all_tables
from tests.rules.test_every_rule import CASES
from tests.rules.test_programs import STEPS
from tests.rules.tools import leaves
from tests.test_tf_functions import CASES as TF_CASES

sp = pytest.importorskip("scipy.sparse")

from gradtape.patterns import by_colours, found_in  # noqa: E402
from gradtape.patterns.axes import KEPT_APART  # noqa: E402

load_all_tables()


def recorded(function: Any, arguments: Any, constant: Any = gt.constant) -> Any:
    """The tape, the target with all entries that came out, and the sources."""
    xs = [constant(a) for a in arguments]
    with np.errstate(all="ignore"), gt.GradientTape(persistent=True) as tape:
        tape.watch(xs)
        outs = leaves(function(*xs))
        target: Any = np.concatenate([np.ravel(o) for o in outs]) if len(outs) > 1 else outs[0]
    return tape, target if isinstance(target, gt.Tensor) else gt.constant(target), xs


def dense(tape: Any, target: Any, xs: Any) -> Any:
    """The Jacobian by all sources side by side, by the dense way."""
    blocks = tape.jacobian(target, xs, unconnected_gradients="zero")
    pairs = zip(blocks, xs, strict=True)
    return np.concatenate([b.numpy().reshape(target.size, x.size) for b, x in pairs], 1)


def agrees(function: Any, arguments: Any, mode: str | None, constant: Any = gt.constant) -> Any:
    """Check that the pattern covers the Jacobian and the sparse one equals it; the pattern."""
    tape, target, xs = recorded(function, arguments, constant)
    expected = dense(tape, target, xs)
    way = tape.way([x.key for x in xs])
    found = found_in(way, target, xs, (target.shape,), mode)
    pattern = found.pattern.toarray()
    assert not np.any((expected != 0) & ~pattern)
    blocks = by_colours(way, target, xs, found, 1 << 22, gt.GradientTape)
    actual = np.concatenate([b.toarray() for b in blocks], 1)
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    single = any([x.array.dtype.char in "fF" for x in xs])
    rtol = 1e-4 if single else 1e-9
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * (1 + scale))
    return pattern


# Every rule -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_of_every_rule(case: Any) -> None:
    for k, dtype in enumerate(case.numbers):
        mode = ("forward", "reverse")[(len(case.label) + k) % 2]
        agrees(case.function, case.at(dtype), mode)


@pytest.mark.parametrize("name", TF_CASES)
def test_of_every_function_of_tf(name: str) -> None:
    call, values = TF_CASES[name]

    def function(*xs: Any) -> Any:
        found = [t for t in flatten(call(tf, *xs)) if isinstance(t, gt.Tensor)]
        return [gt.Tensor(t.array, t.key) for t in found]

    arguments = [tf.constant(v, dtype=tf.float64) for v in values]
    for mode in ("forward", "reverse"):
        agrees(function, arguments, mode, tf.identity)


#: Primitives of which every output counts as reading every input, or whose pattern is built apart.
MIXING = {"lstsq", "zeros_of", "convolved", "scipy.solve_banded", "scipy.solve_ivp.weighted"}


def test_every_primitive_that_mixes_is_known_as_that() -> None:
    """One that is new must be looked at: which axes does it keep apart?"""
    general = {
        name
        for name, primitive in PRIMITIVES.items()
        if primitive.kind == "general" and getattr(primitive, "spread", None) is None
    }
    unknown = {name for name in general if not name.startswith("tf.")} - KEPT_APART.keys()
    assert unknown <= MIXING
    assert not KEPT_APART.keys() & MIXING


# Random programs --------------------------------------------------------------------------------

#: Further steps, of patterns that are far from full.
SPARSE_STEPS: dict[str, Any] = {
    "differences": lambda a, b: np.concatenate([np.diff(a, axis=0), b[:1]]),
    "where": lambda a, b: np.where(a > 0, a * a, b),
    "greater": lambda a, b: np.maximum(a, b) * np.minimum(a, 0.3),
    "clip": lambda a, b: np.clip(a, -0.3, 0.3) + b,
    "relu": lambda a, b: np.maximum(a, 0) * 2 - b,
    "sort": lambda a, b: np.sort(a, 0) + b,
    "largest": lambda a, b: a * b.max(0) + np.min(a, 1, keepdims=True),
    "write": lambda a, b: write(a, b),
    "add at": lambda a, b: add_at(a, b),
    "constant matrix": lambda a, b: BAND @ a + b @ np.diag([1.0, 0.0]),
    "convolve": lambda a, b: np.convolve(a[:, 0], b[:2, 1], "same")[:, None] * a,
    "solve": lambda a, b: np.linalg.solve(np.eye(3) * 4 + a @ b.T, a),
    "mask": lambda a, b: np.where(np.arange(3)[:, None] == 1, 0.0, a) + b[[0, 0, 2]],
    "triangle": lambda a, b: np.tril(a) * b,
    "mean where": lambda a, b: np.mean(a, 0, where=BAND[:, :2] > 0) + b,
    "constant": lambda a, b: np.ones((3, 2)) + 0 * b,
}
BAND = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.0], [0.0, 3.0, 1.0]])
EVERY_STEP = STEPS | SPARSE_STEPS

programs = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(sorted(SPARSE_STEPS)), st.sampled_from(sorted(EVERY_STEP))),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=7,
)


def write(a: Any, b: Any) -> Any:
    out = a * 1.0
    out[1:] = b[:-1]
    out[[0, 2], [1, 1]] = a[0, 0]
    return out


def add_at(a: Any, b: Any) -> Any:
    out = a * 1.0
    np.add.at(out, ([0, 2, 0], [1, 1, 1]), b[:, 0])
    return out


def run(program: Any) -> Any:
    """The function that a program stands for."""

    def function(x: Any, y: Any) -> Any:
        values = [x, y]
        for step, i, j in program:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            values.append(EVERY_STEP[step](a, b))
        return values[-1]

    return function


@pytest.mark.fuzz
@given(program=programs, seed=st.integers(0, 10**6), mode=st.sampled_from(["forward", "reverse"]))
def test_of_random_programs(program: Any, seed: int, mode: str) -> None:
    random = np.random.default_rng(seed)
    agrees(run(program), random.uniform(-1, 1, (2, 3, 2)), mode)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore:what energy returned does not depend")
@given(program=programs, seed=st.integers(0, 10**6))
def test_hessians_of_random_programs(program: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    function, weights = run(program), random.normal(size=(3, 2))

    def energy(x: Any) -> Any:
        return np.sum(weights * np.sin(function(x[0], x[1])))

    x = random.uniform(-1, 1, (2, 3, 2))
    expected = gt.hessian(energy)(x).reshape(12, 12)
    scale = 1 + np.abs(expected).max()
    actual = gt.hessian(energy, sparse=True)(x).toarray()
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-10 * scale)


# Known patterns ---------------------------------------------------------------------------------

X = np.array([3.0, -1.0, 2.0, -4.0, 5.0])
N = len(X)
FULL = np.ones((N, N), bool)
EYE = np.eye(N, dtype=bool)
EXACT: dict[str, Any] = {
    "entries": (lambda x: np.sin(x) * x + np.exp(-x), EYE),
    "moved": (lambda x: np.roll(x, 1)[::-1] ** 2, np.roll(EYE, 1, 0)[::-1]),
    "picked": (lambda x: x[[0, 0, 3]] * 2, EYE[[0, 0, 3]]),
    "differences": (lambda x: np.diff(x, 2), (np.diff(np.eye(N), 2, axis=0) != 0)),
    "sum": (lambda x: x + x.sum(), FULL),
    "mean of rows": (
        lambda x: np.outer(x, x[:2]).mean(1),
        EYE | (np.arange(N) < 2),
    ),
    "rows summed": (lambda x: np.stack([x, x**2]).sum(0), EYE),
    "where": (lambda x: np.where(x > 0, x, x[::-1]), np.where((X > 0)[:, None], EYE, EYE[::-1])),
    "dead": (lambda x: np.where(x > 0, x**2, 1.0), EYE & (X > 0)),
    "maximum": (lambda x: np.maximum(x, x[0] - 2), np.where((X >= 1)[:, None], EYE, EYE[0])),
    "clip": (lambda x: np.clip(x, -2, 2), EYE & (np.abs(X) <= 2)),
    "relu": (lambda x: np.maximum(x, 0) ** 2, EYE & (X > 0)),
    "largest": (lambda x: x * x.max(), EYE | EYE[4]),
    "sorted": (np.sort, EYE[np.argsort(X)]),
    "running": (np.cumsum, np.tri(N, dtype=bool)),
    "running product": (np.cumprod, np.tri(N, dtype=bool)),
    "a constant matrix": (lambda x: np.diag(np.arange(4.0), 1) @ x, np.diag(np.arange(4), 1) > 0),
    "its transpose": (lambda x: x @ np.diag(np.arange(4.0), 1), np.diag(np.arange(4), -1) > 0),
    "convolution": (
        lambda x: np.convolve(x, [1.0, 2.0, 3.0], "full"),
        np.array([[0 <= i - j < 3 for j in range(N)] for i in range(N + 2)]),
    ),
    "padded": (lambda x: np.pad(x, 1), np.pad(EYE, ((1, 1), (0, 0)))),
    "powers": (lambda x: np.vander(x, 3).ravel(), np.repeat(EYE, 3, 0) & ([[1], [1], [0]] * N)),
    "softmax of rows": (
        lambda x: (np.exp(x[:4].reshape(2, 2)) / np.exp(x[:4].reshape(2, 2)).sum(1)[:, None]),
        np.kron(np.eye(2), np.ones((2, 2))) @ np.eye(4, N) > 0,
    ),
    "a stack of products": (
        lambda x: (x[:4].reshape(2, 2, 1) @ x[:4].reshape(2, 1, 2)),
        np.array(
            [
                [b == k // 2 and k % 2 in (i, j) for k in range(N)]
                for b, i, j in np.ndindex(2, 2, 2)
            ]
        ),
    ),
    "a stack of solutions": (
        lambda x: np.linalg.solve(np.eye(2) * x[:2, None, None], np.ones((2, 2, 1))),
        np.repeat(np.eye(2, N, dtype=bool), 2, 0),
    ),
    "einsum": (
        lambda x: np.einsum("ij,kj->ki", x[:4].reshape(2, 2), np.ones((3, 2))),
        np.tile(np.kron(np.eye(2), np.ones((1, 2))) @ np.eye(4, N) > 0, (3, 1)),
    ),
    "fft of rows": (
        lambda x: np.real(np.fft.fft(x[:4].reshape(2, 2))),
        np.kron(np.eye(2), np.ones((2, 2))) @ np.eye(4, N) > 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_known_patterns(name: str) -> None:
    function, expected = EXACT[name]
    found = gt.sparsity(function)(X)
    assert np.array_equal(found.pattern.toarray(), expected)
    agrees(function, [X], None)


def test_what_is_written_into_an_array_replaces_what_was_there() -> None:
    def filled(x: Any) -> Any:
        out = np.zeros_like(x)
        for i in range(1, N):
            out[i] = x[i] * x[i - 1]
        out[2] = x[0]
        return out

    expected = EYE | np.eye(N, k=-1, dtype=bool)
    expected[0], expected[2] = False, EYE[0]
    assert np.array_equal(gt.sparsity(filled)(X).pattern.toarray(), expected)


def test_a_slope_that_happens_to_be_zero_is_an_entry() -> None:
    assert gt.sparsity(lambda x: x**2)(np.zeros(3)).nnz == 3
    assert gt.sparsity(lambda x: x * np.zeros(3))(np.ones(3)).nnz == 3


def test_functions_with_gradients_of_their_own_read_everything() -> None:
    @gt.custom_gradient
    def doubled(x: Any) -> Any:
        return 2 * x, lambda g: 2 * g

    assert gt.sparsity(lambda x: doubled(x[:3]))(X).pattern.toarray().sum() == 9
    agrees(lambda x: doubled(x[:3]) * x[1], [X], None)


def test_of_several_outputs_of_one_operation() -> None:
    matrices = np.random.default_rng(0).normal(size=(2, 3, 3))

    def values(x: Any) -> Any:
        found = np.linalg.eigh(x + np.swapaxes(x, -1, -2))
        return found.eigenvalues

    pattern = agrees(values, [matrices], None)
    assert np.array_equal(pattern, np.kron(np.eye(2), np.ones((3, 9))) > 0)


def test_of_a_source_that_the_target_passes_by() -> None:
    x, y = gt.constant(X), gt.constant(X)
    with gt.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        middle = x * 2
        tape.watch(middle)
        target = middle * middle
    by_middle, by_x, by_y = tape.jacobian(target, [middle, x, y], sparse=True)
    assert np.array_equal(by_middle.toarray(), np.diag(4 * X))
    assert np.array_equal(by_x.toarray(), np.diag(8 * X))
    assert (by_y.shape, by_y.nnz) == ((N, N), 0)


def test_the_cost_of_a_pattern_is_that_of_its_entries() -> None:
    found = gt.sparsity(lambda x: np.diff(np.sin(x) * x) ** 2)(np.linspace(0, 1, 200_000))
    assert (found.shape, found.nnz, found.colors) == ((199_999, 200_000), 399_998, 2)


def test_what_is_constant_in_a_matrix_costs_nothing() -> None:
    """A solver reads all entries of its matrix, 10**6 here, for each of its 10**3 results."""

    def solution(x: Any) -> Any:
        band = np.diag(4 + x**2) + np.diag(x[1:], 1) + np.diag(x[:-1], -1)
        return np.linalg.solve(band, np.ones(len(x)))[::50]

    found = gt.sparsity(solution)(np.linspace(-1, 1, 1000))
    assert (found.shape, found.nnz) == ((20, 1000), 20_000)
    agrees(solution, [X], None)
