"""Sparse Jacobians and Hessians: against dense ones and closed forms, kept patterns, errors."""

import builtins
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradtape as gt
from tests.operators import differences

sp = pytest.importorskip("scipy.sparse")

RNG = np.random.default_rng(5)
X = RNG.normal(size=6)


def whole(nest: Any) -> Any:
    """Sparse arrays, in any nest, as dense ones."""
    return gt.nest.map_structure(lambda leaf: leaf.toarray(), nest)


def flat(nest: Any, outs: Any, ins: Any) -> Any:
    """Dense Jacobians with one axis for the output, one for the input."""
    leaves, outs, ins = [gt.nest.flatten(part) for part in (nest, outs, ins)]
    sizes = [(np.size(o), np.size(i)) for o in outs for i in ins]
    return [np.reshape(leaf, size) for leaf, size in zip(leaves, sizes, strict=True)]


# Classical problems -----------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_hessian(x: Any) -> Any:
    """Its closed form."""
    n = len(x)
    expected = np.diag(np.r_[1200 * x[:-1] ** 2 - 400 * x[1:] + 2, 0] + np.r_[0, [200.0] * (n - 1)])
    return expected + np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)


@pytest.mark.parametrize("n", [2, 3, 10, 200])
def test_rosenbrock(n: int) -> None:
    x = RNG.normal(size=n)
    found = gt.sparsity(rosenbrock, order=2)(x)
    assert found.colors == {2: 2, 3: 2}.get(n, 3)
    assert found.nnz == 3 * n - 2
    for kept in (None, found):
        h = gt.hessian(rosenbrock, sparse=True, sparsity=kept)(x)
        assert isinstance(h, sp.csr_array)
        assert np.allclose(h.toarray(), rosenbrock_hessian(x), rtol=1e-12, atol=1e-9)


def test_an_arrow_hessian() -> None:
    def energy(x: Any) -> Any:
        return np.sum(np.exp(x[0]) * x[1:] ** 2) + x[0] ** 4

    found = gt.sparsity(energy, order=2)(X)
    assert (found.colors, found.mode) == (2, "symmetric")
    expected = np.diag(2 * np.exp(X[0]) * np.ones(6))
    expected[0] = expected[:, 0] = 2 * np.exp(X[0]) * X
    expected[0, 0] = np.exp(X[0]) * (X[1:] ** 2).sum() + 12 * X[0] ** 2
    assert np.allclose(gt.hessian(energy, sparse=True)(X).toarray(), expected)


def brusselator(y: Any) -> Any:
    """E. Hairer and G. Wanner, "Solving Ordinary Differential Equations II", section IV.1."""
    u, v = y.reshape(2, -1)
    c = 0.02 * (u.shape[0] + 1) ** 2
    bu, bv = np.pad(u, 1, constant_values=1.0), np.pad(v, 1, constant_values=3.0)
    du = 1 + u * u * v - 4 * u + c * (bu[:-2] - 2 * u + bu[2:])
    dv = 3 * u - u * u * v + c * (bv[:-2] - 2 * v + bv[2:])
    return np.concatenate([du, dv])


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
def test_brusselator(mode: Any) -> None:
    n = 40
    y = RNG.uniform(0.5, 3, 2 * n)
    u, v = y.reshape(2, n)
    c = 0.02 * (n + 1) ** 2
    second = c * (np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1))
    expected = np.block(
        [
            [second + np.diag(2 * u * v - 4), np.diag(u * u)],
            [np.diag(3 - 2 * u * v), second - np.diag(u * u)],
        ]
    )
    found = gt.sparsity(brusselator, mode=mode)(y)
    assert found.nnz == 2 * (3 * n - 2) + 2 * n
    assert found.colors == 4
    j = gt.jacobian(brusselator, mode=mode, sparse=True)(y)
    assert np.allclose(j.toarray(), expected)


