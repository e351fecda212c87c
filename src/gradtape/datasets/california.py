"""California housing: house prices and eight features of 20,640 block groups, offline.

The package holds the nine census figures of every block group as exact integers; the features
are made of them here, in the order and the units of scikit-learn's data set of the same name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["CaliforniaHousing", "california_housing", "fetch_california_housing"]

_FILE = "california_housing.npz"

_FEATURE_NAMES = (
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
)

_DESCRIPTION = """\
California housing
==================

What a house cost in California in 1990, and where: one row for each of 20,640 block groups. A
block group is the smallest area for which the US Census Bureau publishes its sample figures.

Features (`data`, 20640 x 8, float64), in this order:

    MedInc      median income of the block group's households, in 10,000 US dollars
    HouseAge    median age of its houses, in years
    AveRooms    rooms per household
    AveBedrms   bedrooms per household
    Population  people in the block group
    AveOccup    people per household
    Latitude    of its centre, in degrees north
    Longitude   of its centre, in degrees east (negative: west of Greenwich)

Target (`target`, 20640, float64):

    MedHouseVal median value of its houses, in 100,000 US dollars

No value is missing. The census capped some figures, so they pile up at the caps: house values
above 500,000 dollars are given as 5.00001, ages above 52 years as 52. The ratios are taken over
households, which makes some of them very large where many houses stand empty, as in resorts.

Origin: the figures are those of the 1990 US census, collected by R. Kelley Pace and Ronald Barry
and published in the StatLib archive. Each is kept here as the exact integer that the census
gives, and the ratios are computed on loading.

To cite: R. Kelley Pace and Ronald Barry, "Sparse Spatial Autoregressions", Statistics and
Probability Letters 33 (1997), 291-297.
"""


@dataclass(eq=False, repr=False)
class CaliforniaHousing(Mapping[str, Any]):
    """The data set's arrays and names, by attribute or by key.

    `housing.data` and `housing["data"]` are the same array, as in scikit-learn's ``Bunch``.

    Attributes
    ----------
    data : ndarray, shape (20640, 8), float64
        One row per block group, columns as in `feature_names`.
    target : ndarray, shape (20640,), float64
        Median house value in 100,000 US dollars.
    feature_names : list of str
        Names of the eight columns.
    target_names : list of str
        ``["MedHouseVal"]``.
    DESCR : str
        Where the figures come from and what they mean.
    frame : None
        Always None: the data set is given as arrays, see `california_housing`.

    Examples
    --------
    >>> housing = california_housing()
    >>> housing.feature_names[0], float(housing["data"][0, 0])
    ('MedInc', 8.3252)
    """

    data: NDArray[np.float64]
    target: NDArray[np.float64]
    feature_names: list[str]
    target_names: list[str]
    DESCR: str
    frame: None = None

    def __getitem__(self, key: str) -> Any:
        if key not in _KEYS:
            raise KeyError(f"the California housing data has no {key!r}; it has {list(_KEYS)}")
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)

    def __repr__(self) -> str:
        data, target = self.data, self.target
        return (
            f"<California housing: data {data.shape} {data.dtype}, "
            f"target {target.shape} {target.dtype}>"
        )


_KEYS = tuple(field.name for field in fields(CaliforniaHousing))


def _read() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features and target, made anew of the integers in the package's file."""
    with (
        resources.files(__package__).joinpath(_FILE).open("rb") as stream,
        np.load(stream, allow_pickle=False) as counts,
    ):
        households = counts["households"]
        columns = (
            counts["median_income_e4"] / 1e4,
            counts["housing_median_age"],
            counts["total_rooms"] / households,
            counts["total_bedrooms"] / households,
            counts["population"],
            counts["population"] / households,
            counts["latitude_e2"] / 1e2,
            counts["longitude_e2"] / 1e2,
        )
        target = counts["median_house_value"] / 1e5
    return np.column_stack(columns).astype(np.float64, copy=False), target


@overload
def california_housing(
    *, return_X_y: Literal[False] = False, as_frame: bool = False
) -> CaliforniaHousing: ...


@overload
def california_housing(
    *, return_X_y: Literal[True], as_frame: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...


@overload
def california_housing(
    *, return_X_y: bool, as_frame: bool = False
) -> CaliforniaHousing | tuple[NDArray[np.float64], NDArray[np.float64]]: ...


def california_housing(
    *, return_X_y: bool = False, as_frame: bool = False
) -> CaliforniaHousing | tuple[NDArray[np.float64], NDArray[np.float64]]:
    """House values and eight features of 20,640 Californian block groups (census of 1990).

    The rows, columns and values are those of ``sklearn.datasets.fetch_california_housing``, read
    from a file inside the package: nothing is downloaded. `fetch_california_housing` is the same
    function, so a program changes only its import line.

    Parameters
    ----------
    return_X_y : bool, default False
        Give the pair ``(data, target)`` alone.
    as_frame : bool, default False
        Not offered, since pandas is not required: True raises.

    Returns
    -------
    CaliforniaHousing or tuple of two ndarrays
        `data` of shape (20640, 8) and `target` of shape (20640,), both float64; with them
        `feature_names`, `target_names` and `DESCR`. The arrays are new at every call, so writing
        into them changes no other call's.

    Raises
    ------
    NotImplementedError
        For ``as_frame=True``; the message holds the line that makes a DataFrame.

    Examples
    --------
    >>> features, prices = california_housing(return_X_y=True)
    >>> features.shape, prices.shape
    ((20640, 8), (20640,))
    """
    if as_frame:
        raise NotImplementedError(
            "california_housing: as_frame=True was given, but gradtape gives NumPy arrays only. "
            "With pandas installed, write: housing = california_housing(); "
            "frame = pandas.DataFrame(housing.data, columns=housing.feature_names)"
        )
    data, target = _read()
    if return_X_y:
        return data, target
    return CaliforniaHousing(
        data=data,
        target=target,
        feature_names=list(_FEATURE_NAMES),
        target_names=["MedHouseVal"],
        DESCR=_DESCRIPTION,
    )


# scikit-learn's name, so that only the import line changes.
fetch_california_housing = california_housing
