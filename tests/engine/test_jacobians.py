"""Jacobians and batch Jacobians against closed forms, whole and in blocks."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt

RNG = np.random.default_rng(7)


@pytest.fixture(params=["whole", "row by row", "in blocks"], autouse=True)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of this file runs with one backward pass, and with several."""
    size = {"whole": 1 << 22, "row by row": 1, "in blocks": 200}[request.param]
    monkeypatch.setattr("gradtape.tape.BLOCK_BYTES", size)


def jacobian(f: Any, *arrays: Any) -> list[Any]:
    xs = [gt.constant(a) for a in arrays]
    with gt.GradientTape() as tape:
        tape.watch(xs)
        y = f(*xs)
    return [None if j is None else j.numpy() for j in tape.jacobian(y, xs)]


def test_of_a_matrix_product() -> None:
    a, x = RNG.normal(size=(3, 4)), RNG.normal(size=4)
    ja, jx = jacobian(lambda a, x: a @ x, a, x)
    assert np.allclose(jx, a)
    assert np.allclose(ja, np.einsum("ij,k->ijk", np.eye(3), x))


def test_of_two_matrices() -> None:
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4))
    ja, jb = jacobian(np.matmul, a, b)
    assert np.allclose(ja, np.einsum("ik,lj->ijkl", np.eye(2), b))
    assert np.allclose(jb, np.einsum("ik,jl->ijkl", a, np.eye(4)))


def test_four_indices_as_in_the_notebook() -> None:
    x = np.array([[4.0, 2.0], [1.0, 3.0]])
    (j,) = jacobian(lambda x: x**3, x)
    expected = np.zeros((2, 2, 2, 2))
    for i in np.ndindex(2, 2):
        expected[i + i] = 3 * x[i] ** 2
    assert np.array_equal(j, expected)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_softmax(n: int) -> None:
    x = RNG.normal(size=n)
    p = np.exp(x) / np.exp(x).sum()
    (j,) = jacobian(lambda x: np.exp(x) / np.exp(x).sum(), x)
    assert np.allclose(j, np.diag(p) - np.outer(p, p))


def test_of_a_reduction_along_an_axis() -> None:
    x = RNG.normal(size=(3, 4))
    (j,) = jacobian(lambda x: (x**2).sum(axis=0), x)
    assert j.shape == (4, 3, 4)
    assert np.allclose(j, np.einsum("jl,kl->jkl", np.eye(4), 2 * x))


def test_of_broadcasting() -> None:
    x, y = RNG.normal(size=(3, 1)), RNG.normal(size=4)
    jx, jy = jacobian(lambda x, y: x * y, x, y)
    assert np.allclose(jx[..., 0], np.einsum("ik,j->ijk", np.eye(3), y))
    assert np.allclose(jy, np.einsum("i,jk->ijk", x[:, 0], np.eye(4)))


def test_of_a_scalar_target_and_of_a_scalar_source() -> None:
    x = RNG.normal(size=3)
    assert np.allclose(jacobian(lambda x: (x**2).sum(), x)[0], 2 * x)
    (j,) = jacobian(lambda s: s * x, 2.0)
    assert np.allclose(j, x)
    assert jacobian(lambda s: s * s, 3.0)[0] == 6.0


def test_of_moves() -> None:
    x = RNG.normal(size=(2, 3))
    permutation = np.eye(6).reshape(2, 3, 2, 3)
    cases = [
        (lambda x: x.T, permutation.transpose(1, 0, 2, 3)),
        (lambda x: x[::-1, 1:], permutation[::-1, 1:]),
        (lambda x: x[[0, 1, 0], [2, 2, 1]], permutation[[0, 1, 0], [2, 2, 1]]),
        (lambda x: x[x > 0], permutation[x > 0]),
        (lambda x: np.concatenate([x, x], 1), np.concatenate([permutation, permutation], 1)),
        (lambda x: np.cumsum(x, 1), np.cumsum(permutation, 1)),
        (lambda x: x.reshape(3, 2), permutation.reshape(3, 2, 2, 3)),
    ]
    for f, expected in cases:
        assert np.array_equal(jacobian(f, x)[0], expected)


def test_of_a_solution_by_einsum_with_shared_uses() -> None:
    x = RNG.normal(size=3)
    (j,) = jacobian(lambda x: np.einsum("i,j->ij", x, x), x)
    expected = np.einsum("ik,j->ijk", np.eye(3), x) + np.einsum("i,jk->ijk", x, np.eye(3))
    assert np.allclose(j, expected)


def test_rows_that_do_not_reach_an_infinite_slope_are_zeros_there() -> None:
    x, w = gt.constant([0.0, 4.0]), gt.constant([1.0, -2.0])
    with gt.GradientTape() as tape:
        tape.watch([x, w])
        z = np.sqrt(x) + np.maximum(w, 0)  # the selection comes later than the square root
    by_x, by_w = tape.jacobian(z, [x, w])
    assert by_x.numpy().tolist() == [[np.inf, 0.0], [0.0, 0.25]]
    assert by_w.numpy().tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_the_shape_is_target_then_source() -> None:
    x, y = gt.Variable(np.ones((2, 3))), gt.Variable(np.ones(4))
    with gt.GradientTape(persistent=True) as tape:
        z = x.sum() * np.concatenate([y, y])
    jx, jy = tape.jacobian(z, [x, y])
    assert (jx.shape, jy.shape) == ((8, 2, 3), (8, 4))


