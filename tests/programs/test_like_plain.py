"""What plain code does, a traced function does, or it says that it cannot: probes by kind."""

from __future__ import annotations

import collections
import copy
import itertools
import pickle
import types
import warnings
from typing import Any, ClassVar

import numpy as np
import pytest

import gradtape as gt
from gradtape.programs.tracing import TraceError

X = np.array([0.5, -1.0, 2.0])


def same(f: Any, *calls: Any, engine: str = "numpy") -> Any:
    """Whether a traced function answers as the plain one does, with the same types."""
    traced = gt.function(f, engine=engine)
    for args in calls:
        for _ in range(2):
            actual = traced(*copy.deepcopy(args))
            expected = f(*copy.deepcopy(args))
            assert repr(actual) == repr(expected)
            assert type(actual) is type(expected)
    return traced


# Python's numbers ---------------------------------------------------------------------------------


def test_numbers_have_their_own_methods():
    same(lambda x: (x.is_integer(), x.as_integer_ratio(), x.hex()), (1.5,), (2.0,))
    same(lambda n: (n.bit_length(), n.bit_count(), n.numerator, bin(n)), (5,), (6,))
    same(lambda x: x.is_integer(), (np.float64(2.0),))
    assert same(lambda n: 2.0 * n.bit_length(), (5,), (6,), (9,)).traces == 2


def test_a_way_through_a_numbers_own_method_goes_into_a_file(tmp_path: Any):
    f = gt.function(lambda x: x + 1 if x.is_integer() else x)
    assert (f(2.0), f(2.5)) == (3.0, 2.5)
    f.save(tmp_path / "f.gt")
    loaded = gt.load(tmp_path / "f.gt")
    assert (loaded(4.0), loaded(4.5)) == (5.0, 4.5)


def test_parts_of_numbers_are_numbers():
    same(lambda x: (x.real, x.imag, x.conjugate()), (1.5,), (2,), (1 + 2j,))


def test_sequences_are_repeated():
    same(lambda n: ([0] * n, n * (1, 2), "ab" * n, n * "ab"), (2,), (3,))
    same(lambda x: [7] * x.argmax(), (X,))


def test_comparing_with_nothing_and_text():
    same(lambda x: (x == None, x != None, x == "a"), (X,), (1.0,))  # noqa: E711


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: x + None, (1.0,)),
        (lambda x: x + "a", (2,)),
        (lambda x: "a" - x, (X,)),
        (lambda x: x.nope, (X,)),
        (lambda x: list(x), (1.0,)),
        (lambda x: [0] * x, (1.5,)),
    ],
)
def test_errors_are_the_plain_functions(f: Any, args: Any):
    with pytest.raises(Exception) as plain:  # noqa: PT011
        f(*args)
    with pytest.raises(type(plain.value)) as traced:
        gt.function(f)(*args)
    if not isinstance(plain.value, TypeError) or "unsupported" in str(plain.value):
        assert str(traced.value) == str(plain.value)
    assert "Symbol" not in str(traced.value)


def test_whole_numbers_say_how_long_an_array_is():
    assert same(lambda n: np.arange(n) * 2, (3,), (4,)).traces == 2
    with pytest.raises(TraceError, match=r"float\(x\) has the number"):
        gt.function(lambda x: np.array([x, x]))(1.0)


# Arrays -------------------------------------------------------------------------------------------


def test_an_array_without_axes_is_written_into():
    def f(x: Any) -> Any:
        x += 1
        x[...] = x * 2
        return x

    x = np.array(2.0)
    g = gt.function(f)
    g(x)
    assert x == 6.0
    g(x)
    assert x == 14.0


def test_an_entry_by_its_place_among_all():
    same(lambda x: (x.item(4), x.item((1, 0)), x.item(1, 1)), (np.arange(6.0).reshape(2, 3),))


def test_setting_all_entries_and_the_shape():
    def flat(x: Any) -> Any:
        y = (x * 2).T
        y.flat = x[0]
        return y

    same(flat, (np.arange(6.0).reshape(2, 3),))

    def shape(x: Any) -> Any:
        y = x * 2
        y.shape = (1, 3)
        return y

    with pytest.raises(TraceError, match="reshape"):
        gt.function(shape)(X)


