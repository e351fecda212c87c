"""The derivative of an adaptive quadrature, by Leibniz's rule."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as _scipy

from gradtape import errors
from gradtape.arithmetic import cast
from gradtape.nest import flatten
from gradtape.recording import only
from gradtape.replays import Operation, Uses, shown, taping
from gradtape.rules import strip
from gradtape.scipy._callbacks import bare, seen, tracked
from gradtape.scipy._namesakes import array
from gradtape.tensor import Tensor

__all__ = ["quad"]


def quad(
    func: Callable[..., Any],
    a: Any,
    b: Any,
    args: Any = (),
    full_output: Any = 0,
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
    limit: int = 50,
    points: Any = None,
    weight: str | None = None,
    wvar: Any = None,
    wopts: Any = None,
    maxp1: int = 50,
    limlst: int = 50,
    complex_func: bool = False,
) -> Any:
    """Integrate a function adaptively: ``scipy.integrate.quad`` with derivatives of any order.

    The value is SciPy's. Its derivative is Leibniz's rule: by a limit, the function there (an
    infinite one has derivative 0); by anything else that the function uses, be it in ``args`` or
    from around it, the integral of the function's derivative: another ``quad`` with the same
    options, one for each entry of an array. Those integrals have errors of their own, of the size
    that ``epsabs`` and ``epsrel`` allow, and warn as SciPy does.

    Parameters
    ----------
    func : takes a number and ``args``, gives a number. It may use tensors from around it.
    a, b : the limits, numbers or tensors without axes; ``np.inf`` and ``-np.inf`` as in SciPy.
    args : further arguments, or a single one: numbers, arrays, tensors or nests of them.
    full_output, epsabs, epsrel, limit, points, weight, wvar, wopts, maxp1, limlst, complex_func :
        as in SciPy.

    Returns
    -------
    What SciPy returns: the integral, an estimate of its error, and more with ``full_output``. The
    integral is a Tensor where a tensor is among the arguments or a tracked one is used.

    Raises
    ------
    NoRuleError : an option, or a limit of an integral with a ``weight``, is a tracked tensor.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.scipy.integrate import quad
    >>> s = gt.Variable(2.0)  # the integral is sqrt(pi / s)
    >>> with gt.GradientTape() as tape:
    ...     area, error = quad(lambda x, s: np.exp(-s * x**2), -np.inf, np.inf, args=(s,))
    >>> area.numpy().round(12), tape.gradient(area, s).numpy().round(12)
    (np.float64(1.253314137316), np.float64(-0.313328534329))
    """
    args = args if isinstance(args, tuple) else (args,)
    options = {
        "full_output": full_output,
        "epsabs": epsabs,
        "epsrel": epsrel,
        "limit": limit,
        "points": points,
        "weight": weight,
        "wvar": wvar,
        "wopts": wopts,
        "maxp1": maxp1,
        "limlst": limlst,
        "complex_func": complex_func,
    }
    return _integrated(func, a, b, args, options)


def _integrated(
    func: Callable[..., Any], a: Any, b: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """What SciPy's ``quad`` gives, the integral as a tensor if it depends on tracked ones."""
    for name, value in options.items():
        if tracked(value):
            raise errors.no_rule_for_argument(_scipy.quad, name)
    uses = Uses("quad", args)
    with uses.noted():
        found = _scipy.quad(seen(func), strip(a), strip(b), bare(args), **options)
    limits = tracked((a, b))
    if not (limits or tracked(uses.inputs)):
        tensors = any([isinstance(leaf, Tensor) for leaf in flatten((a, b, args))])
        return (Tensor(np.float64(found[0])), *found[1:]) if tensors else found
    if options.get("complex_func"):
        parts = {**options, "complex_func": False, "full_output": 0}
        real = _integrated(lambda *given: np.real(func(*given)), a, b, args, parts)[0]
        imag = _integrated(lambda *given: np.imag(func(*given)), a, b, args, parts)[0]
        return real + 1j * imag, *found[1:]
    if limits and options.get("weight") is not None:
        raise errors.no_rule_for_argument(
            _scipy.quad, "weight", "where a limit is tracked: write it into the function"
        )
    integral = _Integral(func, Uses("quad", (a, b)), uses, {**options, "full_output": 0})
    return shown(integral, integral.sources, [np.float64(found[0])])[0], *found[1:]


