"""Recursive filters: the primitive along the last axis, and SciPy's functions made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal as _scipy

from gradtape.arithmetic import adjoint, align, unbroadcast
from gradtape.errors import no_rule_for_argument
from gradtape.primitive import Primitive
from gradtape.rules import strip
from gradtape.scipy._convolution import full, valid
from gradtape.scipy._namesakes import array
from gradtape.scipy._wrapped import namesake

__all__ = ["filtered", "filtfilt", "lfilter", "lfilter_zi", "sosfilt"]

Shape = tuple[int, ...]


def _filter(b: Any, a: Any, x: Any, /) -> Any:
    return _scipy.lfilter(b, a, x)


def _recursion(a: Any, x: Any) -> Any:
    """x through 1/a."""
    return filtered(np.ones(1, np.result_type(a.dtype, x.dtype)), a, x)


def _lags(g: Any, x: Any, count: int) -> Any:
    """Per lag k, the sum of g[n] conj(x[n - k])."""
    zeros = np.zeros((*g.shape[:-1], count - 1), g.dtype)
    return valid(np.concatenate([g, zeros], -1), x, nd=1, method="direct")


def _delayed(taps: Any, x: Any) -> Any:
    """The sum over k of taps[k] x[n - k]."""
    return full(x, taps, nd=1, method="direct")[..., : x.shape[-1]]


def _pull_numerator(g: Any, a: Any, x: Any, b_shape: Shape, batch: Shape) -> Any:
    return unbroadcast(_lags(g, _recursion(a, x), b_shape[0]), b_shape, batch)


def _pull_denominator(g: Any, a: Any, out: Any, a_shape: Shape, batch: Shape) -> Any:
    # a out = b x: what a changes comes in like an input, -(the change of a) out, through 1/a.
    return unbroadcast(-_lags(g, _recursion(a, out), a_shape[0]), a_shape, batch)


def _pull_signal(g: Any, b: Any, a: Any) -> Any:
    # The transposed filter runs backwards in time.
    return filtered(adjoint(b), adjoint(a), g[..., ::-1])[..., ::-1]


#: b/a, two polynomials in the delay, applied along the last axis of x.
filtered: Primitive = Primitive(
    _filter,
    (_pull_numerator, _pull_denominator, _pull_signal),
    (
        lambda t, a, x, out, b_shape, batch: _delayed(
            align(t, b_shape, out.ndim, batch), _recursion(a, x)
        ),
        lambda t, a, out, a_shape, batch: (
            -_delayed(align(t, a_shape, out.ndim, batch), _recursion(a, out))
        ),
        lambda t, b, a: filtered(b, a, t),
    ),
    name="scipy.lfilter",
)


# The state of the transposed direct form II, in which SciPy keeps it ----------------------------


def _padded(x: Any, count: int) -> Any:
    """A vector followed by zeros."""
    return np.concatenate([x, np.zeros(count - x.shape[0], x.dtype)])


def _normalized(b: Any, a: Any) -> tuple[Any, Any]:
    """Both of one length and dtype, and divided by the first entry of a."""
    count = max(b.shape[0], a.shape[0])
    dtype = np.result_type(b.dtype, a.dtype, np.float32)
    b, a = [_padded(v, count).astype(dtype) for v in (b, a)]
    return b / a[0], a / a[0]


def _free_response(a: Any, state: Any, length: int) -> Any:
    """What comes out of a state without any input, along the last axis."""
    count = state.shape[-1]
    zeros = np.zeros((*state.shape[:-1], max(length - count, 0)), state.dtype)
    signal = np.concatenate([state, zeros], -1)[..., :length]
    return filtered(a[:1], a, signal)


def _final_state(b: Any, a: Any, x: Any, y: Any, state: Any) -> Any:
    """The state that input and output leave behind, along the last axis.

    ``state[i]`` is the sum over ``k > i`` of ``b[k] x[n + i - k] - a[k] y[n + i - k]``, and what of
    the first state has not come out yet.
    """
    b, a = _normalized(b, a)
    count, n = b.shape[0] - 1, x.shape[-1]
    i, j = np.indices((count, count))
    taps = np.where(j >= i, count + i - j, 0)
    ends = []
    for signal in (x, y):
        zeros = np.zeros((*signal.shape[:-1], max(count - n, 0)), signal.dtype)
        ends.append(np.concatenate([zeros, signal], -1)[..., max(n - count, 0) :])
    total: Any = 0
    for coefficients, end in ((b, ends[0]), (-a, ends[1])):
        matrix = np.where(j >= i, coefficients[taps], 0)
        total = total + np.einsum("...j,ij->...i", end, matrix)
    if n < count:
        zeros = np.zeros((*state.shape[:-1], n), state.dtype)
        total = total + np.concatenate([state[..., n:], zeros], -1)
    return total


def _steady_state(b: Any, a: Any) -> Any:
    """The state in which the filter answers to a constant one with a constant."""
    b, a = _normalized(b, a)
    level = np.sum(b) / np.sum(a)
    return np.flip(np.cumsum(np.flip((b - a * level)[1:])))


# SciPy's functions ------------------------------------------------------------------------------


def _coefficients(b: Any, a: Any) -> tuple[Any, Any]:
    """The two polynomials of a filter, as vectors."""
    b, a = np.atleast_1d(array(b)), np.atleast_1d(array(a))
    if b.ndim != 1 or a.ndim != 1:
        raise ValueError(f"b and a must have one axis, got the shapes {b.shape} and {a.shape}")
    return b, a


@namesake(_scipy.lfilter)
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Filter a signal by a recursion: ``scipy.signal.lfilter`` with derivatives.

    ``a[0] y[n] = b[0] x[n] + b[1] x[n - 1] + ... - a[1] y[n - 1] - ...``; the gradient goes to the
    signal by the same filter backwards in time, and to the coefficients and the state too.

    Parameters
    ----------
    b, a : the coefficients, tensors or arrays of one axis.
    x : the signal, a tensor or an array.
    axis : along which to filter.
    zi : the state at the start, ``max(len(a), len(b)) - 1`` entries along the axis; None: zeros.

    Returns
    -------
    The filtered signal, as long as ``x``; with ``zi`` also the state at the end. Tensors, or arrays
    where no argument is a tensor.

    Raises
    ------
    ValueError : ``b`` or ``a`` has not one axis, or ``zi`` is not as long as the filter's state.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import lfilter
    >>> x = gt.Variable([1.0, 0.0, 0.0])
    >>> with gt.GradientTape() as tape:
    ...     y = lfilter([1.0], [1.0, -0.5], x)
    >>> y, tape.gradient(y, x)
    (Tensor([1.  , 0.5 , 0.25]), Tensor([1.75, 1.5 , 1.  ]))
    """
    b, a = _coefficients(b, a)
    x = np.moveaxis(array(x), axis, -1)
    y = filtered(b, a, x)
    if zi is None:
        return np.moveaxis(y, -1, axis)
    state = np.moveaxis(array(zi), axis, -1)
    count = max(b.shape[0], a.shape[0]) - 1
    if state.ndim != x.ndim or state.shape[-1] != count:
        raise ValueError(
            f"zi must have {x.ndim} axes and {count} entries along the axis, got the shape "
            f"{array(zi).shape}"
        )
    y = y + _free_response(a, state, x.shape[-1])
    end = _final_state(b, a, x, y, state)
    return np.moveaxis(y, -1, axis), np.moveaxis(end, -1, axis)


