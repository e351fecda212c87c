"""Each rewrite gives a sound graph that computes the same, bit for bit, at special values too."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from gradtape.programs.graph import Graph, Opaque
from gradtape.programs.rewrites import (
    RULES,
    rewritten,
    simplified,
    stages,
    without_dead_code,
    without_repetitions,
)
from gradtape.programs.rewrites.building import kind
from gradtape.programs.rewrites.constants import settled
from gradtape.programs.verifying import BadGraphError, evaluated, verify
from tests.programs.graphs import SPECIAL, Building, same_bits

FLOATS = [np.float32, np.float64]


def outputs(graph: Graph, inputs: Any) -> list[Any]:
    values = evaluated(graph, inputs)
    return [values[node.number] for node in graph.outputs]


def check(build: Building) -> Graph:
    """All rewrites one after the other, each verified and compared; the last graph."""
    graph = build.graph
    verify(graph, build.inputs)
    expected = outputs(graph, build.inputs)
    for name, rewrite in stages():
        graph = rewrite(graph)
        verify(graph, build.inputs)
        found = outputs(graph, build.inputs)
        assert all(map(same_bits, found, expected)), name
    return graph


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if node.op is not None]


def special(dtype: Any, shape: Any = (14,)) -> Any:
    with np.errstate(over="ignore", under="ignore"):
        return np.resize(SPECIAL, shape).astype(dtype)


# Identities -----------------------------------------------------------------------------------

#: What is computed of x and y, and the operations that are left.
IDENTITIES: dict[str, Any] = {
    "x * 1": (lambda b, x, y: b.call("multiply", x, 1), []),
    "1 * x": (lambda b, x, y: b.call("multiply", 1.0, x), []),
    "x / 1": (lambda b, x, y: b.call("divide", x, 1), []),
    "x - 0": (lambda b, x, y: b.call("subtract", x, 0), []),
    "x - 0.0": (lambda b, x, y: b.call("subtract", x, 0.0), []),
    "x + -0.0": (lambda b, x, y: b.call("add", x, -0.0), []),
    "x - -0.0": (lambda b, x, y: b.call("subtract", x, -0.0), ["subtract"]),
    "x + 0.0": (lambda b, x, y: b.call("add", x, 0.0), ["add"]),
    "x * 0": (lambda b, x, y: b.call("multiply", x, 0), ["multiply"]),
    "x - x": (lambda b, x, y: b.call("subtract", x, x), ["subtract"]),
    "-(-x)": (lambda b, x, y: b.call("negative", b.call("negative", x)), []),
    "x + -y": (lambda b, x, y: b.call("add", x, b.call("negative", y)), ["subtract"]),
    "-x + y": (lambda b, x, y: b.call("add", b.call("negative", x), y), ["subtract"]),
    "x - -y": (lambda b, x, y: b.call("subtract", x, b.call("negative", y)), ["add"]),
    "(x < y) != 0": (lambda b, x, y: b.call("not_equal", b.call("less", x, y), 0), ["less"]),
    "where not": (
        lambda b, x, y: b.call("where", b.call("equal", b.call("less", x, y), 0), x, y),
        ["less", "where"],
    ),
    "x + y, y + x": (
        lambda b, x, y: b.call("subtract", b.call("add", x, y), b.call("add", y, x)),
        ["add", "subtract"],
    ),
    "raised 1": (lambda b, x, y: b.call("raised", x, params=(1,)), []),
    "raised 2": (lambda b, x, y: b.call("raised", x, params=(2,)), ["square"]),
    "raised -1": (lambda b, x, y: b.call("raised", x, params=(-1,)), ["reciprocal"]),
    "raised 0.5": (lambda b, x, y: b.call("raised", x, params=(0.5,)), ["sqrt"]),
    "raised 3": (lambda b, x, y: b.call("raised", x, params=(3,)), ["raised"]),
    "relu": (lambda b, x, y: b.call("relu", x), ["maximum"]),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", IDENTITIES)
def test_identities(case: str, dtype: Any) -> None:
    compute, left = IDENTITIES[case]
    b = Building()
    # Each special value with each other.
    x = b.input(np.repeat(special(dtype), len(SPECIAL)))
    y = b.input(np.tile(special(dtype), len(SPECIAL)))
    b.returns(compute(b, x, y))
    assert names(check(b)) == left


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["sech_squared", "logistic", "one_minus_square", "relu"])
def test_expansions(name: str, dtype: Any) -> None:
    b = Building()
    x = b.input(np.concatenate([special(dtype), np.linspace(-30, 30, 1001).astype(dtype)]))
    b.returns(b.call(name, x))
    assert name not in names(check(b))


@pytest.mark.parametrize("dtype", [*FLOATS, np.float16, np.int64])
@pytest.mark.parametrize("axis", [(-1,), (-2,), (-2, -1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_means(axis: Any, keepdims: bool, dtype: Any) -> None:
    b = Building()
    with np.errstate(invalid="ignore"):
        x = b.input(special(dtype, (3, 5)))
    b.returns(b.call("mean", x, params=(axis, keepdims)))
    assert names(check(b)) == (["sum", "divide"] if dtype in FLOATS else ["mean"])


@pytest.mark.parametrize("dtype", [np.int64, np.complex128, np.float16])
def test_other_dtypes(dtype: Any) -> None:
    b = Building()
    x = b.input(np.array([0, 1, 2, -3, 5]).astype(dtype))
    rows = [b.call("multiply", x, 1), b.call("subtract", x, 0), b.call("add", x, 0)]
    rows += [b.call("negative", b.call("negative", x)), b.call("square", x)]
    b.returns(*rows)
    check(b)


def test_weak_numbers_stay() -> None:
    """A Python number of the result's type is none of NumPy's."""
    b = Building()
    x = b.input(2.5)
    b.returns(b.call("multiply", x, 1))
    check(b)


# Movements ------------------------------------------------------------------------------------

X = np.arange(24.0).reshape(2, 3, 4)
#: What is done to an array of shape (2, 3, 4), and the operations that are left.
MOVEMENTS: dict[str, Any] = {
    "reshapes": (["reshape", (6, 4)], ["reshape", (24,)], ["reshape"]),
    "reshape back": (["reshape", (6, 4)], ["reshape", (2, 3, 4)], []),
    "transposes": (["transpose", (-1, -3, -2)], ["transpose", (-2, -1, -3)], []),
    "transposes, two": (["transpose", (-1, -3, -2)], ["transpose", (-1, -2, -3)], ["transpose"]),
    "long axes stay": (["reshape", (24, 1)], ["transpose", (-1, -2)], ["reshape"]),
    "whole item": (["getitem", (slice(None), ..., slice(0, 4))], []),
    "new axes": (["getitem", (None, slice(None), slice(None), None)], ["reshape"]),
    "item of one": (["getitem", (slice(0, 1),)], ["getitem", (0,)], ["getitem", "reshape"]),
    "backwards": (["getitem", (slice(None, None, -1),)], ["getitem"]),
    "into all places": (["embed", (2, 1, 3, 4), (slice(None), 0)], ["reshape"]),
    "a number into the only place": (
        ["getitem", (0, 0, 0)],
        ["embed", (1, 1), (0, 0)],
        ["getitem", "reshape"],
    ),
    "into some places": (["embed", (2, 2, 3, 4), (slice(None), 0)], ["embed"]),
    "into places backwards": (["embed", (2, 3, 4), (slice(None, None, -1),)], ["embed"]),
    "broadcast to the same": (["broadcast", (2, 3, 4)], []),
    "cast to the same": (["astype", np.dtype(float)], []),
    "cast to another": (["astype", np.dtype("f")], ["astype"]),
}


@pytest.mark.parametrize("case", MOVEMENTS)
def test_movements(case: str) -> None:
    *steps, left = MOVEMENTS[case]
    b = Building()
    x = b.input(X)
    for name, *params in steps:
        x = b.call(name, x, params=tuple(params))
    b.returns(x)
    assert names(check(b)) == left


@pytest.mark.parametrize(
    ("indices", "left"),
    [
        ([(slice(1, None),), (slice(1, None),)], ["add", "embed"]),
        ([(slice(1, None),), (slice(None, -1),)], ["embed", "embed", "add"]),
        ([(slice(None, None, 2),), (slice(None, None, 2),)], ["add", "embed"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", FLOATS)
def test_what_goes_to_the_same_places_is_added_before(
    indices: Any, left: list[str], dtype: Any
) -> None:
    b = Building()
    size = len(np.empty(15)[indices[0]])
    parts = []
    for values, index in zip((special(dtype), -special(dtype)[::-1]), indices, strict=True):
        parts.append(b.call("embed", b.input(values[:size].copy()), params=((15,), index)))
    b.returns(b.call("add", *parts))
    assert names(check(b)) == left


@pytest.mark.parametrize(
    ("shapes", "left"),
    [
        (((3, 1), (3, 4)), ["add"]),
        (((1, 4), (3, 1)), ["add"]),
        (((), (3, 1)), ["add", "broadcast"]),
        (((3, 4), (3, 4)), ["add"]),
    ],
)
def test_broadcasts_of_operands(shapes: Any, left: list[str]) -> None:
    b = Building()
    x, y = [
        b.call("broadcast", b.input(np.resize(X, s) if s else np.float64(2)), params=((3, 4),))
        if s != (3, 4)
        else b.input(X[0])
        for s in shapes
    ]
    b.returns(b.call("add", x, y))
    assert names(check(b)) == left


# Constants, repetitions, dead code ------------------------------------------------------------


def test_constants_are_folded() -> None:
    b = Building()
    x = b.input(X)
    two = b.call("add", 1, 1)
    row = b.call("exp", b.call("multiply", two, b.constant(np.arange(4.0))))
    b.returns(b.call("multiply", x, row))
    assert names(check(b)) == ["multiply"]


def test_arrays_of_one_number_are_that_number() -> None:
    b = Building()
    x = b.input(X)
    ones = b.constant(np.ones((2, 3, 4)))
    halves = b.constant(np.broadcast_to(np.float64(0.5), (2, 3, 4)))
    b.returns(b.call("multiply", b.call("multiply", x, ones), halves))
    graph = check(b)
    assert names(graph) == ["multiply"]
    assert all(
        node.shape == ()
        for node in graph.nodes
        if node.op is None and node.fixed and node in graph.nodes[-1].inputs
    )


def test_what_others_hold_is_not_fixed() -> None:
    """The function's own arrays may change between two calls, and so may what they are views of."""
    mine, whole = np.ones(4), np.ones((2, 4))
    view = whole[0]
    b = Building()
    x = b.input(X)
    y = b.call("multiply", x, b.constant(mine))
    b.returns(b.call("multiply", y, b.constant(whole[1])))
    graph = check(b)
    mine[1] = 7
    view[2] = whole[1, 2] = 9
    assert same_bits(outputs(graph, [X])[0], X * [1, 7, 1, 1] * [1, 1, 9, 1])
    assert names(graph) == ["multiply", "multiply"]


