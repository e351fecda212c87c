"""Automatic differentiation for ordinary NumPy code, recorded on a gradient tape."""

from gradtape.creation import (
    empty,
    empty_like,
    full,
    full_like,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from gradtape.custom import custom_gradient, recompute_grad, stop_gradient
from gradtape.errors import (
    ChangedArrayError,
    GradientShapeError,
    NoRuleError,
    TrackedConversionError,
)
from gradtape.forward import ForwardAccumulator
from gradtape.operators import (
    argmin,
    checkpoint,
    checkpointed_loop,
    directional_derivative,
    divergence,
    fixed_point,
    gnvp,
    grad,
    hessian,
    hvp,
    implicit_root,
    jacobian,
    jvp,
    laplacian,
    linearize,
    per_example_grad,
    sparsity,
    taylor,
    value_and_grad,
    vjp,
)
from gradtape.tape import GradientTape, UnconnectedGradients
from gradtape.tensor import Tensor
from gradtape.variable import Variable, constant

__version__ = "0.1.0"

__all__ = [
    "ChangedArrayError",
    "ForwardAccumulator",
    "GradientShapeError",
    "GradientTape",
    "NoRuleError",
    "Tensor",
    "TrackedConversionError",
    "UnconnectedGradients",
    "Variable",
    "argmin",
    "checkpoint",
    "checkpointed_loop",
    "constant",
    "custom_gradient",
    "directional_derivative",
    "divergence",
    "empty",
    "empty_like",
    "fixed_point",
    "full",
    "full_like",
    "gnvp",
    "grad",
    "hessian",
    "hvp",
    "implicit_root",
    "jacobian",
    "jvp",
    "laplacian",
    "linearize",
    "ones",
    "ones_like",
    "per_example_grad",
    "recompute_grad",
    "sparsity",
    "stop_gradient",
    "taylor",
    "value_and_grad",
    "vjp",
    "zeros",
    "zeros_like",
]
