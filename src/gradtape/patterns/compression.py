"""The derivative of groups of rows or columns: as many seeds as a pattern has colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradtape.calls import is_tracked
from gradtape.errors import TrackedConversionError, describe
from gradtape.patterns.dependence import dependence
from gradtape.patterns.found import Sparsity
from gradtape.rows import Way
from gradtape.tensor import Tensor, bare

__all__ = ["Pass", "by_colours", "by_groups", "cotangents", "found_in"]

Shape = tuple[int, ...]


class Pass(NamedTuple):
    """A derivative as a linear map, of seeds of one array: rows back, or columns forward.

    ``run(seed, batch, alive)`` takes seeds of shape ``batch + shape``, and ``alive`` of the same
    shape, or None: which entries are not zero by structure.
    """

    run: Callable[[Any, Shape, Any], Any]
    dtype: Any
    shape: Shape


def found_in(
    way: Way,
    target: Tensor,
    sources: list[Tensor],
    out_shapes: tuple[Any, ...],
    mode: str | None = None,
    check: bool = False,
) -> Sparsity:
    """The pattern of the sources' derivatives, and its colouring.

    ``out_shapes`` are the shapes of the arrays of which the target is the entries.
    """
    sizes = [s.array.size for s in sources]
    pattern = dependence(way.records, target.key, target.array.shape, way.wanted, sizes)
    shapes = tuple([s.array.shape for s in sources])
    return Sparsity(pattern, out_shapes, shapes, mode, check)


def by_colours(
    way: Way,
    target: Tensor,
    sources: list[Tensor],
    sparsity: Sparsity | bool,
    memory_budget: int,
    tape: Callable[[], Any],
) -> list[Any]:
    """The derivative of a target by each source as sparse arrays, from a tape's records alone.

    Parameters
    ----------
    sparsity : the pattern, or True: it is found here.
    tape : makes a fresh tape.
    """
    out_shapes = (target.array.shape,)
    if not isinstance(sparsity, (Sparsity, bool)):
        raise TypeError(
            "argument `sparse` of jacobian must be True, False, or what gradtape.sparsity(f)(x) "
            f"found, but is {describe(sparsity)}"
        )
    if isinstance(sparsity, Sparsity):
        sparsity.check_use(out_shapes, tuple([s.array.shape for s in sources]))
    else:
        sparsity = found_in(way, target, sources, out_shapes)
    forward = sparsity.mode == "forward" and sparsity.colors
    once = _tangents(way, target, sources, tape) if forward else cotangents(way, target, sources)
    dtypes = [s.array.dtype for s in sources]
    return by_groups(once, sparsity, dtypes, memory_budget, way.masks)[0]


def cotangents(way: Way, target: Tensor, sources: list[Tensor]) -> Pass:
    """From cotangents of the target to those of the sources."""

    def run(seed: Any, batch: Shape, alive: Any) -> Any:
        return _side_by_side(way.back(target.key, seed, batch, alive), sources, batch)

    return Pass(run, target.array.dtype, target.array.shape)


def _tangents(way: Way, target: Tensor, sources: list[Tensor], tape: Callable[[], Any]) -> Pass:
    """From tangents of the sources, in a row, to those of the target.

    A tape keeps nothing for forward rules. But the way back is linear in the cotangent, with the
    transposed Jacobian for its matrix: its own way back, recorded by a fresh tape, is the way
    forward.
    """
    # Which cotangent is sent does not matter, but that none of its sums is 0: TensorFlow's rule of
    # the square root looks at that.
    drawn = np.random.default_rng(0).standard_normal(target.array.shape)
    cotangent = Tensor(np.asarray(drawn).astype(target.array.dtype)[()])
    with tape() as recorder:
        recorder.watch(cotangent)
        row = _side_by_side(way.back(target.key, cotangent, ()), sources, ())
    forward = recorder.way([cotangent.key])
    row_key = getattr(row, "key", None)

    def run(seed: Any, batch: Shape, alive: Any) -> Any:
        (tangent,) = forward.back(row_key, seed, batch, alive)
        if tangent is None:  # zeros by nature, in which the cotangent has no part
            return np.zeros(batch + target.array.shape, target.array.dtype)
        return tangent

    return Pass(run, row.dtype, row.shape)


def _side_by_side(shares: list[Any], sources: list[Tensor], batch: Shape) -> Any:
    """The shares of all sources, the entries of each in a row; zeros where there are none."""
    rows = [
        np.zeros((*batch, s.array.size), s.array.dtype)
        if share is None
        else share.reshape((*batch, s.array.size))
        for share, s in zip(shares, sources, strict=True)
    ]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, -1)


def by_groups(
    once: Pass, sparsity: Sparsity, dtypes: list[Any], memory_budget: int, masks: bool
) -> list[list[Any]]:
    """The derivative as sparse arrays: for each output a list, by the sources.

    Parameters
    ----------
    once : the linear map: of cotangents, unless ``sparsity.mode`` asks for tangents.
    dtypes : the sources'.
    memory_budget : about how many bytes the largest array of a block of seeds may have.
    masks : whether dead entries are to be kept free of NaN.

    Raises
    ------
    TrackedConversionError : an active recorder tracks the result, and would lose sight of it.
    """
    if not sparsity.colors:
        return sparsity.blocks(np.zeros(1), dtypes)
    grouped = _in_blocks(once, sparsity, memory_budget, masks, 1)
    if sparsity.mode == "forward" and any([d.kind == "c" for d in dtypes]):
        # A tangent asks for the real part of an entry, one along the imaginary axis for the other.
        turned = _in_blocks(once, sparsity, memory_budget, masks, 1j)
        grouped = np.real(grouped) + 1j * np.real(turned)
    blocks = sparsity.blocks(grouped, dtypes)
    if sparsity.check:
        direction = np.random.default_rng(0).standard_normal(once.shape).astype(once.dtype)
        sparsity.compare(grouped, direction, _bare(once.run(direction, (), None)))
    return blocks


def _in_blocks(
    once: Pass, sparsity: Sparsity, memory_budget: int, masks: bool, unit: complex
) -> Any:
    """What comes of the seeds of all groups: an array with a row for each."""
    widest = max(*sparsity.shape, 1)
    step = max(1, memory_budget // (widest * once.dtype.itemsize))
    parts = []
    for first in range(0, sparsity.colors, step):
        n = min(step, sparsity.colors - first)
        batch = () if n == 1 else (n,)  # one seed alone costs less without an axis for it
        seed = sparsity.seeds(first, n, once.dtype).reshape(batch + once.shape)
        if unit != 1:
            seed = seed * unit
        alive = seed != 0 if masks else None
        if alive is not None and alive.all():
            alive = None
        parts.append(np.reshape(_bare(once.run(seed, batch, alive)), (n, -1)))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _bare(share: Any) -> Any:
    if isinstance(share, Tensor) and is_tracked(share):
        raise TrackedConversionError(
            "sparse derivatives are scipy.sparse arrays, in which the active tape that tracks what "
            "they are computed from would lose sight of it: leave out sparse=True here, or take "
            "the sparse derivative last, as in gt.jacobian(gt.grad(f), sparse=True)"
        )
    return bare(share)
