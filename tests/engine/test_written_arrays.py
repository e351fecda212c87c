"""A write into a bare array that a tape still needs never gives a wrong gradient in silence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt
from gradtape.rules import UFUNCS

SMALL, LARGE = (8,), (300, 400)  # copied; kept and checked


def contiguous(shape: Any) -> Any:
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape) / np.prod(shape)


def strided(shape: Any) -> Any:
    whole = np.ones((*shape[:-1], 2 * shape[-1]))
    whole[..., ::2] = contiguous(shape)
    return whole[..., ::2]


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "contiguous": contiguous,
    "strided": strided,
    "Fortran order": lambda shape: np.asfortranarray(contiguous(shape)),
    "reversed": lambda shape: contiguous(shape)[::-1],
    "a view": lambda shape: contiguous((2, *shape))[1],
    "float32": lambda shape: contiguous(shape).astype(np.float32),
    "complex": lambda shape: contiguous(shape) * (1 + 2j),
}

WRITES: dict[str, Callable[[Any], Any]] = {
    "all": lambda a: a.__setitem__(..., 7.0),
    "first": lambda a: a.__setitem__((0,) * a.ndim, 7.0),
    "last": lambda a: a.__setitem__((-1,) * a.ndim, 7.0),
    "in place": lambda a: a.__imul__(2.0),
    "swapped rows": lambda a: a.__setitem__([0, 1], a[[1, 0]].copy()),
    "sorted": lambda a: a.__setitem__(..., a[::-1].copy()),
    "by one bit": lambda a: a.__setitem__((0,) * a.ndim, np.nextafter(a.real.flat[0], 9.0)),
    "through the base": lambda a: (a if a.base is None else a.base).__imul__(2.0),
}


def right_or_refused(
    ask: Callable[[], Any], expected: Any, *, may_refuse: bool = True, function: str = "multiply"
) -> None:
    """The gradient is that of the values then, or a clear error."""
    try:
        found = ask()
    except gt.ChangedArrayError as error:
        text = str(error)
    else:
        assert np.array_equal(found.numpy(), expected)
        return
    assert may_refuse
    assert all(words in text for words in ("written to", "copy", function)), text


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_factor(layout: str, write: str, shape: Any) -> None:
    a = LAYOUTS[layout](shape)
    before = np.conj(a.copy())
    x = gt.Variable(np.ones(shape, a.dtype))
    with gt.GradientTape() as tape:
        y = x * a
    WRITES[write](a)
    right_or_refused(lambda: tape.gradient(y, x), before, may_refuse=shape == LARGE)


@pytest.mark.parametrize("layout", ["contiguous", "Fortran order", "float32", "complex"])
@pytest.mark.parametrize("write", WRITES)
def test_a_write_into_a_large_array_is_an_error(layout: str, write: str) -> None:
    a = LAYOUTS[layout](LARGE)
    x = gt.Variable(np.ones(LARGE, a.dtype))
    with gt.GradientTape() as tape:
        y = x * a
    WRITES[write](a)
    with pytest.raises(gt.ChangedArrayError, match=r"multiply.*\(300, 400\).*copy"):
        tape.gradient(y, x)


@pytest.mark.parametrize("method", ["jacobian", "batch_jacobian"])
def test_jacobians_check_too(method: str) -> None:
    a = contiguous((20000, 1))
    x = gt.Variable(np.ones((20000, 1)))
    with gt.GradientTape() as tape:
        y = x * a
        target = y if method == "batch_jacobian" else y[0, 0]
    a[0] = 7.0
    with pytest.raises(gt.ChangedArrayError):
        getattr(tape, method)(target, x)


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
def test_after_the_gradient_writing_is_free(shape: Any) -> None:
    a = contiguous(shape)
    x = gt.Variable(np.ones(shape))
    for step in range(3):
        with gt.GradientTape() as tape:
            y = x * a
        assert np.array_equal(tape.gradient(y, x).numpy(), a)
        a[...] = step


def test_a_persistent_tape_needs_it_to_the_end() -> None:
    a = contiguous(LARGE)
    before = a.copy()
    x = gt.Variable(np.ones(LARGE))
    with gt.GradientTape(persistent=True) as tape:
        y = x * a
    assert np.array_equal(tape.gradient(y, x).numpy(), before)
    a[0, 0] = 7.0
    with pytest.raises(gt.ChangedArrayError):
        tape.gradient(y, x)
    a[...] = before
    assert np.array_equal(tape.gradient(y, x).numpy(), before)
    a[0, 0] = 7.0
    tape.reset()  # nothing of it is needed any more
    with tape:
        y = x * 2.0
    assert np.array_equal(tape.gradient(y, x).numpy(), np.full(LARGE, 2.0))


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
def test_what_no_rule_needs_may_be_written_to(shape: Any) -> None:
    a = contiguous(shape)
    x = gt.Variable(np.ones(shape))
    with gt.GradientTape() as tape:
        y = (x + a) - a
        a[...] = 0.0
    assert np.array_equal(tape.gradient(y, x).numpy(), np.ones(shape))


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
def test_what_only_the_other_arguments_rule_needs_may_be_written_to(shape: Any) -> None:
    """The slope of a / x by x is -(a / x) / x: of a nothing is kept."""
    a = contiguous(shape)
    expected = -a / 4.0
    x = gt.Variable(np.full(shape, 2.0))
    with gt.GradientTape() as tape:
        y = a / x
        a[...] = 0.0
    assert np.array_equal(tape.gradient(y, x).numpy(), expected)


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
def test_an_array_that_no_tape_tracks_a_use_of_may_be_written_to(shape: Any) -> None:
    a = contiguous(shape)
    x = gt.Variable(np.ones(shape))
    with gt.GradientTape() as tape:
        y = x * 2.0
        gt.constant(np.ones(shape)) * a
        a[...] = 0.0
    assert np.array_equal(tape.gradient(y, x).numpy(), np.full(shape, 2.0))


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
def test_one_array_used_twice_with_a_write_in_between(shape: Any) -> None:
    a = contiguous(shape)
    before = a.copy()
    x = gt.Variable(np.ones(shape))
    with gt.GradientTape() as tape:
        y = x * a
        a += 1.0
        y = y + x * a
    right_or_refused(lambda: tape.gradient(y, x), before + before + 1, may_refuse=shape == LARGE)


def test_a_write_that_is_undone_in_between_is_seen_or_harmless() -> None:
    """Recorded with new contents, then put back: the second record's values are gone."""
    a = contiguous(LARGE)
    before = a.copy()
    x = gt.Variable(np.ones(LARGE))
    with gt.GradientTape() as tape:
        y = x * a
        a += 1.0
        z = y + x * a
        a[...] = before
    right_or_refused(lambda: tape.gradient(z, x), before + before + 1)


