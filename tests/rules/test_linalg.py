"""Linear algebra at its hard points, by hand: singular, repeated, zero, half filled, several."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt

la = np.linalg


def gradient(f: Callable[..., Any], *values: Any) -> Any:
    """The gradients by every argument, as bare arrays; by one argument, just it."""
    xs = [gt.constant(np.array(v, np.result_type(np.asarray(v).dtype, float))) for v in values]
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(xs)
        y = f(*xs)
    found = [None if g is None else g.numpy() for g in tape.gradient(y, xs)]
    return found[0] if len(found) == 1 else found


def hessian(f: Callable[..., Any], value: Any) -> Any:
    x = gt.constant(np.array(value, float))
    with gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        g = inner.gradient(y, x)
    return outer.jacobian(g, x, unconnected_gradients="zero").numpy()


def near(actual: Any, expected: Any, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


# Determinants -------------------------------------------------------------------------------------


def expanded(x: Any) -> Any:
    """The determinant of a 3 by 3 matrix, as a polynomial."""
    return (
        x[0, 0] * (x[1, 1] * x[2, 2] - x[1, 2] * x[2, 1])
        - x[0, 1] * (x[1, 0] * x[2, 2] - x[1, 2] * x[2, 0])
        + x[0, 2] * (x[1, 0] * x[2, 1] - x[1, 1] * x[2, 0])
    )


REGULAR = [[2.0, -1.0, 0.5], [0.3, 1.0, 4.0], [-2.0, 0.7, 1.1]]
RANK_TWO = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
RANK_ONE = np.outer([1.0, -2.0, 3.0], [2.0, 1.0, 0.5])
DETERMINANTS = [REGULAR, RANK_TWO, RANK_ONE, np.zeros((3, 3)), np.eye(3), np.diag([2.0, 0.0, 0.0])]


@pytest.mark.parametrize("matrix", DETERMINANTS)
def test_the_determinant_of_any_matrix_has_its_derivative(matrix: Any) -> None:
    near(gradient(la.det, matrix), gradient(expanded, matrix), 1e-12 * 50)


@pytest.mark.parametrize("matrix", [m for m in DETERMINANTS if m is not RANK_TWO])
def test_and_its_second(matrix: Any) -> None:
    near(hessian(la.det, matrix), hessian(expanded, matrix), 1e-12)


def test_the_second_derivative_of_a_singular_determinant() -> None:
    near(hessian(la.det, RANK_TWO), hessian(expanded, RANK_TWO), 1e-11)


def test_determinants_of_complex_singular_matrices() -> None:
    matrix = np.array(RANK_TWO) * (1 + 2j)
    near(
        gradient(lambda x: la.det(x).real, matrix),
        gradient(lambda x: expanded(x).real, matrix),
        1e-11,
    )


def test_a_determinant_of_no_rows_is_constant() -> None:
    assert gradient(la.det, np.zeros((0, 0))).shape == (0, 0)


def test_one_singular_matrix_does_not_spoil_the_logarithms_of_the_others() -> None:
    stack = np.array([np.zeros((2, 2)), np.diag([2.0, 4.0])])
    found = gradient(lambda x: la.slogdet(x).logabsdet[1], stack)
    near(found[1], np.diag([0.5, 0.25]))


def test_the_sign_of_a_real_determinant_has_slope_zero() -> None:
    near(gradient(lambda x: la.slogdet(x).sign * 3, REGULAR), np.zeros((3, 3)))


# Repeated eigenvalues and singular values ---------------------------------------------------------


@pytest.mark.parametrize("matrix", [np.eye(3), np.zeros((3, 3)), np.diag([2.0, 2.0, 5.0])])
def test_symmetric_functions_of_repeated_eigenvalues(matrix: Any) -> None:
    for values in (la.eigvalsh, lambda x: la.eigh(x)[0], lambda x: la.eigh(x).eigenvalues):
        near(gradient(lambda x, v=values: np.sum(v(x)), matrix), np.eye(3))
        near(gradient(lambda x, v=values: np.sum(v(x) ** 2), matrix), 2 * matrix)


def test_symmetric_functions_of_repeated_general_eigenvalues() -> None:
    near(gradient(lambda x: np.sum(la.eigvals(x)).real, np.eye(3)), np.eye(3))
    near(gradient(lambda x: np.sum(la.eig(x)[0] ** 2).real, np.eye(3)), 2 * np.eye(3))


def test_symmetric_functions_of_repeated_singular_values() -> None:
    for values in (la.svdvals, lambda x: la.svd(x)[1], lambda x: la.svd(x, False).S):
        near(gradient(lambda x, v=values: np.sum(v(x)), 2 * np.eye(3)), np.eye(3))
        near(
            gradient(lambda x, v=values: np.sum(v(x) ** 2), np.diag([3.0, 3, 1])),
            2 * np.diag([3.0, 3, 1]),
        )


def test_vectors_of_a_simple_eigenvalue_beside_a_repeated_one() -> None:
    matrix = np.diag([1.0, 1.0, 4.0])

    def last(x: Any) -> Any:
        v = la.eigh(x).eigenvectors[:, 2]
        return v[0] * v[2] + 5 * v[1] * v[2]

    # By first order perturbation: v moves by (row 2 of dx)/(4 - 1).
    expected = np.zeros((3, 3))
    expected[0, 2] = expected[2, 0] = 1 / 6
    expected[1, 2] = expected[2, 1] = 5 / 6
    near(gradient(last, matrix), expected)


def test_vectors_of_repeated_eigenvalues_have_no_finite_gradient() -> None:
    found = gradient(lambda x: np.sum(la.eigh(x).eigenvectors[0]), np.eye(2))
    assert not np.all(np.isfinite(found))


def test_what_needs_the_vectors_of_equal_eigenvalues_is_not_finite_rather_than_wrong() -> None:
    """The formulas do not know the derivative here, although it is 2 in every entry."""
    found = hessian(lambda x: np.sum(la.eigvalsh(x) ** 2), np.eye(2))
    assert not np.all(np.isfinite(found))
    root = gradient(
        lambda x: np.sum((la.eigh(x)[1] * la.eigh(x)[0] ** 0.5) @ la.eigh(x)[1].T), np.eye(2)
    )
    assert not np.all(np.isfinite(root))


def test_vectors_of_simple_singular_values_beside_repeated_ones() -> None:
    def first(x: Any) -> Any:
        u, _, vh = la.svd(x)
        return u[0, 0] * vh[0, 1]

    found = gradient(first, np.diag([4.0, 1.0, 1.0]))
    expected = np.zeros((3, 3))
    # With dP = dx: the right vector's rotation is (4 dP_01 + dP_10)/(16 - 1).
    expected[0, 1], expected[1, 0] = 4 / 15, 1 / 15
    near(np.abs(found), expected)


def test_a_rank_deficient_matrix_has_slope_zero_at_its_zero_singular_values() -> None:
    near(gradient(lambda x: np.sum(la.svdvals(x)), np.diag([2.0, 0.0])), np.diag([1.0, 0.0]))
    near(gradient(lambda x: la.norm(x, "nuc"), np.zeros((2, 3))), np.zeros((2, 3)))


def test_a_matrix_is_rebuilt_from_its_singular_values_at_rank_deficiency() -> None:
    weights = np.arange(9.0).reshape(3, 3)

    def rebuilt(x: Any) -> Any:
        u, s, vh = la.svd(x)
        return np.sum((u * s) @ vh * weights)

    near(gradient(rebuilt, RANK_TWO), weights, 1e-9)


# Norms at zero ------------------------------------------------------------------------------------

VECTOR_ORDERS = [None, 2, 1, np.inf, -np.inf, 3, 1.5]


@pytest.mark.parametrize("order", VECTOR_ORDERS)
def test_the_gradient_of_a_vector_norm_at_zero_is_zero(order: Any) -> None:
    near(gradient(lambda x: la.norm(x, order), np.zeros(3)), np.zeros(3))
    near(gradient(lambda x: la.norm(x, order), np.zeros(3, complex)), np.zeros(3))
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = gradient(lambda x: np.sum(la.norm(x, order, axis=1)), rows)
    near(found[0], np.zeros(2))
    assert np.any(found[1] != 0)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf])
def test_the_gradient_of_a_matrix_norm_at_zero_is_zero(order: Any) -> None:
    near(gradient(lambda x: la.norm(x, order), np.zeros((2, 3))), np.zeros((2, 3)))


def test_entries_that_are_zero_in_a_power_norm() -> None:
    near(gradient(lambda x: la.norm(x, 3), [0.0, 2.0]), [0.0, 1.0])
    near(gradient(lambda x: la.norm(x, 1.5), [0.0, 2.0]), [0.0, 1.0])


def test_a_power_norm_does_not_overflow_on_its_way() -> None:
    near(gradient(lambda x: la.norm(x, 3), [1e100, 1e100]), [2 ** (-2 / 3)] * 2)


def test_ties_of_a_norm_share() -> None:
    near(gradient(lambda x: la.norm(x, np.inf), [-2.0, 2.0, 1.0]), [-0.5, 0.5, 0.0])


def test_the_number_of_nonzero_entries_is_a_bare_value() -> None:
    x = gt.constant([0.0, 2.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        assert not isinstance(la.norm(x, 0), gt.Tensor)
        assert la.matrix_rank(gt.constant(RANK_TWO)) == 2


def test_the_condition_of_a_singular_matrix_is_numpys() -> None:
    for p in (None, 1, "fro"):
        for matrix in (np.zeros((2, 2)), np.diag([1.0, 0.0])):
            with np.errstate(all="ignore"):
                assert la.cond(gt.constant(matrix), p).numpy() == la.cond(matrix, p)


# Hermitian matrices, whole and by half ------------------------------------------------------------

SPD = np.array([[4.0, 1.0], [1.0, 3.0]])


def of_factor(x: Any) -> Any:
    return 2 * np.sum(np.log(np.diagonal(la.cholesky(x))))


def test_the_gradient_by_a_symmetric_matrix_is_symmetric() -> None:
    near(gradient(of_factor, SPD), la.inv(SPD))
    near(gradient(lambda x: la.eigh(x)[0][0], SPD), gradient(lambda x: la.eigvalsh(x)[0], SPD))


@pytest.mark.parametrize("function", [of_factor, lambda x: np.sum(np.log(la.eigvalsh(x)))])
def test_the_gradient_by_a_half_filled_matrix_is_in_that_half(function: Any) -> None:
    inverse = la.inv(SPD)
    expected = np.tril(2 * inverse, -1) + np.diag(np.diag(inverse))
    near(gradient(function, np.tril(SPD)), expected)


def test_the_upper_half() -> None:
    inverse = la.inv(SPD)
    expected = np.triu(2 * inverse, 1) + np.diag(np.diag(inverse))
    near(gradient(lambda x: np.sum(np.log(la.eigvalsh(x, "U"))), np.triu(SPD)), expected)


def test_both_ways_give_one_gradient_of_what_the_matrix_is_made_of() -> None:
    whole = gradient(lambda v: of_factor(np.outer(v, v) + np.eye(2)), [1.0, 2.0])
    half = gradient(lambda v: of_factor(np.tril(np.outer(v, v) + np.eye(2))), [1.0, 2.0])
    near(whole, half)


# Several outputs ----------------------------------------------------------------------------------


def test_results_are_numpys_named_tuples() -> None:
    x = gt.constant(SPD)
    for function in (la.svd, la.eigh, la.eig, la.qr, la.slogdet):
        ours, numpys = function(x), function(SPD)
        assert type(ours) is type(numpys)
        assert all([isinstance(one, gt.Tensor) for one in ours])


def test_the_gradient_by_one_of_several_outputs() -> None:
    a = gt.constant(SPD)
    with gt.GradientTape() as tape:
        tape.watch(a)
        w, v = la.eigh(a)
        y = np.sum(w**2)
    ga, gw, gv = tape.gradient(y, [a, w, v])
    near(ga.numpy(), 2 * SPD)
    near(gw.numpy(), 2 * w.numpy())
    assert gv is None


def test_outputs_that_are_not_used_cost_nothing() -> None:
    """Cotangents of zeros for the vectors would give 0/0 here."""
    near(gradient(lambda x: np.sum(la.svd(x)[1]), np.eye(2)), np.eye(2))


def test_a_dead_branch_of_one_output() -> None:
    def f(x: Any) -> Any:
        w = la.eigh(x).eigenvalues
        return np.sum(np.where(w > 0, np.sqrt(w), 0))

    near(gradient(f, np.diag([4.0, -1.0])), np.diag([0.25, 0.0]))


def test_jacobians_of_several_outputs() -> None:
    a = gt.constant(SPD)
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(a)
        w, v = la.eigh(a)
    near(np.trace(tape.jacobian(w, a).numpy(), axis1=1, axis2=2), [1.0, 1.0])
    assert tape.jacobian(v, a).shape == (2, 2, 2, 2)


def test_forward_over_several_outputs() -> None:
    a = gt.constant(SPD)
    with gt.ForwardAccumulator(a, gt.constant(np.eye(2))) as accumulator:
        w, v = la.eigh(a)
    near(accumulator.jvp(w).numpy(), [1.0, 1.0])
    near(accumulator.jvp(v).numpy(), np.zeros((2, 2)))


def test_forward_over_reverse() -> None:
    a = gt.constant(SPD)
    direction = np.array([[0.0, 1.0], [1.0, 0.0]])
    with gt.ForwardAccumulator(a, gt.constant(direction)) as accumulator:
        with gt.GradientTape() as tape:
            tape.watch(a)
            y = np.sum(la.svd(a)[1] ** 4)
        g = tape.gradient(y, a)
    # The sum is tr((a^T a)^2), with gradient 4 a a^T a.
    expected = 4 * (direction @ SPD @ SPD + SPD @ direction @ SPD + SPD @ SPD @ direction)
    near(accumulator.jvp(g).numpy(), expected, 1e-10)


def test_phases_do_not_matter() -> None:
    """A function of a projector has one gradient whatever the phases of the vectors are."""
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 3)) + 1j * random.normal(size=(3, 3))
    matrix, phases = x + x.conj().T, np.exp(1j * np.array([0.3, 2.0, -1.0]))

    def f(a: Any, turn: Any) -> Any:
        v = la.eigh(a).eigenvectors * turn
        return np.abs(v[0, 1] * np.conjugate(v[2, 1])) ** 2

    near(gradient(lambda a: f(a, 1), matrix), gradient(lambda a: f(a, phases), matrix))


# Systems ------------------------------------------------------------------------------------------


def test_least_squares_of_full_rank_by_the_normal_equations() -> None:
    a, b = np.array([[1.0, 2], [3, 4], [5, 7]]), np.array([1.0, -1, 2])

    def normal(a: Any, b: Any) -> Any:
        return np.sum(la.solve(a.T @ a, a.T @ b) ** 2)

    found = gradient(lambda a, b: np.sum(la.lstsq(a, b)[0] ** 2), a, b)
    for actual, expected in zip(found, gradient(normal, a, b), strict=True):
        near(actual, expected, 1e-9)


def test_bare_matrices_of_integers() -> None:
    a = np.array([[2, 0], [0, 4], [0, 0]])
    near(gradient(lambda b: np.sum(la.lstsq(a, b)[0]), np.ones(3)), [0.5, 0.25, 0.0])
    near(gradient(lambda b: np.sum(la.solve(a[:2], b)), np.ones(2)), [0.5, 0.25])


def test_a_matrix_that_is_both_sides() -> None:
    near(gradient(lambda x: np.sum(la.solve(x, x @ x) * REGULAR), REGULAR), REGULAR, 1e-11)


def test_an_array_that_a_decomposition_needs_may_not_change() -> None:
    b = np.ones(30_000)
    a = gt.constant(np.ones((30_000, 1)))
    with gt.GradientTape() as tape:
        tape.watch(a)
        y = la.lstsq(a, b)[0][0]
    b[0] = 2.0
    with pytest.raises(gt.errors.ChangedArrayError):
        tape.gradient(y, a)


def test_the_rank_of_least_squares_is_bare() -> None:
    rank = la.lstsq(gt.constant(RANK_TWO), gt.constant([1.0, 2, 3]))[2]
    assert rank == 2
    assert not isinstance(rank, gt.Tensor)


def test_powers_of_a_matrix_of_zeros() -> None:
    near(gradient(lambda x: np.sum(la.matrix_power(x, 2)), np.zeros((2, 2))), np.zeros((2, 2)))
    assert gradient(lambda x: x[0, 0] + np.sum(la.matrix_power(x, 0)), np.eye(2))[0, 0] == 1


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: la.inv(x), la.LinAlgError, "inv: Singular matrix"),
        (lambda x: la.solve(x, np.ones(2)), la.LinAlgError, "solve: Singular matrix"),
        (lambda x: la.cholesky(x), la.LinAlgError, "positive definite"),
        (lambda x: la.qr(x, "raw"), gt.errors.NoRuleError, "mode"),
        (lambda x: la.norm(x, axis=(0, 0)), ValueError, "twice"),
        (lambda x: la.norm(x[None], 2), ValueError, "vector_norm"),
        (lambda x: la.norm(x, "max"), ValueError, "Invalid norm order 'max'"),
        (lambda x: la.eigh(x, "X"), ValueError, "UPLO"),
        (lambda x: la.multi_dot([x]), ValueError, "at least two"),
        (lambda x: la.multi_dot([x, x[None], x]), la.LinAlgError, "array 1"),
        (lambda x: la.outer(x, x), ValueError, "vectors"),
        (lambda x: la.cross(x, x), ValueError, "three entries"),
        (lambda x: la.tensorinv(x, 0), ValueError, "positive"),
        (lambda x: la.tensorsolve(x[None], np.ones(2)), la.LinAlgError, "do not fit"),
    ],
)
def test_what_does_not_fit_says_so(call: Any, error: Any, words: str) -> None:
    x = gt.constant(np.zeros((2, 2)))
    with gt.GradientTape() as tape, pytest.raises(error, match=words):
        tape.watch(x)
        call(x)
