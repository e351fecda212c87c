"""Every pattern in several spellings: the cure that is found, run, and its gradient."""

import ast
from typing import Any

import mpmath
import pytest
from mpmath import mp

from gradtape.explaining.cures.matching import parsed
from gradtape.explaining.cures.table import TABLE
from tests.explaining.cure_tools import Program, cured

mp.dps = 60

#: Spellings, points, the cure's expression, the function itself, the operation that is named bad
#: where nothing is infinite.
SCALARS: list[tuple[list[str], list[float], str, Any, str]] = [
    (
        [
            "y = np.log(np.exp(x) + 1)",
            "y = np.log(1 + np.exp(x))",
            "y = np.log1p(np.exp(x))",
            "y = np.log(np.add(np.exp(x), 1.0))",
            "e = np.exp(x)\ny = np.log(e + 1)",
            "e = np.exp(x)\ns = 1 + e\ny = np.log(s)",
            "y = np.log(np.exp(x) - -1)",
        ],
        [710.0, 1000.0, 1e5],
        "np.logaddexp(x, 0)",
        lambda x: mp.log(1 + mp.exp(x)),
        "",
    ),
    (
        [
            "y = np.log(1 + np.exp(-x))",
            "y = np.log(np.exp(-x) + 1)",
            "y = np.log1p(np.exp(-x))",
        ],
        [-710.0, -1000.0],
        "np.logaddexp(-x, 0)",
        lambda x: mp.log(1 + mp.exp(-x)),
        "",
    ),
    (
        ["y = np.log(np.exp(x) + np.exp(2 * x))"],
        [1000.0, -1000.0],
        "np.logaddexp(x, 2 * x)",
        lambda x: mp.log(mp.exp(x) + mp.exp(2 * x)),
        "",
    ),
    (
        ["y = np.log(0.25 * np.exp(x) + 0.75 * np.exp(-x))"],
        [1000.0, -1000.0],
        "np.logaddexp(np.log(0.25) + x, np.log(0.75) - x)",
        lambda x: mp.log(0.25 * mp.exp(x) + 0.75 * mp.exp(-x)),
        "",
    ),
    (
        ["y = np.log2(1 + np.exp2(x))", "y = np.log2(2**x + 1)"],
        [2000.0],
        "np.logaddexp2(x, 0)",
        lambda x: mp.log(1 + 2**x, 2),
        "",
    ),
    (
        ["y = np.log2(1 + np.exp(x))"],
        [2000.0],
        "np.logaddexp(x, 0) / np.log(2)",
        lambda x: mp.log(1 + mp.exp(x), 2),
        "",
    ),
    (
        ["y = np.log10(1 + np.exp(x))"],
        [2000.0],
        "np.logaddexp(x, 0) / np.log(10)",
        lambda x: mp.log(1 + mp.exp(x), 10),
        "",
    ),
    (
        ["y = np.log(np.cosh(x))", "y = np.log((np.exp(x) + np.exp(-x)) / 2)"],
        [1000.0, -1000.0],
        "np.logaddexp(x, -x) - np.log(2)",
        lambda x: mp.log(mp.cosh(x)),
        "",
    ),
    (
        ["y = np.log(np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))"],
        [50.0, 1000.0],
        "-0.5 * x ** 2 - np.log(np.sqrt(2 * np.pi))",
        lambda x: -(x**2) / 2 - mp.log(2 * mp.pi) / 2,
        "",
    ),
    (
        ["y = np.log(np.exp(3 * x))"],
        [1000.0, -1000.0],
        "3 * x",
        lambda x: 3 * x,
        "",
    ),
    (
        ["y = np.log(np.exp(x) - 1)", "y = np.log(np.expm1(x))"],
        [1000.0],
        "x + np.log(-np.expm1(-x))",
        lambda x: mp.log(mp.exp(x) - 1),
        "",
    ),
    (
        ["y = np.log(1 - np.exp(-x))", "y = np.log1p(-np.exp(-x))", "y = np.log(-np.exp(-x) + 1)"],
        [1e-20, 1e-17],
        "np.log(-np.expm1(-x))",
        lambda x: mp.log(1 - mp.exp(-x)),
        "",
    ),
    (
        [
            "y = np.log(1 / (1 + np.exp(-x)))",
            "y = np.log(1 / (np.exp(-x) + 1))",
            "y = np.log((1 + np.exp(-x))**-1)",
            "p = 1 / (1 + np.exp(-x))\ny = np.log(p)",
            "y = np.log(np.exp(x) / (1 + np.exp(x)))",
            "y = np.log(scipy.special.expit(x))",
            "def sigmoid(t):\n    return 1 / (1 + np.exp(-t))\ny = np.log(sigmoid(x))",
        ],
        [-800.0, -5000.0],
        "scipy.special.log_expit(x)",
        lambda x: -mp.log(1 + mp.exp(-x)),
        "",
    ),
    (
        ["y = np.log(1 - 1 / (1 + np.exp(-x)))", "y = np.log(1 - scipy.special.expit(x))"],
        [800.0, 5000.0],
        "scipy.special.log_expit(-x)",
        lambda x: -mp.log(1 + mp.exp(x)),
        "",
    ),
    (
        ["y = 1 / (1 + np.exp(-x))", "e = np.exp(-x)\ny = 1 / (1 + e)"],
        [-800.0],
        "scipy.special.expit(x)",
        lambda x: 1 / (1 + mp.exp(-x)),
        "",
    ),
    (
        ["y = 1 / (1 + np.exp(x))"],
        [800.0],
        "scipy.special.expit(-x)",
        lambda x: 1 / (1 + mp.exp(x)),
        "",
    ),
    (
        ["y = 1 - 1 / (1 + np.exp(-x))", "y = 1 - scipy.special.expit(x)"],
        [40.0, 100.0],
        "scipy.special.expit(-x)",
        lambda x: 1 / (1 + mp.exp(x)),
        "subtract",
    ),
    (
        ["y = np.exp(x) / (1 + np.exp(x))"],
        [800.0],
        "scipy.special.expit(x)",
        lambda x: 1 / (1 + mp.exp(-x)),
        "",
    ),
    (
        ["y = np.exp(x) / (np.exp(x) + np.exp(2 * x))"],
        [800.0, -800.0],
        "scipy.special.expit(x - 2 * x)",
        lambda x: 1 / (1 + mp.exp(x)),
        "",
    ),
    (
        ["y = x / (1 + np.exp(-x))"],
        [-800.0],
        "x * scipy.special.expit(x)",
        lambda x: x / (1 + mp.exp(-x)),
        "",
    ),
    (
        ["p = scipy.special.expit(x)\ny = np.log(p / (1 - p))"],
        [50.0, 800.0],
        "x",
        lambda x: x,
        "",
    ),
    (
        ["y = np.exp(x) * np.exp(-(x + 2))", "y = np.exp(-(x + 2)) * np.exp(x)"],
        [800.0, -800.0],
        "np.exp(x - (x + 2))",
        lambda x: mp.exp(-2) + 0 * x,
        "",
    ),
    (
        ["y = np.exp(x) / np.exp(x - 3)"],
        [800.0, -800.0],
        "np.exp(x - (x - 3))",
        lambda x: mp.exp(3) + 0 * x,
        "",
    ),
    (
        ["y = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))", "y = np.sinh(x) / np.cosh(x)"],
        [800.0, -800.0],
        "np.tanh(x)",
        mp.tanh,
        "",
    ),
    (
        ["y = (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)"],
        [800.0],
        "np.tanh(2 * x / 2)",
        mp.tanh,
        "",
    ),
    (
        ["y = (np.exp(x) - 1) / x", "y = np.expm1(x) / x"],
        [0.0],
        "scipy.special.exprel(x)",
        lambda x: mp.nsum(lambda k: x**k / mp.factorial(k + 1), [0, 30]),
        "",
    ),
    (
        ["y = x / (np.exp(x) - 1)", "y = x / np.expm1(x)"],
        [0.0],
        "1 / scipy.special.exprel(x)",
        lambda x: 1 / mp.nsum(lambda k: x**k / mp.factorial(k + 1), [0, 30]),
        "",
    ),
    (
        ["y = 1 / (np.exp(x) - 1)", "y = 1 / np.expm1(x)"],
        [800.0],
        "np.exp(-x) / -np.expm1(-x)",
        lambda x: 1 / (mp.exp(x) - 1),
        "",
    ),
    (
        ["y = 1 / np.cosh(x)**2", "y = (1 / np.cosh(x))**2"],
        [800.0, -800.0],
        "4 * scipy.special.expit(2 * x) * scipy.special.expit(-2 * x)",
        lambda x: 1 / mp.cosh(x) ** 2,
        "",
    ),
    (
        ["y = 1 / np.cosh(x)"],
        [800.0, -800.0],
        "2 * np.exp(-np.abs(x)) / (1 + np.exp(-2 * np.abs(x)))",
        lambda x: 1 / mp.cosh(x),
        "",
    ),
    (
        ["y = x / np.exp(x)"],
        [800.0],
        "x * np.exp(-x)",
        lambda x: x * mp.exp(-x),
        "",
    ),
    (
        ["y = np.log(1 + x)", "y = np.log(x + 1)"],
        [1e-20, -1e-18],
        "np.log1p(x)",
        mp.log1p,
        "add",
    ),
    (["y = np.log(1 - x)"], [1e-20], "np.log1p(-x)", lambda x: mp.log1p(-x), "subtract"),
    (["y = np.exp(x) - 1"], [1e-20, -1e-17], "np.expm1(x)", mp.expm1, "subtract"),
    (["y = np.exp(x) + (-1)"], [1e-20], "np.expm1(x)", mp.expm1, "add"),
    (["y = 1 - np.exp(x)"], [1e-20], "-np.expm1(x)", lambda x: -mp.expm1(x), "subtract"),
    (
        ["y = (1 + x)**10.5 - 1"],
        [1e-18],
        "np.expm1(10.5 * np.log1p(x))",
        lambda x: (1 + x) ** mp.mpf(10.5) - 1,
        "subtract",
    ),
    (
        ["y = 1 - np.cos(x)"],
        [1e-9, 1e-30],
        "2 * np.sin(x / 2) ** 2",
        lambda x: 2 * mp.sin(x / 2) ** 2,
        "subtract",
    ),
    (
        ["y = (1 - np.cos(x)) / x**2"],
        [0.0],
        "np.sinc(x / (2 * np.pi)) ** 2 / 2",
        lambda x: mp.sinc(x / 2) ** 2 / 2,
        "",
    ),
    (
        ["y = np.sqrt(1 + x) - 1", "y = (x + 1)**0.5 - 1"],
        [1e-18],
        "x / (np.sqrt(1 + x) + 1)",
        lambda x: x / (mp.sqrt(1 + x) + 1),
        "subtract",
    ),
    (
        ["y = 1 - np.sqrt(1 - x)"],
        [1e-18],
        "x / (1 + np.sqrt(1 - x))",
        lambda x: x / (1 + mp.sqrt(1 - x)),
        "sqrt",
    ),
    (
        ["y = np.sqrt(x + 1) - np.sqrt(x)"],
        [1e18],
        "1 / (np.sqrt(1 + x) + np.sqrt(x))",
        lambda x: 1 / (mp.sqrt(1 + x) + mp.sqrt(x)),
        "subtract",
    ),
    (
        ["y = 1 - np.tanh(x)**2", "t = np.tanh(x)\ny = 1 - t * t", "y = 1 - np.square(np.tanh(x))"],
        [20.0, 30.0],
        "1 / np.cosh(x) ** 2",
        lambda x: 1 / mp.cosh(x) ** 2,
        "subtract",
    ),
    (
        ["y = 1 - np.tanh(x)**2"],
        [800.0],
        "4 * scipy.special.expit(2 * x) * scipy.special.expit(-2 * x)",
        lambda x: 1 / mp.cosh(x) ** 2,
        "subtract",
    ),
    (
        ["y = 1 - np.tanh(x)"],
        [20.0, 40.0],
        "2 * scipy.special.expit(-2 * x)",
        lambda x: 2 / (1 + mp.exp(2 * x)),
        "subtract",
    ),
    (
        ["y = np.log(1 - np.tanh(x)**2)"],
        [20.0, 800.0],
        "2 * (np.log(2) - np.logaddexp(x, -x))",
        lambda x: -2 * mp.log(mp.cosh(x)),
        "",
    ),
    (
        ["y = np.log((1 + x) / (1 - x))", "y = np.log(1 + x) - np.log(1 - x)"],
        [1e-20],
        "2 * np.arctanh(x)",
        lambda x: 2 * mp.atanh(x),
        "add",
    ),
    (
        [
            "y = np.log(x + np.sqrt(x**2 + 1))",
            "y = np.log(np.sqrt(1 + x*x) + x)",
        ],
        [-1e9, 1e200],
        "np.arcsinh(x)",
        mp.asinh,
        "add",
    ),
    (["y = np.sqrt(x**2)", "y = np.sqrt(x * x)", "y = (x**2)**0.5"], [0.0], "np.abs(x)", None, ""),
    (["y = (x**2)**0.75"], [0.0], "np.abs(x) ** 1.5", None, ""),
    (["y = np.sin(x) / x"], [0.0], "np.sinc(x / np.pi)", mp.sinc, ""),
    (["y = x**2 / x", "y = x * x / x"], [0.0], "x", lambda x: x, ""),
    (["y = np.arctan(1 / x)", "y = np.arctan(x**-1)"], [0.0], "np.arctan2(1, x)", None, ""),
    (["y = x * np.log(x)"], [0.0], "scipy.special.xlogy(x, x)", None, ""),
    (["y = -x * np.log(x)", "y = -(x * np.log(x))"], [0.0], "scipy.special.xlogy(-x, x)", None, ""),
    (["y = x * np.log(1 + 2 * x - 1)"], [0.0], "scipy.special.xlogy(x, 1 + 2 * x - 1)", None, ""),
    (
        ["y = 0.0 * np.log1p(x)", "y = 0.0 * np.log(1 + x)"],
        [-1.0],
        "scipy.special.xlog1py(0.0, x)",
        None,
        "",
    ),
    (
        ["y = np.log(scipy.special.gamma(x))"],
        [200.0, 1e5],
        "scipy.special.gammaln(x)",
        mp.loggamma,
        "",
    ),
    (
        ["y = scipy.special.gamma(x + 0.5) / scipy.special.gamma(x)"],
        [500.0],
        "np.exp(scipy.special.gammaln(x + 0.5) - scipy.special.gammaln(x))",
        lambda x: mp.gamma(x + 0.5) / mp.gamma(x),
        "",
    ),
    (
        ["y = np.log(scipy.special.gamma(x + 0.5) / scipy.special.gamma(x))"],
        [500.0],
        "scipy.special.gammaln(x + 0.5) - scipy.special.gammaln(x)",
        lambda x: mp.loggamma(x + 0.5) - mp.loggamma(x),
        "",
    ),
    (
        ["y = np.log(scipy.special.ndtr(x))"],
        [-50.0],
        "scipy.special.log_ndtr(x)",
        lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2),
        "",
    ),
    (
        ["y = np.log(0.5 * (1 + scipy.special.erf(x)))", "y = np.log(scipy.special.erfc(-x) / 2)"],
        [-50.0],
        "scipy.special.log_ndtr(np.sqrt(2) * x)",
        lambda x: mp.log(mp.erfc(-x) / 2),
        "",
    ),
    (
        ["y = np.log(scipy.special.erfc(x))", "y = np.log(1 - scipy.special.erf(x))"],
        [50.0],
        "scipy.special.log_ndtr(-np.sqrt(2) * x) + np.log(2)",
        lambda x: mp.log(mp.erfc(x)),
        "",
    ),
    (
        ["y = np.exp(x**2) * scipy.special.erfc(x)"],
        [40.0],
        "scipy.special.erfcx(x)",
        lambda x: mp.exp(x**2) * mp.erfc(x),
        "",
    ),
    (["y = 1 - scipy.special.erf(x)"], [8.0], "scipy.special.erfc(x)", mp.erfc, "subtract"),
    (
        ["y = 1 - scipy.special.ndtr(x)"],
        [10.0],
        "scipy.special.ndtr(-x)",
        lambda x: mp.erfc(x / mp.sqrt(2)) / 2,
        "subtract",
    ),
    (
        ["y = np.log(scipy.special.i0(x))"],
        [1000.0],
        "np.log(scipy.special.i0e(x)) + np.abs(x)",
        lambda x: mp.log(mp.besseli(0, x)),
        "",
    ),
    (
        ["y = np.log(x**2)", "y = np.log(x * x)"],
        [1e200, 1e-200],
        "2 * np.log(np.abs(x))",
        lambda x: 2 * mp.log(x),
        "",
    ),
    (
        ["y = np.log(x**7.5)"],
        [1e60, 1e-60],
        "7.5 * np.log(x)",
        lambda x: mp.mpf(7.5) * mp.log(x),
        "",
    ),
    (["y = np.sqrt(1 + x**2)"], [1e200], "np.hypot(1, x)", lambda x: mp.sqrt(1 + x**2), ""),
]

