"""Data sets that come with the package and need no network.

>>> from gradtape.datasets import california_housing
>>> california_housing()
<California housing: data (20640, 8) float64, target (20640,) float64>
"""

from gradtape.datasets.california import (
    CaliforniaHousing,
    california_housing,
    fetch_california_housing,
)

__all__ = ["CaliforniaHousing", "california_housing", "fetch_california_housing"]
