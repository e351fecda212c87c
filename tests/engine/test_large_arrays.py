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


def chain(h: Any) -> Any:
    return np.maximum(h, 0) @ W


def skip(h: Any) -> Any:
    return np.maximum(h @ W, 0) @ W + h @ W


def same_array_twice(h: Any) -> Any:
    total = h @ W
    left, right = np.maximum(total, 0), np.maximum(-total, 0)
    return (left + right) @ W  # both get one and the same cotangent


def squares(h: Any) -> Any:
    return (h @ W) ** 2 @ W * np.exp(-(h * h))


def twice_the_same(h: Any) -> Any:
    m = h @ W
    return m * m


def pieces(h: Any) -> Any:
    m = np.maximum(h @ W, 0.1)
    return np.concatenate([m[:200], m[200:] * 2]) @ W


@pytest.mark.parametrize("f", [chain, skip, same_array_twice, squares, twice_the_same, pieces])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_gradients_of_large_arrays_are_those_of_their_rows(f: Any, dtype: str) -> None:
    def gradients(a: Any, persistent: bool) -> Any:
        x, y = gt.constant(a.astype(dtype)), gt.constant(B.astype(dtype))
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


@pytest.mark.parametrize("rows", [3, 5000])
def test_rows_are_summed_whatever_their_number(rows: int) -> None:
    g = RANDOM.standard_normal((rows, 4))
    for shape in [(4,), (1, 4)]:
        np.testing.assert_allclose(unbroadcast(g, shape, ()), g.sum(0).reshape(shape), rtol=1e-9)
