"""gradtape.scipy.linalg: values and gradients against SciPy's own functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.rules.cases import spread
from tests.rules.tools import along, bare, directions, gradient, inner, leaves, projected, weights

pytest.importorskip("scipy")

from gradtape.scipy import linalg
from gradtape.scipy.linalg import __all__ as NAMES  # noqa: N812


def regular(x: Any) -> Any:
    return x * 0.5 + 2 * np.eye(*x.shape[-2:])


def positive(x: Any) -> Any:
    y = regular(x)
    return y @ np.conjugate(y.T)


def graded(x: Any) -> Any:
    return x * 0.3 + np.diag(2.0 + 2 * np.arange(x.shape[-1]))


def hermitian(x: Any) -> Any:
    y = graded(x)
    return y + np.conjugate(y.T)


def _dominated(a: Any, lower: bool) -> Any:
    """Diagonals of which the main one is large."""
    weights = np.array([[4.0], [0.0], [0.0]])
    return a * 0.3 + (weights if lower else weights[::-1])


SQUARE = (3, 3)

#: Name, call, shapes.
CALLS: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = [
    ("solve", lambda a, b: linalg.solve(regular(a), b), (SQUARE, (3,))),
    ("solve", lambda a, b: linalg.solve(regular(a), b), (SQUARE, (3, 2))),
    *[
        (
            "solve",
            lambda a, b, k=kind: linalg.solve(hermitian(a), b, assume_a=k),
            (SQUARE, (3, 2)),
        )
        for kind in ("gen", "her", "pos", "upper triangular", "diagonal", "tridiagonal")
    ],
    ("solve", lambda a, b: linalg.solve(positive(a), b, True, assume_a="pos"), (SQUARE, (3,))),
    ("solve", lambda a, b: linalg.solve(graded(a), b, assume_a="sym"), (SQUARE, (3,))),
    ("solve", lambda a, b: linalg.solve(graded(a), b, True, assume_a="sym"), (SQUARE, (3,))),
    *[
        (
            "solve_triangular",
            lambda a, b, t=trans, o=options: linalg.solve_triangular(regular(a), b, t, **o),
            (SQUARE, shape),
        )
        for trans, options, shape in (
            (0, {}, (3,)),
            ("T", {"lower": True}, (3, 2)),
            ("C", {"unit_diagonal": True}, (3,)),
        )
    ],
    *[
        (
            "cho_solve",
            lambda a, b, w=lower: linalg.cho_solve(linalg.cho_factor(positive(a), w), b),
            (SQUARE, (3,)),
        )
        for lower in (True, False)
    ],
    ("cho_factor", lambda a: np.triu(linalg.cho_factor(positive(a))[0]), (SQUARE,)),
    ("cholesky", lambda a: linalg.cholesky(positive(a)), (SQUARE,)),
    ("cholesky", lambda a: linalg.cholesky(positive(a), lower=True), (SQUARE,)),
    ("inv", lambda a: linalg.inv(regular(a)), (SQUARE,)),
    ("det", lambda a: linalg.det(a), (SQUARE,)),
    ("pinv", lambda a: linalg.pinv(a), ((4, 2),)),
    ("pinv", lambda a, b: linalg.pinv(a @ b, rtol=1e-6), ((3, 2), (2, 3))),
    ("lstsq", lambda a, b: linalg.lstsq(a, b)[:2], ((4, 2), (4,))),
    ("lstsq", lambda a, b: linalg.lstsq(a, b)[0], ((2, 3), (2, 2))),
    ("lu", lambda a: linalg.lu(a), (SQUARE,)),
    ("lu", lambda a: linalg.lu(a, permute_l=True), ((4, 2),)),
    ("lu", lambda a: linalg.lu(a, p_indices=True)[1:], ((2, 4),)),
    ("lu_factor", lambda a: linalg.lu_factor(a)[0], (SQUARE,)),
    *[
        (
            "lu_solve",
            lambda a, b, t=trans: linalg.lu_solve(linalg.lu_factor(regular(a[::-1])), b, t),
            (SQUARE, (3,)),
        )
        for trans in (0, 1, 2)
    ],
    ("qr", lambda a: linalg.qr(regular(a)), (SQUARE,)),
    ("qr", lambda a: linalg.qr(a, mode="economic"), ((4, 2),)),
    ("qr", lambda a: linalg.qr(a, mode="r"), ((4, 2),)),
    ("qr", lambda a: linalg.qr(a, mode="economic", pivoting=True)[:2], ((4, 3),)),
    ("svd", lambda a: np.abs(linalg.svd(graded(a))[0]), (SQUARE,)),
    ("svd", lambda a: linalg.svd(a, compute_uv=False), ((3, 2),)),
    ("svdvals", lambda a: linalg.svdvals(a), ((3, 2),)),
    ("eigh", lambda a: np.abs(linalg.eigh(hermitian(a))[1]), (SQUARE,)),
    *[
        (
            "eigh",
            lambda a, b, k=kind: [
                np.abs(x) for x in linalg.eigh(hermitian(a), positive(b), type=k)
            ],
            (SQUARE, SQUARE),
        )
        for kind in (1, 2, 3)
    ],
    ("eigh", lambda a: linalg.eigh(hermitian(a), subset_by_index=[1, 2])[0], (SQUARE,)),
    ("eigvalsh", lambda a: linalg.eigvalsh(hermitian(a), lower=False), (SQUARE,)),
    (
        "eigvalsh",
        lambda a: linalg.eigvalsh(hermitian(a), subset_by_value=(0.0, 9.0)),
        (SQUARE,),
    ),
    ("eig", lambda a: [np.abs(x) for x in linalg.eig(graded(a))], (SQUARE,)),
    ("eig", lambda a, b: linalg.eig(graded(a), regular(b), right=False).real, (SQUARE, SQUARE)),
    ("eigvals", lambda a: linalg.eigvals(graded(a)), (SQUARE,)),
    ("expm", lambda a: linalg.expm(a), (SQUARE,)),
    ("expm_frechet", lambda a, e: linalg.expm_frechet(a, e), (SQUARE, SQUARE)),
    *[
        ("polar", lambda a, s=side: linalg.polar(regular(a), s), (shape,))
        for side, shape in (("right", SQUARE), ("left", (4, 2)), ("right", (2, 3)))
    ],
    ("solve_banded", lambda a, b: linalg.solve_banded((1, 2), a + 3, b), ((4, 5), (5,))),
    ("solve_banded", lambda a, b: linalg.solve_banded((1, 0), a + 3, b), ((2, 4), (4, 2))),
    *[
        (
            "solveh_banded",
            lambda a, b, w=lower: linalg.solveh_banded(_dominated(a, w), b, lower=w),
            ((3, 5), shape),
        )
        for lower, shape in ((True, (5,)), (False, (5, 2)))
    ],
    ("sqrtm", lambda a: linalg.sqrtm(graded(a)), (SQUARE,)),
    ("logm", lambda a: linalg.logm(graded(a)), ((2, 2),)),
    ("norm", lambda a: linalg.norm(a, "nuc"), ((2, 3),)),
    ("norm", lambda a: linalg.norm(a, 3, axis=1, keepdims=True), ((2, 3),)),
    ("block_diag", lambda a, b, c: linalg.block_diag(a, b, c), ((2, 3), (), (2,))),
    ("toeplitz", lambda c: linalg.toeplitz(c), ((3,),)),
    ("toeplitz", lambda c, r: linalg.toeplitz(c, r), ((3,), (4,))),
    ("circulant", lambda c: linalg.circulant(c), ((3,),)),
    ("hankel", lambda c: linalg.hankel(c), ((3,),)),
    ("hankel", lambda c, r: linalg.hankel(c, r), ((3,), (2,))),
    (
        "solve_sylvester",
        lambda a, b, q: linalg.solve_sylvester(regular(a), regular(b), q),
        ((2, 2), (3, 3), (2, 3)),
    ),
    (
        "solve_continuous_lyapunov",
        lambda a, q: linalg.solve_continuous_lyapunov(regular(a), q),
        ((2, 2), (2, 2)),
    ),
    *[
        (
            "solve_discrete_lyapunov",
            lambda a, q, m=method: linalg.solve_discrete_lyapunov(a * 0.3, q, m),
            ((2, 2), (2, 2)),
        )
        for method in ("direct", "bilinear")
    ],
]

IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(CALLS)]
#: Where LAPACK is free in the sign of a column, or SciPy does not take complex matrices.
REAL_ONLY = {"qr", "lstsq"}


def arguments(label: str, shapes: tuple[Any, ...], complex_too: bool) -> tuple[Any, ...]:
    values = spread(label, shapes, -2.0, 2.0)
    return tuple([v * np.exp(0.4j) for v in values]) if complex_too else values


def test_every_namesake_is_called() -> None:
    assert {name for name, _, _ in CALLS} == set(NAMES)


@pytest.mark.parametrize("numbers", ["real", "complex"])
@pytest.mark.parametrize(("name", "function", "shapes"), CALLS, ids=IDS)
def test_values_and_gradients_are_scipys(
    name: str, function: Any, shapes: Any, numbers: str
) -> None:
    if numbers == "complex" and name in REAL_ONLY:
        pytest.skip("covered by numpy.linalg's cases")
    values = arguments(name, shapes, numbers == "complex")
    theirs, ours = function(*values), function(*map(gt.constant, values))
    for a, e in zip(leaves(ours), leaves(theirs), strict=True):
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(bare(a), e, rtol=1e-9, atol=1e-10)
    ws = weights(function, values)
    gradients = gradient(function, ws)(*values)
    scale = 1 + np.sqrt(sum([inner(g, g) for g in gradients]))
    for direction in directions(values, 2, False):
        expected = along(projected(function, ws), values, direction)
        actual = sum([inner(g, d) for g, d in zip(gradients, direction, strict=True)])
        np.testing.assert_allclose(float(actual), float(expected), rtol=1e-6, atol=1e-7 * scale)


@pytest.mark.parametrize(("name", "function", "shapes"), CALLS, ids=IDS)
def test_second_derivatives_are_those_of_differences(name: str, function: Any, shapes: Any) -> None:
    if name == "logm":
        pytest.skip("slow, and covered by the primitive's case")
    values = arguments(name, shapes, False)
    once = gradient(function, weights(function, values))
    us = weights(once, values)
    twice = gradient(once, us)(*values)
    scale = 1 + np.sqrt(sum([inner(g, g) for g in twice]))
    (direction,) = directions(values, 1, False)
    expected = along(projected(once, us), values, direction)
    actual = sum([inner(g, d) for g, d in zip(twice, direction, strict=True)])
    np.testing.assert_allclose(float(actual), float(expected), rtol=1e-5, atol=1e-6 * scale)


def test_stacks_of_matrices() -> None:
    (stack,) = spread("stacks", ((2, 3, 3),), -1.0, 1.0)
    stack = stack * 0.3 + np.diag([1.0, 3.0, 6.0])
    functions: list[Any] = [
        linalg.expm,
        linalg.sqrtm,
        linalg.inv,
        linalg.svdvals,
        lambda a: linalg.lu(a)[2],
        lambda a: linalg.solve_triangular(a, np.ones((3, 1))),
        lambda a: linalg.cholesky(a @ np.swapaxes(a, -1, -2)),
    ]
    for function in functions:
        whole = gt.grad(lambda a, f=function: np.sum(f(a) ** 2))(gt.constant(stack)).numpy()
        for i in range(2):
            one = gt.grad(lambda a, f=function: np.sum(f(a) ** 2))(gt.constant(stack[i])).numpy()
            np.testing.assert_allclose(whole[i], one, rtol=1e-9, atol=1e-10)


def test_dtypes_are_kept() -> None:
    (x,) = spread("dtypes", (SQUARE,), -1.0, 1.0)
    for dtype in "fdFD":
        a = gt.constant((x + 3 * np.eye(3)).astype(dtype))
        for function in (linalg.expm, linalg.sqrtm, linalg.inv, lambda a: linalg.lu(a)[1]):
            with gt.GradientTape() as tape:
                tape.watch(a)
                y = function(a)
            assert tape.gradient(y, a).dtype == a.dtype


def test_the_exponential_of_a_large_matrix_along_a_large_cotangent() -> None:
    a = np.array([[0.1, 2.0], [0.0, 0.3]])
    small = gradient(linalg.expm, [np.ones((2, 2))])(a)[0]
    large = gradient(linalg.expm, [np.full((2, 2), 1e12)])(a)[0]
    np.testing.assert_allclose(large, 1e12 * small, rtol=1e-13)


def test_the_square_root_beside_the_cut() -> None:
    """Of a real matrix with a negative eigenvalue the root is complex; its gradient is real."""

    def second(a: Any) -> Any:
        return linalg.sqrtm(a)[1, 1].imag

    a = np.diag([4.0, -9.0])
    (found,) = gradient(second, [np.array(1.0)])(a)
    np.testing.assert_allclose(found, [[0, 0], [0, -1 / 6]], atol=1e-12)


def test_the_polar_factor_of_an_orthogonal_matrix_has_both_derivatives() -> None:
    """Its singular values are all equal, which is where the derivatives of an SVD end."""
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])

    def angle(a: Any) -> Any:
        u = linalg.polar(a)[0]
        return np.arctan2(u[1, 0], u[0, 0])

    def formula(a: Any) -> Any:
        return np.arctan2(a[1, 0] - a[0, 1], a[0, 0] + a[1, 1])

    for f in (angle, formula):
        a = gt.constant(turn)
        with gt.GradientTape() as outer:
            outer.watch(a)
            g = gt.grad(f)(a)
        found = g.numpy(), outer.jacobian(g, a).numpy()
        if f is angle:
            ours = found
    for one, other in zip(ours, found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_bare_arguments_get_scipys_own_answer() -> None:
    import scipy.linalg

    a = np.diag([2.0, 4.0])
    found = linalg.solve(a, [2.0, 4.0])
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, scipy.linalg.solve(a, [2.0, 4.0]))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: linalg.solve(x, x, assume_a="round"), ValueError, "assume_a"),
        (lambda x: linalg.expm(x[0]), ValueError, "expm: .* square"),
        (lambda x: linalg.lu_factor(x[:1]), ValueError, "square"),
        (lambda x: linalg.qr(x, mode="raw"), ValueError, "mode"),
        (lambda x: linalg.eig(x, left=True), ValueError, "left"),
        (lambda x: linalg.toeplitz(x), ValueError, "vectors"),
        (lambda x: linalg.solve_discrete_lyapunov(x, x, "quick"), ValueError, "method"),
        (lambda x: linalg.svdvls, AttributeError, "svdvals"),
    ],
)
def test_what_does_not_fit_says_so(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call(gt.constant(np.eye(2)))