class _Integral(Operation):
    """An integral that depends on ``sources``, tracked tensors.

    d/dp of the integral of f(x, p) from a to b is the integral of df/dp; by b it is f(b), by a it
    is -f(a): Leibniz's rule. The integrals are integrals of this kind again.
    """

    name = "quad"

    def __init__(
        self, func: Callable[..., Any], limits: Uses, uses: Uses, options: dict[str, Any]
    ) -> None:
        self.func, self.limits, self.uses, self.options = func, limits, uses, options
        self.outs = [((), np.dtype(np.float64))]
        #: What the integrand depends on.
        self.inner = tracked(uses.inputs)
        keys = [t.key for t in self.inner]
        self.sources = self.inner + [t for t in tracked(limits.inputs) if t.key not in keys]
        self._known: list[Any] | None = None

    def shares(self, cotangents: Any, out_keys: Any, batch: tuple[int, ...]) -> list[Any]:
        """Each source's derivative times the cotangent."""
        (g,) = cotangents
        pairs = zip(self.slopes(), self.sources, strict=True)
        return [cast(g.reshape(batch + (1,) * t.ndim) * slope, t.dtype) for slope, t in pairs]

    def tangents(self, tangents: Any, outs: Any, batch: tuple[int, ...]) -> list[Any]:
        """The sum of each source's derivative times its tangent."""
        parts = [
            np.real(np.conj(slope) * t).reshape(*batch, -1).sum(-1)
            for t, slope in zip(tangents, self.slopes(), strict=True)
            if t is not None
        ]
        return [cast(functools.reduce(np.add, parts), np.dtype(np.float64))]

    def slopes(self) -> list[Any]:
        """The derivative by each source; computed once, where nobody looks on."""
        with self.limits.as_they_were(), self.uses.as_they_were():
            if tracked(self.sources):
                return self._slopes(self._integrand_slopes)
            if self._known is None:
                with only(()):
                    # Each entry is an integral of its own, and they share most of their places.
                    at = functools.cache(lambda x: bare(self._integrand_slopes(x)))
                    self._known = bare(self._slopes(at))
            return self._known

    def _slopes(self, at: Callable[[float], list[Any]]) -> list[Any]:
        """The derivatives by the sources, given those of the integrand at a place."""
        places = {t.key: i for i, t in enumerate(self.inner)}
        slopes = []
        for source in self.sources:
            total: Any = np.zeros(source.shape, source.dtype)[()]
            for limit, sign in zip(self.limits.arguments(), (-1.0, 1.0), strict=True):
                if getattr(limit, "key", None) == source.key and np.isfinite(strip(limit)):
                    # Another tensor: as a place it is not what the integrand depends on.
                    total = total + sign * array(self.func(+limit, *self.uses.arguments()))
            if source.key in places:
                total = total + self._entries(at, places[source.key], source)
            slopes.append(total)
        return slopes

    def _integrand_slopes(self, x: float) -> list[Any]:
        """The derivatives of the integrand at a place by what it depends on."""
        with taping(self.inner) as tape:
            value = array(self.func(x, *self.uses.arguments()))
        if not isinstance(value, Tensor):
            return [np.zeros(t.shape, t.dtype)[()] for t in self.inner]
        return tape.gradient(value, self.inner, unconnected_gradients="zero")  # type: ignore[no-any-return]

    def _entries(self, at: Callable[[float], list[Any]], i: int, source: Tensor) -> Any:
        """The integrals of the entries of the i-th derivative."""
        a, b = self.limits.arguments()
        options = {**self.options, "complex_func": source.dtype.kind == "c"}

        def entry(j: int) -> Any:
            return _integrated(lambda x: at(x)[i].reshape(-1)[j], a, b, (), options)[0]

        return array([entry(j) for j in range(source.size)]).reshape(source.shape)
