"""Gradients as source code: the text, and its numbers at other points than where it was written."""

import re
import subprocess
import sys
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradtape as gt

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(7, 3))
WEIGHTS = gt.Variable(RANDOM.normal(size=(3, 3)), name="weights")


def same(actual: Any, expected: Any) -> None:
    """The same numbers to the last bit, dtypes and nests."""
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            same(actual[key], expected[key])
    elif isinstance(expected, (tuple, list)):
        assert type(actual) is type(expected)
        for a, e in zip(actual, expected, strict=True):
            same(a, e)
    else:
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)


def check(f: Any, here: tuple[Any, ...], *others: tuple[Any, ...], **options: Any) -> Any:
    """Compare the source written at one point with gradtape there and at others."""
    source = gt.source(f, **options)(*here)
    for point in (here, *others):
        same(source.function(*point), gt.value_and_grad(f, **options)(*point))
    return source


def drawn(*shape: int) -> Any:
    return RANDOM.normal(size=shape)


# The text -----------------------------------------------------------------------------------------


def test_the_text_is_what_one_would_write() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        return y * x

    source = gt.source(f)(2.0)
    body = source.split('"""')[-1]
    assert body == (
        "\n"
        "    x = np.asarray(x, np.float64)[()]\n"
        "    y = np.sin(x)\n"
        "    value = y * x\n"
        "    g_x = y + x * np.cos(x)\n"
        "    return value, g_x\n"
    )
    assert isinstance(source, str)
    assert source.text == str(source)
    assert "def f_and_gradient(x):" in source
    assert source.name == source.function.__name__ == "f_and_gradient"
    assert source.constants == {}


def test_lambdas_and_numpys_functions_have_no_name_to_take_over() -> None:
    assert gt.source(lambda z: z * z)(2.0).name == "value_and_gradient"
    assert gt.source(np.sin)(2.0).name == "sin_and_gradient"


def test_values_are_called_as_in_the_program() -> None:
    def loss(w: Any, data: Any) -> Any:
        hidden = np.tanh(data @ w)
        return np.sum(hidden**2)

    source = gt.source(loss)(drawn(3, 2), drawn(4, 3))
    assert "hidden = np.tanh(" in source
    assert "g_hidden = " in source
    assert "g_w = data.T @ " in source


def test_it_runs_by_itself(tmp_path: Any) -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.logaddexp(x, 0) * np.tanh(x))

    source = gt.source(loss)(np.array([1.0, -2.0]))
    path = tmp_path / "gradient.py"
    source.save(path)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import numpy as np;"
        "from gradient import loss_and_gradient;"
        "value, gradient = loss_and_gradient(np.array([0.5, 3.0]));"
        "print(repr(float(value)), *map(repr, gradient.tolist()));"
        "assert not [m for m in sys.modules if m.startswith('gradtape')]"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    value, gradient = gt.value_and_grad(loss)(np.array([0.5, 3.0]))
    assert [float(number) for number in run.stdout.split()] == [value, *gradient]


def test_large_arrays_are_saved_beside_it(tmp_path: Any) -> None:
    table = drawn(3000)

    def loss(x: Any) -> Any:
        return np.sum(table * x)

    source = gt.source(loss)(drawn(3000))
    assert list(source.constants) == ["table"]
    assert len(source) < 2000
    source.save(tmp_path / "large.py")
    space: dict[str, Any] = {"__file__": str(tmp_path / "large.py"), "__name__": "large"}
    exec((tmp_path / "large.py").read_text(), space)
    point = drawn(3000)
    same(space["loss_and_gradient"](point), gt.value_and_grad(loss)(point))
    same(source.function(point), gt.value_and_grad(loss)(point))


def test_small_arrays_are_written_out_under_their_names() -> None:
    table = np.array([0.1, 1 / 3, np.inf, -np.inf, np.nan, 1e-300, 5e-324, -0.0, 7.0, 8.0])

    def loss(x: Any) -> Any:
        return np.sum(table * x)

    with np.errstate(invalid="ignore"):
        source = check(loss, (drawn(10),), (drawn(10),))
    assert "\ntable = np.array([" in source
    assert "0.3333333333333333" in source