def test_an_array_in_two_places_of_the_answer_is_one():
    def f(x: Any) -> Any:
        y = x * 2
        return y, [y]

    g = gt.function(f)
    for _ in range(3):
        y, (z,) = g(X)
        assert y is z


def test_a_tensor_full_of_an_argument():
    same(lambda s: (gt.full(2, s), gt.full((), s), gt.full_like(X, s)), (2.0,), (3,))


# Derivatives that are given bare arrays -----------------------------------------------------------


@gt.custom_gradient
def square(x: Any) -> Any:
    return x * x, lambda dy: dy * 2.0 * x


def test_custom_gradients_of_bare_arrays():
    same(lambda x: square(x) * x, (X,))
    same(lambda x: gt.recompute_grad(lambda z: np.tanh(z) * z)(x), (X,))
    same(lambda x: gt.hessian(lambda z: np.sum(square(z) * z))(x), (X,))
    hessian = gt.hessian(gt.function(lambda z: np.sum(square(z) * z)))(X)
    np.testing.assert_allclose(hessian, np.diag(6 * X))


def test_weights_and_tangents_that_are_bare():
    def back(x: Any, weights: Any) -> Any:
        x = gt.constant(x)
        with gt.GradientTape() as tape:
            tape.watch(x)
            y = x * x * 3
        return tape.gradient(y, x, output_gradients=weights)

    same(back, (X, X), (X, 2.0), (X.astype("f"), X))

    def ahead(x: Any, direction: Any) -> Any:
        x = gt.constant(x)
        with gt.ForwardAccumulator(x, direction) as acc:
            y = x * x * 3
        return acc.jvp(y)

    same(ahead, (X, X), (X.astype("f"), X), (2.0, 3.0))


def test_gradients_that_must_be_finite():
    def f(x: Any) -> Any:
        with gt.errstate(gradient="raise"):
            return gt.grad(lambda z: np.sum(np.sqrt(z)))(x)

    g = same(f, (np.ones(2),))
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as plain:
        f(np.zeros(2))
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as traced:
        g(np.zeros(2))
    assert str(plain.value) == str(traced.value)


# Nests --------------------------------------------------------------------------------------------


def test_dicts_of_classes_of_their_own():
    given: Any = collections.defaultdict(list, a=X, b=2.0)
    same(lambda d: (d["a"] * d["b"], d), (given,))
    same(lambda d: collections.OrderedDict(b=d["b"]), (collections.OrderedDict(b=X, a=X),))


def append(d: Any) -> None:
    d["xs"].append(1.0)


def replace(d: Any) -> None:
    d["a"] = d["a"] * 2


def add(d: Any) -> None:
    d["new"] = 3


def remove(d: Any) -> None:
    d.pop("a")


@pytest.mark.parametrize("change", [append, replace, add, remove])
def test_arguments_whose_nest_is_changed(change: Any):
    with pytest.raises(TraceError, match="that is an argument"):
        gt.function(change)({"a": X, "xs": [1.0]})


def test_arrays_in_a_nest_may_be_written_into():
    def f(d: Any) -> Any:
        d["a"] *= 2
        return d["a"].sum()

    given = {"a": X.copy()}
    gt.function(f)(given)
    np.testing.assert_array_equal(given["a"], X * 2)


# What is outside ----------------------------------------------------------------------------------


class Box:
    scale = 1.0
    plain: ClassVar[dict[str, float]] = {"rate": 1.0}

    @staticmethod
    def of_global(x: Any) -> Any:
        return x * GLOBAL

    @property
    def own(self) -> Any:
        return self.scale * 3


class Sub(Box):
    def call(self, x: Any) -> Any:
        return x * self.own


class Slots:
    __slots__ = ("k",)


GLOBAL = 1.0


def of_class() -> Any:
    kind = type("K", (), {"scale": 1.0})
    yield lambda x: x * kind.scale
    for value in (2.0, 3.0):
        kind.scale = value
        yield


def of_instance() -> Any:
    box = Box()
    yield lambda x: x * box.scale
    for value in (2.0, 3.0):
        box.scale = value
        yield


def of_base() -> Any:
    sub = Sub()
    yield sub.call
    for value in (2.0, 3.0):
        sub.scale = value
        yield