def observations(cameras: Any, points: Any, weights: Any, seen: Any) -> Any:
    """Like bundle adjustment: each observation has a camera, a point and a weight of its own."""
    camera, point = cameras[seen[0]], points[seen[1]]
    apart = point - camera[:, :3]
    angle = np.sqrt(1 + np.sum(camera[:, 3:6] ** 2, axis=1, keepdims=True))
    turned = np.cos(angle) * apart + np.sin(angle) * np.cross(camera[:, 3:6], apart)
    on_screen = turned[:, :2] / (3 + turned[:, 2:] ** 2)
    far = np.sum(on_screen**2, axis=1, keepdims=True)
    bent = on_screen * (1 + camera[:, 8:9] * far + camera[:, 9:] * far**2)
    return weights[:, None] * (bent * camera[:, 7:8] + camera[:, 6:7]), 1 - weights**2


def test_bundle_adjustment() -> None:
    many = 60
    arguments = [RNG.normal(size=s) for s in [(4, 10), (13, 3), (many,)]]
    seen = RNG.integers(0, 4, many), RNG.integers(0, 13, many)
    found = gt.sparsity(observations, argnums=(0, 1, 2))(*arguments, seen)
    assert (found.mode, found.colors, found.nnz) == ("forward", 14, many * (2 * 14 + 1))
    j = gt.jacobian(observations, (0, 1, 2), sparse=True, sparsity=found)(*arguments, seen)
    expected = gt.jacobian(observations, (0, 1, 2))(*arguments, seen)
    assert [len(row) for row in j] == [3, 3]
    dense = flat(expected, observations(*arguments, seen), arguments)
    assert differences.same(whole(j), dense) or differences.same(gt.nest.flatten(whole(j)), dense)


# Arguments and nests ----------------------------------------------------------------------------


class Pair(NamedTuple):
    a: Any
    b: Any


def nested(p: Any, y: Any, scale: Any = 2.0) -> Any:
    return {"u": p.a[1:] * p.a[:-1] * scale, "v": (y * p.b, np.sum(y[0]) * p.a)}


ARGUMENTS = Pair(X, np.float64(0.5)), RNG.normal(size=(2, 3))


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
@pytest.mark.parametrize("argnums", [0, 1, (0, 1), (1, 0)])
def test_nests(argnums: Any, mode: Any) -> None:
    j = gt.jacobian(nested, argnums, mode=mode, sparse=True)(*ARGUMENTS)
    dense = gt.jacobian(nested, argnums)(*ARGUMENTS)
    ins = ARGUMENTS[argnums] if isinstance(argnums, int) else [ARGUMENTS[i] for i in argnums]
    assert j.keys() == dense.keys()
    outs = nested(*ARGUMENTS)
    for a, e in zip(gt.nest.flatten(whole(j)), flat(dense, outs, ins), strict=True):
        assert np.allclose(a, e)


def test_names_and_what_is_returned_beside_the_value() -> None:
    def f(x: Any, *, y: Any) -> Any:
        return np.sin(x) * y, {"sum": x.sum()}

    j, aux = gt.jacobian(f, argnames="y", has_aux=True, sparse=True)(X, y=2 * X)
    assert np.allclose(j.toarray(), np.diag(np.sin(X)))
    assert aux == {"sum": X.sum()}
    assert gt.sparsity(f, argnames="y", has_aux=True)(X, y=X).nnz == 6
    h, aux = gt.hessian(lambda x: ((x**3).sum(), "aux"), has_aux=True, sparse=True)(X)
    assert np.allclose(h.toarray(), np.diag(6 * X))
    assert aux == "aux"