# Numbers ------------------------------------------------------------------------------------------


@gt.custom_gradient
def softplus(x: Any) -> Any:
    e = np.exp(x)
    return np.log(1 + e), lambda g: g / (1 + 1 / e)


def written(x: Any) -> Any:
    out = np.zeros_like(x)
    out[0] = x[1]
    out[1:] += x[:-1] ** 2
    part = out[1:]
    part *= 2
    return np.sum(out * x)


def ranks(x: Any) -> Any:
    ordered = np.sort(x)
    return ordered[-1] * ordered[0] + np.median(x) + x[np.argmax(x)] * np.quantile(x, 0.3)


def dead(x: Any) -> Any:
    return np.sum(np.where(x > 0, np.log(x) * np.sqrt(x), x))


PROGRAMS: dict[str, Any] = {
    "elementwise": (lambda x: np.sum(np.exp(-x) / (1 + x * x) - np.arctan2(x, 2)), 4),
    "softmax": (lambda x: -np.log(np.exp(x) / np.sum(np.exp(x)))[1], 4),
    "maximum": (lambda x: np.sum(np.maximum(x, 0.1) * np.minimum(x, x[::-1])), 5),
    "clip": (lambda x: np.sum(np.clip(x, -0.5, 0.5) ** 3), 5),
    "max": (lambda x: np.max(x) * np.min(x) * np.ptp(x), 5),
    "ranks": (ranks, 7),
    "dead branches": (dead, 6),
    "masks as numbers": (lambda x: np.mean((x > 0) * x) + np.sum(x[x.argsort()[:2]]), 5),
    "table": (lambda x: np.sum(np.interp(x, np.arange(-3.0, 4), np.arange(7.0) ** 2)), 5),
    "matrices": (
        lambda x: np.linalg.norm(TABLE @ x) + np.linalg.det(np.outer(x, x) + np.eye(3)),
        3,
    ),
    "variable": (lambda x: np.sum(np.tanh(WEIGHTS @ x) * WEIGHTS), 3),
    "custom": (lambda x: np.sum(softplus(x) * x), 3),
    "stopped": (lambda x: np.sum(gt.stop_gradient(x) * x), 3),
    "checkpoint": (lambda x: np.sum(gt.checkpoint(lambda t: np.exp(np.sin(t)))(x)), 3),
    "second order": (lambda x: np.sum(gt.grad(lambda t: np.sum(np.exp(t) * t[0]))(x) ** 2), 3),
    "hessian": (lambda x: np.sum(gt.hessian(lambda t: np.sum(t**3))(x) ** 2), 3),
    "forward": (lambda x: np.sum(gt.jvp(lambda t: np.exp(t) * t[0])(x, np.ones(3))[1]), 3),
    "writes": (written, 5),
    "fft": (lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2), 8),
    "einsum": (lambda x: np.einsum("i,j,ij->", x, x, np.outer(x, x)), 3),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    f, size = PROGRAMS[name]
    points = [(np.linspace(-1.3, 1.7, size)[RANDOM.permutation(size)],) for _ in range(3)]
    with np.errstate(all="ignore"):
        check(f, *points)


@pytest.mark.parametrize("dtype", ["f", "d", "F", "D", "g"])
def test_dtypes_stay(dtype: str) -> None:
    def f(x: Any) -> Any:
        y = np.sqrt(x * x + 2.5) / 3
        return np.real(np.mean(y * np.array(0.1, x.dtype)))

    points = [(RANDOM.normal(size=4).astype(dtype),) for _ in range(2)]
    source = gt.source(f)(*points[0])
    for point in points:
        actual, expected = source.function(*point), gt.value_and_grad(f)(*point)
        assert actual[1].dtype == expected[1].dtype == np.dtype(dtype)
        eps = np.finfo(np.dtype(dtype)).eps
        np.testing.assert_allclose(actual[1], expected[1], rtol=4 * eps)


