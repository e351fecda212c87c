"""Functions that are given by an equation: roots, fixed points, minimisers, whatever finds them."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.calls import is_tracked
from gradtape.errors import named
from gradtape.nest import flatten, map_structure, pack, same_structure
from gradtape.operators.arguments import with_aux
from gradtape.operators.directions import hvp
from gradtape.operators.gradients import grad, value_and_grad
from gradtape.operators.implicit import Root, joined, linear_solver, residual_vector, split
from gradtape.operators.leaves import Layout, layout_of, leaves_after
from gradtape.recording import active, only
from gradtape.replays import Uses, pulled, shown, taping
from gradtape.tensor import Tensor, bare

__all__ = ["argmin", "fixed_point", "implicit_root"]


def implicit_root(
    solver: Callable[..., Any],
    residual: Callable[..., Any],
    *,
    tolerance: float | None = 1e-6,
    solve: Any = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """The root of an equation, found by any solver, with derivatives by the equation.

    Where ``residual(x, *args) = 0``, the implicit function theorem gives ``dx = -(dr/dx)^-1 dr``:
    the solver is neither differentiated nor unrolled. JAX has it as ``lax.custom_root``, JAXopt as
    ``custom_root``.

    Parameters
    ----------
    solver : called as ``solver(*args)``, with bare arrays for tensors; returns the root, an array,
        a number or a nest of them. Any code: a loop, ``scipy.optimize.root``, a closed form.
    residual : called as ``residual(x, *args)``; returns a nest like ``x``, of its shapes: what is
        zero at the root. It may ignore arguments that only the solver needs (a start).
    tolerance : how far from a root the solver's answer may be, relative to ``1 + |x|``, else it
        is an error; raised to the square root of the precision of x's dtype (3e-4 for float32).
        The distance is estimated from the residual r as ``|r|^2 / |(dr/dx)^T r|``. None: no check.
    solve : how the linear systems of the derivative are solved. None: with the dense Jacobian;
        ``"gmres"``, ``"cg"``, ``"bicgstab"``, ``"minres"``: by SciPy's methods from products with
        it; or a function of ``(matvec, b)``, bare vectors, that returns x where ``matvec(x) = b``.
        (Complex unknowns count as two real ones. ``"cg"`` and ``"minres"`` are for symmetric
        Jacobians.)
    has_aux : whether the solver returns a pair ``(x, aux)``, of which only the first has
        derivatives.

    Returns
    -------
    A function of ``args`` that returns the root (and ``aux``): bare arrays for bare arguments,
    unless an active tape tracks them. It has derivatives by ``args``, and by the tensors and
    variables that ``residual`` closes over, in reverse and in forward mode, to any order. A
    Jacobian takes one factorisation.

    Raises
    ------
    RuntimeError : (when called) the solver has not converged.
    ValueError, TypeError : the residual has another structure or shape than the unknown, or one is
        complex and the other real.
    numpy.linalg.LinAlgError : (when differentiated) the Jacobian of the residual is singular.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> def newton(a):
    ...     x = 1.0
    ...     for _ in range(20):
    ...         x = x - (x**3 - a) / (3 * x**2)
    ...     return x
    >>> cube_root = gt.implicit_root(newton, lambda x, a: x**3 - a)
    >>> cube_root(8.0).round(12), gt.grad(cube_root)(8.0).round(12)  # 8**(1/3), 8**(-2/3) / 3
    (np.float64(2.0), np.float64(0.083333333333))
    """
    for f, argument in ((solver, "solver"), (residual, "residual")):
        _check_function(f, argument, "implicit_root")
    method = linear_solver(solve)

    @functools.wraps(solver)
    def root(*args: Any, **kwargs: Any) -> Any:
        own_args, own_kwargs = map_structure(bare, (args, kwargs))
        with only(()):
            x, aux = with_aux(solver(*own_args, **own_kwargs), solver, has_aux)
        leaves = [_unknown(leaf, solver) for leaf in flatten(x)]
        uses = Uses(named(residual), (args, kwargs))
        layout = layout_of(leaves)
        given = [leaf for leaf in flatten((args, kwargs)) if isinstance(leaf, Tensor)]
        kind = given[0].result_class if given else Tensor

        def equation(unknown: list[Any]) -> list[Any]:
            again_args, again_kwargs = uses.arguments()
            unknown = [kind(bare(t), getattr(t, "key", None)) for t in unknown]
            r = residual(pack(x, unknown), *again_args, **again_kwargs)
            return _checked(r, x, layout, residual)

        call = _root_of(equation, uses, leaves, method, tolerance, solver)
        outs: list[Any] = shown(call, call.inputs, leaves, kind)
        if not given:
            outs = [out if is_tracked(out) else bare(out) for out in outs]
        return (pack(x, outs), aux) if has_aux else pack(x, outs)

    return root


def fixed_point(
    step: Callable[..., Any],
    solver: Callable[..., Any] | None = None,
    *,
    max_steps: int = 1000,
    xtol: float = 1e-12,
    tolerance: float | None = 1e-6,
    solve: Any = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """The fixed point ``x = step(x, *args)``, with derivatives by the implicit function theorem.

    JAXopt has it as ``custom_fixed_point``.

    Parameters
    ----------
    step : called as ``step(x, *args)``; returns a nest like ``x``, of its shapes and dtypes.
    solver : called as ``solver(*args)``, as in ``implicit_root``. None: ``step`` is repeated.
    max_steps : how often, at most.
    xtol : ``step`` is repeated until it changes x by no more than this, relative to ``1 + |x|``;
        raised to 8 times the precision of x's dtype.
    tolerance, solve, has_aux : as in ``implicit_root``, for a solver's answer and the derivatives.

    Returns
    -------
    A function that returns the fixed point: with a ``solver`` a function of ``args``; without one
    of ``(start, *args)``, where to start first (it has derivative zero). As for ``implicit_root``.

    Raises
    ------
    RuntimeError : (when called) it has not converged.
    ValueError, TypeError : a step changes the structure, a shape or a dtype.
    numpy.linalg.LinAlgError : (when differentiated) the Jacobian of ``x - step(x)`` is singular.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> settled = gt.fixed_point(lambda x, a: np.cos(a * x))
    >>> x = settled(1.0, 1.0)
    >>> slope = gt.grad(settled, argnums=1)(1.0, 1.0)
    >>> bool(np.isclose(slope, -np.sin(x) * x / (1 + np.sin(x))))
    True
    """
    _check_function(step, "step", "fixed_point")
    if solver is not None:

        def to_itself(x: Any, *args: Any, **kwargs: Any) -> Any:
            return _change(step, x, args, kwargs)

        to_itself.__name__ = f"x - {named(step)}(x)"
        return implicit_root(solver, to_itself, tolerance=tolerance, solve=solve, has_aux=has_aux)
    if has_aux:
        raise TypeError("has_aux=True of fixed_point is for a `solver`, which returns (x, aux)")

    def repeated(start: Any, *args: Any, **kwargs: Any) -> Any:
        return _repeated(step, start, args, kwargs, max_steps, xtol)

    def change(x: Any, start: Any, *args: Any, **kwargs: Any) -> Any:
        return _change(step, x, args, kwargs)

    _after_start(repeated, step)
    change.__name__ = f"x - {named(step)}(x)"
    return implicit_root(repeated, change, tolerance=None, solve=solve)


def argmin(
    solver: Callable[..., Any] | str,
    objective: Callable[..., Any],
    *,
    tolerance: float | None = 1e-6,
    solve: Any = None,
    has_aux: bool = False,
    options: dict[str, Any] | None = None,
) -> Callable[..., Any]:
    """Where an objective is least, with derivatives by the implicit function theorem.

    The equation is that the objective's gradient by x is zero; its Jacobian is the Hessian.

    Parameters
    ----------
    solver : called as ``solver(*args)``, as in ``implicit_root``; or the name of a method of
        ``scipy.optimize.minimize``, which then gets the exact gradient (and products with the
        Hessian, where it takes them).
    objective : called as ``objective(x, *args)``; returns a scalar, twice differentiable in x.
    tolerance, solve, has_aux : as in ``implicit_root``.
    options : for a method of SciPy, as SciPy has them.

    Returns
    -------
    A function that returns the minimiser: with a ``solver`` a function of ``args``; with a method
    of ``(start, *args)``, where to start first (it has derivative zero). As for ``implicit_root``.
    There must be no bounds or constraints that are active at the minimum.

    Raises
    ------
    RuntimeError : (when called) the solver has not converged.
    ImportError : a method is named, and SciPy is not installed.
    ValueError : the objective is not a scalar.
    numpy.linalg.LinAlgError : (when differentiated) the Hessian is singular.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> def penalised(w, strength):
    ...     return np.sum((w - 3.0) ** 2) + strength * np.sum(w**2)
    >>> best = gt.argmin("BFGS", penalised)
    >>> w = best(np.zeros(2), 0.5)  # 3 / (1 + strength)
    >>> slope = gt.grad(lambda s: best(np.zeros(2), s)[0])(0.5)
    >>> w.round(6), round(float(slope), 6)
    (array([2., 2.]), -1.333333)
    """
    _check_function(objective, "objective", "argmin")
    gradient = grad(objective)
    if not isinstance(solver, str):
        _check_function(solver, "solver", "argmin")

        def slope(x: Any, *args: Any, **kwargs: Any) -> Any:
            return gradient(x, *args, **kwargs)

        slope.__name__ = f"the gradient of {named(objective)}"
        return implicit_root(solver, slope, tolerance=tolerance, solve=solve, has_aux=has_aux)
    if has_aux:
        raise TypeError("has_aux=True of argmin is for a `solver`, which returns (x, aux)")
    minimize = _scipys_minimize(solver)

    def minimised(start: Any, *args: Any, **kwargs: Any) -> Any:
        return _minimised(minimize, solver, objective, options, start, args, kwargs)

    def slope_from(x: Any, start: Any, *args: Any, **kwargs: Any) -> Any:
        return gradient(x, *args, **kwargs)

    _after_start(minimised, objective)
    minimised.__name__ = f"scipy.optimize.minimize by {solver}"
    slope_from.__name__ = f"the gradient of {named(objective)}"
    return implicit_root(minimised, slope_from, tolerance=tolerance, solve=solve)


# Roots --------------------------------------------------------------------------------------------


def _check_function(f: Any, argument: str, operator: str) -> None:
    if not callable(f):
        raise TypeError(
            f"argument `{argument}` of {operator} must be a function, but is {errors.describe(f)}"
        )


def _after_start(made: Any, f: Any) -> None:
    """Give a function of ``(start, *args)`` the name and parameters of one of ``(x, *args)``."""
    made.__name__ = named(f)
    try:
        first, *others = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # not every function tells its signature
        return
    made.__signature__ = inspect.Signature([first.replace(name="start"), *others])


def _unknown(leaf: Any, solver: Any) -> Any:
    """A leaf of the solver's answer as an array of its own."""
    array = np.array(bare(leaf))[()]
    if array.dtype.kind not in "fc":
        raise TypeError(
            f"{named(solver)} returned {errors.describe(leaf)}: a root is to have derivatives, so "
            "the solver must return arrays of floating or complex dtype."
        )
    return array


