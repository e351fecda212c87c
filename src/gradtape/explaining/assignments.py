"""Looking things up in the text of the user's program."""

from __future__ import annotations

import ast
import linecache

from gradtape.places import Place

__all__ = ["assignments_of", "origin_in_text"]

#: An instruction that no code has: a place with it is a line and no more.
_NONE = 1 << 30


def assignments_of(near: Place | None, name: str) -> list[tuple[Place, str, set[str]]]:
    """The lines of a file that assign to a name, in order.

    Returns
    -------
    For each: the place, the name of the function that is called for the value (empty if none is),
    and the names that the value is computed from.
    """
    tree = _parsed(near)
    if near is None or tree is None:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        names = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        if name not in names:
            continue
        reads = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
        if isinstance(node, ast.AugAssign):
            reads.add(name)
        called = value.func if isinstance(value, ast.Call) else None
        call = getattr(called, "attr", getattr(called, "id", ""))
        found.append((Place(near.code, _NONE, node.lineno), call, reads))
    return sorted(found, key=lambda one: one[0].line)


def origin_in_text(near: Place | None, name: str, source: str, depth: int = 4) -> Place | None:
    """The line above a place at which a name got its value from another one, if it did."""
    above = [
        one for one in assignments_of(near, name) if near is not None and one[0].line < near.line
    ]
    if not above or not depth:
        return None
    place, _, reads = above[-1]
    if source in reads:
        return place
    found = [origin_in_text(place, other, source, depth - 1) for other in reads - {name}]
    return next((one for one in found if one is not None), None)


def _parsed(place: Place | None) -> ast.AST | None:
    """The function or file that a place is in, parsed."""
    if place is None:
        return None
    try:
        tree: ast.AST = ast.parse("".join(linecache.getlines(place.file)))
    except SyntaxError:
        return None
    best = tree
    for node in ast.walk(tree):
        if isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef)
        ) and node.lineno <= place.line <= (node.end_lineno or node.lineno):
            best = node  # the innermost comes last
    return best
