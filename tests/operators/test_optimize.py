"""gradtape.scipy.optimize: SciPy's solvers get the derivatives that one would write by hand."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

import gradtape as gt
from gradtape.nest import flatten
from gradtape.scipy.optimize import curve_fit, least_squares, minimize, root

START = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
SLOPES = ["BFGS", "CG", "L-BFGS-B", "TNC", "SLSQP", None]
PRODUCTS = ["Newton-CG", "trust-ncg", "trust-krylov"]
HESSIANS = ["dogleg", "trust-exact", "trust-constr"]
NOTHING = ["Nelder-Mead", "Powell", "COBYLA", "COBYQA"]


def valley(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# minimize -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SLOPES + PRODUCTS + HESSIANS + NOTHING)
def test_rosenbrock_goes_as_with_derivatives_by_hand(method: str | None) -> None:
    by_hand: dict[str, Any] = {} if method in NOTHING else {"jac": rosen_der}
    if method in PRODUCTS:
        by_hand["hessp"] = rosen_hess_prod
    if method in HESSIANS:
        by_hand["hess"] = rosen_hess
    # Where the Hessian is positive definite, as dogleg wants it.
    start = np.array([1.05, 0.98, 1.02, 1.01, 1.0]) if method == "dogleg" else START
    ours = minimize(valley, start, method=method)
    theirs = scipy.optimize.minimize(rosen, start, method=method, **by_hand)
    for count in ("nit", "nfev", "njev", "nhev", "status"):
        assert ours.get(count) == theirs.get(count)
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-5)
    np.testing.assert_allclose(ours.fun, theirs.fun, atol=1e-9)


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B"])
def test_value_and_gradient_come_from_one_evaluation(method: str) -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(x)
        return valley(x)

    result = minimize(f, START, method=method)
    assert len(runs) == result.nfev == result.njev


def test_what_the_user_gives_wins() -> None:
    used = []

    def jac(x: Any) -> Any:
        used.append("jac")
        return rosen_der(x)

    def hess(x: Any) -> Any:
        used.append("hess")
        return rosen_hess(x)

    def hessp(x: Any, p: Any) -> Any:
        used.append("hessp")
        return rosen_hess_prod(x, p)

    minimize(valley, START, method="trust-exact", jac=jac, hess=hess)
    assert set(used) == {"jac", "hess"}
    used.clear()
    minimize(valley, START, method="trust-ncg", hessp=hessp)
    assert set(used) == {"hessp"}
    both = minimize(lambda x: (valley(x), jac(x)), START, jac=True)
    assert "jac" in used
    np.testing.assert_allclose(both.x, 1, atol=1e-5)
    differences = minimize(valley, START, jac="2-point")
    assert differences.nfev > 3 * differences.njev


def test_arguments_and_numbers_of_one_entry() -> None:
    result = minimize(lambda x, a, b: (x - a) ** 2 * b, 0.0, (3.0, 2.0))
    np.testing.assert_allclose(result.x, [3], atol=1e-6)
    single = minimize(lambda x, a: (x[0] - a) ** 2, [0], 3.0)
    np.testing.assert_allclose(single.x, [3], atol=1e-6)


@dataclass
class Model:
    weights: Any
    offset: Any


NESTS: list[Any] = [
    {"w": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": 2.0},
    [np.ones(3), np.zeros((2, 1))],
    (np.zeros(3), {"c": np.float32(4.0)}),
    Model(np.ones((2, 2)), 0.5),
    np.zeros((2, 3)),
]


def bowl(nest: Any) -> Any:
    return sum([np.sum((leaf - i - 1) ** 2) for i, leaf in enumerate(flatten(nest))])


@pytest.mark.parametrize("start", NESTS, ids=lambda nest: type(nest).__name__)
@pytest.mark.parametrize("method", ["BFGS", "trust-exact", "trust-ncg", "Nelder-Mead"])
def test_nests(start: Any, method: str) -> None:
    options = {"maxiter": 5000, "maxfev": 5000} if method == "Nelder-Mead" else {}
    seen = []
    result = minimize(bowl, start, method=method, callback=seen.append, options=options)
    for x in (result.x, seen[0]):
        assert type(x) is type(start)
        for i, (found, given) in enumerate(zip(flatten(x), flatten(start), strict=True)):
            assert found.shape == np.shape(given)
            assert found.dtype == np.float64
            if x is result.x:
                np.testing.assert_allclose(found, i + 1, atol=0.05 if options else 1e-6)
    if method != "Nelder-Mead":
        assert result.jac.shape == (sum(np.size(leaf) for leaf in flatten(start)),)


def test_derivatives_of_the_users_over_nests() -> None:
    def jac(p: Any) -> Any:
        return {"w": 2 * (p["w"] - 2), "b": 2 * (p["b"] - 1)}

    def hessp(p: Any, v: Any) -> Any:
        return {"w": 2 * v["w"], "b": 2 * v["b"]}

    for extra in ({}, {"hessp": hessp}):
        result = minimize(bowl, NESTS[0], method="trust-ncg", jac=jac, **extra)
        np.testing.assert_allclose(result.x["w"], 2)
        np.testing.assert_allclose(result.x["b"], 1)


def test_callbacks_by_result() -> None:
    values = []

    def callback(intermediate_result: Any) -> None:
        values.append((intermediate_result.x["b"], intermediate_result.fun))

    minimize(bowl, NESTS[0], callback=callback)
    assert values[-1][1] < 1e-6


@pytest.mark.parametrize(
    "bounds",
    [
        {"w": (2.5, None), "b": (None, 0.5)},
        {"w": (np.full((2, 2), 2.5), None), "b": (-10, 0.5)},
        [(None, 0.5), *[(2.5, None)] * 4],  # by the entries: those of "b" come first
        scipy.optimize.Bounds([-np.inf, *[2.5] * 4], [0.5, *[np.inf] * 4]),
    ],
)
def test_bounds(bounds: Any) -> None:
    result = minimize(bowl, NESTS[0], bounds=bounds)
    np.testing.assert_allclose(result.x["w"], 2.5)
    np.testing.assert_allclose(result.x["b"], 0.5)


def test_bounds_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"`bounds` holds 6 .* 2 arrays of 5 entries"):
        minimize(bowl, NESTS[0], bounds=[(0, 1)] * 3)
    with pytest.raises(ValueError, match="does not fit `x0`"):
        minimize(bowl, NESTS[0], bounds={"w": (np.ones(3), 2), "b": (0, 1)})


def test_dict_constraints() -> None:
    """Example 16.4 of Nocedal and Wright, as in SciPy's documentation."""
    constraints = [
        {"type": "ineq", "fun": lambda x: x[0] - 2 * x[1] + 2},
        {"type": "ineq", "fun": lambda x, c: [-x[0] - 2 * x[1] + c], "args": (6,)},
        {"type": "ineq", "fun": lambda x: -x[0] + 2 * x[1] + 2, "jac": lambda x: [-1.0, 2.0]},
    ]
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2

    result = minimize(f, (2, 0), bounds=((0, None), (0, None)), constraints=constraints)
    np.testing.assert_allclose(result.x, [1.4, 1.7], atol=1e-7)
    assert len(runs) == result.nfev < 6  # no differences


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "COBYLA", "COBYQA"])
def test_nonlinear_constraints(method: str) -> None:
    def circle(p: Any) -> Any:
        return {"radius": p["x"] ** 2 + p["y"] ** 2, "order": p["x"] - p["y"]}

    start = {"x": 0.2, "y": 0.3}
    constraint = scipy.optimize.NonlinearConstraint(circle, -np.inf, [0.0, 1.0])
    linear = scipy.optimize.LinearConstraint(np.eye(2), -1, 1)

    def f(p: Any) -> Any:
        return (p["x"] - 1) ** 2 + (p["y"] - 2.5) ** 2

    result = minimize(f, start, method=method, constraints=[constraint, linear])
    expected = np.array([1, 2.5]) / np.hypot(1, 2.5)
    np.testing.assert_allclose([result.x["x"], result.x["y"]], expected, atol=2e-4)
    assert constraint.jac == "2-point"  # the user's own stays as it was
    if method == "trust-constr":
        assert result.constr_nhev[0] > 0
        assert result.constr_nfev[0] < 30


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_derivatives_that_constraints_get(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: dict[str, Any] = {}

    def spy(fun: Any, x0: Any, *rest: Any) -> Any:
        handed["constraints"] = rest[6]
        return scipy.optimize.OptimizeResult(x=x0)

    constraint = scipy.optimize.NonlinearConstraint(lambda x: [x[0] ** 2 * x[1], x[1] ** 3], 0, 1)
    alike = {"type": "ineq", "fun": constraint.fun}
    monkeypatch.setattr(scipy.optimize, "minimize", spy)
    minimize(np.sum, [2.0, 3.0], method=method, constraints=(constraint, alike))
    x, v = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    for jac in (handed["constraints"][0].jac, handed["constraints"][1]["jac"]):
        np.testing.assert_allclose(jac(x), [[12, 4], [0, 27]])
    if method == "trust-constr":
        matrix = handed["constraints"][0].hess(x, v)
        np.testing.assert_allclose(matrix, [[5 * 6, 5 * 4], [5 * 4, 7 * 18]])
    else:
        assert handed["constraints"][0].hess is constraint.hess


def test_a_hessian_of_a_constraint_that_is_given_is_used() -> None:
    constraint = scipy.optimize.NonlinearConstraint(
        lambda x: x @ x, -np.inf, 1.0, hess=scipy.optimize.SR1()
    )
    result = minimize(
        lambda x: np.sum((x - 2) ** 2), [0.1, 0.2], method="trust-constr", constraints=constraint
    )
    np.testing.assert_allclose(result.x, np.sqrt([0.5, 0.5]), atol=1e-4)
    assert result.constr_nhev == [0]


def test_a_method_of_ones_own_gets_derivatives() -> None:
    def newton(fun: Any, x0: Any, args: Any, **options: Any) -> Any:
        slope, matrix = options["jac"](x0), options["hess"](x0)
        product = options["hessp"](x0, x0)
        np.testing.assert_allclose(product, matrix @ x0)
        return scipy.optimize.OptimizeResult(x=x0 - np.linalg.solve(matrix, slope))

    result = minimize(lambda x: np.sum((x - 3) ** 2), [0.0, 1.0], method=newton)
    np.testing.assert_allclose(result.x, 3)


# root ---------------------------------------------------------------------------------------------


def pair(x: Any) -> Any:
    return [x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1, 0.5 * (x[1] - x[0]) ** 3 + x[1]]


def pair_slopes(x: Any) -> Any:
    d = 1.5 * (x[0] - x[1]) ** 2
    return np.array([[1 + d, -d], [-d, 1 + d]])


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root_goes_as_with_the_jacobian_by_hand(method: str) -> None:
    ours = root(pair, [0, 0], method=method)
    theirs = scipy.optimize.root(pair, [0, 0], jac=pair_slopes, method=method)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-12)
    assert (ours.nfev, ours.njev) == (theirs.nfev, theirs.njev)
    given = root(pair, [0, 0], jac=pair_slopes, method=method)
    both = root(lambda x: (pair(x), pair_slopes(x)), [0, 0], jac=True, method=method)
    assert given.nfev == both.nfev == theirs.nfev


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "krylov", "df-sane"])
def test_root_of_nests(method: str) -> None:
    def f(p: Any, a: Any) -> Any:
        return {"u": p["u"] ** 2 - a, "v": p["v"] * p["u"] - np.array([1.0, 3.0])}

    result = root(f, {"u": 1.5, "v": np.ones(2)}, 4.0, method=method, tol=1e-9)
    np.testing.assert_allclose(result.x["u"], 2, rtol=1e-6)
    np.testing.assert_allclose(result.x["v"], [0.5, 1.5], rtol=1e-6)


