"""Writing into tensors: what NumPy's statements do to the values, with derivatives of all versions.

The reference is NumPy itself: the same statements on arrays, and differences of their results.
"""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradtape as gt

Program = Callable[[Any, Any], Any]


def differences(f: Callable[[Any], Any], x: Any, step: float = 1e-5) -> Any:
    """The gradient of a scalar function by central differences."""
    rows = []
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = step
        rows.append((f(x + e) - f(x - e)) / (2 * step))
    return np.reshape(rows, x.shape)


def check(f: Callable[[Any, Any], Any], x: Any, rtol: float = 1e-6) -> None:
    """Compare a program on tensors with itself on arrays; it gets gt or np for making arrays."""

    def plain(x: Any) -> Any:
        return f(x.copy(), np)

    t = gt.constant(x)
    direction = np.cos(np.arange(x.size)).reshape(x.shape)
    with (
        gt.GradientTape() as tape,
        gt.ForwardAccumulator(t, gt.constant(direction)) as ahead,
    ):
        tape.watch(t)
        y = f(t.copy(), gt)
    expected = differences(plain, x)
    assert np.isclose(y.numpy(), plain(x), rtol=1e-13)
    scale = np.max(np.abs(expected), initial=1)
    gradient = tape.gradient(y, t, unconnected_gradients="zero").numpy()
    tangent = ahead.jvp(y, unconnected_gradients="zero").numpy()
    np.testing.assert_allclose(gradient, expected, rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(
        tangent, (gradient * direction).sum(), rtol=1e-12, atol=1e-12 * scale
    )


X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) / 4
WEIGHTS = np.array([[1.0, -2.0, 0.5], [3.0, 1.5, -1.0]])


def weighed(t: Any) -> Any:
    return (t * t * WEIGHTS[: t.shape[0], : t.shape[1]]).sum()


def fill_one_by_one(x: Any, xp: Any) -> Any:
    out = xp.zeros((2, 3))
    for i in range(2):
        for j in range(3):
            out[i, j] = x[i, j] ** (i + j)
    return weighed(out)


def fill_rows_from_the_row_before(x: Any, xp: Any) -> Any:
    out = xp.empty((4, 3))
    out[0] = x[0]
    for i in range(3):
        row = out[i]
        out[i + 1] = np.sin(row) * x[1] + row[::-1]
    return (out * out).sum()


def write_arrays(x: Any, xp: Any) -> Any:
    x[[0, 1], [2, 0]] = x[0, :2] * 3
    x[x > 1.2] = 0.5
    x[:, 1:] = x[1:, :2] ** 2
    x[..., 0] = 7.0
    return weighed(x)


def write_twice_at_one_place(x: Any, xp: Any) -> Any:
    x[[0, 0, 1]] = x[[1, 0, 1]] * np.array([[2.0], [3.0], [4.0]])
    return weighed(x)


def broadcast_values(x: Any, xp: Any) -> Any:
    x[:, :] = x[:, :1] * 2
    x[1] = x[0, 1]
    x[:1] = x[None, None, 1, :]
    return weighed(x)


def add_up(x: Any, xp: Any) -> Any:
    y = x
    y += 1.0
    y *= x
    y[0] -= x[1] * 2
    y[:, 0] /= 3.0
    y **= 2
    return weighed(x)  # y is x


def write_into_views(x: Any, xp: Any) -> Any:
    row, turned, flat = x[1], x.T, x.reshape(-1)
    row[0] = x[0, 0] ** 2
    turned[2] *= 3.0
    flat[1:3] += flat[3:5]
    row += turned[0, 1]
    x[0, 0] = flat[5] * row[0]
    return weighed(x) + row.sum() * flat[0] + turned[2, 1]


def write_into_views_of_views(x: Any, xp: Any) -> Any:
    part = x[:, 1:]
    corner = part.T[1:]
    corner[0, 1] = x[0, 0] * 2
    part[0] = corner[0, 1] ** 2
    x *= 2
    return weighed(x) + corner.sum() * part[1, 0]


def shift_onto_itself(x: Any, xp: Any) -> Any:
    x[:, 1:] = x[:, :-1]
    x[::-1] = x
    return weighed(x)


def outputs(x: Any, xp: Any) -> Any:
    out = xp.ones((2, 3))
    np.multiply(x, x, out=out)
    np.add(out, 1.0, out=out, where=np.array([[True, False, True]]))
    np.sum(x, axis=0, out=out[0])
    np.exp(out[1], out=out[1])
    return weighed(out)