def test_views_of_one_array_are_each_checked() -> None:
    a = contiguous((2, *LARGE))
    before = a.copy()
    x = gt.Variable(np.ones(LARGE))
    with gt.GradientTape() as tape:
        y = x * a[0] + x * a[1]
    a[1, 0, 0] = 9.0
    right_or_refused(lambda: tape.gradient(y, x), before[0] + before[1])


@pytest.mark.parametrize("shape", [(4, 4), (120, 120)], ids=["small", "large"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, a: x @ a,
        lambda x, a: a @ x,
        lambda x, a: np.einsum("ij,jk->ik", x, a),
        lambda x, a: np.where(a > 0.5, x, 0.0),
        lambda x, a: x**a,
        lambda x, a: np.maximum(x, a),
        lambda x, a: x / a,
        lambda x, a: np.tensordot(a, x, 1),
        lambda x, a: np.outer(a, x[0]),
        lambda x, a: np.arctan2(x, a),
    ],
)
def test_other_functions(f: Any, shape: Any) -> None:
    a = contiguous(shape)
    x = gt.Variable(np.linspace(0.5, 1.5, a.size).reshape(shape))
    with gt.GradientTape(persistent=True) as tape:
        y = f(x, a)
    expected = tape.gradient(y, x).numpy()
    a[...] = a[::-1].copy()
    try:
        found = tape.gradient(y, x)
    except gt.ChangedArrayError:
        assert a.nbytes > 1 << 16
    else:
        assert np.array_equal(found.numpy(), expected)