def test_a_hessian_by_several_arguments() -> None:
    def f(p: Any, y: Any) -> Any:
        return np.sum(p["a"] ** 2 * y) + np.sum(np.cos(p["b"])) * y[0]

    arguments = {"a": X, "b": RNG.normal(size=(2, 2))}, RNG.normal(size=6)
    h = gt.hessian(f, (0, 1), sparse=True)(*arguments)
    dense = gt.hessian(f, (0, 1))(*arguments)
    for a, e in zip(
        gt.nest.flatten(whole(h)), flat(dense, list(arguments), list(arguments)), strict=True
    ):
        assert np.allclose(a, e)
    assert h[0]["a"][0]["b"].nnz == 0


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("dtype", ["f", "F", "D", "g"])
def test_dtypes(dtype: str, mode: str) -> None:
    x = (X * (1 + 1j) if dtype in "FD" else X).astype(dtype)

    def f(x: Any) -> Any:
        return x[1:] * x[:-1] ** 2 + (np.abs(x[1:]) if dtype in "FD" else 0)

    j = gt.jacobian(f, mode=mode, sparse=True)(x)
    expected = gt.jacobian(f)(x)
    assert j.dtype == np.dtype(dtype)
    assert np.allclose(j.toarray(), expected, rtol=1e-5 if dtype in "fF" else 1e-12)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_real_and_complex_arguments(mode: str) -> None:
    def f(x: Any, z: Any) -> Any:
        return x * z[::-1] ** 2, np.real(z) * x

    arguments = X.astype(np.float32), RNG.normal(size=6) + 1j * X
    j = gt.jacobian(f, (0, 1), mode=mode, sparse=True)(*arguments)
    dense = gt.jacobian(f, (0, 1), mode="reverse")(*arguments)
    for a, e in zip(gt.nest.flatten(j), gt.nest.flatten(dense), strict=True):
        assert a.dtype == e.dtype
        assert np.allclose(a.toarray(), e, rtol=1e-5)


def test_a_hessian_by_complex_arguments() -> None:
    def f(z: Any) -> Any:
        return np.sum(np.abs(z) ** 4) + np.sum(np.real(z[1:] * z[:-1]))

    z = X + 1j * X[::-1]
    dense = gt.jacobian(gt.grad(f))(z)
    assert np.allclose(gt.hessian(f, sparse=True)(z).toarray(), dense)


def test_numbers_and_empty_arrays() -> None:
    assert gt.jacobian(lambda x: x**2, sparse=True)(3.0).toarray().tolist() == [[6.0]]
    assert gt.hessian(lambda x: x**3, sparse=True)(3.0).toarray().tolist() == [[18.0]]
    for shape, expected in [((0,), (0, 0)), ((0, 2), (0, 0))]:
        assert gt.jacobian(lambda x: x * 2, sparse=True)(np.ones(shape)).shape == expected
    assert gt.jacobian(lambda x: x[:0], sparse=True)(X).shape == (0, 6)
    assert gt.hessian(lambda x: np.sum(x), sparse=True)(np.ones(0)).shape == (0, 0)


def test_linear_functions_have_an_empty_hessian() -> None:
    h = gt.hessian(lambda x: np.sum(3 * x), sparse=True)(X)
    assert (h.shape, h.nnz) == ((6, 6), 0)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_blocks(mode: str) -> None:
    for budget in (1, 100, 1 << 20):
        j = gt.jacobian(np.cumsum, mode=mode, sparse=True, memory_budget=budget)(X)
        assert np.array_equal(j.toarray(), np.tri(6))
        h = gt.hessian(rosenbrock, sparse=True, memory_budget=budget)(X)
        assert np.allclose(h.toarray(), rosenbrock_hessian(X))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_dead_branches_stay_free_of_nan(mode: str) -> None:
    x = np.array([0.0, 4.0, 0.0, 9.0])

    def f(x: Any) -> Any:
        roots = np.sqrt(x)
        return np.where(x > 0, roots, 2 * x)[::-1] + roots[[1, 3, 3, 1]]

    expected = gt.jacobian(f)(x)
    assert np.array_equal(gt.jacobian(f, mode=mode, sparse=True)(x).toarray(), expected)
    assert np.all(np.isfinite(expected))


# Composition ------------------------------------------------------------------------------------


