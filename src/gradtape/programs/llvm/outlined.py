"""Functions that programs call: mathematics and other long operations, each written once.

A program's own text only declares them. What computes them is the same for all programs of a
process, and depends on the name alone: the operation, and the types of its operands.
"""

from __future__ import annotations

import functools
from typing import Any

from gradtape.programs.llvm import ir
from gradtape.programs.llvm.mathematics_angles import REDUCTION, write_reduction
from gradtape.programs.llvm.matmuls import write_product
from gradtape.programs.llvm.operations import Operation, register
from gradtape.programs.llvm.products import MATRICES, PRODUCT, forwarding, write_matrices
from gradtape.programs.llvm.strided import STRIDED, write_strided

__all__ = ["called", "declared_in", "definition", "with_common_products", "with_definitions"]

#: What all their names begin with.
_PREFIX = "gradtape."

#: The operations and the types of their operands, by the names of their functions.
_KNOWN: dict[str, tuple[Operation, list[Any]]] = {}


def called(builder: Any, operation: Operation, values: list[Any]) -> Any:
    """The value of an operation that has a name, by its function."""
    kinds = [value.type for value in values]
    name = f"{_PREFIX}{operation.name}.{'.'.join(map(str, kinds))}"
    module = builder.module
    function = module.globals.get(name)
    if function is None:
        _KNOWN[name] = operation, kinds
        function = ir.Function(module, _sign(operation, kinds), name)
    return builder.call(function, values)


def _sign(operation: Operation, kinds: list[Any]) -> Any:
    result = register(operation.result)
    first = kinds[0]
    if isinstance(first, ir.VectorType):
        result = ir.VectorType(result, first.count)
    return ir.FunctionType(result, kinds)


def declared_in(text: str) -> list[str]:
    """The names of the functions of ours that a text declares, in its order."""
    parts = ("\n" + text).split("\ndeclare ")[1:]
    names = [part.partition("\n")[0].partition('@"')[2].partition('"')[0] for part in parts]
    return [name for name in names if name.startswith(_PREFIX)]


def definition(name: str) -> str:
    """What defines a function that was declared in this process, in LLVM's language."""
    return _product(name) if name.startswith(PRODUCT) else _definition(name)


def _product(name: str) -> str:
    module = ir.Module()
    write_product(module, name)
    return str(module)


@functools.cache
def _definition(name: str) -> str:
    """Of what there are not as many as there are sizes: it is written once in a process."""
    module = ir.Module()
    if name.startswith(REDUCTION):
        write_reduction(module, name)
    elif name.startswith(MATRICES):
        write_matrices(module, name)
    elif name.startswith(STRIDED):
        write_strided(module, name)
    else:
        operation, kinds = _KNOWN[name]
        function = ir.Function(module, _sign(operation, kinds), name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        builder.ret(operation.emit(builder, list(function.args)))
    return str(module)


def with_common_products(text: str) -> str:
    """A text whose products of matrices are computed by the functions for all sizes."""
    names = [name for name in declared_in(text) if name.startswith(PRODUCT)]
    if not names:
        return text
    module = ir.Module()
    for name in names:
        forwarding(module, name)
    known = {f'@"{name}"' for name in names}
    kept = [
        line
        for line in text.splitlines()
        if not (line.startswith("declare ") and _name_in(line) in known)
    ]
    return "\n".join([*kept, str(module)])


def with_definitions(text: str) -> str:
    """A text together with the functions that it declares.

    What computes vectors is to be written out where it is called: its constants are then loaded
    before a loop, and calls in a row run side by side. What computes one number stays a function,
    of which programs may have thousands of calls, and so does a product of matrices, which is long.
    """
    names = [name for name in declared_in(text) if not name.startswith(REDUCTION)]
    if not names:
        return text
    known = {f'@"{name}"' for name in names}
    lines: list[str] = []
    ends: dict[str, None] = {}  # what there is once: declarations, and weights of branches
    for part in [text, *map(definition, names)]:
        for line in part.splitlines():
            if line.startswith(("declare ", "!")):
                ends[line] = None
            elif line.startswith("define ") and _name_in(line) in known:
                how = "alwaysinline" if line.startswith("define <") else "noinline"
                lines.append(f"define internal {line[7:-1]}{how} {{")
            else:
                lines.append(line)
    lines += [line for line in ends if line.startswith("!") or _name_in(line) not in known]
    return "\n".join([*lines, ""])


def _name_in(line: str) -> str:
    """The name of the function that a line declares or begins to define."""
    start = line.index("@")
    return line[start : line.index("(", start)]
