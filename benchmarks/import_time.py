"""``python -m benchmarks.import_time``: what ``import gradtape`` adds to ``import numpy``.

Fresh processes take turns importing NumPy alone and NumPy with gradtape; the figures are medians.
Each process times its own imports, so starting Python is not counted, and bytecode is compiled
once, before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence

STATEMENTS = ("import numpy", "import numpy, gradtape")
PROGRAM = "from time import perf_counter as now; start = now(); {}; print(now() - start)"


def measure(rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds that each statement took, in ``rounds`` fresh processes each, in turns."""
    with tempfile.TemporaryDirectory() as bytecode:
        # A bytecode folder of our own: writing bytecode may be turned off, or impossible.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for statement in STATEMENTS:
            _seconds(statement, environment)
        pairs = [tuple(_seconds(s, environment) for s in STATEMENTS) for _ in range(rounds)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def _seconds(statement: str, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both medians and their difference, in milliseconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="processes each (15)")
    rounds = max(1, parser.parse_args(arguments).rounds)
    times = measure(rounds)
    medians = [1000 * statistics.median(seconds) for seconds in times]
    for statement, median in zip(STATEMENTS, medians, strict=True):
        print(f"{statement:24} {median:7.1f} ms  (median of {rounds} processes)")
    print(f"{'import gradtape adds':24} {medians[1] - medians[0]:7.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