def _checked(r: Any, x: Any, layout: Layout, residual: Any) -> list[Any]:
    """The leaves of a residual, if they fit those of the unknown."""
    leaves = flatten(r)
    if not same_structure(r, x):
        raise TypeError(
            f"{named(residual)} returned {errors.describe(r)} with {len(leaves)} leaves, but the "
            f"unknown is {errors.describe(x)} with {len(layout)}: the residual must have the "
            "unknown's structure, one equation for each entry."
        )
    leaves = [
        Tensor(leaf.array, leaf.key) if isinstance(leaf, Tensor) else np.asarray(leaf)[()]
        for leaf in leaves
    ]
    for i, (leaf, (shape, dtype)) in enumerate(zip(leaves, layout, strict=True)):
        if leaf.shape != shape:
            raise ValueError(
                f"{named(residual)}: leaf {i} of the residual has shape {leaf.shape}, but the "
                f"unknown's has shape {shape}: there must be one equation for each entry."
            )
        if (leaf.dtype.kind == "c") != (dtype.kind == "c"):
            raise TypeError(
                f"{named(residual)}: leaf {i} of the residual is of dtype {leaf.dtype}, but "
                f"the unknown's is of dtype {dtype}: both must be complex, or both real."
            )
    return leaves


def _root_of(
    equation: Callable[[list[Any]], list[Any]],
    uses: Uses,
    leaves: list[Any],
    method: Any,
    tolerance: float | None,
    solver: Any,
) -> Root:
    """The root as an operation; the equation is run once, to see what it uses and how well."""
    if tolerance is not None or active():
        xv = joined([Tensor(leaf) for leaf in leaves])
        with uses.noted(), taping([xv]) as tape:
            rv = residual_vector(equation, layout_of(leaves), xv)
        if tolerance is not None:
            with only(()):
                _check_convergence(tape, rv, xv, tolerance, uses.name, solver)
    return Root(equation, uses, leaves, method)


