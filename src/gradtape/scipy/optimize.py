"""Namesakes of ``scipy.optimize``: SciPy's solvers with exact derivatives, over nests of arrays.

They call SciPy's own functions, and hand them the derivatives that the method asks for. The
function is ordinary NumPy code; what it cannot be differentiated by says so.
"""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as _scipy

from gradtape.operators.directions import hvp
from gradtape.operators.gradients import value_and_grad
from gradtape.operators.jacobians import hessian, jacobian
from gradtape.patterns import Sparsity
from gradtape.recording import active
from gradtape.rules import strip
from gradtape.scipy._callbacks import bare, seen
from gradtape.scipy._namesakes import array, missing
from gradtape.scipy._nests import Space, solving

__all__ = ["curve_fit", "least_squares", "minimize", "root"]

__getattr__ = missing(__name__)

#: The methods of ``minimize`` that take no derivatives, a Hessian, a Hessian's products.
_WITHOUT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_HESSIANS = ("dogleg", "trust-exact", "trust-constr", "_custom")
_PRODUCTS = ("newton-cg", "trust-ncg", "trust-krylov", "_custom")


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Any = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Minimise a scalar function: ``scipy.optimize.minimize`` with exact derivatives.

    Where ``jac`` is None, the gradient comes with the value, from one evaluation. Where ``hess``
    and ``hessp`` are, dogleg, trust-exact and trust-constr get the Hessian, Newton-CG, trust-ncg
    and trust-krylov its products with vectors. Constraints get their Jacobians, and for
    trust-constr their Hessians. What is given is used instead: a function, or ``"2-point"``.

    Parameters
    ----------
    fun : ``fun(x, *args)`` gives a number; ``x`` is a nest like ``x0``.
    x0 : where to start: an array, a list of numbers, or a nest of arrays (list, tuple, dict,
        dataclass ...). SciPy works on one vector of all entries, in float64 whatever theirs is.
    args, method, tol, options : as in SciPy.
    jac, hess, hessp : as in SciPy, of nests like ``x0``; the gradient and the product may be such
        nests. The Hessian is a matrix by the entries of the vector.
    bounds : as in SciPy, one pair ``(low, high)`` for each entry; or a nest like ``x0`` with a pair
        in the place of each array.
    constraints : as in SciPy; their functions get nests. The ``hess`` of a ``NonlinearConstraint``
        counts as not given if it is SciPy's default, ``BFGS()``.
    callback : as in SciPy; it gets nests.

    Returns
    -------
    SciPy's ``OptimizeResult``. ``x`` is a nest like ``x0``; ``jac``, ``hess_inv`` and the like stay
    vectors and matrices.

    Raises
    ------
    NoRuleError : an active tape tracks a tensor among the arguments, or one that a function uses:
        derivatives of the solution are those of ``gradtape.argmin``.

    Examples
    --------
    >>> import numpy as np
    >>> from gradtape.scipy.optimize import minimize
    >>> x0 = {"a": np.array([1.0]), "b": 2.0}
    >>> result = minimize(lambda p: np.sum((p["a"] - 3) ** 2) + p["b"] ** 2, x0)
    >>> result.x["a"].round(6), result.nfev == result.njev
    (array([3.]), True)
    """
    space, args = Space(x0), args if isinstance(args, tuple) else (args,)
    name = "_custom" if callable(method) else (method or "BFGS").lower()
    pairs = jac is True
    scalar = space.over(fun, lambda answer: _number(answer[0] if pairs else answer))
    function: Callable[..., Any] = seen(scalar)
    if pairs:
        function = space.over(fun, lambda pair: bare((_number(pair[0]), space.vector(pair[1]))))
    elif callable(jac):
        jac = seen(space.over(jac, space.vector))
    elif jac is None and name not in _WITHOUT:
        function, jac = value_and_grad(scalar), True
    if hess is None and hessp is None and (callable(jac) or jac is True):
        hess = _quietly(hessian(scalar)) if name in _HESSIANS else None
        hessp = _product(scalar) if name in _PRODUCTS else None
    else:
        hess = seen(space.over(hess, array)) if callable(hess) else hess
        hessp = _of_two(hessp, space) if callable(hessp) else hessp
    with solving("scipy.optimize.minimize", (x0, args, bounds), "gradtape.argmin"):
        result = _scipy.minimize(
            function,
            space.start,
            args,
            method,
            jac,
            hess,
            hessp,
            space.bounds(bounds),
            _constraints(constraints, space, name),
            tol,
            space.callback(callback),
            options,
        )
    return _packed(result, space)


def _number(value: Any) -> Any:
    """What an objective returned; SciPy takes an array of one number for a number."""
    value = array(value)
    value = value.reshape(()) if value.ndim and value.size == 1 else value
    return +value  # an operation: recorders see what is returned as it is found


def _packed(result: Any, space: Space) -> Any:
    """A result whose solution is a nest."""
    result.x = space.nest(result.x)
    return result


def _product(f: Callable[..., Any]) -> Callable[..., Any]:
    """The Hessian of a scalar function times a vector, with the arguments in SciPy's order."""
    along = _quietly(hvp(f))
    return lambda x, p, *args: along(x, *args, p)


