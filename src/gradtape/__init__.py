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
from gradtape.operators import grad, value_and_grad
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
    "constant",
    "custom_gradient",
    "empty",
    "empty_like",
    "full",
    "full_like",
    "grad",
    "ones",
    "ones_like",
    "recompute_grad",
    "stop_gradient",
    "value_and_grad",
    "zeros",
    "zeros_like",
]
