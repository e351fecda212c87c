"""The implicit function theorem: how the root of an equation moves with what the equation uses.

Where ``r(x, a) = 0`` and the Jacobian ``A = dr/dx`` is regular, ``dx = -A^-1 (dr/da) da`` (Dini).
So a tangent is one linear solve with A, a cotangent one with its transpose, and both are written in
differentiable operations: the derivatives of a derivative are theirs.

All is done on real vectors: the entries of all unknowns in a row, complex ones as real and
imaginary parts, so that residuals need not be holomorphic.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.forward import Linearization
from gradtape.operators.leaves import Layout, layout_of
from gradtape.recording import active, only
from gradtape.replays import Operation, Uses, pulled, pushed, shown, taping
from gradtape.tensor import Tensor, bare

__all__ = ["Root", "joined", "linear_solver", "residual_vector", "split"]

#: The residual's leaves, from tensors for those of the unknown.
Residual = Callable[[list[Any]], list[Any]]
#: Solves A x = b, given the function x -> A x and b.
LinearSolver = Callable[[Callable[[Any], Any], Any], Any]


def joined(leaves: Sequence[Any], batch: int = 0) -> Any:
    """The entries of some leaves as one real vector, after ``batch`` leading axes."""
    parts: list[Any] = []
    for leaf in leaves:
        flat = leaf if leaf.ndim == batch + 1 else np.reshape(leaf, (*leaf.shape[:batch], -1))
        parts += [flat.real, flat.imag] if bare(leaf).dtype.kind == "c" else [flat]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, -1)


def split(vector: Any, layout: Layout) -> list[Any]:
    """The leaves of which a real vector was joined, in their shapes and dtypes."""
    leaves = []
    lead, at = vector.shape[:-1], 0

    def piece(shape: tuple[int, ...]) -> Any:
        nonlocal at
        start, at = at, at + int(np.prod(shape))
        part = vector if (start, at) == (0, vector.shape[-1]) else vector[..., start:at]
        return part if len(shape) == 1 else np.reshape(part, (*lead, *shape))

    for shape, dtype in layout:
        leaf = piece(shape)
        if dtype.kind == "c":
            leaf = leaf + piece(shape) * dtype.type(1j)
        leaves.append(leaf if bare(leaf).dtype == dtype else leaf.astype(dtype))
    return leaves


def residual_vector(residual: Residual, layout: Layout, xv: Any) -> Any:
    """The residual as one real vector, from the unknown as one."""
    return joined(residual(split(xv, layout)))


class Root(Operation):
    """The root of an equation as one operation.

    Parameters
    ----------
    residual : gives the residual's leaves from tensors for those of the unknown, with what ``uses``
        holds.
    uses : what the residual uses.
    solution : the leaves of the root, bare.
    solve : how linear systems are solved without the Jacobian; None: with it.
    """

    def __init__(
        self,
        residual: Residual,
        uses: Uses,
        solution: list[Any],
        solve: LinearSolver | None,
    ) -> None:
        self.name, self.residual, self.uses = uses.name, residual, uses
        self.solution, self.solve = solution, solve
        self.inputs = uses.inputs
        self.shapes = [t.array.shape for t in self.inputs]
        self.outs = layout_of(solution)

    def vector(self, xv: Any) -> Any:
        """The residual as one real vector, from the unknown as one."""
        return residual_vector(self.residual, self.outs, xv)

    def shares(
        self, cotangents: list[Any], out_keys: tuple[Any, ...], batch: tuple[int, ...]
    ) -> list[Any]:
        """``-(dr/da)^T A^-T g``."""
        x = [Tensor(array, key) for array, key in zip(self.solution, out_keys, strict=True)]
        with self.uses.as_they_were():
            xv = joined(x)
            # Two tapes, so that the Jacobian's rows do not go on to the inputs.
            with taping([xv]) as tape, taping(self.inputs) as further:
                rv = self.vector(xv)
            gv = joined(cotangents, len(batch))
            if self.solve is None:
                w = self._dense(tape, rv, xv, gv, transposed=True)
            else:
                w = self._free(x, gv, transposed=True)
            return pulled(further, [rv], [-w if active() else bare(-w)], self.inputs, batch)

    def tangents(self, tangents: list[Any], outs: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """``-A^-1 (dr/da) t``."""
        x = [out if isinstance(out, Tensor) else Tensor(out) for out in outs]
        with self.uses.as_they_were():
            xv = joined(x)
            tape = taping([xv])
            results: list[Any] = []

            def run() -> list[Any]:
                with tape:
                    results.append(self.vector(xv))
                return results

            (rdot,) = pushed(run, self.inputs, tangents, batch)
            if rdot is None:
                return [None] * len(outs)
            if self.solve is None:
                dx = self._dense(tape, results[0], xv, rdot, transposed=False)
            else:
                dx = self._free(x, rdot, transposed=False)
        return split(-dx, self.outs)

    def _dense(self, tape: Any, rv: Any, xv: Any, b: Any, transposed: bool) -> Any:
        """Solve with the Jacobian or its transpose, for each vector along the last axis of b."""
        if not xv.size:
            return b
        known = isinstance(rv, Tensor) and rv.key in tape.tracked
        a = tape.jacobian(rv, xv) if known else None
        if a is None:
            raise self._singular("it does not depend on the unknown")
        if transposed:
            a = a.T
        columns = b if b.ndim == 1 else b.reshape(-1, b.shape[-1]).T
        if not active():
            a, columns = bare(a), bare(columns)
        if _is_singular(bare(a)):
            raise self._singular("its Jacobian by the unknown is singular there")
        x = np.linalg.solve(a, columns)
        return x if b.ndim == 1 else x.T.reshape(b.shape)

    def _singular(self, why: str) -> np.linalg.LinAlgError:
        return np.linalg.LinAlgError(
            f"the solution of {self.name} = 0 has no derivative: {why}, so the solution is not "
            "determined by the equation (a double root, more unknowns than equations, or "
            "equations that repeat each other). Give as many independent equations as unknowns."
        )

    # Without the Jacobian ---------------------------------------------------------------------

    def _free(self, x: list[Any], b: Any, transposed: bool) -> Any:
        """Solve by products with the Jacobian or its transpose: each solution is a root itself."""
        if b.ndim > 1:
            rows = b.reshape(-1, b.shape[-1])
            solutions = [self._free(x, row, transposed) for row in rows]
            return np.stack(solutions).reshape(b.shape)
        solution = self._solved([bare(leaf) for leaf in x], bare(b), transposed)
        if not active():
            return solution
        uses = Uses(self.name, (x, b))
        uses.include(self.uses)

        def residual(unknown: list[Any]) -> list[Any]:
            at, right = uses.arguments()
            xv, (w,) = joined(at), unknown
            if not transposed:
                (product,) = pushed(lambda: [self.vector(xv)], [xv], [w], ())
                return [product - right]
            with taping([xv]) as tape:
                rv = self.vector(xv)
            (product,) = pulled(tape, [rv], [w], [xv])
            return [product - right]

        call = Root(residual, uses, [solution], self.solve)
        (w,) = shown(call, call.inputs, [solution])
        return w

    def _solved(self, x: list[Any], b: Any, transposed: bool) -> Any:
        """The solution for one bare right-hand side, by the user's method, checked."""
        with only(()):
            xv = joined([Tensor(leaf) for leaf in x])
            if transposed:
                with taping([xv]) as tape:
                    rv = self.vector(xv)

                def product(v: Any) -> Any:
                    return bare(pulled(tape, [rv], [np.asarray(v, b.dtype)], [xv])[0])
            else:
                with Linearization([xv]) as linear:
                    rv = self.vector(xv)

                def product(v: Any) -> Any:
                    return bare(linear.push([rv], [np.asarray(v, b.dtype)])[0])

            w = np.asarray(bare(self.solve(product, b)), b.dtype)  # type: ignore[misc]
            if w.shape != b.shape:
                raise ValueError(
                    f"argument `solve` returned an array of shape {w.shape} for a right-hand side "
                    f"of shape {b.shape}: it must return the solution x of matvec(x) = b."
                )
            left, size = np.linalg.norm(product(w) - b), np.linalg.norm(b)
        if not left <= max(1e-6, np.sqrt(np.finfo(b.dtype).eps)) * size:
            raise RuntimeError(
                f"argument `solve` did not solve the linear system of the derivative of "
                f"{self.name} = 0: a residual of norm {left:.3g} is left of a right-hand side of "
                f"norm {size:.3g}. Let it run longer, or take the dense way (solve=None)."
            )
        return w


