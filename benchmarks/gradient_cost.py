"""``python -m benchmarks.gradient_cost``: what a compiled gradient costs beside its compiled value.

Each workload of ``python -m benchmarks --compiled`` that is a function and its gradient, on each
engine: the compiled function alone, and ``gradtape.value_and_grad`` of it, compiled. The two take
turns; the figures are shortest times, since both do the same work each time, and the ratios of
these and of the medians. (A step of Adam is no gradient, and is left out.)
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.compiled import COMPILED
from benchmarks.derivatives import ENGINES, per_call, shown, timed
from benchmarks.peers.gradtape_function import Engine
from benchmarks.timing import SAMPLE_SECONDS, keep_freed_memory
from benchmarks.workloads import Step, Workload

#: What a gradient should cost at most, in values.
AIM = 3.0

#: What ``--smoke`` runs.
QUICK = ("f", "network-32", "rosenbrock-1000")

WORKLOADS = {w.name: w for w in COMPILED if w.function != "training"}


class ValueAlone(Engine):
    """The compiled workloads without their gradients."""

    def _step(self, loss: Callable[..., Any], argnums: Any, *arguments: Any) -> Step:
        compiled = gt.function(functools.partial(loss, np), engine=self.TITLE)
        return lambda: (compiled(*arguments),)


def measured(workload: Workload, engine: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds per call in each round: of the value, and of the value with its gradient."""
    data = workload.data(np.random.default_rng(0))
    programs = {
        kind.__name__: getattr(kind(engine, engine), workload.function)(*data)
        for kind in (ValueAlone, Engine)
    }
    for program in programs.values():  # what is compiled is compiled now
        program()
        program()
    once = min([per_call(program, 1) for program in programs.values()])
    calls = max(1, math.ceil(SAMPLE_SECONDS / once)) if rounds > 1 else 1
    values, gradients = timed(programs, rounds, calls).values()
    return values, gradients


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gradient_cost", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a few, once: only that it runs")
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=list(WORKLOADS), help="this one alone"
    )
    parser.add_argument("--rounds", metavar="N", type=int, default=30, help="samples (default 30)")
    options = parser.parse_args(arguments)
    os.environ["GRADTAPE_CACHE"] = "off"
    names = options.only or (QUICK if options.smoke else list(WORKLOADS))
    chosen = [w for name, w in WORKLOADS.items() if name in names]
    rounds = 1 if options.smoke else options.rounds
    keep_freed_memory()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"NumPy {np.__version__}; load average {load}\n")
    print("| work | engine | value, µs | with gradient, µs | ratio | of medians |")
    print("|---|---|---:|---:|---:|---:|")
    for workload in chosen:
        for engine in ENGINES:
            values, gradients = measured(workload, engine, rounds)
            least = min(gradients) / min(values)
            median = statistics.median(gradients) / statistics.median(values)
            figures = [shown(1e6 * min(values)), shown(1e6 * min(gradients))]
            figures += [f"**{least:.2f}**" if least > AIM else f"{least:.2f}", f"{median:.2f}"]
            print(f"| {workload.title} | {engine} | {' | '.join(figures)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