SCALARS += [
    (
        ["y = np.log(np.exp(x) + np.exp(2 * x) + np.exp(-x))"],
        [1000.0, -1000.0],
        "np.logaddexp(np.logaddexp(x, 2 * x), -x)",
        lambda x: mp.log(mp.exp(x) + mp.exp(2 * x) + mp.exp(-x)),
        "",
    ),
    (
        ["y = np.log(1 + np.exp(x) + np.exp(2 * x))"],
        [1000.0],
        "np.logaddexp(np.logaddexp(x, 2 * x), 0)",
        lambda x: mp.log(1 + mp.exp(x) + mp.exp(2 * x)),
        "",
    ),
    (["y = np.exp(3 * np.log(x))"], [0.0], "x ** 3", None, ""),
    (["y = np.exp(np.log(x))"], [0.0], "x", lambda x: x, ""),
    (
        ["y = np.log(0.5 * (1 + np.tanh(x)))", "y = np.log((np.tanh(x) + 1) / 2)"],
        [-20.0, -800.0],
        "scipy.special.log_expit(2 * x)",
        lambda x: -mp.log(1 + mp.exp(-2 * x)),
        "tanh",
    ),
    (
        ["y = np.log(1 + np.tanh(x))"],
        [-20.0, -800.0],
        "scipy.special.log_expit(2 * x) + np.log(2)",
        lambda x: mp.log(2) - mp.log(1 + mp.exp(-2 * x)),
        "tanh",
    ),
    (
        ["y = np.log(1 - np.tanh(x))"],
        [20.0, 800.0],
        "scipy.special.log_expit(-2 * x) + np.log(2)",
        lambda x: mp.log(2) - mp.log(1 + mp.exp(2 * x)),
        "tanh",
    ),
    (
        ["y = np.exp(x) / (1 + np.exp(x))**2"],
        [800.0],
        "scipy.special.expit(x) * scipy.special.expit(-x)",
        lambda x: mp.exp(x) / (1 + mp.exp(x)) ** 2,
        "",
    ),
    (
        ["y = np.exp(-x) / (np.exp(-x) + 1)**2"],
        [-800.0],
        "scipy.special.expit(-x) * scipy.special.expit(x)",
        lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
        "",
    ),
    (["y = x**3 / (np.exp(x) - 1)"], [0.0], "x ** 2 / scipy.special.exprel(x)", None, ""),
    (
        ["y = x**3 / (np.exp(x) - 1)", "y = x**3 / np.expm1(x)"],
        [750.0, 5000.0],
        "x ** 3 * np.exp(-x) / -np.expm1(-x)",
        lambda x: x**3 / mp.expm1(x),
        "",
    ),
    (
        ["y = 1 + scipy.special.erf(x)"],
        [-8.0],
        "scipy.special.erfc(-x)",
        lambda x: mp.erfc(-x),
        "add",
    ),
    (["y = np.sqrt(1 - np.cos(x)**2)"], [0.0], "np.abs(np.sin(x))", None, ""),
    (
        ["y = (np.exp(x) - np.exp(-x)) / 2", "y = 0.5 * (np.exp(x) - np.exp(-x))"],
        [1e-20],
        "np.sinh(x)",
        mp.sinh,
        "subtract",
    ),
]

