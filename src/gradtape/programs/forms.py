"""How one operation is written into memory that is there: lines of Python, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.indexing import is_basic
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import kind, number_of, ufunc_of

__all__ = ["into", "is_outer", "is_view", "is_whole_sum", "seen", "sums_by_product"]

#: Binds an object to a name; the name.
Bind = Callable[[str, Any], str]
Form = Callable[[Node, list[str], str, Bind], list[str]]

#: Up to this length, NumPy is slow at rows that it has to go back to the start of.
SHORT_ROW = 256

_REDUCE = {"sum": np.add.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce}


def is_view(node: Node) -> bool:
    """Whether a node may be its input's memory, seen otherwise."""
    name = kind(node.op)
    if not node.inputs or isinstance(node.inputs[0].dtype, type):
        return False
    if name == "getitem":
        return is_basic(node.params[0]) and node.shape != ()
    return name in ("reshape", "transpose") and node.inputs[0].shape != ()


def seen(node: Node, array: Any) -> Any:
    """What a view's node makes of an array; of a block of rows, where that has fewer."""
    if kind(node.op) != "reshape":
        return node.op.compute(array, *node.params)
    (shape,) = node.params
    whole = prod(shape) == array.size
    return array.reshape(shape if whole else (array.shape[0], *shape[1:]))


def into(node: Node) -> Form | None:
    """What writes a node's value into an array of its shape and dtype, or None."""
    if not isinstance(node.dtype, np.dtype) or node.shape == () or node.dtype.kind not in "fciub":
        return None
    if ufunc_of(node.op) is not None:
        return _ufunc
    name = kind(node.op)
    fits = _FITS.get(name)
    return _FORMS.get(name) if fits is None or fits(node) else None


def is_outer(node: Node) -> bool:
    """Whether a node is a column times a short row, which is faster as a product of matrices."""
    if kind(node.op) != "multiply" or len(node.shape) != 2 or node.dtype.char not in "fd":
        return False
    n, k = node.shape
    shapes = [i.shape for i in node.inputs]
    same = all([i.dtype == node.dtype for i in node.inputs])
    return same and n > 1 and 1 < k <= SHORT_ROW and shapes in ([(n, 1), (1, k)], [(1, k), (n, 1)])


def _ufunc(node: Node, inputs: list[str], out: str, bind: Bind) -> list[str]:
    ufunc = ufunc_of(node.op)
    if is_outer(node):
        column, row = inputs if node.inputs[0].shape[1] == 1 else inputs[::-1]
        return [f"{bind('m', np.dot)}({column}, {row}, {out})"]
    if ufunc in (np.maximum, np.minimum):  # whose third argument NumPy wants by its name
        out = f"out={out}"
    return [f"{bind('u', ufunc)}({', '.join([*inputs, out])})"]


def _reduction(node: Node, inputs: list[str], out: str, bind: Bind) -> list[str]:
    axis, keepdims = node.params
    (x,) = node.inputs
    if sums_by_product(node) and axis == (-2,):
        ones = bind("c", np.ones((1,) * (len(x.shape) > 2) + (x.shape[-2],), x.dtype))
        product = np.dot if len(x.shape) == 2 else np.matmul
        whole = out
        if len(x.shape) > 2:
            whole = f"{out}[{bind('p', (..., None, slice(None)))}]"
        return [f"{bind('m', product)}({ones}, {inputs[0]}, {whole})"]
    if sums_by_product(node):
        ones = bind("c", np.ones(x.shape[-1], x.dtype))
        flat = f"{inputs[0]}.reshape(-1, {x.shape[-1]})" if len(x.shape) > 2 else inputs[0]
        whole = f"{out}.reshape(-1)" if len(x.shape) > 2 else out
        return [f"{bind('m', np.dot)}({flat}, {ones}, {whole})"]
    reduce = bind("r", _REDUCE[kind(node.op)])
    last = f", {keepdims!r}" if keepdims else ""
    if kind(node.op) == "sum" and x.dtype == np.bool_ and _count(x, axis) < 1 << 16:
        # Truth values are counted several times faster in a small integer.
        small, narrow = bind("d", np.dtype(np.uint8)), bind("d", np.dtype(np.uint16))
        return [f"{reduce}({inputs[0]}.view({small}), {axis!r}, {narrow}, {out}{last})"]
    return [f"{reduce}({inputs[0]}, {axis!r}, None, {out}{last})"]


#: Up to this length, a product with ones adds up the last axis faster, and about as exactly.
SHORT_SUM = 1 << 12


