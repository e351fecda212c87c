"""The leaves of a state or an unknown, which the steps of a loop must keep in their kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.errors import named
from gradtape.nest import flatten, same_structure
from gradtape.tensor import Tensor, bare

__all__ = ["Layout", "layout_of", "leaves_after"]

#: Shape and dtype of each leaf.
Layout = list[tuple[tuple[int, ...], Any]]


def layout_of(leaves: Sequence[Any]) -> Layout:
    """The shapes and dtypes of arrays or tensors."""
    arrays = [bare(leaf) for leaf in leaves]
    return [(a.shape, a.dtype) for a in arrays]


def leaves_after(
    step: Callable[..., Any], answer: Any, like: Any, layout: Layout, what: str, when: str = ""
) -> list[Any]:
    """The leaves of what a step returned, tensors or arrays, if they fit those before it.

    Parameters
    ----------
    step, answer : the function, and what it returned.
    like, layout : a nest of the structure that there was before, and its leaves' layout.
    what, when : for messages: what the step is of, and which step it is.

    Raises
    ------
    TypeError : the structure or a dtype is another one.
    ValueError : a shape is.
    """
    after = flatten(answer)
    if not same_structure(answer, like):
        raise TypeError(
            f"{named(step)} returned {errors.describe(answer)}{when}, with {len(after)} leaves, "
            f"where {what} is {errors.describe(like)} with {len(layout)}: a step must return a "
            "nest of the same structure."
        )
    after = [leaf if isinstance(leaf, Tensor) else np.asarray(leaf)[()] for leaf in after]
    for i, (leaf, (shape, dtype)) in enumerate(zip(after, layout, strict=True)):
        if leaf.shape != shape:
            raise ValueError(
                f"{named(step)} changed the shape of leaf {i} of {what}{when} from {shape} to "
                f"{leaf.shape}: a step must return a nest of the same shapes."
            )
        if leaf.dtype != dtype:
            raise TypeError(
                f"{named(step)} changed the dtype of leaf {i} of {what}{when} from {dtype} to "
                f"{leaf.dtype}: a step must keep it; cast what it returns, or start with "
                f"{leaf.dtype}."
            )
    return after