def test_the_other_arrays_are_arguments_too() -> None:
    def loss(params: Any, data: Any, labels: Any) -> Any:
        scores = data @ params["w"] + params["b"]
        shifted = scores - np.max(scores, 1, keepdims=True)
        logs = shifted - np.log(np.sum(np.exp(shifted), 1, keepdims=True))
        return -np.mean(logs[np.arange(len(labels)), labels])

    def point() -> Any:
        params = {"w": drawn(3, 4), "b": drawn(4)}
        return params, drawn(5, 3), RANDOM.integers(0, 4, 5)

    source = check(loss, point(), point(), point())
    assert "def loss_and_gradient(params, data, labels):" in source
    assert 'w = np.asarray(params["w"], np.float64)' in source


def test_arguments_as_of_the_other_operators() -> None:
    class Pair(NamedTuple):
        a: Any
        b: Any

    def f(x: Any, pair: Any, *, scale: Any) -> Any:
        return np.sum(x * pair.a) * scale + np.sum(pair.b) * np.sum(x)

    x, pair = drawn(3), Pair(drawn(3), [drawn(2)][0])
    for options in (
        {"argnums": 0},
        {"argnums": (0, 1)},
        {"argnames": "scale"},
        {"argnames": ("scale",)},
        {"argnums": 1, "argnames": "scale"},
    ):
        source = gt.source(f, **options)(x, pair, scale=np.float64(2.0))
        value, gradient = source.function(x * 2, pair, scale=3.0)
        expected = gt.value_and_grad(f, **options)(x * 2, pair, scale=np.float64(3.0))
        assert value == expected[0]
        for a, e in zip(flat(gradient), flat(expected[1]), strict=True):
            np.testing.assert_array_equal(a, e)


def flat(nest: Any) -> list[Any]:
    if isinstance(nest, dict):
        nest = list(nest.values())
    several = isinstance(nest, (list, tuple))
    return [leaf for one in nest for leaf in flat(one)] if several else [nest]


def test_aux() -> None:
    def f(x: Any) -> Any:
        return np.sum(x * x), {"twice": 2 * x, "name": 3}

    x = drawn(3)
    (value, aux), gradient = gt.source(f, has_aux=True)(drawn(3)).function(x)
    assert value == np.sum(x * x)
    assert aux["name"] == 3
    np.testing.assert_array_equal(aux["twice"], 2 * x)
    np.testing.assert_array_equal(gradient, 2 * x)


def test_results_are_arrays_of_their_own() -> None:
    weights = drawn(3)
    source = gt.source(lambda x, y: np.sum(x * y * 1.0), argnums=(0, 1))(weights, drawn(3))
    y = drawn(3)
    _, (by_x, by_y) = source.function(weights, y)
    assert not np.shares_memory(by_x, y)
    assert not np.shares_memory(by_y, weights)
    by_x += 1
    same(source.function(weights, y)[1][0], y)


def test_a_gradient_of_zeros() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = gt.source(lambda x: np.sum(np.floor(x)))(drawn(3))
    same(source.function(np.array([1.5, 2.5, 3.5])), (np.float64(6.0), np.zeros(3)))


def test_tensors_and_tapes_around_it_see_nothing() -> None:
    x = gt.Variable(drawn(3))
    with gt.GradientTape() as tape:
        source = gt.source(lambda t: np.sum(t * t))(x)
    assert tape._records == []
    same(source.function(np.ones(3)), (np.float64(3.0), 2 * np.ones(3)))


# The way of the program ---------------------------------------------------------------------------


def test_another_way_is_refused() -> None:
    def f(x: Any, times: int) -> Any:
        if x > 0:
            for _ in range(times):
                x = np.sin(x) * 2
            return x
        return -x

    source = check(f, (0.3, 3), (0.7, 3))
    assert re.search(r"assert x > 0  # test_source_code.py, line \d+: if x > 0:", source)
    with pytest.raises(AssertionError):
        source.function(-0.3, 3)
    with pytest.raises(AssertionError):
        source.function(0.3, 4)
    check(f, (-0.3, 3), (-0.7, 3))


