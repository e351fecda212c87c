"""Powers, roots and what needs logarithms with more digits, written as LLVM IR.

Floats go through doubles here. Sums of two doubles carry about 65 bits of a logarithm: so many that
x**y = exp(y log(x)) is right to the last bits for the largest results.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

from gradtape.programs.llvm.mathematics_exponentials import (
    EXP_BOUNDS,
    careful_exp,
    clipped,
    exp2,
    log_of_split,
    parts_of,
    power_of_two,
    ratio,
    round_to_integer,
    split_logarithm,
    split_normalized,
    tail_of_logarithm,
    times_power_of_two,
    two_sum,
    with_ends_of_logarithm,
)
from gradtape.programs.llvm.mathematics_lanes import DOUBLE, Mask, Real

__all__ = ["FUNCTIONS", "exponential", "raised", "through_double"]

INFINITY, NAN = float("inf"), float("nan")
Function = Callable[..., Real]


def through_double(function: Function) -> Function:
    """A function of doubles, for floats too: their results are rounded doubles."""

    def either(*args: Real) -> Real:
        if args[0].format is DOUBLE:
            return function(*args)
        return function(*[x.double() for x in args]).single()

    either.__doc__ = function.__doc__
    return either


def quick_two_sum(x: Real, y: Real) -> tuple[Real, Real]:
    """``two_sum`` where x is 0 or not smaller."""
    total = x + y
    return total, y - (total - x)


# Logarithms ---------------------------------------------------------------------------------------


def _long_log(x: Real) -> tuple[Real, Real]:
    """log(x) for 0 < x < infinity, as a sum of two with 65 bits together."""
    f, k = split_normalized(x)
    d = f + 2
    inverse = 1 / d
    s = f * inverse  # log(1 + f) = 2 atanh(s), s = f/(2 + f)
    s_rest = inverse * s.fma(-(f - (d - 2)), s.fma(-d, f))
    z = s * s
    z_rest = (s + s).fma(s_rest, s.fma(s, -z))
    cube = s * z
    cube_rest = s.fma(z_rest, s.fma(z, -cube)) + s_rest * z
    two_thirds, less, _ = parts_of(x, "2/3")
    third = cube * two_thirds
    third_rest = cube.fma(less, cube_rest.fma(two_thirds, cube.fma(two_thirds, -third)))
    rest = (cube * z).fma(z.at(z.polynomial("long atanh")), third_rest) + (s_rest + s_rest)
    high, low, _ = parts_of(x, "log(2)")
    whole = k * high
    rest = rest + k.fma(low, k.fma(high, -whole))
    total, lost = quick_two_sum(whole, s + s)
    rest = rest + lost
    total, lost = quick_two_sum(total, third)
    return quick_two_sum(total, rest + lost)


def _log_by(base: str, of_two: str | None) -> Function:
    """A logarithm whose factor is one of our parts, as is that of 2 unless it is 1."""

    def logarithm(x: Real) -> Real:
        f, k = split_normalized(x)
        factor, less, _ = parts_of(x, base)
        near = f * factor
        rest = tail_of_logarithm(f).fma(factor, f.fma(less, f.fma(factor, -near)))
        whole = k
        if of_two is not None:
            high, low, _ = parts_of(x, of_two)
            whole = k * high
            rest = rest + k.fma(low, k.fma(high, -whole))
        total, lost = quick_two_sum(whole, near)
        return with_ends_of_logarithm(x, total + (lost + rest))

    return logarithm


log2 = _log_by("1/log(2)", None)
log10 = _log_by("1/log(10)", "log10(2)")


# Powers -------------------------------------------------------------------------------------------


def power(x: Real, y: Real) -> Real:
    """x**y."""
    a = abs(x)
    size = (_long_power if x.format is DOUBLE else _short_power)(a, y)
    # Bases that have no logarithm.
    end = (a == 0) | (a == INFINITY)
    size = end.select(((a == 0) ^ (y < 0)).select(size.like(0.0), INFINITY), size)
    whole = y.trunc() == y
    half = y * 0.5
    odd = whole & (half.trunc() != half)
    size = (odd & _has_sign(x)).select(-size, size)
    size = ((x < 0) & ~whole & (x > -INFINITY)).select(NAN, size)
    size = (x.is_nan() | y.is_nan()).select(x + y, size)
    one = (y == 0) | (x == 1) | ((x == -1) & (abs(y) == INFINITY))
    return one.select(1.0, size)


def _long_power(x: Real, y: Real) -> Real:
    """x**y of positive doubles, by a logarithm of 65 bits."""
    high, low = _long_log(x)
    product = y * high
    rest = y.fma(low, y.fma(high, -product))
    small, large = -746.0, 710.0
    rest = ((product > small) & (product < large)).select(rest, 0.0)
    return times_power_of_two(*careful_exp(clipped(product, small, large), rest))


def _short_power(x: Real, y: Real) -> Real:
    """x**y of positive floats, through doubles."""
    f, k = split_normalized(x)
    f, k = f.double(), k.double()
    logarithm = k.fma(parts_of(f, "log(2)")[0], f + tail_of_logarithm(f, None, "coarse atanh"))
    exponent = clipped(y.double() * logarithm, -110.0, 95.0)
    high, low, _ = parts_of(f, "log(2)")
    k, bits = round_to_integer(exponent, parts_of(f, "1/log(2)")[0])
    r = k.fma(-low, k.fma(-high, exponent))
    result = (r * r).fma(r.at(r.polynomial("coarse exp")), r) + 1
    return (result * power_of_two(bits, DOUBLE)).single()


def _has_sign(x: Real) -> Mask:
    bits = x.bits()
    return ~bits.below(1 << x.format.bits - 1)


def raised(x: Real, exponent: float) -> Real:
    """x**exponent for a Python number: small integers as products and quotients.

    None of these overflows where the result does not.
    """
    square = x * x if exponent in (-4, -3, 2, 3, 4) else x
    if exponent in (-4, -3, -2):
        return (1 / square) / (square if exponent == -4 else x)
    if exponent in (2, 3, 4):
        return {2: square, 3: square * x, 4: square * square}[int(exponent)]
    if exponent in (1, -1):
        return x if exponent == 1 else 1 / x
    if exponent == 0:
        return x.like(1.0)
    return x.sqrt() if exponent == 0.5 else power(x, x.like(exponent))


def exponential(x: Real, base: float) -> Real:
    """base**x for a Python number, whose logarithm is known with more digits than needed."""
    base = x.format.rounded(base)
    if base == 2:
        return exp2(x)
    if not 0 < base < INFINITY or base == 1:
        return power(x.like(base), x)
    with decimal.localcontext(prec=50):
        logarithm = decimal.Decimal(base).ln()
        high = x.format.rounded(float(logarithm))
        low = float(logarithm - decimal.Decimal(high))
    product = x * high
    small, large = EXP_BOUNDS[x.format.name]
    rest = x.fma(low, x.fma(high, -product))
    rest = ((product > small) & (product < large)).select(rest, 0.0)
    return times_power_of_two(*careful_exp(clipped(product, small, large), rest))


def cbrt(x: Real) -> Real:
    """The real cube root."""
    a = abs(x)
    f, k = split_normalized(a)
    third, bits = round_to_integer(k, 1 / 3)
    left = third.fma(-3.0, k)  # -1, 0 or 1
    m = (f + 1) * (left > 0.5).select(left.like(2.0), (left < -0.5).select(left.like(0.5), 1.0))
    start = (left > 0.5).select(
        left.like(2.0 ** (-1 / 3)), (left < -0.5).select(left.like(2.0 ** (1 / 3)), 1.0)
    )
    r = f.at(f.polynomial("cbrt")) * start  # m**(-1/3), about
    r = (r * (1 / 3)).fma((m * r).fma(-(r * r), 1.0), r)
    t = m * (r * r)
    t = ((r * r) * (1 / 3)).fma((t * t).fma(-t, m), t)
    root = times_power_of_two(t, bits).copysign(x)
    return ((a > 0) & (a < INFINITY)).select(root, x)


def _scaled_legs(x: Real, y: Real) -> tuple[Real, Real, Real, Real]:
    """A power of two, what undoes it, and the scaled legs of two doubles, the longer first."""
    x, y = abs(x), abs(y)
    large, small = (x > y).select(x, y), (x > y).select(y, x)
    far, down, up = 2.0**500, 2.0**-600, 2.0**600
    huge, tiny = large > far, large < 1 / far
    scale = huge.select(large.like(down), tiny.select(large.like(up), 1.0))
    back = huge.select(large.like(up), tiny.select(large.like(down), 1.0))
    return scale, back, large * scale, small * scale


def hypot(x: Real, y: Real) -> Real:
    """The square root of x*x + y*y, without overflow."""
    _, back, m, n = _scaled_legs(x, y)
    root = m.fma(m, n * n).sqrt()
    return ((abs(x) == INFINITY) | (abs(y) == INFINITY)).select(INFINITY, root * back)


def cosine(x: Real, y: Real) -> Real:
    """x/hypot(x, y); 0 at the origin."""
    scale, _, m, n = _scaled_legs(x, y)
    square = n * n
    total = m.fma(m, square)
    root = total.sqrt()
    lost = root.fma(-root, total) + (m.fma(m, square - total) + n.fma(n, -square))
    # A small x is not made smaller before the division.
    x = x * (scale > 1).select(scale, 1.0)
    inverse = 1 / root
    q = x * inverse
    q_rest = q.fma(-root, x) - (q * 0.5) * (lost * inverse)
    value = (inverse.fma(q_rest, q) * (scale < 1).select(scale, 1.0)).copysign(x)
    # Infinite legs have no digits to lose.
    plain = x / (abs(y) == INFINITY).select(INFINITY, (root == 0).select(1.0, root))
    return ((root > 0) & (root < INFINITY)).select(value, plain)


# Inverse hyperbolic functions -----------------------------------------------------------------


def _log_of_sum(s: Real, rest: Real, far: Mask) -> Real:
    """log(s + rest) with s >= 1; in lanes that are far, log(2 s)."""
    f, k, inverse = split_logarithm(s, far.select(s.like(-1.0), 0.0))
    return log_of_split(f, k, far.select(0.0, rest * inverse.real()))


#: From here on x*x + 1 is x*x.
_FAR = 2.0**30


def arcsinh(x: Real) -> Real:
    """The inverse hyperbolic sine."""
    a = abs(x)
    far = a > _FAR
    b = far.select(1.0, a)
    square = b * b
    u, lost = two_sum(square, square.like(1.0))
    root = u.sqrt()
    root_rest = (root.fma(-root, u) + (b.fma(b, -square) + lost)) * 0.5 / root
    s, lost = two_sum(root, b)
    result = _log_of_sum(far.select(a, s), root_rest + lost, far)
    return ((a > 2.0**-28) & (a < INFINITY)).select(result.copysign(x), x)


def arccosh(x: Real) -> Real:
    """The inverse hyperbolic cosine."""
    far = x > _FAR
    d = far.select(1.0, x) - 1
    square = d * d
    w, lost = two_sum(d + d, square)
    root = w.sqrt()
    rest = root.fma(-root, w) + (d.fma(d, -square) + lost)
    rest = (w == 0).select(0.0, rest * 0.5 / root)
    t, lost = two_sum(d, root)
    s, more = two_sum(t, t.like(1.0))
    result = _log_of_sum(far.select(x, s), rest + lost + more, far)
    return ((x >= 1) & (x < INFINITY)).select(result, (x < 1).select(NAN, x))


def arctanh(x: Real) -> Real:
    """The inverse hyperbolic tangent."""
    a = abs(x)
    d = 1 - a
    n = a + a
    q = n / d
    q_rest = (q.fma(-d, n) - q * ((1 - d) - a)) / d
    s, lost = two_sum(q, q.like(1.0))
    f, k, inverse = split_logarithm(s)
    result = log_of_split(f, k, (q_rest + lost) * inverse.real()) * 0.5
    result = (a > 2.0**-28).select(result.copysign(x), x)
    ends = (a == 1).select(x.like(INFINITY).copysign(x), (a > 1).select(NAN, x))
    return (a < 1).select(result, ends)


# Inverse trigonometric functions --------------------------------------------------------------


#: Beyond tan(pi/8), arctan(t) = pi/4 + arctan((t - 1)/(t + 1)).
_EIGHTH = 2.0**0.5 - 1


def _with_quarters(x: Real, count: Real, angle: Real) -> Real:
    """count pi/4 + angle."""
    high, low, _ = [part / 4 for part in parts_of(x, "pi")]
    return count.fma(high, count.fma(low, angle))


def arctan2(y: Real, x: Real) -> Real:
    """The angle of the point (x, y), between -pi and pi."""
    a, b = abs(y), abs(x)
    steep = a > b
    large, small = steep.select(a, b), steep.select(b, a)
    diagonal, end = small == INFINITY, (large == INFINITY) | (large == 0)
    beyond = small > large * _EIGHTH
    power, top = x.format.bias // 4, x.format.bias - 24
    tiny = (large < 2.0 ** (-2 * power)).select(large.like(2.0**power), 1.0)
    scale = (large > 2.0**top).select(2.0**-power, tiny)
    large, small = end.select(1.0, large * scale), end.select(0.0, small * scale)
    n, n_rest = two_sum(small, -large)
    d, d_rest = two_sum(large, small)
    n, d = beyond.select(n, small), beyond.select(d, large)
    t = ratio(n, beyond.select(n_rest, 0.0), d, beyond.select(d_rest, 0.0))
    t = end.select(0.0, t)
    angle = (t * (t * t)).fma((t * t).at(t.polynomial("arctan")), t)
    count = (beyond | diagonal).select(t.like(1.0), 0.0)
    count, angle = steep.select(2 - count, count), steep.select(-angle, angle)
    left = _has_sign(x)
    count, angle = left.select(4 - count, count), left.select(-angle, angle)
    result = _with_quarters(x, count, angle).copysign(y)
    return (x.is_nan() | y.is_nan()).select(x + y, result)


def arctan(x: Real) -> Real:
    """The inverse tangent."""
    a = clipped(abs(x), None, 2.0**100)
    steep, beyond = a > 1 / _EIGHTH, a > _EIGHTH
    n = steep.select(-1.0, beyond.select(a - 1, a))
    d = steep.select(a, beyond.select(a + 1, 1.0))
    count = steep.select(a.like(2.0), beyond.select(a.like(1.0), 0.0))
    middle = beyond & ~steep
    n_rest = middle.select(a - (n + 1), 0.0)
    d_rest = middle.select(a - (d - 1), 0.0)
    t = ratio(n, n_rest, d, d_rest)
    z = t * t
    angle = (t * z).fma(z.at(z.polynomial("arctan")), t)
    return _with_quarters(x, count, angle).copysign(x)


def _short_arcsin(t: Real, rest: Real, z: Real) -> Real:
    """arcsin(t + rest), z = t*t, |t| <= 1/2."""
    return t + (t * z).fma(z.at(z.polynomial("arcsin")), rest)


def _half_angle(a: Real) -> tuple[Mask, Real]:
    """Whether a > 1/2; then arcsin(sqrt((1 - a)/2)), else arcsin(a)."""
    outer = a > 0.5
    z = outer.select((1 - a) * 0.5, a * a)
    root = z.sqrt()
    t = outer.select(root, a)
    rest = root.fma(-root, z) * 0.5 / root  # what the root has lost
    return outer, _short_arcsin(t, (outer & (z > 0)).select(rest, 0.0), z)


def arcsin(x: Real) -> Real:
    """The inverse sine."""
    outer, angle = _half_angle(abs(x))
    count = outer.select(angle.like(2.0), 0.0)
    return _with_quarters(x, count, outer.select(angle * -2, angle)).copysign(x)


def arccos(x: Real) -> Real:
    """The inverse cosine."""
    outer, angle = _half_angle(abs(x))
    angle = outer.select(angle * -2, angle)
    count = outer.select(angle.like(2.0), 0.0)
    # arccos(x) = pi/2 - arcsin(x)
    positive = x > 0
    count = positive.select(2 - count, count + 2)
    return _with_quarters(x, count, positive.select(-angle, angle))


#: By the names of the primitives.
FUNCTIONS: dict[str, Any] = {
    "power": power,
    "float_power": power,
    "log2": log2,
    "log10": log10,
    "cbrt": cbrt,
    "hypot": through_double(hypot),
    "cosine": through_double(cosine),
    "arcsin": arcsin,
    "arccos": arccos,
    "arctan": arctan,
    "arctan2": arctan2,
    "arcsinh": arcsinh,
    "arccosh": arccosh,
    "arctanh": arctanh,
}
