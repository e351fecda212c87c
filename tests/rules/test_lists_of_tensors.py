"""Lists with tensors in them, where NumPy takes lists of numbers; einsum of one array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradtape as gt

A = np.array([[2.0, 0.5], [-1.0, 1.5]])
U = np.array([1.5, 2.5])

#: Programs of a number s, a vector u and a matrix m, in which lists hold the number.
PROGRAMS: list[Any] = [
    lambda s, u, m: np.concatenate([[s], u]),
    lambda s, u, m: np.concatenate(([s, 2 * s], u, [1.0])),
    lambda s, u, m: np.concatenate([[[s, 1.0]], m]),
    lambda s, u, m: np.stack([[s, s], u]),
    lambda s, u, m: np.hstack([u, [s]]),
    lambda s, u, m: np.vstack([u, [s, 3]]),
    lambda s, u, m: np.column_stack([[s, 1.0], u]),
    lambda s, u, m: np.append(u, [s, 1.0]),
    lambda s, u, m: np.where([True, False], [s, s], u),
    lambda s, u, m: np.clip(u, [s, s], 2),
    lambda s, u, m: np.dot(m, [s, 1.0]),
    lambda s, u, m: np.matmul(m, [[s, 1.0], [0.0, s * s]]),
    lambda s, u, m: np.linalg.solve(m, [s, 1.0]),
    lambda s, u, m: np.einsum("i,i", u, [s, s]),
    lambda s, u, m: u * [s, 2],
    lambda s, u, m: [s, 2] - u,
    lambda s, u, m: np.hypot(u, (s, 1)),
    lambda s, u, m: np.interp(u, [0.0, 3.0], [s, 2 * s]),
]


@pytest.mark.parametrize("f", PROGRAMS)
def test_lists_are_arrays_as_numpy_has_it(f: Any) -> None:
    weights = np.cos(np.arange(f(0.7, U, A).size)).reshape(f(0.7, U, A).shape)

    def loss(s: Any, u: Any, m: Any) -> Any:
        return np.sum(f(s, u, m) * weights)

    value, slopes = gt.value_and_grad(loss, argnums=(0, 1, 2))(0.7, U, A)
    assert value == loss(0.7, U, A)
    step = 1e-6
    for i, slope in enumerate(slopes):
        at = [0.7, U, A]
        for place in np.ndindex(np.shape(slope)):
            nudge = np.zeros(np.shape(slope))
            nudge[place] = step
            up, down = [[*at[:i], at[i] + sign * nudge[()], *at[i + 1 :]] for sign in (1, -1)]
            rise = (loss(*up) - loss(*down)) / (2 * step)
            assert abs(np.asarray(slope)[place] - rise) < 1e-7


def test_lists_that_are_no_arrays_keep_their_error() -> None:
    s = gt.Variable(1.0)
    with gt.GradientTape(), pytest.raises(ValueError, match=r"stack: .* the same shape"):
        np.add(s, [[s], [s, s]])
    with gt.GradientTape(), pytest.raises(gt.TrackedConversionError):
        np.array([s, s])


#: An einsum of one array, where its result is alive, and the slopes through it.
ALIVE: list[Any] = [
    ("ij->i", [True, False], [[0.5, 0.25], [0.0, 0.0]]),
    ("ij->j", [False, True], [[0.0, 0.25], [0.0, 1 / 6]]),
    ("ij->ji", [[True, False], [True, True]], [[0.5, 0.25], [0.0, 1 / 6]]),
    ("ii->i", [True, False], [[0.5, 0.0], [0.0, 0.0]]),
]


@pytest.mark.parametrize(("text", "alive", "slopes"), ALIVE)
def test_einsum_of_one_array_keeps_dead_entries_dead(text: str, alive: Any, slopes: Any) -> None:
    x = np.array([[1.0, 4.0], [0.0, 9.0]])
    with np.errstate(divide="ignore"):
        got = gt.grad(lambda x: np.where(alive, np.einsum(text, np.sqrt(x)), 0).sum())(x)
    np.testing.assert_array_equal(got, slopes)