def test_of_gradients_and_of_products() -> None:
    by_rows = gt.jacobian(gt.grad(rosenbrock), sparse=True)(X)
    assert np.allclose(by_rows.toarray(), rosenbrock_hessian(X))
    third = gt.jacobian(lambda x: gt.hvp(rosenbrock)(x, np.ones(6)), sparse=True)(X)
    dense = gt.jacobian(lambda x: gt.hvp(rosenbrock)(x, np.ones(6)))(X)
    assert np.allclose(third.toarray(), dense)
    assert np.allclose(dense, differences.jacobian(lambda x: rosenbrock_hessian(x) @ np.ones(6), X))


def test_of_a_pushed_direction_and_of_a_dense_jacobian() -> None:
    def f(x: Any) -> Any:
        return x[1:] * np.sin(x[:-1])

    pushed = gt.jacobian(lambda x: gt.jvp(f)(x, X)[1], sparse=True)(X)
    assert np.allclose(pushed.toarray(), gt.jacobian(lambda x: gt.jvp(f)(x, X)[1])(X))
    rows = gt.jacobian(lambda x: gt.jacobian(f)(x), sparse=True)(X)
    assert rows.shape == (30, 6)
    assert np.allclose(rows.toarray(), gt.jacobian(gt.jacobian(f))(X).reshape(30, 6))


def test_under_a_tape_that_does_not_look_on() -> None:
    y = gt.Variable(X)
    with gt.GradientTape() as tape:
        z = y * y
        j = gt.jacobian(lambda x: x**2, sparse=True)(X)
        h = gt.hessian(rosenbrock, sparse=True)(X)
    assert np.allclose(j.toarray(), np.diag(2 * X))
    assert np.allclose(h.toarray(), rosenbrock_hessian(X))
    assert np.allclose(tape.gradient(z, y).numpy(), 2 * X)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_tape_that_would_lose_sight_of_it_is_refused(mode: str) -> None:
    with pytest.raises(gt.TrackedConversionError, match="leave out sparse=True"):
        gt.grad(lambda x: gt.jacobian(lambda y: y**2, mode=mode, sparse=True)(x).sum())(X)
    with pytest.raises(gt.TrackedConversionError, match="leave out sparse=True"):
        gt.grad(lambda x: gt.hessian(rosenbrock, sparse=True)(x).sum())(X)


# Kept patterns ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
def test_a_kept_pattern_is_used_again(mode: Any) -> None:
    def f(x: Any) -> Any:
        return np.tanh(x[1:] * x[:-1])

    kept = gt.sparsity(f, mode=mode)(X)
    sparse = gt.jacobian(f, sparse=True, sparsity=kept)
    for x in (X, X[::-1].copy(), 3 * X):
        assert np.allclose(sparse(x).toarray(), gt.jacobian(f)(x))
    again = sparse(X)
    again.eliminate_zeros()
    again.indices[:] = 0  # what comes out is the user's own
    again.data[:] = np.nan
    assert np.allclose(sparse(X).toarray(), gt.jacobian(f)(X))


def test_what_a_pattern_says() -> None:
    found = gt.sparsity(np.diff)(np.arange(11.0))
    assert found.shape == found.pattern.shape == (10, 11)
    assert found.pattern.dtype == bool
    assert (found.nnz, found.colors, found.mode) == (20, 2, "reverse")
    assert repr(found) == "Sparsity(shape=(10, 11), nnz=20 (18.18%), mode='reverse', colors=2)"
    assert sorted(set(found.groups.tolist())) == [0, 1]


