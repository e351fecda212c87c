"""Programs that the tests draw."""

from typing import Any

import numpy as np

import gradtape as gt
from gradtape.drawing import Drawing


def notebook() -> Drawing:
    """The notebook's function and its gradient."""
    w1, w2 = gt.Variable(5.0), gt.Variable(3.0)
    with gt.GradientTape(trace=True) as tape:
        z = 3 * w1**2 + 2 * w1 * w2
    tape.gradient(z, [w1, w2])
    return tape.draw()


def network() -> Drawing:
    """A network of layers 8-30-1, and its loss."""
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((32, 8)), rng.standard_normal((32, 1))
    W1, b1 = gt.Variable(rng.standard_normal((8, 30))), gt.Variable(np.zeros(30))
    W2, b2 = gt.Variable(rng.standard_normal((30, 1))), gt.Variable(np.zeros(1))
    with gt.GradientTape(trace=True) as tape:
        hidden = np.maximum(x @ W1 + b1, 0)
        prediction = hidden @ W2 + b2
        loss = np.mean((prediction - t) ** 2)
    tape.gradient(loss, [W1, b1, W2, b2])
    return tape.draw()


def logistic(r: Any, x: Any, passes: int = 1000) -> Any:
    for _ in range(passes):
        x = r * x * (1 - x)
    return x


def loop(passes: int = 1000) -> Drawing:
    """A loop of passes, three operations each."""
    return gt.draw(logistic, argnums=(0, 1))(2.5, 0.3, passes)


def softplus(z: Any) -> Any:
    return np.log(np.exp(z) + 1)


def overflow() -> Drawing:
    """The notebook's softplus, far to the right."""
    with np.errstate(over="ignore"):
        return gt.draw(softplus)(np.array([1.0, 1000.0]))


def chosen(z: Any, w: Any) -> Any:
    unused = np.cos(w)  # noqa: F841
    return np.where(z > 30.0, z, np.log(np.exp(z) + 1.0)) * w


def dead_branch() -> Drawing:
    """A program with a branch that is not taken, and a value that nobody uses."""
    with np.errstate(over="ignore"):
        return gt.draw(chosen, argnums=(0, 1))(1000.0, 2.0)


def layers(params: Any, x: Any) -> Any:
    for W, b in params:
        x = np.maximum(x @ W + b, 0)
    return np.sum(x)


def deep() -> Drawing:
    """A network of twelve layers, with 24 sources."""
    rng = np.random.default_rng(1)
    params = [(rng.standard_normal((8, 8)) / 3, np.zeros(8)) for _ in range(12)]
    return gt.draw(layers)(params, rng.standard_normal((10, 8)))


def straight() -> Any:
    """A program of 304 operations, no two on the same line alike."""
    rng = np.random.default_rng(1)
    names, lines = ["x", "y"], ["def long(x, y):"]
    for i in range(150):
        a, b = rng.choice(names[-8:], 2)
        f, sign = rng.choice(["np.sin", "np.cos", "np.tanh"]), rng.choice(["+", "-", "*"])
        lines.append(f"    v{i} = {f}({a} {sign} {b})")
        names.append(f"v{i}")
    lines.append(f"    return {' + '.join(names[-5:])}")
    space: dict[str, Any] = {"np": np}
    exec(compile("\n".join(lines), "<long>", "exec"), space)
    return space["long"]


def records() -> Drawing:
    """The picture of 304 operations without a loop."""
    return gt.draw(straight(), argnums=(0, 1))(0.3, np.linspace(0, 1, 50))


PICTURES = {f.__name__: f for f in (notebook, network, loop, overflow, dead_branch, deep, records)}
