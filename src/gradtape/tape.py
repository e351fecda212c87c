"""The gradient tape: a list of records, walked backwards once.

R. E. Wengert, "A simple automatic derivative evaluation program", CACM 7 (1964), 463-464, is where
the list comes from; the reverse walk is S. Linnainmaa's (1970). Each tape has its own list and its
own set of tracked keys, which is what makes nested tapes, ``stop_recording``, ``reset`` and
watching come out tape by tape.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from gradtape import errors
from gradtape.guards import Guard
from gradtape.nest import flatten, pack
from gradtape.recording import active, new_key, start, stop
from gradtape.rules import cast
from gradtape.tensor import Tensor, Variable, bare

__all__ = ["GradientTape", "UnconnectedGradients"]

#: An identity cotangent for a Jacobian is cut into blocks of about this size.
BLOCK_BYTES = 1 << 25


class UnconnectedGradients(enum.Enum):
    """What a gradient is when the target does not depend on the source: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Record what is computed in a ``with`` block, to differentiate it afterwards.

    Parameters
    ----------
    persistent : whether ``gradient`` and ``jacobian`` may be called more than once. A tape that is
        not persistent frees what it recorded with the first call.
    watch_accessed_variables : whether trainable variables are watched when they are used.

    Examples
    --------
    >>> import gradtape as gt
    >>> x = gt.Variable(3.0)
    >>> with gt.GradientTape() as tape:
    ...     y = x**2
    >>> tape.gradient(y, x)
    Tensor(6.)
    """

    #: Whether dead branches are kept free of NaN; see docs/conventions.md.
    masks_dead_branches: ClassVar[bool] = True
    #: The class of the tensors that ``gradient`` answers with.
    tensor_class: ClassVar[type[Tensor]] = Tensor

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._recording = False
        self._consumed = True  # until it is entered, there is nothing to differentiate
        self._clear()

    def _clear(self) -> None:
        self._records: list[tuple[Any, ...]] = []
        self._variables: dict[Any, Variable] = {}
        self._guard = Guard()
        self._selects = False  # whether a record can leave entries dead
        self._replays = False  # whether a record runs the user's code, which may fail
        self.tracked: set[Any] = set()

    # Recording ------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError(
                "Tape is still recording, This can happen if you try to re-enter an already-active "
                "tape."
            )
        if self._consumed:
            self._clear()
            self._consumed = False
        self._resume()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._recording:
            self._pause()

    def _resume(self) -> None:
        start(self)
        self._recording = True

    def _pause(self) -> None:
        stop(self)
        self._recording = False

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Leave out of the tape what is computed in the block; the tape itself is kept."""
        if not self._recording:
            raise ValueError("Tape is not recording: stop_recording works inside its with block.")
        self._pause()
        try:
            yield
        finally:
            self._resume()

    def reset(self) -> None:
        """Forget everything recorded and watched so far."""
        self._clear()

    def watch(self, tensor: Any) -> None:
        """Track a tensor, or every tensor of a nest, from now on.

        Raises
        ------
        ValueError : something is not a Tensor or Variable.
        """
        for t in flatten(tensor):
            if not isinstance(t, Tensor):
                raise ValueError(
                    f"Passed in object {errors.describe(t)}, of type '{type(t).__name__}', not a "
                    "Tensor or Variable: watch takes tensors; make one with gradtape.constant(...)."
                )
            if t.dtype.kind not in "fc":
                warnings.warn(
                    f"The dtype of the watched tensor must be floating (e.g. float32), got "
                    f"{t.dtype}: integers and booleans have no gradient.",
                    stacklevel=2,
                )
                continue
            self._watch(t)

    def _watch(self, t: Tensor) -> None:
        if t.key is None:
            t.key = new_key()
        self.tracked.add(t.key)
        if isinstance(t, Variable):
            self._variables[t.key] = t

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables watched so far, in the order in which they were first seen."""
        return tuple(self._variables.values())

    def tracks(self, tensor: Tensor) -> bool:
        """Whether a use of the tensor would be recorded."""
        return tensor.key in self.tracked or (tensor.trainable and self._watch_accessed)

    def record(
        self, primitive: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """See one primitive call: append a record if an input is tracked; return the output's key."""
        tracked = self.tracked
        mask, bit = 0, 1
        keys = []
        for t in inputs:
            k = t.key if isinstance(t, Tensor) else None
            if k is not None:
                if k in tracked:
                    mask |= bit
                elif t.trainable and self._watch_accessed and t.dtype.kind in "fc":
                    self._watch(t)
                    mask |= bit
            keys.append(k)
            bit <<= 1
        if not mask:
            return key
        if None in keys:
            arrays = self._guarded(primitive, inputs, arrays, mask)
        saved, notes = primitive.save(mask, arrays, out)
        if key is None:
            key = tuple([new_key() for _ in out]) if type(out) is tuple else new_key()
        tracked.update(key) if type(key) is tuple else tracked.add(key)
        if primitive.selects:
            self._selects = True
        if primitive.kind == "user":
            self._replays = True
        in_keys = keys if mask == bit - 1 else [k if mask >> i & 1 else None for i, k in enumerate(keys)]
        self._records.append((primitive, key, in_keys, keys, saved, notes, params))
        return key

    def _guarded(self, primitive: Any, inputs: Any, arrays: Any, mask: int) -> Any:
        """The arrays of a call, with those of the user's that a rule needs put under guard."""
        needed = primitive.needed[mask if len(primitive.needed) > mask else -1]
        for i, value in enumerate(inputs):
            if type(value) is np.ndarray and (i in needed or primitive.arity != len(inputs)):
                kept = self._guard.keep(value, primitive.name, i)
                arrays = (*arrays[:i], kept, *arrays[i + 1 :])
        return arrays

    # Differentiating ------------------------------------------------------------------------------

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """Gradients of the sum of the targets with respect to each source.

        Parameters
        ----------
        target : a tensor or a nest of tensors; several are summed.
        sources : a tensor or variable, or a nest of them.
        output_gradients : weights of the targets' entries, one of its shape per target; ones by
            default.
        unconnected_gradients : ``"none"`` or ``"zero"``: what to answer where the target does not
            depend on the source.

        Returns
        -------
        A nest like ``sources``: per source a tensor of its shape and dtype, or None.

        Raises
        ------
        RuntimeError : the tape is not persistent and was used already.
        """
        unconnected = self._begin(target, unconnected_gradients)
        leaves = self._sources(sources)
        seeds = self._seeds(target, output_gradients)
        shares = self._sweep(seeds, [s.key for s in leaves], ())
        results = [
            self._answer(share, s, s.shape, unconnected)
            for share, s in zip(shares, leaves, strict=True)
        ]
        self._end()
        return pack(sources, results)

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivative of every entry of the target with respect to every entry of each source.

        One backward pass with an identity cotangent, in blocks when that is large.

        Parameters
        ----------
        target : a tensor.
        sources : a tensor or variable, or a nest of them.
        unconnected_gradients : as in ``gradient``.
        parallel_iterations, experimental_use_pfor : accepted for TensorFlow's sake; no effect.

        Returns
        -------
        A nest like ``sources``: per source a tensor of shape ``target.shape + source.shape``.
        """
        unconnected = self._begin(target, unconnected_gradients)
        leaves = self._sources(sources)
        t = self._target(target, "jacobian")
        results = [
            self._answer(
                share if share is None else share.reshape(t.shape + s.shape),
                s,
                t.shape + s.shape,
                unconnected,
            )
            for share, s in zip(self._rows(t, leaves, np.eye, t.size), leaves, strict=True)
        ]
        self._end()
        return pack(sources, results)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The Jacobian of each example of a batch: row ``i`` of target against row ``i`` of source.

        Parameters
        ----------
        target, source : tensors of at least two axes, the first of equal length.
        unconnected_gradients : as in ``gradient``; as in TensorFlow the answer is zeros either way.

        Returns
        -------
        A tensor of shape ``(b, *target.shape[1:], *source.shape[1:])``.
        """
        self._begin(target, unconnected_gradients)
        (s,) = self._sources(source)
        t = self._target(target, "batch_jacobian")
        for x in (t, s):
            if x.ndim < 2:
                raise ValueError(f"Shape {x.shape} must have rank at least 2")
        if t.shape[0] != s.shape[0]:
            raise ValueError(
                f"Need first dimension of target shape ({t.shape}) and source shape ({s.shape}) to "
                "match."
            )
        b, rest = t.shape[0], t.shape[1:]
        m = t.size // b if b else 0

        def seeds(rows: int, columns: int, k: int, dtype: Any) -> Any:
            return np.broadcast_to(np.eye(rows, m, k, dtype)[:, None], (rows, b, m))

        (share,) = self._rows(t, [s], seeds, m)
        shape = (b, *rest, *s.shape[1:])
        if share is not None:
            share = np.moveaxis(share, 0, 1).reshape(shape)
        self._end()
        return self._answer(share, s, shape, UnconnectedGradients.ZERO)

    def _rows(self, t: Tensor, leaves: list[Tensor], identity: Any, count: int) -> list[Any]:
        """Per source, the cotangents that belong to ``count`` rows of seeds, in blocks."""
        widest = max([t.size, *[s.size for s in leaves], 1])
        step = max(1, BLOCK_BYTES // (widest * t.dtype.itemsize))
        blocks: list[list[Any]] = [[] for _ in leaves]
        for first in range(0, count, step):
            rows = min(step, count - first)
            seed = identity(rows, t.size, first, t.dtype).reshape(rows, *t.shape)
            alive = seed != 0 if self.masks_dead_branches else None
            shares = self._sweep([(t.key, seed)], [s.key for s in leaves], (rows,), alive)
            for block, share in zip(blocks, shares, strict=True):
                block.append(share)
        return [
            None if not block or block[0] is None
            else block[0] if len(block) == 1
            else np.concatenate(block)
            for block in blocks
        ]

    def _begin(self, target: Any, unconnected_gradients: Any) -> UnconnectedGradients:
        """Check that the tape can differentiate now; a tape that is not persistent stops here."""
        if self._consumed:
            raise RuntimeError(errors.CONSUMED)
        if self._recording and not self._persistent:
            self._pause()
        if target is None:
            raise TypeError(
                "Argument `target` should be a list or nested structure of Tensors, Variables or "
                "CompositeTensors to be differentiated, but received None."
            )
        try:
            unconnected = UnconnectedGradients(
                getattr(unconnected_gradients, "value", unconnected_gradients)
            )
        except ValueError:
            raise ValueError(
                f"Unknown value for unconnected_gradients: {unconnected_gradients!r}"
            ) from None
        self._guard.check()
        return unconnected

    def _end(self) -> None:
        """Free the records of a tape that is not persistent."""
        if not self._persistent:
            variables = self._variables
            self._clear()
            self._variables = variables
            self._consumed = True

    def _sources(self, sources: Any) -> list[Tensor]:
        """The leaves of the sources, each with a key."""
        leaves = flatten(sources)
        for s in leaves:
            if not isinstance(s, Tensor):
                raise TypeError(
                    f"argument `sources` holds {errors.describe(s)}: a gradient is taken with "
                    "respect to tensors and variables. Make it a gradtape.Variable, or a "
                    "gradtape.constant that the tape watches, before it is used."
                )
            if s.dtype.kind not in "fc":
                warnings.warn(
                    f"The dtype of the source tensor must be floating (e.g. float32) when "
                    f"calling GradientTape.gradient, got {s.dtype}: its gradient is None.",
                    stacklevel=3,
                )
            if s.key is None:
                s.key = new_key()
        return leaves

    def _target(self, target: Any, method: str) -> Tensor:
        if not isinstance(target, Tensor):
            raise TypeError(
                f"argument `target` of {method} must be one tensor, but is "
                f"{errors.describe(target)}. Stack several with np.stack, or call it for each."
            )
        return target

    def _seeds(self, target: Any, output_gradients: Any) -> list[tuple[Any, Any]]:
        """The cotangents from which the walk starts: (key, seed) of each target."""
        targets = flatten(target)
        given = [] if output_gradients is None else flatten(output_gradients)
        seeds = []
        for i, t in enumerate(targets):
            if not isinstance(t, Tensor):
                raise TypeError(
                    f"argument `target` holds {errors.describe(t)}: only tensors that were "
                    "computed under the tape can be differentiated."
                )
            if t.key is None:
                continue
            if i < len(given):
                seeds.append((t.key, _seed(t, given[i], i)))
            else:
                one = t.dtype.type(1)
                seeds.append((t.key, np.full(t.shape, one) if t.shape else one))
        return seeds

    def _sweep(
        self, seeds: list[tuple[Any, Any]], wanted: list[Any], batch: tuple[int, ...], alive: Any = None
    ) -> list[Any]:
        """Walk the records backwards; return the cotangents of the wanted keys, or None."""
        selects = self._selects or alive is not None
        walk = _Walk(self._records, wanted, batch, nested=bool(active()))
        with np.errstate(all="ignore"):
            if not selects:
                return walk.plain(seeds, free=not (self._persistent or self._replays or batch))
            if self.masks_dead_branches and not walk.nested:
                shares = walk.plain(seeds)
                if not any([_has_nan(share) for share in shares]):
                    return shares  # masks only ever turn NaN into zeros
            return walk.masked(seeds, alive, self.masks_dead_branches)

    def _answer(
        self, share: Any, source: Tensor, shape: tuple[int, ...], unconnected: UnconnectedGradients
    ) -> Tensor | None:
        """A cotangent as the user gets it."""
        if source.dtype.kind not in "fc":
            share = None
        if share is None:
            if unconnected is UnconnectedGradients.NONE:
                return None
            zero = source.dtype.type(0)
            return self.tensor_class(np.zeros(shape, source.dtype) if shape else zero)
        if isinstance(share, Tensor):
            return self.tensor_class(share.array, share.key)
        return self.tensor_class(share if share.ndim else share[()])


def _seed(target: Tensor, given: Any, position: int) -> Any:
    """A cotangent that the user gave for a target, checked."""
    seed = given if isinstance(given, Tensor) else np.asarray(given, target.dtype)
    if seed.shape != target.shape:
        if seed.ndim:
            raise errors.GradientShapeError(
                f"argument `output_gradients`: number {position} has shape {seed.shape}, but its "
                f"target has shape {target.shape}; give one weight per entry of the target."
            )
        seed = np.broadcast_to(seed, target.shape)
    return cast(seed, target.dtype) if active() else cast(bare(seed), target.dtype)


def _has_nan(share: Any) -> bool:
    """Whether an array holds a NaN: then, and only then, so does its product with itself."""
    if share is None:
        return False
    square = np.vdot(share, share)
    return bool(square != square)


class _Walk:
    """One walk backwards over a list of records.

    Parameters
    ----------
    records : the tape's list.
    wanted : the keys whose cotangents are the answer.
    batch : the extra leading axes of every cotangent.
    nested : whether other recorders look on, so that the rules must run on tensors.
    """

    __slots__ = ("batch", "nested", "records", "wanted")

    def __init__(
        self, records: list[Any], wanted: list[Any], batch: tuple[int, ...], nested: bool
    ) -> None:
        self.records, self.wanted, self.batch, self.nested = records, wanted, batch, nested

    def plain(self, seeds: list[tuple[Any, Any]], free: bool = False) -> list[Any]:
        """The cotangents of the wanted keys; ``free`` lets go of each record once it is used."""
        cotangents: dict[Any, Any] = {}
        owned: set[Any] = set()  # keys whose cotangent is an array of our own, to add to in place
        _add_all(cotangents, owned, self._tensors(seeds))
        kept = set(self.wanted)
        batch, nested = self.batch, self.nested
        for record in _draining(self.records) if free else reversed(self.records):
            g = _take(cotangents, record[1], kept)
            if g is not None:
                saved = _lift(record) if nested else record[4]
                _add_all(cotangents, owned, record[0].pull(g, record, saved, batch))
        return [cotangents.get(key) for key in self.wanted]

    def masked(self, seeds: list[tuple[Any, Any]], alive: Any, tracking: bool) -> list[Any]:
        """The same, with zeros wherever the target does not depend on an entry.

        Without ``tracking`` each selection zeroes what it leaves out, but nothing remembers it:
        that is TensorFlow's arithmetic.
        """
        cotangents: dict[Any, Any] = {}
        live: dict[Any, Any] = {}  # keys that have a cotangent and no mask are alive everywhere
        shares = [(key, seed, alive) for key, seed in self._tensors(seeds)]
        _add_masked(cotangents, live, shares, tracking)
        kept = set(self.wanted)
        for record in reversed(self.records):
            g = _take(cotangents, record[1], kept)
            if g is not None:
                mask = live.pop(record[1], None)
                saved = _lift(record) if self.nested else record[4]
                shares = record[0].pull_masked(g, mask, record, saved, self.batch)
                _add_masked(cotangents, live, shares, tracking)
        return [cotangents.get(key) for key in self.wanted]

    def _tensors(self, seeds: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        """The seeds as tensors, when other recorders look on."""
        if not self.nested:
            return seeds
        return [(key, g if isinstance(g, Tensor) else Tensor(g)) for key, g in seeds]


def _draining(records: list[Any]) -> Iterator[Any]:
    """The records from the last to the first, each taken off the list."""
    while records:
        yield records.pop()


def _take(cotangents: dict[Any, Any], key: Any, kept: set[Any]) -> Any:
    """The cotangent of a record's output, or None; it stays only where it is wanted."""
    if type(key) is not tuple:
        return cotangents.get(key) if key in kept else cotangents.pop(key, None)
    several = [_take(cotangents, k, kept) for k in key]
    return None if all([g is None for g in several]) else several


def _add_all(cotangents: dict[Any, Any], owned: set[Any], shares: list[tuple[Any, Any]]) -> None:
    """Add shares to the cotangents; the first is kept as it is, the second makes a new array."""
    for key, share in shares:
        if key not in cotangents:
            cotangents[key] = share
        elif key in owned:
            cotangents[key] += share
        else:
            cotangents[key] = cotangents[key] + share
            owned.add(key)


def _add_masked(
    cotangents: dict[Any, Any], live: dict[Any, Any], shares: list[Any], tracking: bool
) -> None:
    """Add shares to the cotangents, and merge their liveness."""
    for key, share, mask in shares:
        if key in cotangents:
            cotangents[key] = cotangents[key] + share
            if mask is None:
                live.pop(key, None)
            elif key in live:
                live[key] = live[key] | mask
        else:
            cotangents[key] = share
            if mask is not None and tracking:
                live[key] = mask


def _lift(record: tuple[Any, ...]) -> tuple[Any, ...]:
    """The saved values as tensors under their keys, for other recorders to see."""
    primitive, out_key, _, keys, saved, _, _ = record
    return primitive.lift(saved, keys, out_key, Tensor)  # type: ignore[no-any-return]
