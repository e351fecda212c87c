"""grad and value_and_grad: functions of bare arrays, which compose."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.recording import active


def test_grad_of_a_number() -> None:
    g = gt.grad(lambda x: x**3)(2.0)
    assert type(g) is np.float64
    assert g == 12.0


def test_grad_of_an_array_is_a_bare_array() -> None:
    x = np.array([1.0, 2.0])
    value, g = gt.value_and_grad(lambda x: (x**2).sum())(x)
    assert type(g) is np.ndarray
    assert type(value) is np.float64
    assert value == 5.0
    assert np.array_equal(g, [2.0, 4.0])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_composition(order: int) -> None:
    f: Any = lambda x: np.exp(2 * x)  # noqa: E731
    for _ in range(order):
        f = gt.grad(f)
    g = f(0.3)
    assert type(g) is np.float64
    assert np.isclose(g, 2**order * np.exp(0.6))


def test_argnums() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return x * y**2 * z**3

    assert gt.grad(f, 1)(2.0, 3.0, 1.0) == 12.0
    assert gt.grad(f, -1)(2.0, 3.0, 1.0) == 54.0
    value, (dz, dx) = gt.value_and_grad(f, (2, 0))(2.0, 3.0, 1.0)
    assert (value, dz, dx) == (18.0, 54.0, 9.0)
    assert gt.grad(f, (0,))(2.0, 3.0, 1.0) == (9.0,)


def test_mixed_derivatives_by_composition() -> None:
    def f(x: Any, y: Any) -> Any:
        return x**2 * y**3

    assert gt.grad(gt.grad(f, 0), 1)(2.0, 3.0) == 2 * 2.0 * 3 * 9.0
    assert gt.grad(gt.grad(f, 1), 0)(2.0, 3.0) == 2 * 2.0 * 3 * 9.0


def test_the_other_arguments_and_keywords_stay_as_they_are() -> None:
    seen = []

    def f(x: Any, y: Any, *, scale: Any) -> Any:
        seen.append((type(x), type(y), type(scale)))
        return (x * y).sum() * scale

    g = gt.grad(f)(np.ones(2), np.array([3.0, 4.0]), scale=2)
    assert np.array_equal(g, [6.0, 8.0])
    assert seen == [(gt.Tensor, np.ndarray, int)]


def test_nests() -> None:
    def loss(parameters: Any, x: Any) -> Any:
        return ((x @ parameters["w"] + parameters["b"][0]) ** 2).sum()

    parameters = {"w": np.ones((2, 3)), "b": (np.zeros(3),)}
    x = np.array([[1.0, 2.0]])
    g = gt.grad(loss)(parameters, x)
    assert list(g) == ["w", "b"]
    assert type(g["b"]) is tuple
    assert np.array_equal(g["b"][0], [6.0, 6.0, 6.0])
    assert np.array_equal(g["w"], x.T @ np.full((1, 3), 6.0))
    assert np.array_equal(parameters["w"], np.ones((2, 3)))


def test_unconnected_arguments_give_zeros() -> None:
    dx, dy = gt.grad(lambda x, y: x * 2.0, (0, 1))(1.0, np.ones((2, 3)))
    assert dx == 2.0
    assert np.array_equal(dy, np.zeros((2, 3)))


def test_a_constant_function() -> None:
    assert gt.grad(lambda x: 3.0)(1.0) == 0.0
    assert gt.grad(lambda x: gt.constant(3.0))(1.0) == 0.0
    value, g = gt.value_and_grad(lambda x: 3.0)(np.ones(2))
    assert value == 3.0
    assert np.array_equal(g, [0.0, 0.0])


def test_the_identity() -> None:
    assert gt.grad(lambda x: x)(3.0) == 1.0
    assert gt.value_and_grad(lambda x: x)(3.0) == (3.0, 1.0)


def test_a_tensor_gives_tensors() -> None:
    value, g = gt.value_and_grad(lambda x: x**2)(gt.constant(3.0))
    assert type(value) is gt.Tensor
    assert type(g) is gt.Tensor
    assert (value.item(), g.item()) == (9.0, 6.0)


def test_a_variable_as_argument() -> None:
    v = gt.Variable(3.0)
    g = gt.grad(lambda x: x**2)(v)
    assert float(g) == 6.0
    with gt.GradientTape() as tape:
        y = gt.grad(lambda x: x**3)(v)
    assert tape.gradient(y, v).numpy() == 18.0


def test_closures_over_tracked_tensors() -> None:
    a = gt.Variable(3.0)
    with gt.GradientTape() as tape:
        value, g = gt.value_and_grad(lambda x: a**2 * x**3)(2.0)
    assert type(g) is gt.Tensor
    assert (g.item(), value.item()) == (108.0, 72.0)
    assert tape.gradient([g, value], a).numpy() == 2 * 3 * 12.0 + 2 * 3 * 8.0


def test_closures_over_the_outer_argument() -> None:
    def f(x: Any) -> Any:
        inner = gt.grad(lambda y: x**2 * y**3)(x)
        return inner * x

    # f(x) = 3 x^5
    assert gt.grad(f)(2.0) == 15 * 16.0
    assert gt.grad(gt.grad(f))(2.0) == 60 * 8.0


def test_no_confusion_of_perturbations() -> None:
    assert gt.grad(lambda x: x * gt.grad(lambda y: x + y)(1.0))(1.0) == 1.0


def test_a_closure_over_a_variable_without_a_tape_is_a_constant() -> None:
    a = gt.Variable(3.0)
    g = gt.grad(lambda x: a * x)(2.0)
    assert type(g) is np.float64
    assert g == 3.0
    assert active() == ()


def test_within_a_tape_that_tracks_nothing_of_it_the_answer_is_bare() -> None:
    with gt.GradientTape():
        g = gt.grad(lambda x: (x**2).sum())(np.ones(2))
    assert type(g) is np.ndarray


def test_hessian_by_grad_and_jacobian() -> None:
    x = gt.constant([1.0, 2.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        g = gt.grad(lambda x: (x**3).sum() + x[0] * x[1])(x)
    assert np.allclose(tape.jacobian(g, x).numpy(), [[6.0, 1.0], [1.0, 12.0]])


def test_forward_over_grad() -> None:
    x = gt.constant([1.0, 2.0])
    with gt.ForwardAccumulator(x, np.array([1.0, 10.0])) as acc:
        g = gt.grad(lambda x: (x**3).sum())(x)
    assert np.allclose(acc.jvp(g).numpy(), [6.0, 120.0])


def test_the_function_s_name_is_kept() -> None:
    def loss(x: Any) -> Any:
        """My loss."""
        return x

    assert gt.grad(loss).__name__ == gt.value_and_grad(loss).__name__ == "loss"
    assert gt.grad(loss).__doc__ == "My loss."


# The arrays that come back are the caller's own ---------------------------------------------------

ALIASING: dict[str, Any] = {
    "identity of sums": lambda x, y: x.sum() + y.sum(),
    "sum": lambda x, y: (x + y).sum(),
    "difference": lambda x, y: (x - y).sum(),
    "broadcast": lambda x, y: np.broadcast_to(x + y, (3, 2)).sum(),
    "product": lambda x, y: (x * y).sum(),
    "square": lambda x, y: (x * x + y * y).sum(),
    "reshape": lambda x, y: (x.reshape(2, 1) * y.reshape(1, 2)).sum(),
    "exp": lambda x, y: np.exp(x + y).sum(),
    "concatenate": lambda x, y: np.concatenate([x, y]).sum(),
    "pick": lambda x, y: x[0] + y[1],
    "dot": lambda x, y: x @ y,
    "maximum": lambda x, y: np.maximum(x, y).sum(),
    "nothing": lambda x, y: 1.0,
    "mean": lambda x, y: np.mean(x) + np.mean(x + y),
}


@pytest.mark.parametrize("name", ALIASING)
def test_what_comes_back_is_writeable_and_shared_with_nothing(name: str) -> None:
    f = ALIASING[name]
    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    value, (dx, dy) = gt.value_and_grad(f, (0, 1))(x, y)
    again = gt.grad(f, (0, 1))(x, y)
    expected = [dx.copy(), dy.copy()]
    everything = [x, y, dx, dy, *again]
    for i, one in enumerate(everything):
        assert one.flags.writeable
        for other in everything[i + 1 :]:
            assert not np.shares_memory(one, other)
    for array in (x, y, dx, dy):
        array[:] = -77.0
    assert np.array_equal(again[0], expected[0])
    assert np.array_equal(again[1], expected[1])
    assert not isinstance(value, np.ndarray)


def test_the_same_array_twice() -> None:
    x = np.array([1.0, 2.0])
    dx, dy = gt.grad(lambda a, b: (a * b**2).sum(), (0, 1))(x, x)
    assert np.array_equal(dx, [1.0, 4.0])
    assert np.array_equal(dy, [2.0, 8.0])
    assert not np.shares_memory(dx, dy)


def test_the_same_tensor_twice() -> None:
    """Two arguments are two, though one tensor stands for both."""
    x = gt.constant(3.0)
    dx, dy = gt.grad(lambda a, b: a * b**2, (0, 1))(x, x)
    assert (float(dx), float(dy)) == (9.0, 18.0)


def test_the_tensor_given_is_not_confused_with_a_closure_over_it() -> None:
    """The derivative by the argument alone: the x of the closure is a constant."""
    x = gt.constant(3.0)
    assert float(gt.grad(lambda a: a * x)(x)) == 3.0


def test_the_function_may_keep_its_argument() -> None:
    kept = []

    def f(x: Any) -> Any:
        kept.append(x)
        return (x * x).sum()

    x = np.array([1.0, 2.0])
    g = gt.grad(f)(x)
    g[:] = 0.0
    x[:] = 0.0
    assert np.array_equal(kept[0].numpy(), [1.0, 2.0])


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [1, np.array([1, 2]), True, gt.constant(3)])
def test_integers(bad: Any) -> None:
    def loss(x: Any) -> Any:
        return x * 2

    with pytest.raises(TypeError, match=r"loss.*floating.*1\.0 or array\.astype"):
        gt.grad(loss)(bad)


@pytest.mark.parametrize("bad", ["text", None, object()])
def test_what_is_no_number(bad: Any) -> None:
    with pytest.raises(TypeError, match="a tensor holds numbers"):
        gt.grad(lambda x: x)(bad)


def test_a_value_that_is_no_scalar() -> None:
    def loss(x: Any) -> Any:
        return x * 2

    with pytest.raises(ValueError, match=r"scalar.*loss.*shape \(2,\): sum it"):
        gt.grad(loss)(np.ones(2))


@pytest.mark.parametrize("argnums", [1, -2, (0, 5)])
def test_argnums_out_of_range(argnums: Any) -> None:
    with pytest.raises(ValueError, match=r"`argnums`.*1 positional"):
        gt.grad(lambda x: x, argnums)(1.0)


@pytest.mark.parametrize("bad", [None, "loss", [1.0, 2.0]])
def test_a_value_that_is_nothing_to_differentiate(bad: Any) -> None:
    def loss(x: Any) -> Any:
        return bad

    with pytest.raises((TypeError, ValueError), match="loss"):
        gt.grad(loss)(1.0)


def test_an_exception_leaves_no_tape_active() -> None:
    def loss(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        gt.grad(loss)(1.0)
    assert active() == ()
