"""The names of operations in a file, and the one way back: what is listed here, and nothing else.

A name in a file is looked up, never imported: primitives among the tape's own, ufuncs in those of
NumPy and SciPy, other functions in the lists below. All of these only compute.
"""

from __future__ import annotations

import importlib
import operator
from typing import Any

import numpy as np

from gradtape.operation import PRIMITIVES, Operation
from gradtape.programs.opaque import Changed, Method
from gradtape.programs.tracing import Late
from gradtape.rules import load_all_tables

__all__ = ["Unknown", "name_of", "named"]


class Unknown(Exception):  # noqa: N818  (its catcher says where it was, and raises)
    """There is no name for an operation, or no operation for a name."""


#: The functions of NumPy that a program may call as they are.
_FUNCTIONS = {
    "numpy": """
        all allclose angle any append argmax argmin argpartition argsort argwhere around
        array_equal array_equiv array_split astype atleast_1d atleast_2d atleast_3d average
        bincount bitwise_count block broadcast_arrays broadcast_to choose clip column_stack
        compress concat concatenate convolve copy corrcoef correlate count_nonzero cov cross
        cumprod cumsum cumulative_prod cumulative_sum delete diag diag_indices_from diagflat
        diagonal diff digitize dot dsplit dstack ediff1d einsum empty_like expand_dims extract fix
        flatnonzero flip fliplr flipud full_like gradient histogram histogram2d
        histogram_bin_edges histogramdd hsplit hstack i0 imag inner insert interp intersect1d
        isclose iscomplex isin isneginf isposinf isreal ix_ kron lexsort matrix_transpose matvec
        max mean median min moveaxis nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax
        nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar nonzero
        ones_like outer packbits pad partition percentile permute_dims poly polyadd polyder
        polydiv polyfit polyint polymul polysub polyval prod ptp quantile ravel ravel_multi_index
        real real_if_close repeat reshape resize roll rollaxis roots rot90 round searchsorted
        select setdiff1d setxor1d sinc sort sort_complex split squeeze stack std sum swapaxes take
        take_along_axis tensordot tile trace transpose trapezoid tri tril tril_indices_from
        trim_zeros triu triu_indices_from union1d unique unique_all unique_counts unique_inverse
        unique_values unpackbits unravel_index unstack unwrap vander var vdot vecdot vecmat vsplit
        vstack where zeros_like
    """,
    "numpy.linalg": """
        cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul matrix_norm
        matrix_power matrix_rank matrix_transpose multi_dot norm outer pinv qr slogdet solve svd
        svdvals tensordot tensorinv tensorsolve trace vecdot vector_norm
    """,
    "numpy.fft": """
        fft fft2 fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn rfft rfft2
        rfftn
    """,
}
#: The methods of arrays, and of ufuncs.
_ARRAY_METHODS = """
    all any argmax argmin argpartition argsort astype choose clip compress conj conjugate copy
    cumprod cumsum diagonal dot flatten max mean min nonzero prod ravel repeat reshape round
    searchsorted squeeze std sum swapaxes take trace transpose var
"""
_UFUNC_METHODS = "accumulate outer reduce reduceat"
#: What writes into its first argument: of a program, into a copy.
_CHANGING = "copyto fill_diagonal place put put_along_axis putmask"
_CHANGING_METHODS = "fill partition sort"

