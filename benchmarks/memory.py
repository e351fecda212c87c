"""``python -m benchmarks.memory``: 10,000 training steps must leave memory flat.

The garbage collector is off, so only reference counts free anything: a reference cycle in a tape or
a tensor would show as growth. Prints what the process holds (resident memory, on Linux) and what
Python has allocated (``tracemalloc``) after the first steps and after the last, and exits with 1
where either grew by over 1 MB.

``python -m benchmarks.memory --peak`` prints the most that one step of the network on 11,610 rows
holds at once, for gradtape, hand-written NumPy and, where installed, PyTorch.

``python -m benchmarks.memory --compiled`` prints by how much the process grows at most when each
compiled workload is traced, compiled and run, for both engines and, where installed, ``jax.jit``.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gradtape as gt
from benchmarks.compiled import COMPILED
from benchmarks.peak import peaks
from benchmarks.peers import installed
from benchmarks.resident import resident
from benchmarks.workloads import WORKLOADS

STEPS = 10_000
WARM_UP = 500
LIMIT_BYTES = 1_000_000
LEARNING_RATE = np.float32(0.01)


@dataclass(frozen=True)
class Growth:
    """Bytes held after the warm-up and at the end."""

    what: str
    before: int
    after: int

    @property
    def grown(self) -> int:
        return self.after - self.before

    def __str__(self) -> str:
        return (
            f"{self.what:22} {self.before / 1e6:9.3f} MB -> {self.after / 1e6:9.3f} MB   "
            f"grew by {self.grown / 1e6:+.3f} MB"
        )


def training_step() -> Callable[[], None]:
    """Return one step of gradient descent on the 8-30-1 network at batch 32."""
    workload = next(w for w in WORKLOADS if w.name == "network-32")
    x, target, *initial = workload.data(np.random.default_rng(0))
    weights = [gt.Variable(w) for w in initial]

    def step() -> None:
        w1, b1, w2, b2 = weights
        with gt.GradientTape() as tape:
            hidden = np.maximum(x @ w1 + b1, 0)
            loss = np.mean(np.square(hidden @ w2 + b2 - target))
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(LEARNING_RATE * gradient)

    return step


def measure(steps: int = STEPS, warm_up: int = WARM_UP) -> list[Growth]:
    """Run the training twice, garbage collector off: for resident memory, then under tracemalloc.

    Parameters
    ----------
    steps : int
        Training steps between the two readings.
    warm_up : int
        Steps before the first reading, which fill caches.

    Returns
    -------
    list of Growth
        Resident memory, where the system tells it, and what Python allocated.
    """
    step = training_step()
    readings = []
    gc.collect()
    gc.disable()
    try:
        if resident_bytes() is not None:
            readings.append(_growth("resident memory", _resident, step, steps, warm_up))
        # A run of its own: tracing allocates too, which resident memory would show.
        tracemalloc.start()
        readings.append(_growth("allocated by Python", _traced, step, steps, warm_up))
    finally:
        tracemalloc.stop()
        gc.enable()
    return readings


def resident_bytes() -> int | None:
    """Return the bytes of this process in memory, or None where there is no /proc to ask."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _growth(
    what: str, read: Callable[[], int], step: Callable[[], None], steps: int, warm_up: int
) -> Growth:
    for _ in range(warm_up):
        step()
    before = read()
    for _ in range(steps):
        step()
    return Growth(what, before, read())


def _resident() -> int:
    return resident_bytes() or 0


def _traced() -> int:
    return tracemalloc.get_traced_memory()[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the readings; return 1 where memory grew by more than the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--peak", action="store_true", help="measure one large step's peak instead")
    parser.add_argument(
        "--compiled", action="store_true", help="measure the compiled workloads, on Linux"
    )
    options = parser.parse_args(arguments)
    if options.peak:
        return _print_peaks()
    if options.compiled:
        return _print_compiled()
    print(f"{STEPS:,} training steps of the 8-30-1 network at batch 32, garbage collector off")
    readings = measure()
    for reading in readings:
        print(reading)
    flat = all(reading.grown <= LIMIT_BYTES for reading in readings)
    print("flat within 1 MB" if flat else "NOT flat: more than 1 MB was left behind")
    return 0 if flat else 1


def _print_peaks() -> int:
    workload = next(w for w in WORKLOADS if w.name == "network-11610")
    print(f"{workload.title}: the most that one step holds, above what is held between steps")
    for title, peak in peaks(workload).items():
        print(f"{title:22} {peak / 1e6:9.3f} MB")
    return 0


def _print_compiled() -> int:
    os.environ["GRADTAPE_CACHE"] = "off"
    peers = installed(compilers=True)
    print("MB above what was in memory before: the most in the first call, and in later ones\n")
    print(f"{'':16}" + "".join([f"{peer.title:>22}" for peer in peers]))
    for workload in COMPILED:
        found = [resident(peer, workload) for peer in peers]
        cells = [f"{r.first / 1e6:14.1f} {r.later / 1e6:7.1f}" for r in found]
        print(f"{workload.name:16}" + "".join(cells), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
