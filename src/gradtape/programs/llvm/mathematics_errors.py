"""Error functions and a few more of ``scipy.special``, written as LLVM IR."""

from __future__ import annotations

from typing import Any

from gradtape.programs.llvm.mathematics_exponentials import (
    careful_exp,
    clipped,
    exp_as_sum,
    exp_of_negative,
    log,
    log1p_of_fraction,
    log_of_split,
    logistic,
    parts_of,
    split_logarithm,
    times_log,
    times_log1p,
    times_power_of_two,
)
from gradtape.programs.llvm.mathematics_lanes import DOUBLE, Real
from gradtape.programs.llvm.mathematics_powers import through_double

__all__ = ["FUNCTIONS"]

INFINITY, NAN = float("inf"), float("nan")


def erf(x: Real) -> Real:
    """The error function."""
    a = abs(x)
    z = x * x
    near = x.fma(z.at(z.polynomial("erf")), x)
    b = clipped(a, 1.0, 6.0 if x.format is DOUBLE else 4.0)
    p, bits = careful_exp(-b.at(b.polynomial("erf tail")))
    far = (1 - times_power_of_two(p, bits)).copysign(x)
    return (a > 1).select(far, (x == 0).select(x, near))


def _erfc(x: Real, rest: Real | None = None) -> Real:
    """erfc(x + rest): exp(-x**2) (1 + w p)/(1 + 2 x) of a positive number."""
    a = clipped(abs(x), None, 28.0)
    square = a * a
    lost = a.fma(a, -square)
    if rest is not None:
        lost = (a + a).fma(rest, lost)
    e, e_rest, bits = exp_as_sum(-square, -lost)
    d = a.fma(2.0, 1.0)
    d_rest = a.fma(2.0, 1 - d)
    if rest is not None:
        d_rest = rest.fma(2.0, d_rest)
    inverse = 1 / (d * (a + 3.75))
    w = a * (d * inverse)
    t = w.fma(2.0, -1.0)
    part = w * t.at(t.polynomial("erfc"))
    p = part + 1
    n = e * p
    n_rest = e_rest.fma(p, e.fma(part - (p - 1), e.fma(p, -n)))
    inverse = inverse * (a + 3.75)
    q = n * inverse
    q = inverse.fma(q.fma(-d, n) + q.fma(-d_rest, n_rest), q)
    tail = times_power_of_two(q, bits)
    return (x < 0).select(2 - tail, tail)


def erfc(x: Real) -> Real:
    """1 - erf(x), to the last bits in its tail."""
    return _erfc(x)


def ndtr(x: Real) -> Real:
    """The normal distribution: erfc(-x/sqrt(2))/2."""
    high, low = 0.7071067811865476, -4.833646656726457e-17
    y = x * -high
    rest = x.fma(-low, x.fma(-high, -y))
    rest = (y < 0).select(-rest, rest)  # of |y|
    return _erfc(y, (abs(x) < 1e3).select(rest, 0.0)) * 0.5


def log_expit(x: Real) -> Real:
    """log(1/(1 + exp(-x)))."""
    k, f, rest = log1p_of_fraction(exp_of_negative(-abs(x)))
    return (x < 0).select(x, -0.0) - k.fma(parts_of(x, "log(2)")[0], f + rest)


def logit(x: Real) -> Real:
    """log(x/(1 - x)), to the last bits near 1/2."""
    d = 1 - x
    q = x / d
    rest = (q.fma(-d, x) - q * ((1 - d) - x)) / d
    tiny = q < 2.0**-900
    f, k, inverse = split_logarithm(tiny.select(1.0, q))
    result = tiny.select(log(q), log_of_split(f, k, tiny.select(0.0, rest) * inverse.real()))
    inside = (x > 0) & (x < 1)
    ends = (x == 0).select(-INFINITY, (x == 1).select(x.like(INFINITY), x + NAN))
    return inside.select(result, ends)


def xlogy(x: Real, y: Real) -> Real:
    """x log(y); 0 where x is 0, unless y is NaN."""
    return ((x == 0) & ~y.is_nan()).select(0.0, times_log(x, y))


def xlog1py(x: Real, y: Real) -> Real:
    """x log(1 + y); 0 where x is 0, unless y is NaN."""
    return ((x == 0) & ~y.is_nan()).select(0.0, times_log1p(x, y))


def entr(x: Real) -> Real:
    """-x log(x); 0 at 0, -inf before it."""
    return (x > 0).select(times_log(-x, x), (x < 0).select(-INFINITY, (x == 0).select(0.0, x)))


#: By the names of the primitives.
FUNCTIONS: dict[str, Any] = {
    "erf": erf,
    "erfc": through_double(erfc),
    "expit": logistic,
    "log_expit": log_expit,
    "logit": through_double(logit),
    "ndtr": through_double(ndtr),
    "xlogy": xlogy,
    "xlog1py": xlog1py,
    "entr": entr,
}
