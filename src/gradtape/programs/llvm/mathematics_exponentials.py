"""Exponentials, logarithms and hyperbolic functions, written as LLVM IR.

exp(x) = 2**k exp(r), with r = x - k log(2) as if in twice the digits; log(x) = k log(2) + log(m)
with sqrt(1/2) <= m < sqrt(2). Both ends are right: subnormal numbers, 0, infinity.
"""

from __future__ import annotations

from typing import Any

from gradtape.programs.llvm.mathematics_lanes import DOUBLE, Bits, Format, Real
from gradtape.programs.llvm.polynomials import PARTS

__all__ = [
    "EXP_BOUNDS",
    "FUNCTIONS",
    "careful_exp",
    "clipped",
    "exp2",
    "exp_as_sum",
    "exp_of_negative",
    "log",
    "log1p_of_fraction",
    "log_of_split",
    "logistic",
    "parts_of",
    "power_of_two",
    "ratio",
    "round_to_integer",
    "split_exponential",
    "split_logarithm",
    "split_normalized",
    "tail_of_logarithm",
    "times_log",
    "times_log1p",
    "times_power_of_two",
    "two_sum",
    "with_ends_of_logarithm",
]

INFINITY, NAN = float("inf"), float("nan")


def parts_of(x: Real, name: str) -> tuple[float, ...]:
    """A number as a sum of three of this format."""
    return PARTS[name][x.format.name]


def ratio(x: Real, x_rest: Real | None, y: Real, y_rest: Real) -> Real:
    """(x + x_rest)/(y + y_rest), rounded nearly once; neither is large."""
    inverse = 1 / y
    q = x * inverse
    rest = q.fma(-y, x)
    rest = rest if x_rest is None else rest + x_rest
    return inverse.fma(q.fma(-y_rest, rest), q)


def clipped(x: Real, low: float | None, high: float | None) -> Real:
    """Between two bounds; NaN stays NaN."""
    if low is not None:
        x = (x < low).select(low, x)
    return x if high is None else (x > high).select(high, x)


# Powers of two ------------------------------------------------------------------------------------


def round_to_integer(x: Real, factor: float = 1.0, shift: float = 0.0) -> tuple[Real, Bits]:
    """The integer k nearest to x * factor + shift, not large; as a number, and in low bits.

    The bits are those of ``round_magic`` plus k.
    """
    magic = x.format.round_magic
    if shift:
        raised = x.fma(factor, shift) + magic
    else:
        raised = x + magic if factor == 1 else x.fma(factor, magic)
    return raised - magic, raised.bits()


def power_of_two(bits: Bits, form: Format) -> Real:
    """2**k for the low bits of ``round_to_integer``, where that is a normal number."""
    return ((bits + form.bias) << form.digits).real()


def times_power_of_two(x: Real, bits: Bits, less: int = 0) -> Real:
    """x * 2**(k - less), rounded once, also where 2**k is no number of the format."""
    form = x.format
    if x.can_be_scaled:
        return x.scaled(bits.real() - (form.round_magic + less))
    k = bits - (form.bits_of(form.round_magic) - 4 * form.bias + less)
    half = k >> 1
    one = ((half - form.bias) << form.digits).real()
    other = ((k - half - form.bias) << form.digits).real()
    return x * one * other


def split_exponential(
    x: Real, polynomial: str = "exp", small: Real | None = None
) -> tuple[Real, Real, Bits]:
    """exp(x + small) = 2**k (1 + p + q): p, the smaller q, and k in low bits; x not large."""
    high, low, _ = parts_of(x, "log(2)")
    k, bits = round_to_integer(x, parts_of(x, "1/log(2)")[0])
    exact = k.fma(-high, x)  # without rounding
    r = k.fma(-low, exact)
    rest = k.fma(-low, exact - r)
    if small is not None:
        rest = rest + small
        r, rest = r + rest, rest - ((r + rest) - r)
    return r, (r * r).fma(r.at(r.polynomial(polynomial)), rest), bits