def test_loops_that_end_by_a_value() -> None:
    def root(x: Any) -> Any:
        y = x
        while abs(y * y - x) > 1e-3:
            y = (y + x / y) / 2
        return y

    source = check(root, (2.0,), (2.1,))
    assert source.count("assert ") == 4
    with pytest.raises(AssertionError):
        source.function(200.0)


def test_another_shape_is_refused() -> None:
    source = gt.source(lambda x: np.mean(x * x))(drawn(3))
    with pytest.raises(AssertionError):
        source.function(drawn(4))


def test_as_many_entries_behind_a_mask() -> None:
    source = check(
        lambda x: np.mean(x[x > 0]), (np.array([1.0, -1, 2]),), (np.array([-1.0, 3, 2]),)
    )
    with pytest.raises(AssertionError):
        source.function(np.array([1.0, 1, 2]))


def test_whole_numbers_taken_out_must_be_the_same() -> None:
    def f(x: Any) -> Any:
        return x[int(np.argmax(x))] * np.array([1.0, 2, 3])[np.argsort(x)][0]

    source = check(f, (np.array([1.0, 3, 2]),), (np.array([0.0, 8, 2]),))
    with pytest.raises(AssertionError):
        source.function(np.array([3.0, 1, 2]))


def test_numbers_taken_out_are_frozen_and_it_says_so() -> None:
    def f(x: Any) -> Any:
        first = gt.stop_gradient(x).numpy()[0]
        return np.sum(x) * float(first)

    source = gt.source(f)(np.array([2.0, 3.0]))
    comment = r"# A value x was taken out as a bare one: what came of it is frozen\.  # test_source"
    assert re.search(comment, source)
    same(source.function(np.array([5.0, 6.0]))[1], np.array([2.0, 2.0]))


def test_data_made_bare_must_be_the_same() -> None:
    def loss(w: Any, data: Any) -> Any:
        data = np.asarray(data)
        return np.sum((data - data.mean()) @ w)

    w, data = drawn(3), drawn(4, 3)
    source = gt.source(loss)(w, data)
    same(source.function(2 * w, data), gt.value_and_grad(loss)(2 * w, data))
    with pytest.raises(AssertionError):
        source.function(w, 2 * data)


def test_lists_of_numbers_must_be_the_same() -> None:
    def f(x: Any, powers: Any) -> Any:
        return sum([x**power for power in powers])

    source = gt.source(f)(2.0, [1, 2, 3])
    assert "assert powers == [1, 2, 3]" in source
    same(source.function(3.0, [1, 2, 3]), gt.value_and_grad(f)(3.0, [1, 2, 3]))
    with pytest.raises(AssertionError):
        source.function(3.0, [1, 2])


# Errors -------------------------------------------------------------------------------------------


def test_what_cannot_be_written_down_is_named() -> None:
    special = pytest.importorskip("scipy.special")
    with pytest.raises(NotImplementedError, match="no NumPy source code for bessel j slope"):
        gt.source(lambda x: special.j0(x))(1.0)


def test_scipys_functions_are_imported() -> None:
    special = pytest.importorskip("scipy.special")
    linalg = pytest.importorskip("scipy.linalg")
    source = check(lambda x: special.erf(x) * special.gammaln(x), (1.5,), (2.5,))
    assert "import scipy.special\n" in source
    f = lambda a: np.sum(gt.scipy.linalg.expm(a))  # noqa: E731
    assert linalg is not None
    import gradtape.scipy  # noqa: F401

    assert "import scipy.linalg\n" in check(f, (drawn(2, 2),), (drawn(2, 2),))


def test_errors_are_those_of_the_other_operators() -> None:
    with pytest.raises(ValueError, match="scalar"):
        gt.source(lambda x: x * 2)(drawn(3))
    with pytest.raises(TypeError, match="floating"):
        gt.source(lambda x: x * 2)(3)
    with pytest.raises(TypeError, match="must be a function"):
        gt.source(3)  # type: ignore[arg-type]
    with pytest.raises(gt.TrackedConversionError):
        gt.source(lambda x: np.sum(np.asarray(x)))(drawn(3))
