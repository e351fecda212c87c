"""jacobian, hessian, laplacian and divergence."""

import dataclasses
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradtape as gt
from gradtape.nest import flatten
from gradtape.operators import jacobians
from tests.operators.differences import jacobian, like, same

X = np.array([[0.3, -1.2, 0.7], [0.9, 0.1, -0.4]])
MODES: list[Any] = [None, "forward", "reverse"]

FUNCTIONS: dict[str, Any] = {
    "elementwise": lambda x: np.sin(x) * np.exp(-(x**2)),
    "matrix product": lambda x: x @ x.T,
    "wide": lambda x: np.outer(x, x),
    "narrow": lambda x: np.log(np.sum(np.exp(x), axis=1)),
    "scalar": lambda x: np.sum(x) ** 2,
    "selection": lambda x: np.where(x > 0, np.sqrt(np.abs(x)), x**3),
    "sorted": lambda x: np.sort(x, axis=None)[::2] ** 2,
    "solve": lambda x: np.linalg.solve(x @ x.T + np.eye(2), x),
    "singular values": lambda x: np.linalg.svd(x, full_matrices=False)[1],
    "checkpoint": gt.recompute_grad(lambda x: np.tanh(x) * x),
    "one entry": lambda x: x[1, 2],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_differences(name: str, mode: Any) -> None:
    f = FUNCTIONS[name]
    found = gt.jacobian(f, mode=mode)(X)
    assert type(found) is np.ndarray
    assert same(found, jacobian(lambda x: np.asarray(f(x)), X))
    for budget in (1, 150):
        blocks = gt.jacobian(f, mode=mode, memory_budget=budget)(X)
        assert same(blocks, found, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
def test_hilbert_matrix(mode: Any) -> None:
    n = 8
    hilbert = 1 / (np.arange(n)[:, None] + np.arange(n) + 1)
    assert np.array_equal(gt.jacobian(lambda x: hilbert @ x, mode=mode)(np.ones(n)), hilbert)


@pytest.mark.parametrize("mode", MODES)
def test_brusselator(mode: Any) -> None:
    """A reaction with diffusion on a line: E. Hairer, G. Wanner, Solving ODEs II, IV.1."""
    n, alpha = 6, 0.02 * 49

    def right_side(state: Any) -> Any:
        u, v = state
        u_wide = np.concatenate([np.ones(1), u, np.ones(1)])
        v_wide = np.concatenate([np.full(1, 3.0), v, np.full(1, 3.0)])
        du = 1 + u**2 * v - 4 * u + alpha * (u_wide[2:] - 2 * u + u_wide[:-2])
        dv = 3 * u - u**2 * v + alpha * (v_wide[2:] - 2 * v + v_wide[:-2])
        return np.stack([du, dv])

    u, v = 1 + np.linspace(0, 0.5, n), np.linspace(3, 2, n)
    line = alpha * (np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1))
    expected = np.block(
        [
            [np.diag(2 * u * v - 4) + line, np.diag(u**2)],
            [np.diag(3 - 2 * u * v), -np.diag(u**2) + line],
        ]
    )
    found = gt.jacobian(right_side, mode=mode)(np.stack([u, v])).reshape(2 * n, 2 * n)
    assert same(found, expected, rtol=1e-14)


@pytest.mark.parametrize(("outputs", "mode"), [(1, "reverse"), (3, "reverse"), (4, "forward")])
def test_the_mode_is_chosen_by_shapes(outputs: int, mode: str, monkeypatch: Any) -> None:
    """Forward where the input, of three entries here, has fewer than the output."""
    chosen = []
    for name, owner in (("forward", "_by_columns"), ("reverse", "_by_rows")):
        way = getattr(jacobians._Computed, owner)

        def noted(self: Any, budget: int, name: str = name, way: Any = way) -> Any:
            chosen.append(name)
            return way(self, budget)

        monkeypatch.setattr(jacobians._Computed, owner, noted)
    gt.jacobian(lambda x: np.ones((outputs, 3)) @ x)(np.ones(3))
    assert chosen == [mode]


@pytest.mark.parametrize("mode", MODES)
def test_the_function_runs_once(mode: Any) -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return np.outer(x, x) if len(runs) else x

    gt.jacobian(f, mode=mode, memory_budget=64)(np.ones(5))
    assert len(runs) == 1
    gt.hessian(lambda x: np.sum(f(x)), memory_budget=64)(np.ones(5))
    assert len(runs) == 2


@dataclasses.dataclass
class Layer:
    w: Any
    b: Any


@pytest.mark.parametrize("budget", [1, 100, 200, 1 << 20])
@pytest.mark.parametrize("mode", MODES)
def test_nests_of_outputs_and_inputs(mode: Any, budget: int) -> None:
    def f(layer: Any) -> Any:
        return {"y": layer.w @ layer.b, "parts": (layer.b**2, layer.w[0, 0], 5.0)}

    layer = Layer(X, np.array([1.0, 2.0, 3.0]))
    found = gt.jacobian(f, mode=mode, memory_budget=budget)(layer)
    assert type(found["y"]) is Layer
    assert same(found["y"].w, np.einsum("ik,j->ikj", np.eye(2), layer.b))
    assert same(found["y"].b, X)
    assert same(found["parts"][0].w, np.zeros((3, 2, 3)))
    assert same(found["parts"][0].b, np.diag(2 * layer.b))
    assert same(found["parts"][1].w, np.eye(6)[0].reshape(2, 3))
    assert same(found["parts"][2].b, np.zeros(3))
    assert all(type(leaf) is np.ndarray and leaf.flags.writeable for leaf in flatten(found))


@pytest.mark.parametrize("mode", MODES)
def test_argnums_argnames_and_aux(mode: Any) -> None:
    def f(x: Any, y: Any, *, b: Any, a: Any) -> Any:
        return x * y[0] * b * a, {"aux": x * 1}

    x, y, b, a = np.array([1.0, 2.0]), np.array([3.0, 4.0]), 5.0, 7.0
    (dy, dx), named = gt.jacobian(f, (1, 0), ("b", "a"), mode=mode, has_aux=True)(x, y, b=b, a=a)[0]
    assert same(dx, np.diag([105.0, 105.0]))
    assert same(dy, np.outer(x, [35.0, 0]))
    assert same(named, {"a": 15 * x, "b": 21 * x})
    _, aux = gt.jacobian(f, has_aux=True, mode=mode)(x, y, b=b, a=a)
    assert type(aux["aux"]) is np.ndarray


@pytest.mark.parametrize("mode", MODES)
def test_complex_entries_are_gradients_of_the_real_part(mode: Any) -> None:
    z = np.array([0.3 + 1j, -1.0 + 0.2j])
    assert same(gt.jacobian(lambda z: z**3, mode=mode)(z), np.diag(np.conj(3 * z**2)))
    # Not holomorphic, real, and complex of a real argument: every mode as the tape has it.
    mixed = {"z": z, "x": np.array([0.5, 2.0])}
    f = lambda p: {  # noqa: E731
        "a": np.conj(p["z"]) * p["x"] * np.abs(p["z"][0]),
        "b": np.real(p["z"]) ** 2 * np.imag(p["z"]),
        "c": np.exp(1j * p["x"]) * p["z"][::-1],
    }
    found = gt.jacobian(f, mode=mode)(mixed)
    leaves = {name: gt.constant(value) for name, value in mixed.items()}
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(leaves)
        values = f(leaves)
    for name, value in values.items():
        expected = tape.jacobian(value, leaves, unconnected_gradients="zero")
        for source in mixed:
            assert found[name][source].dtype == mixed[source].dtype
            assert same(found[name][source], expected[source].numpy())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "complex64"])