def test_a_pattern_of_other_shapes_is_refused() -> None:
    kept = gt.sparsity(np.diff)(X)
    with pytest.raises(ValueError, match=r"returns arrays of shapes \(5,\), but here they are \(6"):
        gt.jacobian(np.diff, sparse=True, sparsity=kept)(np.ones(7))
    with pytest.raises(ValueError, match="is differentiated by arrays"):
        gt.jacobian(lambda x: x[:5], sparse=True, sparsity=kept)(np.ones(7))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_pattern_of_another_branch_is_refused_where_that_is_asked_for(mode: str) -> None:
    def f(x: Any) -> Any:
        return np.where(x > 0, x[::-1], x**2)

    kept = gt.sparsity(f, mode=mode, check=True)(np.arange(1.0, 7.0))
    sparse = gt.jacobian(f, sparse=True, sparsity=kept)
    assert np.allclose(sparse(np.arange(2.0, 8.0)).toarray(), np.eye(6)[::-1])
    with pytest.raises(ValueError, match="took another branch"):
        sparse(-np.arange(1.0, 7.0))


def test_a_hessian_of_another_branch_is_refused_where_that_is_asked_for() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x[1:] > 0, x[1:] * x[:-1], x[1:] ** 2))

    kept = gt.sparsity(f, order=2, check=True)(-np.ones(5))
    sparse = gt.hessian(f, sparse=True, sparsity=kept)
    assert np.allclose(sparse(-np.arange(1.0, 6.0)).toarray(), np.diag([0, 2, 2, 2, 2]))
    with pytest.raises(ValueError, match="misses entries"):
        sparse(np.ones(5))


def test_a_pattern_of_a_hessian_is_no_pattern_of_a_jacobian() -> None:
    kept = gt.sparsity(rosenbrock, order=2)(X)
    with pytest.raises(ValueError, match="that of a Hessian"):
        gt.jacobian(lambda x: x**2, sparse=True, sparsity=kept)(X)
    other = gt.sparsity(gt.grad(rosenbrock))(X)
    for mode in ("forward", "reverse"):
        other = gt.sparsity(gt.grad(rosenbrock), mode=mode)(X)
        h = gt.hessian(rosenbrock, sparse=True, sparsity=other)(X)
        assert np.allclose(h.toarray(), rosenbrock_hessian(X))


# The tape ---------------------------------------------------------------------------------------


def test_on_the_tape() -> None:
    x, y = gt.Variable(X), gt.Variable(X[:3].astype(np.float32))
    with gt.GradientTape(persistent=True) as tape:
        z = np.sin(x).reshape(2, 3) * y
    dense = tape.jacobian(z, {"x": x, "y": y})
    for kept in (True, gt.sparsity(lambda x, y: np.sin(x).reshape(2, 3) * y, (0, 1))(X, X[:3])):
        sparse = tape.jacobian(z, {"x": x, "y": y}, sparse=kept)
        for name, width in (("x", 6), ("y", 3)):
            assert isinstance(sparse[name], sp.csr_array)
            assert sparse[name].dtype == dense[name].dtype
            assert np.allclose(sparse[name].toarray(), dense[name].numpy().reshape(6, width))


def test_on_the_tape_in_blocks_of_columns() -> None:
    x = gt.Variable(RNG.normal(size=(3, 2)))
    rows = np.array([0, 2, 1, 0, 0, 1, 2, 2, 0])
    with gt.GradientTape(persistent=True) as tape:
        z = np.prod(x[rows], axis=1)
    expected = tape.jacobian(z, x).numpy().reshape(9, 6)
    for budget in (1, 1 << 20):
        found = tape.jacobian(z, x, sparse=True, memory_budget=budget)
        assert np.allclose(found.toarray(), expected)
    assert gt.sparsity(lambda x: np.prod(x[rows], axis=1))(x.numpy()).mode == "forward"


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_on_the_tape_of_a_source_that_is_not_used(mode: str) -> None:
    x, y = gt.Variable(X), gt.Variable(X)
    with gt.GradientTape(persistent=True) as tape:
        z = x * x
    found = gt.sparsity(lambda x: x * x, mode=mode)(X)
    for kept in (True, found):
        assert not tape.jacobian(z, y, sparse=kept).toarray().any()
        by_x, by_y = tape.jacobian(z, [x, y], sparse=True)
        assert np.array_equal(by_x.toarray(), np.diag(2 * X))
        assert by_y.nnz == 0


