"""What goes into a traced function and comes out: kinds of arguments, nests, identities, errors."""

import copy
import dataclasses
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.nest import flatten
from gradtape.programs.function import function


def check(f: Any, *calls: Any, traces: int = 1) -> Any:
    """Whether a traced function answers as the plain one does, on every call."""
    traced = function(f)
    for args in calls:
        expected = f(*copy.deepcopy(args))
        for _ in range(2):
            actual = traced(*copy.deepcopy(args))
            assert type(actual) is type(expected)
            same(actual, expected)
    assert traced.traces == traces
    return traced


def same(actual: Any, expected: Any) -> None:
    """Whether two nests are equal, floats to a few units in the last place."""
    for a, e in zip(flatten(actual), flatten(expected), strict=True):
        if isinstance(e, gt.Tensor):
            a, e = a.numpy(), e.numpy()
        if isinstance(e, np.ndarray):
            assert (a.shape, a.dtype) == (e.shape, e.dtype)
        if isinstance(e, (np.ndarray, np.generic)) and e.dtype.kind in "fc":
            eps = np.finfo(e.dtype).eps
            np.testing.assert_allclose(a, e, rtol=8 * eps, atol=8 * eps)
        else:
            np.testing.assert_equal(a, e)


A, B = np.array([1.0, 2.0, 3.0]), np.array([4.0, -5.0, 6.0])


def test_arrays():
    check(lambda x, y: np.sin(x) * y + 1, (A, B), (B, A))


def test_python_numbers_are_inputs():
    check(lambda p, q: p * q + 2, (1.5, 2.0), (2.5, -3.0))
    check(lambda n: n * 3 - 1, (2,), (5,))
    check(lambda z: z * z, (1 + 2j,), (3j,))


def test_python_numbers_promote_weakly():
    x = np.ones(2, np.float32)
    for f in (lambda x, p: x * p, lambda x, p: x * (p * 2 + 1), lambda x, p: x * -(abs(p) ** 2)):
        check(f, (x, 1.5), (x, 2.5))
    assert function(lambda x, p: x * (p * 2))(x, 1.5).dtype == np.float32
    assert function(lambda x, p: x * np.sin(p))(x, 1.5).dtype == np.float64


def test_integers_of_python_are_exact():
    check(lambda n: n * 10**20 + 1, (7,), (8,))


def test_flags_and_strings_are_static():
    def f(x: Any, mode: str, flag: bool = True, nothing: Any = None) -> Any:
        assert isinstance(mode, str)
        assert nothing is None
        return x + 1 if flag and mode == "add" else x - 1

    traced = check(f, (A, "add"), (A, "sub"), traces=2)
    assert traced(A, "add", False)[0] == 0
    assert traced(B, mode="add", flag=False)[0] == 3
    assert traced.traces == 4  # a keyword is another signature


def test_one_is_not_true():
    traced = function(lambda x, n: x * n)
    assert traced(A, 1).tolist() == [1, 2, 3]
    assert traced(A, True).tolist() == [1, 2, 3]
    assert traced(A, 2.0).tolist() == [2, 4, 6]
    assert traced.traces == 3


def test_defaults_and_keywords():
    def f(x: Any, *, scale: float = 2.0, shift: Any = 0.0) -> Any:
        return x * scale + shift

    traced = function(f)
    np.testing.assert_equal(traced(A), f(A))
    np.testing.assert_equal(traced(A, scale=3.0), f(A, scale=3.0))
    np.testing.assert_equal(traced(A, scale=4.0), f(A, scale=4.0))
    np.testing.assert_equal(traced(A, shift=1.0, scale=4.0), f(A, scale=4.0, shift=1.0))
    np.testing.assert_equal(traced(A, scale=4.0, shift=1.0), f(A, scale=4.0, shift=1.0))


Point = namedtuple("Point", "x y")


@dataclasses.dataclass(frozen=True)
class Line:
    slope: Any
    name: str