def _check_convergence(
    tape: Any, rv: Any, xv: Any, tolerance: float, name: str, solver: Any
) -> None:
    """Raise unless the residual says that a root is near.

    Where ``r = A d``, the distance d is at least ``|r| / |A^T u|`` with ``u = r / |r|``: in one
    dimension, Newton's step.
    """
    r, x = bare(rv), bare(xv)
    size = np.linalg.norm(r)
    if size == 0:
        return
    (slope,) = pulled(tape, [rv], [r / size], [xv])
    with np.errstate(all="ignore"):
        distance = size / (0.0 if slope is None else np.linalg.norm(bare(slope)))
    scale = 1 + np.linalg.norm(x)
    allowed = max(tolerance, float(np.sqrt(np.finfo(x.dtype).eps)))
    if not distance <= allowed * scale:
        raise RuntimeError(
            f"{named(solver)} has not converged: the residual, {name}, has norm {size:.3g} at its "
            f"answer, about {distance / scale:.3g} of 1 + |x| away from a root, where `tolerance` "
            f"allows {allowed:.3g}. Let the solver run longer, start it nearer, or give a larger "
            "tolerance (None for no check)."
        )


# Fixed points -------------------------------------------------------------------------------------


def _change(step: Any, x: Any, args: Any, kwargs: Any) -> Any:
    """``x - step(x)``, leaf by leaf."""
    pairs = zip(flatten(x), _stepped(step, x, args, kwargs), strict=True)
    return pack(x, [old - new for old, new in pairs])


