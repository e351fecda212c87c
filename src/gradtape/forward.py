"""Forward mode: derivatives carried alongside the computation, or pushed through it afterwards."""

from __future__ import annotations

import warnings
from collections.abc import MutableMapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy import ndarray

from gradtape import errors
from gradtape.arithmetic import align, cast, constant_times
from gradtape.elementwise import Choice, Elementwise
from gradtape.guards import WRITABLE, Guard
from gradtape.nest import flatten, map_structure
from gradtape.primitive import Primitive
from gradtape.recording import AS_SYMBOLS, InBlock, Recorder, active, as_symbol, new_key, only
from gradtape.sweep import QUIET
from gradtape.tape import GradientTape, UnconnectedGradients
from gradtape.tensor import Tensor

__all__ = ["ForwardAccumulator", "Linearization", "hold_nan"]

Batch = tuple[int, ...]
#: What a recorder sees of one primitive call that forward mode needs: the primitive, the inputs'
#: keys and arrays, the static parameters, the output and its key.
Call = tuple[Any, Any, Any, Any, Any, Any]


class ForwardAccumulator(InBlock):
    """Compute Jacobian-vector products while the function is computed, in a ``with`` block.

    Parameters
    ----------
    primals : a tensor or variable, or a nest of them: what is differentiated by.
    tangents : a nest like ``primals``: the direction, of the primals' shapes.

    Raises
    ------
    ValueError : the nests differ, a shape does not fit, or a primal is given twice.

    Examples
    --------
    >>> import gradtape as gt
    >>> x = gt.constant([1.0, 2.0])
    >>> with gt.ForwardAccumulator(x, gt.constant([1.0, 0.0])) as acc:
    ...     y = x**3
    >>> acc.jvp(y)
    Tensor([3., 0.])
    """

    #: As for the tape.
    masks_dead_branches: ClassVar[bool] = True
    tensor_class: ClassVar[type[Tensor]] = Tensor

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._recording = False
        #: The tangents by key: what this recorder tracks.
        self.tracked: dict[Any, Any] = {}
        #: The masks by key: without one all is alive; None: dead entries are not kept apart.
        self._live: dict[Any, Any] | None = {} if self.masks_dead_branches else None
        leaves, directions = flatten(primals), flatten(tangents)
        if len(leaves) != len(directions):
            raise ValueError(
                f"argument `tangents` has {len(directions)} leaves, but `primals` has "
                f"{len(leaves)}: give one tangent of the same shape for each primal, in the same "
                "structure."
            )
        for primal, direction in zip(leaves, directions, strict=True):
            self._watch(primal, direction)

    def _watch(self, primal: Any, direction: Any) -> None:
        if not isinstance(primal, Tensor):
            raise TypeError(
                f"argument `primals` holds {errors.describe(primal)}: make it a "
                "gradtape.constant or a gradtape.Variable first."
            )
        dtype = primal.array.dtype
        if dtype.kind not in "fc":
            warnings.warn(
                f"The dtype of the watched primal must be floating (e.g. float32), got {dtype}",
                stacklevel=4,
            )
            return
        if primal.key is not None and primal.key in self.tracked:
            raise ValueError(
                f"Tensor {primal!r} was specified as a primal multiple times. This may indicate "
                "an error. If it was intended, please sum the corresponding tangents."
            )
        if hasattr(direction, "__gradtape_symbol__"):
            direction = direction.strong(dtype)
        elif not isinstance(direction, Tensor):
            direction = np.array(direction, dtype)
        if direction.shape != primal.array.shape:
            raise ValueError(
                f"argument `tangents`: the tangent of {errors.describe(primal.array)} has shape "
                f"{tuple(direction.shape)}; it must have the primal's shape."
            )
        if primal.key is None:
            primal.key = new_key()
        self.tracked[primal.key] = as_symbol(direction)

    def __enter__(self) -> Self:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        self._recording = True
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__()
        self._recording = False

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """See one primitive call: compute the output's tangent; return the output's key."""
        tracked = self.tracked
        if tracked.keys().isdisjoint(keys):
            return key
        if key is None:
            key = new_key()
        stack = active()
        outer = stack[: stack.index(self)] if stack[0] is not self else ()
        _push(tracked, self._live, (primitive, keys, arrays, params, out, key), (), outer)
        return key

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """The tangents of a tensor, or of each tensor of a nest.

        Parameters
        ----------
        primals : what was computed in the block (or the primals themselves).
        unconnected_gradients : ``"none"`` or ``"zero"``: what to answer for a tensor that does not
            depend on the primals.

        Returns
        -------
        A nest like ``primals`` of tensors of the same shapes and dtypes, or None.
        """
        unconnected = UnconnectedGradients(
            getattr(unconnected_gradients, "value", unconnected_gradients)
        )

        def tangent_of(tensor: Any) -> Any:
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"argument `primals` of jvp holds {errors.describe(tensor)}: only tensors have "
                    "tangents; give what was computed in the accumulator's block."
                )
            tangent = self.tracked.get(tensor.key)
            if isinstance(tangent, Tensor):
                return self.tensor_class(tangent.array, tangent.key)
            if tangent is not None:
                return self.tensor_class(tangent if tangent.ndim else tangent[()])
            if unconnected is UnconnectedGradients.NONE:
                return None
            value = tensor.array
            return self.tensor_class(np.zeros(value.shape, value.dtype)[()])

        return map_structure(tangent_of, primals)


