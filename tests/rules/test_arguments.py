"""What no rule handles is refused with the function's and the argument's names."""

import operator
from typing import Any

import numpy as np
import pytest

import gradtape as gt

X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
MASK = np.array([[True, False, True], [True, True, False]])
OUT = np.empty((2, 3))

#: The function's name, the argument's name, and the call.
REFUSED: list[tuple[str, str, Any]] = [
    ("numpy.sum", "out", lambda x: np.sum(x, axis=None, out=np.empty(()))),
    ("numpy.mean", "out", lambda x: np.mean(x, out=np.empty(()))),
    ("numpy.std", "out", lambda x: np.std(x, out=np.empty(()))),
    ("numpy.ptp", "out", lambda x: np.ptp(x, out=np.empty(()))),
    ("numpy.cumsum", "out", lambda x: np.cumsum(x, 0, out=OUT)),
    ("numpy.cumprod", "out", lambda x: np.cumprod(x, 0, out=OUT)),
    ("numpy.add.reduce", "out", lambda x: np.add.reduce(x, out=np.empty(3))),
    ("numpy.add.accumulate", "out", lambda x: np.add.accumulate(x, out=OUT)),
    ("numpy.exp", "out", lambda x: np.exp(x, out=OUT)),
    ("numpy.exp", "where", lambda x: np.exp(x, where=MASK)),
    ("numpy.exp", "dtype", lambda x: np.exp(x, dtype=np.float32)),
    ("numpy.add", "casting", lambda x: np.add(x, 1, casting="unsafe")),
    ("numpy.add", "out", lambda x: np.add(x, 1, OUT)),
    ("numpy.power", "dtype", lambda x: np.power(x, 2, dtype=np.float64)),
    ("numpy.matmul", "out", lambda x: np.matmul(x, x.T, out=np.empty((2, 2)))),
    ("numpy.matmul", "axes", lambda x: np.matmul(x, x, axes=[(0, 1), (1, 0), (0, 1)])),
    ("numpy.dot", "out", lambda x: np.dot(x, x.T, out=np.empty((2, 2)))),
    ("numpy.outer", "out", lambda x: np.outer(x, x, out=np.empty((6, 6)))),
    ("numpy.einsum", "out", lambda x: np.einsum("ij->j", x, out=np.empty(3))),
    ("numpy.einsum", "dtype", lambda x: np.einsum("ij->j", x, dtype=np.float32)),
    ("numpy.trace", "out", lambda x: np.trace(x, out=np.empty(()))),
    ("numpy.take", "out", lambda x: np.take(x, [0], out=np.empty(1))),
    ("numpy.clip", "out", lambda x: np.clip(x, 0, 1, out=OUT)),
    ("numpy.clip", "dtype", lambda x: np.clip(x, 0, 1, dtype=np.float32)),
    ("numpy.sort", "order", lambda x: np.sort(x, order="f")),
    ("numpy.concatenate", "out", lambda x: np.concatenate([x, x], out=np.empty((4, 3)))),
    ("numpy.concatenate", "casting", lambda x: np.concatenate([x], dtype="f", casting="unsafe")),
    ("numpy.stack", "out", lambda x: np.stack([x, x], out=np.empty((2, 2, 3)))),
    ("astype", "casting", lambda x: x.astype("f", casting="unsafe")),
    ("numpy.reshape", "order", lambda x: np.reshape(x, (3, 2), order="A")),
    ("numpy.pad", "mode", lambda x: np.pad(x, 1, mode=lambda *a: None)),
    ("numpy.nan_to_num", "copy", lambda x: np.nan_to_num(x, copy=False)),
    ("numpy.var", "dtype", lambda x: np.var(x, dtype=int)),
    ("numpy.cov", "ddof", lambda x: np.cov(x, ddof=x[0, 0])),
    ("numpy.linalg.norm", "ord", lambda x: np.linalg.norm(x, x[0, 1], axis=1)),
    ("numpy.linalg.norm", "ord", lambda x: np.linalg.norm(x, x[0, 2], axis=1)),
    ("numpy.ravel", "order", lambda x: np.ravel(x, order="K")),
]