@pytest.mark.parametrize("size", [5, 50_000], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["integers", "mask", "list"])
def test_indices_and_masks(kind: str, size: int) -> None:
    x = gt.Variable(np.arange(float(size)))
    index: Any = {
        "integers": np.arange(size)[::-1].copy(),
        "mask": np.arange(size) % 2 == 0,
        "list": list(range(size)),
    }[kind]
    with gt.GradientTape(persistent=True) as tape:
        y = (x[index] ** 2).sum()
    expected = tape.gradient(y, x).numpy()
    index[0:2] = [index[1], index[1]]
    assert np.array_equal(tape.gradient(y, x).numpy(), expected)


def test_a_condition_written_to() -> None:
    mask = np.array([True, False])
    x = gt.Variable([1.0, 2.0])
    with gt.GradientTape() as tape:
        y = np.where(mask, x * 2.0, x * 3.0)
    mask[:] = [False, True]
    assert np.array_equal(tape.gradient(y, x).numpy(), [2.0, 3.0])


def test_forward_mode_needs_nothing_later() -> None:
    a = contiguous(LARGE)
    before = a.copy()
    x = gt.constant(np.ones(LARGE))
    with gt.ForwardAccumulator(x, np.ones(LARGE)) as acc:
        y = x * a
        a[...] = 0.0
    assert np.array_equal(acc.jvp(y).numpy(), before)


def test_results_given_out_cannot_be_used_to_change_what_is_kept() -> None:
    x = gt.Variable(np.ones(5))
    with gt.GradientTape() as tape:
        y = np.exp(x)
        y.numpy()[:] = 0.0
    for view in (np.asarray(y), np.asarray(y).T):
        with pytest.raises(ValueError, match="read-only"):
            view[:] = 0.0
    assert np.array_equal(tape.gradient(y, x).numpy(), np.exp(np.ones(5)))


def test_second_order_with_a_write() -> None:
    a = contiguous(SMALL)
    before = a.copy()
    x = gt.Variable(np.ones(SMALL))
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            y = x**3 * a
            a[...] = 0.0
        dx = inner.gradient(y, x)
    assert np.array_equal(dx.numpy(), 3 * before)
    assert np.array_equal(outer.gradient(dx, x).numpy(), 6 * before)


#: What is no array argument of a rule, but says which way the entries go.
STATIC: dict[str, tuple[Callable[[], Any], Callable[[Any, Any], Any]]] = {
    "repeat": (lambda: np.array([1, 2, 0, 1, 3, 1]), np.repeat),
    "repeat by a list": (lambda: [1, 2, 0, 1, 3, 1], np.repeat),
    "split": (lambda: np.array([1, 3]), lambda x, a: np.split(x, a)[1] ** 2),
    "pad": (lambda: np.array([1, 3]), lambda x, a: np.pad(x, a) ** 2),
    "pad by a list": (lambda: [1, 3], lambda x, a: np.pad(x, a) ** 2),
    "tile": (lambda: np.array([2, 1]), lambda x, a: np.tile(x, a) ** 2),
    "take": (lambda: np.array([2, 4]), lambda x, a: np.take(x, a) ** 2),
    "take_along_axis": (lambda: np.array([2, 4]), lambda x, a: np.take_along_axis(x, a, 0) ** 2),
    "reshape": (lambda: np.array([2, 3]), lambda x, a: np.reshape(x, a) ** 2),
    "reshape by a list": (lambda: [2, 3], lambda x, a: np.reshape(x, a) ** 2),
    "broadcast_to": (lambda: [2, 6], lambda x, a: np.broadcast_to(x, a) ** 2),
    "transpose": (lambda: [1, 0], lambda x, a: np.transpose(x.reshape(2, 3), a) ** 2),
    "clip": (lambda: np.arange(6.0) + 0.5, lambda x, a: np.clip(x, a, 4.0)),
    "a list as factor": (lambda: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], lambda x, a: x * a),
    "an integer tensor as index": (lambda: gt.Variable([1, 2]), lambda x, a: x[a] ** 2),
}