def test_dtypes_stay(dtype: str, mode: Any) -> None:
    found = gt.jacobian(lambda x: np.sin(x)[0] * x, mode=mode)(X.astype(dtype))
    assert found.dtype == dtype
    wider = gt.jacobian(lambda x: x * np.ones(3), mode=mode)(X.astype("float32"))
    assert wider.dtype == np.float32


@pytest.mark.parametrize("mode", MODES)
def test_rows_and_columns_are_selections(mode: Any) -> None:
    """A pole in one entry shows in its own row and column only."""
    with np.errstate(all="ignore"):
        found = gt.jacobian(np.sqrt, mode=mode)(np.array([0.0, 4.0]))
        assert same(found, np.array([[np.inf, 0], [0, 0.25]]))
        found = gt.jacobian(lambda x: np.where(x > 0, np.sqrt(x), x), mode=mode)(np.zeros(2))
        assert same(found, np.eye(2))
        summed = gt.jacobian(lambda x: np.cumsum(np.sqrt(x)), mode=mode)(np.array([4.0, 0.0]))
        assert same(summed, np.array([[0.25, 0], [0.25, np.inf]]))


@pytest.mark.parametrize("mode", MODES)
def test_empty_inputs_and_outputs(mode: Any) -> None:
    assert gt.jacobian(lambda x: x * 2, mode=mode)(np.ones((0, 2))).shape == (0, 2, 0, 2)
    assert gt.jacobian(lambda x: x[:0], mode=mode)(np.ones(3)).shape == (0, 3)
    assert gt.jacobian(lambda x: np.sum(x) + np.ones(3), mode=mode)(np.ones(0)).shape == (3, 0)


