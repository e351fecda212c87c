"""The embedded California housing data: its values, its shape as an object, and its size."""

import socket
from importlib import resources

import numpy as np
import pytest

from gradtape.datasets import CaliforniaHousing, california_housing, fetch_california_housing

NAMES = [
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
]


@pytest.fixture(scope="module")
def housing():
    return california_housing()


def test_shapes_and_names(housing):
    assert housing.data.shape == (20640, 8)
    assert housing.target.shape == (20640,)
    assert housing.data.dtype == housing.target.dtype == np.float64
    assert housing.data.flags.c_contiguous
    assert housing.feature_names == NAMES
    assert housing.target_names == ["MedHouseVal"]
    assert housing.frame is None


# Counts as the census gives them, from the first and the last rows of the published CSV:
# income, age, rooms, bedrooms, population, households, latitude, longitude, value.
ROWS = {
    0: (8.3252, 41, 880, 129, 322, 126, 37.88, -122.23, 452600),
    1: (8.3014, 21, 7099, 1106, 2401, 1138, 37.86, -122.22, 358500),
    2: (7.2574, 52, 1467, 190, 496, 177, 37.85, -122.24, 352100),
    3: (5.6431, 52, 1274, 235, 558, 219, 37.85, -122.25, 341300),
    4: (3.8462, 52, 1627, 280, 565, 259, 37.85, -122.25, 342200),
    20639: (2.3886, 16, 2785, 616, 1387, 530, 39.37, -121.24, 89400),
}


@pytest.mark.parametrize("row", ROWS)
def test_rows(housing, row):
    income, age, rooms, bedrooms, people, homes, latitude, longitude, value = ROWS[row]
    features = [income, age, rooms / homes, bedrooms / homes, people, people / homes]
    np.testing.assert_allclose(
        housing.data[row], [*features, latitude, longitude], rtol=1e-14, atol=0
    )
    np.testing.assert_allclose(housing.target[row], value / 1e5, rtol=1e-14, atol=0)


def test_first_row_as_printed_by_scikit_learn(housing):
    printed = [8.3252, 41.0, 6.98412698, 1.02380952, 322.0, 2.55555556, 37.88, -122.23]
    np.testing.assert_allclose(housing.data[0], printed, rtol=5e-9)
    assert housing.target[0] == 4.526


def test_statistics(housing):
    """The means, least and greatest values that descriptions of the data set print."""
    means = [3.870671, 28.639486, 5.429000, 1.096675, 1425.476744, 3.070655, 35.631861, -119.569704]
    low = [0.4999, 1, 0.846154, 0.333333, 3, 0.692308, 32.54, -124.35]
    high = [15.0001, 52, 141.909091, 34.066667, 35682, 1243.333333, 41.95, -114.31]
    np.testing.assert_allclose(housing.data.mean(axis=0), means, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(housing.data.min(axis=0), low, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(housing.data.max(axis=0), high, rtol=0, atol=5.1e-7)
    np.testing.assert_allclose(housing.target.mean(), 2.068558, rtol=0, atol=5.1e-7)
    assert (housing.target.min(), housing.target.max()) == (0.14999, 5.00001)
    assert np.isfinite(housing.data).all()


def test_attributes_and_keys_agree(housing):
    assert isinstance(housing, CaliforniaHousing)
    assert list(housing) == ["data", "target", "feature_names", "target_names", "DESCR", "frame"]
    assert len(housing) == 6
    for key, value in housing.items():
        assert value is getattr(housing, key)
    assert dict(**housing)["target"] is housing.target
    assert "data" in housing
    assert "prices" not in housing


def test_unknown_key_is_named(housing):
    with pytest.raises(KeyError, match=r"no 'prices'; it has \['data', 'target'"):
        housing["prices"]


def test_return_x_y(housing):
    data, target = california_housing(return_X_y=True)
    np.testing.assert_array_equal(data, housing.data)
    np.testing.assert_array_equal(target, housing.target)


def test_as_frame_says_how():
    with pytest.raises(NotImplementedError, match=r"as_frame=True.*pandas\.DataFrame\("):
        california_housing(as_frame=True)


def test_arguments_are_named():
    with pytest.raises(TypeError, match="positional"):
        california_housing(True)


def test_calls_share_nothing():
    first, second = california_housing(), california_housing()
    for key in ("data", "target"):
        assert not np.shares_memory(first[key], second[key])
    first.data[:] = 0.0
    first.target[:] = 0.0
    first.feature_names.clear()
    assert second.data[0, 0] == 8.3252
    assert second.target[0] == 4.526
    third = california_housing()
    np.testing.assert_array_equal(third.data, second.data)
    assert third.feature_names == NAMES


def test_scikit_learns_name():
    assert fetch_california_housing is california_housing


def test_offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the data set opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    assert california_housing().data.shape == (20640, 8)


def test_file_is_compact():
    file = resources.files("gradtape.datasets") / "california_housing.npz"
    assert len(file.read_bytes()) < 400_000


def test_description_names_every_column_and_the_source(housing):
    for name in [*NAMES, "MedHouseVal", "Pace", "Barry", "1990", "StatLib"]:
        assert name in housing.DESCR


def test_repr_is_one_line(housing):
    assert repr(housing) == (
        "<California housing: data (20640, 8) float64, target (20640,) float64>"
    )


@pytest.mark.peers
def test_values_are_scikit_learns(housing):
    datasets = pytest.importorskip("sklearn.datasets")
    try:
        reference = datasets.fetch_california_housing()
    except OSError as reason:
        pytest.skip(f"scikit-learn could not download its copy: {reason}")
    np.testing.assert_allclose(housing.data, reference.data, rtol=1e-12, atol=0)
    np.testing.assert_allclose(housing.target, reference.target, rtol=1e-12, atol=0)
    assert housing.feature_names == list(reference.feature_names)
