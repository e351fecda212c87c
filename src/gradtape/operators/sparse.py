"""Sparse Jacobians and Hessians, and their patterns: as few passes as the pattern has colours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.arithmetic import cast
from gradtape.forward import Linearization
from gradtape.nest import pack
from gradtape.operators.arguments import (
    Argnames,
    Argnums,
    Chosen,
    Selection,
    joined,
    outputs,
    scalar,
    warn_if_independent,
    with_aux,
)
from gradtape.patterns import (
    Pass,
    Sparsity,
    by_groups,
    check_mode,
    cotangents,
    found_in,
    sparse,
)
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor

__all__ = ["sparse_hessian", "sparse_jacobian", "sparsity"]


def sparsity(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    *,
    order: int = 1,
    mode: str | None = None,
    check: bool = False,
) -> Callable[..., Sparsity]:
    """A function that finds the pattern of the Jacobian (Hessian) of ``f``, and colours it.

    The pattern comes from what is recorded while ``f`` runs: each operation says which entries of
    its inputs an entry of its output reads. It is that of the branch that ``f`` took, and never
    misses an entry. Of operations that mix what they get (solutions, decompositions, Fourier
    transforms, functions with gradients of their own), every output counts as reading every input
    of its stack: there the pattern can be fuller than the Jacobian.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them); for ``order=2`` one that returns
        a scalar.
    argnums, argnames, has_aux : as for ``gt.jacobian``.
    order : 1 for the Jacobian, 2 for the Hessian.
    mode : ``"forward"`` groups columns, ``"reverse"`` rows; None: whatever needs fewer passes.
    check : whether each use compares its answer with a gradient along a random direction, at the
        cost of one more pass, and refuses an answer that differs.

    Returns
    -------
    A function of the same arguments that returns a ``Sparsity``: ``pattern`` (a boolean
    ``scipy.sparse.csr_array``), ``shape``, ``nnz``, ``colors`` (the number of passes), ``mode``.
    Keep it, and hand it to ``gt.jacobian(f, sparse=True, sparsity=...)``.

    Raises
    ------
    ImportError : SciPy is not installed.

    Notes
    -----
    Rows or columns are grouped as A. R. Curtis, M. J. D. Powell and J. K. Reid have it (J. Inst.
    Maths Applics 13, 1974); a Hessian by a star colouring (A. H. Gebremedhin, F. Manne and A.
    Pothen, SIAM Review 47, 2005).

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> differences = gt.sparsity(lambda x: np.diff(x) ** 2)(np.arange(1000.0))
    >>> differences
    Sparsity(shape=(999, 1000), nnz=1998 (0.20%), mode='reverse', colors=2)
    >>> gt.jacobian(lambda x: np.diff(x) ** 2, sparse=True, sparsity=differences)(np.ones(1000)).nnz
    1998
    """
    sparse()  # if it is not there, that is known at once
    if order not in (1, 2):
        raise ValueError(
            f"argument `order` must be 1 (Jacobian) or 2 (Hessian), but is {errors.describe(order)}"
        )
    if order == 2 and mode is not None:
        raise ValueError(
            "argument `mode` is for the Jacobian: a Hessian is symmetric, and coloured as that"
        )
    check_mode(mode)
    selection = Selection(f, argnums, argnames)
    record = _Recorded if order == 1 else _RecordedGradient

    @functools.wraps(f)
    def find(*args: Any, **kwargs: Any) -> Sparsity:
        # Cotangents or tangents are not asked for here, so the tape alone has to record.
        return record(selection.of(args, kwargs), has_aux, "reverse", None).found(mode, check)

    return find


def sparse_jacobian(
    f: Callable[..., Any],
    argnums: Argnums,
    argnames: Argnames,
    has_aux: bool,
    mode: str | None,
    memory_budget: int,
    sparsity: Any,
) -> Callable[..., Any]:
    """A function of ``f``'s arguments that computes its Jacobian as ``scipy.sparse`` arrays.

    Per array of the output and of the arguments one of shape ``(output.size, argument.size)``.
    """
    return _operator(_Recorded, f, argnums, argnames, has_aux, mode, memory_budget, sparsity)


def sparse_hessian(
    f: Callable[..., Any],
    argnums: Argnums,
    argnames: Argnames,
    has_aux: bool,
    memory_budget: int,
    sparsity: Any,
) -> Callable[..., Any]:
    """A function of ``f``'s arguments that computes its Hessian as ``scipy.sparse`` arrays.

    Per pair of arrays of the arguments one of shape ``(first.size, second.size)``.
    """
    return _operator(
        _RecordedGradient, f, argnums, argnames, has_aux, None, memory_budget, sparsity
    )


def _operator(
    record: type[_Recorded],
    f: Callable[..., Any],
    argnums: Argnums,
    argnames: Argnames,
    has_aux: bool,
    mode: str | None,
    memory_budget: int,
    sparsity: Any,
) -> Callable[..., Any]:
    """What a sparse Jacobian and a sparse Hessian have in common."""
    sparse()
    if sparsity is not None and not isinstance(sparsity, Sparsity):
        raise TypeError(
            "argument `sparsity` must be what gradtape.sparsity(f)(x) found, but is "
            f"{errors.describe(sparsity)}"
        )
    if sparsity is not None and mode not in (None, sparsity.mode):
        raise ValueError(
            f"argument `sparsity` was coloured for mode {sparsity.mode!r}, not for {mode!r}: leave "
            "out `mode` here, or find the pattern anew with it"
        )
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        chosen = selection.of(args, kwargs)
        recorded = record(chosen, has_aux, mode, sparsity)
        known = recorded.found(mode) if sparsity is None else sparsity
        answer = recorded.derivative(known, memory_budget)
        return (answer, chosen.answer(recorded.aux)) if has_aux else answer

    return derivative


class _Recorded:
    """What a function returned under recorders, as one target: the entries of all its arrays.

    Parameters
    ----------
    mode : in which the derivative is to be computed; None: whatever the pattern suggests.
    known : the pattern and its colouring, if that is known; else a tape records, too.
    """

    def __init__(
        self, chosen: Chosen, has_aux: bool, mode: str | None, known: Sparsity | None
    ) -> None:
        self.chosen, self.has_aux = chosen, has_aux
        self.f = chosen.selection.f
        self.linear = Linearization(chosen.leaves)
        self.tape = _fresh()
        self.tape.watch(chosen.leaves)
        backwards = self.by_rows(mode if known is None else known.mode)
        wanted: list[Any] = [self.tape] if known is None or backwards else []
        if not backwards:
            wanted.append(self.linear)
        with ExitStack() as stack:
            for recorder in wanted:
                stack.enter_context(recorder)
            self.compute()
        warn_if_independent(self.value, wanted[0], self.f)
        self.way = self.tape.way([leaf.key for leaf in chosen.leaves])

    value: Any  #: what the function returned
    aux: Any  #: what it returned beside it
    nest: Any  #: what the outer nest of the answer looks like
    shapes: tuple[Any, ...]  #: of the arrays that are differentiated
    target: Tensor  #: these in a row
    symmetric = False  #: whether the derivative equals its transpose

    def compute(self) -> None:
        """Call the function."""
        self.value, self.aux = with_aux(self.chosen.call(), self.f, self.has_aux)
        self.nest = self.value
        self.differentiate(outputs(self.value, self.f))

    def differentiate(self, tensors: list[Tensor]) -> None:
        """Say what is differentiated."""
        self.shapes = tuple([t.array.shape for t in tensors])
        self.target = joined(tensors)

    def by_rows(self, mode: str | None) -> bool:
        """Whether a pattern in a mode (None: in any) needs cotangents, and no tangents."""
        return mode == "reverse"

    def found(self, mode: str | None, check: bool = False) -> Sparsity:
        """The pattern, coloured."""
        return found_in(self.way, self.target, self.chosen.leaves, self.shapes, mode, check)

    def derivative(self, sparsity: Sparsity, memory_budget: int) -> Any:
        """The sparse arrays, in a nest like the output of nests like the arguments."""
        leaves = self.chosen.leaves
        in_shapes = tuple([leaf.array.shape for leaf in leaves])
        sparsity.check_use(self.shapes, in_shapes, self.symmetric)
        if self.by_rows(sparsity.mode):
            once = cotangents(self.way, self.target, leaves)
        else:
            once = self._tangents()
        dtypes = [leaf.array.dtype for leaf in leaves]
        masks = GradientTape.masks_dead_branches
        blocks = by_groups(once, sparsity, dtypes, memory_budget, masks)
        return pack(self.nest, [self.chosen.packed(row) for row in blocks])

    def _tangents(self) -> Pass:
        """From tangents of the arguments, in a row, to those of the target."""
        leaves, target = self.chosen.leaves, self.target
        cuts = np.cumsum([leaf.array.size for leaf in leaves])[:-1]

        def parts(row: Any, batch: tuple[int, ...]) -> list[Any]:
            split = [row] if len(leaves) == 1 else np.split(row, cuts, -1)
            pairs = zip(split, leaves, strict=True)
            return [part.reshape(batch + leaf.array.shape) for part, leaf in pairs]

        def run(seed: Any, batch: tuple[int, ...], alive: Any) -> Any:
            pairs = zip(parts(seed, batch), leaves, strict=True)
            seeds = [cast(part, leaf.array.dtype) for part, leaf in pairs]
            living = None if alive is None else parts(alive, batch)
            (tangent,) = self.linear.push([target], seeds, batch, living)
            if tangent is None:
                return np.zeros(batch + target.array.shape, target.array.dtype)
            return tangent

        dtype = np.result_type(*[leaf.array.dtype for leaf in leaves])
        return Pass(run, dtype, (sum([leaf.array.size for leaf in leaves]),))


class _RecordedGradient(_Recorded):
    """The gradient of what a function returned under recorders."""

    symmetric = True

    def compute(self) -> None:
        """Call the function, and compute its gradient."""
        leaves = self.chosen.leaves
        with _fresh() as tape:
            tape.watch(leaves)
            self.value, self.aux = with_aux(self.chosen.call(), self.f, self.has_aux)
        slopes = tape.gradient(scalar(self.value, self.f), leaves, unconnected_gradients="zero")
        self.nest = self.chosen.packed(slopes)
        self.differentiate(slopes)

    def by_rows(self, mode: str | None) -> bool:
        """Those of a symmetric matrix are its columns, and cotangents cost less."""
        return mode != "forward"

    def found(self, mode: str | None, check: bool = False) -> Sparsity:
        """The pattern, coloured as that of a symmetric matrix."""
        # A complex one is conjugate to its transpose.
        real = not any([leaf.dtype.kind == "c" for leaf in self.chosen.leaves])
        return super().found("symmetric" if real else "reverse", check)


def _fresh() -> GradientTape:
    return GradientTape(watch_accessed_variables=False)