CASES = [
    pytest.param(source, x, expected, function, operation, id=f"{source}, {x}")
    for sources, points, expected, function, operation in SCALARS
    for source in sources
    for x in points
]


@pytest.mark.parametrize(("source", "x", "expected", "function", "operation"), CASES)
def test_a_cure_gives_the_right_gradient(
    source: str, x: float, expected: str, function: Any, operation: str
) -> None:
    after = cured(source, x, expected, operation)
    if function is not None:
        exact = mpmath.diff(function, mp.mpf(x), h=mp.mpf(10) ** -20 * (abs(x) or 1))
        assert_near(float(after.gradient), float(exact))
        assert_near(float(after.y), float(function(mp.mpf(x))))


def assert_near(value: float, exact: float) -> None:
    assert abs(value - exact) <= 1e-12 * abs(exact) + 1e-250, (value, exact)


def test_the_gradient_is_the_cure_s_own() -> None:
    cure = Program("y = 3 * np.log(1 + np.exp(2 * x))", 1000.0).cure()
    assert cure is not None
    assert (cure.value, cure.gradient) == (2000.0, 1.0)
    assert cure.after == "y = 3 * np.logaddexp(2 * x, 0)"
    assert cure.before == "np.log(1 + np.exp(2 * x))"


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.patterns[0])
def test_entries_are_expressions_of_their_patterns_names(entry: Any) -> None:
    known = {"np", "special", "smooth", "tf", "AXIS", "KEEP", "KEPT", "INDEX"}
    for pattern in entry.patterns:
        calls = {"_"}
        for node in parsed(pattern):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            called = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
            calls |= {f.id for f in called if isinstance(f, ast.Name)}
            for text in (*entry.np, *entry.tf):
                used = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
                assert used <= (names - calls) | known, text
    assert not entry.why[0].isupper()
    assert not entry.why.endswith(".")