def test_zeros_of_both_signs_are_not_one_number() -> None:
    b = Building()
    b.returns(b.call("add", b.input(np.zeros(2)), b.constant(np.array([0.0, -0.0]))))
    check(b)


def test_repetitions_and_dead_code() -> None:
    b = Building()
    x = b.input(X)
    one = b.call("sum", b.call("exp", x), params=((-1,), False))
    two = b.call("sum", b.call("exp", x), params=((-1,), False))
    b.call("log", x)
    b.returns(b.call("add", one, two))
    graph = without_repetitions(without_dead_code(b.graph))
    verify(graph, b.inputs)
    assert names(graph) == ["exp", "sum", "add"]
    assert same_bits(outputs(graph, [X])[0], 2 * np.exp(X).sum(-1))


def test_index_arrays_are_told_apart() -> None:
    b = Building()
    x = b.input(np.arange(5.0))
    i, j = np.array([0, 1]), np.array([0, 1])
    both = [b.call("getitem", x, params=((k,),)) for k in (i, j)]
    b.returns(b.call("add", *both))
    assert names(check(b)).count("getitem") == 2  # one of them may be written into


def test_unused_inputs_stay() -> None:
    b = Building()
    b.input(1.0)
    x = b.input(X)
    b.returns(x)
    assert len(check(b).inputs) == 2


