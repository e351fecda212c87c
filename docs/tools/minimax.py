"""Makes the polynomials of the LLVM engine's mathematics: minimax, by Remez' exchange.

``python docs/tools/minimax.py > src/gradtape/programs/llvm/polynomials.py`` (needs mpmath).

Each polynomial is the one whose largest weighted error is least. Its coefficients are rounded to
the format one after the other, from the constant on, and those that are left are fitted anew: so
they make up for the rounding of those before them.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
from mpmath import mp, mpf

mp.dps = 50

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Piece:
    """What is to be approximated: ``target(x)`` by a polynomial in ``x``, between two bounds.

    The error counts times ``weight(x)``: its largest value is the relative error that it leaves in
    the function which the polynomial is part of. ``terms``: how many coefficients, by format.
    """

    name: str
    says: str
    target: Function
    weight: Function
    bounds: tuple[Any, Any]
    terms: dict[str, int]


def rounded(value: Any, name: str) -> Any:
    """A number in a format: to nearest."""
    if name == "float":
        return mpf(struct.unpack("f", struct.pack("f", float(value)))[0])
    return mpf(float(value))


def minimax(xs: list[Any], values: list[Any], weights: list[Any], n: int) -> list[Any]:
    """The n coefficients that make the largest weighted error on points least."""
    rows = [[w * x**p for p in range(n)] for x, w in zip(xs, weights, strict=True)]
    goal = [w * v for v, w in zip(values, weights, strict=True)]
    some = [round((len(xs) - 1) * (1 - mpmath.cos(mp.pi * i / n)) / 2) for i in range(n + 1)]
    for _ in range(20):
        equations = mpmath.matrix([[*rows[j], (-1) ** i] for i, j in enumerate(some)])
        *found, level = mpmath.lu_solve(equations, mpmath.matrix([goal[j] for j in some]))
        errors = [
            g - sum([c * r for c, r in zip(found, row, strict=True)])
            for g, row in zip(goal, rows, strict=True)
        ]
        peak = max([abs(e) for e in errors])
        some = exchanged(errors, n + 1)
        if peak <= abs(level) * mpf("1.0001") or len(some) <= n:
            break
    return found


def exchanged(errors: list[Any], count: int) -> list[int]:
    """Points where the error is extreme, with signs in turn."""
    extreme: list[int] = []
    for i, e in enumerate(errors):
        if extreme and (errors[extreme[-1]] > 0) == (e > 0):
            if abs(e) > abs(errors[extreme[-1]]):
                extreme[-1] = i
        else:
            extreme.append(i)
    while len(extreme) > count:  # too many: without the least, signs still in turn
        sizes = [abs(errors[i]) for i in extreme]
        if len(extreme) == count + 1:
            extreme.pop(0 if sizes[0] < sizes[-1] else -1)
            continue
        least = min(range(len(sizes) - 1), key=lambda i: max(sizes[i], sizes[i + 1]))
        del extreme[least : least + 2]
    return extreme


def fitted(piece: Piece, name: str) -> tuple[list[Any], Any]:
    """The rounded coefficients, and the largest weighted error that they leave."""
    low, high = map(mpf, piece.bounds)
    n = piece.terms[name]
    count = 40 * n
    nodes = [mpmath.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in reversed(range(count))]
    xs = [(low + high) / 2 + (high - low) / 2 * t for t in nodes]
    rest, weights = [piece.target(x) for x in xs], [abs(piece.weight(x)) for x in xs]

    def error(some: list[Any]) -> Any:
        """The largest that these coefficients leave in the rest."""
        return max(
            [
                abs(w * (r - mpmath.polyval(some[::-1], x)))
                for x, r, w in zip(xs, rest, weights, strict=True)
            ]
        )

    coefficients: list[Any] = []
    tail = minimax(xs, rest, weights, n)
    while tail:
        best = rounded(tail[0], name)
        coefficients.append(best)
        # What is left is a polynomial times x; dividing keeps the signs of errors in turn.
        rest = [(r - best) / x for x, r in zip(xs, rest, strict=True)]
        weights = [w * abs(x) for x, w in zip(xs, weights, strict=True)]
        tail = tail[1:]
        if tail:
            tail = min([tail, minimax(xs, rest, weights, len(tail))], key=error)
    return coefficients, max([abs(w * r) for w, r in zip(weights, rest, strict=True)])


def odd_rest(function: Function) -> Function:
    """(f(x) - x)/x**3 of an odd function, by z = x**2."""

    def rest(z: Any) -> Any:
        x = mpmath.sqrt(z)
        return (function(x) - x) / (x * z)

    return rest


def odd_weight(function: Function) -> Function:
    """x**3/f(x), by z = x**2."""

    def weight(z: Any) -> Any:
        x = mpmath.sqrt(z)
        return x * z / function(x)

    return weight


HALF_LN2 = mpmath.log(2) / 2
ROOT2 = mpmath.sqrt(2)
PI = mp.pi


def odd(name: str, says: str, function: Function, bound: Any, **terms: int) -> Piece:
    """f(x) = x + x**3 p(x**2) of an odd function, up to a bound."""
    return Piece(name, says, odd_rest(function), odd_weight(function), (0, bound**2), terms)


def exponential(name: str, says: str, scale: Any, terms: dict[str, int]) -> Piece:
    """expm1(r) = r + r**2 p(r); its error by the size of exp or of expm1."""
    return Piece(
        name,
        says,
        lambda r: (mpmath.expm1(r) - r) / r**2,
        lambda r: r**2 / scale(r),
        (-HALF_LN2 * mpf("1.001"), HALF_LN2 * mpf("1.001")),
        terms,
    )


def logarithm(name: str, says: str, terms: dict[str, int]) -> Piece:
    """2 atanh(s) = 2 s + s z p(z), z = s**2."""
    return Piece(
        name,
        says,
        lambda z: 2 * (mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z,
        lambda z: z / (2 * mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z)),
        (0, (ROOT2 - 1) ** 2 / (ROOT2 + 1) ** 2),
        terms,
    )


def _scaled_tail(w: Any) -> Any:
    """(1 + 2 x) exp(x**2) erfc(x), w = x/(x + 3.75): after Shepherd and Laframboise 1981."""
    x = mpf("3.75") * w / (1 - w)
    return (1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x)


PIECES = [
    exponential(
        "exp", "exp(r) = 1 + r + r**2 p(r), |r| <= log(2)/2", mpmath.exp, {"float": 5, "double": 10}
    ),
    exponential(
        "expm1",
        "expm1(r) = r + r**2 p(r), |r| <= log(2)/2",
        mpmath.expm1,
        {"float": 5, "double": 11},
    ),
    Piece(
        "log",
        "log(1 + f) = f - f**2/2 + f**3 p(f), sqrt(1/2) <= 1 + f <= sqrt(2)",
        lambda f: (mpmath.log1p(f) - f + f**2 / 2) / f**3,
        lambda f: f**3 / mpmath.log1p(f),
        (1 / ROOT2 - 1, ROOT2 - 1),
        {"float": 8},
    ),
    logarithm(
        "atanh",
        "2 atanh(s) = 2 s + s z p(z), z = s**2; log(1 + f) with s = f/(2 + f)",
        {"double": 7},
    ),
    Piece(
        "long atanh",
        "2 atanh(s) = 2 s + 2/3 s z + s z**2 p(z), for logarithms with more digits",
        lambda z: (2 * mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 2 - z * 2 / 3) / z**2,
        lambda z: z**2 / (2 * mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z)),
        (0, (ROOT2 - 1) ** 2 / (ROOT2 + 1) ** 2),
        {"double": 9},
    ),
    exponential(
        "coarse exp", "exp(r) as above, for results that become floats", mpmath.exp, {"double": 6}
    ),
    logarithm(
        "coarse atanh", "2 atanh(s) as above, for logarithms that become floats", {"double": 4}
    ),
    odd(
        "sin",
        "sin(r) = r + r z p(z), z = r**2, |r| <= pi/2",
        mpmath.sin,
        PI / 2 * mpf("1.0001"),
        float=5,
        double=9,
    ),
    odd(
        "short sin",
        "sin(r) = r + r z p(z), z = r**2, |r| <= pi/4",
        mpmath.sin,
        PI / 4 * mpf("1.0001"),
        float=3,
        double=6,
    ),
    Piece(
        "short cos",
        "cos(r) = 1 - z/2 + z**2 p(z), z = r**2, |r| <= pi/4",
        lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2,
        lambda z: z**2 / mpmath.cos(mpmath.sqrt(z)),
        (0, (PI / 4 * mpf("1.0001")) ** 2),
        {"float": 3, "double": 6},
    ),
    odd(
        "arctan",
        "arctan(t) = t + t z p(z), z = t**2, |t| <= tan(pi/8)",
        mpmath.atan,
        mpmath.tan(PI / 8) * mpf("1.0001"),
        float=5,
        double=11,
    ),
    odd(
        "arcsin",
        "arcsin(t) = t + t z p(z), z = t**2, |t| <= 1/2",
        mpmath.asin,
        mpf("0.5"),
        float=6,
        double=13,
    ),
    Piece(
        "cbrt",
        "(1 + f)**(-1/3) = p(f), sqrt(1/2) <= 1 + f <= sqrt(2), to begin an iteration with",
        lambda f: (1 + f) ** (-mpf(1) / 3),
        lambda f: (1 + f) ** (mpf(1) / 3),
        (1 / ROOT2 - 1, ROOT2 - 1),
        {"float": 6, "double": 9},
    ),
    Piece(
        "erf",
        "erf(x) = x + x p(z), z = x**2, |x| <= 1",
        lambda z: mpmath.erf(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1,
        lambda z: mpmath.sqrt(z) / mpmath.erf(mpmath.sqrt(z)),
        (0, 1),
        {"float": 7, "double": 12},
    ),
    Piece(
        "erf tail",
        "erf(x) = 1 - exp(-p(x)), 1 <= x <= 4 in float, 6 in double",
        lambda x: -mpmath.log(mpmath.erfc(x)),
        lambda x: mpmath.erfc(x) / mpmath.erf(x),
        (1, 6),
        {"float": 8, "double": 18},
    ),
    Piece(
        "erfc",
        "(1 + 2 x) exp(x**2) erfc(x) = 1 + w p(2 w - 1), w = x/(x + 3.75), 0 <= x <= 28",
        lambda t: (_scaled_tail((1 + t) / 2) - 1) * 2 / (1 + t),
        lambda t: (1 + t) / 2 / _scaled_tail((1 + t) / 2),
        (-1, mpf("0.77")),
        {"double": 23},
    ),
]


#: Numbers that are needed with more digits than a format has: as sums, each rounded to the format.
PARTS = {
    "log(2)": mpmath.log(2),
    "1/log(2)": 1 / mpmath.log(2),
    "log10(2)": mpmath.log10(2),
    "1/log(10)": 1 / mpmath.log(10),
    "pi": PI,
    "pi/2": PI / 2,
    "2/3": mpf(2) / 3,
}


def parts(value: Any, name: str) -> tuple[float, ...]:
    """A number as a sum of three."""
    found: list[float] = []
    for _ in range(3):
        found.append(float(rounded(value, name)))
        value -= mpf(found[-1])
    return tuple(found)


def inverse_of_pi() -> list[int]:
    """The bits of 1/pi behind the point, in words of 64 bits, behind one word of zeros."""
    words = 21
    with mpmath.workprec(64 * (words + 2)):
        whole = int(mpmath.floor(mpmath.ldexp(1 / mp.pi, 64 * words)))
    return [0, *[whole >> 64 * (words - 1 - i) & (1 << 64) - 1 for i in range(words)]]


def numbers() -> list[str]:
    """The module's lines of numbers."""
    lines = ["", "#: Numbers as sums of three, the largest first.", "PARTS = {"]
    for key, value in PARTS.items():
        lines += [f'    "{key}": {{']
        lines += [f'        "{name}": {parts(value, name)},' for name in ("float", "double")]
        lines += ["    },"]
    lines += ["}", "", "#: The bits of 1/pi behind the point, after 64 zeros.", "INVERSE_OF_PI = ("]
    return [*lines, *[f"    {word:#018x}," for word in inverse_of_pi()], ")"]


def written() -> str:
    """The module of all polynomials."""
    lines = [
        '"""Coefficients of minimax polynomials, from the constant on, by name and format.',
        "",
        "Made by ``docs/tools/minimax.py``; change that, not this.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        '__all__ = ["INVERSE_OF_PI", "PARTS", "POLYNOMIALS"]',
        "",
        "POLYNOMIALS: dict[str, dict[str, tuple[float, ...]]] = {",
    ]
    for piece in PIECES:
        lines += [f"    # {piece.says}.", f'    "{piece.name}": {{']
        for name in piece.terms:
            coefficients, error = fitted(piece, name)
            exponent = float(mpmath.log(error, 2))
            print(f"{piece.name} {name}: {exponent:.1f}", file=sys.stderr)
            lines += [
                f"        # Largest relative error 2**{exponent:.1f}.",
                f'        "{name}": (',
            ]
            lines += [f"            {float(c)!r}," for c in coefficients]
            lines += ["        ),"]
        lines += ["    },"]
    return "\n".join([*lines, "}", *numbers(), ""])


if __name__ == "__main__":
    print(written(), end="")
