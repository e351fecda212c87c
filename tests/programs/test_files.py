"""Traced functions in files: what comes back computes the same."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.files import CannotSaveError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "function.gt"


def through_a_file(f, path):
    f.save(path)
    return gt.load(path)


def assert_same(one, other):
    """The same nests of the same values, bit for bit, of the same types."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, gt.Tensor):
        assert_same(one.array, other.array)
    elif isinstance(one, (np.ndarray, np.generic)):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
    else:
        assert repr(one) == repr(other)


X = np.linspace(-2.0, 2.0, 12).reshape(3, 4)


def _sorted_by_key(x):
    return x[np.argsort(x[:, 0])]


def _written(x):
    y = np.zeros_like(x)
    y[1:] = 2 * x[:-1]
    y[0, 2] = x[0, 0]
    return y


def _changed(x):
    y = x.copy()
    np.put(y, [0, 5], 3.0)
    np.copyto(y, x * 2, where=x > 1)
    y.sort(axis=0)
    np.add.at(y, (np.array([0, 0]), np.array([1, 1])), x[0, :2])
    y[1].fill(5.0)
    return y


FUNCTIONS = {
    "elementwise": lambda x: np.sin(x) * np.exp(-x) + 1 / (3 + x),
    "gradient": lambda x: gt.grad(lambda z: np.sum(np.tanh(z) ** 2))(x),
    "reductions": lambda x: (x.sum(0), x.max(1, keepdims=True), x.mean(), np.var(x, axis=-1)),
    "linear algebra": lambda x: np.linalg.solve(x @ x.T + 5 * np.eye(3), x),
    "several results": lambda x: np.linalg.eigh(x.T @ x),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "joined": lambda x: np.concatenate([x, x[::-1], np.ones((1, 4))]),
    "slices": lambda x: (x[1:, ::2], x[..., None], x[[2, 0]], x[x.shape[0] - 1]),
    "written": _written,
    "changed": _changed,
    "computed index": _sorted_by_key,
    "comparisons": lambda x: np.where((x > 0) & (x < 1), x, np.float32(7)),
    "casts": lambda x: x.astype(np.float32).sum(dtype="float64") + x.astype(int).max(),
    "sorting": lambda x: (np.sort(x, axis=0), np.argsort(x, axis=None), np.argmax(x, 1)),
    "no derivatives": lambda x: (np.searchsorted(np.arange(3.0), x), np.isclose(x, 0), np.floor(x)),
    "methods of ufuncs": lambda x: (np.add.reduce(x, 1), np.maximum.accumulate(x, 0)),
    "complex": lambda x: np.abs(np.fft.fft(x + 1j, axis=0)) ** 2,
    "numbers": lambda x: float(x[0, 0]) * 2 + (1j if x[1, 1] < 0 else 2.0),
    "specials": lambda x: np.where(x < 0, np.inf, np.where(x == X[2, 2], np.nan, -0.0 * x)),
    "a large constant": lambda x: x + np.broadcast_to(np.arange(4.0), (3, 4)),
    "nothing computed": lambda x: "as it is",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_comes_back(name, path):
    f = gt.function(FUNCTIONS[name])
    f(X)
    f(np.asfortranarray(X))  # for which a function that writes into views has another program
    loaded = through_a_file(f, path)
    for x in (X, X + 0.0, np.asfortranarray(X)):
        assert_same(loaded(x), f(x))  # the first call runs it step by step, later ones compiled


def test_other_values_go_in(path):
    f = gt.function(lambda x, scale: gt.grad(lambda z: np.sum(scale * z**3))(x))
    f(X, 2.0)
    loaded = through_a_file(f, path)
    for scale in (0.5, 2.0, -3.0):
        assert_same(loaded(X * scale, scale), f(X * scale, scale))


@pytest.mark.parametrize("dtype", ["float16", "float32", "longdouble", "complex64", "int8", "bool"])
def test_dtypes(dtype, path):
    f = gt.function(lambda x: (x * x, x.sum()))
    x = X.astype(dtype)
    f(x)
    loaded = through_a_file(f, path)
    assert_same(loaded(x), f(x))


def test_scipys_functions_are_found_again(path):
    special = pytest.importorskip("scipy.special")
    f = gt.function(lambda x: (gt.grad(lambda z: np.sum(special.gammaln(z)))(x), special.erf(x)))
    x = np.abs(X) + 0.5
    f(x)
    assert_same(through_a_file(f, path)(x), f(x))


# What goes in and comes out -----------------------------------------------------------------------


class Pair(NamedTuple):
    left: object
    right: object


@dataclasses.dataclass
class State:
    position: object
    speed: object


def test_nests(path):
    @gt.function
    def f(batch, *, scale=1.0, kind="plain", axis=None):
        x, (y, z) = batch["x"], batch["rest"]
        return {"b": [x * scale, kind], "a": (y + z, None, axis), "same": y}

    batch = {"x": X, "rest": (X[0], [X[1]][0])}
    f(batch, scale=3.0, axis=(0, 1))
    loaded = through_a_file(f, path)
    out = loaded(batch, scale=3.0, axis=(0, 1))
    assert_same(out, f(batch, scale=3.0, axis=(0, 1)))
    assert out["same"] is batch["rest"][0]


def test_named_tuples_and_dataclasses_by_their_names(path):
    f = gt.function(lambda s: (Pair(s.speed, s.position), State(s.position + s.speed, s.speed)))
    f(State(X, 2 * X))
    loaded = through_a_file(f, path)
    pair, state = loaded(State(X, 2 * X))
    assert pair._fields == ("left", "right")
    np.testing.assert_array_equal(state.position, 3 * X)
    pair, state = gt.load(path, classes=[Pair, State])(State(X, 2 * X))
    assert type(pair) is Pair
    assert type(state) is State
    np.testing.assert_array_equal(state.position, 3 * X)


def test_tensors_come_back_as_tensors(path):
    f = gt.function(lambda t, x: (t * 2, x * 2, gt.constant([1.0, 2.0])))
    f(gt.constant(X), X)
    loaded = through_a_file(f, path)
    for _ in range(2):
        assert_same(loaded(gt.constant(X), X), f(gt.constant(X), X))


def test_tensors_and_variables_under_tensorflows_names(path):
    tf = pytest.importorskip("gradtape.tf")
    v = tf.Variable(2.0, name="v")
    f = gt.function(lambda t: t * v)
    t = tf.constant([1.0, 2.0])
    f(t)
    loaded = through_a_file(f, path)
    assert type(loaded.variables[0]) is tf.Variable
    assert loaded.variables[0].name == v.name
    for _ in range(2):
        out = loaded(t)
        assert type(out) is type(t)
        assert_same(out, f(t))


def test_arguments_that_are_written_into(path):
    @gt.function
    def f(x, t):
        x[0] = 7.0
        t[1] = x[2]
        return x.sum()

    f(X.copy(), gt.constant(X))
    loaded = through_a_file(f, path)
    for _ in range(2):
        x, t = X.copy(), gt.constant(X)
        total = loaded(x, t)
        np.testing.assert_array_equal(x[0], 7.0)
        np.testing.assert_array_equal(t.array[1], X[2])
        assert total == x.sum()


def test_every_branch_that_was_traced(path):
    @gt.function
    def f(x, n):
        while n > 0:
            x, n = x * 1.5, n - 1
        return x if x.sum() > 0 else -x

    for n in (0, 1, 3):
        f(np.abs(X), n)
        f(-np.abs(X), n)
    loaded = through_a_file(f, path)
    for _ in range(2):
        for n in (0, 1, 3):
            assert_same(loaded(np.abs(X), n), f(np.abs(X), n))
            assert_same(loaded(-np.abs(X), n), f(-np.abs(X), n))
    with pytest.raises(ValueError, match=r"way through the function's branches .* not traced"):
        loaded(X, 2)


def test_arguments_that_were_never_traced(path):
    f = gt.function(lambda x, mode: x * 2)
    f(X, "a")
    loaded = through_a_file(f, path)
    assert loaded.signatures == ("<lambda>(float64[3, 4], 'a')",)
    with pytest.raises(ValueError, match=r"float32\[3, 4\], 'a'\) cannot be called: .*float64"):
        loaded(X.astype("f4"), "a")
    with pytest.raises(ValueError, match=r"'b'\) cannot be called"):
        loaded(X, "b")
    with pytest.raises(ValueError, match="cannot be called"):
        loaded(X)
    with pytest.raises(ValueError, match="cannot be called"):
        loaded(X, {"not": {1, 2}})
    with pytest.raises(ValueError, match="cannot be called"):
        loaded(X, {1, 2})


def test_another_order_in_memory_where_that_matters(path):
    def f(x):
        x.reshape(-1)[:3] = 0.0  # a view of what is in order, and a copy otherwise
        return x * 2

    f = gt.function(f)
    f(X.copy())
    loaded = through_a_file(f, path)
    x = X.copy()
    np.testing.assert_array_equal(loaded(x), f(X.copy()))
    assert not x[0, :3].any()
    with pytest.raises(ValueError, match="lie in memory in another order"):
        loaded(np.asfortranarray(X))


# Variables ----------------------------------------------------------------------------------------


def _network():
    rng = np.random.default_rng(0)
    weights = [gt.Variable(rng.normal(size=s), name=n) for n, s in (("w", (4, 5)), ("v", (5, 1)))]

    @gt.function
    def step(x, y, rate):
        w, v = weights
        with gt.GradientTape() as tape:
            loss = np.mean((np.tanh(x @ w) @ v - y) ** 2)
        for variable, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            variable.assign_sub(rate * gradient)
        return loss

    return step, weights, (rng.normal(size=(20, 4)), rng.normal(size=(20, 1)), 0.1)


def test_variables_are_its_own_and_start_where_they_were(path):
    step, weights, arguments = _network()
    for _ in range(3):
        step(*arguments)
    loaded = through_a_file(step, path)
    assert [v.name for v in loaded.variables] == ["w", "v"]
    assert not any([v is w for v in loaded.variables for w in weights])
    before = [w.array.copy() for w in weights]
    losses = [loaded(*arguments) for _ in range(5)]
    for w, kept in zip(weights, before, strict=True):
        np.testing.assert_array_equal(w.array, kept)
    assert_same(losses, [step(*arguments) for _ in range(5)])
    for v, w in zip(loaded.variables, weights, strict=True):
        assert_same(v.array, w.array)


def test_a_loaded_function_is_saved_again_with_its_progress(path, tmp_path):
    step, _, arguments = _network()
    step(*arguments)
    loaded = through_a_file(step, path)
    again = tmp_path / "again.gt"
    loaded(*arguments)
    loaded.save(again)
    assert_same([gt.load(again)(*arguments)], [loaded(*arguments)])
    assert [v.name for v in gt.load(again).variables] == ["w", "v"]


def test_variables_as_arguments(path):
    @gt.function
    def f(v, w, x):
        v.assign_add(x)
        return v * w, v

    v, w = gt.Variable(X), gt.Variable(2 * X)
    f(v, w, X)
    loaded = through_a_file(f, path)
    assert loaded.variables == ()
    for _ in range(2):
        a, b = gt.Variable(X), gt.Variable(2 * X)
        product, same = loaded(a, b, X)
        assert same is a
        np.testing.assert_array_equal(a.array, 2 * X)
        np.testing.assert_array_equal(product.array, 4 * X * X)
    with pytest.raises(ValueError, match="cannot be called"):
        loaded(a, a, X)  # the same one twice is another function


def test_what_only_names_reach_is_what_it_was(path):
    c, t = X.copy(), gt.constant(X)
    f = gt.function(lambda x: x * c + t.array if False else x * c + t)
    expected = f(X)
    loaded = through_a_file(f, path)
    c[:] = 0
    assert_same(loaded(X), expected)
    assert loaded.variables == ()


# In other company ---------------------------------------------------------------------------------


def test_inside_of_another_trace(path):
    inner = gt.function(lambda x: np.sin(x) if x.sum() > 0 else np.cos(x))
    inner(np.abs(X))
    inner(-np.abs(X))
    loaded = through_a_file(inner, path)
    outer = gt.function(lambda x: 2 * loaded(x * 3))
    for x in (np.abs(X), -np.abs(X), 2 * np.abs(X)):
        np.testing.assert_allclose(outer(x), 2 * inner(x * 3), rtol=1e-15)
    assert outer.traces == 2


def test_under_a_tape_it_raises_rather_than_lose_a_gradient(path):
    f = gt.function(lambda x: x * 2)
    f(gt.constant(X))
    loaded = through_a_file(f, path)
    x = gt.Variable(X)
    with gt.GradientTape() as tape:
        tape.watch(t := gt.constant(X))
        with pytest.raises(gt.NoRuleError, match="out of a file has no derivative"):
            loaded(t)
        with tape.stop_recording():
            assert_same(loaded(t), f(t))
        assert_same(loaded(gt.constant(X)), gt.constant(2 * X))
        del x


def test_another_process_needs_no_source(path):
    step, _, arguments = _network()
    step(*arguments)
    step.save(path)
    np.savez(path.with_suffix(".npz"), *arguments)
    code = (
        "import sys, numpy as np, gradtape as gt\n"
        "a = np.load(sys.argv[2])\n"
        "f = gt.load(sys.argv[1])\n"
        "print([float(f(a['arr_0'], a['arr_1'], float(a['arr_2']))).hex() for _ in range(3)])\n"
        "assert 'pickle' not in sys.modules or 'scipy' not in sys.modules\n"
    )
    command = [sys.executable, "-c", code, str(path), str(path.with_suffix(".npz"))]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.strip() == str([float(step(*arguments)).hex() for _ in range(3)])


# What cannot be saved -----------------------------------------------------------------------------


def test_nothing_to_save(path):
    with pytest.raises(ValueError, match="was not traced yet: call it before"):
        gt.function(lambda x: x).save(path)
    assert not path.exists()


def test_a_function_that_no_file_may_name(path):
    f = gt.function(lambda x: x * len(np.array2string(x)))
    f(X)
    with pytest.raises(CannotSaveError, match=r"array2string.*cannot be saved"):
        f.save(path)
    assert not list(path.parent.iterdir())


def test_a_static_value_that_is_no_value(path):
    f = gt.function(lambda x, g: g(x))
    f(X, np.sin)  # a function by a name that is known
    assert_same(through_a_file(f, path)(X, np.sin), f(X, np.sin))
    f(X, _sorted_by_key)
    with pytest.raises(CannotSaveError, match=r"_sorted_by_key.* cannot be saved: files hold"):
        f.save(path)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    f = gt.function(lambda x: x * 2)
    f(X)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        f.save(tmp_path / "taken")
    with pytest.raises(FileNotFoundError):
        f.save(tmp_path / "nowhere" / "f.gt")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_files_of_the_same_trace_are_the_same(tmp_path):
    f = gt.function(lambda x: x * 2 + X)
    f(X)
    f.save(tmp_path / "a")
    f.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    if os.name == "posix":
        umask = os.umask(0)
        os.umask(umask)
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~umask