#: Where exp overflows and vanishes, a little further out; by format.
EXP_BOUNDS = {"float": (-104.0, 89.0), "double": (-746.0, 710.0)}


def exp(x: Real) -> Real:
    """e**x."""
    x = clipped(x, *EXP_BOUNDS[x.format.name])
    high, low, _ = parts_of(x, "log(2)")
    k, bits = round_to_integer(x, parts_of(x, "1/log(2)")[0])
    return times_power_of_two(_exp_of_small(k.fma(-low, k.fma(-high, x))), bits)


def _exp_of_small(r: Real) -> Real:
    """exp(r), |r| <= log(2)/2."""
    return r.fma(r.fma(r.at(r.polynomial("exp")), 1.0), 1.0)


def exp_as_sum(x: Real, small: Real | None = None) -> tuple[Real, Real, Bits]:
    """exp(x + small)/2**k as a sum of two, and k; x not large."""
    p, q, bits = split_exponential(x, small=small)
    near = p + 1
    rest = (p - (near - 1)) + q
    e = near + rest
    return e, rest - (e - near), bits


def careful_exp(x: Real, small: Real | None = None) -> tuple[Real, Bits]:
    """exp(x + small)/2**k, rounded nearly once, and k; x not large."""
    e, _, bits = exp_as_sum(x, small)
    return e, bits


def exp_of_negative(x: Real) -> Real:
    """e**x for x <= 0."""
    return times_power_of_two(*careful_exp(clipped(x, EXP_BOUNDS[x.format.name][0], None)))


def exp2(x: Real) -> Real:
    """2**x."""
    form = x.format
    x = clipped(x, -form.bias - form.digits - 2.0, form.bias + 2.0)
    k, bits = round_to_integer(x)
    high, low, _ = parts_of(x, "log(2)")
    f = x - k
    return times_power_of_two(_exp_of_small(f.fma(high, f * low)), bits)


def expm1(x: Real) -> Real:
    """e**x - 1, to the last bits near 0."""
    low, high = {"float": (-20.0, 89.0), "double": (-40.0, 710.0)}[x.format.name]
    p, q, bits = split_exponential(clipped(x, low, high), "expm1")
    # 2**k overflows before the result does: then half of it, and twice at the end.
    top = bits.equals(x.format.bits_of(x.format.round_magic) + x.format.bias + 1)
    scale = power_of_two(top.select(bits - 1, bits), x.format)
    p = p + q
    grown = scale.fma(p, scale - top.select(scale.like(0.5), 1.0))
    return (grown * top.select(scale.like(2.0), 1.0)).copysign(x)


# Logarithms ---------------------------------------------------------------------------------------


def split_logarithm(x: Real, shift: Real | float = 0.0) -> tuple[Real, Real, Bits]:
    """x = 2**k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2): f, k - shift, and the bits of 2**-k."""
    form = x.format
    root, offset = form.bits_of(0.5**0.5), form.bias + 1
    t = x.bits() - (root - (offset << form.digits))
    mantissa = (t & ((1 << form.digits) - 1)) + root
    exponent = t >> form.digits
    unit = 2.0**form.digits
    k = (exponent | form.bits_of(unit)).real() - (x.like(unit + offset) + shift)
    inverse = (exponent.like(form.bias + offset) - exponent) << form.digits
    return mantissa.real() - 1, k, inverse


def log_of_split(f: Real, k: Real, correction: Real | None = None) -> Real:
    """k log(2) + log(1 + f + c), with c much smaller than 1 + f."""
    high = parts_of(f, "log(2)")[0]
    return k.fma(high, f + _rest_of_log(f, k, correction))


def log_of_split_as_sum(f: Real, k: Real, correction: Real | None = None) -> tuple[Real, Real]:
    """``log_of_split``, and nearly what its roundings lose."""
    high = parts_of(f, "log(2)")[0]
    rest = _rest_of_log(f, k, correction)
    total = f + rest
    result = k.fma(high, total)
    return result, (k.fma(high, -result) + total) + (rest - (total - f))


