"""Automatic differentiation for ordinary NumPy code, recorded on a gradient tape."""

from typing import TYPE_CHECKING

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
from gradtape.later import later as _later
from gradtape.operators.gradients import grad, per_example_grad, value_and_grad, vjp
from gradtape.tape import GradientTape, UnconnectedGradients
from gradtape.tensor import Tensor
from gradtape.variable import Variable, constant

if TYPE_CHECKING:
    from gradtape.drawing import draw
    from gradtape.explaining import explain
    from gradtape.finiteness import errstate
    from gradtape.operators.checkpoints import checkpoint, checkpointed_loop
    from gradtape.operators.directions import directional_derivative, gnvp, hvp, jvp, linearize
    from gradtape.operators.jacobians import divergence, hessian, jacobian, laplacian
    from gradtape.operators.solvers import argmin, fixed_point, implicit_root
    from gradtape.operators.sparse import sparsity
    from gradtape.operators.taylor import taylor
    from gradtape.programs.function import function
    from gradtape.programs.loaded import load
    from gradtape.programs.threads import get_threads, set_threads
    from gradtape.source_code import source
else:
    __getattr__ = _later

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
    "draw",
    "empty",
    "empty_like",
    "errstate",
    "explain",
    "fixed_point",
    "full",
    "full_like",
    "function",
    "get_threads",
    "gnvp",
    "grad",
    "hessian",
    "hvp",
    "implicit_root",
    "jacobian",
    "jvp",
    "laplacian",
    "linearize",
    "load",
    "ones",
    "ones_like",
    "per_example_grad",
    "recompute_grad",
    "set_threads",
    "source",
    "sparsity",
    "stop_gradient",
    "taylor",
    "value_and_grad",
    "vjp",
    "zeros",
    "zeros_like",
]

__dir__ = __all__.copy