# least_squares ------------------------------------------------------------------------------------

T = np.linspace(0, 4, 40)
DATA = 2 * np.exp(-0.7 * T) + 0.3 + 0.01 * np.sin(50 * T)


def decay(t: Any, a: Any, k: Any, c: Any) -> Any:
    return a * np.exp(-k * t) + c


def decay_slopes(t: Any, a: Any, k: Any, c: Any) -> Any:
    return np.stack([np.exp(-k * t), -a * t * np.exp(-k * t), np.ones_like(t)], 1)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares_goes_as_with_the_jacobian_by_hand(method: str) -> None:
    ours = least_squares(lambda p: decay(T, *p) - DATA, [1.0, 1.0, 0.0], method=method)
    theirs = scipy.optimize.least_squares(
        lambda p: decay(T, *p) - DATA,
        [1.0, 1.0, 0.0],
        lambda p: decay_slopes(T, *p),
        method=method,
    )
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-12)
    np.testing.assert_allclose(ours.jac, theirs.jac, rtol=1e-12)
    assert (ours.nfev, ours.njev, ours.status) == (theirs.nfev, theirs.njev, theirs.status)


def test_least_squares_of_nests_with_arguments_limits_and_a_loss() -> None:
    def residuals(p: Any, t: Any, data: Any = None) -> Any:
        return {"fit": decay(t, p["a"], p["k"], p["c"]) - data, "prior": p["k"] - 0.7}

    start = {"a": 1.0, "k": 1.0, "c": 0.2}
    result = least_squares(
        residuals,
        start,
        bounds=({"a": 0.0, "k": 0.0, "c": 0.0}, {"a": 1.9, "k": 9.0, "c": np.inf}),
        args=(T,),
        kwargs={"data": DATA},
        loss="soft_l1",
    )
    np.testing.assert_allclose(result.x["a"], 1.9, atol=1e-3)
    assert result.jac.shape == (41, 3)