def at(x: Any, xp: Any) -> Any:
    out = xp.ones((2, 3))
    np.add.at(out, ([0, 0, 1], [1, 1, 2]), x[0])
    np.multiply.at(out, ([1, 1], slice(1, 3)), x[:, :2])
    np.subtract.at(out, (0, [0, 0, 2]), 2 * x[1])
    np.negative.at(out, (1, [0, 0, 0]))
    return weighed(out)


def functions_that_write(x: Any, xp: Any) -> Any:
    out = xp.zeros((2, 3))
    np.copyto(out, x[0])
    np.copyto(out, x * x, where=np.array([True, False, True]))
    np.put(out, [0, -1, 2], x[1] * 5)
    np.putmask(out, np.array([[False, True, True], [True, False, False]]), 2 * x)
    np.place(out, np.array([[False, True, False], [True, False, True]]), x[1, :2])
    np.put_along_axis(out, np.array([[0], [2]]), x[:, 1:2] ** 3, axis=1)
    return weighed(out)


def diagonals(x: Any, xp: Any) -> Any:
    out = xp.zeros((5, 2))
    np.fill_diagonal(out, x[0, :2], wrap=True)
    return (out * np.arange(10.0).reshape(5, 2)).sum() * x[1, 1]


def old_and_new_versions(x: Any, xp: Any) -> Any:
    before = x * 1.0
    squared = x * x
    x[0] = before[1] * squared[1]
    after = x * 2
    x.fill(3.0)
    return weighed(before) + weighed(after) + squared.sum() * x[0, 0]


