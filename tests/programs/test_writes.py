"""Writing into arrays of a traced function: as NumPy does it, or refused."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.function import function
from gradtape.programs.symbols import TraceError
from tests.programs.test_arguments import check

A, B = np.array([1.0, 2.0, 3.0, 4.0]), np.array([-4.0, 5.0, 0.5, 2.0])
M = np.arange(12.0).reshape(3, 4)


def test_entries_and_slices():
    def f(x: Any) -> Any:
        y = np.zeros_like(x)
        y[0] = x[1] * 2
        y[1:3] = x[:2]
        y[-1] += 5
        y[:] *= 2
        y[[0, 1]] = y[[1, 0]]
        return y

    check(f, (A,), (B,))


def test_whole_arrays_in_place():
    def f(x: Any, y: Any) -> Any:
        z = x.copy()
        same = z
        z += y
        z *= 2
        z -= 1
        z /= y
        z **= 2
        z //= 2
        z %= 3
        return z, same

    check(f, (A, B), (B, A))


def test_in_place_keeps_the_dtype_and_refuses_others():
    def f(x: Any, y: Any) -> Any:
        z = x.copy()
        z += y
        return z

    check(f, (A.astype("f4"), B), (B.astype("f4"), A))
    with pytest.raises(TypeError):
        function(f)(np.arange(4), B)
    with pytest.raises(ValueError, match="broadcast"):
        function(f)(A, M)


def test_numbers_are_rebound():
    def f(x: Any, p: Any) -> Any:
        s = x.sum()
        t = s
        s += 1
        p *= 2
        return s, t, p

    check(f, (A, 2.0), (B, 3.0))


def test_views_show_writes_both_ways():
    def f(x: Any) -> Any:
        y = x * 1
        row, block, turned, flat = y[1], y[:, 1:3], y.T, y.reshape(-1)
        y[1, 1] = 100
        row[0] = 7
        block *= 2
        turned[3] = 5
        flat[0] += 1
        part = block[0]
        part[:] = -1
        return y, row, block, turned, flat, part

    check(f, (M,), (M[::-1].copy(),))


def test_views_of_arguments():
    def f(x: Any) -> Any:
        top = x[0]
        top += 1
        x.T[2] = 9
        return top

    for call in (f, function(f), function(f)):
        for x in (M.copy(), M[::-1].copy(), np.asfortranarray(M), M.repeat(2, 0)[::2]):
            expected = x.copy()
            expected[0] += 1
            expected[:, 2] = 9
            assert np.array_equal(call(x), expected[0])
            np.testing.assert_equal(x, expected)


def test_reshaped_views_depend_on_the_layout():
    def f(x: Any) -> Any:
        flat = x.reshape(-1)  # a view of some arrays, a copy of others
        flat[0] = 100
        return flat.sum()

    traced = function(f)
    for _ in range(2):
        for make in (np.copy, np.asfortranarray, lambda x: x[:, ::-1]):
            x, y = make(M.copy()), make(M.copy())
            assert traced(x) == f(y)
            np.testing.assert_equal(x, y)


def test_masks():
    def f(x: Any, y: Any) -> Any:
        z = x.copy()
        z[z < 2] = 0
        z[y > 0] = x.sum()
        z[y > 1] += y[y > 1]
        return z

    check(f, (A, B), (A + 1, B))
    check(f, (A, B), (B, A), traces=2)  # the number of entries changed


def test_computed_places():
    def f(x: Any, i: Any) -> Any:
        z = np.zeros_like(x)
        z[i] = x[0]
        z[np.argsort(x)] += np.arange(4)
        z[np.argmax(x) :] *= 2
        np.add.at(z, [i, i], x[1])
        np.subtract.at(z, np.array([0, 0]), 1)
        np.multiply.at(z, np.array([1, 1]), 3)
        return z

    check(f, (A, 2), (A[::-1] - A[0] * 0, 2), traces=2)
    check(lambda x, i: x[i], (A, 1), (B, 3))
    check(lambda x, i: x[i], (M, np.array([0, 2])), (M, np.array([2, 1])))
    check(lambda x, i: x[:, i] + x[i, 0], (M[:, :3], 1), (M[:, 1:], 2))


def test_functions_that_write():
    def f(x: Any, y: Any) -> Any:
        z = np.empty_like(x)
        np.copyto(z, y)
        np.copyto(z, x, where=x > 1)
        np.put(z, [0, 1], x)
        np.putmask(z, z > 2, y)
        np.place(z, z < 0, [9.0, 8.0])
        m = np.zeros_like(np.outer(x, y))
        np.fill_diagonal(m, x)
        np.put_along_axis(m, np.argsort(x)[None], y[None], 0)
        w = z.copy()
        w.sort()
        z.fill(x[0])
        return z, m, w

    check(f, (A, B), (B, A))


def test_out():
    def f(x: Any, y: Any) -> Any:
        z = np.zeros_like(x)
        same = np.add(x, y, out=z)
        np.multiply(z, 2, out=z, where=x > 1)
        np.exp(y, z)
        s = np.zeros_like(M * x)
        np.cumsum(M * x, axis=0, out=s)
        return z, same, s, np.sum(M * x, axis=0, out=y * 0)

    check(f, (A, B), (B, A))
    with pytest.raises(TypeError):
        function(lambda x: np.add(x, 0.5, out=np.zeros_like(x, dtype=int)))(A)


def test_real_and_imaginary_parts():
    def f(x: Any) -> Any:
        z = x * (1 + 1j)
        z.real = x
        z.imag[0] = 0
        return z

    with pytest.raises(TraceError, match="view that imag made"):
        function(f)(A)

    def g(x: Any) -> Any:
        z = x * (1 + 1j)
        z.real = x * 2
        z.imag = 3
        return z

    check(g, (A,), (B,))


def test_arguments_are_written_into():
    def f(x: Any, y: Any) -> Any:
        x += y
        y[0] = 0
        return x

    traced = function(f)
    for _ in range(3):
        x, y = A.copy(), B.copy()
        assert traced(x, y) is x
        np.testing.assert_equal(x, A + B)
        assert y[0] == 0
        assert y[1] == B[1]
    assert traced.traces == 1


def test_tensors_as_arguments_are_written_into():
    def f(t: Any) -> Any:
        t[0] = t[1] * 2
        t += 1
        return t

    traced = function(f)
    for x in (A, B, A):
        t, u = gt.constant(x), gt.constant(x)
        assert traced(t) is t
        f(u)
        np.testing.assert_equal(t.numpy(), u.numpy())
    assert traced.traces == 1
    with gt.GradientTape() as tape:
        w = gt.Variable(A)
        t = gt.zeros(4) + w
        y = traced(t).sum()
    assert tape.gradient(y, w).numpy().tolist() == [0, 3, 1, 1]


def test_arguments_that_share_memory():
    def f(x: Any, y: Any) -> Any:
        x[0] = 5
        return y * 2

    with pytest.raises(TraceError, match="shares memory"):
        x = A.copy()
        function(f)(x, x)
    traced = function(f)
    traced(A.copy(), B)
    with pytest.raises(TraceError, match="shares memory"):
        whole = np.arange(5.0)
        traced(whole[1:], whole[:-1])


def test_read_only_arguments():
    def f(x: Any) -> Any:
        x[0] = 5
        return x

    x = A.copy()
    x.flags.writeable = False
    traced = function(f)
    for call in (f, function(f), traced):
        with pytest.raises(ValueError, match="read-only"):
            call(x)
    traced(A.copy())
    with pytest.raises(ValueError, match="read-only"):
        traced(x)
    with pytest.raises(ValueError, match="read-only"):
        function(lambda x: np.broadcast_to(x, (2, 4)).__setitem__(0, 1))(A)


def test_tensors_are_written_into_with_gradients():
    def loss(x: Any) -> Any:
        out = gt.zeros(4)
        out[1:] = x[:3] ** 2
        out[0] += x[3]
        view = out[1:3]
        view *= 2
        np.add.at(out, [0, 0, 1], x[:3])
        out[np.argsort(x)] *= np.arange(4.0)
        return (out * out).sum()

    check(gt.grad(loss), (A,), (B,))
    check(gt.hessian(loss), (A,), (B,))
    traced = function(loss)
    for x in (A, B):
        np.testing.assert_allclose(gt.grad(traced)(x), gt.grad(loss)(x), rtol=1e-14)


def test_a_tape_keeps_what_it_saw():
    def f(x: Any, y: Any) -> Any:
        with gt.GradientTape() as tape:
            t = gt.constant(x)
            tape.watch(t)
            z = (t * y).sum()
            y *= 0
        return tape.gradient(z, t).numpy()

    for x, y in ((A, B), (B, A)):
        np.testing.assert_equal(function(f)(x, y.copy()), y)
    traced = function(f)
    for x, y in ((A, B), (B, A)):
        np.testing.assert_equal(traced(x, y.copy()), y)


def test_arrays_that_the_program_cannot_see():
    outside = np.zeros(4)

    def into_outside(x: Any) -> None:
        outside[:] = x

    def entry(x: Any) -> Any:
        y = np.zeros(4)
        y[0] = x[0]
        return y

    for f in (into_outside, entry, lambda x: np.add(x, 1, out=outside), lambda x: outside + x[0]):
        if f(A) is None or (f is not None and f.__code__.co_name != "<lambda>"):
            with pytest.raises(TraceError, match=r"np\.stack"):
                function(f)(A)
    with pytest.raises(TraceError, match=r"np\.stack"):
        function(lambda x: np.add(x, 1, out=outside))(A)
    with pytest.raises(TraceError, match=r"np\.stack"):
        function(lambda x: np.array([x[0], x[1]]))(A)
    with pytest.raises(TraceError, match=r"np\.stack"):
        function(lambda x: np.asarray(x))(A)
    with pytest.raises(TraceError, match=r"np\.take"):
        function(lambda i: A[i])(np.array([0, 1]))


def test_constants_that_change_in_the_trace():
    def f(x: Any) -> Any:
        weights, total = np.zeros(4), x * 0
        for i in range(4):
            weights[i] = i + 1
            total = total + x * weights
        weights[:] = 0
        return total, weights

    check(f, (A,), (B,))


def test_a_constant_that_changes_after_its_last_use():
    def f(x: Any) -> Any:
        weights = np.arange(4.0)
        y = x * weights
        weights[:] = 0
        return y

    check(f, (A,), (B,))

    def large(x: Any) -> Any:
        weights = np.ones(20_000)
        y = x * weights
        weights[:] = 0
        return y

    with pytest.raises(TraceError, match="written to after"):
        function(large)(2.0)


def test_an_outside_array_that_the_function_changes():
    counts = np.zeros(4)

    def f(x: Any) -> Any:
        counts[0] += 1
        return x + counts

    with pytest.raises(TraceError, match="'counts'"):
        function(f)(A)
