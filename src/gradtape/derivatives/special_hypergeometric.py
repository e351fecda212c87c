"""Derivatives of hypergeometric functions by their argument, and of functions with an inverse.

By the parameters of hypergeometric functions none is known in closed form. Numbers in parentheses
are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import PARAMETER, refusing_ufuncs, ufunc_behind
from gradtape.rules import elementwise, over

elementwise(
    {special.hyp0f1: (None, lambda v, z: special.hyp0f1(v + 1.0, z) / v)},
    names=("v", "z"),
)

elementwise(
    {
        special.hyp1f1: (  # (13.3.15)
            None,
            None,
            lambda a, b, x: special.hyp1f1(a + 1.0, b + 1.0, x) * (a / b),
        ),
        special.hyperu: (  # (13.3.22)
            None,
            None,
            lambda a, b, x: -a * special.hyperu(a + 1.0, b + 1.0, x),
        ),
        special.wright_bessel: (  # (10.46.1), term by term
            None,
            None,
            lambda a, b, x: special.wright_bessel(a, a + b, x),
        ),
    },
    names=("a", "b", "x"),
)

elementwise(
    {
        special.hyp2f1: (  # (15.5.1)
            None,
            None,
            None,
            lambda a, b, c, z: special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z) * (a * b / c),
        ),
    },
    names=("a", "b", "c", "z"),
)

refusing_ufuncs({0: PARAMETER}, special.hyp0f1)
refusing_ufuncs({0: PARAMETER, 1: PARAMETER}, special.hyp1f1, special.hyperu, special.wright_bessel)
refusing_ufuncs({0: PARAMETER, 1: PARAMETER, 2: PARAMETER}, special.hyp2f1)

if hasattr(special, "log_wright_bessel"):  # new in SciPy 1.14
    elementwise(
        {
            special.log_wright_bessel: (
                None,
                None,
                lambda a, b, x, out: np.exp(special.log_wright_bessel(a, a + b, x) - out),
            ),
        },
        names=("a", "b", "x"),
    )
    refusing_ufuncs({0: PARAMETER, 1: PARAMETER}, special.log_wright_bessel)

# W + log W = log z and omega + log omega = z (4.13.1) -------------------------------------------

#: The ufunc behind SciPy's Python function.
lambert = ufunc_behind(special.lambertw)

elementwise(
    {lambert: (over(lambda z, out: z + np.exp(out)), None, None)},
    names=("z", "k", "tol"),
)
refusing_ufuncs({1: "the branch is a whole number", 2: "a tolerance has no derivative"}, lambert)

elementwise({special.wrightomega: lambda out: out / (1 + out)})
