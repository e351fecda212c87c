"""Writing into tensors: each write gives a tensor a new version, and its views with it.

A write (``t[i] = v``, ``t += v``, ``np.add(a, b, out=t)``) is recorded as an operation from the old
version and the value to the new one. The tensor object then stands for the new version: another
array, or the same one where nobody else holds it, and another key. So records keep what they saw.

What NumPy would answer with a view of ``t`` is tied to ``t``: a write into one shows in the other.
"""

from __future__ import annotations

import operator
import sys
import weakref
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.calls import call, is_tracked, stripped, tensors_in, without_ufunc_defaults
from gradtape.derivatives.axes import as_array, holds_tensors
from gradtape.derivatives.indexing import at, is_basic, parts_of, picked
from gradtape.derivatives.shapes import reshaped
from gradtape.derivatives.writing import added, written
from gradtape.recording import active
from gradtape.rules import strip

__all__ = [
    *("Ties", "assign", "become", "entries", "into", "tie", "update", "update_at", "watched"),
]


class Ties:
    """What a tensor shares with others: its origin, if it is a view, and the views of it."""

    __slots__ = ("origin", "views", "watched", "written")

    def __init__(self, origin: Any = None) -> None:
        self.origin = origin  #: (tensor, primitive, params) that it is a view of
        self.views: list[weakref.ref[Any]] = []
        self.watched = False  #: whether a tape watches it by name, as a source
        self.written = False  #: whether it was written to


def _ties(t: Any) -> Ties:
    """The ties of a tensor, made if it has none."""
    try:
        ties: Ties = t.ties
    except AttributeError:
        ties = t.ties = Ties()
    return ties


def watched(t: Any) -> None:
    """Note that a recorder watches a tensor: it stays as it is from now on."""
    _ties(t).watched = True


def tie(t: Any, view: Any, primitive: Any, params: Any) -> None:
    """Note that ``view``, the primitive of ``t``, shares its memory, if it does."""
    base = view.array.base
    if base is not t.array and base is not t.array.base:
        return
    ties = _ties(t)
    view.ties = Ties((t, primitive, params))
    if ties.written:
        view.array = view.array.copy()  # so that records of it do not keep all of t
    views = ties.views
    if len(views) & 63 == 63:
        views[:] = [ref for ref in views if ref() is not None]
    views.append(weakref.ref(view))


def entries(t: Any) -> Any:
    """The entries in order, in one axis, tied to ``t`` wherever they are in memory."""
    view: Any = np.ravel(t)
    if t.writable and not hasattr(view, "ties"):  # a copy, which nothing ties yet
        view.ties = Ties((t, reshaped, ((t.array.size,),)))
        _ties(t).views.append(weakref.ref(view))
    return view


# Writing ------------------------------------------------------------------------------------------


def assign(t: Any, index: Any, value: Any) -> None:
    """``t[index] = value``.

    Raises
    ------
    TypeError : ``t`` may not be written to, or the value's gradient would be lost in its dtype.
    """
    if _is_the_view(t, index, value):
        return  # the second half of t[index] += something, which is done
    _check_writable(t)
    value = _assembled(value)
    _check_dtype(t, value)
    _write(t, _plain(index), value)
    _spread(t)


def become(t: Any, result: Any) -> Any:
    """Give ``t`` the value ``result``, in its own shape and dtype, as ``out=`` does; return t.

    Raises
    ------
    TypeError : ``t`` may not be written to, or the dtypes do not allow it.
    ValueError : the shapes differ.
    """
    _check_writable(t)
    array = strip(result)
    if np.shape(array) != t.array.shape:
        raise ValueError(
            f"a result of shape {np.shape(array)} does not fit into the tensor that is to hold it, "
            f"which has shape {t.array.shape}"
        )
    if array.dtype != t.array.dtype:
        if not np.can_cast(array.dtype, t.array.dtype, "same_kind"):
            raise TypeError(
                f"cannot write a result of dtype {array.dtype} into a tensor of dtype "
                f"{t.array.dtype}: make the tensor of a wider dtype, or cast the result by astype"
            )
        result = result.astype(t.array.dtype)
    t.array, t.key = strip(result), getattr(result, "key", None)
    _spread(t)
    return t


def update(t: Any, result: Any) -> Any:
    """What ``t += ...`` and the like leave in the name ``t``, given what ``t + ...`` is.

    A tensor without axes is a number, as NumPy has it: the name gets another one.
    """
    if result is NotImplemented or not t.writable or not t.array.ndim:
        return result
    return become(t, result)


