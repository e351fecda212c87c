"""Programs of the LLVM engine held against the plain evaluation of their graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.programs.graph import Opaque
from gradtape.programs.llvm.engine import LlvmProgram
from tests.programs.graphs import Building

__all__ = ["agree", "close", "random_program"]

#: For reductions, whose terms are added up in another order.
ULP = 16


def close(found: Any, expected: Any, ulp: float = ULP) -> bool:
    """Whether two values are of one type, and the same but for some units of the largest entry."""
    assert type(found) is type(expected), (type(found), type(expected))
    one, other = np.asarray(found), np.asarray(expected)
    assert one.shape == other.shape, (one.shape, other.shape)
    assert one.dtype == other.dtype
    if one.dtype.kind not in "fc":
        return bool(np.array_equal(one, other))
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(other), initial=0, where=np.isfinite(other))
        near = np.abs(one - other) <= ulp * np.spacing(largest)
    return bool(np.all(near | (one == other) | (np.isnan(one) & np.isnan(other))))


def agree(build: Building, ulp: float = ULP, native: bool = True) -> LlvmProgram:
    """Run a graph as a program, several times."""
    expected = build.expected()
    before = [np.copy(x) for x in build.inputs]
    program = LlvmProgram(build.graph)
    if native:
        assert [part.native for part in program.parts] == [True]
        assert program.run(*build.inputs) is not None, "declined"
    earlier: list[Any] = []
    for _ in range(2):
        found = program(*build.inputs)
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            if not close(f, e, ulp):
                raise AssertionError((f, e))
        arrays = [f for f in found if isinstance(f, np.ndarray)]
        for i, array in enumerate(arrays):
            assert array.flags.writeable
            for other in [*earlier, *build.inputs, *arrays[:i]]:
                assert not np.shares_memory(array, other)
        earlier += arrays
    for x, y in zip(build.inputs, before, strict=True):
        np.testing.assert_array_equal(x, y)
    return program


UNARY = ["negative", "absolute", "square", "exp", "sin", "cos", "tanh", "sign", "sqrt", "log1p"]
BINARY = ["add", "subtract", "multiply", "maximum", "minimum"]
COMPARING = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"]


def random_program(seed: int, length: int = 12, with_numpy: bool = False) -> Building:
    """A program of elementwise functions, views, reductions, products, and calls of NumPy's."""
    rng = np.random.default_rng(seed)
    build = Building()
    dtype = [np.float32, np.float64][seed % 2]
    lengths = rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 30, 33], 3).tolist()

    def array(shape: Any) -> Any:
        return rng.normal(size=shape).astype(dtype) if shape else dtype(rng.normal())

    nodes = []
    for _ in range(3):
        shape = tuple(lengths[: rng.integers(4)])
        made = build.input if rng.random() < 0.8 else build.constant
        nodes.append(made(array(shape)))
    for _ in range(length):
        made_now = _grown(build, rng, nodes, dtype, with_numpy)
        if made_now is not None and 0 < np.prod(made_now.shape) <= 5000:
            nodes.append(made_now)
    computed = [n for n in nodes if n.op is not None] or nodes
    chosen = {computed[-1], *rng.choice(np.array(computed, object), 2).tolist()}
    build.returns(*sorted(chosen, key=lambda node: node.number))
    return build


def _grown(build: Building, rng: Any, nodes: list[Any], dtype: Any, with_numpy: bool) -> Any:
    """One more node."""
    x, y = [nodes[i] for i in rng.integers(len(nodes), size=2)]
    kind = rng.integers(10 if with_numpy else 9)
    if kind == 0:
        return build.call(str(rng.choice(UNARY)), _tamed(build, x))
    if kind in (1, 2):
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            y = (
                build.call("sum", y, params=(tuple(range(-len(y.shape), 0)), False))
                if y.shape
                else y
            )
        return build.call(str(rng.choice(BINARY)), x, y)
    if kind == 3:
        if x.shape != y.shape:
            y = build.constant(dtype(0.5))
        mask = build.call(str(rng.choice(COMPARING)), x, y)
        return build.call("where", mask, x, y)
    if not x.shape:
        return None
    if kind == 9:
        return build.call(Opaque(np.sort, lambda inputs: (inputs, {})), x)
    if kind == 4:
        axes = [a for a in range(-len(x.shape), 0) if rng.random() < 0.5] or [-1]
        how = str(rng.choice(["sum", "mean", "max", "min"]))
        return build.call(how, x, params=(tuple(axes), bool(rng.random() < 0.5)))
    if kind == 5:
        order = (rng.permutation(len(x.shape)) - len(x.shape)).tolist()
        return build.call("transpose", x, params=(tuple(order),))
    if kind == 6:
        shape = [(-1,), (*x.shape, 1), (1, *x.shape), (x.shape[0], -1)][rng.integers(4)]
        shape = np.empty(x.shape, bool).reshape(shape).shape
        return build.call("reshape", x, params=(shape,))
    if kind == 7:
        return _indexed(build, rng, x)
    if len(x.shape) == 2:
        other = build.call("transpose", x, params=((-1, -2),))
        pair = (x, other) if rng.random() < 0.5 else (other, x)
        return build.call("divide", build.call("matmul", *pair), 100)
    return None


def _tamed(build: Building, x: Any) -> Any:
    """Values for which no function overflows."""
    return build.call("clip", x, -3.0, 3.0) if x.dtype.kind == "f" else x


def _indexed(build: Building, rng: Any, x: Any) -> Any:
    n = x.shape[0]
    step = int(rng.choice([1, 1, 2, -1]))
    part = slice(None, None, step) if step != 1 else slice(int(rng.integers(n)), None)
    index = (part,) if rng.random() < 0.8 else (int(rng.integers(-n, n)),)
    taken = build.call("getitem", x, params=(index,))
    if rng.random() < 0.4 and taken.shape and np.prod(taken.shape):
        return build.call("embed", taken, params=(x.shape, index))
    if rng.random() < 0.3 and taken.shape:
        return (
            build.call("concatenate", taken, x, params=(-len(x.shape),))
            if len(taken.shape) == len(x.shape)
            else taken
        )
    return taken
