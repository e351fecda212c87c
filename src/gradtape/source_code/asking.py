"""What a user asks for: the gradient of a function as source code."""

from __future__ import annotations

import functools
import inspect
import linecache
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gradtape.errors import named
from gradtape.nest import flatten, map_structure
from gradtape.operators.arguments import (
    Argnames,
    Argnums,
    Selection,
    scalar,
    warn_if_independent,
    with_aux,
)
from gradtape.operators.leaf_names import _leaves as names_of_leaves
from gradtape.recording import new_key, only
from gradtape.source_code.module import Parameter, module_text
from gradtape.source_code.program import Node, Program
from gradtape.source_code.tensors import Recorded
from gradtape.source_code.traced import Traced
from gradtape.sweep import sweep
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor, bare
from gradtape.trace import Trace

__all__ = ["Source", "source"]


class Source(str):
    """Source code: a string, with the function that it defines.

    ``name`` is the function's name; ``constants`` are the large arrays that are not written out,
    by name.
    """

    name: str
    constants: dict[str, Any]

    def __new__(cls, text: str, name: str, constants: dict[str, Any]) -> Source:
        """The text with what belongs to it."""
        made = super().__new__(cls, text)
        made.name, made.constants = name, constants
        return made

    @property
    def text(self) -> str:
        """The source code as a plain string."""
        return str.__str__(self)

    @functools.cached_property
    def function(self) -> Callable[..., Any]:
        """The function, compiled: to be tried at once."""
        file = f"<gradtape source {id(self):x}>"
        linecache.cache[file] = (len(self), None, self.splitlines(keepends=True), file)
        space: dict[str, Any] = {"__name__": file, "_constants": self.constants}
        exec(compile(self.text, file, "exec"), space)
        found: Callable[..., Any] = space[self.name]
        return found

    def save(self, path: Any) -> None:
        """Write a file of Python; large arrays beside it, in one of the same name ending in .npz.

        Parameters
        ----------
        path : where to, as ``"gradient.py"``.
        """
        path = Path(path)
        path.write_text(self.text, encoding="utf-8")
        if self.constants:
            np.savez(path.with_suffix(".npz"), **self.constants)

    def __repr__(self) -> str:
        return self.text


def source(
    f: Callable[..., Any],
    argnums: Argnums = None,
    argnames: Argnames = None,
    has_aux: bool = False,
) -> Callable[..., Source]:
    """A function that writes down ``f`` and its gradient as NumPy source code.

    The code needs NumPy only (and SciPy where ``f`` uses it). It is straight-line code for
    arguments of the same shapes and dtypes for which Python took the same way; what that way
    depended on is asserted in it. Masks, orders and positions are computed anew, not copied.

    Parameters
    ----------
    f : a function of NumPy arrays or numbers (or nests of them) that returns a scalar.
    argnums, argnames, has_aux : as for ``value_and_grad``.

    Returns
    -------
    A function of the same arguments that returns a ``Source``: a string, that of a module which
    defines one function of the same arguments. That returns ``(value, gradient)``, or
    ``((value, aux), gradient)``, as ``value_and_grad`` does. All arrays among the arguments are
    arguments of the function; a number, a string or the like that is not differentiated by is
    asserted to be what it was. What ``f`` takes from elsewhere is written out as a constant.

    Raises
    ------
    TypeError : an argument to differentiate by is not of floating or complex dtype.
    ValueError : the value is not a scalar.
    NotImplementedError : there is no NumPy code for a function that was used; the error names it.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> def f(x):
    ...     y = np.sin(x)
    ...     return y * x
    >>> code = gt.source(f)(2.0)
    >>> value, gradient = code.function(3.0)
    >>> bool(gradient == gt.grad(f)(3.0))
    True
    """
    if hasattr(f, "explain_trace"):  # of a traced function, what is traced
        f = vars(f)["f"]
    selection = Selection(f, argnums, argnames)

    @functools.wraps(f)
    def written(*args: Any, **kwargs: Any) -> Source:
        with only(()):
            return _Recording(selection, args, kwargs).source(has_aux)

    return written