def into(out: Any, function: Any, method: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """A call with ``out=``: the result becomes the value of a tensor, which is returned.

    Raises
    ------
    NoRuleError : the result has a gradient to keep, and ``out`` is a bare array.
    """
    target = out[0] if type(out) is tuple and len(out) == 1 else out
    if type(target) is tuple:
        raise errors.no_rule_for_argument(function, "out", "several outputs")
    is_call = isinstance(function, np.ufunc) and method == "__call__"
    where = kwargs.pop("where", True) if is_call else True
    if target is None or not hasattr(target, "__gradtape_apply__"):
        return _into_bare(target, where, function, method, args, kwargs)
    name = function if method == "__call__" else (function, method)
    result = call(name, args, without_ufunc_defaults(kwargs) if is_call else kwargs)
    return become(target, result if where is True else np.where(where, result, target))


def _into_bare(out: Any, where: Any, function: Any, method: str, args: Any, kwargs: Any) -> Any:
    """A call with ``out=`` a bare array, which NumPy does, unless a gradient would be lost."""
    if any([is_tracked(t) for t in tensors_in([args, list(kwargs.values())])]):
        name = function if method == "__call__" else (function, method)
        raise errors.no_rule_for_argument(
            name,
            "out",
            "a bare array loses the gradient; a tensor keeps it: gradtape.zeros, np.zeros_like(t)",
        )
    options = {"out": out} if where is True else {"out": out, "where": stripped(where)}
    options.update({key: stripped(value) for key, value in kwargs.items()})
    numpys = function if method == "__call__" else getattr(function, method)
    return numpys(*stripped(args), **options)


def update_at(ufunc: Any, t: Any, indices: Any, *values: Any) -> None:
    """``ufunc.at(t, indices, values)``: unbuffered, so that repeated indices count repeatedly."""
    if not hasattr(t, "__gradtape_apply__"):
        _into_bare_at(ufunc, t, indices, *values)
        return
    index, values = _plain(indices), tuple([_assembled(value) for value in values])
    if ufunc in (np.add, np.subtract):
        _check_writable(t)
        _check_dtype(t, *values)
        _add_at(t, index, *[value if ufunc is np.add else np.negative(value) for value in values])
        _spread(t)
        return
    places = np.arange(t.array.size).reshape(t.array.shape)[index]
    shape = np.shape(places)
    operands = [np.broadcast_to(value, shape).reshape(-1) for value in values]
    flat = np.reshape(places, -1)
    # Each round takes every place once: the first of those that are left.
    left = np.arange(flat.size)
    while left.size:
        _, first = np.unique(flat[left], return_index=True)
        now = left[first]
        here = np.unravel_index(flat[now], t.array.shape)
        t[here] = ufunc(t[here], *[operand[now] for operand in operands])
        left = np.delete(left, first)


def _into_bare_at(ufunc: Any, array: Any, indices: Any, *values: Any) -> None:
    """``ufunc.at`` of a bare array, which NumPy does, unless a gradient would be lost."""
    if any([is_tracked(t) for t in tensors_in(values)]):
        raise TypeError(
            f"{ufunc.__name__}.at cannot write into {errors.describe(array)}: the gradient would "
            "be lost. Give a tensor (gradtape.zeros, np.zeros_like(t))."
        )
    ufunc.at(array, stripped(indices), *stripped(values))


def _plain(index: Any) -> tuple[Any, ...]:
    """An index as the tuple of its parts, each as NumPy takes it."""
    return parts_of(index)


def _assembled(value: Any) -> Any:
    """A sequence with tensors in it as one tensor; anything else as it is."""
    return as_array(value) if holds_tensors(value) else value


def _write(t: Any, index: Any, value: Any) -> None:
    """Give t another version, with the value at the index."""
    if not hasattr(value, "dtype"):
        value = np.asarray(value, t.array.dtype)
    spare = np.ndim(value) and np.ndim(value) - np.ndim(at(picked, t.array, index))
    if spare > 0:  # NumPy lets a value have axes of length one too many in front
        value = np.squeeze(value, tuple(range(spare)))
    _change(t, index, value, written, operator.setitem)


def _add_at(t: Any, index: Any, value: Any) -> None:
    """Give t another version, with the value added at the index, as often as that names a place."""
    if not hasattr(value, "dtype"):
        value = np.asarray(value, t.array.dtype if t.array.dtype.kind in "fc" else None)
    _change(t, index, value, added, np.add.at)


def _change(t: Any, index: Any, value: Any, primitive: Any, change: Any) -> None:
    """Give t another version, made by ``change(array, index, value)``, which is the primitive's."""
    array = strip(value)
    if _is_traced((t.array, array, *index)):
        before = t.array
        out = at(primitive, before, array, index)
    else:
        alone = _holders(t) <= _ALONE and t.array.ndim and t.array.base is None
        before = out = t.array if alone else np.array(t.array)
        change(out, index, array)
    if not out.ndim:
        out = out[()]
    key = None
    for recorder in active():
        keys = (t.key, getattr(value, "key", None))
        key = recorder.record(primitive, keys, (t, value), (before, array), (index,), out, key)
    t.array, t.key = out, key
    _ties(t).written = True


def _is_traced(values: Any) -> bool:
    """Whether there is a symbol among some values: then the write is part of a program."""
    return any([hasattr(value, "__gradtape_symbol__") for value in values])


def _holders(t: Any) -> int:
    """How many hold the array of a tensor."""
    return sys.getrefcount(t.array)


class _Fresh:
    """Something whose array nobody else holds."""

    array = np.empty(1)


#: The count of an array that only its tensor holds.
_ALONE = _holders(_Fresh)


# Views --------------------------------------------------------------------------------------------


def _spread(t: Any, but: Any = None) -> None:
    """Show a write into t in what t is a view of, and in the views of t."""
    origin = _ties(t).origin
    if origin is not None:
        parent, primitive, params = origin
        _write(parent, _places(parent, primitive, params), t)
        _spread(parent, t)
    _show(t, but)


def _show(t: Any, but: Any = None) -> None:
    """Show a new version of t in its views, but for one that has it already."""
    for ref in _ties(t).views[:]:
        view = ref()
        if view is not None and view is not but:
            _, primitive, params = view.ties.origin
            fresh = primitive.on(t, *params)
            view.array, view.key = fresh.array, fresh.key
            _show(view)


def _places(parent: Any, primitive: Any, params: Any) -> Any:
    """The index of the entries of the parent that a view shows."""
    if primitive is picked:
        return params[0]
    positions = np.arange(parent.array.size).reshape(parent.array.shape)
    return np.unravel_index(primitive.compute(positions, *params), parent.array.shape)


def _is_the_view(t: Any, index: Any, value: Any) -> bool:
    """Whether the value is the view of t at that very index, so that there is nothing to write."""
    ties = getattr(value, "ties", None)
    if ties is None or ties.origin is None or ties.origin[0] is not t:
        return False
    _, primitive, params = ties.origin
    index = index if type(index) is tuple else (index,)
    return primitive is picked and is_basic(index) and bool(params[0] == index)


# Checks -------------------------------------------------------------------------------------------


def _check_writable(t: Any) -> None:
    """Raise if t, or what shares its memory, may not be written to."""
    if not t.writable:
        raise TypeError(
            f"{type(t).__name__} does not support writing into it. Compute the new value "
            "(np.where(mask, value, t)) and assign() that, or write into a copy: "
            "c = t.copy(); c[0] = 1."
        )
    ties = _ties(t)
    if ties.watched:
        raise TypeError(
            f"{errors.describe(t)} is watched by a tape: a write would give it another value than "
            "the one that gradients are asked for. Write into a copy: c = t.copy(); c[0] = 1."
        )
    for view in [ref() for ref in ties.views]:
        if view is not None and view.ties.watched:
            raise TypeError(
                f"{errors.describe(t)} has a view that a tape watches, which a write would change. "
                "Write into a copy: c = t.copy(); c[0] = 1."
            )
    if ties.origin is not None:
        _check_view(t)
        _check_writable(ties.origin[0])


def _check_view(t: Any) -> None:
    """Raise if a write into t cannot be shown in what it is a view of."""
    parent, primitive, params = t.ties.origin
    if primitive.kind != "movement" or parent.array.dtype != t.array.dtype:
        raise TypeError(
            f"this tensor is a view that {primitive.name} made, which cannot be written to. Write "
            "into what it was made of, or into a copy: c = t.copy(); c[0] = 1."
        )
    if primitive is not picked and t.array.size > 1:
        places = primitive.compute(
            np.arange(parent.array.size).reshape(parent.array.shape), *params
        )
        if np.unique(places).size < places.size:
            raise ValueError(
                "assignment destination is read-only: it is broadcast, so that several entries are "
                "one. Write into a copy: c = t.copy(); c[0] = 1."
            )


def _check_dtype(t: Any, value: Any) -> None:
    """Raise if the gradient of a value would be lost in the dtype of t."""
    dtype, target = getattr(value, "dtype", None), t.array.dtype
    if dtype is None or getattr(value, "key", None) is None or dtype.kind not in "fc":
        return
    if target.kind not in "fc" or (dtype.kind == "c" and target.kind != "c"):
        raise TypeError(
            f"a value of dtype {dtype} would lose its gradient in a tensor of dtype {target}: make "
            f"the tensor of dtype {dtype}, or take gradtape.stop_gradient of the value"
        )
