"""What SciPy's own functions say to a tracked tensor, and what is said where SciPy is missing."""

import importlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.special
import scipy.stats

import gradtape as gt

M = [[2.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 3.0]]


@pytest.fixture
def tracked() -> Any:
    x, m = gt.constant([0.1, 0.2, 0.4, 0.8]), gt.constant(M)
    with gt.GradientTape() as tape:
        tape.watch([x, m])
        yield x, m


#: The function as its caller knows it, and a call.
CALLS: list[tuple[str, Any]] = [
    ("scipy.signal.convolve", lambda x, m: scipy.signal.convolve(x, [1.0, 2.0])),
    ("scipy.signal.sosfilt", lambda x, m: scipy.signal.sosfilt(np.eye(6)[3:4] + 1, x)),
    ("scipy.signal.savgol_filter", lambda x, m: scipy.signal.savgol_filter(x, 3, 1)),
    ("scipy.signal.hilbert", lambda x, m: scipy.signal.hilbert(x)),
    ("scipy.integrate.trapezoid", lambda x, m: scipy.integrate.trapezoid(x)),
    ("scipy.integrate.simpson", lambda x, m: scipy.integrate.simpson(x)),
    ("scipy.interpolate.CubicSpline", lambda x, m: scipy.interpolate.CubicSpline(range(4), x)),
    ("scipy.interpolate.interp1d", lambda x, m: scipy.interpolate.interp1d(range(4), x)),
    (
        "scipy.interpolate.CubicSpline",
        lambda x, m: scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, 4])(x),
    ),
    ("scipy.fft.dct", lambda x, m: scipy.fft.dct(x)),
    ("scipy.integrate.quad", lambda x, m: scipy.integrate.quad(lambda t: t * x[0], 0, 1)),
    (
        "scipy.integrate.solve_ivp",
        lambda x, m: scipy.integrate.solve_ivp(lambda t, y: y, (0, 1), x),
    ),
    (
        "scipy.integrate.solve_ivp",
        lambda x, m: scipy.integrate.solve_ivp(lambda t, y: x * y, (0, 1), [1.0, 2.0, 3.0, 4.0]),
    ),
    ("scipy.optimize.minimize", lambda x, m: scipy.optimize.minimize(np.sum, x)),
    ("scipy.optimize.least_squares", lambda x, m: scipy.optimize.least_squares(lambda y: y - x, x)),
    ("scipy.optimize.root", lambda x, m: scipy.optimize.root(lambda y: y, x)),
    (
        "scipy.optimize.curve_fit",
        lambda x, m: scipy.optimize.curve_fit(lambda t, a: a * t, np.arange(4.0), x),
    ),
]

#: Functions without a namesake.
ALONE: list[tuple[str, Any]] = [
    ("scipy.integrate.quad_vec", lambda x, m: scipy.integrate.quad_vec(lambda t: t * x, 0, 1)),
    ("scipy.optimize.minimize_scalar", lambda x, m: scipy.optimize.minimize_scalar(lambda y: x[0])),
    ("scipy.stats.norm.pdf", lambda x, m: scipy.stats.norm.pdf(x)),
    ("scipy.stats.norm.cdf", lambda x, m: scipy.stats.norm(loc=x).cdf(0.0)),
    (
        "scipy.stats.multivariate_normal.logpdf",
        lambda x, m: scipy.stats.multivariate_normal.logpdf(np.zeros(3), np.zeros(3), m),
    ),
    ("scipy.stats.skew", lambda x, m: scipy.stats.skew(x)),
    ("scipy.ndimage.gaussian_filter", lambda x, m: scipy.ndimage.gaussian_filter(m, 1.0)),
    ("scipy.signal.welch", lambda x, m: scipy.signal.welch(x)),
]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
def test_the_namesake_is_named(tracked: Any, name: str, call: Any):
    with pytest.raises(gt.TrackedConversionError) as raised:
        call(*tracked)
    assert f"(in {name}, which does not know tensors)" in str(raised.value)
    assert f"Call gradtape.{name}, which is the same with derivatives" in str(raised.value)


@pytest.mark.parametrize(("name", "call"), ALONE, ids=[name for name, _ in ALONE])
def test_where_there_is_no_namesake_the_ways_out_are_named(tracked: Any, name: str, call: Any):
    with pytest.raises(gt.TrackedConversionError) as raised:
        call(*tracked)
    assert f"(in {name}, which does not know tensors)" in str(raised.value)
    assert f"gradtape has no namesake of {name}" in str(raised.value)
    assert "gradtape.stop_gradient" in str(raised.value)
    assert "gradtape.custom_gradient" in str(raised.value)