def _of_two(hessp: Callable[..., Any], space: Space) -> Callable[..., Any]:
    """The user's product of a nest and a nest."""
    return lambda x, p, *args: bare(space.vector(hessp(space.nest(x), space.nest(p), *args)))


def _quietly(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """A derivative that may be zero without a word: linear functions have no second ones."""

    @functools.wraps(derivative)
    def call(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "what .* returned does not depend")
            return strip(derivative(*args, **kwargs))

    return call


def _constraints(constraints: Any, space: Space, method: str) -> Any:
    """Constraints on the vector, with the derivatives that they do not have."""
    if isinstance(constraints, (list, tuple)):
        return [_constraint(c, space, method) for c in constraints]
    return _constraint(constraints, space, method)


def _constraint(constraint: Any, space: Space, method: str) -> Any:
    if isinstance(constraint, dict):
        given = constraint.get("jac")
        function = space.over(constraint["fun"], space.vector)
        exact = jacobian(function) if method not in _WITHOUT else None
        jac = space.over(given, array) if callable(given) else given or exact
        return {**constraint, "fun": seen(function), "jac": jac and seen(jac)}
    if not isinstance(constraint, _scipy.NonlinearConstraint):
        return constraint
    function, ours = space.over(constraint.fun, space.vector), copy.copy(constraint)
    ours.fun = seen(function)
    if callable(constraint.jac):
        ours.jac = seen(space.over(constraint.jac, array))
    elif constraint.jac == "2-point" and method not in _WITHOUT:
        ours.jac = _quietly(jacobian(function))
    if callable(constraint.hess):
        ours.hess = seen(space.over(constraint.hess, array))
    elif method == "trust-constr" and callable(ours.jac) and _is_default(constraint.hess):
        ours.hess = _quietly(hessian(lambda x, v: np.sum(v * function(x))))
    return ours


def _is_default(hess: Any) -> bool:
    """Whether it is what a ``NonlinearConstraint`` has if none is given."""
    told = ("exception_strategy", "min_curvature", "init_scale")  # the rest is its state
    default = vars(_scipy.BFGS())
    return type(hess) is _scipy.BFGS and all([vars(hess)[name] == default[name] for name in told])


# Equations and least squares ----------------------------------------------------------------------


def root(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: float | None = None,
    callback: Any = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Solve equations: ``scipy.optimize.root`` with the exact Jacobian.

    Where ``jac`` is None, hybr and lm get the exact Jacobian; the other methods take none.

    Parameters
    ----------
    fun : ``fun(x, *args)`` gives as many numbers as ``x`` has, in an array or a nest of arrays;
        ``x`` is a nest like ``x0``.
    x0 : where to start, as in ``minimize``.
    args, method, tol, callback, options : as in SciPy.
    jac : as in SciPy, of nests; a matrix by the entries of SciPy's vectors.

    Returns
    -------
    SciPy's ``OptimizeResult``. ``x`` is a nest like ``x0``; ``fun``, ``fjac`` and the like stay
    vectors and matrices.

    Raises
    ------
    NoRuleError : an active tape tracks a tensor among the arguments, or one that ``fun`` uses:
        derivatives of the solution are those of ``gradtape.implicit_root``.

    Examples
    --------
    >>> import numpy as np
    >>> from gradtape.scipy.optimize import root
    >>> root(lambda x: x**2 - [2.0, 9.0], [1.0, 1.0]).x.round(6)
    array([1.414214, 3.      ])
    """
    space, args = Space(x0), args if isinstance(args, tuple) else (args,)
    function = space.over(fun, space.vector)
    values: Callable[..., Any] = seen(function)
    if jac is True:
        values = space.over(fun, lambda pair: bare((space.vector(pair[0]), array(pair[1]))))
    elif callable(jac):
        jac = seen(space.over(jac, array))
    elif jac is None and method.lower() in ("hybr", "lm"):
        jac = jacobian(function)
    with solving("scipy.optimize.root", (x0, args), "gradtape.implicit_root"):
        result = _scipy.root(
            values, space.start, args, method, jac, tol, space.callback(callback), options
        )
    return _packed(result, space)


def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = None,
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    *,
    sparse: bool | Sparsity = False,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    callback: Any = None,
    **options: Any,
) -> Any:
    """Minimise a sum of squares: ``scipy.optimize.least_squares`` with the exact Jacobian.

    Parameters
    ----------
    fun : ``fun(x, *args, **kwargs)`` gives the residuals, an array or a nest of arrays; ``x`` is a
        nest like ``x0``.
    x0 : where to start, as in ``minimize``.
    jac : as in SciPy, of nests; None: the exact Jacobian.
    bounds : as in SciPy, a pair of limits: each a number, a vector, or a nest like ``x0``.
    sparse : whether the exact Jacobian is a sparse matrix, found by ``gradtape.jacobian(fun,
        sparse=True)``; for the methods trf and dogbox. A pattern of ``gradtape.sparsity(fun)(x0)``
        is used as it is; True finds it anew for each Jacobian. SciPy then solves its steps by LSMR,
        to ``tr_options={"atol": ..., "btol": ...}``: where progress is slow, make those smaller.
    method, args, kwargs, callback, **options : as in SciPy.

    Returns
    -------
    SciPy's ``OptimizeResult``. ``x`` is a nest like ``x0``; ``fun``, ``jac`` and ``grad`` stay
    vectors and matrices.

    Raises
    ------
    NoRuleError : an active tape tracks a tensor among the arguments, or one that ``fun`` uses:
        derivatives of the solution are those of ``gradtape.argmin``.
    ValueError : there are both ``jac`` and ``sparse``.

    Examples
    --------
    >>> import numpy as np
    >>> from gradtape.scipy.optimize import least_squares
    >>> t = np.arange(4.0)
    >>> result = least_squares(lambda p: p[0] * np.exp(-p[1] * t) - 2 * np.exp(-t / 2), [1.0, 1.0])
    >>> result.x.round(6)
    array([2. , 0.5])
    """
    kept = sparse if isinstance(sparse, Sparsity) else None
    sparse = sparse is not False
    if sparse and jac is not None:
        raise ValueError("least_squares: give `jac`, or `sparse` for the exact one, not both")
    space = Space(x0)
    function = space.over(fun, space.vector)
    exact = jacobian(function, sparse=sparse, sparsity=kept)
    jac = exact if jac is None else seen(space.over(jac, bare)) if callable(jac) else jac
    with solving("scipy.optimize.least_squares", (x0, bounds, args, kwargs), "gradtape.argmin"):
        result = _scipy.least_squares(
            seen(function),
            space.start,
            jac,
            space.limits(bounds),
            method,
            args=args,
            kwargs=kwargs or {},
            **({} if callback is None else {"callback": space.callback(callback)}),
            **options,
        )
    return _packed(result, space)


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    *args: Any,
    jac: Any = None,
    **kwargs: Any,
) -> Any:
    """Fit a function to data: ``scipy.optimize.curve_fit`` with the exact Jacobian.

    Parameters
    ----------
    f : ``f(xdata, *params)`` gives the model's values; each parameter is a number, unless ``p0``
        says otherwise.
    p0 : as in SciPy; or a nest of arrays. The items of a list or a tuple are then the parameters;
        any other nest is the only one.
    xdata, ydata, *args, **kwargs : as in SciPy; ``bounds`` by name may be a pair of nests like
        ``p0``.
    jac : as in SciPy; None: the exact Jacobian by the parameters.

    Returns
    -------
    What SciPy returns: the parameters, in a nest like ``p0``, their covariance, a matrix by all of
    their entries (those of a dict by sorted keys), and more with ``full_output``.

    Raises
    ------
    NoRuleError : an active tape tracks a tensor among the arguments, or one that ``f`` uses:
        derivatives of the solution are those of ``gradtape.argmin``.

    Examples
    --------
    >>> import numpy as np
    >>> from gradtape.scipy.optimize import curve_fit
    >>> t = np.arange(5.0)
    >>> found, covariance = curve_fit(lambda t, a, k: a * np.exp(-k * t), t, 2 * np.exp(-t / 2))
    >>> found.round(6)
    array([2. , 0.5])
    >>> line = lambda t, p: p["at"][0] + p["slope"] * t
    >>> curve_fit(line, t, 3 * t - 1, {"at": np.zeros(1), "slope": 0.0})[0]["at"].round(6)
    array([-1.])
    """
    space = None if p0 is None else Space(p0)
    if space is not None and not space.plain:
        return _fit_nest(f, xdata, ydata, space, type(p0) in (list, tuple), args, jac, kwargs)
    if jac is None:

        def jac(x: Any, *params: Any) -> Any:
            return exact(np.array(params, np.float64), x)

        exact = jacobian(lambda params, x: array(f(x, *params)))
    # SciPy counts the parameters of ``f`` by its signature.
    function = functools.wraps(f)(seen(f)) if active() else f
    with solving("scipy.optimize.curve_fit", (xdata, ydata, p0, args, kwargs), "gradtape.argmin"):
        return _scipy.curve_fit(function, xdata, ydata, p0, *args, jac=jac, **kwargs)


def _fit_nest(
    f: Any, xdata: Any, ydata: Any, space: Space, several: bool, args: Any, jac: Any, kwargs: Any
) -> Any:
    """``curve_fit`` whose parameters are a nest; ``several``: each of its items is one."""

    def of_vector(function: Any) -> Any:
        def called(x: Any, *params: Any) -> Any:
            nest = space.nest(np.array(params, np.float64))
            return function(x, *nest) if several else function(x, nest)

        return called

    if jac is None:

        def model(vector: Any, x: Any) -> Any:
            nest = space.nest(vector)
            return array(f(x, *nest) if several else f(x, nest))

        exact = jacobian(model)
        jac = lambda x, *params: exact(np.array(params, np.float64), x)  # noqa: E731
    elif callable(jac):
        jac = seen(of_vector(jac))
    if "bounds" in kwargs:
        kwargs = {**kwargs, "bounds": space.limits(kwargs["bounds"])}
    given = xdata, ydata, space.like, args, kwargs
    with solving("scipy.optimize.curve_fit", given, "gradtape.argmin"):
        found, *rest = _scipy.curve_fit(
            seen(of_vector(f)), xdata, ydata, space.start, *args, jac=jac, **kwargs
        )
    return (space.nest(found), *rest)
