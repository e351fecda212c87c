"""Truncated Taylor series carried through a computation, by the rules of forward mode.

Along x(t) every value y of a program is a function of t, and the forward rule of the primitive that
gave it says what dy/dt is, in terms of dx/dt, x and y. Evaluated on series, by the same means, that
expression has coefficients of its own, and those of y are its antiderivative's:
``y[n] = (dy/dt)[n - 1] / n``. This closes wherever a rule leads back to what is known: of ``sin``
and ``cos`` each has its coefficients from the other's lower ones (Griewank and Walther, Evaluating
Derivatives, 2nd ed. 2008, ch. 13). Linear functions act on each coefficient, products are Cauchy
products; and quotients and powers, whose rules would lead ever further, have recurrences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from gradtape.arithmetic import cast
from gradtape.operation import PRIMITIVES
from gradtape.primitive import Primitive, Variadic
from gradtape.rules import UFUNCS, Elementwise
from gradtape.tensor import Tensor, apply, bare

__all__ = ["RATES", "Call", "Part", "Rate", "Series", "Several", "kind_of", "known_name"]


class Series:
    """The Taylor coefficients of one value, each computed when it is first asked for.

    ``known`` holds the first of them: bare arrays of the value's shape and dtype, tensors where
    outer recorders look on, and None for a zero that is known to be one. This class is for values
    whose other coefficients are zeros.
    """

    alive: Any = None  #: which entries depend on t by structure; None: all

    def __init__(self, *known: Any) -> None:
        self.known = list(known)
        self.key: Any = None  #: under which rules see the value, once there is one
        self.rate: Rate | None = None  #: its derivative by t, once somebody needs it

    def __getitem__(self, n: int) -> Any:
        known = self.known
        while len(known) <= n:
            coefficient = self.next(len(known))
            bare_point = type(coefficient) is ndarray and not coefficient.ndim
            known.append(coefficient[()] if bare_point else coefficient)
        return known[n]

    def next(self, n: int) -> Any:
        """The coefficient n, when all before it are known."""
        return None

    def zero(self) -> Any:
        """A coefficient that is zero, as an array."""
        return np.zeros(self.known[0].shape, self.known[0].dtype)[()]


class Rate(Series):
    """The derivative by t of a series."""

    def __init__(self, of: Series) -> None:
        first = of[1]
        if first is None:
            first = of.zero()
        elif isinstance(first, Tensor):  # under a key of its own: it may stand for others too
            first = UFUNCS[np.positive](first)
        super().__init__(first)
        self.of, self.alive = of, of.alive

    def next(self, n: int) -> Any:
        """One place down, times n + 1."""
        later = self.of[n + 1]
        return None if later is None else later * (n + 1)


class Call(Series):
    """The value of a primitive, with all that its rules need.

    ``recorder`` evaluates rules on series; ``given`` are the series of the inputs (None: it is
    constant), ``values`` their values and, last, the call's own.
    """

    def __init__(
        self, recorder: Any, primitive: Any, given: list[Any], values: Any, params: Any
    ) -> None:
        super().__init__(values[-1])
        self.recorder, self.primitive, self.params = recorder, primitive, params
        self.given, self.values = given, values
        self._live: Any = None

    @property
    def alive(self) -> Any:
        """Which entries depend on t, as the forward rule says."""
        self[1]
        return self._live

    def masks(self) -> list[Any]:
        """Which entries of the inputs depend on t."""
        return [None if series is None else series.alive for series in self.given]

    def push(self, n: int) -> Any:
        """What the forward rule makes of the coefficients n of the inputs."""
        tangents = [None if series is None else series[n] for series in self.given]
        if all([t is None for t in tangents]):
            return None
        masks = self.masks()
        if self.primitive.fills or any([mask is not None for mask in masks]):
            # The rule says what is alive, of what it gets.
            pairs = zip(self.given, tangents, strict=True)
            tangents = [t if s is None or t is not None else s.zero() for s, t in pairs]
        if self.recorder.outer:
            tangents = [Tensor(t) if isinstance(t, (ndarray, np.generic)) else t for t in tangents]
        pushed, self._live = self.primitive.push(tangents, masks, self.values, self.params, ())
        return pushed

    def masked(self, n: int, coefficient: Any) -> Any:
        """The coefficient n with zeros for what does not depend on t."""
        if n == 1 and any([mask is not None for mask in self.masks()]):
            self.push(1)  # for what it says of liveness
        if self._live is None or coefficient is None:
            return coefficient
        return np.where(self._live, coefficient, coefficient.dtype.type(0))


class Linear(Call):
    """A value that is linear in what depends on t."""

    def next(self, n: int) -> Any:
        """The same function of the inputs' coefficients."""
        return self.push(n)


