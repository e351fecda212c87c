"""Derivative operators: functions of functions, short uses of the tape and of forward mode."""

from gradtape.operators.checkpoints import checkpoint, checkpointed_loop
from gradtape.operators.directions import directional_derivative, gnvp, hvp, jvp, linearize
from gradtape.operators.gradients import grad, per_example_grad, value_and_grad, vjp
from gradtape.operators.jacobians import divergence, hessian, jacobian, laplacian
from gradtape.operators.solvers import argmin, fixed_point, implicit_root
from gradtape.operators.sparse import sparsity
from gradtape.operators.taylor import taylor

__all__ = [
    "argmin",
    "checkpoint",
    "checkpointed_loop",
    "directional_derivative",
    "divergence",
    "fixed_point",
    "gnvp",
    "grad",
    "hessian",
    "hvp",
    "implicit_root",
    "jacobian",
    "jvp",
    "laplacian",
    "linearize",
    "per_example_grad",
    "sparsity",
    "taylor",
    "value_and_grad",
    "vjp",
]
