"""Derivatives that the user gives, withholds, or has computed a second time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import errors
from gradtape.arithmetic import cast
from gradtape.nest import flatten, pack
from gradtape.recording import InBlock, active, leave, new_key
from gradtape.replays import Operation, Replayed, Uses, note_returned, shown, twins
from gradtape.tape import GradientTape
from gradtape.tensor import Tensor, bare
from gradtape.variable import Variable, constant

__all__ = ["custom_gradient", "recompute_grad", "stop_gradient"]


#: What counts as an argument with a gradient.
_NUMERIC = (Tensor, np.ndarray, np.generic, int, float, complex)


def stop_gradient(value: Any) -> Tensor:
    """The same value, as a constant that no gradient passes through.

    Parameters
    ----------
    value : a tensor, or anything that makes one.

    Examples
    --------
    >>> import gradtape as gt
    >>> x = gt.Variable(3.0)
    >>> with gt.GradientTape() as tape:
    ...     y = x * gt.stop_gradient(x)
    >>> tape.gradient(y, x)
    Tensor(3.)
    """
    if not isinstance(value, Tensor):
        return constant(value)
    stopped = value.result_class(value.array)
    leave(value, "stop_gradient", stopped.array)
    return stopped


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function a gradient of one's own.

    Parameters
    ----------
    f : a function that returns ``(y, grad)``: its value, a tensor or a nest of tensors, and a
        function that takes the cotangent of each tensor in ``y`` and returns the gradient of each
        positional argument of ``f`` (one alone may stand bare): of each tensor, array and number
        among them, but not of other objects such as a method's ``self`` or a string. Keyword
        arguments have no gradient. It may write into its arguments, which are its own.
        What ``y`` depends on must be positional arguments, variables, or without a gradient.
        If ``f`` uses trainable variables that are not arguments, ``grad`` is called with
        ``variables=[...]`` and returns ``(gradients, gradients_of_variables)``.

    Returns
    -------
    A function that returns ``y``. Derivatives of derivatives are those of ``grad``'s operations.
    Forward mode transposes ``grad``, which must be linear in the cotangents for that: of one that
    is not (it clips them, say) it takes the slope at ones.

    Raises
    ------
    TypeError : ``f`` uses variables and ``grad`` takes none; or ``y`` depends on a tensor that an
        active tape tracks, but that is no positional argument (``f`` closes over it, or it is a
        keyword argument or an attribute): its gradient would be lost.
    ValueError : (by ``tape.gradient``) ``grad`` returned too few, too many or misshapen gradients.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> @gt.custom_gradient
    ... def softplus(z):
    ...     e = np.exp(z)
    ...     return np.log(1 + e), lambda g: g / (1 + 1 / e)
    >>> x = gt.Variable(100.0)
    >>> with gt.GradientTape() as tape:
    ...     y = softplus(x)
    >>> tape.gradient(y, x)
    Tensor(1.)
    """
    return with_gradient(f, _refuse)


