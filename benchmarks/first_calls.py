"""``python -m benchmarks.first_calls``: what the disk saves when a function is called first.

Prints, for each compiled workload, how long its first two calls take: tracing, compiling, and
running the program once. By the NumPy engine, by the LLVM engine without a cache, and with one in
which another process has left its code; then by the default. Processor time of this process, the
shortest of some rounds.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.compiled import COMPILED
from benchmarks.peers.gradtape_function import Engine
from benchmarks.workloads import Workload

ROUNDS = 5
COLUMNS = ("NumPy", "LLVM", "LLVM, cached", "default")


def main() -> None:
    """Print the table."""
    for engine in ("numpy", "llvm"):  # what is loaded once is not counted
        _milliseconds(Engine(engine, ""), COMPILED[0])
    print(f"{'ms':16}" + "".join([f"{title:>14}" for title in COLUMNS]))
    with tempfile.TemporaryDirectory() as place:
        for workload in COMPILED:
            times = [
                _shortest("numpy", "off", workload),
                _shortest("llvm", "off", workload),
                _shortest("llvm", place, workload),
                _shortest(None, "off", workload),
            ]
            cells = "".join([f"{t:14.1f}" for t in times])
            print(f"{workload.name:16}{cells}", flush=True)


def _shortest(engine: str | None, cache: str, workload: Workload) -> float:
    os.environ["GRADTAPE_CACHE"] = cache
    peer = Engine(engine, "")
    if cache != "off":
        _milliseconds(peer, workload)
    return min([_milliseconds(peer, workload) for _ in range(ROUNDS)])


def _milliseconds(peer: Engine, workload: Workload) -> float:
    data = workload.data(np.random.default_rng(0))
    step: Callable[[], Any] = getattr(peer, workload.function)(*data)
    start = time.process_time()
    step()
    step()
    return 1e3 * (time.process_time() - start)


if __name__ == "__main__":
    main()