class Linearization(InBlock):
    """What a ``with`` block computes, as a linear map: tangents are pushed through it afterwards.

    It keeps of each primitive call what the forward rules need, and pushes any number of batches of
    tangents through the calls, without computing the function again.

    Parameters
    ----------
    primals : the tensors to differentiate by, each under a key of its own.
    beside : a tape that is active around it: the user's arrays that it guards need no second guard.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> from gradtape.forward import Linearization
    >>> x = gt.constant([1.0, 2.0])
    >>> with Linearization([x]) as linear:
    ...     y = x**3
    >>> linear.push([y], [np.array([1.0, 0.0])])
    [array([3., 0.])]
    >>> linear.push([y], [np.eye(2)], batch=(2,))
    [array([[ 3.,  0.],
           [ 0., 12.]])]
    """

    def __init__(self, primals: Sequence[Tensor], beside: GradientTape | None = None) -> None:
        self._beside = beside
        for primal in primals:
            if primal.key is None:
                primal.key = new_key()
        self._sources = [primal.key for primal in primals]
        self.tracked: set[Any] = set(self._sources)
        self._calls: list[Call] = []
        self._guard = Guard()
        self._again = False  # whether this is not the first push
        #: The partial derivatives by output and input, from the second push on.
        self._partials: dict[Any, dict[int, Any]] = {}
        self._plans: dict[tuple[Any, ...], list[tuple[Call, tuple[Any, ...]]]] = {}

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """See one primitive call; return the output's key."""
        tracked = self.tracked
        if tracked.isdisjoint(keys):
            return key
        if key is None:
            key = new_key()
        tracked.update(key if type(key) is tuple else (key,))
        values = (*arrays, out)
        needed = _needed(primitive, tuple([k in tracked for k in keys]))
        if needed is not None:
            values = tuple(
                [v if i in needed else _stand_in(v) for i, v in enumerate(values)],
            )
        for i, value in enumerate(inputs):
            if type(value) in WRITABLE and (needed is None or i in needed):
                kept = self._guarded_beside(primitive, i, key)
                if kept is None:
                    kept = self._guard.keep(value, primitive.name, i)
                values = (*values[:i], kept, *values[i + 1 :])
        self._calls.append((primitive, tuple(keys), values[:-1], params, values[-1], key))
        return key

    def _guarded_beside(self, primitive: Any, i: int, key: Any) -> Any:
        """What the tape beside keeps of a user's array, the input i of a call; or None."""
        records = self._beside._records if self._beside is not None else None
        if not records or records[-1][1] != key or type(primitive) not in (Elementwise, Primitive):
            return None
        saved = records[-1][4]
        return saved[i] if i < len(saved) else None

    def push(
        self,
        targets: Sequence[Any],
        directions: Sequence[Any],
        batch: Batch = (),
        alive: Sequence[Any] | None = None,
    ) -> list[Any]:
        """The tangents of the targets, from those of the primals.

        Parameters
        ----------
        targets : what was computed in the block, or bare values, which depend on nothing.
        directions : the tangent of each primal, of shape ``batch + primal.shape``.
        batch : the extra leading axes of the tangents.
        alive : for each primal which entries of its tangent are not zero by structure, or None:
            all.

        Returns
        -------
        For each target an array (a tensor where a recorder is active) of shape
        ``batch + target.shape``, or None where it does not depend on the primals.

        Raises
        ------
        ChangedArrayError : an array that the forward rules need was written to since.
        """
        self._guard.check()
        if self._beside is not None and self._beside._guard is not None:
            self._beside._guard.check()
        wanted = tuple([getattr(target, "key", None) for target in targets])
        recorders = active()
        plan = self._plans.get(wanted)
        if plan is None:
            plan = self._plans[wanted] = self._plan(wanted)
        live = {} if alive is None else dict(zip(self._sources, alive, strict=True))
        if not recorders:
            # Masks only ever turn NaN into zeros: see ``sweep``.
            found = self._pushed(plan, wanted, directions, None, batch, ())
            self._again = True
            if not hold_nan(found):
                return found
        return self._pushed(plan, wanted, directions, live, batch, recorders)

    def _pushed(
        self,
        plan: list[tuple[Call, tuple[Any, ...]]],
        wanted: tuple[Any, ...],
        directions: Sequence[Any],
        live: dict[Any, Any] | None,
        batch: Batch,
        recorders: tuple[Recorder, ...],
    ) -> list[Any]:
        if AS_SYMBOLS:
            directions = list(map(as_symbol, directions))
        tangents = dict(zip(self._sources, directions, strict=True))
        for call, spent in plan:
            partials = self._partials.setdefault(call[5], {}) if self._again else None
            _push(tangents, live, call, batch, recorders, partials)
            for key in spent:
                tangents.pop(key, None)
                if live is not None:
                    live.pop(key, None)
        found = [tangents.get(key) if key is not None else None for key in wanted]
        return found if recorders else [t.array if isinstance(t, Tensor) else t for t in found]

    def _plan(self, wanted: tuple[Any, ...]) -> list[tuple[Call, tuple[Any, ...]]]:
        """The calls that the targets depend on, each with the keys whose tangents it uses last."""
        needed = set(wanted)
        plan: list[tuple[Call, tuple[Any, ...]]] = []
        for call in reversed(self._calls):
            keys, out_key = call[1], call[5]
            if not needed.isdisjoint(out_key if type(out_key) is tuple else (out_key,)):
                spent = tuple(self.tracked.intersection(keys).difference(needed))
                needed.update(spent)
                plan.append((call, spent))
        return plan[::-1]


