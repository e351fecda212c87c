"""Optimisers for hand-written training loops: SGD with momentum, Adam and Nadam.

Each follows its paper's formulas and has the shape of Keras's optimisers: after
``grads = tape.gradient(loss, variables)``, call
``optimizer.apply_gradients(zip(grads, variables))``.

The variables' values are replaced, never written into, so a tape that still needs an old value
keeps it. The optimisers' own arrays (velocities, moments) are updated in place. In a function under
``gradtape.function`` a step is part of the program: it reads the state and assigns it anew.
"""

from gradtape.optimizers.base import Optimizer
from gradtape.optimizers.methods import SGD, Adam, Nadam

__all__ = ["SGD", "Adam", "Nadam", "Optimizer"]
