"""Points at which a rule that is nearly right would be wrong: by hand, or by mpmath."""

from typing import Any

import mpmath
import numpy as np
import pytest

import gradtape as gt


def gradients(f: Any, *values: Any) -> list[Any]:
    xs = [gt.constant(v) for v in values]
    with np.errstate(all="ignore"), gt.GradientTape() as tape:
        tape.watch(xs)
        y = f(*xs)
    return [None if g is None else g.numpy() for g in tape.gradient(y, xs)]


def test_clip_between_bounds_that_cross():
    """NumPy's value is the upper bound, wherever x is: it alone has the gradient."""
    found = gradients(np.clip, [0.0, 2.0, 4.0], [3.0, 3.0, 3.0], [1.0, 1.0, 1.0])
    assert [g.tolist() for g in found] == [[0, 0, 0], [0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize("function", [np.remainder, np.fmod])
def test_a_remainder_whose_quotient_rounds_to_a_whole_number(function: Any):
    """1/0.1 is 10 in floating point, but 0.1 is a little more than a tenth: it goes in 9 times."""
    assert function(1.0, 0.1) > 0.09
    assert gradients(function, 1.0, 0.1) == [1.0, -9.0]


@pytest.mark.parametrize("z", [1 + 3j, 0.5 - 20j, 2 + 300j])
def test_the_tangent_far_from_the_real_axis(z: complex):
    """1 + tan(z)**2 cancels there."""
    with mpmath.workdps(50):
        slope = complex(mpmath.sec(mpmath.mpc(z)) ** 2)
    (found,) = gradients(np.tan, z)
    assert slope != 0
    np.testing.assert_allclose(found, np.conj(slope), rtol=1e-13 * (1 + abs(z)))


@pytest.mark.parametrize("function", [np.quantile, np.nanquantile])
def test_a_quantile_at_an_entry_depends_on_that_one_alone(function: Any):
    """The slope of the entry above is infinite, but it has no part in the value."""
    (found,) = gradients(lambda x: function(np.arcsin(x), 0.5), [1.0, 0.0, 0.5])
    np.testing.assert_allclose(found, [0, 0, 1 / np.sqrt(0.75)], rtol=1e-15)


def test_hypot_reduced_at_the_origin():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    (found,) = gradients(lambda x: np.hypot.reduce(x, axis=1), x)
    np.testing.assert_allclose(found, [[0, 0], [0.6, 0.8]], rtol=1e-15)


@pytest.mark.parametrize("at", [0.3, 2.5, 40.0])
@pytest.mark.parametrize("name", ["gammainc", "gammaincc", "betainc by a", "betaincc by b"])
def test_a_whole_distribution_does_not_depend_on_its_parameters(name: str, at: float):
    """It is 1 whatever they are: the derivatives at the end of the line are 0, at any order."""
    special = pytest.importorskip("scipy.special")
    functions = {
        "gammainc": lambda a: special.gammainc(a, np.inf),
        "gammaincc": lambda a: special.gammaincc(a, np.inf),
        "betainc by a": lambda a: special.betainc(a, 1.7, 1.0),
        "betaincc by b": lambda b: special.betaincc(1.7, b, 1.0),
    }
    slope = gt.grad(functions[name])
    assert slope(at) == 0
    assert abs(gt.grad(slope)(at)) < 1e-13
