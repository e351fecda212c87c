"""Partial derivatives of NumPy's elementwise functions.

One line a function: its partials in terms of ``x``, ``y`` (the arguments) and ``out`` (the value);
``over`` gives a partial by its reciprocal. The forms keep digits where the obvious ones lose them
(``1 - out**2`` for tanh) and stay finite at the next order.
Subgradients are TensorFlow's: abs'(0) = 0, a tie of maximum or minimum goes to the first argument.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.derivatives.axes import is_tensor
from gradtape.derivatives.primitives import (
    cosine,
    exponential,
    logistic,
    one_minus_square,
    raised,
    sech_squared,
)
from gradtape.rules import (
    STRAIGHT,
    UFUNCS,
    Choice,
    Elementwise,
    Primitive,
    bare,
    elementwise,
    meaning,
    over,
    strip,
)

LN2 = float(np.log(2.0))
LN10 = float(np.log(10.0))


def _arctan2(x: Any, y: Any) -> Any:
    """Partials of arctan2(x, y), x over y, without overflow in x*x + y*y."""
    r = np.hypot(x, y)
    return y / r / r, -(x / r / r)


def _hypot(x: Any, y: Any, out: Any) -> Any:
    """x/r and y/r; 0 at the origin, as for the modulus of a complex number."""
    if is_tensor(out):  # to be differentiated
        return cosine(x, y), cosine(y, x)
    r = np.where(out == 0, 1, out)
    return x / r, y / r


def _power(x: Any, y: Any, out: Any) -> Any:
    """y x^(y-1) and x^y log x, with the limits that exist at y = 0 and x = 0.

    As in TensorFlow the logarithm of a real base that is not positive counts as 0.
    """
    by_x = y * np.power(x, np.where((x == 0) & (y == 0), 1, y - 1))
    some = x != 0 if out.dtype.kind == "c" else x > 0
    return by_x, out * np.log(np.where(some, x, 1))


# On a branch cut the sign of a zero says which side is meant. A sum with 1 would lose it:
# 1 - x is -(x - 1) here, and 1 + x is -(-x - 1).


def _root(x: Any) -> Any:
    """sqrt(x*x + 1), without overflow; on a cut, of the side that x is on."""
    if x.dtype.kind != "c":
        return np.hypot(x, 1)
    return _between(1j * np.where(np.imag(x) > 0, -x, x))


def _between(x: Any) -> Any:
    """sqrt(1 - x*x), to the last bits near 1; on a cut, of the side that x is on."""
    if x.dtype.kind != "c":
        return np.sqrt(one_minus_square(x))
    return np.sqrt(-(x - 1)) * np.sqrt(-(-x - 1))


def _beyond(x: Any) -> Any:
    """sqrt(x*x - 1) with the sign of x; on a cut, of the side that x is on."""
    return np.sqrt(x - 1) * np.sqrt(-(-x - 1) if x.dtype.kind == "c" else x + 1)


def _tan(x: Any, out: Any) -> Any:
    """1/cos(x)**2; far from the real axis tan(x)**2 is close to -1."""
    return sech_squared(x * 1j) if out.dtype.kind == "c" else 1 + out * out


elementwise(
    {
        # Arithmetic
        np.add: (1, 1),
        np.subtract: (1, -1),
        np.multiply: ("y", "x"),
        np.true_divide: (over("y"), lambda y, out: -out / y),
        np.negative: -1,
        np.positive: 1,
        np.reciprocal: lambda out: -out * out,
        np.square: lambda x: x + x,  # as exact as 2 * x, and faster
        np.sqrt: over(lambda out: out + out),
        np.cbrt: over(lambda out: 3 * out * out),
        np.power: _power,
        np.float_power: _power,
        np.remainder: (1, lambda x, y, out: np.rint((out - x) / y)),
        np.fmod: (1, lambda x, y, out: np.rint((out - x) / y)),
        np.hypot: _hypot,
        # Exponentials and logarithms
        np.exp: "out",
        np.exp2: lambda out: LN2 * out,
        np.expm1: lambda x: np.exp(x),
        np.log: over("x"),
        np.log2: over(lambda x: LN2 * x),
        np.log10: over(lambda x: LN10 * x),
        np.log1p: over(lambda x: 1 + x),
        np.logaddexp: lambda x, y: (_share(x, y), _share(y, x)),
        np.logaddexp2: lambda x, y: (_share(x, y, LN2), _share(y, x, LN2)),
        # Trigonometric and hyperbolic functions
        np.sin: lambda x: np.cos(x),
        np.cos: lambda x: -np.sin(x),
        np.tan: _tan,
        np.arcsin: over(lambda x: _between(x)),
        np.arccos: over(lambda x: -_between(x)),
        np.arctan: over(lambda x: 1 + x * x),
        np.arctan2: _arctan2,
        np.sinh: lambda x: np.cosh(x),
        np.cosh: lambda x: np.sinh(x),
        np.tanh: lambda x: sech_squared(x),
        np.arcsinh: over(lambda x: _root(x)),
        np.arccosh: over(lambda x: _beyond(x)),
        np.arctanh: over(lambda x: one_minus_square(x)),
        # Angles
        np.deg2rad: np.pi / 180,
        np.radians: np.pi / 180,
        np.rad2deg: 180 / np.pi,
        np.degrees: 180 / np.pi,
        # Parts of a number
        np.absolute: lambda x: np.sign(x),
        np.fabs: lambda x: np.sign(x),
        np.sign: 0,
        np.copysign: (lambda x, out: np.sign(x) * np.sign(out), 0),
        np.ldexp: (lambda x, y: np.ldexp(np.ones_like(x), y), None),
        np.nextafter: (1, 0),
    }
)

# A tie goes to the first argument. Where one is NaN, so is the result, and the second has it.
# Comparing with the result costs less than with the other argument, which is often a number.
for _ufunc, _kept in {
    np.maximum: lambda v: (None, None, v[0] == v[2]),
    np.minimum: lambda v: (None, None, v[0] == v[2]),
    np.fmax: lambda v: (None, None, (v[0] >= v[1]) | np.isnan(v[1])),
    np.fmin: lambda v: (None, None, (v[0] <= v[1]) | np.isnan(v[1])),
}.items():
    UFUNCS[_ufunc] = STRAIGHT[_ufunc] = Choice(_ufunc, _kept)

elementwise({np.heaviside: (0, lambda x: x == 0)}, selects=True)

bare(
    *(np.floor, np.ceil, np.trunc, np.rint, np.floor_divide, np.spacing, np.signbit),
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
    *(np.isnan, np.isinf, np.isfinite, np.logical_and, np.logical_or, np.logical_xor),
    *(np.logical_not, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert),
    *(np.left_shift, np.right_shift, np.gcd, np.lcm, np.isnat),
    np.bitwise_count,
    *(np.round, np.fix, np.isclose, np.allclose, np.array_equal, np.array_equiv),
    *(np.iscomplexobj, np.isrealobj, np.iscomplex, np.isreal, np.isposinf, np.isneginf),
)


def _share(x: Any, y: Any, base: float = 1) -> Any:
    """The weight of x in logaddexp(x, y); equal infinities share equally."""
    return logistic(np.where(np.isinf(x) & (x == y), 0, x - y) * base)


# What depends on the kind of the arguments ------------------------------------------------------

_powers = {
    2: UFUNCS[np.square],
    1: UFUNCS[np.positive],
    0.5: UFUNCS[np.sqrt],
    -1: UFUNCS[np.reciprocal],
}


@meaning(np.power)
def _bind_power(x: Any, y: Any) -> Any:
    if type(y) in (int, float) and x.dtype.kind in "fc":  # NumPy has its own ways with integers
        special = _powers.get(y)
        return special.on(x) if special is not None else raised(x, exponent=y)
    if type(y) is complex and x.dtype.kind in "fc":
        return raised(x, exponent=y)
    if type(x) in (int, float, complex) and y.dtype.kind in "fc":
        return exponential(y, base=x)
    return UFUNCS[np.power](x, y)


#: For what acts entry by entry but has no partial derivative, as the functions of a complex number.
_ENTRYWISE: dict[str, Any] = {"kind": "reduction", "spread": lambda g: g, "gather": lambda t: t}


def _modulus(x: Any, /) -> Any:
    return np.absolute(x)


#: |x| of a complex x: the steepest ascent is x/|x|, and 0 at 0.
modulus = Primitive(
    _modulus,
    lambda g, x: g * np.sign(x),
    lambda t, x: np.real(t * np.conjugate(np.sign(x))),
    **_ENTRYWISE,
    name="modulus",
)


@meaning(np.absolute)
def _bind_absolute(x: Any) -> Any:
    return modulus(x) if x.dtype.kind == "c" else UFUNCS[np.absolute](x)


@meaning(np.sign)
def _bind_sign(x: Any) -> Any:
    if x.dtype.kind != "c":
        return UFUNCS[np.sign](x)
    return x / np.where(x == 0, 1, np.absolute(x))


def _conjugate(x: Any, /) -> Any:
    return np.conjugate(x)


def _real(x: Any, /) -> Any:
    return np.real(x)


def _imag(x: Any, /) -> Any:
    return np.imag(x)


conjugate = Primitive(
    _conjugate,
    lambda g: np.conjugate(g),
    lambda t: np.conjugate(t),
    **_ENTRYWISE,
)
real = Primitive(
    _real,
    lambda g: g,
    lambda t: np.real(t),
    **_ENTRYWISE,
)
imag = Primitive(
    _imag,
    lambda g: g * 1j,
    lambda t: np.imag(t),
    **_ENTRYWISE,
)


def _itself(x: Any) -> Any:
    """A real value as a new one; booleans have no plus."""
    return UFUNCS[np.positive](x) if x.dtype.kind == "f" else x


@meaning(np.conjugate)
def _bind_conjugate(x: Any) -> Any:
    if x.dtype.kind == "b":
        return np.conjugate(strip(x))  # small integers, says NumPy
    return conjugate(x) if x.dtype.kind == "c" else _itself(x)


@meaning(np.real)
def _bind_real(val: Any) -> Any:
    if val.dtype.kind == "c":
        return real(val)
    # The array itself, which a write may reach; of what cannot be written to, a new value.
    return val if getattr(val, "writable", True) else _itself(val)


@meaning(np.imag)
def _bind_imag(val: Any) -> Any:
    return imag(val) if val.dtype.kind == "c" else np.zeros(val.shape, val.dtype)


@meaning(np.angle)
def _bind_angle(z: Any, deg: bool = False) -> Any:
    if z.dtype.kind not in "fc":
        return np.angle(strip(z), deg)
    if z.dtype.kind == "f":  # constant on both sides of 0, and so at 0
        z = np.where(z == 0, np.copysign(z.dtype.type(1), z), z)
    angle = np.arctan2(np.imag(z), np.real(z))
    return np.rad2deg(angle) if deg else angle


@meaning(np.divmod)
def _bind_divmod(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y), np.remainder(x, y)


@meaning(np.modf)
def _bind_modf(x: Any) -> Any:
    if x.dtype.kind != "f":
        return np.modf(strip(x))
    whole = np.trunc(x)
    return np.where(np.isinf(x), np.copysign(0, x), np.fmod(x, 1)), whole


@meaning(np.frexp)
def _bind_frexp(x: Any) -> Any:
    exponent = np.frexp(strip(x))[1]
    return np.ldexp(x, -exponent), exponent


# Choosing ---------------------------------------------------------------------------------------

where = Elementwise(
    np.where,
    (None, lambda condition: condition, lambda condition: ~condition),
    names=("condition", "x", "y"),
    selects=True,
    name="where",
)


@meaning(np.where)
def _bind_where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return np.nonzero(condition)
    return where(np.not_equal(condition, 0), x, y)


bounded = Elementwise(
    np.clip,
    (
        lambda x, low, high: ~((x < low) | (x > high)),
        lambda x, low, high: (x < low) & (low <= high),
        lambda x, low, high: (x > high) | (low > high),
    ),
    names=("x", "low", "high"),
    selects=True,
    name="clip",
)


@meaning(np.clip)
def _bind_clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    if not (a_min is None and a_max is None) and not (min is None and max is None):
        raise ValueError("clip: give the bounds as a_min and a_max, or as min= and max=, not both")
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    if low is None:
        return np.positive(a) if high is None else np.minimum(a, high)
    return np.maximum(a, low) if high is None else bounded(a, low, high)


# Dtypes -----------------------------------------------------------------------------------------


def _astype(x: Any, /, dtype: Any) -> Any:
    return np.real(x).astype(dtype) if x.dtype.kind == "c" != dtype.kind else x.astype(dtype)


converted: Primitive = Primitive(
    _astype,
    lambda g: g,
    lambda t, dtype: converted(t, dtype=dtype),
    **_ENTRYWISE,
    name="astype",
)


@meaning(np.ndarray.astype, getattr(np, "astype", None))
def _bind_astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind not in "fc":
        return strip(x).astype(dtype)  # integers have no derivative
    return converted(x, dtype=dtype)