@pytest.mark.parametrize("mode", MODES)
def test_numbers_and_tensors(mode: Any) -> None:
    slope = gt.jacobian(lambda x: x**3, mode=mode)(2.0)
    assert (type(slope), slope) == (np.float64, 12.0)
    assert type(gt.jacobian(lambda x: x**3, mode=mode)(gt.constant(X))) is gt.Tensor


# Hessians -----------------------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrocks_hessian(x: Any) -> Any:
    diagonal = np.zeros(x.size)
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    return np.diag(diagonal) + np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)


def test_hessian_of_rosenbrock() -> None:
    x = np.linspace(-1, 1.5, 9)
    assert same(gt.hessian(rosenbrock)(x), rosenbrocks_hessian(x), rtol=1e-13)
    assert same(gt.hessian(rosenbrock, memory_budget=1)(x), rosenbrocks_hessian(x), rtol=1e-13)


SCALARS: dict[str, Any] = {
    "polynomial": lambda x: np.sum(x**3) + x[0, 0] * x[1, 2],
    "network": lambda x: np.mean(np.tanh(x @ np.arange(6.0).reshape(3, 2) / 5) ** 2),
    "determinant": lambda x: np.log(np.linalg.det(x @ x.T + np.eye(2))),
    "checkpoint": lambda x: np.sum(gt.recompute_grad(lambda y: np.sin(y) * y)(x)),
    "relu": lambda x: np.sum(np.maximum(x, 0) ** 3),
}


@pytest.mark.parametrize("name", SCALARS)
def test_hessian_and_laplacian_against_differences(name: str) -> None:
    f = SCALARS[name]
    expected = jacobian(gt.grad(f), X)
    found = gt.hessian(f)(X)
    assert same(found, expected, rtol=1e-8)
    assert same(found, found.transpose(2, 3, 0, 1), rtol=1e-12)
    assert same(gt.jacobian(gt.grad(f), mode="reverse")(X), found, rtol=1e-12)
    trace = np.trace(found.reshape(6, 6))
    for budget in (1, 100, 1 << 20):
        assert same(gt.laplacian(f, memory_budget=budget)(X), trace, rtol=1e-12)


def test_hessian_of_nests_with_aux() -> None:
    def f(p: Any, c: float) -> Any:
        return p["a"] ** 2 * np.sum(p["b"] ** 2) * c, {"aux": p["a"] + 0}

    p = {"b": np.array([1.0, 2.0]), "a": 3.0}
    h, aux = gt.hessian(f, has_aux=True)(p, 2.0)
    assert list(h) == list(h["b"]) == ["b", "a"]
    assert h["a"]["a"] == 2 * 5 * 2.0
    assert same(h["a"]["b"], 8 * 3 * p["b"])
    assert same(h["b"]["a"], h["a"]["b"])
    assert same(h["b"]["b"], 2 * 9 * 2 * np.eye(2))
    assert type(aux["aux"]) is np.float64
    laplacian, aux = gt.laplacian(f, has_aux=True)(p, 2.0)
    assert laplacian == 20 + 2 * 36.0
    assert type(aux["aux"]) is np.float64
    by_both = gt.hessian(lambda x, y: x**2 * y**3, (0, 1))(2.0, 3.0)
    assert by_both == ((54.0, 108.0), (108.0, 72.0))


