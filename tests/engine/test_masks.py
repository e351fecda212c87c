"""Dead branches carry no NaN: the promise itself, in every mode; and honest NaNs stay.

``tests/rules/test_dead_branches.py`` proves it for every rule; here stand the cases by which the
promise was made, and the ways of asking.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtape as gt


def better_softplus(z: Any) -> Any:
    return np.where(z > 30.0, z, np.log(np.exp(z) + 1.0))


def root(x: Any) -> Any:
    return np.where(x > 0, np.sqrt(x), 0.0)


def sinc(x: Any) -> Any:
    return np.where(x != 0, np.sin(x) / x, 1.0)


#: A function with a dead branch, where, and its first and second derivative there.
CASES: list[tuple[Callable[[Any], Any], float, float, float]] = [
    (better_softplus, 1000.0, 1.0, 0.0),
    (root, 0.0, 0.0, 0.0),
    (root, 4.0, 0.25, -1 / 32),
    (sinc, 0.0, 0.0, 0.0),
    (sinc, np.pi, -1 / np.pi, 2 / np.pi**2),
    (lambda x: np.where(x > 0, np.log(x), x * x), -2.0, -4.0, 2.0),
    (lambda x: np.where(x > 0, np.log(x), x * x), 0.0, 0.0, 2.0),
    (lambda x: np.where(x < 1, np.arcsin(x), 3 * x), 1.0, 3.0, 0.0),
    (lambda x: np.where(x > 1, x * x, 1 / (x - 2)), 2.0, 4.0, 2.0),
    (lambda x: np.where(x > 0, x**0.5 * np.log(x), x**3), 0.0, 0.0, 0.0),
    (lambda x: np.where(x < 5, np.exp(x) / np.exp(-x), np.where(x > 0, 2 * x, 0)), 800.0, 2.0, 0.0),
    (lambda x: np.where(x > 3, np.where(x > 5, x, np.log(x - 6)), np.sqrt(-x)), 6.0, 1.0, 0.0),
]

#: What may stand between the choice and the target: a sum, a reshape, an index, a broadcast.
BEHIND: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda y: y,
    "sum": np.sum,
    "mean": np.mean,
    "reshape and sum": lambda y: y.reshape(-1, 1).sum(0),
    "index": lambda y: y[0],
    "mask": lambda y: y[np.array([True])],
    "take": lambda y: np.take(y, [0]),
    "broadcast": lambda y: np.broadcast_to(y, (4, 1))[0],
    "broadcast and sum": lambda y: (y + np.zeros((4, 1))).sum() / 4,
    "concatenate": lambda y: np.concatenate([y, y])[1:],
    "stack and move": lambda y: np.moveaxis(np.stack([y, y]), 0, 1)[0, 1],
    "pad and flip": lambda y: np.flip(np.pad(y, 2))[2],
    "times one": lambda y: y * 1.0 + 0.0,
    "einsum of one": lambda y: np.squeeze(y[:, None], 1),
}


def identical(found: Any, expected: float) -> None:
    found = np.asarray(found, float)
    assert np.all(np.isfinite(found)), found
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_gradient_jacobian_and_tangent(case: int, behind: str) -> None:
    f, at, first, _ = CASES[case]
    x = gt.constant([at])
    with gt.GradientTape(persistent=True) as tape, gt.ForwardAccumulator(x, np.ones(1)) as acc:
        tape.watch(x)
        y = BEHIND[behind](f(x))
    identical(tape.gradient(y, x).numpy(), first)
    identical(tape.jacobian(y, x).numpy(), first)
    identical(acc.jvp(y).numpy(), first)


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_nested_tapes(case: int, behind: str) -> None:
    f, at, first, second = CASES[case]
    x = gt.constant([at])
    with gt.GradientTape() as outer:
        outer.watch(x)
        with gt.GradientTape() as inner:
            inner.watch(x)
            y = BEHIND[behind](f(x))
        dx = inner.gradient(y, x)
    identical(dx.numpy(), first)
    identical(outer.gradient(dx, x, unconnected_gradients="zero").numpy(), second)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_scalars_and_the_grad_operator(case: int) -> None:
    f, at, first, second = CASES[case]
    identical(gt.grad(f)(at), first)
    identical(gt.grad(gt.grad(f))(at), second)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_forward_over_reverse_and_reverse_over_forward(case: int) -> None:
    f, at, first, second = CASES[case]
    x = gt.constant([at])
    with gt.ForwardAccumulator(x, np.ones(1)) as acc:
        with gt.GradientTape() as tape:
            tape.watch(x)
            y = f(x).sum()
        dx = tape.gradient(y, x)
    identical(dx.numpy(), first)
    identical(acc.jvp(dx, unconnected_gradients="zero").numpy(), second)
    with gt.GradientTape() as tape:
        tape.watch(x)
        with gt.ForwardAccumulator(x, np.ones(1)) as acc:
            y = f(x)
        tangent = acc.jvp(y)
    identical(tangent.numpy(), first)
    identical(tape.gradient(tangent, x, unconnected_gradients="zero").numpy(), second)


def test_the_notebook_s_last_cell() -> None:
    x = gt.Variable(np.float32([1000.0]))
    with gt.GradientTape() as tape:
        z = better_softplus(x)
    assert z.numpy() == [1000.0]
    assert tape.gradient(z, [x])[0].numpy() == [1.0]


def test_a_row_of_dead_and_living_entries() -> None:
    x = gt.Variable([-1.0, 0.0, 1.0, 4.0])
    with gt.GradientTape(persistent=True) as tape:
        y = root(x)
        total = (y.reshape(2, 2) * np.array([[1.0], [2.0]])).sum()
    assert np.array_equal(tape.gradient(y, x).numpy(), [0.0, 0.0, 0.5, 0.25])
    assert np.array_equal(tape.gradient(total, x).numpy(), [0.0, 0.0, 1.0, 0.5])
    assert np.array_equal(tape.jacobian(y, x).numpy(), np.diag([0.0, 0.0, 0.5, 0.25]))


def test_the_jacobian_of_a_root_is_zero_off_the_diagonal() -> None:
    x = gt.Variable([0.0, 1.0])
    with gt.GradientTape() as tape:
        y = np.sqrt(x)
    assert np.array_equal(tape.jacobian(y, x).numpy(), [[np.inf, 0.0], [0.0, 0.5]])


@pytest.mark.parametrize("shape", [(2,), (3, 2), (3, 1, 2), (0, 2)])
def test_the_jacobian_of_a_root_that_is_broadcast(shape: Any) -> None:
    """Each row of the Jacobian has a liveness of its own, also behind a sum over axes."""
    x = gt.Variable([0.0, 1.0])
    with gt.GradientTape() as tape:
        y = np.sqrt(x) + np.zeros(shape)
    expected = np.broadcast_to([[np.inf, 0.0], [0.0, 0.5]], (*shape, 2))
    assert np.array_equal(tape.jacobian(y, x, "zero").numpy(), expected)


def test_rows_of_a_jacobian_die_one_by_one_behind_a_product() -> None:
    """A matrix product forgets which entries are alive, but not for which rows of the Jacobian."""
    x = gt.Variable([0.0, 4.0])
    with gt.GradientTape() as tape:
        y = np.concatenate([np.sqrt(x) @ np.array([[1.0, 2.0], [3.0, 4.0]]), 2 * x])
    expected = [[np.inf, 0.75], [np.inf, 1.0], [2.0, 0.0], [0.0, 2.0]]
    assert np.array_equal(tape.jacobian(y, x).numpy(), expected)


def test_rows_of_a_jacobian_die_one_by_one_behind_a_decomposition() -> None:
    x = gt.Variable(np.zeros((2, 2)))
    with gt.GradientTape() as tape:
        values, _ = np.linalg.eigh(np.sqrt(x) + np.diag([1.0, 3.0]))
        y = np.concatenate([2 * x[0], values])
    rows = tape.jacobian(y, x).numpy()
    assert rows[:2].tolist() == [[[2, 0], [0, 0]], [[0, 2], [0, 0]]]
    assert not np.isfinite(rows[2:]).all()  # these do depend on the roots


def test_the_jacobian_of_a_root_within_a_tape() -> None:
    x = gt.Variable([0.0, 1.0])
    with gt.GradientTape():
        with gt.GradientTape() as inner:
            y = np.sqrt(x)
        j = inner.jacobian(y, x)
    assert np.array_equal(j.numpy(), [[np.inf, 0.0], [0.0, 0.5]])


def test_the_jacobian_of_a_root_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtape.tape.BLOCK_BYTES", 1)
    test_the_jacobian_of_a_root_is_zero_off_the_diagonal()
    test_the_jacobian_of_a_root_within_a_tape()


def test_an_entry_left_out_by_an_index() -> None:
    x = gt.Variable([0.0, 4.0])
    with gt.GradientTape(persistent=True) as tape:
        y = np.sqrt(x)[1]
        z = np.sqrt(x)[np.array([False, True])].sum()
    assert np.array_equal(tape.gradient(y, x).numpy(), [0.0, 0.25])
    assert np.array_equal(tape.gradient(z, x).numpy(), [0.0, 0.25])


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.maximum(np.log(x), x), 1.0),
        (lambda x: np.clip(np.log(x), -1.0, 1.0), 0.0),
        (lambda x: np.minimum(1 / x, 2.0), 0.0),
        (lambda x: np.max(np.stack([np.log(x), x])), 1.0),
    ],
    ids=["maximum", "clip", "minimum", "max"],
)
def test_other_selections(f: Any, expected: float) -> None:
    assert gt.grad(f)(0.0) == expected


def test_liveness_is_joined_where_ways_meet() -> None:
    """An entry that is dead on one way and alive on another is alive."""
    x = gt.Variable([0.0, 4.0])
    with gt.GradientTape() as tape:
        r = np.sqrt(x)
        y = (np.where(x > 1, r, 0.0) + r).sum()
    assert np.array_equal(tape.gradient(y, x).numpy(), [np.inf, 0.5])


def test_a_nan_is_found_in_what_was_a_sum_before_the_selection() -> None:
    """The walk adds in place to a sum that is its own: it must not take it for the one before."""
    x = gt.Variable([0.0, 4.0])
    with gt.GradientTape() as tape:
        chosen = np.where(x > 0, np.sqrt(x), 0.0)
        y = (chosen + 2 * x + 3 * x + 4 * x).sum()
    assert np.array_equal(tape.gradient(y, x).numpy(), [9.0, 9.25])


# What is not hidden -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("behind", ["as it is", "sum"])
def test_an_honest_nan_stays(shape: Any, behind: str) -> None:
    x = gt.Variable(np.full(shape, 100.0, np.float32))
    with gt.GradientTape() as tape:
        y = BEHIND[behind](np.log(np.exp(x) + 1))
    assert np.all(np.isnan(tape.gradient(y, x).numpy()))


def test_an_honest_nan_stays_beside_a_selection() -> None:
    x = gt.Variable(np.float32([100.0, 1.0]))
    with gt.GradientTape() as tape:
        y = np.where(x > 50, np.log(np.exp(x) + 1), x)
    assert np.isnan(tape.gradient(y, x).numpy()).tolist() == [True, False]


def test_a_zero_that_is_a_number_hides_nothing() -> None:
    x = gt.Variable([0.0, 4.0])
    with gt.GradientTape(persistent=True) as tape:
        y = np.sqrt(x) * 0.0
        chosen = np.where(x < 9, np.sqrt(x) * 0.0, 1.0)
    for target in (y, chosen):
        assert np.isnan(tape.gradient(target, x).numpy()).tolist() == [True, False]


@pytest.mark.parametrize("weight", [0, 0.0, np.array([False, True])])
def test_a_weight_of_any_type_hides_nothing(weight: Any) -> None:
    x = gt.Variable([0.0, 4.0])
    with gt.GradientTape(persistent=True) as tape:
        chosen = np.where(x < 9, np.sqrt(x) * weight, 1.0)
    assert np.isnan(tape.gradient(chosen, x).numpy()).tolist() == [True, False]
    with gt.ForwardAccumulator(x, gt.constant([1.0, 1.0])) as accumulator:
        chosen = np.where(x < 9, np.sqrt(x) * weight, 1.0)
    assert np.isnan(accumulator.jvp(chosen).numpy()).tolist() == [True, False]


def test_a_zero_output_gradient_hides_nothing() -> None:
    x = gt.Variable([0.0, 4.0])
    with gt.GradientTape() as tape:
        y = np.sqrt(x)
    g = tape.gradient(y, x, output_gradients=np.array([0.0, 1.0])).numpy()
    assert np.isnan(g).tolist() == [True, False]


def test_a_live_infinity_stays() -> None:
    assert gt.grad(lambda x: np.where(x >= 0, np.sqrt(x), 0.0))(0.0) == np.inf