@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_least_squares_with_a_sparse_jacobian(method: str) -> None:
    def residuals(x: Any) -> Any:
        return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])

    start = np.full(60, 1.2)
    sparse = least_squares(residuals, start, sparse=True, method=method)
    dense = least_squares(residuals, start, method=method)
    assert scipy.sparse.issparse(sparse.jac)
    assert sparse.jac.nnz == 3 * 59
    np.testing.assert_allclose(sparse.jac.toarray(), dense.jac, atol=1e-6)
    np.testing.assert_allclose(sparse.x, 1, atol=1e-6)
    kept = least_squares(residuals, start, sparse=gt.sparsity(residuals)(start), method=method)
    assert kept.jac.nnz == 3 * 59
    np.testing.assert_array_equal(kept.x, sparse.x)
    with pytest.raises(ValueError, match="`sparse`"):
        least_squares(residuals, start, "2-point", sparse=True)
    with pytest.raises(ValueError, match="sparsity"):
        least_squares(residuals, start, sparse=gt.sparsity(np.square)(start))


def test_least_squares_takes_other_jacobians() -> None:
    given = least_squares(lambda p: decay(T, *p) - DATA, [1.0, 1, 0], lambda p: decay_slopes(T, *p))
    differences = least_squares(lambda p: decay(T, *p) - DATA, [1.0, 1, 0], jac="3-point")
    np.testing.assert_allclose(given.x, differences.x, rtol=1e-6)


