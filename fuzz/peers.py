"""The same programs under JAX, TensorFlow and PyTorch, whichever are installed.

JAX and TensorFlow have NumPy's functions under NumPy's names; of PyTorch's, those in a table whose
meaning is the same. What a library cannot run is left out, and counted.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from fuzz.programs import Program

#: Functions of which a peer's gradient is known to be wrong where an entry is 0.
WRONG_AT_ZERO = {"jax": ("np.linalg.norm",), "tensorflow": ("np.cumprod", "np.prod")}

#: The values and the gradients of the weighted sum, of a program with weights.
Gradients = Callable[[Program, list[Any]], tuple[list[Any], list[Any]]]


def installed(names: list[str]) -> dict[str, Gradients]:
    """The peers among some names that can be imported: what gives each one's gradients."""
    makers = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}
    return {name: makers[name]() for name in names if importlib.util.find_spec(name) is not None}


def _jax() -> Gradients:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")

    def gradients(program: Program, ws: list[Any]) -> tuple[list[Any], list[Any]]:
        if any([name in step.text for step in program.steps for name in SETS]):
            raise AttributeError("JAX counts the entries of its sets as constants")
        function = program.function(jnp)

        def loss(*xs: Any) -> Any:
            outs = function(*xs)
            terms = [jnp.real(jnp.sum(np.conj(w) * o)) for w, o in zip(ws, outs, strict=True)]
            return sum(terms), outs

        by_all = tuple(range(len(program.inputs)))
        slopes, xs = jax.grad(loss, by_all, has_aux=True), [*map(jnp.asarray, program.inputs)]
        try:
            found, outs = jax.jit(slopes)(*xs)
        except jax.errors.JAXTypeError:  # it looks at values, or its shapes depend on them
            found, outs = slopes(*xs)
        # Its convention is the conjugate.
        return [np.asarray(o) for o in outs], [np.conj(np.asarray(g)) for g in found]

    return gradients


def _tensorflow() -> Gradients:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tnp = tf.experimental.numpy
    tnp.experimental_enable_numpy_behavior()

    def gradients(program: Program, ws: list[Any]) -> tuple[list[Any], list[Any]]:
        xs = [tf.constant(x) for x in program.inputs]
        with tf.GradientTape() as tape:
            tape.watch(xs)
            outs = program.function(tnp)(*xs)
            terms = [tnp.real(tnp.sum(np.conj(w) * o)) for w, o in zip(ws, outs, strict=True)]
            loss = sum(terms[1:], terms[0])
        found = tape.gradient(loss, xs, unconnected_gradients="zero")
        return [o.numpy() for o in outs], [tf.convert_to_tensor(g).numpy() for g in found]

    return gradients


#: NumPy's functions of sets.
SETS = ("unique", "union1d", "intersect1d", "setdiff1d", "setxor1d")

#: What PyTorch has under the same name and with the same meaning.
SAME = """
abs add angle arccos arccosh arcsin arcsinh arctan arctanh atleast_2d broadcast_to concatenate cos
cosh deg2rad diag diagonal dot einsum exp exp2 expm1 hstack imag inner kron log log10 log1p log2
matmul moveaxis multiply negative outer positive ravel real reciprocal sin sinc sinh sqrt square
squeeze stack subtract swapaxes tan tanh tensordot tile trace tril triu true_divide vdot vstack
"""


class _TorchNumpy:
    """PyTorch under NumPy's names, as far as they mean the same."""

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self.linalg = torch.linalg
        paired = ("logaddexp", "logaddexp2", "hypot", "arctan2", "maximum", "minimum", "fmax")
        for name in (*paired, "copysign"):
            setattr(self, name, self._both(getattr(torch, name)))
        for name, function in {"sum": torch.sum, "mean": torch.mean}.items():
            setattr(self, name, self._reduction(function))
        for name, function in {"max": torch.amax, "min": torch.amin}.items():
            setattr(self, name, self._reduction(function))

    def __getattr__(self, name: str) -> Any:
        if name in SAME.split():
            return getattr(self.torch, name)
        raise AttributeError(f"PyTorch has no {name} of NumPy's meaning")

    def _both(self, function: Any) -> Any:
        def call(x: Any, y: Any) -> Any:
            return function(*[self.torch.as_tensor(v, dtype=self.torch.float64) for v in (x, y)])

        return call

    def _reduction(self, function: Any) -> Any:
        def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
            axis = tuple(range(x.ndim)) if axis is None else axis
            return function(x, dim=axis, keepdim=keepdims)

        return call

    def arange(self, n: int) -> Any:
        return self.torch.arange(n)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return self.torch.where(condition, x, y)

    def power(self, x: Any, y: Any) -> Any:
        return x**y

    def conjugate(self, x: Any) -> Any:
        return self.torch.conj_physical(x)

    def var(self, x: Any, axis: Any = None) -> Any:
        return self.torch.var(x, dim=axis, correction=0)

    def std(self, x: Any, axis: Any = None) -> Any:
        return self.torch.std(x, dim=axis, correction=0)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return self.torch.clip(x, low, high)

    def cumsum(self, x: Any, axis: Any = None) -> Any:
        return self.torch.cumsum(x.ravel() if axis is None else x, 0 if axis is None else axis)

    def cumprod(self, x: Any, axis: Any = None) -> Any:
        return self.torch.cumprod(x.ravel() if axis is None else x, 0 if axis is None else axis)

    def flip(self, x: Any, axis: Any = None) -> Any:
        return self.torch.flip(x, tuple(range(x.ndim)) if axis is None else (axis,))

    def roll(self, x: Any, shift: int, axis: Any = None) -> Any:
        return self.torch.roll(x, shift, axis)

    def sort(self, x: Any, axis: Any = -1) -> Any:
        return self.torch.sort(x.ravel() if axis is None else x, -1 if axis is None else axis)[0]


def _torch() -> Gradients:
    import torch

    numpy = _TorchNumpy()

    def gradients(program: Program, ws: list[Any]) -> tuple[list[Any], list[Any]]:
        xs = [torch.tensor(x, requires_grad=True) for x in program.inputs]
        outs = program.function(numpy)(*xs)
        total: Any = 0
        for w, out in zip(ws, outs, strict=True):
            total = total + torch.real(torch.sum(torch.tensor(np.conj(w)) * out))
        found = torch.autograd.grad(total, xs, allow_unused=True)
        return [o.detach().resolve_conj().numpy() for o in outs], [
            np.zeros(np.shape(x)) if g is None else g.resolve_conj().numpy()
            for g, x in zip(found, program.inputs, strict=True)
        ]

    return gradients