def _push(
    tangents: MutableMapping[Any, Any],
    live: MutableMapping[Any, Any] | None,
    call: Call,
    batch: Batch,
    recorders: tuple[Recorder, ...],
    partials: dict[int, Any] | None = None,
) -> None:
    """Add the tangents of a call's outputs, and their liveness, to those of its inputs.

    Without ``live``, dead entries get what the arithmetic gives. Where recorders look on, they see
    it computed: on tensors then. ``partials`` keeps the partial derivatives of an elementwise
    function for other pushes through the same call.
    """
    primitive, keys, arrays, params, out, key = call
    given = [tangents.get(k) for k in keys]
    masked = live is not None and (primitive.fills or not live.keys().isdisjoint(keys))
    # A push of its own is one that refuses to be tracked by some arguments.
    quick = type(primitive) in _QUICK and "push" not in vars(primitive)
    if quick and not (recorders or masked):
        values = (*arrays, out)
        tangents[key] = QUIET.copy().run(_plain, primitive, given, values, params, batch, partials)
        return
    if all([t is None for t in given]):
        return  # of several outputs, some have none
    several = type(out) is tuple
    masks = [live.get(k) for k in keys] if live else [None] * len(given)
    values = (*arrays, *out) if several else (*arrays, out)
    if recorders:
        every_key = (*keys, *key) if several else (*keys, key)
        pairs = zip(values, every_key, strict=True)
        values = tuple([v if k is None else Tensor(v, k) for v, k in pairs])
        given = [Tensor(t) if isinstance(t, (ndarray, np.generic)) else t for t in given]
    else:
        given = [t.array if isinstance(t, Tensor) else t for t in given]
    if recorders or primitive.kind == "user":  # which is to see the user's context
        with only(recorders), np.errstate(all="ignore"):
            tangent, mask = primitive.push(given, masks, values, params, batch)
    else:
        tangent, mask = QUIET.copy().run(primitive.push, given, masks, values, params, batch)
    if several:
        tangents.update(zip(key, tangent, strict=True))
        if mask is not None and live is not None:
            live.update(zip(key, mask, strict=True))
    else:
        tangents[key] = tangent
        if mask is not None and live is not None:
            live[key] = mask