def sums_by_product(node: Node) -> bool:
    """Whether a sum is faster as a product with ones: over rows, or over a short last axis."""
    axis, keepdims = node.params
    x = node.inputs[0]
    if kind(node.op) != "sum" or keepdims or x.dtype != node.dtype or node.dtype.char not in "fd":
        return False
    if 0 in x.shape:  # rows of no entries cannot be counted
        return False
    return len(x.shape) > 1 and (axis == (-2,) or (axis == (-1,) and x.shape[-1] <= SHORT_SUM))


def is_whole_sum(node: Node) -> bool:
    """Whether a node is the sum of all entries of an array of floats, as a number."""
    if kind(node.op) != "sum" or node.shape != () or node.dtype.char not in "fd":
        return False
    x = node.inputs[0]
    return x.dtype == node.dtype and x.shape != () and 0 not in x.shape


def _count(x: Node, axis: tuple[int, ...]) -> int:
    return prod([x.shape[a] for a in axis])


def _matmul(node: Node, inputs: list[str], out: str, bind: Bind) -> list[str]:
    both = [len(i.shape) for i in node.inputs]
    product = np.dot if both == [2, 2] else np.matmul
    return [f"{bind('m', product)}({inputs[0]}, {inputs[1]}, {out})"]


def _copy(node: Node, inputs: list[str], out: str, bind: Bind) -> list[str]:
    return [f"{bind('k', np.copyto)}({out}, {inputs[0]})"]


def _cast(node: Node, inputs: list[str], out: str, bind: Bind) -> list[str]:
    return [f"{bind('k', np.copyto)}({out}, {inputs[0]}, 'unsafe')"]


def _embed(node: Node, inputs: list[str], out: str, bind: Bind) -> list[str]:
    place = f"{out}[{bind('p', node.params[1])}]"
    return [f"{out}.fill(0)", f"{bind('k', np.copyto)}({place}, {inputs[0]})"]


def _embed_fits(node: Node) -> bool:
    return is_basic(node.params[1]) and node.inputs[0].shape != ()


def _products_fit(node: Node) -> bool:
    return node.dtype.char in "fdFD" and all([i.dtype == node.dtype for i in node.inputs])


def _cast_fits(node: Node) -> bool:
    (x,) = node.inputs
    return not isinstance(x.dtype, type) and x.dtype.kind in "fiub" and node.dtype.kind in "fc"


def _where(node: Node, inputs: list[str], out: str, bind: Bind) -> list[str]:
    condition, x, y = node.inputs
    if condition.dtype == np.bool_ and condition.shape == node.shape and node.dtype.char in "fd":
        if _is_zero(y) and x.dtype == node.dtype and x.shape:
            return _masked(inputs[0], inputs[1], out, bind, node)
        if _is_zero(x) and y.dtype == node.dtype and y.shape:
            return _masked(inputs[0], inputs[2], out, bind, node, kept=False)
    return [f"{bind('k', np.copyto)}({out}, {bind('w', np.where)}({', '.join(inputs)}))"]


def _is_zero(node: Node) -> bool:
    """Whether a node is the number +0."""
    number = number_of(node)
    return number is not None and number == 0 and not np.signbit(number)


def _masked(mask: str, x: str, out: str, bind: Bind, node: Node, kept: bool = True) -> list[str]:
    """x where a mask is true (or false), and 0 elsewhere: its bits, or none of them.

    Several times faster than np.where: the mask as -1 and 0 has all bits or none.
    """
    bits = bind("d", np.dtype(f"i{node.dtype.itemsize}"))
    truth = f"{mask}.view({bind('d', np.dtype(np.int8))})"
    as_bits = f"{out}.view({bits})"
    spread = f"{bind('u', np.negative)}({truth}, {as_bits})"
    if not kept:
        spread = f"{bind('u', np.subtract)}({truth}, 1, {as_bits})"
    return [spread, f"{bind('u', np.bitwise_and)}({as_bits}, {x}.view({bits}), {as_bits})"]


_FORMS: dict[str, Form] = {
    "sum": _reduction,
    "max": _reduction,
    "min": _reduction,
    "matmul": _matmul,
    "broadcast": _copy,
    "broadcast_to": _copy,
    "astype": _cast,
    "where": _where,
    "embed": _embed,
}
_FITS: dict[str, Callable[[Node], bool]] = {
    "matmul": _products_fit,
    "astype": _cast_fits,
    "embed": _embed_fits,
}
