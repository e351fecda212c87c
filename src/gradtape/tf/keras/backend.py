"""``keras.backend``: two settings, which are fixed here.

Examples
--------
>>> from gradtape.tf import keras
>>> keras.backend.epsilon(), keras.backend.floatx()
(1e-07, 'float32')
"""

__all__ = ["epsilon", "floatx"]


def epsilon() -> float:
    """The distance from 0 and 1 that losses keep probabilities at."""
    return 1e-07


def floatx() -> str:
    """The name of the default floating dtype."""
    return "float32"