class Product(Call):
    """A value that is linear in each of the inputs."""

    def next(self, n: int) -> Any:
        """The Cauchy product."""
        places = [i for i, series in enumerate(self.given) if series is not None]
        total = self._sum(places, list(self.values[:-1]), n)
        return self.masked(n, None if total is None else cast(total, self.values[-1].dtype))

    def _sum(self, places: list[int], factors: list[Any], n: int) -> Any:
        """All products of coefficients at these places whose numbers add up to n, added up."""
        place, *rest = places
        total = None
        for j in range(n + 1) if rest else (n,):
            factors[place] = self.given[place][j]
            if factors[place] is None:
                continue
            term = self._sum(rest, factors, n - j) if rest else self._product(factors)
            if term is not None:
                total = term if total is None else total + term
        return total

    def _product(self, factors: list[Any]) -> Any:
        if any([isinstance(factor, Tensor) for factor in factors]):
            return apply(self.primitive, tuple(factors), self.params)
        return self.primitive.compute(*factors, *self.params)


class Quotient(Call):
    """x / y, or the solution of y out = x, where y depends on t."""

    def next(self, n: int) -> Any:
        """From y out = x: y[0] out[n] = x[n] - sum of y[j] out[n - j]."""
        solves = self.primitive.name in SOLUTIONS
        y, x = self.given if solves else self.given[::-1]
        total = None if x is None else x[n]
        for j in range(1, n + 1):
            if y[j] is not None and self.known[n - j] is not None:
                term = (np.matmul if solves else np.multiply)(y[j], self.known[n - j])
                total = -term if total is None else total - term
        if total is None:
            return None
        quotient = self.primitive(y[0], total) if solves else self.primitive(total, y[0])
        if quotient.shape != self.known[0].shape:
            quotient = np.broadcast_to(quotient, self.known[0].shape)
        return self.masked(n, cast(quotient, self.known[0].dtype))


class Same(Call):
    """A value that another expression has too, which is made of products and quotients."""

    other: Any = None

    def next(self, n: int) -> Any:
        """The other's coefficient."""
        if self.other is None:
            expression = EXPRESSIONS[self.primitive.name](*self.params)
            self.other = self.recorder.series(self.recorder.in_rule(self, expression))
        coefficient = self.other[n]
        self._live = self.other.alive
        return None if coefficient is None else cast(coefficient, self.known[0].dtype)


class Integral(Call):
    """A value whose rate of change is an expression of series."""

    changes: Any = None

    def next(self, n: int) -> Any:
        """The antiderivative's coefficient."""
        if self.changes is None:
            rate, self._live = self.recorder.rates_of(self, [self])
            self.changes = self.recorder.series(rate)
        earlier = self.changes[n - 1]
        return None if earlier is None else earlier / n


class Power(Integral):
    """x**exponent for a number that is not a natural one."""

    def next(self, n: int) -> Any:
        """From x dy/dt = exponent y dx/dt; by the rule where x is 0, which this divides by."""
        (x,) = self.given
        if self.changes is not None or x.alive is not None or np.any(bare(x[0]) == 0):
            return super().next(n)
        total, exponent = None, self.params[0]
        for j in range(1, n + 1):
            if x[j] is not None and self.known[n - j] is not None:
                term = x[j] * self.known[n - j] * (exponent * j - (n - j))
                total = term if total is None else total + term
        return None if total is None else cast(total / x[0] / n, self.known[0].dtype)


class Several(Call):
    """A call of a primitive with several values, which are its parts."""

    parts: list[Part]
    changes: Any = None

    def next(self, n: int) -> Any:
        """The rates of change of the parts; a call has no value of its own."""
        if self.changes is None:
            rates, self._live = self.recorder.rates_of(self, self.parts)
            self.changes = [self.recorder.series(rate) for rate in rates]
        return None