def _rest_of_log(f: Real, k: Real, correction: Real | None) -> Real:
    """What f and k times the first part of log(2) lack of the logarithm."""
    rest = k * parts_of(f, "log(2)")[1]
    if correction is not None:  # log(1 + f) has the slope 1/(1 + f)
        rest = correction.fma(f.fma(f - 1, 1), rest)
    return tail_of_logarithm(f, rest)


def tail_of_logarithm(f: Real, rest: Real | None = None, polynomial: str = "atanh") -> Real:
    """log(1 + f) - f + rest."""
    if f.format is DOUBLE:
        s = f / (f + 2)  # log(1 + f) = 2 atanh(s) = f - s (f - z p(z))
        z = s * s
        factor, other = s, z.fma(z.at(z.polynomial(polynomial)), -f)
    else:
        factor, other = f * f, f.fma(f.at(f.polynomial("log")), -0.5)
    return factor * other if rest is None else factor.fma(other, rest)


def log(x: Real) -> Real:
    """The natural logarithm."""
    f, k = split_normalized(x)
    return with_ends_of_logarithm(x, log_of_split(f, k))


def split_normalized(x: Real) -> tuple[Real, Real]:
    """``split_logarithm`` also of subnormal numbers."""
    form = x.format
    tiny = x < 2.0 ** (1 - form.bias)
    up = form.digits + 2.0
    f, k, _ = split_logarithm(tiny.select(x * 2.0**up, x), tiny.select(x.like(up), x.like(0.0)))
    return f, k


def with_ends_of_logarithm(x: Real, result: Real, pole: float = 0.0) -> Real:
    """The values at the ends: -inf at the pole, NaN before it, infinity and NaN as they are."""
    inside = (x > pole) & (x < INFINITY)
    ends = (x == pole).select(-INFINITY, (x < pole).select(NAN, x))
    return inside.select(result, ends)


def log1p(x: Real) -> Real:
    """log(1 + x), to the last bits near 0."""
    return with_ends_of_logarithm(x, log_of_split(*_split_around_one(x)), -1.0).copysign(x)


def _split_around_one(x: Real) -> tuple[Real, Real, Real]:
    """1 + x = 2**k (1 + f + c): f, k, c."""
    u = x + 1
    t = u - 1
    lost = (1 - (u - t)) + (x - t)  # 1 + x = u + lost
    f, k, inverse = split_logarithm(u)
    return f, k, (u < 2.0 ** (2 * x.format.digits)).select(lost * inverse.real(), 0.0)


def times_log(x: Real, y: Real) -> Real:
    """x log(y)."""
    return _product_with_log(x, y, log_of_split_as_sum(*split_normalized(y)), 0.0)


def times_log1p(x: Real, y: Real) -> Real:
    """x log(1 + y)."""
    return _product_with_log(x, y, log_of_split_as_sum(*_split_around_one(y)), -1.0)


def _product_with_log(x: Real, y: Real, logarithm: tuple[Real, Real], pole: float) -> Real:
    """x times a sum of two that is a logarithm with its pole at some y."""
    high, rest = logarithm
    inside = (y > pole) & (y < INFINITY) & (abs(x) < INFINITY)
    product = inside.select(x.fma(high, x * rest), x * with_ends_of_logarithm(y, high, pole))
    return (y == 0).select(x * y, product) if pole else product


def log1p_of_fraction(x: Real) -> tuple[Real, Real, Real]:
    """log(1 + x) for 0 <= x <= 1 as k log(2) + f + rest, with k 0 or 1."""
    u = x + 1
    lost = x - (u - 1)
    over = u > 2.0**0.5
    scale = over.select(u.like(0.5), 1.0)
    k = over.select(u.like(1.0), 0.0)
    f = u.fma(scale, -1.0)
    slope = f.fma(f - 1, 1)  # of log(1 + f), nearly
    return k, f, tail_of_logarithm(f, (lost * scale) * slope)


def two_sum(x: Real, y: Real) -> tuple[Real, Real]:
    """x + y, and what its rounding loses."""
    total = x + y
    other = total - x
    return total, (x - (total - other)) + (y - other)


