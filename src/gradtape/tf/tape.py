"""TensorFlow's GradientTape and its kin: the engine's, with TensorFlow's messages and numbers."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradtape import custom
from gradtape import forward as engine_forward
from gradtape import tape as engine_tape
from gradtape import tensor as engine
from gradtape.later import from_module
from gradtape.nest import flatten, map_structure, pack
from gradtape.recording import leave
from gradtape.tape import UnconnectedGradients
from gradtape.tf import errors
from gradtape.tf.conversion import array_of
from gradtape.tf.tensors import Tensor, convert_to_tensor, operand

__all__ = [
    "ForwardAccumulator",
    "GradientTape",
    "custom_gradient",
    "function",
    "grad_pass_through",
    "recompute_grad",
    "stop_gradient",
]

NOT_RECORDING = "Tape is not recording."


class GradientTape(engine_tape.GradientTape):
    """Record what is computed in a ``with`` block, to differentiate it afterwards.

    Parameters
    ----------
    persistent : whether ``gradient`` and ``jacobian`` may be called more than once.
    watch_accessed_variables : whether trainable variables are watched when they are used.

    Notes
    -----
    Gradients are TensorFlow's down to their NaNs: a branch that ``tf.where`` did not take can still
    bring one. Under ``gradtape.GradientTape`` it cannot.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.Variable(3.0)
    >>> with tf.GradientTape() as tape:
    ...     y = x * x
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=6.0>
    """

    masks_dead_branches = False
    tensor_class = Tensor

    def __enter__(self) -> GradientTape:
        super().__enter__()
        return self

    def watch(self, tensor: Any) -> None:
        """Track a tensor, or every tensor of a nest, from now on.

        Raises
        ------
        ValueError : something is not a tensor or variable.
        RuntimeError : the tape was not entered yet, or used up.
        """
        leaves = flatten(tensor)
        for t in leaves:
            if not isinstance(t, engine.Tensor):
                raise ValueError(
                    f"Passed in object {t} of type '{type(t).__name__}', not tf.Tensor or "
                    "tf.Variable: make it a tensor with tf.constant(...), watch that, and use it "
                    "in the computation."
                )
        if not self._usable:
            raise RuntimeError(
                "watch: the tape records nothing yet, or was used up; call watch inside its with "
                "block."
            )
        for t in leaves:
            if t.array.dtype.kind in "fc":
                self._watch(t)
            else:
                warnings.warn(
                    "The dtype of the watched tensor must be floating (e.g. tf.float32), got "
                    f"tf.{t.array.dtype.name}",
                    stacklevel=2,
                )

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Leave out of the tape what is computed in the block; the tape itself is kept.

        Raises
        ------
        RuntimeError, ValueError : the tape is not recording.
        """
        if self._usable and not self._recording:
            raise ValueError(NOT_RECORDING)
        with super().stop_recording():
            yield

    def reset(self) -> None:
        """Forget everything recorded and watched so far.

        Raises
        ------
        ValueError : the tape is not recording.
        """
        if not self._recording:
            raise ValueError(NOT_RECORDING)
        super().reset()

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """Gradients of the sum of the targets with respect to each source.

        Parameters
        ----------
        target : a tensor or a nest of tensors; several are summed.
        sources : a tensor or variable, or a nest of them.
        output_gradients : weights of the targets' entries, one tensor of its shape for each
            target; ones by default.
        unconnected_gradients : ``"none"`` or ``"zero"``: what to answer where the target does not
            depend on the source.

        Returns
        -------
        A nest like ``sources``: per source a tensor of its shape and dtype, or None.

        Raises
        ------
        RuntimeError : the tape is not persistent and was used already.
        TypeError : a target or source is no tensor.
        ValueError : an output gradient has the wrong shape, or there are too many.
        """
        if self._recording and self._persistent:
            warnings.warn(
                "Calling GradientTape.gradient on a persistent tape inside its context is "
                "significantly less efficient than calling it outside the context (it causes the "
                "gradient ops to be recorded on the tape, leading to increased CPU and memory "
                "usage). Only call GradientTape.gradient inside the context if you actually want "
                "to trace the gradient in order to compute higher order derivatives.",
                stacklevel=2,
            )
        if output_gradients is not None and target is not None and self._usable:
            output_gradients = _seeds(flatten(target), flatten(output_gradients))
        return super().gradient(target, sources, output_gradients, unconnected_gradients)