def with_gradient(f: Callable[..., Any], lost: Callable[[str], None]) -> Callable[..., Any]:
    """``custom_gradient``, which calls ``lost`` with what is to say where a gradient is lost."""
    _check_callable(f, "custom_gradient")
    name = errors.named(f)

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        inputs = [leaf for leaf in flatten(args) if isinstance(leaf, _NUMERIC)]
        own_args, own_kwargs = twins((args, kwargs))
        with _Watcher(inputs) as seen:
            answer = f(*own_args, **own_kwargs)
        if not (isinstance(answer, tuple) and len(answer) == 2 and callable(answer[1])):
            raise TypeError(
                f"a function under custom_gradient must return (value, gradient_function), but "
                f"{name} returned {errors.describe(answer)}"
            )
        result, grad = answer
        variables = seen.variables
        if variables and not _accepts_variables(grad):
            raise TypeError(
                "@tf.custom_gradient grad_fn must accept keyword argument 'variables', since "
                f"function uses variables: {variables}"
            )
        leaves = flatten(result)
        origins = [t for t in map(seen.origin, leaves) if t is not None]
        if origins:
            lost(
                f"what {name}, a function under custom_gradient, returned depends on "
                f"{errors.describe(origins[0])} that an active tape tracks, but that is none of "
                f"its positional arguments: the gradient would be lost. Pass it to {name} as a "
                "positional argument, or gradtape.stop_gradient of it if it is to have none."
            )
        outs = _arrays(leaves)
        call = UserCall(name, grad, inputs, variables, outs, _class_of([*leaves, *inputs]))
        return pack(result, shown(call, [*inputs, *variables], outs, call.tensor_class))

    return decorated


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Record a function as one operation, and compute it again when its gradient is needed.

    What ``f`` computes in between is not kept: memory for time.

    Parameters
    ----------
    f : a function of tensors (or nests of them) that returns a tensor or a nest of tensors. It
        must compute the same when called again.

    Returns
    -------
    A function like ``f``, to any order of derivatives.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> deep = gt.recompute_grad(lambda x: np.exp(np.sin(np.cos(x))))
    >>> x = gt.Variable(0.0)
    >>> with gt.GradientTape() as tape:
    ...     y = deep(x)
    >>> tape.gradient(y, x)
    Tensor(-0.)
    """
    _check_callable(f, "recompute_grad")

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        uses = Uses(errors.named(f), (args, kwargs))
        own_args, own_kwargs = twins((args, kwargs))
        with uses.noted():
            result = f(*own_args, **own_kwargs)
            leaves = flatten(result)
            note_returned(leaves)

        def again() -> Any:
            again_args, again_kwargs = uses.arguments()
            return f(*again_args, **again_kwargs)

        outs = _arrays(leaves)
        call = Replayed(again, uses, outs)
        return pack(result, shown(call, call.inputs, outs, _class_of([*leaves, *flatten(args)])))

    return decorated


def _check_callable(f: Any, name: str) -> None:
    if not callable(f):
        raise TypeError(f"argument `f` of {name} must be a function, but is {errors.describe(f)}")


def _refuse(text: str) -> None:
    raise TypeError(text)


def _arrays(leaves: list[Any]) -> list[Any]:
    """The leaves of a result, bare."""
    return [bare(leaf) if isinstance(leaf, Tensor) else _array(leaf) for leaf in leaves]


def _array(value: Any, dtype: Any = None) -> Any:
    """A number, or nested sequences of them, as an array."""
    if hasattr(value, "__gradtape_symbol__"):
        return value.strong(dtype)
    return np.asarray(value, dtype)[()]


def _floats(t: Tensor) -> bool:
    return t.array.dtype.kind in "fc"


def _class_of(values: list[Any]) -> type[Tensor]:
    """The class of a call's results: that of the first tensor among some values."""
    classes = [t.result_class for t in values if isinstance(t, Tensor)]
    return classes[0] if classes else Tensor


def _accepts_variables(grad: Callable[..., Any]) -> bool:
    """Whether a gradient function takes the keyword argument ``variables``."""
    code = getattr(grad, "__code__", None)
    if code is None:
        return True
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return "variables" in names or bool(code.co_flags & 8)


class _Watcher(InBlock):
    """A recorder that notes what a function uses beside its inputs.

    ``variables`` are the trainable ones. Of what is computed from other tensors that the recorders
    around the call track, ``origin`` tells the tensor.
    """

    tracked: frozenset[Any] = frozenset()

    def __init__(self, inputs: list[Any]) -> None:
        self._outer = active()
        self._now = new_key()  # what is computed from now on has greater keys
        self._inputs = {t.key for t in inputs if isinstance(t, Tensor)}
        self._variables: dict[Any, Variable] = {}
        self._origins: dict[Any, Tensor] = {}

    def record(
        self, primitive: Any, keys: Any, inputs: Any, arrays: Any, params: Any, out: Any, key: Any
    ) -> Any:
        """Note what is among the inputs, and what the output is computed from."""
        origin = None
        for t in inputs:
            if isinstance(t, Variable) and t.trainable and _floats(t):
                self._variables[t.key] = t
            elif origin is None:
                origin = self.origin(t)
        if origin is not None:
            self._origins.update(dict.fromkeys(key if type(key) is tuple else (key,), origin))
        return key

    @property
    def variables(self) -> list[Variable]:
        """The trainable variables that are used and no inputs."""
        return [v for key, v in self._variables.items() if key not in self._inputs]

    def origin(self, value: Any) -> Tensor | None:
        """The tensor from around the call that the value is, or is computed from, if any."""
        key = getattr(value, "key", None)
        if key is None or key in self._inputs or key in self._variables:
            return None
        if key < self._now and any([recorder.tracks(value) for recorder in self._outer]):
            return value  # type: ignore[no-any-return]
        return self._origins.get(key)


