"""The gradient tape: a list of records.

R. E. Wengert, "A simple automatic derivative evaluation program", CACM 7 (1964), 463-464, is where
the list comes from. Each tape has its own list and its own set of tracked keys, which is what makes
nested tapes, ``stop_recording``, ``reset`` and watching come out tape by tape.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from gradtape import errors
from gradtape.guards import WRITABLE, Guard
from gradtape.nest import flatten, pack
from gradtape.patterns import Sparsity, by_colours
from gradtape.recording import ACTIVE, active, new_key, start, stop
from gradtape.rows import Way, checked_budget, rows
from gradtape.sweep import seeds_of, sweep
from gradtape.tensor import Tensor, new
from gradtape.trace import Answer, Trace
from gradtape.variable import Variable
from gradtape.views import Views
from gradtape.writes import watched

__all__ = ["GradientTape", "UnconnectedGradients"]

#: An identity cotangent for a Jacobian is cut into blocks of about this size by default.
BLOCK_BYTES = 1 << 22


class UnconnectedGradients(enum.Enum):
    """What a gradient is when the target does not depend on the source: None, or zeros."""

    NONE = "none"
    ZERO = "zero"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise ValueError(
            f"Unknown value for unconnected_gradients: {value!r} (it is 'none' or 'zero')"
        )


_NONE: UnconnectedGradients = UnconnectedGradients.NONE
_TENSORS = frozenset([Tensor, Variable])


class GradientTape(Views):
    """Record what is computed in a ``with`` block, to differentiate it afterwards.

    Parameters
    ----------
    persistent : whether ``gradient`` and ``jacobian`` may be called more than once. A tape that is
        not persistent frees what it recorded with the first call.
    watch_accessed_variables : whether trainable variables are watched when they are used.
    trace : whether to keep every value and the user's source lines beside the records, for
        ``explain``, ``draw`` and ``summary``. It takes time and memory.

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

    def __init__(
        self,
        persistent: bool = False,
        watch_accessed_variables: bool = True,
        *,
        trace: bool = False,
    ) -> None:
        self.trace = Trace() if trace else None
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._recording = False
        self._usable = False  # whether there is anything to differentiate
        self._spent = False  # whether a gradient was computed and the records freed
        GradientTape.reset(self)

    # Recording ------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget everything recorded and watched so far."""
        self._records: list[tuple[Any, ...]] = []
        self._variables: dict[Any, Variable] = {}
        self._guard: Guard | None = None
        self._selects = False  # whether a record can leave entries dead
        self._replays = False  # whether a record runs the user's code, which may fail
        self.tracked: set[Any] = set()
        if self.trace is not None:
            self.trace.beside(self._records, self.tracked, self)

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError(
                "Tape is still recording, This can happen if you try to re-enter an already-active "
                "tape."
            )
        if self._spent:
            GradientTape.reset(self)
            self._spent = False
        self._usable = self._recording = True
        ACTIVE.set((*active(), self))
        if self.trace is not None:
            start(self.trace)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.trace is not None:
            stop(self.trace)
        if self._recording:
            self._recording = False
            stack = active()
            if stack[-1] is self:
                ACTIVE.set(stack[:-1])
            else:  # tapes may be left in any order
                stop(self)

    def _pause(self) -> None:
        stop(self)
        self._recording = False

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Leave out of the tape what is computed in the block; the tape itself is kept."""
        if not self._usable:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        if not self._recording:
            raise ValueError("Tape is not recording: stop_recording works inside its with block.")
        self._pause()
        try:
            yield
        finally:
            start(self)
            self._recording = True

    def watch(self, tensor: Any) -> None:
        """Track a tensor, or every tensor of a nest, from now on.

        Raises
        ------
        ValueError : something is not a Tensor or Variable.
        """
        for t in flatten(tensor):
            if not isinstance(t, Tensor):
                raise ValueError(
                    f"Passed in object {t} of type '{type(t).__name__}', not tf.Tensor or "
                    "tf.Variable or ExtensionType. (argument `tensor` of watch takes tensors: "
                    "make one with gradtape.constant(...) and compute with that.)"
                )
            if t.array.dtype.kind not in "fc":
                warnings.warn(
                    f"The dtype of the watched tensor must be floating (e.g. tf.float32), got "
                    f"{t.array.dtype}: integers and booleans have no gradient.",
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
        else:
            watched(t)

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables watched so far, in the order in which they were made."""
        return tuple([self._variables[key] for key in sorted(self._variables)])

    def tracks(self, tensor: Tensor) -> bool:
        """Whether a use of the tensor would be recorded."""
        return tensor.key in self.tracked or (
            tensor.trainable and self._watch_accessed and tensor.array.dtype.kind in "fc"
        )

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """See one call: append a record if an input is tracked; return the output's key."""
        tracked = self.tracked
        mask, bit = 0, 1
        for k in keys:
            if k in tracked:
                mask |= bit
            elif k is not None:
                t = inputs[keys.index(k)]
                if t.trainable and self._watch_accessed and t.array.dtype.kind in "fc":
                    tracked.add(k)
                    self._variables[k] = t
                    mask |= bit
            bit += bit
        if not mask:
            return key
        saved = primitive.keep[mask]
        if type(saved) is not tuple:  # else no value is needed
            if None in keys and not WRITABLE.isdisjoint(map(type, inputs)):
                arrays = self._guarded(primitive, inputs, arrays, mask)
            saved = saved(arrays + (out, None))  # noqa: RUF005  (faster than unpacking)
        notes = primitive.notes(mask, arrays, out) if primitive.noted else None
        if key is None:
            key = new_key()
        tracked.add(key)
        if primitive.special:  # a selection, a call of the user's, one with several outputs
            self._selects = self._selects or primitive.selects
            self._replays = self._replays or primitive.kind == "user"
            if type(key) is tuple:
                tracked.update(key)
        self._records.append((primitive, key, mask, keys, saved, notes, params))
        return key

    def _guarded(self, primitive: Any, inputs: Any, arrays: Any, mask: int) -> Any:
        """The arrays of a call, with those of the user's that a rule needs put under guard."""
        for i, value in enumerate(inputs):
            if type(value) in WRITABLE:
                needed = primitive.needs(mask)
                if needed is None or i in needed:
                    if self._guard is None:
                        self._guard = Guard()
                    kept = self._guard.keep(value, primitive.name, i)
                    arrays = (*arrays[:i], kept, *arrays[i + 1 :])
        return arrays

    # Differentiating ------------------------------------------------------------------------------

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = _NONE,
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
        ValueError : an output gradient has a wrong shape, or ``unconnected_gradients`` is unknown.
        TypeError : a target or source is not a tensor.
        ChangedArrayError : an array that the tape needs was written to.
        """
        unconnected = self._begin(target, unconnected_gradients)
        leaves, wanted = self._sources(sources)
        seeds = seeds_of(target, output_gradients)
        # Other calls, a second try after the user's code failed, a trace need the records again.
        free = not (self._persistent or self._replays or self.trace is not None)
        try:
            shares = sweep(
                self._records,
                seeds,
                wanted,
                self._selects,
                self.masks_dead_branches,
                free=free,
                foreign=self._replays,
            )
        except BaseException:
            if free:  # part of the records is gone: the tape cannot answer again
                self._end()
            raise
        cls = self.tensor_class
        results: list[Any] = []
        for share, s in zip(shares, leaves, strict=True):
            if share is None or isinstance(share, Tensor):
                results.append(self._answer(share, s, s.array.shape, unconnected))
            else:
                result = new(cls)
                result.array, result.key = share if share.ndim else share[()], None
                results.append(result)
        if self.trace is not None:
            self.trace.answered(self._answered(target, leaves, results, seeds))
        self._end()
        return results if leaves is sources else pack(sources, results)

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = _NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
        *,
        sparse: bool | Sparsity = False,
        memory_budget: int | None = None,
    ) -> Any:
        """The derivative of every entry of the target with respect to every entry of each source.

        One backward pass with an identity cotangent, in blocks when that is large.

        Parameters
        ----------
        target : a tensor.
        sources : a tensor or variable, or a nest of them.
        unconnected_gradients : as in ``gradient``.
        parallel_iterations, experimental_use_pfor : accepted for TensorFlow's sake; no effect.
        sparse : whether to answer with ``scipy.sparse`` arrays, in as few passes as the pattern of
            the derivative has colours; a pattern of ``gt.sparsity`` is used as it is.
        memory_budget : how many bytes the cotangents of a block may take; 4 MiB by default.

        Returns
        -------
        A nest like ``sources``: per source a tensor of shape ``target.shape + source.shape``, or,
        where ``sparse``, a ``csr_array`` of shape ``(target.size, source.size)``, without entries
        where the target does not depend on the source.
        """
        unconnected = self._begin(target, unconnected_gradients)
        leaves, wanted = self._sources(sources)
        t = _one_target(target, "jacobian")
        budget = checked_budget(memory_budget, BLOCK_BYTES)
        if sparse is not False:
            found = by_colours(self.way(wanted), t, leaves, sparse, budget, GradientTape)
            self._end()
            return pack(sources, found)
        results = []
        shares = rows(self.way(wanted), t, leaves, np.eye, t.array.size, budget)
        for share, s in zip(shares, leaves, strict=True):
            shape = (*t.array.shape, *s.array.shape)
            whole = None if share is None else share.reshape(shape)
            results.append(self._answer(whole, s, shape, unconnected))
        self._end()
        return pack(sources, results)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = _NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
        *,
        memory_budget: int | None = None,
    ) -> Any:
        """The Jacobian of each example of a batch: row ``i`` of target against row ``i`` of source.

        Parameters
        ----------
        target, source : tensors of at least two axes, the first of equal length.
        unconnected_gradients : as in ``gradient``; as in TensorFlow the answer is zeros either way.
        parallel_iterations, experimental_use_pfor : accepted for TensorFlow's sake; no effect.
        memory_budget : as in ``jacobian``.

        Returns
        -------
        A tensor of shape ``(b, *target.shape[1:], *source.shape[1:])``.
        """
        self._begin(target, unconnected_gradients)
        if not isinstance(source, Tensor):
            raise TypeError(
                "argument `source` of batch_jacobian must be one tensor, but is "
                f"{errors.describe(source)}. Call it for each source."
            )
        t = _one_target(target, "batch_jacobian")
        (s,), wanted = self._sources([source])
        t_shape, s_shape = tuple(t.array.shape), tuple(s.array.shape)
        for shape in (t_shape, s_shape):
            if len(shape) < 2:
                raise ValueError(f"Shape {shape} must have rank at least 2")
        if t_shape[0] != s_shape[0]:
            raise ValueError(
                f"Need first dimension of target shape ({t_shape}) and source shape ({s_shape}) to "
                "match."
            )
        b = t_shape[0]
        m = t.array.size // b if b else 0

        def seeds(n: int, columns: int, k: int, dtype: Any) -> Any:
            return np.broadcast_to(np.eye(n, m, k, dtype)[:, None], (n, b, m))

        budget = checked_budget(memory_budget, BLOCK_BYTES)
        (share,) = rows(self.way(wanted), t, [s], seeds, m, budget)
        shape = (b, *t_shape[1:], *s_shape[1:])
        if share is not None:
            share = np.moveaxis(share, 0, 1).reshape(shape)
        self._end()
        return self._answer(share, s, shape, UnconnectedGradients.ZERO)

    def way(self, wanted: list[Any]) -> Way:
        """The way back over the records to some keys: for derivatives of other kinds."""
        if self._guard is not None:
            self._guard.check()
        return Way(self._records, wanted, self._selects, self.masks_dead_branches, self._replays)

    def _begin(self, target: Any, unconnected_gradients: object) -> UnconnectedGradients:
        """Check that the tape can differentiate now; a tape that is not persistent stops here."""
        if not self._usable:
            raise RuntimeError(errors.CONSUMED)
        if self._recording and not self._persistent:
            self._pause()
            if self.trace is not None:
                stop(self.trace)
        if target is None:
            raise TypeError(
                "Argument `target` should be a list or nested structure of Tensors, Variables or "
                "CompositeTensors to be differentiated, but received None."
            )
        if self._guard is not None:
            self._guard.check()
        if unconnected_gradients is _NONE:
            return _NONE
        return UnconnectedGradients(getattr(unconnected_gradients, "value", unconnected_gradients))

    def _answered(self, target: Any, sources: Any, results: Any, seeds: Any) -> Answer:
        """What a trace keeps of a gradient; the records as they are now."""
        masks, records = self.masks_dead_branches, list(self._records)
        flags = self._selects, masks, self._replays
        return Answer(target, list(sources), results, records, seeds, *flags)

    def _end(self) -> None:
        """Free the records of a tape that is not persistent."""
        if not self._persistent:
            self._records = []
            self._guard = None
            self._usable, self._spent = False, True

    def _sources(self, sources: Any) -> tuple[list[Tensor], list[Any]]:
        """The leaves of the sources, and their keys."""
        leaves = sources
        wanted = [s.key for s in sources if type(s) in _TENSORS] if type(sources) is list else []
        if not wanted or len(wanted) != len(sources):  # else it is its own list of leaves
            leaves = flatten(sources)
            for s in leaves:
                if not isinstance(s, Tensor):
                    raise TypeError(
                        f"argument `sources` holds {errors.describe(s)}: a gradient is taken with "
                        "respect to tensors and variables. Make it a gradtape.Variable, or a "
                        "gradtape.constant that the tape watches, before it is used."
                    )
        if None in wanted or len(wanted) != len(leaves):
            for s in leaves:
                s.key = s.key or new_key()
            wanted = [s.key for s in leaves]
        return leaves, wanted

    def _answer(
        self, share: Any, source: Tensor, shape: Any, unconnected: UnconnectedGradients
    ) -> Tensor | None:
        """A cotangent as the user gets it."""
        if share is None:
            if source.array.dtype.kind not in "fc":
                warnings.warn(
                    "The dtype of the source tensor must be floating (e.g. tf.float32) when "
                    f"calling GradientTape.gradient, got {source.array.dtype}: its gradient is "
                    "None.",
                    stacklevel=3,
                )
            if unconnected is _NONE:
                return None
            return self.tensor_class(np.zeros(shape, source.array.dtype)[()])
        if isinstance(share, Tensor):
            return self.tensor_class(share.array, share.key)
        return self.tensor_class(share if share.ndim else share[()])


def _one_target(target: Any, method: str) -> Tensor:
    if not isinstance(target, Tensor):
        raise TypeError(
            f"argument `target` of {method} must be one tensor, but is "
            f"{errors.describe(target)}. Stack several with np.stack, or call it for each."
        )
    return target