@namesake(_scipy.lfilter_zi)
def lfilter_zi(b: Any, a: Any) -> Any:
    """Give the state of a filter that rests at a constant input: ``scipy.signal.lfilter_zi``.

    Parameters
    ----------
    b, a : the coefficients, tensors or arrays of one axis.

    Returns
    -------
    ``max(len(a), len(b)) - 1`` numbers: a Tensor, or an array where no argument is a tensor.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import lfilter_zi
    >>> lfilter_zi(gt.constant([0.5]), [1.0, -0.5])
    Tensor([0.5])
    """
    b, a = _coefficients(b, a)
    while a.shape[0] > 1 and strip(a)[0] == 0:  # a delay less, which SciPy leaves out too
        a = a[1:]
    return _steady_state(b, a)


@namesake(_scipy.sosfilt)
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Filter a signal by sections of order two: ``scipy.signal.sosfilt`` with derivatives.

    Parameters
    ----------
    sos : the coefficients, a tensor or an array of shape (sections, 6).
    x : the signal, a tensor or an array.
    axis : along which to filter.
    zi : the sections' states at the start, a tensor or an array: for each section an array like
        ``x``, but of two entries along the axis; None: zeros.

    Returns
    -------
    The filtered signal; with ``zi`` also the states at the end. Tensors, or arrays where no
    argument is a tensor.

    Raises
    ------
    ValueError : ``sos`` or ``zi`` has another shape.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import sosfilt
    >>> x = gt.Variable([1.0, 0.0, 0.0])
    >>> with gt.GradientTape() as tape:
    ...     y = sosfilt([[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]], x)
    >>> tape.gradient(y, x)
    Tensor([1.75, 1.5 , 1.  ])
    """
    sections, y = array(sos), array(x)
    if sections.ndim != 2 or sections.shape[1] != 6:
        raise ValueError(f"sos must have the shape (sections, 6), got {sections.shape}")
    if zi is None:
        for section in sections:
            y = lfilter(section[:3], section[3:], y, axis)
        return y
    states, ends = array(zi), []
    if states.ndim != y.ndim + 1 or states.shape[0] != sections.shape[0]:
        raise ValueError(
            f"zi must have a state for each of the {sections.shape[0]} sections, with as many axes "
            f"as x, got the shapes {states.shape} and {y.shape}"
        )
    for section, state in zip(sections, states, strict=True):
        y, end = lfilter(section[:3], section[3:], y, axis, state)
        ends.append(end)
    return y, np.stack(ends)


def _continued(x: Any, count: int, padtype: str) -> Any:
    """A signal with entries of its own before and behind it, along the last axis."""
    before, behind = x[..., count:0:-1], x[..., -2 : -2 - count : -1]
    if padtype == "odd":
        before, behind = 2 * x[..., :1] - before, 2 * x[..., -1:] - behind
    elif padtype == "constant":
        shape = (*x.shape[:-1], count)
        before = np.broadcast_to(x[..., :1], shape)
        behind = np.broadcast_to(x[..., -1:], shape)
    return np.concatenate([before, x, behind], -1)


@namesake(_scipy.filtfilt)
def filtfilt(
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    method: str = "pad",
    irlen: int | None = None,
) -> Any:
    """Filter a signal forwards and backwards: ``scipy.signal.filtfilt`` with derivatives.

    Parameters
    ----------
    b, a : the coefficients, tensors or arrays of one axis.
    x : the signal, a tensor or an array.
    axis : along which to filter.
    padtype : how the signal goes on beyond its ends: ``"odd"``, ``"even"``, ``"constant"``, None.
    padlen : by how many entries; three times the longer of ``a`` and ``b`` by default.
    method, irlen : on tensors only ``"pad"``, which has no ``irlen``.

    Returns
    -------
    The filtered signal, without delay: a Tensor, or an array where no argument is a tensor.

    Raises
    ------
    ValueError : the kind of padding is unknown, or the signal is not longer than it.
    NoRuleError : another method, on tensors.

    Examples
    --------
    >>> import gradtape as gt
    >>> from gradtape.scipy.signal import filtfilt
    >>> x = gt.Variable([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    >>> with gt.GradientTape() as tape:
    ...     y = filtfilt([0.5, 0.5], [1.0], x)[3]
    >>> tape.gradient(y, x)
    Tensor([0.  , 0.  , 0.25, 0.5 , 0.25, 0.  , 0.  , 0.  ])
    """
    if method != "pad":
        raise no_rule_for_argument(_scipy.filtfilt, "method", "only 'pad' has a derivative here")
    b, a = _coefficients(b, a)
    if padtype not in ("odd", "even", "constant", None):
        raise ValueError(f"padtype must be 'odd', 'even', 'constant' or None, got {padtype!r}")
    signal = np.moveaxis(array(x), axis, -1)
    count = 3 * max(b.shape[0], a.shape[0]) if padlen is None else padlen
    count = 0 if padtype is None else count
    if not 0 <= count < signal.shape[-1]:
        raise ValueError(
            f"padlen must be less than the length of x along the axis, {signal.shape[-1]}, and not "
            f"negative, got {count}"
        )
    y = _continued(signal, count, padtype or "") if count else signal
    state = _steady_state(b, a)
    for _ in range(2):
        y = (filtered(b, a, y) + _free_response(a, state * y[..., :1], y.shape[-1]))[..., ::-1]
    return np.moveaxis(y[..., count : count + signal.shape[-1]], -1, axis)