# curve_fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "trf"},
        {"bounds": (0, 5)},
        {"p0": [1, 1, 1], "sigma": 0.1 + T, "absolute_sigma": True},
        {"p0": [1, 1, 1], "sigma": np.diag(0.1 + T)},
        {"full_output": True},
    ],
)
def test_curve_fit_goes_as_with_the_jacobian_by_hand(options: dict[str, Any]) -> None:
    ours = curve_fit(decay, T, DATA, **options)
    theirs = scipy.optimize.curve_fit(decay, T, DATA, jac=decay_slopes, **options)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-10)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-10)
    if len(ours) > 2:
        assert ours[2]["nfev"] == theirs[2]["nfev"]


def decay_of(t: Any, p: Any) -> Any:
    """The same, of a nest."""
    return decay(t, p["amount"], *p["rest"][0])


NEST = {"amount": 1.0, "rest": [np.array([1.0, 0.0])]}
LIMITS = -np.inf, {"amount": 5.0, "rest": [np.array([np.inf, 0.4])]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"jac": "3-point", "method": "trf"},
        {"jac": lambda t, p: decay_slopes(t, p["amount"], *p["rest"][0])},
        {"bounds": LIMITS},
        {"sigma": 0.1 + T, "full_output": True},
    ],
)
@pytest.mark.parametrize("taped", [False, True])
def test_curve_fit_over_a_nest(options: dict[str, Any], taped: bool) -> None:
    flat = dict(options)
    flat.pop("jac", None)
    if "bounds" in flat:
        flat["bounds"] = (-np.inf, [5, np.inf, 0.4])
    expected = scipy.optimize.curve_fit(decay, T, DATA, [1, 1, 0], jac=decay_slopes, **flat)
    with gt.GradientTape() if taped else nullcontext():
        found, covariance, *rest = curve_fit(decay_of, T, DATA, NEST, **options)
    assert np.ndim(found["amount"]) == 0
    np.testing.assert_allclose([found["amount"], *found["rest"][0]], expected[0], rtol=1e-6)
    np.testing.assert_allclose(covariance, expected[1], rtol=1e-4)
    assert len(rest) == len(expected) - 2