def _seeds(targets: list[Any], given: list[Any]) -> list[Any]:
    """The output gradients as tensors of their targets' dtypes."""
    if len(given) > len(targets):
        raise ValueError(
            f"argument `output_gradients` holds {len(given)} tensors for {len(targets)} targets: "
            "give one of its shape for each target (a Python list is a list of output gradients; "
            "tf.constant([...]) makes one tensor of it)."
        )
    seeds = []
    for target, seed in zip(targets, given, strict=False):
        dtype = getattr(target, "array", np.float32(0)).dtype
        if isinstance(seed, (bool, int, float)):
            seed = array_of(seed, dtype)
        tensor = operand(seed)
        if tensor.array.dtype != dtype:
            raise errors.mismatch("Mul", tensor.array.dtype, dtype)
        seeds.append(engine.Tensor(tensor.array, tensor.key))
    return seeds


class ForwardAccumulator(engine_forward.ForwardAccumulator):
    """Compute Jacobian-vector products while the function is computed, in a ``with`` block.

    Parameters
    ----------
    primals : a tensor or variable, or a nest of them: what is differentiated by.
    tangents : a nest like ``primals``: the direction, of the primals' shapes.

    Raises
    ------
    ValueError, TypeError : the nests differ, a shape or dtype does not fit, or a primal comes
        twice.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.constant([1.0, 2.0])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
    ...     y = x**3
    >>> acc.jvp(y).numpy()
    array([3., 0.], dtype=float32)
    """

    masks_dead_branches = False
    tensor_class = Tensor

    def __init__(self, primals: Any, tangents: Any) -> None:
        _check_same_nest(primals, tangents)
        directions = []
        for primal, direction in zip(flatten(primals), flatten(tangents), strict=True):
            if isinstance(primal, engine.Tensor):
                if not isinstance(direction, engine.Tensor):
                    direction = array_of(direction, primal.array.dtype)
                direction = operand(direction, primal.array.dtype)
                direction = engine.Tensor(direction.array, direction.key)
                if primal.array.dtype.kind not in "fc":
                    warnings.warn(
                        "The dtype of the watched primal must be floating (e.g. tf.float32), got "
                        f"tf.{primal.array.dtype.name}",
                        stacklevel=2,
                    )
            directions.append(direction)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The dtype of the watched primal")  # said above
            super().__init__(primals, pack(primals, directions))


