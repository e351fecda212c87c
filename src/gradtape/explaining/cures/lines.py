"""Stable expressions in the user's idiom, and in the user's line."""

from __future__ import annotations

import ast
import linecache
import sys
from copy import deepcopy

import numpy as np

from gradtape.explaining.cures.checking import MODULES
from gradtape.explaining.cures.matching import Match
from gradtape.explaining.written import modules
from gradtape.places import Place
from gradtape.trace import Trace

__all__ = ["Idiom", "called", "line_with"]

_TF = "gradtape.tf"


class Idiom:
    """How a program is written at a place: with which modules, on which kind of tape."""

    def __init__(self, trace: Trace, place: Place | None) -> None:
        self._modules = modules(place)
        self.masks = all(answer.masks for answer in trace.answers)
        self.tf = self._uses_tf(place)

    def _uses_tf(self, place: Place | None) -> bool:
        """Whether a program computes with the names of ``gradtape.tf`` there."""
        aliases = [n for n, m in self._modules.items() if m == _TF or m.startswith(f"{_TF}.")]
        if place is None or not aliases:
            return False
        return not self.masks or any(f"{alias}." in place.text for alias in aliases)

    def completed(self, template: ast.expr, match: Match) -> ast.expr:
        """A form with its arguments for a reduction filled in, or left out."""
        return _Completed(match).visit(template)  # type: ignore[no-any-return]

    def spelled(self, node: ast.expr) -> tuple[ast.expr, tuple[str, ...]]:
        """A form with the user's names of modules, and the imports that it still needs."""
        speller = _Spelled(self._modules)
        result = speller.visit(deepcopy(node))
        return result, tuple(sorted(speller.imports))


class _Completed(ast.NodeTransformer):
    """``AXIS``, ``KEEP`` and ``KEPT`` filled in."""

    def __init__(self, match: Match) -> None:
        term = match.reduction
        self._term = term
        self._ndim = np.ndim(term.inputs[0].value) if term is not None else 0

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call without the keywords that say nothing."""
        self.generic_visit(node)
        keywords = []
        for keyword in node.keywords:
            name = keyword.value.id if isinstance(keyword.value, ast.Name) else ""
            value = self._value(name, ast.unparse(node.func)) if name in _MARKS else keyword.value
            if value is not None:
                keywords.append(ast.keyword(keyword.arg, value))
        return ast.Call(node.func, node.args, keywords)

    def _value(self, mark: str, function: str) -> ast.expr | None:
        if self._term is None:
            return None
        axes = self._term.axes or ()
        if mark != "AXIS":
            kept = self._term.keepdims if mark == "KEEP" else len(axes) < self._ndim
            return ast.Constant(True) if kept else None
        last_only = function.startswith("tf.nn.")
        if axes == (-1,) if last_only else len(axes) == self._ndim:
            return None
        axis = axes[0] if len(axes) == 1 else axes
        return ast.parse(repr(axis), mode="eval").body


_MARKS = frozenset(["AXIS", "KEEP", "KEPT"])


class _Spelled(ast.NodeTransformer):
    """The table's names of modules, as the user has them."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = {module: name for name, module in known.items()}
        self.imports: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A module's name."""
        if node.id not in MODULES:
            return node
        return ast.parse(self._spelled(MODULES[node.id]), mode="eval").body

    def _spelled(self, module: str) -> str:
        if module in self._known:
            return self._known[module]
        top, _, rest = module.partition(".")
        if top in self._known and rest:
            package = sys.modules.get(top)
            if getattr(package, rest.partition(".")[0], None) is None or top == "gradtape":
                self.imports.add(f"import {module}")
            return f"{self._known[top]}.{rest}"
        self.imports.add("import numpy as np" if module == "numpy" else f"import {module}")
        return "np" if module == "numpy" else module


def called(node: ast.expr) -> str:
    """The function that an expression calls first."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
    return ast.unparse(calls[0].func) if calls else ast.unparse(node)


def line_with(place: Place | None, node: ast.expr) -> str:
    """The user's line with another expression in place of the one at a place."""
    plain = ast.unparse(node)
    if place is None or place.span is None or not place.expression:
        return plain
    first, last, column, end = place.span
    head = linecache.getline(place.file, first).encode()[:column].decode()
    tail = linecache.getline(place.file, last).encode()[end:].decode().rstrip("\n")
    target = _target(place.expression)
    if target:
        plain = f"{target} = {plain}"
    line, wrapped = f"{head}{plain}{tail}".strip(), f"{head}({plain}){tail}".strip()
    simple = isinstance(node, (ast.Call, ast.Name, ast.Attribute, ast.Subscript)) or target
    return line if simple or _mean_the_same(line, wrapped) else wrapped


def _target(text: str) -> str:
    """What ``a += b`` writes to; "" for an expression."""
    try:
        (statement,) = ast.parse(text.strip()).body
    except (SyntaxError, ValueError):
        return ""
    return ast.unparse(statement.target) if isinstance(statement, ast.AugAssign) else ""


def _mean_the_same(first: str, second: str) -> bool:
    for form in ("{}", "def _():\n    {}"):  # a return is at home in a function only
        try:
            one, other = [ast.dump(ast.parse(form.format(text))) for text in (first, second)]
        except SyntaxError:
            continue
        return one == other
    return False
