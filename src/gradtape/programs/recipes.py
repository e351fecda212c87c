"""What a trace is beside its program: the nests that go in and come out, and the variables.

A nest is taken apart into its structure and its leaves. A structure is hashable and says nothing of
arrays: ``LEAF``, or a kind (``tuple``, ``list``, ``dict``, ``named``), a name, and pairs of a key
and a structure. Classes are known by their names, so that a structure can stand in a file.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradtape.nest import _keys, pack
from gradtape.programs.graph import Graph
from gradtape.tensor import Tensor
from gradtape.variable import Variable

if TYPE_CHECKING:
    from gradtape.programs.trace_once import Plan

__all__ = [
    *("LEAF", "Leaf", "Recipe", "built", "described", "recipe_of", "taken", "taken_apart", "told"),
]

#: The structure of a leaf.
LEAF = ("leaf", "", ())


class Leaf(NamedTuple):
    """What a leaf of a nest is.

    ``kind`` is ``array``, ``tensor`` (of a class), ``number`` (one of NumPy's, or a Python type),
    ``variable`` (``what`` is it, or its number) or ``static`` (``what`` is its value). The
    ``dtype`` of a Python number is its type. A leaf of what is returned may be an ``output`` or an
    ``argument``, too; ``what`` is its number, and ``cls`` the class of the tensor that it is to be.
    """

    kind: str
    shape: tuple[int, ...] = ()
    dtype: Any = None
    cls: Any = None
    what: Any = None

    @property
    def is_input(self) -> bool:
        """Whether its value goes into the program."""
        return self.kind in ("array", "tensor", "number")


@dataclasses.dataclass(eq=False)
class Recipe:
    """One trace, whole.

    Parameters
    ----------
    graph : before any rewrite. Its inputs are those of the arguments that are arrays and numbers,
        then the state; its outputs are those of the results that are computed, then what is
        assigned, then what is written into arguments.
    structure, leaves : of the arguments, ``(args, kwargs)``.
    state : the variables and tensors from outside that are read.
    assigned : the variables that get a value.
    written : the positions of the leaves, arrays or tensors, that are written into.
    answer, answers : the structure of what the function returns, and its leaves.
    strides : of each input among the arguments, if its layout in memory matters.
    stabilize : whether the graph is to be rewritten to forms that keep digits.
    """

    graph: Graph
    structure: Any
    leaves: tuple[Leaf, ...]
    state: list[Any]
    assigned: list[Variable]
    written: list[int]
    answer: Any
    answers: tuple[Leaf, ...]
    strides: list[Any] | None = None
    stabilize: bool = False

    @property
    def given(self) -> list[int]:
        """The positions of the leaves that are inputs."""
        return [i for i, leaf in enumerate(self.leaves) if leaf.is_input]


def recipe_of(plan: Plan) -> Recipe:
    """The recipe of what a trace found."""
    structure, leaves = plan.takes
    found: list[Any] = []
    returned = pack(plan._like, [_returned(plan, *leaf) for leaf in plan._leaves])
    answer = taken_apart(returned, found, in_order=True)
    return Recipe(
        *(plan.graph, structure, leaves, plan.state, plan.assigned, plan.written),
        *(answer, tuple(found), plan.strides, plan.stabilize),
    )


def _returned(plan: Plan, what: str, which: Any) -> Leaf:
    if what == "computed":
        return Leaf("output", cls=plan.kinds[which], what=which)
    if what == "argument":
        return Leaf("argument", what=which)
    return Leaf("variable" if isinstance(which, Variable) else "static", what=which)


def taken(args: Any, kwargs: Any) -> tuple[Any, tuple[Leaf, ...]]:
    """The structure and the leaves of the arguments of a call."""
    values: list[Any] = []
    structure = taken_apart((args, kwargs), values)
    return structure, tuple([described(value) for value in values])


def taken_apart(nest: Any, leaves: list[Any], in_order: bool = False) -> Any:
    """The structure of a nest; its leaves are added to some, in the order of ``nest.flatten``.

    With ``in_order``, those of a dict are in its own order instead.
    """
    if type(nest) in _LEAVES:
        leaves.append(nest)
        return LEAF
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        pairs = list(zip(nest._fields, nest, strict=True))
        return _inner("named", type(nest).__qualname__, pairs, leaves, in_order)
    if isinstance(nest, (tuple, list)):
        kind = "tuple" if isinstance(nest, tuple) else "list"
        return _inner(kind, "", list(enumerate(nest)), leaves, in_order)
    if isinstance(nest, Mapping):
        keys = list(nest) if in_order else _keys(nest)
        return _inner("dict", "", [(key, nest[key]) for key in keys], leaves, in_order)
    if dataclasses.is_dataclass(nest) and not isinstance(nest, type):
        pairs = [(field.name, getattr(nest, field.name)) for field in dataclasses.fields(nest)]
        return _inner("named", type(nest).__qualname__, pairs, leaves, in_order)
    leaves.append(nest)
    return LEAF


def _inner(kind: str, name: str, pairs: Any, leaves: list[Any], in_order: bool) -> Any:
    return kind, name, tuple([(key, taken_apart(part, leaves, in_order)) for key, part in pairs])


#: What is a leaf at first sight; a Leaf is a tuple, but not taken apart.
_LEAVES = frozenset({np.ndarray, float, Leaf})


def built(structure: Any, leaves: Any, classes: Mapping[str, Any]) -> Any:
    """A nest of a structure, with the leaves that an iterator gives.

    Parameters
    ----------
    classes : those of named tuples and dataclasses by their names; others are named tuples of the
        same fields, made for the purpose.
    """
    kind, name, pairs = structure
    if kind == "leaf":
        return next(leaves)
    parts = {key: built(part, leaves, classes) for key, part in pairs}
    if kind == "dict":
        return parts
    if kind == "named":
        return (classes.get(name) or _named_tuple(name.rpartition(".")[2], tuple(parts)))(**parts)
    return (tuple if kind == "tuple" else list)(parts.values())


@functools.cache
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


def described(leaf: Any) -> Leaf:
    """What an argument's leaf is."""
    if type(leaf) is np.ndarray:
        return Leaf("array", leaf.shape, leaf.dtype)
    if type(leaf) in (float, int, complex):
        return Leaf("number", (), type(leaf))
    if isinstance(leaf, Variable):
        return Leaf("variable", leaf.array.shape, leaf.array.dtype, what=leaf)
    if isinstance(leaf, Tensor):
        return Leaf("tensor", leaf.array.shape, leaf.array.dtype, type(leaf).result_class)
    if isinstance(leaf, np.generic):
        return Leaf("number", (), leaf.dtype)
    if isinstance(leaf, np.ndarray):
        return Leaf("array", leaf.shape, leaf.dtype)
    return Leaf("static", cls=type(leaf), what=leaf)


def told(structure: Any, leaves: Any, name: Callable[[Leaf], str] | None = None) -> str:
    """Arguments in words, as they stand in a call."""
    rest = iter([(name or in_words)(leaf) for leaf in leaves])
    positional, named = structure[2]
    texts = [_worded(part, rest) for _, part in positional[1][2]]
    texts += [f"{key}={_worded(part, rest)}" for key, part in named[1][2]]
    return f"({', '.join(texts)})"


def _worded(structure: Any, rest: Any) -> str:
    kind, name, pairs = structure
    if kind == "leaf":
        return str(next(rest))
    if kind == "dict":
        return "{" + ", ".join([f"{key!r}: {_worded(part, rest)}" for key, part in pairs]) + "}"
    if kind == "named":
        return f"{name}({', '.join([f'{key}={_worded(part, rest)}' for key, part in pairs])})"
    texts = [_worded(part, rest) for _, part in pairs]
    if kind == "list":
        return f"[{', '.join(texts)}]"
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def in_words(leaf: Leaf) -> str:
    """A leaf in words: ``float64[3, 2]``."""
    if leaf.kind == "static":
        return repr(leaf.what)
    dtype = leaf.dtype.__name__ if isinstance(leaf.dtype, type) else str(leaf.dtype)
    size = str(list(leaf.shape)) if leaf.shape else ""
    kind = {"array": "", "number": "", "tensor": "Tensor ", "variable": "Variable "}[leaf.kind]
    return f"{kind}{dtype}{size}"