class UserCall(Operation):
    """One call of a function whose gradient the user gave."""

    def __init__(
        self,
        name: str,
        grad: Callable[..., Any],
        inputs: list[Any],
        variables: list[Variable],
        outs: list[Any],
        tensor_class: type[Tensor],
    ) -> None:
        self.name, self.grad, self.variables = name, grad, variables
        self.shapes = [np.shape(bare(value)) for value in (*inputs, *variables)]
        self.dtypes = [getattr(bare(value), "dtype", None) for value in (*inputs, *variables)]
        self.count = len(inputs)
        self.outs = [(out.shape, out.dtype) for out in outs]
        self.tensor_class = tensor_class

    def shares(
        self, cotangents: list[Any], out_keys: tuple[Any, ...], batch: tuple[int, ...]
    ) -> list[Any]:
        """What the user's function gives; row by row of a batch."""
        if not batch:
            return self.gradients(cotangents)
        rows = [self.gradients([c[i] for c in cotangents]) for i in range(batch[0])]
        return [self._stacked(i, parts) for i, parts in enumerate(zip(*rows, strict=True))]

    def _stacked(self, i: int, parts: tuple[Any, ...]) -> Any:
        """The gradients of one input for each row of a batch; zeros for rows that have none."""
        if all([part is None for part in parts]):
            return None
        zeros = np.zeros(self.shapes[i], self.dtypes[i])
        return np.stack([zeros if part is None else part for part in parts])

    def tangents(self, tangents: list[Any], outs: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """The outputs' tangents: the gradient function is linear, and this is its transpose."""
        cotangents = [self.tensor_class(np.ones(shape, dtype)[()]) for shape, dtype in self.outs]
        with GradientTape(persistent=bool(batch), watch_accessed_variables=False) as tape:
            tape.watch(cotangents)
            gradients = self.gradients(cotangents)
        pairs = []
        for share, t in zip(gradients, tangents, strict=True):
            if t is None or share is None:
                continue
            if isinstance(share, Tensor) and share.key in tape.tracked:
                pairs.append((share, t))
            elif np.any(bare(share)):
                raise TypeError(
                    f"the gradient function of {self.name} returned {errors.describe(share)} that "
                    "does not come from its cotangents by operations on tensors, so it cannot be "
                    "used in forward mode: compute with the tensors, not with their bare values"
                )
        shares, given = [share for share, _ in pairs], [t for _, t in pairs]
        if not batch:
            return list(tape.gradient(shares, cotangents, given, "zero"))
        rows = [
            tape.gradient(shares, cotangents, [t[i] for t in given], "zero")
            for i in np.ndindex(batch)
        ]
        return [
            np.stack(parts).reshape(batch + shape)
            for parts, (shape, _) in zip(zip(*rows, strict=True), self.outs, strict=True)
        ]

    def gradients(self, cotangents: list[Any]) -> list[Any]:
        """Call the user's function and check what it returns."""
        tensors = [
            c
            if isinstance(c, self.tensor_class)
            else self.tensor_class(bare(c), getattr(c, "key", None))
            for c in cotangents
        ]
        if self.variables:
            answer = self.grad(*tensors, variables=list(self.variables))
            if not (isinstance(answer, (list, tuple)) and len(answer) == 2):
                raise TypeError(
                    f"custom_gradient: {self.name} uses variables, so its gradient function must "
                    f"return (gradients, gradients of variables), not {errors.describe(answer)}"
                )
            of_inputs, of_variables = answer[0], flatten(answer[1])
            if len(of_variables) != len(self.variables):
                raise ValueError(
                    "Must return gradient for each variable from @custom_gradient grad_fn."
                )
        else:
            of_inputs, of_variables = self.grad(*tensors), []
        of_inputs = flatten(of_inputs)
        if len(of_inputs) != self.count:
            raise ValueError(
                f"custom_gradient function expected to return {self.count} gradients, but "
                f"returned {len(of_inputs)} instead. (The function is {self.name}.)"
            )
        return [self._checked(share, i) for i, share in enumerate([*of_inputs, *of_variables])]

    def _checked(self, share: Any, i: int) -> Any:
        """One gradient as a tensor or array of its input's shape and dtype."""
        dtype = self.dtypes[i]
        if share is None or dtype is None or dtype.kind not in "fc":
            return None
        if not isinstance(share, _NUMERIC):
            raise TypeError(
                f"custom_gradient: gradient number {i} that {self.name} returned is "
                f"{errors.describe(share)}; it must be a tensor, an array, a number or None."
            )
        if np.iscomplexobj(bare(share)) and dtype.kind != "c":
            raise TypeError(
                f"custom_gradient: gradient number {i} that {self.name} returned is complex, but "
                "its argument is real; its imaginary part would be lost. Return its real part."
            )
        if not isinstance(share, Tensor):
            share = _array(share, dtype)
        elif type(share) is not Tensor:
            share = Tensor(share.array, share.key)  # the rules' own operators, not the user's
        if tuple(share.shape) != self.shapes[i]:
            raise errors.GradientShapeError(
                f"custom_gradient: gradient number {i} that {self.name} returned has shape "
                f"{tuple(share.shape)}, but its argument has shape {self.shapes[i]}; sum or "
                "reshape it to the argument's shape."
            )
        return share if bare(share).dtype == dtype else cast(share, dtype)
