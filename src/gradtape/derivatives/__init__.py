"""The rule tables. Importing them fills the registry in ``gradtape.rules``.

What most programs use is imported here; the other tables load when one of their package's functions
is first met, which keeps ``import gradtape`` fast.
"""

from gradtape.derivatives import (
    cumulative,
    elementwise,
    indexing,
    linear_algebra,
    reductions,
    shapes,
    variances,
)
from gradtape.rules import ON_DEMAND

__all__ = [
    "cumulative",
    "elementwise",
    "indexing",
    "linear_algebra",
    "reductions",
    "shapes",
    "variances",
]

ON_DEMAND.update(
    {
        "numpy": (
            "gradtape.derivatives.mutation",
            "gradtape.derivatives.bare_functions",
            "gradtape.derivatives.calculus",
            "gradtape.derivatives.joining",
            "gradtape.derivatives.padding",
            "gradtape.derivatives.polynomials",
            "gradtape.derivatives.products",
            "gradtape.derivatives.sampling",
            "gradtape.derivatives.selection",
            "gradtape.derivatives.series",
            "gradtape.derivatives.sets",
            "gradtape.derivatives.statistics",
            "gradtape.derivatives.order_statistics",
            "gradtape.derivatives.nan_functions",
        ),
        "numpy.fft": ("gradtape.derivatives.fft",),
        "numpy.lib.scimath": ("gradtape.derivatives.scimath",),
        "numpy.lib.stride_tricks": ("gradtape.derivatives.windows",),
        "numpy.ufunc": ("gradtape.derivatives.ufunc_methods",),
        "numpy.linalg": (
            "gradtape.derivatives.linalg_decompositions",
            "gradtape.derivatives.linalg_solving",
            "gradtape.derivatives.linalg_norms",
        ),
        "scipy.special": (
            "gradtape.derivatives.special_errors",
            "gradtape.derivatives.special_gamma",
            "gradtape.derivatives.special_incomplete",
            "gradtape.derivatives.special_logs",
            "gradtape.derivatives.special_angles",
            "gradtape.derivatives.special_ratios",
            "gradtape.derivatives.special_statistics",
            "gradtape.derivatives.special_kolmogorov",
            "gradtape.derivatives.special_noncentral",
            "gradtape.derivatives.special_sums",
            "gradtape.derivatives.special_bessel",
            "gradtape.derivatives.special_carlson",
            "gradtape.derivatives.special_elliptic",
            "gradtape.derivatives.special_airy",
            "gradtape.derivatives.special_equations",
            "gradtape.derivatives.special_hypergeometric",
            "gradtape.derivatives.special_kelvin",
            "gradtape.derivatives.special_polynomials",
            "gradtape.derivatives.special_harmonics",
            "gradtape.derivatives.special_integrals",
            "gradtape.derivatives.special_zeta",
            "gradtape.derivatives.special_wright",
        ),
    }
)
