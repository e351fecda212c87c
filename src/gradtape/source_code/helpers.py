"""Functions of ours that source code needs, taken out as functions that need NumPy only."""

from __future__ import annotations

import ast
import builtins
import inspect
import keyword
import linecache
import re
import sys
import textwrap
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from gradtape.operation import Operation
from gradtape.source_code.literals import array_text, number_text, plain_number

__all__ = ["Helper", "helper_for", "name_of"]

#: Larger arrays of ours are not written into a helper.
MOST_ENTRIES = 400
#: What a function made of a lambda is called until it gets its name.
_LAMBDA = "_of_lambda"


@dataclass(eq=False)
class Helper:
    """A function in source code, with those that it calls."""

    name: str
    #: The sources by the functions' names, those that are called first.
    sources: dict[str, str] = field(default_factory=dict)
    #: What has to be imported, as ``numpy`` and ``scipy.linalg``.
    imports: set[str] = field(default_factory=set)


class _NotAloneError(Exception):
    """The function needs more than can be written down."""


#: The packages that source code may import.
_OUTSIDE = (
    "numpy",
    "scipy",
    "math",
    "operator",
    "functools",
    "itertools",
    "warnings",
    "decimal",
    "fractions",
)
#: SciPy's ufuncs behind functions of other names, which do the same.
_UFUNCS = {"_lambertw": "lambertw", "_riemann_zeta": "zeta"}
#: The names of helpers: two functions of one name get two.
_NAMES: dict[str, Any] = {}


@cache
def helper_for(function: Any, wish: str = "") -> Helper | None:
    """The function as one that stands by itself, or None where it cannot."""
    if not isinstance(function, FunctionType) or not _is_ours(function):
        return None
    helper = Helper(_own_name(function, wish))
    try:
        _add(function, helper, (), wish)
    except (_NotAloneError, OSError, TypeError, ValueError, SyntaxError):
        return None
    return helper


def _is_ours(function: Any) -> bool:
    return str(function.__module__).startswith("gradtape.")


def _own_name(function: Any, wish: str = "") -> str:
    """The name of a function among helpers."""
    # A name of its own keeps its underscore: without it, it might be that of a local value.
    name = first = re.sub(r"\W+", "_", wish).strip("_") or function.__name__.strip("<>")
    name = first = f"_{name}" if keyword.iskeyword(name) else name
    count = 2
    while _NAMES.setdefault(name, function) is not function:
        name, count = f"{first}_{count}", count + 1
    return name


def _add(function: FunctionType, helper: Helper, above: tuple[str, ...], wish: str = "") -> None:
    """Add the source of a function behind those of the functions that it calls."""
    name = _own_name(function, wish)
    if name in helper.sources or name in above:
        return
    tree = _definition(function)
    _WithoutTypes().visit(tree)
    outside = inspect.getclosurevars(function).nonlocals
    meant = {function.__name__: name, _LAMBDA: name}
    for used in dict.fromkeys([n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]):
        if used in outside or (used in function.__globals__ and used not in _locals(function)):
            value = outside.get(used, function.__globals__.get(used))
            if value is not function:
                meant[used] = _meant(used, value, helper, (*above, name))
    tree = _Renamed(meant).visit(tree)
    helper.sources[name] = ast.unparse(ast.fix_missing_locations(tree))


def _definition(function: FunctionType) -> ast.Module:
    """The syntax of a function, without its decorators; of a lambda as that of a function."""
    if function.__name__ != "<lambda>":
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        (definition,) = tree.body
        assert isinstance(definition, ast.FunctionDef)
        definition.decorator_list = []
        return tree
    code = function.__code__
    whole = ast.parse("".join(linecache.getlines(code.co_filename)))
    names = list(code.co_varnames[: code.co_argcount])
    found = [
        node
        for node in ast.walk(whole)
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
        if [a.arg for a in [*node.args.posonlyargs, *node.args.args]] == names
    ]
    if len(found) != 1:
        raise _NotAloneError(code.co_filename)
    (one,) = found
    text = f"def {_LAMBDA}({ast.unparse(one.args)}):\n    return {ast.unparse(one.body)}"
    return ast.parse(text)