#: Calls that are wrong: what NumPy would not do either, or what has no derivative here.
WRONG: list[tuple[type[Exception], str, Any]] = [
    (ValueError, "broadcast", lambda x: x + np.ones(4)),
    (ValueError, "broadcast", lambda x: np.broadcast_to(x, (3,))),
    (ValueError, "reshape", lambda x: x.reshape(4, 2)),
    (ValueError, "reshape", lambda x: x.reshape(-1, 4)),
    (ValueError, "squeeze", lambda x: np.squeeze(x, 0)),
    (ValueError, "axes", lambda x: np.transpose(x, (0, 0))),
    (ValueError, "axis 2", lambda x: np.sum(x, axis=2)),
    (ValueError, "duplicate|repeated", lambda x: np.sum(x, axis=(0, 0))),
    (ValueError, "matmul", lambda x: x @ x),
    (ValueError, "scalar", lambda x: np.matmul(x, 2.0)),
    (ValueError, "einsum", lambda x: np.einsum("ijk->i", x)),
    (ValueError, "einsum", lambda x: np.einsum("...j->j", x)),
    (ValueError, "einsum", lambda x: np.einsum("ij,jk->ik", x)),
    (ValueError, "tensordot", lambda x: np.tensordot(x, x, 1)),
    (ValueError, "split", lambda x: np.split(x, 2, axis=1)),
    (ValueError, "same shape", lambda x: np.stack([x, x[0]])),
    (ValueError, "diag", lambda x: np.diag(x[None])),
    (ValueError, "clip", lambda x: np.clip(x, 0, 1, min=0, max=1)),
    (ValueError, "negative", lambda x: np.pad(x, -1)),
    (TypeError, "integral", lambda x: np.pad(x, 1.5)),
    (TypeError, "cannot cast", lambda x: np.concatenate([x * 1j], dtype=float)),
    (IndexError, "out of bounds", operator.itemgetter(5)),
    (IndexError, "out of bounds", lambda x: np.take(x, 9)),
]


@pytest.fixture
def tracked() -> Any:
    x = gt.constant(X)
    with gt.GradientTape() as tape:
        tape.watch(x)
        yield x


@pytest.mark.parametrize(
    ("function", "argument", "call"), REFUSED, ids=[f"{f}-{a}" for f, a, _ in REFUSED]
)
def test_refused(tracked: Any, function: str, argument: str, call: Any):
    with pytest.raises(gt.NoRuleError) as raised:
        call(tracked)
    assert function in str(raised.value)
    assert repr(argument) in str(raised.value)


@pytest.mark.parametrize(("error", "words", "call"), WRONG)
def test_wrong(tracked: Any, error: type[Exception], words: str, call: Any):
    with pytest.raises(error, match=words):
        call(tracked)


DEFAULTS: list[Any] = [
    lambda x: np.add(x, 1, where=True),
    lambda x: np.exp(x, out=None),
    lambda x: np.add.reduce(x, axis=None),
    lambda x: np.sum(x, axis=None, dtype=None),
]


@pytest.mark.parametrize("index", range(len(DEFAULTS)))
def test_defaults_say_nothing(tracked: Any, index: int):
    call = DEFAULTS[index]
    np.testing.assert_array_equal(call(tracked).numpy(), call(np.array(X)))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, number: np.linalg.norm(x, number(3), axis=1),
        lambda x, number: np.cov(x, ddof=number(1)),
        lambda x, number: np.linalg.pinv(x, number(1e-9)),
        lambda x, number: np.linalg.pinv(x, rtol=number(1e-9)),
        lambda x, number: np.linalg.lstsq(x, x, number(1e-9))[0],
    ],
)
def test_a_number_without_derivative_may_be_a_tensor(tracked: Any, call: Any):
    np.testing.assert_array_equal(call(tracked, gt.constant).numpy(), call(np.array(X), float))


def test_what_counts_as_zero_has_no_derivative():
    """A threshold that a tape tracks: it chooses, and does not enter the value."""
    x, threshold = gt.constant(X), gt.constant(1e-9)
    with gt.GradientTape(persistent=True) as tape:
        tape.watch([x, threshold])
        inverse = np.linalg.pinv(x, threshold)
    assert tape.gradient(inverse, x) is not None
    assert tape.gradient(inverse, threshold) is None


def test_pad_widths_by_axis(tracked: Any):
    # Compared with the pairs, since an older NumPy takes no dict.
    actual, expected = np.pad(tracked, {-1: (1, 2)}), np.pad(X, ((0, 0), (1, 2)))
    np.testing.assert_array_equal(actual.numpy(), expected)


BARE: list[Any] = [
    *(
        np.floor,
        np.ceil,
        np.rint,
        np.trunc,
        np.signbit,
        np.isnan,
        np.isfinite,
        np.argmax,
        np.argmin,
    ),
    *(np.argsort, np.nonzero, np.count_nonzero, np.any, np.all, np.shape, np.ndim, np.size),
    *(
        np.round,
        lambda x: np.mean(x, 0, dtype=int),
        lambda x: x > 2,
        lambda x: x // 2,
        lambda x: x == x,
    ),
    *(
        lambda x: np.searchsorted(x[0], 2.0),
        lambda x: np.isclose(x, x),
        lambda x: np.result_type(x),
    ),
]


@pytest.mark.parametrize("index", range(len(BARE)))
def test_what_has_no_derivative_by_nature_answers_with_bare_values(tracked: Any, index: int):
    call = BARE[index]
    actual = call(tracked)
    assert not isinstance(actual, gt.Tensor)
    np.testing.assert_array_equal(actual, call(np.array(X)))