def test_nests():
    check(lambda p: p["b"] - p["a"] * 2, ({"a": A, "b": B},), ({"b": A, "a": B},), traces=2)
    check(lambda p: next(iter(p.values())) * 2, ({"a": A, "b": B},), ({"b": B, "a": A},), traces=2)
    check(lambda p: [p[0][0] + p[1], (p[1], {"k": p[0][0]})], ([(A,), B],), ([(B,), A],))
    check(lambda p: Point(p.y, p.x * 2), (Point(A, B),), (Point(B, A),))
    traced = function(lambda line: Line(line.slope * 2, line.name + "!"))
    assert np.array_equal(traced(Line(A, "a")).slope, A * 2)
    assert traced(Line(A, "b")).name == "b!"
    assert traced.traces == 2
    check(lambda p: p, ([],), ({},), (((), [[]]),), traces=3)


def test_lists_and_tuples_are_not_mixed_up():
    traced = function(lambda p: isinstance(p, list))
    assert traced([A]) is True
    assert traced((A,)) is False


def test_tensors():
    traced = function(lambda t: t * 2)
    for x in (A, B):
        answer = traced(gt.constant(x))
        assert isinstance(answer, gt.Tensor)
        assert np.array_equal(answer.numpy(), x * 2)
    assert traced.traces == 1
    assert isinstance(traced(A), np.ndarray)


def test_variables_as_arguments():
    v, w = gt.Variable([1.0, 2.0]), gt.Variable([3.0, 4.0])
    traced = function(lambda v: v.assign_add(v * 2))
    assert traced(v) is v
    assert v.numpy().tolist() == [3, 6]
    assert traced(w) is w
    assert w.numpy().tolist() == [9, 12]
    traced(v)
    assert v.numpy().tolist() == [9, 18]
    assert traced.traces == 2


def test_numpy_scalars_and_arrays_without_axes():
    check(lambda x: x * 2, (np.float64(1.5),), (np.float64(2.5),))
    check(lambda x: x * 2, (np.float32(1.5),), (np.float32(2.5),))
    check(lambda x: x * 2, (np.array(1.5),), (np.array(2.5),))
    check(lambda x: x | True, (np.bool_(True),), (np.bool_(False),))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1,), (1, 1), (3, 0, 2), (5, 1)])
def test_odd_shapes(shape: Any):
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    check(lambda x: np.sin(x) + x.sum() + np.sum(x * x, axis=0), (x,), (x + 1,))


def test_layouts_in_memory():
    x = np.arange(12.0).reshape(3, 4)
    views = [x, x.T.copy().T, x[::-1], x[:, ::-1], np.broadcast_to(np.arange(4.0), (3, 4))]
    read_only = x.copy()
    read_only.flags.writeable = False
    check(lambda x: (x.T @ x, x.reshape(-1) * 2, x[1:]), *[(v,) for v in [*views, read_only]])
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(3, 4)
    check(lambda x: x * 2 + x.sum(), (x,), (unaligned,))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "F", "D", "i1", "u2", "i8", "?"])
def test_dtypes(dtype: str):
    x = np.arange(4).astype(dtype)
    check(lambda x: (x + x, x * 2, np.sum(x), x.astype("f8") / 3, x == x[0]), (x,), (x[::-1],))


def test_another_byte_order():
    check(lambda x: x * 2 + 1, (A.astype(">f8"),), (B.astype(">f8"),))


def test_special_values():
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e308])
    with np.errstate(all="ignore"):
        check(lambda x: (x * 10, np.maximum(x, 0), x - x, np.sign(x), 1 / x), (x,), (x[::-1],))


def test_results_are_fresh():
    constant = np.zeros(2)
    traced = function(lambda x: (x, x.T, x[:], constant, np.ones(2)))
    x = np.ones((2, 2))
    traced(x)
    for call in range(3):
        first = traced(x)
        assert first[0] is x
        for part in first[1:]:
            assert (part.flags.writeable and part[0].flat[0] == 1) or not constant.any()
            part[...] = 7
        assert x[0, 0] == 1, call
        assert not constant.any()


