"""Forward mode: derivatives carried alongside the computation."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from gradtape import errors
from gradtape.nest import flatten, map_structure
from gradtape.recording import active, new_key, only, start, stop
from gradtape.tape import UnconnectedGradients
from gradtape.tensor import Tensor

__all__ = ["ForwardAccumulator"]


class ForwardAccumulator:
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
        self._live: dict[Any, Any] = {}  # keys without a mask are alive everywhere
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
        if not isinstance(direction, Tensor):
            direction = np.array(direction, dtype)
        if direction.shape != primal.array.shape:
            raise ValueError(
                f"argument `tangents`: the tangent of {errors.describe(primal.array)} has shape "
                f"{tuple(direction.shape)}; it must have the primal's shape."
            )
        if primal.key is None:
            primal.key = new_key()
        self.tracked[primal.key] = direction

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        start(self)
        self._recording = True
        return self

    def __exit__(self, *exception: object) -> None:
        stop(self)
        self._recording = False

    def tracks(self, tensor: Tensor) -> bool:
        """Whether the tensor has a tangent here."""
        return tensor.key in self.tracked

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """See one primitive call: compute the output's tangent; return the output's key."""
        tangents = [self.tracked.get(k) if k is not None else None for k in keys]
        if all([t is None for t in tangents]):
            return key
        several = type(out) is tuple
        if key is None:
            key = new_key()
        stack = active()
        outer = stack[: stack.index(self)]
        if outer:
            # Outer recorders see the tangent's computation, so it must run on tensors.
            values = [
                Tensor(a, k) if k is not None else a for a, k in zip(arrays, keys, strict=True)
            ]
            values += (
                [Tensor(o, k) for o, k in zip(out, key, strict=True)]
                if several
                else [Tensor(out, key)]
            )
            tangents = [
                Tensor(t) if isinstance(t, (np.ndarray, np.generic)) else t for t in tangents
            ]
        else:
            values = [*arrays, *(out if several else (out,))]
            tangents = [t.array if isinstance(t, Tensor) else t for t in tangents]
        live = [self._live.get(k) for k in keys]
        with only(outer), np.errstate(all="ignore"):
            tangent, mask = primitive.push(tangents, live, tuple(values), params, ())
        if several:
            self.tracked.update(zip(key, tangent, strict=True))
            if mask is not None and self.masks_dead_branches:
                self._live.update(zip(key, mask, strict=True))
        else:
            self.tracked[key] = tangent
            if mask is not None and self.masks_dead_branches:
                self._live[key] = mask
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
