"""Whole Jacobians and Hessians, and their traces, in batched passes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradtape.arithmetic import cast
from gradtape.errors import named
from gradtape.forward import Linearization
from gradtape.nest import pack
from gradtape.operators.arguments import (
    Argnames,
    Argnums,
    Chosen,
    Selection,
    joined,
    outputs,
    warn_if_independent,
    with_aux,
)
from gradtape.operators.gradients import grad
from gradtape.operators.sparse import sparse_hessian, sparse_jacobian
from gradtape.rows import checked_budget
from gradtape.tape import BLOCK_BYTES, GradientTape
from gradtape.tensor import Tensor

__all__ = ["divergence", "hessian", "jacobian", "laplacian"]

_MODES = (None, "forward", "reverse")


def jacobian(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    mode: str | None = None,
    *,
    memory_budget: int = BLOCK_BYTES,
    sparse: bool = False,
    sparsity: Any = None,
) -> Callable[..., Any]:
    """A function that computes the derivative of every entry of ``f`` by every entry of its input.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns arrays.
    argnums : the positional argument, or a tuple of those, to differentiate by; 0 by default.
    argnames : the name of an argument, or a tuple of names, to differentiate by.
    has_aux : whether ``f`` returns a pair ``(value, aux)``, of which only the first is
        differentiated.
    mode : ``"forward"``: a batch of tangents, one for each entry of the input; ``"reverse"``: a
        batch of cotangents, one for each entry of the output; None: forward if the input has
        fewer entries in all (complex ones count twice) than the output, else reverse.
    memory_budget : the bytes that a batch of tangents or cotangents of an input or output may take;
        a larger one is cut into blocks of rows, one pass for each.
    sparse : whether to answer with ``scipy.sparse`` arrays, new ones each time; see ``sparsity``.
        Inside of ``gradtape.function``, too.
    sparsity : a pattern and colouring to use, where ``sparse``, as ``gt.sparsity(f)`` gives it.

    Returns
    -------
    A function of the same arguments that returns a nest like the value of ``f``, of nests like what
    is differentiated by, of arrays of shape ``output.shape + input.shape`` and of the input's
    dtype; with ``has_aux``, ``(jacobian, aux)``. ``f`` runs once. By complex arguments an entry is
    the gradient of the real part of the output's entry, in either mode, as in ``tape.jacobian``:
    for holomorphic functions the conjugate of the derivative.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype, or ``f``
        returns no arrays.
    ValueError : ``mode`` is unknown, ``memory_budget`` is no number of bytes, or ``sparsity`` is
        given without ``sparse``.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.jacobian(lambda x: x[1:] * x[:-1])(np.array([1.0, 2.0, 3.0]))
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    if mode not in _MODES:
        raise ValueError(
            f"argument `mode` is {mode!r}, but must be 'forward', 'reverse' or None, which chooses "
            "by the shapes"
        )
    memory_budget = checked_budget(memory_budget, BLOCK_BYTES)
    _check_sparsity(sparse, sparsity)
    if sparse:
        return sparse_jacobian(f, argnums, argnames, has_aux, mode, memory_budget, sparsity)
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        chosen = selection.of(args, kwargs)
        made = _Computed(chosen, mode, has_aux)
        warn_if_independent(made.value, made.recorder, f)
        result = made.matrix(memory_budget)
        return (result, chosen.answer(made.aux)) if has_aux else result

    return matrix