def of_static_method() -> Any:
    global GLOBAL
    yield lambda x: Box.of_global(x)
    for value in (2.0, 3.0):
        GLOBAL = value
        yield


def of_module() -> Any:
    module = types.ModuleType("some_module")
    exec("scale = 1.0\ndef helper(x): return x * scale", module.__dict__)
    yield lambda x: module.helper(x) * module.scale  # type: ignore[attr-defined]
    for value in (2.0, 3.0):
        module.scale = value  # type: ignore[attr-defined]
        yield


def of_slots() -> Any:
    slots = Slots()
    slots.k = 1.0
    yield lambda x: x * slots.k
    for value in (2.0, 3.0):
        slots.k = value
        yield


def of_getattr() -> Any:
    box = Box()
    box.k = 1.0  # type: ignore[attr-defined]
    yield lambda x: x * getattr(box, "k")  # noqa: B009
    for value in (2.0, 3.0):
        box.k = value  # type: ignore[attr-defined]
        yield


def of_dict() -> Any:
    config = {"rate": 1.0, "other": {"deep": 1.0}}
    yield lambda x: x * config["rate"] * config["other"]["deep"]  # type: ignore[index,operator]
    config["rate"] = 2.0
    yield
    config["other"]["deep"] = 5.0  # type: ignore[index]
    yield


def of_ufunc() -> Any:
    h: Any = np.sin
    yield lambda x: h(x)
    for value in (np.cos, np.sum, len):
        h = value
        yield


@pytest.mark.parametrize(
    "changing",
    [
        *(of_class, of_instance, of_base, of_static_method, of_module, of_slots, of_getattr),
        *(of_dict, of_ufunc),
    ],
)
def test_what_names_stand_for_is_looked_at_each_time(changing: Any):
    steps = changing()
    f = next(steps)
    g = gt.function(f)
    for traces, _ in enumerate(itertools.chain([None], steps), start=1):
        for _ in range(3):
            np.testing.assert_array_equal(g(X), f(X))
        assert g.traces == traces


def test_counting_in_a_dict_or_a_list_is_refused():
    counts, numbers, other = {"n": 0}, [0, 0], {1: 0}

    def in_dict(x: Any) -> Any:
        counts["n"] += 1
        return x * counts["n"]

    def in_list(x: Any) -> Any:
        numbers[1] += 1
        return x * numbers[1]

    def by_number(x: Any) -> Any:
        other[1] += 1
        return x * other[1]

    for f, name in ((in_dict, "'n'"), (in_list, "numbers"), (by_number, "other")):
        with pytest.raises(TraceError, match=f"changed what .*{name}"):
            gt.function(f)(X)


def test_what_is_filled_in_once_is_left_alone():
    known: dict[int, float] = {}

    def f(x: Any) -> Any:
        if 3 not in known:
            known[3] = 2.0
        return x * known[3]

    same(f, (X,))


# What cannot be done again ------------------------------------------------------------------------


def test_iterators_are_used_up():
    for f in (lambda x: (i for i in range(3)), lambda x: [x, map(abs, [1])]):
        with pytest.raises(TraceError, match="return a list"):
            gt.function(f)(X)


def test_floating_point_errors_as_branches_are_refused():
    def f(x: Any) -> Any:
        try:
            with np.errstate(divide="raise"):
                return 1 / x
        except FloatingPointError:
            return x

    with pytest.raises(TraceError, match=r"np\.errstate"):
        gt.function(f)(np.ones(2))

    def quiet(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return 1 / x

    same(quiet, (np.zeros(2),))


# The function object ------------------------------------------------------------------------------


@gt.function
def decorated(x: Any) -> Any:
    return x + 1


def test_copies_and_pickles_trace_for_themselves():
    for f in (gt.function(np.exp, engine="numpy", stabilize=True), decorated):
        for _ in range(4):
            f(1.0)
        for g in (pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):
            assert g(1.0) == f(1.0)
            assert (g.engine, g.stabilize) == (f.engine, f.stabilize)
    assert pickle.loads(pickle.dumps(decorated)) is decorated


def test_the_warning_names_the_users_line():
    f = gt.function(lambda x: x * 2)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for n in range(20):
            f(np.ones(n))
    assert [w.filename for w in found] == [__file__]
