"""The linearization behind linearize and forward Jacobians: it keeps enough of every function."""

from typing import Any

import numpy as np

import gradtape as gt
from gradtape import forward
from gradtape.forward import Linearization
from gradtape.nest import flatten
from tests.rules.cases import Case
from tests.rules.test_every_rule import every_case
from tests.rules.tools import bare, draw


def near(a: Any, b: Any) -> bool:
    scale = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
    return bool(np.allclose(a, b, rtol=1e-10, atol=1e-11 * (1 + scale), equal_nan=True))


@every_case
def test_pushes_are_those_of_the_accumulator(case: Case, monkeypatch: Any) -> None:
    """With nothing kept but what the rules name, whatever its size."""
    monkeypatch.setattr(forward, "_SMALL", -1)
    for dtype in case.numbers:
        arguments = [gt.constant(a) for a in case.at(dtype)]
        batches = [
            np.stack([draw(a.array, f"{i} {k}") for k in range(3)]) for i, a in enumerate(arguments)
        ]
        with np.errstate(all="ignore"):
            linear = Linearization(arguments)
            with linear:
                outs = [
                    out for out in flatten(case.function(*arguments)) if isinstance(out, gt.Tensor)
                ]
            found = [linear.push(outs, [b[k] for b in batches]) for k in range(3)]
            together = linear.push(outs, batches, (3,))
            with gt.GradientTape():  # which sees the pushes: all are masked, and on tensors
                alive = [np.ones(np.shape(b), bool) for b in batches]
                masked = linear.push(outs, batches, (3,), alive)
            for k in range(3):
                with gt.ForwardAccumulator(arguments, [b[k] for b in batches]) as accumulator:
                    again = [
                        out
                        for out in flatten(case.function(*arguments))
                        if isinstance(out, gt.Tensor)
                    ]
                expected = accumulator.jvp(again)
                for i, tangent in enumerate(expected):
                    if tangent is None:
                        assert found[k][i] is None
                        continue
                    assert tangent.dtype == found[k][i].dtype == together[i].dtype
                    assert near(found[k][i], tangent.array)
                    assert near(together[i][k], tangent.array)
                    assert near(bare(masked[i])[k], tangent.array)