def logaddexp(x: Real, y: Real) -> Real:
    """log(exp(x) + exp(y))."""
    k, f, rest = log1p_of_fraction(exp_of_negative(-abs(x - y)))
    high, low, _ = parts_of(x, "log(2)")
    return _largest_plus(x, y, k * high, f, k.fma(low, rest))


def logaddexp2(x: Real, y: Real) -> Real:
    """log2(2**x + 2**y)."""
    k, f, rest = log1p_of_fraction(exp2(-abs(x - y)))
    factor, less, _ = parts_of(x, "1/log(2)")
    part = f * factor
    return _largest_plus(x, y, k, part, rest.fma(factor, f.fma(less, f.fma(factor, -part))))


def _largest_plus(x: Real, y: Real, first: Real, second: Real, rest: Real) -> Real:
    """The larger of two numbers and three more, where the sum may be much smaller than all."""
    largest = (x > y).select(x, y)
    total, lost = two_sum(largest, first)
    total, more = two_sum(total, second)
    total = total + ((lost + more) + rest)
    equal = (x == y) & (abs(x) == INFINITY)  # they have no difference
    infinite = (largest == INFINITY) & ~x.is_nan()
    return (equal | infinite).select(largest, total)


# Sigmoids and hyperbolic functions ----------------------------------------------------------------


def logistic(x: Real) -> Real:
    """1/(1 + exp(-x)), to the last bits on both sides."""
    e = exp_of_negative(-abs(x))
    d = e + 1
    return ratio((x >= 0).select(1.0, e), None, d, e - (d - 1))


def sech_squared(x: Real) -> Real:
    """1/cosh(x)**2."""
    a = abs(x)
    p, bits = careful_exp(clipped(-(a + a), EXP_BOUNDS[x.format.name][0] - 2, None))
    e = times_power_of_two(p, bits, -2)  # four times exp(-2 a), which may have more digits
    d = e.fma(0.25, 1.0)
    lost = e.fma(0.25, 1 - d)
    square = d * d
    return ratio(e, None, square, (d + d).fma(lost, d.fma(d, -square)))


def tanh(x: Real) -> Real:
    """The hyperbolic tangent."""
    a = clipped(abs(x), None, 22.0 if x.format is DOUBLE else 10.0)
    high, low, _ = parts_of(x, "log(2)")
    k, bits = round_to_integer(a + a, parts_of(x, "1/log(2)")[0])
    r = k.fma(-low, k.fma(-high, a + a))
    scale = power_of_two(bits, x.format)
    e = scale.fma((r * r).fma(r.at(r.polynomial("expm1")), r), scale - 1)  # expm1(2 a)
    d = e + 2
    return ratio(e, None, d, e - (d - 2)).copysign(x)


#: Where sinh and cosh overflow, a little further out.
_SINH_BOUND = {"float": 89.5, "double": 710.5}


def sinh(x: Real) -> Real:
    """The hyperbolic sine."""
    a = clipped(abs(x), None, _SINH_BOUND[x.format.name])
    p, q, bits = split_exponential(a, "expm1")
    quarter = power_of_two(bits - 2, x.format)
    t = p + q
    h = quarter.fma(t, quarter - 0.25)  # a quarter of e = expm1(a)
    # (e + e/(e + 1))/2; what t has lost counts between two and four times.
    result = (h + h) + quarter.fma((q - (t - p)) * 3, h / (h + h + 0.5))
    return (a < 2.0**-28).select(x, result.copysign(x))


def cosh(x: Real) -> Real:
    """The hyperbolic cosine."""
    a = clipped(abs(x), None, _SINH_BOUND[x.format.name])
    p, bits = careful_exp(a)
    half = times_power_of_two(p, bits, 1)
    return half + half.like(0.25) / half


#: By the names of the primitives.
FUNCTIONS: dict[str, Any] = {
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "logaddexp": logaddexp,
    "logaddexp2": logaddexp2,
    "logistic": logistic,
    "sech_squared": sech_squared,
    "tanh": tanh,
    "sinh": sinh,
    "cosh": cosh,
}