PROGRAMS = [
    fill_one_by_one,
    fill_rows_from_the_row_before,
    write_arrays,
    write_twice_at_one_place,
    broadcast_values,
    add_up,
    write_into_views,
    write_into_views_of_views,
    shift_onto_itself,
    outputs,
    at,
    functions_that_write,
    diagonals,
    old_and_new_versions,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_that_write_are_numpys(program: Program) -> None:
    check(program, X)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_second_derivatives_of_programs_that_write(program: Program) -> None:
    def value(x: Any) -> Any:
        return program(x.copy(), gt)

    u = np.sin(1 + np.arange(X.size)).reshape(X.shape)

    def slope(x: Any) -> Any:
        return (gt.grad(value)(x) * u).sum()

    expected = differences(slope, X)
    np.testing.assert_allclose(gt.grad(slope)(X), expected, rtol=1e-5, atol=1e-5)


def test_a_jacobian_through_writes_is_one_pass_with_the_rows_of_gradients() -> None:
    x = gt.constant(X)
    with gt.GradientTape(persistent=True) as tape:
        tape.watch(x)
        out = gt.zeros((2, 3))
        out[:, [0, 0, 2]] = x * x
        out[1] *= x[0]
        out[0, 1:] += x[1, :2]
    jacobian = tape.jacobian(out, x).numpy()
    for i in np.ndindex(2, 3):
        seed = np.zeros((2, 3))
        seed[i] = 1
        np.testing.assert_array_equal(jacobian[i], tape.gradient(out, x, seed).numpy())


# Random statements --------------------------------------------------------------------------------

INDICES = st.sampled_from(
    [
        *(0, 3, -1, slice(None), slice(1, 3), slice(None, None, -1), slice(None, None, 2)),
        *([0, 2], [1, 1, 3], [3, 2, 1, 0]),
    ]
)
STATEMENTS = st.lists(
    st.tuples(
        st.sampled_from(["set", "add", "multiply", "at", "view", "keep", "out"]),
        INDICES,
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from([0.5, -1.0, 2.0]),
    ),
    max_size=7,
)


def run(statements: Any, x: Any, xp: Any) -> Any:
    """Statements on a few arrays, of which some are views of others."""
    arrays = [x, xp.zeros(4), x[::-1], x * x]
    for kind, index, i, j, number in statements:
        target, value = arrays[i], arrays[j] * number
        value = value[0] if target[index].ndim == 0 else value[: target[index].shape[0]]
        if kind == "set":
            target[index] = value
        elif kind == "add":
            target[index] += value
        elif kind == "multiply":
            target *= value if np.ndim(value) == 0 or value.shape == (4,) else number
        elif kind == "at":
            np.add.at(target, index, value)
        elif kind == "out":
            np.subtract(arrays[j], number, out=target)
        elif kind == "view":
            arrays[j] = target[::-1]
        else:
            arrays[j] = target * number
    return sum([(a * a * np.array([1.0, 2.0, -1.0, 0.5])).sum() for a in arrays])


@settings(max_examples=60, deadline=None)
@given(STATEMENTS)
def test_random_statements_are_numpys(statements: Any) -> None:
    check(lambda x, xp: run(statements, x, xp), np.array([0.7, -0.4, 1.1, 0.3]), rtol=1e-4)


# Dead branches ------------------------------------------------------------------------------------


def test_what_is_overwritten_carries_no_nan() -> None:
    x = gt.constant([0.0, 4.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = np.sqrt(x)
        y[x == 0] = 0.0
        total = y.sum()
    assert tape.gradient(total, x).numpy().tolist() == [0.0, 0.25]


def test_an_output_where_nothing_is_computed_carries_no_nan() -> None:
    x = gt.constant([0.0, 4.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        total = np.sqrt(x, out=gt.zeros(2), where=np.array([False, True])).sum()
    assert tape.gradient(total, x).numpy().tolist() == [0.0, 0.25]


# Who keeps what -----------------------------------------------------------------------------------


def test_the_users_array_is_not_written_to() -> None:
    a = np.zeros(3)
    t = gt.Tensor(a)
    t[0] = 1.0
    t += 1.0
    assert a.tolist() == [0.0, 0.0, 0.0]
    assert t.numpy().tolist() == [2.0, 1.0, 1.0]


def test_an_array_taken_from_a_tensor_stays_as_it_was() -> None:
    t = gt.zeros(3)
    before = np.asarray(t)
    t[0] = 1.0
    assert before.tolist() == [0.0, 0.0, 0.0]


def test_a_loop_that_fills_does_not_copy_each_time() -> None:
    x = gt.Variable(2.0)
    with gt.GradientTape():
        out = gt.zeros(1000)
        out[0] = x
        memory = out.array
        del memory
        place = id(out.array)
        for i in range(1, 100):
            out[i] = out[i - 1] * x
            assert id(out.array) == place


def test_a_loop_over_rows_keeps_rows_and_no_copies_of_all() -> None:
    x = gt.Variable(np.ones(4))
    with gt.GradientTape() as tape:
        out = gt.zeros((100, 4))
        out[0] = x
        for i in range(99):
            out[i + 1] = out[i] * x
    kept = [v for record in tape._records for v in record[4] if isinstance(v, np.ndarray)]
    assert max([v.size if v.base is None else v.base.size for v in kept]) == 4


def test_views_are_let_go_of() -> None:
    t = gt.zeros((5, 2))
    ref = weakref.ref(t[0])
    gc.collect()
    assert ref() is None
    for _ in range(1000):
        t[0]
    assert len(t.ties.views) < 200


# What is refused ----------------------------------------------------------------------------------


def test_a_watched_tensor_is_not_written_to() -> None:
    x = gt.constant([1.0, 2.0])
    with gt.GradientTape() as tape:
        tape.watch(x)
        for write in (
            lambda: x.__setitem__(0, 1.0),
            lambda: x.__iadd__(1.0),
            lambda: np.add(x, 1.0, out=x),
            lambda: x[:1].__setitem__(0, 1.0),
        ):
            with pytest.raises(TypeError, match=r"watched by a tape.*t\.copy"):
                write()


def test_a_function_may_write_into_its_own_argument() -> None:
    def f(x: Any) -> Any:
        x[0] *= x[1]
        return (x * x).sum()

    x = np.array([3.0, 2.0])
    np.testing.assert_allclose(gt.grad(f)(x), [24.0, 40.0])
    assert x.tolist() == [3.0, 2.0]


@pytest.mark.parametrize("write", [lambda a, t: np.add.at(a, [0], t), lambda a, t: np.copyto(a, t)])
def test_a_tracked_tensor_is_not_written_into_an_array(write: Any) -> None:
    t = gt.Variable([1.0])
    with (
        gt.GradientTape(),
        pytest.raises(TypeError, match=r"gradient would be lost.*gradtape\.zeros"),
    ):
        write(np.zeros(1), t)


def test_an_untracked_tensor_is_written_into_an_array() -> None:
    a, t = np.zeros(2), gt.constant([1.0, 2.0])
    np.add(t, 1.0, out=a)
    np.add.at(a, [0], t[:1])
    assert a.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("rows", [2, 1 << 15])
def test_a_broadcast_view_is_read_only_and_shows_writes(rows: int) -> None:
    whole = gt.zeros(3)
    t = np.broadcast_to(whole, (rows, 3))
    with pytest.raises(ValueError, match=r"read-only.*broadcast"):
        t[0, 0] = 1.0
    whole[1] = 5.0
    assert t[rows - 1].numpy().tolist() == [0.0, 5.0, 0.0]


def test_sequences_of_tensors_are_written() -> None:
    x, t = gt.Variable([2.0, 3.0]), gt.zeros((2, 2))
    with gt.GradientTape() as tape:
        t[:] = [[x[0] ** 2, 1.0], (x[0] * x[1], x[1])]
        np.add.at(t, ([0, 0], [0, 0]), [x[0], x[1]])
        loss = (t * np.array([[1.0, 10.0], [100.0, 1000.0]])).sum()
    assert t.numpy().tolist() == [[9.0, 1.0], [6.0, 3.0]]
    assert tape.gradient(loss, x).numpy().tolist() == [4.0 + 300.0 + 1.0, 200.0 + 1000.0 + 1.0]


def test_a_tensor_without_axes_is_written_to() -> None:
    x, t = gt.Variable(3.0), gt.zeros(())
    with gt.GradientTape() as tape:
        t[...] = x * x
        t[()] = t * x
        np.add.at(t, (), x)
    assert float(t.numpy()) == 30.0
    assert float(tape.gradient(t, x).numpy()) == 28.0
    with pytest.raises(IndexError):
        t[0] = 1.0


def test_adding_many_values_at_few_places_is_one_record() -> None:
    rng = np.random.default_rng(0)
    places, values = rng.integers(0, 3, 3000), rng.standard_normal(3000)
    x, t = gt.constant(values), gt.zeros(3)
    with gt.GradientTape() as tape:
        tape.watch(x)
        np.add.at(t, places, x)
        np.subtract.at(t, places[:10], 2 * x[:10])
        assert len(tape._records) == 5  # that many: two writes, one index, two for - 2 * x
    expected = np.zeros(3)
    np.add.at(expected, places, values)
    np.subtract.at(expected, places[:10], 2 * values[:10])
    assert t.numpy().tolist() == expected.tolist()
    weights = np.array([1.0, 10.0, 100.0])
    share = tape.gradient(t, x, output_gradients=weights).numpy()
    assert share[:10].tolist() == (-weights[places[:10]]).tolist()
    assert share[10:].tolist() == weights[places[10:]].tolist()


def test_adding_at_what_the_dtype_cannot_hold() -> None:
    with pytest.raises(TypeError, match="complex"):
        np.add.at(gt.zeros(2), [0], 1j)


def test_the_real_part_is_no_view_to_write_into() -> None:
    t = gt.zeros(3, complex)
    with pytest.raises(TypeError, match=r"real.*cannot be written"):
        t.real[0] = 1.0


@pytest.mark.parametrize(("dtype", "value"), [(int, 1.0), (float, 1j)])
def test_a_gradient_is_not_lost_in_a_dtype(dtype: Any, value: Any) -> None:
    v = gt.Variable(value)
    with gt.GradientTape(), pytest.raises(TypeError, match="lose its gradient"):
        gt.zeros(3, dtype)[0] = v


def test_dtypes_are_kept_as_numpy_keeps_them() -> None:
    t = gt.zeros(2, "float32")
    t[0] = np.float64(0.1)
    t += np.array([1.0, 2.0])
    assert t.dtype == np.float32
    n = gt.zeros(2, int)
    with pytest.raises(TypeError, match="int64"):
        n += 0.5
    with pytest.raises(ValueError, match="shape"):
        t += np.zeros((3, 2))
    with pytest.raises(IndexError):
        t[5] = 1.0


def test_a_number_in_a_name_is_replaced_and_not_written_to() -> None:
    x = gt.Variable(3.0)
    with gt.GradientTape(persistent=True) as tape:
        loss = x * x
        first = loss
        loss += x
    assert float(first.numpy()) == 9.0
    assert float(tape.gradient(loss, x).numpy()) == 7.0


def test_tensors_to_fill() -> None:
    like = gt.constant([[1.0, 2.0]], "float32")
    for make in (gt.zeros_like, gt.ones_like, gt.empty_like):
        assert isinstance(make(like), gt.Tensor)
        assert make(like).dtype == np.float32
    for make in (np.zeros_like, np.ones_like, np.empty_like):
        made = make(like)
        assert isinstance(made, gt.Tensor)
        made[0, 0] = 5.0
        assert made.numpy()[0, 0] == 5.0
    assert gt.full((2, 2), 3).dtype == np.int64
    assert gt.full_like(like, 7).numpy().tolist() == [[7.0, 7.0]]
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape(persistent=True) as tape:
        total = gt.full((3, 2), x).sum() + gt.full((), x[0])
        other = np.full_like(x, x[1])
        other[0] = 0.0
    assert tape.gradient(total, x).numpy().tolist() == [4.0, 3.0]
    assert tape.gradient(other.sum(), x) is None
