"""How primitives are computed on traced arrays: in NumPy's functions, so that these are seen.

Most computes call nothing else, and need no form. Those that write into arrays have one here; those
that call SciPy, or many functions, are written down as functions of their own.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from gradtape.derivatives.primitives import SMALL, prefixed
from gradtape.operation import PRIMITIVES
from gradtape.rules import Primitive
from gradtape.source_code.helpers import Helper, helper_for, name_of
from gradtape.source_code.program import nodes_in
from gradtape.source_code.traced import Traced, constant, lifted, program_of, wrapped

__all__ = ["called", "computed", "is_traced"]

Shape = tuple[int, ...]

#: A compute that is written down in more calls than this becomes a function of its own.
FEW_CALLS = 3


def is_traced(nest: Any) -> bool:
    """Whether there is a traced value among nested arguments."""
    return program_of(nest) is not None


def computed(primitive: Any, arrays: Any, params: Any) -> Any:
    """The value of a primitive."""
    if not is_traced((arrays, params)):
        return primitive.compute(*_values(arrays), *_values(params))
    form = _FORMS.get(primitive.name)
    if form is not None:
        return form(*arrays, *params)
    if isinstance(primitive.compute, np.ufunc) or primitive.compute in (np.where, np.clip):
        return primitive.compute(*arrays)
    if name_of(primitive.compute)[0]:
        return _called_by_name(primitive.compute, (*arrays, *params), {})
    return _in_other_words(primitive, arrays, params)


def _values(nest: Any) -> Any:
    return tuple([one.value if isinstance(one, Traced) else one for one in nest])


def called(function: Any, args: Any, kwargs: Any) -> Any:
    """A function of bare arrays: by its name, or its calls, or as a function that does the same."""
    program = program_of((args, kwargs))
    if not nodes_in(lifted((args, kwargs))):
        return constant(function(*lifted(args), **lifted(kwargs)), program)
    if name_of(function)[0]:
        return _called_by_name(function, args, kwargs)
    mark = program.mark()
    result, refused = _followed(program, function, args, kwargs)
    if result is not None:
        return result
    helper = helper_for(function)
    if helper is None:
        raise _not_alone(getattr(function, "__name__", repr(function))) from refused
    program.back_to(mark)
    return _called_helper(program, helper, function, args, kwargs)


def _called_by_name(function: Any, args: Any, kwargs: Any) -> Any:
    program = program_of((args, kwargs))
    return wrapped(program, program.call("function", function, lifted(args), lifted(kwargs)))


def _called_helper(program: Any, helper: Helper, function: Any, args: Any, kwargs: Any) -> Any:
    node = program.call("helper", helper, lifted(args), lifted(kwargs), function)
    return wrapped(program, node)


def _in_other_words(primitive: Any, arrays: Any, params: Any) -> Any:
    """The compute's calls if they are few, else a call of a function that does the same."""
    program = program_of((arrays, params))
    mark = program.mark()
    result, refused = _followed(program, primitive.compute, (*arrays, *params), {})
    if result is not None and len(program.nodes) - mark[0] <= FEW_CALLS:
        return result
    function = _function_of(primitive)
    helper = helper_for(function, primitive.name)
    if helper is None:
        if result is None:
            raise _not_alone(primitive.name) from refused
        return result
    program.back_to(mark)
    several = getattr(primitive, "arity", 1) < 0
    args = (tuple(arrays), *params) if several else (*arrays, *params)
    return _called_helper(program, helper, function, args, {})


def _followed(program: Any, compute: Any, args: Any, kwargs: Any) -> Any:
    """The result of calls that are seen; None, and the error if any, where not all of them are."""
    leaks = program.mark()[1]
    try:
        result = compute(*args, **kwargs)
    except Exception as error:  # what takes bare arrays only may fail in any way
        return None, error
    lost = any([leak.primitive for leak in program.leaks[leaks:]]) or not is_traced(result)
    return (None if lost else result), None


