"""Large cotangents are written into where they are the walk's own, and nowhere else."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.arithmetic import unbroadcast
from gradtape.elementwise import REUSE_BYTES

ROWS, COLUMNS = 900, 40
RANDOM = np.random.default_rng(3)
A, B = RANDOM.standard_normal((ROWS, 6)), RANDOM.standard_normal((6, COLUMNS))
W = RANDOM.standard_normal((COLUMNS, COLUMNS))
assert ROWS * COLUMNS > REUSE_BYTES  # booleans too are large


def turned(a: Any, dtype: str) -> Any:
    """An array in a dtype; a complex one with an imaginary part, so that conjugates differ."""
    return (a * np.exp(0.7j)).astype(dtype) if np.dtype(dtype).kind == "c" else a.astype(dtype)


def chain(h: Any) -> Any:
    return np.maximum(h, 0) @ W


def skip(h: Any) -> Any:
    return np.maximum(h @ W, 0) @ W + h @ W


def same_array_twice(h: Any) -> Any:
    total = h @ W
    left, right = np.maximum(total, 0), np.maximum(-total, 0)
    return (left + right) @ W  # both get one and the same cotangent


def one_through_a_cast(h: Any) -> Any:
    right = np.cos(h)
    left = np.sin(h).astype(h.dtype)  # hands on the cotangent as it is, which right has too
    return (right + left) ** 2


def squares(h: Any) -> Any:
    return (h @ W) ** 2 @ W * np.exp(-(h * h))


def twice_the_same(h: Any) -> Any:
    m = h @ W
    return m * m


def pieces(h: Any) -> Any:
    m = np.maximum(h @ W, 0.1)
    return np.concatenate([m[:200], m[200:] * 2]) @ W


PROGRAMS = [
    chain,
    skip,
    same_array_twice,
    one_through_a_cast,
    squares,
    twice_the_same,
    pieces,
]


@pytest.mark.parametrize("f", PROGRAMS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_gradients_of_large_arrays_are_those_of_their_rows(f: Any, dtype: str) -> None:
    def gradients(a: Any, persistent: bool) -> Any:
        x, y = gt.constant(turned(a, dtype)), gt.constant(turned(B, dtype))
        with gt.GradientTape(persistent=persistent) as tape:
            tape.watch([x, y])
            h = x @ y
            out = f(h)
            total = np.sum(np.real(out * (1 + 0.5j)) if dtype == "complex128" else out)
        first = tape.gradient(total, [x, h, y])
        if persistent:  # a second walk finds all as it was
            second = tape.gradient(total, [x, h, y])
            for g, again in zip(first, second, strict=True):
                np.testing.assert_array_equal(g.numpy(), again.numpy())
        return [g.numpy() for g in first]

    whole = gradients(A, persistent=True)
    once = gradients(A, persistent=False)
    for g, again in zip(whole, once, strict=True):
        np.testing.assert_array_equal(g, again)
    if f is pieces:
        return
    parts = [gradients(A[i : i + 10], persistent=False) for i in range(0, ROWS, 10)]  # small ones
    rtol = 1e-3 if dtype == "float32" else 1e-9
    for k in (0, 1):
        expected = np.concatenate([part[k] for part in parts])
        np.testing.assert_allclose(whole[k], expected, rtol=rtol, atol=rtol)
    expected = np.sum([part[2] for part in parts], 0)
    np.testing.assert_allclose(whole[2], expected, rtol=rtol, atol=rtol * np.max(np.abs(expected)))


def test_a_weight_that_the_user_gave_stays_as_it_was() -> None:
    x, weight = gt.constant(A @ B), RANDOM.standard_normal((ROWS, COLUMNS))
    before = weight.copy()
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = np.maximum(x, 0)
    tape.gradient(y, x, output_gradients=weight)
    np.testing.assert_array_equal(weight, before)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_cotangent_that_is_asked_for_is_not_written_into(dtype: str) -> None:
    """The one of y belongs to the walk, and its rule could write into it: but it is an answer."""
    x = gt.constant(turned(A @ B / 9, dtype))
    with gt.GradientTape() as tape:
        tape.watch(x)
        y = np.sin(x)
        total = np.sum(np.real(np.exp(y)))
    of_y, of_x = tape.gradient(total, [y, x])
    sine = np.sin(x.numpy())
    np.testing.assert_allclose(of_y.numpy(), np.conj(np.exp(sine)), rtol=1e-12)
    np.testing.assert_allclose(of_x.numpy(), np.conj(np.exp(sine) * np.cos(x.numpy())), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_cotangent_is_not_written_into_before_all_factors_had_it(dtype: str) -> None:
    left, right = turned(A @ B / 4, dtype), turned(np.cos(A @ B), dtype)
    x, y = gt.constant(left), gt.constant(right)
    with gt.GradientTape() as tape:
        tape.watch([x, y])
        total = np.sum(np.real(np.sin(x * y)))
    of_x, of_y = tape.gradient(total, [x, y])
    slope = np.cos(left * right)
    np.testing.assert_allclose(of_x.numpy(), np.conj(slope * right), rtol=1e-11)
    np.testing.assert_allclose(of_y.numpy(), np.conj(slope * left), rtol=1e-11)


@pytest.mark.parametrize("rows", [3, 5000])
def test_rows_are_summed_whatever_their_number(rows: int) -> None:
    g = RANDOM.standard_normal((rows, 4))
    for shape in [(4,), (1, 4)]:
        np.testing.assert_allclose(unbroadcast(g, shape, ()), g.sum(0).reshape(shape), rtol=1e-9)