#: The primitives that ``_plain`` knows.
_QUICK = frozenset([Choice, Elementwise, Primitive])


def _plain(
    primitive: Any,
    given: list[Any],
    values: Any,
    params: Any,
    batch: Batch,
    partials: dict[int, Any] | None,
) -> Any:
    """``primitive.push`` of bare arrays where all entries are alive and stay so: a shorter way."""
    total = None
    *arrays, out = values
    elementwise = type(primitive) is not Primitive
    for i, t in enumerate(given):
        if t is None:
            continue
        if isinstance(t, Tensor):
            t = t.array
        if elementwise:
            rule = primitive.rules[i]
            if batch:
                t = align(t, np.shape(arrays[i]), out.ndim, batch)
            if rule.pick is None:
                share = constant_times(t, rule.function)
            else:
                partial = None if partials is None else partials.get(i)
                if partial is None:
                    partial = primitive.partial(i, values)
                    if primitive.selects and type(partial) is ndarray:
                        partial = partial.astype(t.dtype)  # NumPy is slow at float times bool
                    if partials is not None:
                        partials[i] = partial
                share = t / partial if rule.divides else t * partial
        elif (rule := primitive.pushes[i]) is None:
            taken = (*arrays[:i], t, *arrays[i + 1 :])
            if hasattr(t, "__gradtape_symbol__"):
                share = t.__gradtape_apply__(primitive, taken, params)
            else:
                share = primitive.compute(*taken, *params)
        else:
            shapes = [getattr(a, "shape", ()) for a in arrays]
            share = rule.function(t, *rule.pick((*values, *shapes, *params, batch)))
        total = share if total is None else total + share
    if total is None:  # of several outputs, some have none
        return None
    if total.shape != batch + out.shape:
        total = np.broadcast_to(total, batch + out.shape)
    return total if total.dtype is out.dtype else cast(total, out.dtype)


def hold_nan(tangents: list[Any]) -> bool:
    """Whether a NaN is in one of these arrays: then masks may make a difference."""
    return any([t is not None and bool(np.isnan(t).any()) for t in tangents])


#: What forward rules need, by primitive and tracked inputs: filled as calls are met.
_NEEDED: dict[tuple[Any, tuple[bool, ...]], frozenset[int] | None] = {}


def _needed(primitive: Any, tracked: tuple[bool, ...]) -> frozenset[int] | None:
    """The positions among a call's inputs and output of the values that its forward rules name.

    None: all.
    """
    kind = type(primitive)
    if kind is not Elementwise and kind is not Primitive:
        return None
    known = _NEEDED.get((primitive, tracked), _NEEDED)
    if known is not _NEEDED:
        return known  # type: ignore[return-value]
    count = len(tracked) + 1
    positions: set[int] = set()
    for i, is_tracked in enumerate(tracked):
        if is_tracked:
            forward = primitive.rule(i)[1]
            rules = [forward, getattr(primitive, "gather", None)]
            if forward is None and kind is Primitive:  # the function itself, on the other inputs
                positions.update(set(range(len(tracked))) - {i})
            positions.update(*[rule.needs for rule in rules if rule is not None])
    found = _NEEDED[primitive, tracked] = frozenset([p for p in positions if p < count])
    return found


#: Above this size an array whose values no rule needs is not kept.
_SMALL = 1 << 12
_NOTHING = bytes(64)


def _stand_in(array: Any) -> Any:
    """An array of the same shape and dtype that keeps none of its memory, where that is large."""
    if type(array) is not ndarray or array.nbytes <= _SMALL:
        return array
    return ndarray(array.shape, array.dtype, _NOTHING, 0, (0,) * array.ndim)