def _not_alone(name: str) -> NotImplementedError:
    return NotImplementedError(
        f"there is no NumPy source code for {name}: it is not made of NumPy's functions alone. Use "
        "gradtape itself for this function."
    )


def _function_of(primitive: Any) -> Any:
    """The function that computes a primitive, as it stands in our source."""
    compute = primitive.compute
    if getattr(primitive, "arity", 1) < 0:  # of any number of arrays: wrapped
        cells = [cell.cell_contents for cell in compute.__closure__ or ()]
        return next((c for c in cells if callable(c)), compute)
    return compute


# Ours that write into arrays ----------------------------------------------------------------------


def _filled(x: Any, shape: Shape) -> Any:
    if x.ndim or math.prod(shape) > SMALL:
        return np.broadcast_to(x, shape)
    return x._call("function", np.full, (shape, x)) if shape else x


def _broadcast_to(x: Any, shape: Shape) -> Any:
    return np.broadcast_to(x, shape)


def _embed(x: Any, shape: Shape, index: Any) -> Any:
    """Zeros with the values at an index."""
    return _lines("embed", _put, x, shape, index)


def _put(x: Any, shape: Shape, index: Any) -> Any:
    out = np.zeros(shape, x.dtype)
    out[index] = x
    return out


def _add_up(x: Any, shape: Shape, index: Any) -> Any:
    out = np.zeros(shape, x.dtype)
    np.add.at(out, index, x)
    return out


def _scatter_add(x: Any, shape: Shape, positions: Any) -> Any:
    """Zeros with the values added at flat positions, behind batch axes."""
    if x.ndim != np.ndim(positions):
        return _lines("helper", PRIMITIVES["scatter_add"].compute, x, shape, positions)
    flat = _lines("scatter", _add_up, x, (int(np.prod(shape)),), (positions,))
    return flat.reshape(shape)


def _lines(style: str, compute: Any, x: Any, shape: Shape, index: Any) -> Any:
    program = program_of((x, index))
    function: Any = helper_for(compute) if style == "helper" else compute
    node = program.call(style, function, (lifted(x), shape, lifted(index)), None, compute)
    return wrapped(program, node)


def _getitem(x: Any, index: Any) -> Any:
    return x[index] if isinstance(x, Traced) else Traced(x)[index]


def _pull_picked(g: Any, x_shape: Shape, index: Any, batch: Shape) -> Any:
    at = prefixed(index, batch)
    if not is_traced((g, index)):
        return _add_up(g, batch + x_shape, at)
    return _lines("scatter", _add_up, g, batch + x_shape, at)


def _picked(x: Any, /, index: Any) -> Any:
    return x[index]


#: Indexing with arrays: each may be a value of the program, such as an order or a mask.
picked = Primitive(_picked, _pull_picked, kind="movement", selects=True, name="getitem by arrays")
del PRIMITIVES[picked.name]


def _written(x: Any, value: Any, index: Any) -> Any:
    out = _copy_of(x, value, index)
    out[index] = value
    return out


def _added(x: Any, value: Any, index: Any) -> Any:
    out = _copy_of(x, value, index)
    np.add.at(out, index, value)
    return out


def _copy_of(x: Any, *others: Any) -> Any:
    if isinstance(x, Traced):
        return Traced(x.value, x.node, x.program)
    return Traced(x, None, program_of(others))


def _matmul(x: Any, y: Any) -> Any:
    return operator.matmul(x, y)


_FORMS: dict[str, Any] = {
    "broadcast": _filled,
    "broadcast_to": _broadcast_to,
    "embed": _embed,
    "getitem": _getitem,
    "getitem by arrays": _getitem,
    "matmul": _matmul,
    "scatter_add": _scatter_add,
    "written": _written,
    "added": _added,
}

setattr(Traced, "called", staticmethod(called))  # noqa: B010