# Guards and looks -----------------------------------------------------------------------------


def test_guards_follow_their_nodes() -> None:
    b = Building()
    x = b.input(np.float64(2))
    positive = b.call("greater", x, 0)
    again = b.call("greater", x, 0)
    b.graph.guard(positive, bool, True)
    b.graph.guard(again, bool, True)
    b.graph.guard(b.call("less", 1, 2), bool, True)
    b.returns(b.call("multiply", x, x))
    graph = check(b)
    assert [guard.node.name for guard in graph.guards] == ["greater"]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("value", [1.0, np.inf, 1e300, np.nan, 0.0])
def test_looks_for_nan(value: float, dtype: Any) -> None:
    b = Building()
    with np.errstate(over="ignore"):
        x = b.input(np.array([[1, -2], [value, 3]]).astype(dtype))
    flat = b.call("reshape", x, params=((4,),))
    row = b.call("reshape", flat, params=((1, 4),))
    column = b.call("reshape", flat, params=((4, 1),))
    square = b.call("reshape", b.call("matmul", row, column), params=((),))
    b.graph.guard(b.call("not_equal", square, square), bool, bool(np.isnan(value)))
    b.returns(x)
    graph = check(b)
    assert names(graph) == ["holds_nan"]
    assert bool(evaluated(graph, b.inputs)[graph.guards[0].node.number]) == np.isnan(value)