def test_a_linear_function_has_a_hessian_of_zeros() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(gt.hessian(np.sum)(X), np.zeros((2, 3, 2, 3)))
        assert gt.laplacian(np.sum)(X) == 0.0


def test_harmonic_functions_have_laplacian_zero() -> None:
    x = np.array([0.3, -1.2, 2.0])
    assert abs(gt.laplacian(lambda x: 1 / np.sqrt(np.sum(x**2)))(x)) < 1e-15
    bell = gt.laplacian(lambda x: np.exp(-np.sum(x**2) / 2))(x)
    assert same(bell, (np.sum(x**2) - 3) * np.exp(-np.sum(x**2) / 2), rtol=1e-13)


def test_divergence() -> None:
    f = lambda x: np.sin(x) * np.sum(x**2)  # noqa: E731
    expected = np.trace(jacobian(f, X).reshape(6, 6))
    for budget in (1, 100, 1 << 20):
        assert same(gt.divergence(f, memory_budget=budget)(X), expected)
    field = lambda p: {"a": p["b"] * p["a"], "b": p["b"] ** 2 + p["a"].sum()}  # noqa: E731
    p = {"b": np.array([1.0, 2.0]), "a": np.array([3.0, 4.0])}
    assert gt.divergence(field)(p) == np.sum(p["b"]) + 2 * np.sum(p["b"])
    curl = gt.divergence(lambda x: np.cross(np.array([1.0, 2.0, 3.0]), x))
    assert curl(np.ones(3)) == 0.0
    assert gt.divergence(lambda x: (x, "aux"), has_aux=True)(np.ones(3)) == (3.0, "aux")
    assert type(gt.divergence(np.sin)(1.0)) is np.float64


def test_traces_keep_a_block_of_rows_at_most() -> None:
    n = 1500
    x = np.linspace(0.0, 1.0, n)
    lap = gt.laplacian(lambda x: np.sum(np.sin(x) * x), memory_budget=1 << 16)
    lap(x)
    tracemalloc.start()
    try:
        value = lap(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert same(value, np.sum(2 * np.cos(x) - np.sin(x) * x))
    assert peak < n * n * 8 / 10


# Bad input ----------------------------------------------------------------------------------------


def test_bad_input() -> None:
    def vector(x: Any) -> Any:
        return x * 2

    with pytest.raises(ValueError, match=r"`mode` is 'sideways'.*'forward', 'reverse' or None"):
        gt.jacobian(vector, mode="sideways")
    for budget in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="memory_budget"):
            gt.jacobian(vector, memory_budget=budget)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"vector returned one of shape \(2, 3\).*jacobian"):
        gt.hessian(vector)(X)
    with pytest.raises(ValueError, match=r"vector returned one of shape \(2, 3\).*jacobian"):
        gt.laplacian(vector)(X)
    with pytest.raises(TypeError, match=r"vector is to be differentiated by.*floating"):
        gt.jacobian(vector)(np.arange(3))
    with pytest.raises(TypeError, match=r"return statement"):
        gt.jacobian(lambda x: None)(X)
    with pytest.raises(TypeError, match="must be a function"):
        gt.jacobian(X)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"divergence needs a value of the shapes.*\(2, 3\)"):
        gt.divergence(np.sum)(X)
    with pytest.raises(TypeError, match="complex"):
        gt.divergence(vector)(X * 1j)
    with pytest.raises(TypeError, match="complex"):
        gt.laplacian(lambda z: np.sum(np.abs(z) ** 2))(X * 1j)


@pytest.mark.parametrize("mode", MODES)
def test_independent_of_the_argument(mode: Any) -> None:
    with pytest.warns(UserWarning, match="does not depend") as caught:
        found = gt.jacobian(lambda x: np.arange(2), mode=mode)(X)
    assert caught[0].filename == __file__
    assert same(found, np.zeros((2, 2, 3)))
    with pytest.warns(UserWarning, match="does not depend") as caught:
        assert same(gt.hessian(lambda x: 3.0)(X), np.zeros((2, 3, 2, 3)))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("mode", MODES)