class _Recording:
    """One call of the function, recorded."""

    def __init__(self, selection: Selection, args: Any, kwargs: Any) -> None:
        self.f = selection.f
        self.program = Program()
        self.chosen = selection.of(args, kwargs)
        self.parameters: list[Parameter] = []
        self.leaves: list[Recorded] = []
        self._given = iter(self.chosen.leaves)
        self._take_arguments(args, kwargs)

    def _take_arguments(self, args: Any, kwargs: Any) -> None:
        """Make arguments of the program of all arrays that the function gets."""
        names = _names(self.f, args, kwargs)
        order = list(range(len(args))) + list(kwargs)
        by_place: dict[Any, list[Recorded]] = {}
        nests = dict(zip(self.chosen.places, self.chosen.nests, strict=True))
        new_args, new_kwargs = list(args), dict(kwargs)
        for place, name in zip(order, names, strict=True):
            given = args[place] if isinstance(place, int) else kwargs[place]
            parameter = Parameter(name, given)
            self.parameters.append(parameter)
            if place in nests:
                nest = nests[place]
                by_place[place] = [
                    self._leaf(parameter, leaf.array, leaf_name, watched=True)
                    for leaf, leaf_name in zip(
                        flatten(nest), names_of_leaves(nest, name), strict=True
                    )
                ]
                continue
            leaf_names = iter(list(names_of_leaves(given, name)))
            taken = map_structure(functools.partial(self._other, parameter, leaf_names), given)
            if isinstance(place, int):
                new_args[place] = taken
            else:
                new_kwargs[place] = taken
        self.chosen.args, self.chosen.kwargs = tuple(new_args), new_kwargs
        self.leaves = [leaf for place in self.chosen.places for leaf in by_place[place]]

    def _leaf(self, parameter: Parameter, value: Any, name: str, watched: bool) -> Recorded:
        node = self.program.argument(value, _short(name))
        parameter.leaves.append((name, node))
        if watched:
            self.program.watched.add(node.number)
        return Recorded(Traced(value, node, self.program), new_key())

    def _other(self, parameter: Parameter, names: Iterator[str], value: Any) -> Any:
        """A leaf that is not differentiated by: an array is an argument too."""
        name = next(names)
        array = bare(value)
        if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind in "biufc":
            kept: Any = array.copy() if isinstance(array, np.ndarray) else array
            return self._leaf(parameter, kept, name, watched=False)
        parameter.fixed.append((name, value))
        return value

    def source(self, has_aux: bool) -> Source:
        """Run the function and walk back; write down what the results need."""
        f, chosen = self.f, self.chosen
        tape = GradientTape(persistent=True, watch_accessed_variables=False)
        with Trace() as trace, tape:
            tape.watch(self.leaves)
            value, aux = with_aux(chosen.call(list(self.leaves)), f, has_aux)
        value = scalar(value, f)
        warn_if_independent(value, tape, f)
        self._name_values(trace)
        shares = self._walk(tape, value, trace)
        gradient = [
            np.zeros(leaf.shape, leaf.dtype)[()] if share is None else share
            for leaf, share in zip(self.leaves, shares, strict=True)
        ]
        results: Any = [bare(value), map_structure(bare, aux), chosen.packed(gradient)]
        for leak in self.program.leaks:
            _refuse_lost(leak)
        name = getattr(f, "__name__", "")
        name = f"{name}_and_gradient" if name.isidentifier() else "value_and_gradient"
        text, constants = module_text(
            self.program, name, named(f), self.parameters, results, has_aux, self._sources()
        )
        return Source(text, name, constants)

    def _walk(self, tape: GradientTape, value: Tensor, trace: Trace) -> list[Any]:
        """The cotangents of the arguments; every other is called after its value."""
        leaves = [leaf.key for leaf in self.leaves]
        if value.key is None:
            return [None] * len(leaves)
        outs = [record[1] for record in tape._records]
        single = [key for key in outs if type(key) is not tuple]
        wanted: Any = dict.fromkeys([*single, *leaves])
        seeds = [(value.key, Traced(value.dtype.type(1), None, self.program))]
        # As if a record ran foreign code: with masks from the start, since the code is for other
        # points too, where a branch that is dead may hold NaN.
        found = sweep(tape._records, seeds, wanted, tape._selects, True, foreign=True)
        shares = dict(zip(wanted, found, strict=True))
        for key in [*leaves, *reversed(single)]:
            share, node = shares[key], self._node_of.get(key)
            own = share.node if isinstance(share, Traced) else None
            unnamed = own is not None and own.kind == "call" and not own.name
            if own is not None and unnamed and node is not None and node.name:
                own.name = f"g_{node.name}"
        return [shares[key] for key in leaves]

    def _name_values(self, trace: Trace) -> None:
        """Give the nodes the names that the values have in the user's program."""
        self._node_of: dict[Any, Node] = {}
        for leaf in self.leaves:
            self._node_of[leaf.key] = leaf.array.node
        for step in trace.steps:
            for key, out in step.results:
                if isinstance(out, Traced) and out.node is not None:
                    self._node_of.setdefault(key, out.node)
        for key, name in trace.names.items():
            node = self._node_of.get(key)
            if node is not None and node.kind == "call" and not node.name and name.isidentifier():
                node.name = name

    def _sources(self) -> str:
        """The names of what is differentiated by, for the docstring."""
        by_node = {id(n): name for p in self.parameters for name, n in p.leaves}
        return ", ".join([by_node[id(leaf.array.node)] for leaf in self.leaves])


def _short(name: str) -> str:
    """What an array of a nest is called in the code: ``w`` for ``params["w"]``."""
    last = re.search(r"""(?:\.|\[")([A-Za-z_]\w*)(?:"\])?$""", name)
    return last[1] if last else re.sub(r"\W+", "_", name).strip("_")


def _names(f: Any, args: Any, kwargs: Any) -> list[str]:
    """The names of a call's arguments."""
    try:
        known = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # not every function tells its signature
        known = []
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = []
    for i in range(len(args)):
        if i < len(known) and known[i].kind not in several:
            names.append(known[i].name)
        else:
            names.append("x" if len(args) == 1 else f"x{i + 1}")
    return [*names, *kwargs]


def _refuse_lost(leak: Any) -> None:
    """Raise where a rule of ours took a number out of the program: the code would be wrong."""
    if leak.primitive:
        value = leak.value if leak.value is not None else leak.node.value
        if np.asarray(value).dtype.kind in "fc":
            raise NotImplementedError(
                f"there is no NumPy source code for {leak.primitive} and its derivative: it is not "
                "made of NumPy's functions alone. Use gradtape itself for this function."
            )