def test_looks_at_complex_numbers_stay() -> None:
    """Their infinities look like NaN, and the program must take the same way as the tape."""
    b = Building()
    x = b.input(np.array([1 + 2j, np.inf]))
    row, column = [b.call("reshape", x, params=(shape,)) for shape in ((1, 2), (2, 1))]
    square = b.call("reshape", b.call("matmul", row, column), params=((),))
    b.returns(b.call("not_equal", square, square))
    assert "holds_nan" not in names(check(b))


# The verifier ---------------------------------------------------------------------------------


def test_verifier_finds_mistakes() -> None:
    b = Building()
    x = b.input(X)
    y = b.call("exp", x)
    graph = b.returns(y)
    y.shape = (2, 3)
    with pytest.raises(BadGraphError, match="%1 = exp"):
        verify(graph, b.inputs)
    y.shape = X.shape
    graph.nodes.reverse()
    with pytest.raises(BadGraphError):
        verify(graph)
    graph.nodes[:] = [y]
    y.number = 0
    with pytest.raises(BadGraphError, match="comes later or never"):
        verify(graph)


def test_verifier_finds_repeated_calls() -> None:
    op = Opaque(np.sort, lambda inputs: (tuple(inputs), {}))
    b = Building()
    x = b.input(X)
    b.returns(b.call(op, x), b.call(op, x))
    with pytest.raises(BadGraphError, match="repeats"):
        verify(b.graph)
    assert kind(op) == ""


# Random graphs --------------------------------------------------------------------------------

