"""Variables, constants and tensors: values, printing, and standing in for arrays."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (3.0, np.float64),
        (3, np.int64),
        (True, np.bool_),
        (1j, np.complex128),
        ([1, 2.5], np.float64),
        (np.float32(2), np.float32),
        (np.ones(2, np.float16), np.float16),
        (gt.constant(np.float32([1.0])), np.float32),
    ],
)
@pytest.mark.parametrize("make", [gt.constant, gt.Variable])
def test_dtype_is_numpy_s(make: Any, value: Any, dtype: Any) -> None:
    t = make(value)
    assert t.dtype == dtype
    assert np.array_equal(t.numpy(), getattr(value, "array", value))


@pytest.mark.parametrize("make", [gt.constant, gt.Variable])
@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype(np.float32)])
def test_dtype_can_be_given(make: Any, dtype: Any) -> None:
    t = make([[1, 2], [3, 4]], dtype=dtype)
    assert (t.dtype, t.shape, t.ndim, t.size, len(t)) == (np.float32, (2, 2), 2, 4, 2)


@pytest.mark.parametrize("make", [gt.constant, gt.Variable])
def test_the_value_is_copied(make: Any) -> None:
    source = np.ones(3)
    t = make(source)
    source[:] = 9.0
    assert np.array_equal(t.numpy(), np.ones(3))
    t.numpy()[:] = 7.0
    assert np.array_equal(t.numpy(), np.ones(3))


@pytest.mark.parametrize("make", [gt.constant, gt.Variable])
@pytest.mark.parametrize("value", ["text", ["a", "b"], None, object(), [None, 1.0]])
def test_what_is_no_number(make: Any, value: Any) -> None:
    with pytest.raises(TypeError, match="a tensor holds numbers"):
        make(value)


def test_ragged_sequences() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        gt.constant([[1.0, 2.0], [3.0]])


def test_scalars_are_numpy_scalars_inside_and_outside() -> None:
    t = gt.constant(2.5)
    assert isinstance(t.numpy(), np.float64)
    assert t.item() == float(t) == 2.5
    assert int(t) == 2
    assert complex(t) == 2.5 + 0j
    assert f"{t:.2f}" == "2.50"
    assert [1, 2, 3][gt.constant(1)] == 2
    with pytest.raises(TypeError, match="without axes"):
        len(t)


def test_assign() -> None:
    v = gt.Variable([1.0, 2.0])
    assert v.assign([3.0, 4.0]) is v
    assert v.assign_add([1.0, 1.0]) is v
    assert v.assign_sub(gt.constant([0.5, 0.5])) is v
    assert np.array_equal(v.numpy(), [3.5, 4.5])
    v.assign(v * 2.0)
    assert np.array_equal(v.numpy(), [7.0, 9.0])


def test_assign_keeps_the_dtype() -> None:
    v = gt.Variable(np.float32([1.0, 2.0]))
    v.assign(np.array([1.5, 2.5]))
    v.assign_add(np.array([1, 1]))
    assert v.dtype == np.float32
    assert np.array_equal(v.numpy(), np.float32([2.5, 3.5]))


def test_assign_takes_a_copy() -> None:
    v, new = gt.Variable([1.0, 2.0]), np.array([3.0, 4.0])
    v.assign(new)
    new[:] = 0.0
    assert np.array_equal(v.numpy(), [3.0, 4.0])


@pytest.mark.parametrize("bad", [1.0, [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]]])
def test_assign_of_another_shape(bad: Any) -> None:
    v = gt.Variable([1.0, 2.0], name="weights")
    with pytest.raises(ValueError, match=r"'weights' of shape \(2,\).*must be equal"):
        v.assign(bad)


def test_assign_add_that_broadcasts_to_more() -> None:
    v = gt.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match="shapes must be equal"):
        v.assign_add(np.ones((3, 2)))
    assert np.array_equal(v.numpy(), [1.0, 2.0])


def test_assign_sub_of_a_scalar_broadcasts() -> None:
    v = gt.Variable([1.0, 2.0])
    assert np.array_equal(v.assign_sub(1.0).numpy(), [0.0, 1.0])


def test_assignments_are_not_recorded() -> None:
    v, w = gt.Variable(1.0), gt.Variable(2.0)
    with gt.GradientTape() as tape:
        w.assign_add(v)
        w.assign_sub(v * 3.0)
        y = w * 1.0
    dv, dw = tape.gradient(y, [v, w])
    assert dv is None
    assert dw.numpy() == 1.0


def test_names() -> None:
    assert gt.Variable(1.0, name="w").name == "w"
    assert gt.Variable(1.0).name == "Variable"
    assert gt.Variable(1.0, trainable=False).trainable is False
    assert gt.constant(1.0).trainable is False


@pytest.mark.parametrize(
    ("tensor", "shown"),
    [
        (gt.constant(6.0), "Tensor(6.)"),
        (gt.constant(np.float32(6.0)), "Tensor(6., dtype=float32)"),
        (gt.constant([1, 2]), "Tensor([1, 2])"),
        (gt.constant([True]), "Tensor([ True])"),
        (gt.Variable([1.0, 2.0]), "Variable([1., 2.])"),
        (gt.Variable(np.float32([1.0])), "Variable([1.], dtype=float32)"),
        (gt.constant([[1.0, 2.0], [3.0, 4.0]]), "Tensor([[1., 2.],\n        [3., 4.]])"),
        (gt.constant(1 + 2j), "Tensor(1.+2.j, dtype=complex128)"),
    ],
)
def test_printing(tensor: Any, shown: str) -> None:
    assert repr(tensor) == shown
    assert str(tensor) == str(tensor.numpy())


def test_printing_while_a_tape_tracks_it() -> None:
    v = gt.Variable([1.0, 2.0])
    with gt.GradientTape():
        assert repr(v * 2.0) == "Tensor([2., 4.])"
        assert f"{v} {v!r}" == "[1. 2.] Variable([1., 2.])"
        assert v.tolist() == [1.0, 2.0]


def test_a_variable_has_no_item_assignment() -> None:
    with pytest.raises(TypeError, match=r"writing.*np\.where.*assign"):
        gt.Variable([1.0, 2.0])[0] = 3.0  # type: ignore[index]


def test_in_place_operators_make_a_new_tensor() -> None:
    v = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = v
        y += 1.0
        y *= v
    assert y is not v
    assert np.array_equal(v.numpy(), [1.0, 2.0])
    assert np.array_equal(tape.gradient(y, v).numpy(), [3.0, 5.0])


def test_tensors_are_hashed_by_identity_and_compared_by_entry() -> None:
    x, y = gt.constant(1.0), gt.constant(1.0)
    assert len({x, y}) == 2
    assert x == y
    assert (gt.constant([1.0, 2.0]) == np.array([1.0, 3.0])).tolist() == [True, False]


def test_comparisons_are_bare_so_that_control_flow_works() -> None:
    v = gt.Variable(2.0)
    with gt.GradientTape() as tape:
        y = v * v if v > 1 else v
        while y < 100.0:
            y = y * v
        for x in gt.constant([1.0, 2.0]):
            y = y + x * v
    assert isinstance(v > 1, np.bool_)
    assert tape.gradient(y, v).numpy() == 7 * 2.0**6 + 3.0


def test_iteration_and_unpacking() -> None:
    v = gt.Variable([3.0, 5.0])
    with gt.GradientTape() as tape:
        a, b = v
        y = a * b * sum(v)
    assert np.array_equal(tape.gradient(y, v).numpy(), [5 * 8.0 + 15, 3 * 8.0 + 15])
    assert 5.0 in v
    assert 4.0 not in v


def test_numpy_scalars_and_arrays_on_the_left() -> None:
    v = gt.Variable([1.0, 2.0])
    a = np.array([3.0, 4.0])
    with gt.GradientTape(persistent=True) as tape:
        results = [a * v, np.float64(2.0) * v, 2 * v, a / v, a - v, np.ones((2, 2)) @ v, 2.0**v]
    assert all(type(r) is gt.Tensor for r in results)
    found = [tape.gradient(r, v).numpy() for r in results]
    value = np.array([1.0, 2.0])
    expected = [a, [2, 2], [2, 2], -a / value**2, [-1, -1], [2, 2], 2.0**value * np.log(2)]
    for got, wanted in zip(found, expected, strict=True):
        assert np.allclose(got, wanted)


def test_lists_beside_tensors() -> None:
    v = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = (v * [3.0, 4.0] + [1, 1]).sum() + ([1.0, 2.0] * v).sum()
    assert np.array_equal(tape.gradient(y, v).numpy(), [4.0, 6.0])


def test_conversion_of_an_untracked_tensor() -> None:
    t = gt.constant([1.0, 2.0])
    a = np.asarray(t)
    assert type(a) is np.ndarray
    assert np.array_equal(a, [1.0, 2.0])
    assert np.array(t, dtype=np.float32).dtype == np.float32
    target = np.zeros(2)
    target[:] = t
    assert np.array_equal(target, [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 5.0
    b = np.array(t)
    b[0] = 5.0
    assert np.array_equal(t.numpy(), [1.0, 2.0])


def test_functions_without_a_rule_work_on_untracked_tensors() -> None:
    t = gt.constant([1.0, 2.0, 3.0])
    y = np.convolve(t, [1.0, 1.0])
    assert type(y) is gt.Tensor
    assert np.array_equal(y.numpy(), [1.0, 3.0, 5.0, 3.0])


def test_functions_without_a_derivative_answer_with_bare_values() -> None:
    v = gt.Variable([3.0, 1.0, 2.0])
    with gt.GradientTape():
        assert np.argmax(v) == 0
        assert v.argsort().tolist() == [1, 2, 0]
        assert np.array_equal(np.floor(v / 2), [1.0, 0.0, 1.0])
        assert np.shape(v) == (3,)
        assert np.all(v > 0)


NO_AXES: dict[str, Any] = {
    "sum": lambda x: x.sum(),
    "mean": np.mean,
    "max": np.max,
    "prod": np.prod,
    "std": np.std,
    "index": lambda x: x[0],
    "index of a tuple": lambda x: x.reshape(2, 1)[1, 0],
    "ellipsis": lambda x: x[0, ...],
    "squeeze": lambda x: np.squeeze(x[:1]),
    "reshape": lambda x: x[:1].reshape(()),
    "dot": lambda x: np.dot(x, x),
    "@": lambda x: x @ x,
    "@ an array": lambda x: x @ np.ones(2),
    "an array @": lambda x: np.ones(2) @ x,
    "inner": lambda x: np.inner(x, x),
    "vdot": lambda x: np.vdot(x, x),
    "tensordot": lambda x: np.tensordot(x, x, 1),
    "einsum": lambda x: np.einsum("i,i", x, x),
    "trace": lambda x: np.trace(np.outer(x, x)),
    "exp of a sum": lambda x: np.exp(x.sum()),
    "where": lambda x: np.where(True, x[0], x[1]),
    "minus": lambda x: -x[0],
    "power": lambda x: x[0] ** 2,
    "ptp": np.ptp,
    "astype": lambda x: x[0].astype(np.float32),
    "take": lambda x: np.take(x, 1),
    "cumsum's last": lambda x: np.cumsum(x)[-1],
    "transpose": lambda x: x[0].T,
    "clip": lambda x: np.clip(x[0], 0, 1),
    "broadcast": lambda x: np.broadcast_to(x[0], ()),
    "expand and squeeze": lambda x: np.squeeze(np.expand_dims(x[0], 0)),
}


@pytest.mark.parametrize("name", NO_AXES)
def test_a_result_without_axes_is_a_scalar_in_both_directions(name: str) -> None:
    v = gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        y = NO_AXES[name](v)
        z = y * 2.0
    assert isinstance(y.numpy(), np.generic)
    assert y.shape == ()
    assert isinstance(tape.gradient(z, y).numpy(), np.generic)
    assert tape.gradient(z, v).shape == (2,)


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "deepcopy of a list": lambda v: copy.deepcopy([v])[0],
    "pickle": lambda v: pickle.loads(pickle.dumps(v)),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_a_variable_is_another_variable(name: str) -> None:
    """As a network and its target network: what one is used for is no gradient of the other."""
    v = gt.Variable([1.0, 2.0], name="weights")
    w = COPIES[name](v)
    assert (type(w), w.name, w.trainable) == (gt.Variable, "weights", True)
    with gt.GradientTape(persistent=True) as tape:
        y = (v * v).sum()
        both = (v * w).sum()
    assert tape.gradient(y, w) is None
    dv, dw = tape.gradient(both, [v, w])
    assert np.array_equal(dv.numpy(), [1.0, 2.0])
    assert np.array_equal(dw.numpy(), [1.0, 2.0])
    v.assign([5.0, 6.0])
    assert np.array_equal(w.numpy(), [1.0, 2.0])
    assert len(tape.watched_variables()) == 2


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_a_tracked_tensor_does_not_gather_its_gradient(name: str) -> None:
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        u = x * 3.0
        w = COPIES[name](u)
        tape.watch(w)
        y = (u * w).sum()
    assert np.array_equal(tape.gradient(y, w).numpy(), [3.0, 6.0])


def test_integer_variables_are_free_to_be_converted() -> None:
    """They have no gradient that could be lost."""
    n = gt.Variable([2, 3])
    with gt.GradientTape():
        assert np.asarray(n).tolist() == [2, 3]
        assert list(range(gt.Variable(2))) == [0, 1]
        assert [1.0, 2.0, 3.0][gt.Variable(1)] == 2.0
        assert int(gt.Variable(4)) == 4