def _is_singular(a: Any) -> bool:
    """Whether a matrix is singular to working precision, in whatever units its rows and columns.

    The solution for a right-hand side at random is about as large as the inverse.
    """
    scale = np.abs(a).max(1, initial=0)
    if not scale.all():
        return True
    a = a / scale[:, None]
    with np.errstate(all="ignore"):
        columns = np.abs(a).max(0, initial=0)
        if not columns.all():
            return True
        right = np.random.default_rng(0).normal(size=scale.size).astype(a.dtype)
        try:
            terms = np.abs(np.linalg.solve(a / columns, right))
        except np.linalg.LinAlgError:
            return True
        return bool(np.any(terms * (8 * np.finfo(a.dtype).eps) > 1))


#: The methods of scipy.sparse.linalg that need products with the matrix only.
_METHODS = ("bicgstab", "cg", "gmres", "minres")


def linear_solver(solve: Any) -> LinearSolver | None:
    """What the argument ``solve`` says: a function of (matvec, b), or None for the dense way.

    Raises
    ------
    TypeError, ValueError : it is none of these.
    ImportError : it names a method of SciPy, which is not installed.
    """
    if solve is None or callable(solve):
        return solve  # type: ignore[no-any-return]
    if not isinstance(solve, str):
        raise TypeError(
            "argument `solve` must be None, the name of a method or a function of (matvec, b), but "
            f"is {errors.describe(solve)}"
        )
    if solve not in _METHODS:
        raise ValueError(
            f"argument `solve` must be one of {', '.join(_METHODS)}, a function of (matvec, b) or "
            f"None, but is {solve!r}"
        )
    try:
        methods = importlib.import_module("scipy.sparse.linalg")
    except ImportError:
        raise ImportError(
            f"solve={solve!r} needs SciPy, which is not installed: pip install 'gradtape[scipy]'"
        ) from None
    method = getattr(methods, solve)

    def by_scipy(matvec: Callable[[Any], Any], b: Any) -> Any:
        a = methods.LinearOperator((b.size, b.size), matvec=matvec, dtype=b.dtype)
        # What is not reached shows in the residual, which is checked.
        tight = max(1e-12, 4 * float(np.finfo(b.dtype).eps))
        return method(a, b, rtol=tight, maxiter=max(100, 10 * b.size))[0]

    return by_scipy