#: What Python's own numbers do among themselves.
_ON_NUMBERS = """
    abs add and_ eq floordiv ge gt inv invert le lshift lt matmul mod mul ne neg or_ pos pow rshift
    sub truediv xor
"""
_TYPES: dict[str, Any] = {
    **{f"python {kind.__name__}": kind for kind in (bool, int, float, complex)},
    **{
        name: getattr(np, name)
        for name in (
            *("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            *("float16", "float32", "float64", "longdouble", "complex64", "complex128"),
            "clongdouble",
        )
    },
}


def _listed() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module, names in _FUNCTIONS.items():
        home = importlib.import_module(module)
        found |= {f"{module}.{n}": getattr(home, n) for n in names.split() if hasattr(home, n)}
    found |= {f"array.{name}": Method.named(name) for name in _ARRAY_METHODS.split()}
    found |= {f"number.{name}": getattr(operator, name) for name in _ON_NUMBERS.split()}
    return found | {f"type.{name}": kind for name, kind in _TYPES.items()}


_CHANGES = {
    **{f"changed.numpy.{name}": getattr(np, name) for name in _CHANGING.split()},
    **{f"changed.array.{name}": getattr(np.ndarray, name) for name in _CHANGING_METHODS.split()},
}
_LISTED = _listed()
_NAMES: dict[Any, str] = {
    function: name for name, function in reversed([*_LISTED.items(), *_CHANGES.items()])
}


def name_of(op: Any) -> str:
    """The name of an operation.

    Raises
    ------
    Unknown : it has none.
    """
    if isinstance(op, Operation):
        if PRIMITIVES.get(op.name) is op:
            return f"primitive.{op.name}"
        raise Unknown
    if type(op) is Late:
        return f"late.{op.arrays}.{op.inputs}.{name_of(op.primitive).removeprefix('primitive.')}"
    if op is operator.getitem:
        return "pick"
    if isinstance(op, np.ufunc):
        return _ufunc_name(op)
    if type(op) is Changed:
        if type(op.function) is tuple and op.function[1] == "at":
            return f"changed.at.{_ufunc_name(op.function[0])}"
        name = _NAMES.get(op.function, "")
        if name in _CHANGES:
            return name
        raise Unknown
    owner = getattr(op, "__self__", None)
    if isinstance(owner, np.ufunc):
        method = op.__name__
        if method in _UFUNC_METHODS.split():
            return f"{method}.{_ufunc_name(owner)}"
        raise Unknown
    try:
        return _NAMES[op]
    except (KeyError, TypeError):
        raise Unknown from None


def named(name: str) -> Any:
    """The operation of a name.

    Raises
    ------
    Unknown : there is none here.
    """
    if name in _LISTED:
        return _LISTED[name]
    if name == "pick":
        return operator.getitem
    if name in _CHANGES:
        return Changed(_CHANGES[name])
    kind, _, rest = name.partition(".")
    if name.startswith("changed.at.ufunc."):
        return Changed((_ufunc(name.removeprefix("changed.at.ufunc.")), "at"))
    if kind == "primitive":
        return _primitive(rest)
    if kind == "late":
        arrays, inputs, primitive = rest.split(".", 2) if rest.count(".") >= 2 else ("", "", "")
        if not (arrays.isdecimal() and inputs.isdecimal() and int(arrays) <= int(inputs)):
            raise Unknown
        return Late.of(_primitive(primitive), int(arrays), int(inputs))
    if kind == "ufunc":
        return _ufunc(rest)
    if kind in _UFUNC_METHODS.split() and rest.startswith("ufunc."):
        return getattr(_ufunc(rest.removeprefix("ufunc.")), kind)
    raise Unknown


def _primitive(name: str) -> Any:
    if name not in PRIMITIVES:
        load_all_tables()
    try:
        return PRIMITIVES[name]
    except KeyError:
        raise Unknown from None


def _ufunc_name(ufunc: np.ufunc) -> str:
    for module in ("numpy", "scipy.special"):
        name = f"{module}.{ufunc.__name__}"
        try:
            if _ufunc(name) is ufunc:
                return f"ufunc.{name}"
        except Unknown:
            continue
    raise Unknown


def _ufunc(name: str) -> Any:
    module, _, name = name.rpartition(".")
    if module not in ("numpy", "scipy.special"):
        raise Unknown
    try:
        home = importlib.import_module(module)
    except ImportError:
        raise Unknown from None
    found = vars(home).get(name)
    if not isinstance(found, np.ufunc):
        raise Unknown
    return found
