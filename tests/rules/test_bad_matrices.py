"""No rule of linear algebra raises because of a value: of a cotangent, or of a singular matrix.

The walk is first done without masks, so that what stands behind a dead branch must get through.
"""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.rules.tools import bare, leaves

linalg: Any = pytest.importorskip("gradtape.scipy.linalg")

HEALTHY = np.array([[2.0, 1.0], [1.0, 3.0]])
SINGULAR = {
    "zeros": np.zeros((2, 2)),
    "ones": np.ones((2, 2)),
    "nilpotent": np.array([[0.0, 1.0], [0.0, 0.0]]),
}
SIDES = np.eye(2)

FUNCTIONS: dict[str, Any] = {
    "inv": np.linalg.inv,
    "solve": lambda x: np.linalg.solve(x, SIDES),
    "pinv": np.linalg.pinv,
    "lstsq": lambda x: np.linalg.lstsq(x, SIDES, None)[0],
    "det": np.linalg.det,
    "slogdet": lambda x: np.linalg.slogdet(x)[1],
    "cholesky": np.linalg.cholesky,
    "qr": np.linalg.qr,
    "qr r": lambda x: np.linalg.qr(x, "r"),
    "eigh": np.linalg.eigh,
    "eigvalsh": np.linalg.eigvalsh,
    "eig": np.linalg.eig,
    "eigvals": np.linalg.eigvals,
    "svd": np.linalg.svd,
    "svdvals": lambda x: np.linalg.svd(x, compute_uv=False),
    "lu": lambda x: linalg.lu(x)[1:],
    "lu_solve": lambda x: linalg.lu_solve(linalg.lu_factor(x), SIDES),
    "solve_triangular": lambda x: linalg.solve_triangular(x, SIDES),
    "solve_banded": lambda x: linalg.solve_banded((0, 1), x, np.ones(2)),
    "polar": linalg.polar,
    "sylvester": lambda x: linalg.solve_sylvester(x, x, SIDES),
    "expm": linalg.expm,
    "logm": linalg.logm,
    "sqrtm": linalg.sqrtm,
}
#: Of these a singular matrix has no value, or an exact derivative.
NO_SINGULAR = {"inv", "solve", "cholesky", "lu_solve", "solve_triangular", "solve_banded"}


def walks(function: Any, matrix: Any, seed: float) -> list[Any]:
    """First and second derivatives and tangents, weighted with a number."""
    x = gt.constant(matrix)
    found = []
    with np.errstate(all="ignore"):
        with gt.GradientTape() as outer:
            outer.watch(x)
            with gt.GradientTape() as inner:
                inner.watch(x)
                outs = [o for o in leaves(function(x)) if isinstance(o, gt.Tensor)]
            seeds = [gt.constant(np.full(o.shape, seed, o.dtype)) for o in outs]
            first = inner.gradient(outs, x, output_gradients=seeds)
            total = (first * first).sum()
        found += [first, outer.gradient(total, x)]
        with gt.ForwardAccumulator(x, gt.constant(np.full(matrix.shape, seed))) as accumulator:
            outs = [o for o in leaves(function(x)) if isinstance(o, gt.Tensor)]
        found += [accumulator.jvp(o) for o in outs]
    return [bare(f) for f in found]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [np.nan, np.inf])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_cotangent_that_is_not_finite(name: str, seed: float):
    gradient, _, *tangents = walks(FUNCTIONS[name], HEALTHY, seed)
    assert not np.isfinite(gradient).all()
    assert not all([np.isfinite(t).all() for t in tangents])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("matrix", SINGULAR)
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in NO_SINGULAR])
def test_a_singular_matrix(name: str, matrix: str):
    walks(FUNCTIONS[name], SINGULAR[matrix], 1.0)  # and nothing raises


