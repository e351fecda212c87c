"""Automatic differentiation for ordinary NumPy code, recorded on a gradient tape."""

from gradtape.tape import GradientTape, UnconnectedGradients
from gradtape.tensor import Tensor, Variable, constant

__all__ = ["GradientTape", "Tensor", "UnconnectedGradients", "Variable", "constant"]
