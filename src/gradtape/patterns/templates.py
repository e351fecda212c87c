"""Sparse arrays of one pattern, made without the checks of their constructor."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.patterns.library import sparse

__all__ = ["Template", "template_of"]

_ARRAYS = ("indices", "indptr", "data")


class Template:
    """What makes sparse arrays like one, around other values: each has arrays of its own.

    The constructor checks what it is given, which costs more than all the rest for a few hundred
    entries. So these are copies instead, with the attributes of what they are copies of.

    Parameters
    ----------
    like : a ``csr_array``, or another with ``indices`` and ``indptr``; its values do not matter.

    Attributes
    ----------
    make : of the values, which are not copied, a sparse array that holds them.
    indices, indptr, shape : of all of them.
    name : of their class.
    """

    __slots__ = ("indices", "indptr", "make", "name", "shape")

    def __init__(self, like: Any) -> None:
        # Noted among the attributes, so that no copy has to find it out; it reads no values.
        like.has_canonical_format  # noqa: B018
        self.indices, self.indptr = like.indices.copy(), like.indptr.copy()
        self.name, self.shape = type(like).__name__, like.shape
        self.make = self._written(type(like), vars(like))

    @classmethod
    def of(cls, indices: Any, indptr: Any, shape: tuple[int, ...]) -> Template:
        """That of a ``csr_array``, whose index is looked at.

        Raises
        ------
        ValueError : it is none.
        """
        like = sparse().csr_array((np.zeros(len(indices), np.bool_), indices, indptr), shape=shape)
        like.check_format(full_check=True)
        return cls(like)

    def __call__(self, values: Any) -> Any:
        """What ``make`` does."""
        return self.make(values)

    def __reduce__(self) -> Any:
        """What a copy, or another process, makes it of: a kept pattern holds some."""
        return Template, (self.make(np.zeros(len(self.indices), np.bool_)),)

    def _written(self, cls: type, attributes: dict[str, Any]) -> Callable[[Any], Any]:
        """The function as code of its own: a line for each attribute takes half as long as a loop.

        That is half a microsecond; a compiled Hessian of 200 variables takes two and a half in all.
        """
        names = [name for name in attributes if name not in _ARRAYS]
        given = {f"own_{name}": attributes[name] for name in names}
        given |= {"cls": cls, "new": cls.__new__}
        given |= {"indices": self.indices.copy, "indptr": self.indptr.copy}
        lines = [
            f"def make(values, {', '.join([f'{name}={name}' for name in given])}):",
            "    made = new(cls)",
            *[f"    made.{name} = own_{name}" for name in names],
            "    made.indices = indices()",
            "    made.indptr = indptr()",
            "    made.data = values",
            "    return made",
        ]
        exec("\n".join(lines), given)
        return given["make"]  # type: ignore[no-any-return]


def template_of(value: Any) -> Template | None:
    """What makes arrays like a sparse array; None for anything else."""
    library = sys.modules.get("scipy.sparse")
    if library is None or not library.issparse(value):
        return None
    return Template(value) if value.format in ("csr", "csc", "bsr") else None