def hessian(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    *,
    memory_budget: int = BLOCK_BYTES,
    sparse: bool = False,
    sparsity: Any = None,
) -> Callable[..., Any]:
    """A function that computes the second derivatives of a scalar function.

    Forward mode over reverse mode: the gradient is computed once, and a batch of tangents pushed
    through it.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns a scalar.
    argnums, argnames, has_aux, memory_budget, sparse, sparsity : as for ``jacobian``.

    Returns
    -------
    A function of the same arguments that returns a nest like what is differentiated by, of such
    nests, of arrays of shape ``a.shape + b.shape``: the derivative by ``a`` and ``b``. With
    ``has_aux``, ``(hessian, aux)``.

    Raises
    ------
    TypeError, ValueError : as for ``jacobian``; the value is not a scalar.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    memory_budget = checked_budget(memory_budget, BLOCK_BYTES)
    _check_sparsity(sparse, sparsity)
    if sparse:
        return sparse_hessian(f, argnums, argnames, has_aux, memory_budget, sparsity)
    selection = Selection(grad(f, argnums, argnames, has_aux), argnums, argnames)

    @functools.wraps(f)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        chosen = selection.of(args, kwargs)
        made = _Computed(chosen, "forward", has_aux)
        result = made.matrix(memory_budget)
        return (result, chosen.answer(made.aux)) if has_aux else result

    return matrix


def laplacian(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    *,
    memory_budget: int = BLOCK_BYTES,
) -> Callable[..., Any]:
    """A function that computes the sum of the second derivatives of ``f`` by each entry.

    That is the trace of the Hessian, which is had in blocks of rows, each let go of once its part
    of the diagonal is summed.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns a scalar.
    argnums, argnames, has_aux, memory_budget : as for ``jacobian``.

    Returns
    -------
    A function of the same arguments that returns a number; with ``has_aux``, ``(number, aux)``.

    Raises
    ------
    TypeError, ValueError : as for ``hessian``; arguments are complex.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.laplacian(lambda x: np.sum(x**4))(np.array([[1.0, 2.0], [0.0, 0.0]]))
    np.float64(60.0)
    """
    selection = Selection(grad(f, argnums, argnames, has_aux), argnums, argnames)
    return _trace(f, selection, has_aux, memory_budget, "laplacian")


def divergence(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
    *,
    memory_budget: int = BLOCK_BYTES,
) -> Callable[..., Any]:
    """A function that computes the divergence of a vector field: the trace of its Jacobian.

    Parameters
    ----------
    f : a function that returns a nest of arrays like what is differentiated by, of its shapes.
    argnums, argnames, has_aux, memory_budget : as for ``jacobian``. The Jacobian is had in blocks
        of columns, each let go of once its part of the diagonal is summed.

    Returns
    -------
    A function of the same arguments that returns a number; with ``has_aux``, ``(number, aux)``.

    Raises
    ------
    TypeError : as for ``jacobian``; arguments are complex.
    ValueError : the value has other shapes than what is differentiated by.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> gt.divergence(lambda x: x * x[::-1])(np.array([1.0, 2.0]))
    np.float64(3.0)
    """
    return _trace(f, Selection(f, argnums, argnames), has_aux, memory_budget, "divergence")


def _check_sparsity(sparse: bool, sparsity: Any) -> None:
    """Refuse a pattern that would not be used."""
    if sparsity is not None and not sparse:
        raise ValueError(
            "argument `sparsity` is for sparse derivatives: say sparse=True with it, or leave it "
            "out for dense ones"
        )


class _Computed:
    """A function computed for its Jacobian: its value, and the recorders that saw it."""

    def __init__(self, chosen: Chosen, mode: str | None, has_aux: bool) -> None:
        self.chosen = chosen
        f = chosen.selection.f
        tape = GradientTape(persistent=True, watch_accessed_variables=False)
        linear = Linearization(chosen.leaves, tape if mode is None else None)
        if mode == "forward":
            self.recorder: Any = linear
            with linear:
                self.value, self.aux = with_aux(chosen.call(), f, has_aux)
                self.targets = outputs(self.value, f)
            return
        self.recorder = tape
        tape.watch(chosen.leaves)
        with tape:
            if mode is None:
                with linear:
                    self.value, self.aux = with_aux(chosen.call(), f, has_aux)
                self.targets = outputs(self.value, f)
                if _entries(chosen.leaves) < _entries(self.targets):
                    self.recorder = linear
            else:
                self.value, self.aux = with_aux(chosen.call(), f, has_aux)
                self.targets = outputs(self.value, f)
            if self.recorder is tape:
                self.joined = joined(self.targets)

    def matrix(self, memory_budget: int) -> Any:
        """The Jacobian as the user gets it."""
        chosen = self.chosen
        forward = isinstance(self.recorder, Linearization)
        found = self._by_columns(memory_budget) if forward else self._by_rows(memory_budget)
        return pack(self.value, [chosen.packed(chosen.answer(blocks)) for blocks in found])

    def _by_rows(self, memory_budget: int) -> list[list[Any]]:
        """The blocks of the Jacobian, by targets and sources, in reverse mode."""
        sources = self.chosen.leaves
        whole = self.recorder.jacobian(self.joined, sources, "zero", memory_budget=memory_budget)
        if len(self.targets) == 1:
            return [whole]
        found, first = [], 0
        for t in self.targets:
            rows = slice(first, first := first + t.size)
            pairs = zip(whole, sources, strict=True)
            found.append([part[rows].reshape((*t.shape, *s.shape)) for part, s in pairs])
        return found

    def _by_columns(self, memory_budget: int) -> list[list[Any]]:
        """The blocks of the Jacobian, by targets and sources, in forward mode."""
        sources, targets = self.chosen.leaves, self.targets
        blocks = list(columns(self.recorder, sources, targets, memory_budget))
        found = []
        for i, t in enumerate(targets):
            parts: list[list[Any]] = [[] for _ in sources]
            for block in blocks:
                for j, entries, share in block[i]:
                    if share is None:
                        count = entries.stop - entries.start
                        share = np.zeros((count, *t.shape), sources[j].dtype)
                    parts[j].append(share)
            found.append([_column_block(p, t, s) for p, s in zip(parts, sources, strict=True)])
        return found


def columns(
    linear: Linearization, sources: list[Tensor], targets: list[Tensor], memory_budget: int
) -> Iterator[list[list[tuple[int, slice, Any]]]]:
    """Columns of a Jacobian in blocks: batches of unit tangents, pushed.

    Each block says for each target, for each source that has columns in it: which source that is,
    its entries in the block, and an array of shape ``(columns, *target.shape)``, or None where the
    target does not depend on them.
    """
    widest = max([t.size * t.dtype.itemsize for t in [*sources, *targets]])
    step = max(1, memory_budget // max(widest, 1))
    total = sum([s.size for s in sources])
    for first in range(0, total, step):
        n = min(step, total - first)
        seeds: list[Any] = []
        places, offset = [], first
        for j, s in enumerate(sources):
            # The identity's columns that belong to this source, if any do.
            low, high = max(offset, 0), min(offset + n, s.size)
            if low < high:
                places.append((j, slice(low, high), slice(low - offset, high - offset)))
                seeds.append(np.eye(n, s.size, offset, s.dtype).reshape(n, *s.shape))
            else:
                seeds.append(None)
            offset -= s.size
        alive = [None if seed is None else seed != 0 for seed in seeds]
        pushed = linear.push(targets, seeds, (n,), alive)
        turned: list[Any] = [None] * len(targets)
        if any([seeds[j].dtype.kind == "c" for j, *_ in places]):
            sides = [None if s is None or s.dtype.kind != "c" else s * 1j for s in seeds]
            turned = linear.push(targets, sides, (n,), alive)
        yield [
            [
                (j, entries, _entry(real, side, rows, sources[j].dtype))
                for j, entries, rows in places
            ]
            for real, side in zip(pushed, turned, strict=True)
        ]


def _entry(along: Any, across: Any, rows: slice, dtype: Any) -> Any:
    """Entries of a Jacobian, from tangents along the real axis and, of complex ones, along 1j."""
    if along is None:
        return None
    if dtype.kind != "c":
        return cast(along[rows], dtype)
    across = np.real(across[rows]) if across is not None else 0
    return cast(np.real(along[rows]) + 1j * across, dtype)


def _column_block(parts: list[Any], target: Tensor, source: Tensor) -> Tensor:
    """The derivatives of a target by a source, from all blocks of its columns."""
    shape = (*target.shape, *source.shape)
    if not parts:
        return Tensor(np.zeros(shape, source.dtype)[()])
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
    block = np.moveaxis(joined, 0, -1).reshape(shape)
    return block if isinstance(block, Tensor) else Tensor(block if block.ndim else block[()])


def _entries(leaves: list[Tensor]) -> int:
    """How many numbers these hold; a complex one is two."""
    return sum([t.size * (2 if t.dtype.kind == "c" else 1) for t in leaves])


def _trace(
    f: Callable[..., Any],
    selection: Selection,
    has_aux: bool,
    memory_budget: int,
    operator: str,
) -> Callable[..., Any]:
    """A function that computes the trace of a Jacobian, without the whole of it."""
    memory_budget = checked_budget(memory_budget, BLOCK_BYTES)

    @functools.wraps(f)
    def trace(*args: Any, **kwargs: Any) -> Any:
        chosen = selection.of(args, kwargs)
        made = _Computed(chosen, "forward", has_aux)
        sources, targets = chosen.leaves, made.targets
        if [t.shape for t in targets] != [s.shape for s in sources]:
            raise ValueError(
                f"a {operator} needs a value of the shapes of what it is differentiated by, "
                f"{[s.shape for s in sources]}, but {named(f)} returned "
                f"{[t.shape for t in targets]}"
            )
        if any([s.dtype.kind == "c" for s in sources]):
            raise TypeError(
                f"{operator} of {named(f)} by complex arguments: take it by their real and "
                "imaginary parts"
            )
        if operator == "divergence":
            warn_if_independent(made.value, made.recorder, f)
        total: Any = Tensor(np.result_type(*[s.dtype for s in sources]).type(0))
        for block in columns(made.recorder, sources, targets, memory_budget):
            for i, parts in enumerate(block):
                for j, entries, share in parts:
                    if i == j and share is not None:
                        flat = np.reshape(share, (share.shape[0], -1))
                        total = total + np.trace(flat, entries.start)
        result = chosen.answer(total)
        return (result, chosen.answer(made.aux)) if has_aux else result

    return trace