class Part(Series):
    """One of the values of a primitive that has several."""

    def __init__(self, call: Several, position: int, value: Any) -> None:
        super().__init__(value)
        self.call, self.position = call, position

    def next(self, n: int) -> Any:
        """The antiderivative's coefficient."""
        _ = self.call[1]
        change = self.call.changes[self.position]
        earlier = None if change is None else change[n - 1]
        return None if earlier is None else earlier / n

    @property
    def alive(self) -> Any:
        """Which entries depend on t."""
        live = self.call.alive
        return None if live is None else live[self.position]


# Primitives with a way of their own -------------------------------------------------------------

#: Linear in each of their arrays.
PRODUCTS = ("multiply", "matmul", "einsum", "convolved")


def _whole_power(exponent: Any) -> Any:
    """x**exponent by repeated squaring, of series: products are exact where x is 0 or near it."""

    def power(x: Any) -> Any:
        result, square, rest = None, x, int(exponent)
        while rest:
            if rest & 1:
                result = square if result is None else result * square
            rest >>= 1
            square = square * square if rest else square
        return result

    return power


#: Quotients of numbers, and of matrices.
QUOTIENTS = ("divide", "ratio")
SOLUTIONS = ("solve", "solution_if_any")

#: Expressions, made of the parameters, whose series cost less or keep more digits than the rule's.
EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "square": lambda: lambda x: x * x,
    "reciprocal": lambda: lambda x: 1 / x,
    "raised": _whole_power,
}


def _is_whole(exponent: Any) -> bool:
    """Whether all exponents are natural numbers, or 0."""
    return np.isrealobj(exponent) and bool(np.all((exponent >= 0) & (exponent % 1 == 0)))


def _rate_of_power(tangents: Any, values: Any) -> Any:
    """The rate of x**y; the logarithm of a real x that is not positive counts as 0."""
    (dx, dy), (x, y, out) = tangents, values
    if np.any(bare(x) == 0) or (dy is None and _is_whole(y)):
        return None  # the rule goes by lower and lower powers, which are exact where x is 0
    rate = 0 if dx is None else y * dx / x
    if dy is not None:
        some = x != 0 if out.dtype.kind == "c" else x > 0
        rate = rate + dy * np.log(np.where(some, x, 1))
    return out * rate


def _rate_of_determinant(tangents: Any, values: Any) -> Any:
    """The rate of det x, by Jacobi's formula."""
    (dx,), (x, out) = tangents, values
    if np.any(bare(out) == 0):
        return None
    return out * np.trace(np.matmul(np.linalg.inv(x), dx), axis1=-2, axis2=-1)


#: Rates of change that lead back to the value, where the rule's do not; None: not at these values.
RATES: dict[str, Callable[..., Any]] = {
    "power": _rate_of_power,
    "float_power": _rate_of_power,
    "det": _rate_of_determinant,
}


def known_name(primitive: Any) -> str:
    """The name of one of the house's primitives; a user's function may have the same."""
    name: str = getattr(primitive, "name", "")
    return name if PRIMITIVES.get(name) is primitive else ""


def kind_of(primitive: Any, given: list[Series | None], params: Any) -> type[Call]:
    """Which way to its coefficients a call has."""
    name = known_name(primitive)
    if name in PRODUCTS:
        return Product
    divisor = 1 if name in QUOTIENTS else 0 if name in SOLUTIONS else None
    if divisor is not None and given[divisor] is not None:
        return Quotient
    if name == "raised" and params[0] and not _is_whole(params[0]):
        return Power
    if name in EXPRESSIONS and (not params or params[0]):
        return Same
    return Linear if _is_linear(primitive, given) else Integral


def _is_linear(primitive: Any, given: list[Series | None]) -> bool:
    """Whether the forward rules of what depends on t name nothing that depends on t."""
    if primitive.kind == "movement":
        return True
    if not isinstance(primitive, (Primitive, Elementwise)):
        return False
    several = isinstance(primitive, Variadic)
    dependent = [i for i, series in enumerate(given) if series is not None]
    named = {0, 1} if several else {*dependent, len(given)}
    for i in dependent:
        rule = primitive.rule(i)[1]
        # Without a rule the function itself is the rule, of all other inputs.
        needs = set(range(len(given))) - {i} if rule is None else rule.needs
        if needs & named:
            return False
    return True