@pytest.mark.parametrize("name", ["qr", "qr r", "lu"])
def test_one_singular_matrix_of_a_stack(name: str):
    def gradient(matrix: Any) -> Any:
        return walks(FUNCTIONS[name], matrix, 1.0)[0]

    stack = np.array([HEALTHY, SINGULAR["ones"], SINGULAR["zeros"], HEALTHY.T + SIDES])
    found = gradient(stack)
    assert np.isnan(found[2]).any()
    for i in (0, 3):
        np.testing.assert_allclose(found[i], gradient(stack[i]), rtol=1e-14)


def test_a_determinant_that_is_nan():
    stack = np.array([HEALTHY, np.full((2, 2), np.nan)])
    gradient, *_ = walks(np.linalg.det, stack, 1.0)
    np.testing.assert_allclose(gradient[0], [[3, -1], [-1, 2]], rtol=1e-14)
    assert np.isnan(gradient[1]).all()


def test_eigenvalues_of_the_zero_matrix_are_counted_once_each():
    gradient, *_ = walks(np.linalg.eigvals, np.zeros((2, 2)), 1.0)
    assert gradient.tolist() == [[1, 0], [0, 1]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["qr", "lu", "logm", "det"])
def test_behind_a_dead_branch(name: str):
    """At a singular matrix, where the branch is not taken."""
    x = gt.constant(np.zeros((2, 2)))
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(x)
        part = leaves(FUNCTIONS[name](x + 0.0))[0]
        y = np.where(False, part, x * 3)
    assert bare(tape.gradient(y, x)).tolist() == [[3, 3], [3, 3]]


# Of several outputs -------------------------------------------------------------------------------


def derivatives(function: Any, at: Any) -> list[Any]:
    """Gradient, gradient under another tape, Jacobian and tangent."""
    x = gt.constant(at)
    with np.errstate(all="ignore"), gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = function(x)
        under = tape.gradient(y, x)
    with np.errstate(all="ignore"), gt.ForwardAccumulator(x, gt.constant(at + 1)) as accumulator:
        z = function(x)
    found = [tape.gradient(y, x), under, tape.jacobian(y, x), accumulator.jvp(z)]
    return [bare(f) for f in found]


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize(
    "decomposition", [np.linalg.eigh, np.linalg.svd, np.linalg.qr, np.linalg.slogdet]
)
def test_a_decomposition_that_is_not_taken(decomposition: Any, part: int):
    """Of roots at 0, whose partials are infinite: no NaN comes out."""
    found = derivatives(
        lambda x: np.where(False, decomposition(np.sqrt(x))[part], x * x), np.zeros((2, 2))
    )
    expected = derivatives(lambda x: x * x, np.zeros((2, 2)))
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(f, e)


def test_one_dead_output_beside_a_living_one():
    """Equal eigenvalues: the vectors have no derivative, but are not taken."""

    def both(x: Any) -> Any:
        w, v = np.linalg.eigh(x)
        return np.where(False, v, w * 2)

    for f, e in zip(
        derivatives(both, np.eye(2)),
        derivatives(lambda x: np.stack([np.linalg.eigvalsh(x)] * 2) * 2, np.eye(2)),
        strict=True,
    ):
        np.testing.assert_array_equal(f, e)


def test_rows_of_a_jacobian_that_reach_no_output():
    def chosen(x: Any) -> Any:
        w = np.linalg.eigh(np.sqrt(x) + np.diag([1.0, 3.0]))[0]
        return np.where([True, False, False], np.stack([x[0, 0], *w]), x[1, 1] * 2)

    jacobian = derivatives(chosen, np.zeros((2, 2)))[2]
    assert jacobian.tolist() == [[[1, 0], [0, 0]], [[0, 0], [0, 2]], [[0, 0], [0, 2]]]


def test_tangents_of_a_decomposition_of_what_does_not_move():
    x = gt.constant(HEALTHY)
    with np.errstate(all="ignore"), gt.ForwardAccumulator(x, x) as accumulator:
        w, v = np.linalg.eigh(np.where(x > 5, x, HEALTHY))
        roots = np.sqrt(w - bare(w)), np.sqrt(v - bare(v))
    for root in roots:
        assert not bare(accumulator.jvp(root)).any()
