"""Cases of the primitives behind ``gradtape.scipy.integrate.solve_ivp``."""

import numpy as np

import gradtape.scipy.integrate  # noqa: F401  (registers them)
from gradtape.rules import PRIMITIVES
from tests.rules.cases import case

WEIGHTS = np.array([0.5, -2.0, 0.25])
weighted = PRIMITIVES["scipy.solve_ivp.weighted"]
state = PRIMITIVES["scipy.solve_ivp.state"]


class Quiet:
    """What looks at the adjoint, and says nothing."""

    def passing(self, g, i):
        return g


CASES = [
    case(
        weighted,
        lambda x, y, z: weighted(x, y, z, weights=WEIGHTS),
        (4,),
        (4,),
        (4,),
        exact=False,
        dtypes="fd",
    ),
    case(state, lambda x: state(x, adjoint=Quiet(), i=0), (4,)),
]