def test_arrays_that_are_written_to_meanwhile(mode: Any) -> None:
    large = np.full(30_000, 2.0)

    def f(x: Any) -> Any:
        y = x * large
        large[0] += 1
        return y[:2]

    with pytest.raises(gt.ChangedArrayError):
        gt.jacobian(f, mode=mode)(np.ones(1))


# Properties ---------------------------------------------------------------------------------------

STEPS: list[Any] = [
    np.sin,
    lambda x: x * x[::-1],
    lambda x: np.maximum(x, 0.1),
    lambda x: np.cumsum(x) / 3,
    lambda x: x / (1 + np.sum(x**2)),
    lambda x: np.outer(x, x).sum(0),
    lambda x: np.concatenate([x[1:], x[:1] ** 2]),
    lambda x: np.where(x > 0.3, np.exp(-x), x),
    lambda x: np.sort(x),
    lambda x: np.linalg.solve(np.outer(x, x) + np.eye(x.size), x),
    lambda x: x[np.array([0, 0, 1, 2])] if x.size > 2 else x,
    lambda x: np.pad(x, 1)[:-1],
]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=5), st.integers(0, 1000))
def test_all_modes_and_budgets_agree(steps: list[Any], seed: int) -> None:
    def f(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    x = np.random.default_rng(seed).standard_normal(4)
    forward, reverse = [gt.jacobian(f, mode=m)(x) for m in ("forward", "reverse")]
    assert np.allclose(forward, reverse, rtol=1e-9, atol=1e-11)
    assert np.allclose(gt.jacobian(f, memory_budget=1)(x), reverse, rtol=1e-9, atol=1e-11)
    v = like(x, seed)
    assert np.allclose(forward @ v, gt.jvp(f)(x, v)[1], rtol=1e-9, atol=1e-11)
    h = gt.hessian(lambda x: np.sum(f(x) ** 2))(x)
    assert np.allclose(h, h.T, rtol=1e-8, atol=1e-10 * (1 + np.abs(h).max()))


@pytest.mark.parametrize("operator", [gt.jacobian, gt.hessian])
def test_a_pattern_that_would_not_be_used(operator: Any) -> None:
    with pytest.raises(ValueError, match=r"`sparsity` is for sparse derivatives: say sparse=True"):
        operator(np.sum, sparsity=gt.sparsity(np.sum)(np.ones(2)))


# Seeds that are still diagonal when they meet a product of matrices -------------------------------


def two_layers(x: Any, w1: Any, w2: Any) -> Any:
    return np.tanh(np.tanh(x @ w1) @ w2)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("shape", [(70, 90, 80), (80, 70, 70), (70, 80, 90)])
def test_a_long_vector_through_layers(mode: str, shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    n, hidden, m = shape
    x, w1, w2 = rng.normal(size=n), rng.normal(size=(n, hidden)), rng.normal(size=(hidden, m))
    w1 /= n**0.5
    first = np.tanh(x @ w1)
    second = np.tanh(first @ w2)
    wanted = ((w1 * (1 - first**2)) @ (w2 * (1 - second**2))).T
    found = gt.jacobian(two_layers, mode=mode)(x, w1, w2)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13)


def test_seeds_that_only_look_diagonal() -> None:
    rng = np.random.default_rng(0)
    # Circulant: zeros beside the first two entries of the diagonal, others further off.
    mixed = np.eye(80) + np.eye(80, k=5) + np.eye(80, k=-7)
    w = rng.normal(size=(80, 80))
    x = rng.normal(size=80)
    found = gt.jacobian(lambda x: (x @ w) @ mixed, mode="reverse")(x)
    np.testing.assert_allclose(found, (w @ mixed).T, rtol=1e-12, atol=1e-12)
    found = gt.jacobian(lambda x: (x @ mixed) @ w, mode="forward")(x)
    np.testing.assert_allclose(found, (mixed @ w).T, rtol=1e-12, atol=1e-12)


def test_a_nan_on_the_diagonal_stays_in_its_row() -> None:
    x = np.ones(70)
    x[3] = -1.0
    w = np.full((70, 70), 2.0)
    with np.errstate(invalid="ignore"):
        found = gt.jacobian(lambda x: np.sqrt(x @ (w * np.eye(70))), mode="reverse")(x)
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, 0)).all()
