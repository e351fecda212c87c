"""Derivatives that are TensorFlow's own: where it answers otherwise than the engine's tables.

- A power has the derivative y x**(y-1) even for y = 0, so that of x**0 at 0 is NaN.
- ``tf.sqrt``, ``tf.math.rsqrt`` and ``tf.math.reciprocal`` answer 0 for a zero cotangent, even
  where their slope is infinite.
- The slope of an activation is a value of its own: second derivatives are zeros, not None.

They are primitives like those of ``gradtape.derivatives``; their names begin with ``tf.``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape.derivatives.primitives import logistic
from gradtape.rules import Elementwise, Primitive, adjoint, over

__all__ = [
    "elu",
    "erf",
    "erfc",
    "leaky",
    "power",
    "reciprocal",
    "rectified",
    "rectified6",
    "rsqrt",
    "selu",
    "silu",
    "softplus",
    "softsign",
    "sqrt",
    "times_no_nan",
]

#: Klambauer et al., "Self-normalizing neural networks" (2017), equation (2) and appendix A1.
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


# Powers and roots -----------------------------------------------------------------------------


def _power(x: Any, y: Any) -> Any:
    return x**y


power: Elementwise = Elementwise(
    _power,
    (lambda x, y: y * power(x, y - 1), lambda x, out: out * _logarithm(x)),
    names=("x", "y"),
    name="tf.pow",
)


def _logarithm(x: Any) -> Any:
    """log(x), and 0 where x is not positive; a Python number's is a number."""
    if isinstance(x, (int, float)):
        return float(np.log(x)) if x > 0 else 0.0
    if x.dtype.kind == "c":
        return np.log(np.where(x != 0, x, 1))
    return np.log(np.where(x > 0, x, 1))


def _times_no_nan(x: Any, y: Any) -> Any:
    return np.where(y == 0, 0, x) * y


#: x y, and 0 where y is 0 whatever x is; the slope by y is x even there.
times_no_nan = Elementwise(
    _times_no_nan, ("y", "x"), names=("x", "y"), name="tf.math.multiply_no_nan"
)


def _nonzero_times(g: Any, slope: Any) -> Any:
    """g * slope, and 0 where g is 0."""
    return np.where(g != 0, g * adjoint(slope), 0)


def _unary(compute: Any, pull: Any, push: Any, name: str) -> Primitive:
    def same(x: Any) -> Any:
        return x

    return Primitive(compute, pull, push, kind="reduction", spread=same, gather=same, name=name)


def _sqrt(x: Any, /) -> Any:
    return np.sqrt(x)


def _rsqrt(x: Any, /) -> Any:
    return 1 / np.sqrt(x)


def _reciprocal(x: Any, /) -> Any:
    return np.reciprocal(x)


sqrt = _unary(
    _sqrt, lambda g, out: _nonzero_times(g, 0.5 / out), lambda t, out: t * (0.5 / out), "tf.sqrt"
)
rsqrt = _unary(
    _rsqrt,
    lambda g, out: _nonzero_times(g, -0.5 * out * out * out),
    lambda t, out: t * (-0.5 * out * out * out),
    "tf.rsqrt",
)
reciprocal = _unary(
    _reciprocal,
    lambda g, out: _nonzero_times(g, -out * out),
    lambda t, out: t * (-out * out),
    "tf.reciprocal",
)


# Activations ----------------------------------------------------------------------------------


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


def _relu6(x: Any) -> Any:
    return np.minimum(np.maximum(x, 0), 6)


def _step(x: Any) -> Any:
    return (x > 0).astype(x.dtype)


#: 1 where x > 0, else 0, with derivative 0 (a comparison has none at all).
step = Elementwise(_step, 0, name="tf.step")
rectified = Elementwise(_relu, lambda out: step(out), name="tf.relu")
rectified6 = Elementwise(_relu6, lambda out: step(out) * step(6 - out), name="tf.relu6")


def _leaky(x: Any, alpha: Any) -> Any:
    return np.where(x > 0, x, alpha * x)


leaky = Elementwise(
    _leaky,
    (lambda x, alpha: alpha + (1 - alpha) * step(x), lambda x: x - rectified(x)),
    names=("x", "alpha"),
    name="tf.leaky_relu",
)


def _elu(x: Any) -> Any:
    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))


#: As of the value: exp(x) is out + 1 where x < 0.
elu = Elementwise(_elu, lambda out: np.where(out < 0, out + 1, 1), name="tf.elu")


def _selu(x: Any) -> Any:
    return SELU_SCALE * np.where(x >= 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


selu = Elementwise(
    _selu,
    lambda out: np.where(out < 0, out + SELU_SCALE * SELU_ALPHA, SELU_SCALE),
    name="tf.selu",
)


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, 0)


softplus = Elementwise(_softplus, lambda x: logistic(x), name="tf.softplus")


def _softsign(x: Any) -> Any:
    return x / (1 + np.abs(x))


softsign = Elementwise(_softsign, over(lambda x: np.square(1 + np.absolute(x))), name="tf.softsign")


def _silu(x: Any) -> Any:
    return x * logistic(x)


#: s + x s (1 - s), with 1 - s = s(-x), which keeps its digits.
silu = Elementwise(_silu, lambda x: logistic(x) * (1 + x * logistic(-x)), name="tf.silu")


# The error function ---------------------------------------------------------------------------

_erf_of_one = np.frompyfunc(math.erf, 1, 1)
_erfc_of_one = np.frompyfunc(math.erfc, 1, 1)


def _erf(x: Any) -> Any:
    return np.asarray(_erf_of_one(x)).astype(x.dtype)[()]


def _erfc(x: Any) -> Any:
    return np.asarray(_erfc_of_one(x)).astype(x.dtype)[()]


def _bell(x: Any) -> Any:
    return 2 / math.sqrt(math.pi) * np.exp(-np.square(x))


#: As Python's math.erf and math.erfc, entry by entry: NumPy has none. DLMF 7.2.1 and 7.2.2.
erf = Elementwise(_erf, lambda x: _bell(x), name="tf.erf")
erfc = Elementwise(_erfc, lambda x: -_bell(x), name="tf.erfc")