def _check_same_nest(first: Any, second: Any) -> None:
    """Raise, in TensorFlow's words, if two nests differ."""
    start = "The two structures don't have the same nested structure.\n\n"
    both = f"First structure: {first!r}\n\nSecond structure: {second!r}"
    containers = (list, tuple, dict)
    if isinstance(first, containers) != isinstance(second, containers):
        raise ValueError(start + both)
    if not isinstance(first, containers):
        return
    if type(first) is not type(second):
        raise TypeError(start + both)
    if len(first) != len(second) or (isinstance(first, dict) and set(first) != set(second)):
        raise ValueError(start + both)
    keys = first if isinstance(first, dict) else range(len(first))
    for key in keys:
        _check_same_nest(first[key], second[key])


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same value, as a constant that no gradient passes through.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> x = tf.Variable(3.0)
    >>> with tf.GradientTape() as tape:
    ...     y = x * tf.stop_gradient(x)
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=3.0>
    """
    tensor = operand(input)
    return Tensor(leave(tensor, "stop_gradient", tensor.array))


class _Custom:
    """A function with a gradient of its own; as a method its ``self`` is no input.

    ``lost`` is called with what is to say where the gradient of something else is lost.
    """

    def __init__(self, f: Callable[..., Any], lost: Callable[[str], None]) -> None:
        self._f, self._lost = f, lost
        functools.update_wrapper(self, f)

        @functools.wraps(f)
        def converted(*args: Any, **kwargs: Any) -> Any:
            answer = f(*args, **kwargs)
            if not (isinstance(answer, tuple) and len(answer) == 2):
                return answer
            value, grad = answer
            return map_structure(identity_of, value), grad

        self._decorated = custom.with_gradient(converted, lost)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._decorated(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return (
            self
            if instance is None
            else _Custom(functools.wraps(self._f)(functools.partial(self._f, instance)), self._lost)
        )


def _warn_of_loss(text: str) -> None:
    """Tell the caller of a decorated function; TensorFlow is silent."""
    warnings.warn(text, stacklevel=4)


def identity_of(value: Any) -> Any:
    """A leaf of a result as a tensor."""
    return value if isinstance(value, Tensor) else convert_to_tensor(value)


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """Give a function a gradient of one's own.

    Parameters
    ----------
    f : a function that returns ``(y, grad)``: its value, a tensor or a nest of tensors, and a
        function that takes the cotangent of each tensor in ``y`` and returns the gradient of each
        positional argument of ``f``. If ``f`` uses trainable variables that are not arguments,
        ``grad`` is called with ``variables=[...]`` and returns
        ``(gradients, gradients_of_variables)``. Other tensors that ``y`` depends on have no
        gradient, as in TensorFlow; where a tape tracks one, a warning says so.

    Returns
    -------
    A function that returns ``y``.

    Raises
    ------
    TypeError : ``f`` uses variables and ``grad`` takes none.
    ValueError : (by ``tape.gradient``) ``grad`` returned too few, too many or misshapen gradients.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> @tf.custom_gradient
    ... def softplus(z):
    ...     e = tf.exp(z)
    ...     return tf.math.log(1 + e), lambda g: g / (1 + 1 / e)
    >>> x = tf.Variable(1000.0)
    >>> with tf.GradientTape() as tape:
    ...     y = softplus(x)
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=1.0>
    """
    return custom_gradient if f is None else _Custom(f, _warn_of_loss)


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Record a function as one operation, and compute it again when its gradient is needed.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> cube = tf.recompute_grad(lambda x: x * x * x)
    >>> x = tf.Variable(2.0)
    >>> with tf.GradientTape() as tape:
    ...     y = cube(x)
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=12.0>
    """
    return custom.recompute_grad(f)


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose gradient is taken to be that of the identity.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> rounded = tf.grad_pass_through(tf.round)
    >>> x = tf.Variable(2.3)
    >>> with tf.GradientTape() as tape:
    ...     y = rounded(x)
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=1.0>
    """

    @functools.wraps(f)
    def passed(*args: Any, **kwargs: Any) -> Any:
        def straight(*cotangents: Any, **options: Any) -> Any:
            variables = options.get("variables")
            if variables is None:
                return cotangents
            return cotangents, [None] * len(variables)

        return f(*args, **kwargs), straight

    return _Custom(passed, lambda text: None)  # only the arguments are to have gradients


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    **options: Any,
) -> Any:
    """Trace a function once and run it as one program, as ``tf.function`` does.

    It is ``gradtape.function``: Python's branches and loops need no rewriting, Python numbers are
    inputs, and printing (``tf.print``, too) happens while the function is traced.

    Parameters
    ----------
    func : the function; without it, the answer is a decorator.
    input_signature, autograph, jit_compile, reduce_retracing : accepted for TensorFlow's sake; no
        effect.
    options : TensorFlow's experimental ones, likewise.

    Raises
    ------
    TypeError : an option is none of TensorFlow's.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> @tf.function
    ... def double(x):
    ...     return 2 * x
    >>> double(tf.constant(3.0)).numpy()
    np.float32(6.0)
    """
    for option in options:
        if not option.startswith("experimental_"):
            raise TypeError(f"function() got an unexpected keyword argument {option!r}")
    traced = from_module("programs.function", "function")
    return traced if func is None else traced(func)