def test_a_tape_that_is_not_persistent_is_used_up() -> None:
    x = gt.Variable(X)
    with gt.GradientTape() as tape:
        z = x * x
    assert tape.jacobian(z, x, sparse=True).nnz == 6
    with pytest.raises(RuntimeError, match="GradientTape"):
        tape.jacobian(z, x, sparse=True)


def test_what_is_no_pattern_is_refused_on_the_tape() -> None:
    x = gt.Variable(X)
    with gt.GradientTape(persistent=True) as tape:
        z = x * x
    with pytest.raises(TypeError, match="argument `sparse` of jacobian"):
        tape.jacobian(z, x, sparse=np.eye(6))  # type: ignore[arg-type]
    assert tape.jacobian(z, x, sparse=False).shape == (6, 6)


def test_of_batches_memory_is_bounded() -> None:
    x = gt.Variable(RNG.normal(size=(4, 3)))
    with gt.GradientTape(persistent=True) as tape:
        z = np.cumsum(x, 1) ** 2
    expected = tape.batch_jacobian(z, x).numpy()
    assert np.allclose(tape.batch_jacobian(z, x, memory_budget=1).numpy(), expected)
    whole = tape.jacobian(z, x).numpy()
    assert np.allclose(tape.jacobian(z, x, memory_budget=1).numpy(), whole)
    for wrong in (0, -1, 1.5, "4M", True):
        with pytest.raises(ValueError, match="number of bytes"):
            tape.jacobian(z, x, memory_budget=wrong)


# Bad input --------------------------------------------------------------------------------------


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "scipy":
            raise ModuleNotFoundError("No module named 'scipy'", name="scipy")
        return original(name, *args, **kwargs)

    x = gt.Variable(X)
    with gt.GradientTape() as tape:
        z = x * x
    monkeypatch.setattr(builtins, "__import__", refuse)
    for call in (
        lambda: gt.jacobian(lambda x: x, sparse=True),
        lambda: gt.hessian(rosenbrock, sparse=True),
        lambda: gt.sparsity(lambda x: x),
        lambda: tape.jacobian(z, x, sparse=True),
    ):
        with pytest.raises(ImportError, match=r"gradtape\[scipy\]"):
            call()


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="argument `order`"):
        gt.sparsity(rosenbrock, order=3)
    with pytest.raises(ValueError, match="argument `mode`"):
        gt.sparsity(rosenbrock, mode="backward")
    with pytest.raises(ValueError, match="argument `mode` is for the Jacobian"):
        gt.sparsity(rosenbrock, order=2, mode="forward")
    with pytest.raises(TypeError, match="argument `sparsity` must be what"):
        gt.jacobian(np.diff, sparse=True, sparsity=np.eye(5))
    kept = gt.sparsity(np.diff, mode="reverse")(X)
    with pytest.raises(ValueError, match="was coloured for mode 'reverse'"):
        gt.jacobian(np.diff, mode="forward", sparse=True, sparsity=kept)
    with pytest.raises(ValueError, match="scalar"):
        gt.hessian(np.diff, sparse=True)(X)
    with pytest.raises(TypeError, match="floating or complex"):
        gt.jacobian(np.diff, sparse=True)(np.arange(3))
    with pytest.raises(TypeError, match="floating or complex"):
        gt.sparsity(np.diff)(np.arange(3))


def test_what_does_not_depend_on_the_argument_is_empty_and_warned_of() -> None:
    with pytest.warns(UserWarning, match="does not depend"):
        j = gt.jacobian(lambda x: np.ones(3), sparse=True)(X)
    assert (j.shape, j.nnz, j.dtype) == ((3, 6), 0, np.float64)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_an_array_that_was_written_to_meanwhile_is_noticed(mode: str) -> None:
    weights = np.ones(100_000)

    def f(x: Any) -> Any:
        y = x * weights
        weights[:] = 2
        return y

    with pytest.raises(gt.ChangedArrayError):
        gt.jacobian(f, mode=mode, sparse=True)(np.ones(100_000))
