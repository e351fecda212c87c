"""Methods of tensors against those of arrays: what they answer, copy, write and show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradtape as gt

A = np.array([[3.0, 1.0, 2.0], [5.0, -4.0, 0.5]])

#: What each does to an array that it may write to; then the array itself is compared, too.
CALLS = {
    "flatten": lambda y: y.flatten(),
    "ravel": lambda y: y.ravel(),
    "ravel of a transpose": lambda y: y.T.ravel(),
    "flat": lambda y: y.flat,
    "flat of a transpose": lambda y: y.T.flat,
    "real": lambda y: y.real,
    "conj": lambda y: y.conj(),
    "np.conjugate": lambda y: np.conjugate(y),
    "np.real": lambda y: np.real(y),
    "np.atleast_1d": lambda y: np.atleast_1d(y),
    "np.atleast_3d": lambda y: np.atleast_3d(y),
    "np.positive": lambda y: +y,
    "einsum transposes": lambda y: np.einsum("ij->ji", y),
    "einsum diagonal": lambda y: np.einsum("ii->i", y[:, :2]),
    "einsum sums": lambda y: np.einsum("ij->i", y),
    "swapaxes": lambda y: y.swapaxes(0, 1),
    "squeeze": lambda y: y[None].squeeze(),
    "astype": lambda y: y.astype(float),
}


def written(y: Any, part: Any) -> Any:
    """An array after a write into something made of it, and that thing."""
    made = part(y)
    made[0] = 7.0
    return y


@pytest.mark.parametrize("name", CALLS)
def test_a_write_reaches_the_tensor_where_it_reaches_an_array(name: str) -> None:
    part = CALLS[name]
    want = written(A.copy(), part)
    np.testing.assert_array_equal(written(gt.constant(A), part).array, want)
    np.testing.assert_array_equal(gt.function(lambda x: written(x * 1, part))(A), want)
    slope = gt.grad(lambda x: np.sum(written(x * 1, part) * 2))(A)
    np.testing.assert_array_equal(slope, np.where(want == 7.0, 0.0, 2.0))


def sorting(y: Any) -> Any:
    y.sort()
    return y


def partition(y: Any) -> Any:
    y.partition(1, axis=1)
    return y


def put(y: Any) -> Any:
    y.put([0, 4], [8.0, 9.0])
    return y


def fill(y: Any) -> Any:
    y[0].fill(2.0)
    return y


def jitter(y: Any) -> Any:
    y.flat[::4] += 10.0
    return y


@pytest.mark.parametrize("change", [sorting, partition, put, fill, jitter])
def test_methods_that_write(change: Any) -> None:
    want = change(A.copy())
    np.testing.assert_array_equal(change(gt.constant(A)).array, want)
    weights = np.arange(6.0).reshape(2, 3) + 1
    slope = gt.grad(lambda x: np.sum(change(x * 1) * weights))(A)
    step = 1e-6
    for i in np.ndindex(2, 3):
        nudge = np.zeros((2, 3))
        nudge[i] = step
        rise = np.sum((change(A + nudge) - change(A - nudge)) * weights) / (2 * step)
        assert abs(slope[i] - rise) < 1e-6


ASKED = [
    lambda y: y.nonzero(),
    lambda y: y[0].searchsorted([1.5, 2.5]),
    lambda y: y.argpartition(1, axis=1),
    lambda y: y.compress([True, False, True], axis=1),
    lambda y: y.compress([True, False, True, True]),
    lambda y: (y.nbytes, y.itemsize),
    lambda y: (y.argmax(), y.argmin(1), y.argsort(axis=0)),
    lambda y: (y.trace(), y.diagonal(1), y.take([2, 0], axis=1), y.repeat(2, axis=0)),
    lambda y: (y.var(0), y.std(axis=1, ddof=1), y.cumprod(axis=0), y.round(1)),
    lambda y: (y.flat[3], len(y.flat), sum(y.flat)),
]


@pytest.mark.parametrize("ask", ASKED)
def test_methods_that_answer(ask: Any) -> None:
    for got, want in zip(ask(gt.constant(A)), ask(A), strict=True):
        np.testing.assert_array_equal(getattr(got, "array", got), want)


def test_methods_of_numbers_and_variables() -> None:
    v = gt.Variable(A)
    with pytest.raises(TypeError, match="does not support writing"):
        v.sort()
    assert gt.constant(2.5).conj().array == 2.5
    np.testing.assert_array_equal(gt.constant([1 + 2j]).conj().array, [1 - 2j])
    with gt.GradientTape() as tape:
        y = np.sum(v.real * v.conj()) + np.sum(v.flat[::2])
    np.testing.assert_array_equal(
        tape.gradient(y, v).array, 2 * A + np.array([[1, 0, 1], [0, 1, 0]])
    )