@pytest.mark.parametrize("name", STATIC)
def test_what_is_not_an_array_argument(name: str) -> None:
    make, f = STATIC[name]
    a = make()
    x = gt.Variable(np.arange(1.0, 7.0))
    with gt.GradientTape(persistent=True) as tape:
        y = f(x, a)
    expected = tape.gradient(y, x).numpy()
    if isinstance(a, gt.Variable):
        a.assign([3, 4])
    elif isinstance(a, list):
        a.reverse()
    else:
        a[:] = a[::-1].copy()
    assert np.array_equal(tape.gradient(y, x).numpy(), expected)


@pytest.mark.parametrize("f", [lambda x, a: x * a, lambda x, a: x**a, lambda x, a: a / x])
def test_an_array_without_axes(f: Any) -> None:
    a = np.array(2.0)
    x = gt.Variable([1.0, 3.0])
    with gt.GradientTape(persistent=True) as tape:
        y = f(x, a)
    expected = tape.gradient(y, x).numpy()
    a[...] = 5.0
    assert np.array_equal(tape.gradient(y, x).numpy(), expected)


def test_a_large_condition() -> None:
    mask = np.arange(100_000) % 2 == 0
    x = gt.Variable(np.ones(mask.size))
    with gt.GradientTape() as tape:
        y = np.where(mask, x * 2.0, x * 3.0)
    expected = np.where(mask, 2.0, 3.0)
    mask[:] = ~mask
    right_or_refused(lambda: tape.gradient(y, x), expected, function="where")


NUMPYS = {u for u in vars(np).values() if isinstance(u, np.ufunc) and u in UFUNCS}


@pytest.mark.parametrize("ufunc", sorted(NUMPYS, key=lambda u: u.__name__))
def test_what_is_kept_survives_large_gradients(ufunc: Any) -> None:
    """Large partials are multiplied in place: never in memory that is needed again."""
    primitive = UFUNCS[ufunc]
    rng = np.random.default_rng(5)
    low, high = (1.1, 2.0) if ufunc.__name__ == "arccosh" else (0.1, 0.9)
    arrays = [rng.uniform(low, high, 8000) for _ in range(primitive.arity)]
    if ufunc is np.ldexp:
        arrays[1] = rng.integers(1, 4, 8000)
    seed = rng.uniform(1.0, 2.0, 8000)

    def gradients(part: slice) -> list[Any]:
        xs = [gt.constant(a[part]) for a in arrays]
        floats = [x for x in xs if x.dtype.kind == "f"]
        with gt.GradientTape(persistent=True) as tape:
            tape.watch(floats)
            y = ufunc(*xs)
        first = tape.gradient(y, floats, output_gradients=seed[part])
        again = tape.gradient(y, floats, output_gradients=seed[part])
        for one, other in zip(first, again, strict=True):
            assert np.array_equal(one.numpy(), other.numpy())
        return [g.numpy() for g in first]

    whole = gradients(slice(None))
    parts = [gradients(slice(i, i + 80)) for i in range(0, 8000, 80)]
    for k, g in enumerate(whole):
        assert np.allclose(g, np.concatenate([part[k] for part in parts]), rtol=1e-13, atol=0)