def test_the_items_of_a_sequence_are_parameters() -> None:
    found, _ = curve_fit(lambda t, a, rest: decay(t, a, *rest), T, DATA, (1.0, np.array([1.0, 0])))
    assert type(found) is tuple
    np.testing.assert_allclose([found[0], *found[1]], curve_fit(decay, T, DATA)[0], rtol=1e-6)
    matrix, _ = curve_fit(lambda t, m: decay(t, *m[0]), T, DATA, np.array([[1.0, 1, 0]]))
    np.testing.assert_allclose(matrix, [curve_fit(decay, T, DATA)[0]], rtol=1e-6)


def test_curve_fit_beside_a_tape_counts_the_parameters() -> None:
    with gt.GradientTape():
        found, _ = curve_fit(decay, T, DATA)
    np.testing.assert_allclose(found, curve_fit(decay, T, DATA, jac=decay_slopes)[0], rtol=1e-10)


# Tensors ------------------------------------------------------------------------------------------

K = gt.Variable(2.0)

USES: dict[str, Any] = {
    "minimize from around": lambda: minimize(lambda x: np.sum(x**2 * K), [1.0]),
    "minimize as it is": lambda: minimize(lambda x: K, [1.0]),
    "minimize x0": lambda: minimize(np.sum, K),
    "minimize args": lambda: minimize(lambda x, k: np.sum(x**2), [1.0], (K,)),
    "root": lambda: root(lambda x: x - K, [1.0]),
    "root by krylov": lambda: root(lambda x: x - K, [1.0], method="krylov"),
    "least_squares": lambda: least_squares(lambda x: x - K, [1.0]),
    "least_squares kwargs": lambda: least_squares(lambda x, k: x, [1.0], kwargs={"k": K}),
    "curve_fit": lambda: curve_fit(lambda t, a: a * K * t, T, DATA),
    "curve_fit p0": lambda: curve_fit(lambda t, a: a * t, T, DATA, K),
    "curve_fit of a nest": lambda: curve_fit(lambda t, p: p["a"] * K * t, T, DATA, {"a": 1.0}),
}


@pytest.mark.filterwarnings("ignore:what .* returned does not depend")
@pytest.mark.parametrize("name", USES)
def test_tracked_tensors_are_refused(name: str) -> None:
    function = name.split()[0]
    instead = "implicit_root" if function == "root" else "argmin"
    with gt.GradientTape(), pytest.raises(gt.NoRuleError) as raised:
        USES[name]()
    assert f"scipy.optimize.{function} uses a Variable" in str(raised.value)
    assert f"gradtape.{instead}" in str(raised.value)
    assert hasattr(gt, instead)


def test_tensors_that_nobody_tracks_are_numbers() -> None:
    np.testing.assert_allclose(root(lambda x, k: x - K * k, [1.0], (K,)).x, 4)
    with gt.GradientTape() as tape:
        result = minimize(lambda x: np.sum((x - 3) ** 2), [1.0])
    np.testing.assert_allclose(result.x, 3, atol=1e-6)
    assert tape.watched_variables() == ()


def test_complex_starts_are_refused() -> None:
    with pytest.raises(TypeError, match=r"`x0` holds .*complex128"):
        minimize(np.sum, np.array([1j]))


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="scalar"):
        minimize(lambda x: x**2, [1.0, 2.0])
