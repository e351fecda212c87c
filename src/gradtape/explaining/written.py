"""What the user wrote for an operation and its inputs, as far as the source tells."""

from __future__ import annotations

import ast
import linecache
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any

from gradtape.explaining.terms import IDENTITIES, Ref, Terms
from gradtape.places import Place
from gradtape.trace import Step

__all__ = [
    "argument",
    "bound_between",
    "is_whole",
    "modules",
    "names_of",
    "parsed",
    "part",
    "together",
]


def parsed(place: Place | None) -> ast.expr | None:
    """The expression at a place; of ``a += b``, ``a + b``; None where it is not to be had."""
    return None if place is None or not place.expression else _parsed(place.expression)


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError:
        return _added(text)


def _added(text: str) -> ast.expr | None:
    """``a + b`` of the statement ``a += b``; None of any other."""
    try:
        (statement,) = ast.parse(text.strip()).body
    except (SyntaxError, ValueError):
        return None
    if isinstance(statement, ast.AugAssign):
        target = ast.parse(ast.unparse(statement.target), mode="eval").body
        return ast.BinOp(target, statement.op, statement.value)
    return None


def together(terms: Terms, step: Step) -> list[Step]:
    """The steps of one call of the user's: those at the same instruction, one after the other."""
    steps, place = terms.trace.steps, step.place
    if place is None:
        return [step]
    first = last = step.number
    while first > 0 and place.is_at(steps[first - 1].place):
        first -= 1
    while last + 1 < len(steps) and place.is_at(steps[last + 1].place):
        last += 1
    return steps[first : last + 1]


def is_whole(terms: Terms, step: Step) -> bool:
    """Whether a step's result is that of the user's call, and not something inside it."""
    keys = {step.out_key}
    for other in together(terms, step):
        if other.number > step.number and not keys.isdisjoint(other.keys):
            if other.name not in IDENTITIES:
                return False
            keys.add(other.out_key)
    return True


def argument(terms: Terms, step: Step, key: Any, index: int | None = None) -> ast.expr | None:
    """What the user wrote for one input of a call, where that is plain to see.

    The input is named by its key, and by its number where the same value comes twice.
    """
    node = parsed(step.place)
    if node is None or step.place is None:
        return None
    group = together(terms, step)
    made = {k for s in group for k, _ in s.results}
    outside = list(dict.fromkeys(k for s in group for k in s.keys if k not in (None, *made)))
    real = [s for s in group if s.name not in IDENTITIES]
    position = 0
    if len(group) == 1:
        position = step.keys.index(key) if index is None else index
        position += step.name == "exponential"  # its base is no input
    elif isinstance(node, ast.BinOp):
        if len(real) == 1:
            origins = [terms.origin(r)[0].key for r in terms.inputs(real[0])]
            wanted = terms.origin(Ref(key, None))[0].key
            if wanted not in origins:
                return None
            position = origins.index(wanted) if index is None else index
        elif len(outside) == 2 and key in outside:
            position = outside.index(key)
        elif ast.dump(node.left) != ast.dump(node.right):
            return None
    elif len(outside) != 1:
        if len(real) != 1:
            return None
        origins = [terms.origin(r)[0].key for r in terms.inputs(real[0])]
        wanted = terms.origin(Ref(key, None))[0].key
        if wanted not in origins:
            return None
        position = origins.index(wanted) if index is None else index
    found = part(node, position, step.place)
    if found is not None and _is_plausible(terms, found, key, step.place):
        return found
    return None


def _is_plausible(terms: Terms, node: ast.expr, key: Any, place: Place) -> bool:
    """Whether a value can be what an expression of the user's gives, as far as can be seen."""
    if isinstance(node, ast.Constant):
        return False
    if isinstance(node, ast.Name):
        name, _ = terms.trace.local_names.get((place.code, key), ("", 0))
        return name in ("", node.id) and node.id not in modules(place)
    step = terms.maker(terms.origin(Ref(key, None))[0])
    if step is None:
        return isinstance(node, (ast.Attribute, ast.Subscript, ast.Call))
    if step.place is None or step.place.code is not place.code or not is_whole(terms, step):
        return True
    made = parsed(step.place)
    return made is None or ast.dump(made) == ast.dump(node)


def part(node: ast.expr, index: int, place: Place) -> ast.expr | None:
    """What stands for one input of an operation in the expression of it."""
    if isinstance(node, ast.BinOp):
        return (node.left, node.right)[index] if index < 2 else None
    if isinstance(node, ast.UnaryOp):
        return node.operand
    if isinstance(node, ast.Subscript):
        return node.value if index == 0 else None
    if not isinstance(node, ast.Call) or any(isinstance(a, ast.Starred) for a in node.args):
        return None
    arguments = list(node.args)
    if isinstance(node.func, ast.Attribute) and not _is_of_module(node.func, place):
        arguments.insert(0, node.func.value)  # a method
    return arguments[index] if index < len(arguments) else None


def _is_of_module(node: ast.Attribute, place: Place) -> bool:
    """Whether a dotted name is something in a module."""
    root: ast.expr = node.value
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in modules(place)


def modules(place: Place | None) -> dict[str, str]:
    """The names that stand for modules at a place, and the modules' own names."""
    if place is None:
        return {}
    found = dict(_imports("".join(linecache.getlines(place.file))))
    local = {*place.code.co_varnames, *place.code.co_cellvars, *place.code.co_freevars}
    found = {name: module for name, module in found.items() if name in local}
    for name, value in place.scope.items():
        if isinstance(value, ModuleType):
            found.setdefault(name, value.__name__)
    return found


@lru_cache(maxsize=256)
def _imports(text: str) -> list[tuple[str, str]]:
    """The modules that a file imports anywhere, by the names that it gives them."""
    found = []
    for node in ast.walk(_tree(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found.append((alias.asname or top, alias.name if alias.asname else top))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                if module in sys.modules:
                    found.append((alias.asname or alias.name, module))
    return found


def names_of(node: ast.expr) -> set[str]:
    """The names in an expression."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def bound_between(file: str, first: int, last: int) -> set[str]:
    """The names that are bound on some lines of a file, the last one not counted."""
    bindings = _bindings("".join(linecache.getlines(file)))
    return {name for line, name in bindings if first <= line < last}


@lru_cache(maxsize=256)
def _bindings(text: str) -> list[tuple[int, str]]:
    return [
        (node.lineno, node.id)
        for node in ast.walk(_tree(text))
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    ]


@lru_cache(maxsize=256)
def _tree(text: str) -> ast.AST:
    try:
        return ast.parse(text)
    except SyntaxError:  # a notebook's own commands
        return ast.Module([], [])