def test_rows_agree_with_gradients() -> None:
    x = gt.Variable(RNG.normal(size=(3, 2)))
    with gt.GradientTape(persistent=True) as tape:
        y = np.tanh(x @ np.array([[1.0, 2.0], [3.0, -1.0]])) * x.sum(0) + np.maximum(x, 0.0)
    j = tape.jacobian(y, x).numpy()
    for i in np.ndindex(3, 2):
        seed = np.zeros((3, 2))
        seed[i] = 1.0
        assert np.allclose(j[i], tape.gradient(y, x, output_gradients=seed).numpy())


def test_unconnected() -> None:
    x, y = gt.Variable([1.0, 2.0]), gt.Variable([1.0, 2.0, 3.0])
    with gt.GradientTape(persistent=True) as tape:
        z = x * x
    assert tape.jacobian(z, y) is None
    assert np.array_equal(tape.jacobian(z, y, "zero").numpy(), np.zeros((2, 3)))


def test_an_empty_target_and_an_empty_source() -> None:
    x = gt.Variable(np.ones((0, 2)))
    with gt.GradientTape(persistent=True) as tape:
        y = x * 2.0
        z = y.sum()
    assert tape.gradient(z, x).shape == (0, 2)
    assert tape.jacobian(z, x).shape == (0, 2)
    assert tape.jacobian(y, x, "zero").shape == (0, 2, 0, 2)


def test_float32_stays_float32() -> None:
    (j,) = jacobian(lambda x: np.exp(x) * 2, np.float32([1.0, 2.0]))
    assert j.dtype == np.float32


# Batches ------------------------------------------------------------------------------------------


def batch_jacobian(f: Any, x: Any) -> Any:
    x = gt.constant(x)
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.batch_jacobian(y, x).numpy()


@pytest.mark.parametrize("b", [1, 2, 3, 4])
def test_batch_of_squares(b: int) -> None:
    x = RNG.normal(size=(b, 3))
    assert np.allclose(batch_jacobian(lambda x: x**2, x), 2 * x[:, None] * np.eye(3))


def test_batch_of_a_layer() -> None:
    x, w = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 2))
    found = batch_jacobian(lambda x: np.tanh(x @ w), x)
    expected = (1 - np.tanh(x @ w) ** 2)[:, :, None] * w.T
    assert found.shape == (5, 2, 3)
    assert np.allclose(found, expected)


def test_batch_is_the_diagonal_of_the_jacobian() -> None:
    x = RNG.normal(size=(4, 2, 3))
    w = RNG.normal(size=(3, 2, 2))

    def f(x: Any) -> Any:
        return np.einsum("bij,jkl->bikl", np.sin(x), w)

    whole = jacobian(f, x)[0]
    found = batch_jacobian(f, x)
    assert found.shape == (4, 2, 2, 2, 2, 3)
    for i in range(4):
        assert np.allclose(found[i], whole[i, ..., i, :, :])


def test_batch_unconnected_is_zeros_as_in_tensorflow() -> None:
    x, y = gt.Variable(np.ones((2, 3))), gt.Variable(np.ones((2, 4)))
    with gt.GradientTape(persistent=True) as tape:
        z = x * x
    for how in ("none", "zero"):
        assert np.array_equal(tape.batch_jacobian(z, y, how).numpy(), np.zeros((2, 3, 4)))


def test_batch_within_a_tape() -> None:
    x = gt.Variable(RNG.normal(size=(2, 3)))
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = x**3
        j = inner.batch_jacobian(y, x)
        total = (j**2).sum()
    assert np.allclose(outer.gradient(total, x).numpy(), 2 * 3 * x.numpy() ** 2 * 6 * x.numpy())


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((3,), (3, 2)), "rank at least 2"),
        (((3, 2), (3,)), "rank at least 2"),
        (((2, 3), (3, 2)), "first dimension"),
    ],
)
def test_batches_that_do_not_fit(shapes: Any, words: str) -> None:
    target, source = gt.Variable(np.ones(shapes[0])), gt.Variable(np.ones(shapes[1]))
    with gt.GradientTape() as tape:
        y = target * 2.0
    with pytest.raises(ValueError, match=words):
        tape.batch_jacobian(y, source)


@pytest.mark.parametrize("method", ["jacobian", "batch_jacobian"])
def test_one_target_only(method: str) -> None:
    x = gt.Variable([[1.0, 2.0]])
    with gt.GradientTape() as tape:
        y = x * x
    with pytest.raises(TypeError, match=r"`target`.*one tensor.*list.*np\.stack"):
        getattr(tape, method)([y, y], x)
