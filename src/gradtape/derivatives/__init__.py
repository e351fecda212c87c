"""The rule tables. Importing them fills the registry in ``gradtape.rules``.

What most programs use is imported here; the other tables load when one of their package's functions
is first met, which keeps ``import gradtape`` fast.
"""

from gradtape.derivatives import (
    elementwise,
    indexing,
    linear_algebra,
    reductions,
    shapes,
)
from gradtape.rules import ON_DEMAND

__all__ = ["elementwise", "indexing", "linear_algebra", "reductions", "shapes"]

ON_DEMAND.update(
    {
        "numpy": (),
        "numpy.fft": (),
        "numpy.linalg": (),
        "scipy.special": (),
    }
)