def _locals(function: FunctionType) -> set[str]:
    """The names that a function, or one inside of it, gives to its own values."""
    names: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_varnames, code.co_cellvars)
        codes += [c for c in code.co_consts if inspect.iscode(c)]
    return names


def _meant(name: str, value: Any, helper: Helper, above: tuple[str, ...]) -> str:
    """The expression that stands for an outer name in source code."""
    if isinstance(value, ModuleType):
        return _module(value, helper)
    if isinstance(value, Operation):
        if getattr(value, "arity", 1) < 0:
            raise _NotAloneError(name)
        value = value.compute
    value = inspect.unwrap(value) if callable(value) else value  # one that keeps its answers
    if isinstance(value, FunctionType) and _is_ours(value):
        _add(value, helper, above)
        return _own_name(value)
    written = _written(value, helper)
    if written:
        return written
    raise _NotAloneError(name)


def _written(value: Any, helper: Helper) -> str:
    """A constant of ours, written out; empty where that cannot be."""
    if value is None or isinstance(value, str):
        return repr(value)
    if isinstance(value, np.generic):
        return number_text(value)
    if isinstance(value, np.ndarray):
        return array_text(value, 10**6) if value.size <= MOST_ENTRIES else ""
    if isinstance(value, (int, float, complex)):
        return plain_number(value)
    if isinstance(value, (tuple, list, set)) and len(value) <= MOST_ENTRIES:
        parts = [_written(one, helper) for one in value]
        if not all(parts):
            return ""
        inside = ", ".join(parts)
        ends = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
        comma = "," if isinstance(value, tuple) and len(parts) == 1 else ""
        return f"{ends[0]}{inside}{comma}{ends[1]}"
    if isinstance(value, dict):
        pairs = [(_written(k, helper), _written(v, helper)) for k, v in value.items()]
        good = all([k and v for k, v in pairs])
        return "{" + ", ".join([f"{k}: {v}" for k, v in pairs]) + "}" if good else ""
    shown, module = name_of(value)
    if shown:
        helper.imports.add(module)
    return shown


def name_of(function: Any) -> tuple[str, str]:
    """Under which name a function of NumPy's or SciPy's is found, and in which module; or empty."""
    name = getattr(function, "__name__", "")
    # "_decimal" is where some of decimal's functions say that they are from.
    module = (getattr(function, "__module__", None) or "").split("._")[0].lstrip("_")
    if isinstance(function, np.ufunc):
        module, name = "scipy.special", _UFUNCS.get(name, name)
        if getattr(np, name, None) is function:
            module = "numpy"
    elif module == "builtins" and getattr(builtins, name, None) is function:
        return name, "numpy"
    if module.split(".")[0] not in _OUTSIDE or not name:
        return "", ""
    if not hasattr(sys.modules.get(module), name):
        return "", ""
    return f"{_shown(module)}.{name}", module


def _module(value: ModuleType, helper: Helper) -> str:
    public = value.__name__.split("._")[0]
    if public.split(".")[0] not in _OUTSIDE:
        raise _NotAloneError(value.__name__)
    helper.imports.add(public)
    return _shown(public)


def _shown(module: str) -> str:
    """How a module is called in source code."""
    return "np" + module[5:] if module.split(".")[0] == "numpy" else module


class _WithoutTypes(ast.NodeTransformer):
    """A function without annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        every += [a for a in (node.args.vararg, node.args.kwarg) if a is not None]
        for argument in every:
            argument.annotation = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        return None if node.value is None else ast.Assign([node.target], node.value)


class _Renamed(ast.NodeTransformer):
    """A function with other names for what stands outside of it."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.parse(self.names[node.id], mode="eval").body if node.id in self.names else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return node.value if node.attr in ("on", "compute") else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)