UNARY = ["negative", "absolute", "square", "sqrt", "exp", "log", "sin", "tanh", "sech_squared"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = FLOATS[seed % 2]
    b = Building()
    pool = [b.input(special(dtype, shape)) for shape in ((3, 4), (4,), (3, 1), ())]
    pool += [b.constant(np.full((3, 4), v, dtype)) for v in (1, 0, -0.0, 2)]
    pool += [b.constant(v) for v in (1, 0, -0.0, 2.5)]
    strong = [node for node in pool if node.shape != () or isinstance(node.dtype, np.dtype)]
    for _ in range(30):
        pick = strong[rng.integers(len(strong))]
        if rng.random() < 0.3 and pick.shape == (3, 4):
            moves = [
                ("reshape", ((4, 3),)),
                ("transpose", ((-1, -2),)),
                ("getitem", ((..., None),)),
                ("sum", ((-1,), False)),
                ("astype", (np.dtype(dtype),)),
            ]
            name, params = moves[rng.integers(len(moves))]
            node = b.call(name, pick, params=params)
        elif rng.random() < 0.4:
            node = b.call(UNARY[rng.integers(len(UNARY))], pick)
        else:
            fits = [
                other
                for other in pool
                if not other.shape or not pick.shape or other.shape == pick.shape
            ]
            pair = [pick, fits[rng.integers(len(fits))]]
            rng.shuffle(pair)  # type: ignore[arg-type]
            node = b.call(BINARY[rng.integers(len(BINARY))], *pair)
        pool.append(node)
        strong.append(node)
    b.returns(*strong[-6:])
    check(b)


def test_rules_are_known_by_kinds() -> None:
    assert all(isinstance(name, str) for rules in RULES for name in rules)
    assert kind(operator.getitem) == "pick"
    assert settled(Graph()).nodes == [] == simplified(Graph()).nodes == rewritten(Graph()).nodes


def test_constants_that_print_alike_are_not_mixed_up():
    near = np.array([1.0, np.nextafter(2.0, 3)])
    b = Building()
    x = b.input(np.array([3.0, 5.0]))
    nodes = [b.graph.constant(v) for v in (np.array([1.0, 2.0]), near, near.copy(), -near)]
    for node, value in zip(nodes, ([1.0, 2.0], near, near, -near), strict=True):
        node.fixed = True
        b.values[node] = np.array(value)
    b.returns(*[b.call("multiply", x, node) for node in nodes])
    graph = check(b)
    assert names(graph) == ["multiply"] * 3


# Products with one matrix ---------------------------------------------------------------------


def test_a_stack_times_a_matrix_is_one_product() -> None:
    rng = np.random.default_rng(0)
    b = Building()
    x, y = b.input(rng.normal(size=(2, 3, 4, 5))), b.input(rng.normal(size=(5, 6)))
    b.returns(b.call("matmul", x, y))
    graph = check(b)
    assert [(n.name, n.shape) for n in graph.nodes[2:]] == [
        ("reshape", (24, 5)),
        ("matmul", (24, 6)),
        ("reshape", (2, 3, 4, 6)),
    ]


def diagonal_product(n: int, factor: Any, matrix: Any = None) -> Graph:
    """A constant matrix times a factor, entry by entry, times a matrix."""
    rng = np.random.default_rng(1)
    b = Building()
    constant = b.constant(np.eye(n) if matrix is None else matrix)
    constant.fixed = True
    scaled = b.call("multiply", constant, b.input(factor))
    b.returns(b.call("matmul", scaled, b.input(rng.uniform(1, 2, (n, 7)))))
    return check(b)


@pytest.mark.parametrize("shape", [(64,), (1, 64), (64, 1), (1, 1), ()])
def test_a_diagonal_matrix_scales_rows(shape: Any) -> None:
    factor = np.random.default_rng(2).uniform(1, 2, shape)[()]
    assert "matmul" not in names(diagonal_product(64, factor))
    weights = np.diag(np.arange(1.0, 65))
    assert "matmul" not in names(diagonal_product(64, factor, weights))


def test_other_matrices_are_multiplied() -> None:
    factor = np.ones(64)
    nearly = np.eye(64)
    nearly[3, 5] = 1e-300
    assert "matmul" in names(diagonal_product(64, factor, nearly))
    assert "matmul" in names(diagonal_product(63, np.ones(63)))  # as in eager code
    assert "matmul" in names(diagonal_product(64, np.ones((64, 64))))


def test_the_diagonal_has_no_nan_beside_it() -> None:
    b = Building()
    factor = np.full(64, np.inf)
    scaled = b.call("multiply", b.constant(np.eye(64)), b.input(factor))
    b.returns(b.call("matmul", scaled, b.input(np.ones((64, 3)))))
    (found,) = outputs(rewritten(b.graph), b.inputs)
    assert np.all(found == np.inf)
