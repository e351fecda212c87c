"""``tf.math.special``, and the special functions of ``tf.math``. SciPy computes them.

Examples
--------
>>> import gradtape.tf as tf
>>> tf.math.lgamma([1.0, 4.0]).numpy()
array([0.       , 1.7917595], dtype=float32)
>>> tf.math.special.bessel_j0(0.0).numpy()
np.float32(1.0)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape import tensor as engine
from gradtape.tf import errors
from gradtape.tf.elementwise import renamed, together
from gradtape.tf.missing import missing
from gradtape.tf.scientific import scipy_module, special_rules
from gradtape.tf.tensors import Tensor, operand, result

__all__ = [
    "bessel_i0",
    "bessel_i0e",
    "bessel_i1",
    "bessel_i1e",
    "bessel_j0",
    "bessel_j1",
    "bessel_k0",
    "bessel_k0e",
    "bessel_k1",
    "bessel_k1e",
    "bessel_y0",
    "bessel_y1",
    "dawsn",
    "expint",
    "fresnel_cos",
    "fresnel_sin",
    "spence",
]


def _special(name: str, output: int | None = None) -> Callable[..., Any]:
    """A function of scipy.special, which keeps the dtype that it is given.

    ``output`` picks one of several answers.
    """

    def compute(*xs: Any) -> Any:
        out = getattr(scipy_module("special"), name)(*xs)
        out = out if output is None else out[output]
        dtype = engine.bare(xs[0]).dtype
        return out if engine.bare(out).dtype == dtype else out.astype(dtype)

    return compute


def _function(
    name: str, doc: str, compute: Callable[..., Any], arguments: str = "x"
) -> Callable[..., Tensor]:
    """A function of real floating tensors of one dtype, whose shapes broadcast."""
    op = "".join([word.capitalize() for word in name.split("_")])

    def called(*xs: Any) -> Tensor:
        if xs[0].array.dtype.kind != "f":
            raise errors.not_allowed(op, xs[0].array.dtype, "bfloat16, half, float, double")
        try:
            with np.errstate(all="ignore"):
                return result(compute(*xs))
        except ValueError:
            raise errors.incompatible(op, *[x.array.shape for x in xs]) from None

    def unary(x: Any, name: str | None = None) -> Tensor:
        return called(operand(x))

    def binary(x: Any, y: Any, name: str | None = None) -> Tensor:
        return called(*together(op, x, y))

    function: Any = binary if "," in arguments else unary
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc}\n\nEntry by entry: ``{name}({arguments})``."
    names = dict(zip("xy", arguments.split(", "), strict=False))
    return renamed(function, **names) if "," in arguments else function


# Gamma, beta, zeta ----------------------------------------------------------------------------

lgamma = _function("lgamma", "The logarithm of |gamma(x)|.", _special("gammaln"))
digamma = _function("digamma", "The derivative of ``lgamma``.", _special("digamma"))
igamma = _function(
    "igamma",
    "The lower incomplete gamma function P(a, x).",
    _special("gammainc"),
    "a, x",
)
igammac = _function(
    "igammac",
    "The upper incomplete gamma function Q(a, x).",
    _special("gammaincc"),
    "a, x",
)


def _polygamma(a: Any, x: Any) -> Any:
    # This module's is the one that raises for an order that a tape tracks.
    return special_rules("special_gamma").polygamma(a, x)


polygamma = _function(
    "polygamma", "The a-th derivative of ``digamma``; the gradient goes to x.", _polygamma, "a, x"
)
zeta = _function("zeta", "Hurwitz's sum of (q + k)**-x over k.", _special("zeta"), "x, q")


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized incomplete beta function I_x(a, b).

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.betainc(1.0, 1.0, 0.25).numpy()
    np.float32(0.25)
    """
    c, x = together("Betainc", a, x)
    d, x = together("Betainc", b, x)
    if x.array.dtype.kind != "f":
        raise errors.not_allowed("Betainc", x.array.dtype, "float, double")
    with np.errstate(all="ignore"):
        return result(_special("betainc")(c, d, x))


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of |beta(x)|, the product of gammas over that of the sum, in the last axis.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.math.lbeta([1.0, 1.0]).numpy()
    np.float32(0.0)
    """
    t = operand(x)
    return result(np.sum(lgamma(t), axis=-1) - lgamma(result(np.sum(t, axis=-1))))


# The error function's kin ---------------------------------------------------------------------

erfinv = _function("erfinv", "The x whose ``erf`` is given.", _special("erfinv"))
erfcinv = _function("erfcinv", "The x whose ``erfc`` is given.", _special("erfcinv"))
ndtri = _function("ndtri", "The quantile of the normal distribution.", _special("ndtri"))
dawsn = _function("dawsn", "Dawson's integral.", _special("dawsn"))
expint = _function("expint", "The exponential integral Ei.", _special("expi"))
spence = _function("spence", "The dilogarithm of 1 - x.", _special("spence"))

fresnel_sin = _function("fresnel_sin", "Fresnel's integral of the sine.", _special("fresnel", 0))
fresnel_cos = _function("fresnel_cos", "Fresnel's integral of the cosine.", _special("fresnel", 1))

# Bessel functions -----------------------------------------------------------------------------

_KINDS = {
    "i": "The modified Bessel function of the first kind",
    "j": "The Bessel function of the first kind",
    "k": "The modified Bessel function of the second kind",
    "y": "The Bessel function of the second kind",
}
_SCALED = {"i": ", times exp(-|x|)", "k": ", times exp(x)"}


def _bessel(kind: str, order: int, scaled: bool = False) -> Callable[..., Tensor]:
    name = f"{kind}{order}{'e' if scaled else ''}"
    doc = f"{_KINDS[kind]} of order {order}{_SCALED[kind] if scaled else ''}."
    return _function(f"bessel_{name}", doc, _special(name))


bessel_i0, bessel_i1 = _bessel("i", 0), _bessel("i", 1)
bessel_i0e, bessel_i1e = _bessel("i", 0, scaled=True), _bessel("i", 1, scaled=True)
bessel_j0, bessel_j1 = _bessel("j", 0), _bessel("j", 1)
bessel_k0, bessel_k1 = _bessel("k", 0), _bessel("k", 1)
bessel_k0e, bessel_k1e = _bessel("k", 0, scaled=True), _bessel("k", 1, scaled=True)
bessel_y0, bessel_y1 = _bessel("y", 0), _bessel("y", 1)


if not TYPE_CHECKING:  # a type checker knows by itself what is not here

    def __getattr__(name: str) -> Any:
        """Raise the error for a name that is not here, with the nearest that is."""
        raise missing(__name__, name, __all__)
