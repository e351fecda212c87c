"""The recorder that carries Taylor series through a program, and evaluates rules on series."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy import ndarray

from gradtape.arithmetic import cast
from gradtape.operators.series import RATES, Call, Part, Rate, Series, Several, kind_of, known_name
from gradtape.recording import InBlock, active, new_key, only
from gradtape.rules import UFUNCS
from gradtape.tensor import Tensor, bare

__all__ = ["SeriesRecorder"]

_NEGATIVE = UFUNCS[np.negative]


class SeriesRecorder(InBlock):
    """A recorder that carries the Taylor coefficients of what is computed in its ``with`` block.

    Parameters
    ----------
    order : up to which coefficient.
    leaves : tensors: the coefficients 0.
    directions : tensors of their shapes and dtypes: the coefficients 1.
    """

    def __init__(self, order: int, leaves: list[Tensor], directions: list[Tensor]) -> None:
        self.order = order
        self.outer: tuple[Any, ...] = active()
        #: The series by key: what this recorder tracks.
        self.tracked: dict[Any, Series] = {}
        self._in_rule = False
        self._calls: dict[Any, Any] = {}  # by what they compute: so the rules' circles close
        for leaf, direction in zip(leaves, directions, strict=True):
            if leaf.key is None:
                leaf.key = new_key()
            series = Series(*[t if self.outer else t.array for t in (leaf, direction)])
            series.key = leaf.key
            self.tracked[leaf.key] = series

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """See one primitive call: note the output's series; return the output's key."""
        given = [None if k is None else self.tracked.get(k) for k in keys]
        if all([series is None for series in given]):
            return key
        if not self._in_rule:
            stack = active()
            self.outer = stack[: stack.index(self)]
        key = new_key() if key is None else key
        several = type(out) is tuple
        name: Any = (primitive, _token(params), *map(_operand_token, given, keys, arrays))
        known = self._calls.get(name)
        if known is None and primitive is _NEGATIVE:
            known = self._calls.get((_NEGATIVE, given[0]))
        if known is None:
            values = tuple(map(self._value, given, keys, arrays))
            make: Any = self._several if several else self._single
            known = self._calls[name] = make(primitive, given, values, params, out, key)
            if primitive is _NEGATIVE:  # minus minus x is x, which closes more circles
                self._calls[_NEGATIVE, known] = given[0]
        pairs: Any = zip(known, key, strict=True) if several else ((known, key),)
        for series, k in pairs:
            self.tracked[k] = series
            series.key = k if series.key is None else series.key
            if not self._in_rule and getattr(series.known[0], "dtype", np.dtype(int)).kind in "fc":
                with only(self.outer), np.errstate(all="ignore"):
                    series[self.order]  # now: later it could lead back through a whole program
        return key

    def _single(
        self, primitive: Any, given: Any, values: Any, params: Any, out: Any, key: Any
    ) -> Series:
        """A call with one value."""
        value = Tensor(out, key) if self.outer else out
        return kind_of(primitive, given, params)(self, primitive, given, (*values, value), params)

    def _several(
        self, primitive: Any, given: Any, values: Any, params: Any, out: Any, key: Any
    ) -> tuple[Part, ...]:
        """The parts of a call with several values."""
        outs = [Tensor(o, k) if self.outer else o for o, k in zip(out, key, strict=True)]
        call = Several(self, primitive, given, (*values, *outs), params)
        call.parts = [Part(call, i, value) for i, value in enumerate(outs)]
        return tuple(call.parts)

    def _value(self, series: Series | None, key: Any, array: Any) -> Any:
        """An input's value as forward rules get it: a tensor where outer recorders may know it."""
        if series is not None:
            return series.known[0]
        if key is not None:
            return Tensor(array, key) if self.outer else array
        # It is the user's, who may write into it before the last coefficient is asked for.
        return array.copy() if type(array) is ndarray and not self._in_rule else array

    def _tensor(self, series: Series) -> Tensor:
        """The value of a series as a tensor that this recorder tracks."""
        value = series.known[0]
        if series.key is None:
            series.key = getattr(value, "key", None) or new_key()
            self.tracked[series.key] = series
        return Tensor(bare(value), series.key)

    def _rate(self, series: Series) -> Tensor:
        """The derivative of a series by t, as a tensor that this recorder tracks."""
        if series.rate is None:
            series.rate = Rate(series)
        return self._tensor(series.rate)

    def in_rule(self, call: Call, rule: Callable[..., Any]) -> Any:
        """What a rule makes of a call's inputs, which are tracked here: an expression of series."""
        inputs = [
            value if series is None else self._tensor(series)
            for series, value in zip(call.given, call.values, strict=False)
        ]
        before, self._in_rule = self._in_rule, True
        try:
            with only((*self.outer, self)), np.errstate(all="ignore"):
                return rule(*inputs)
        finally:
            self._in_rule = before

    def rates_of(self, call: Call, values: list[Any]) -> Any:
        """The rates of change of a call's values, as the forward rule has them, and liveness."""
        # What follows computes coefficients, which this recorder is not to see.
        tangents = [None if series is None else self._rate(series) for series in call.given]
        masks, outs = call.masks(), [self._tensor(value) for value in values]
        masked = any([mask is not None for mask in masks])
        closed = None if masked else RATES.get(known_name(call.primitive))

        def rule(*inputs: Any) -> Any:
            everything = (*inputs, *outs)
            rate = None if closed is None else closed(tangents, everything)
            if rate is None:
                return call.primitive.push(tangents, masks, everything, call.params, ())
            return cast(np.broadcast_to(rate, outs[0].shape), outs[0].dtype), None

        return self.in_rule(call, rule)

    def series(self, value: Any) -> Series | None:
        """The series of what a rule gave: a constant one, if nothing tracks that."""
        if value is None:
            return None
        found = self.tracked.get(getattr(value, "key", None))
        if found is not None:
            return found
        return Series(value if self.outer else bare(value))


def _operand_token(series: Series | None, key: Any, array: Any) -> Any:
    """What stands for an input in the name of a call."""
    if series is not None:
        return id(series)  # the call keeps it
    return ("key", key) if key is not None else _token(array)


def _token(value: Any) -> Any:
    """Something hashable that is equal for equal constants and parameters."""
    if isinstance(value, (ndarray, np.generic)):
        data = np.ascontiguousarray(value).tobytes()
        return value.dtype, value.shape, data if len(data) <= 64 else blake2b(data).digest()
    if isinstance(value, (list, tuple)):
        return type(value), *map(_token, value)
    if isinstance(value, dict):
        return dict, *[(key, _token(item)) for key, item in value.items()]
    if isinstance(value, slice):
        return slice, _token(value.start), _token(value.stop), _token(value.step)
    if isinstance(value, Tensor):
        return Tensor, value.key, id(value)
    # 1, 1.0 and True are equal, and so are 0.0 and -0.0; they are different constants.
    return type(value), repr(value)