def _stepped(step: Any, x: Any, args: Any, kwargs: Any) -> list[Any]:
    """The leaves of ``step(x)``, if they fit those of x."""
    return leaves_after(step, step(x, *args, **kwargs), x, layout_of(flatten(x)), "x")


def _repeated(step: Any, start: Any, args: Any, kwargs: Any, max_steps: int, xtol: float) -> Any:
    """The step, repeated until it changes nothing any more."""
    x = map_structure(lambda leaf: _unknown(leaf, step), start)
    old = joined(flatten(x))
    change: Any = np.inf
    allowed = max(xtol, 8 * float(np.finfo(old.dtype).eps))
    for _ in range(max_steps):
        x = pack(x, [bare(leaf) for leaf in _stepped(step, x, args, kwargs)])
        new = joined(flatten(x))
        with np.errstate(all="ignore"):
            size = np.linalg.norm(new)
            change, old = np.linalg.norm(new - old) / (1 + size), new
        if not np.isfinite(size):
            change = np.inf
            break
        if change <= allowed:
            return x
    raise RuntimeError(
        f"fixed_point has not converged: the residual x - {named(step)}(x) is {change:.3g} of "
        f"1 + |x| after {max_steps} steps at most, where `xtol` allows {allowed:.3g}. If steps do "
        "not draw nearer, give a `solver` for the same equation; else allow more `max_steps`."
    )


# Minimisers ---------------------------------------------------------------------------------------

#: The methods of SciPy that ask for products with the Hessian.
_WITH_PRODUCTS = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}


def _scipys_minimize(method: str) -> Any:
    try:
        return importlib.import_module("scipy.optimize").minimize
    except ImportError:
        raise ImportError(
            f"argmin by the method {method!r} needs SciPy, which is not installed: "
            "pip install 'gradtape[scipy]', or give a solver of your own."
        ) from None


def _minimised(
    minimize: Any, method: str, objective: Any, options: Any, start: Any, args: Any, kwargs: Any
) -> Any:
    """The minimiser that SciPy finds, as far as it gets."""
    leaves = [_unknown(leaf, objective) for leaf in flatten(start)]
    layout = layout_of(leaves)
    both, product = value_and_grad(objective), hvp(objective)

    def nest(vector: Any) -> Any:
        return pack(start, split(vector, layout))

    def value_and_slope(vector: Any) -> Any:
        value, slope = both(nest(vector), *args, **kwargs)
        return float(value), np.asarray(joined(flatten(slope)), float)

    def hessp(vector: Any, direction: Any) -> Any:
        answer = product(nest(vector), *args, nest(direction), **kwargs)
        return np.asarray(joined(flatten(answer)), float)

    more = {"hessp": hessp} if method.lower() in _WITH_PRODUCTS else {}
    found = minimize(
        value_and_slope,
        np.asarray(joined(leaves), float),
        jac=True,
        method=method,
        tol=None if options else 1e-10,
        options=options,
        **more,
    )
    return nest(found.x)