def test_a_root_finder_in_c_says_it_too(tracked: Any):
    """SciPy's C code goes on with the error set: Python may then chain it to one of its own."""
    x, _ = tracked
    with pytest.raises((gt.TrackedConversionError, SystemError)) as raised:
        scipy.optimize.brentq(lambda t: t - x[0], -1, 1)
    error = raised.value.__cause__ if raised.type is SystemError else raised.value
    assert isinstance(error, gt.TrackedConversionError)
    assert "(in scipy.optimize.brentq, which does not know tensors)" in str(error)
    assert "gradtape has no namesake of scipy.optimize.brentq" in str(error)
    assert "gradtape.stop_gradient" in str(error)
    assert "gradtape.custom_gradient" in str(error)


#: A function that wraps another's arguments, of which only the wrapper is on the stack.
WRAPPED = [
    ("scipy.linalg.solve", lambda x, m: scipy.linalg.solve(m, np.ones(3))),
    ("scipy.linalg.expm", lambda x, m: scipy.linalg.expm(m)),
    ("scipy.linalg.cholesky", lambda x, m: scipy.linalg.cholesky(m)),
    ("scipy.special.logsumexp", lambda x, m: scipy.special.logsumexp(x)),
    ("scipy.special.softmax", lambda x, m: scipy.special.softmax(x)),
    ("scipy.special.comb", lambda x, m: scipy.special.comb(x, 2)),
]


@pytest.mark.parametrize(("name", "call"), WRAPPED, ids=[name for name, _ in WRAPPED])
def test_a_wrapped_function_is_named(tracked: Any, name: str, call: Any):
    with pytest.raises(gt.TrackedConversionError, match=rf"in {name}, which does not know tensors"):
        call(*tracked)


def test_a_conversion_of_the_user_s_own_is_not_scipy_s(tracked: Any):
    def objective(t: Any) -> Any:
        return np.asarray(tracked[0])[0] * t  # a mistake of the function that SciPy calls

    with pytest.raises(gt.TrackedConversionError) as raised:
        scipy.optimize.minimize_scalar(objective)
    assert "scipy" not in str(raised.value)


def test_what_nobody_tracks_is_an_array_to_scipy():
    np.testing.assert_array_equal(scipy.linalg.det(gt.constant(M)), scipy.linalg.det(M))


# Names that are not there -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("signal", "convolv", "did you mean 'convolve'"),
        ("signal", "welch", "SciPy has scipy.signal.welch"),
        ("integrate", "odeint", "cumulative_simpson, cumulative_trapezoid, fixed_quad, quad"),
        ("integrate", "qaud", "did you mean 'quad'"),
        ("integrate", "nonsense", "it has cumulative_simpson"),
        ("optimize", "brentq", "SciPy has scipy.optimize.brentq"),
        ("interpolate", "RBFInterpolator", "gradtape.custom_gradient"),
        ("fft", "fht", "SciPy has scipy.fft.fht"),
    ],
)
def test_a_name_that_is_not_there(module: str, name: str, words: str):
    ours = importlib.import_module(f"gradtape.scipy.{module}")
    assert not hasattr(ours, "__wrapped__")
    with pytest.raises(AttributeError) as raised:
        getattr(ours, name)
    assert words in str(raised.value)
    assert f"'gradtape.scipy.{module}' has no attribute {name!r}" in str(raised.value)


def test_a_module_that_is_not_there():
    import gradtape.scipy

    assert gradtape.scipy.fft is importlib.import_module("gradtape.scipy.fft")
    for name, words in (("stats", "SciPy has scipy.stats"), ("nonsense", "integrate, interpolate")):
        with pytest.raises(AttributeError) as raised:
            getattr(gradtape.scipy, name)
        assert words in str(raised.value)


@pytest.mark.parametrize("module", ["fft", "integrate", "interpolate", "optimize", "signal"])
def test_every_public_name_is_there_and_explained(module: str):
    ours = importlib.import_module(f"gradtape.scipy.{module}")
    theirs = importlib.import_module(f"scipy.{module}")
    for name in ours.__all__:
        assert getattr(ours, name).__doc__
        assert hasattr(theirs, name)


# Without SciPy ------------------------------------------------------------------------------------

WITHOUT = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "scipy" else find(name, *rest)
sys.modules["scipy"] = None  # what an import of it would meet
import numpy as np, gradtape as gt
x = gt.Variable([3.0, 4.0])
with gt.GradientTape() as tape:
    y = np.abs(np.fft.fft(x)[0])
assert tape.gradient(y, x).numpy().tolist() == [1.0, 1.0]
try:
    import gradtape.scipy
except ImportError as error:
    print(error)
"""


def test_without_scipy_the_import_says_what_to_install():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert "pip install 'gradtape[scipy]'" in done.stdout
