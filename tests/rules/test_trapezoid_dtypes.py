"""Integrals by the trapezoidal rule have the dtype that NumPy's and SciPy's own have."""

from typing import Any

import numpy as np
import pytest

import gradtape as gt
from tests.rules.tools import bare

DTYPES = ["f2", "f4", "f8", "g", "c8", "c16", "i8"]
REAL = DTYPES[:4] + DTYPES[6:]


@pytest.mark.parametrize("x", [*DTYPES, None])
@pytest.mark.parametrize("y", DTYPES)
def test_numpy(y: str, x: Any):
    samples = np.array([1, 2, 4]).astype(y)
    places = () if x is None else (np.array([0, 1, 3]).astype(x),)
    assert np.trapezoid(gt.constant(samples), *places).dtype == np.trapezoid(samples, *places).dtype


@pytest.mark.parametrize("x", [*REAL, None])
@pytest.mark.parametrize("y", DTYPES)
def test_scipy(y: str, x: Any):
    """Since 1.17 that of the samples."""
    integrate = pytest.importorskip("gradtape.scipy.integrate")
    samples = np.array([1, 2, 4]).astype(y)
    places = () if x is None else (np.array([0, 1, 3]).astype(x),)
    expected = np.dtype("f8") if y == "i8" else samples.dtype
    value = integrate.trapezoid(gt.constant(samples), *places)
    assert value.dtype == expected
    if x is not None:
        assert value == 7.5


def test_gradients_have_the_dtypes_of_the_arguments():
    integrate = pytest.importorskip("gradtape.scipy.integrate")
    y, x = gt.Variable(np.array([1, 2, 4], "f4")), gt.Variable(np.array([0.0, 1, 3]))
    with gt.GradientTape() as tape:
        area = integrate.trapezoid(y, x)
    by_y, by_x = [bare(g) for g in tape.gradient(area, [y, x])]
    assert (by_y.dtype, by_x.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(by_y, [0.5, 1.5, 1.0])
    np.testing.assert_array_equal(by_x, [-1.5, -1.5, 3.0])
