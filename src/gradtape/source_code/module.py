"""A whole module: its docstring, imports, constants, helpers, and the function."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtape.nest import flatten
from gradtape.source_code.literals import array_text, dtype_text, plain_number
from gradtape.source_code.program import Node, Program
from gradtape.source_code.traced import Traced
from gradtape.source_code.writing import WRITTEN_ENTRIES, Writer

__all__ = ["Parameter", "module_text"]


#: What is asserted to be as it was.
_PLAIN = (bool, str, int, float, complex)


@dataclass
class Parameter:
    """A parameter of the function, with the arrays in it and what stays as it was."""

    name: str
    given: Any
    leaves: list[tuple[str, Node]] = field(default_factory=list)
    fixed: list[tuple[str, Any]] = field(default_factory=list)


def module_text(
    program: Program,
    name: str,
    of: str,
    parameters: list[Parameter],
    results: list[Any],
    has_aux: bool,
    sources: str,
) -> tuple[str, dict[str, Any]]:
    """The text, and the arrays that are too large to stand in it, by name."""
    writer = Writer(program)
    writer.taken.update([parameter.name for parameter in parameters])
    writer.taken.update({name, "np", "scipy"})
    head = [line for parameter in parameters for line in _arguments(parameter, writer)]
    value, aux, gradient = results
    if isinstance(_node(value), Node) and _node(value).kind == "call":
        _node(value).name = _node(value).name or "value"
    leaves = [_node(leaf) for leaf in flatten([value, gradient, *([aux] if has_aux else [])])]
    texts = iter(writer.body(leaves))
    seen: set[str] = set()
    parts = [_nest(one, texts, writer, seen) for one in [value, gradient, aux][: 2 + has_aux]]
    first = f"({parts[0]}, {parts[2]})" if has_aux else parts[0]
    listed = ", ".join([parameter.name for parameter in parameters])
    lines = [
        f"def {name}({listed}):",
        f'    """The value of {of}, and its gradient by {sources}."""',
        *[f"    {line}" for line in [*head, *writer.lines]],
        f"    return {first}, {parts[1]}",
    ]
    blocks = [_docstring(of), "\n".join(_imports(writer))]
    large = {n: a for n, a in writer.constants.items() if a.size > WRITTEN_ENTRIES}
    constants = _constants(writer.constants, large)
    if constants:
        blocks.append("\n".join(constants))
    text = "\n\n".join(blocks)
    for piece in [*writer.helpers.values(), "\n".join(lines)]:
        text += f"\n\n\n{piece}"
    return text + "\n", large


def _docstring(of: str) -> str:
    return (
        f'"""The value of {of} and its gradient, as straight-line code written by gradtape.\n\n'
        "It is right for arguments of the asserted shapes wherever Python takes the same way "
        'through\nthe program: what that way depended on is asserted too.\n"""'
    )


def _imports(writer: Writer) -> list[str]:
    others = sorted(writer.imports - {"numpy"})
    numpys = [m for m in others if m.startswith("numpy.")]
    rest = [f"import {m}" for m in others if m not in numpys]
    return ["import numpy as np", *rest]


def _constants(constants: dict[str, Any], large: dict[str, Any]) -> list[str]:
    """The arrays in front of the function."""
    lines = []
    if large:
        lines += [
            "# Arrays that are too large to be written out: saved beside this file.",
            'if "_constants" not in globals():',
            "    from pathlib import Path",
            "",
            '    _constants = np.load(Path(__file__).with_suffix(".npz"))',
        ]
    for name, array in constants.items():
        if name in large:
            lines.append(f'{name} = _constants["{name}"]')
        else:
            lines.append(f"{name} = {array_text(array)}")
    return lines


# Arguments ----------------------------------------------------------------------------------------


def _arguments(parameter: Parameter, writer: Writer) -> list[str]:
    """The lines that take the arrays out of a parameter, and check what must be as it was."""
    lines = []
    for name, node in parameter.leaves:
        value = node.value
        kind = dtype_text(value.dtype)
        target = name if name == parameter.name else writer.free_name(node.name)
        writer.names[node.number] = target
        if not np.ndim(value):
            lines.append(f"{target} = np.asarray({name}, {kind})[()]")
        else:
            lines.append(f"{target} = np.asarray({name}, {kind})")
            lines.append(f"assert {target}.shape == {value.shape}")
    plain = [value is None or isinstance(value, _PLAIN) for _, value in parameter.fixed]
    if len(plain) > 1 and all(plain) and not parameter.leaves:
        return [f"assert {parameter.name} == {parameter.given!r}"]
    for name, value in parameter.fixed:
        if value is None or isinstance(value, _PLAIN):
            shown = repr(value) if value is None or isinstance(value, str) else plain_number(value)
            sign = "is" if value is None or isinstance(value, bool) else "=="
            lines.append(f"assert {name} {sign} {shown}")
        else:
            lines.append(f"# {name} is not used here: it was {type(value).__name__}.")
    return lines


# Results ------------------------------------------------------------------------------------------


def _node(leaf: Any) -> Any:
    node = getattr(leaf, "node", None)
    if node is not None:
        return node
    return leaf.value if isinstance(leaf, Traced) else leaf


def _nest(nest: Any, texts: Any, writer: Writer, seen: set[str]) -> str:
    """A nest of results."""
    if isinstance(nest, tuple):
        inside = [_nest(one, texts, writer, seen) for one in nest]
        return f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"
    if isinstance(nest, list):
        return f"[{', '.join([_nest(one, texts, writer, seen) for one in nest])}]"
    if isinstance(nest, Mapping):
        try:
            keys = sorted(nest)
        except TypeError:
            keys = list(nest)
        found = {key: _nest(nest[key], texts, writer, seen) for key in keys}
        return "{" + ", ".join([f"{_quoted(key)}: {found[key]}" for key in nest]) + "}"
    if dataclasses.is_dataclass(nest) and not isinstance(nest, type):
        fields = [f.name for f in dataclasses.fields(nest)]
        inside = [f"{_quoted(n)}: {_nest(getattr(nest, n), texts, writer, seen)}" for n in fields]
        return "{" + ", ".join(inside) + "}"
    text = next(texts)
    shared = (_is_shared(nest) and re.fullmatch(r"[\w.]+", text)) or text in seen
    seen.add(text)
    return f"{text}.copy()" if shared and np.ndim(getattr(nest, "value", nest)) else text


def _quoted(key: Any) -> str:
    """A key of a dict; a string in the quotes of the other strings here."""
    plain = isinstance(key, str) and key.isprintable() and not set(key) & set('"\\')
    return f'"{key}"' if plain else repr(key)


def _is_shared(leaf: Any) -> bool:
    """Whether a result may be somebody else's array: an argument, a constant, or a part of one."""
    node = getattr(leaf, "node", None)
    while isinstance(node, Node):
        if node.kind == "input" or node.function is np.broadcast_to:
            return True
        if node.style in ("index", "attribute", "item") or node.function == "reshape":
            node = node.args[0]
        else:
            return node.function in (np.transpose, np.swapaxes, np.moveaxis)
    return isinstance(getattr(leaf, "value", leaf), np.ndarray) and node is None