def test_results_stay_as_they_are():
    traced = function(lambda x: (x * 2, x.reshape(1, -1) + 1, (x * 3).reshape(-1, 1), x @ x))
    first = traced(A)
    kept = [np.copy(part) for part in first]
    second = traced(B)
    traced(B)
    for part, before in zip(first, kept, strict=True):
        np.testing.assert_equal(part, before)
    np.testing.assert_equal(second[2], (B * 3).reshape(-1, 1))


def test_static_results():
    check(lambda x: ("a", None, 3, True, x.shape, x.dtype), (A,), (B,))


def test_another_shape_is_another_trace():
    traced = function(lambda x: x.sum() / len(x))
    assert traced(A) == 2
    assert traced(np.ones(2)) == 1
    assert traced(A) == 2
    assert traced.traces == 2


class Model:
    def __init__(self) -> None:
        self.w = gt.Variable([1.0, 2.0])
        self.scale = 2.0

    @function
    def __call__(self, x: Any) -> Any:
        return self.w * x * self.scale

    @function
    def other(self, x: Any, offset: float = 0.0) -> Any:
        return self.w + x + offset


def test_methods():
    one, other = Model(), Model()
    other.w.assign([5.0, 5.0])
    for _ in range(2):
        assert one(1.0).numpy().tolist() == [2, 4]
        assert other(1.0).numpy().tolist() == [10, 10]
        assert one.other(1.0, offset=1.0).numpy().tolist() == [3, 4]
    one.scale = 3.0
    assert one(1.0).numpy().tolist() == [3, 6]
    assert Model.other.traces == 1


def test_objects_that_cannot_be_compared():
    traced = function(lambda x, s: x)
    with pytest.raises(TypeError, match=r"set \{1, 2\}"):
        traced(A, {1, 2})
    with pytest.raises(TypeError, match="masked"):
        traced(np.ma.masked_array([1.0], [True]), 1)
    with pytest.raises(TypeError, match="Python objects"):
        traced(np.array([None, 1]), 1)


def test_what_is_not_a_function():
    with pytest.raises(TypeError, match="must be a function"):
        function(3)
    with pytest.raises(ValueError, match="engine"):
        function(np.sin, engine="abacus")


def test_errors_are_the_functions_own():
    def f(x: Any, y: Any) -> Any:
        if x.shape != y.shape:
            raise KeyError("different shapes")
        return np.linalg.solve(x, y)

    traced = function(f)
    with pytest.raises(KeyError, match="different shapes"):
        traced(np.eye(2), np.eye(3))
    assert np.array_equal(traced(np.eye(2), np.eye(2)), np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        traced(np.zeros((2, 2)), np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        f(np.zeros((2, 2)), np.eye(2))
    with pytest.raises(TypeError):
        traced(A)
    with pytest.raises(ValueError, match="broadcast"):
        function(lambda x, y: x + y)(A, np.ones(2))
    with pytest.raises(IndexError):
        function(lambda x, i: x[i])(A, 7)
    index = function(lambda x, i: x[i])
    assert index(A, 1) == 2
    with pytest.raises(IndexError):
        index(A, 7)
    divided = function(lambda p, q: p / q)
    assert divided(1.0, 2.0) == 0.5
    with pytest.raises(ZeroDivisionError):
        divided(1.0, 0.0)


def test_decorator_keeps_the_name():
    @function
    def f(x: Any) -> Any:
        """What it does."""
        return x

    assert f.__name__ == "f"
    assert f.__doc__ == "What it does."
    assert "traced 0 times" in repr(f)

    @function(engine="numpy")
    def g(x: Any) -> Any:
        return x + 1

    assert g(1) == 2


def test_isinstance_sees_arrays_and_numbers():
    def f(x: Any, p: Any) -> Any:
        assert isinstance(x, np.ndarray)
        assert isinstance(p, float)
        assert not isinstance(x, list)
        assert isinstance(x[0], np.float64)
        return x * p

    check(f, (A, 2.0), (B, 3.0))
