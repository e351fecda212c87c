"""Hand-written NumPy: each gradient derived with pen and paper, and written as one would for use.

It keeps what the forward pass computed and reuses it, as any automatic differentiation does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.workloads import CHAIN_ROUNDS, Array, Scalar, Step

TITLE = "NumPy by hand"
CANNOT = {
    "hvp": "nobody writes it by hand",
    "hessian": "by hand it is the constant [[6, 2], [2, 0]]: nothing to time",
}


def to_numpy(value: Any) -> Any:
    return value.toarray() if hasattr(value, "toarray") else np.asarray(value)


def notebook(w1: Scalar, w2: Scalar) -> Step:
    def step() -> tuple[object, ...]:
        value = 3 * w1**2 + 2 * w1 * w2
        return value, 6 * w1 + 2 * w2, 2 * w1

    return step


def chain(x: Scalar, w: Scalar) -> Step:
    def step() -> tuple[object, ...]:
        y = x
        kept = []
        for _ in range(CHAIN_ROUNDS):
            angle = y * w + x
            sine = np.sin(angle)
            kept.append((y, angle, sine))
            y = sine * w
        dy, dx, dw = np.float32(1), np.float32(0), np.float32(0)
        for before, angle, sine in reversed(kept):
            d_angle = dy * w * np.cos(angle)
            dw += dy * sine + d_angle * before
            dx += d_angle
            dy = d_angle * w
        return y, dx + dy, dw

    return step


def network(x: Array, target: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Step:
    def step() -> tuple[object, ...]:
        hidden = np.maximum(x @ w1 + b1, 0)
        error = hidden @ w2 + b2 - target
        loss = np.mean(error * error)
        d_error = error * (2 / error.size)
        d_hidden = (d_error @ w2.T) * (hidden > 0)
        return (
            loss,
            x.T @ d_hidden,
            d_hidden.sum(axis=0),
            hidden.T @ d_error,
            d_error.sum(axis=0),
        )

    return step


def elementwise(v: Array) -> Step:
    def step() -> tuple[object, ...]:
        exp = np.exp(v)
        shifted = exp + 1
        log = np.log(shifted)
        sine = np.sin(v)
        value = np.sum(log * sine)
        return value, exp / shifted * sine + log * np.cos(v)

    return step


def jacobian(x: Array) -> Step:
    def step() -> tuple[object, ...]:
        # Writes the diagonal alone: a large array's zeros may be pages never touched yet.
        return (np.diag((3 * x * x).ravel()).reshape(x.shape * 2),)

    return step


def diagonal(x: Array) -> Step:
    def step() -> tuple[object, ...]:
        tanh = np.tanh(x)
        return (sparse.diags_array(tanh + x * (1 - tanh * tanh), format="csr"),)

    return step


def layers(x: Array, w1: Array, w2: Array) -> Step:
    def step() -> tuple[object, ...]:
        first = np.tanh(x @ w1)
        second = np.tanh(first @ w2)
        inner = w1.T * (1 - first * first)[:, None]
        return ((1 - second * second)[:, None] * (w2.T @ inner),)

    return step


def rosenbrock(x: Array) -> Step:
    def step() -> tuple[object, ...]:
        first, second = x[:-1], x[1:]
        main = np.zeros_like(x)
        main[:-1] = 1200 * first * first - 400 * second + 2
        main[1:] += 200
        beside = -400 * first
        offsets = (-1, 0, 1)
        return (sparse.diags_array((beside, main, beside), offsets=offsets, format="csr"),)

    return step
