"""How much memory a compiled step takes: tracing and compiling it, and running it.

Each library and workload has a process of its own. It imports the library, compiles and runs two
small programs, so that what is loaded once is not counted, and gives back what it has freed. Then
the most that the system finds in its memory is read, above what it had before the first call: after
that call, and after ``CALLS`` more, beginning anew. Linux only.
"""

from __future__ import annotations

import ctypes
import gc
import platform
import subprocess
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.compiled import COMPILED
from benchmarks.peers import Peer, installed
from benchmarks.workloads import Workload

__all__ = ["Resident", "resident"]

CALLS = 20
#: What is compiled and run before anything is counted.
BEFORE = ("f", "rosenbrock-1000")


class Resident(NamedTuple):
    """Bytes above what the process had in memory before the first call."""

    #: The most during the first call, which traces and compiles.
    first: int
    #: The most during later calls.
    later: int


def resident(peer: Peer, workload: Workload) -> Resident:
    """Measure a peer on a compiled workload, in a process of its own.

    Raises
    ------
    subprocess.CalledProcessError
        If the process fails.
    """
    command = [sys.executable, "-m", "benchmarks.resident", peer.key, workload.name]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    first, later = map(int, said.split())
    return Resident(first, later)


def _measured(key: str, name: str) -> Resident:
    """What ``resident`` measures, in this process."""
    peer = next(p for p in installed(compilers=True) if p.key == key)
    by_name = {w.name: w for w in COMPILED}
    for small in BEFORE:
        step = peer.prepare(by_name[small], by_name[small].data(np.random.default_rng(0)))
        step()
        step()
    workload = by_name[name]
    step = peer.prepare(workload, workload.data(np.random.default_rng(0)))
    before = _forget_peak()
    step()
    first = _told("VmHWM") - before
    _forget_peak()
    for _ in range(CALLS):
        step()
    return Resident(first, _told("VmHWM") - before)


def _forget_peak() -> int:
    """Give back what is free, and let the peak begin anew; returns what is in memory."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _told("VmRSS")


def _told(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"the system does not tell {name}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(*_measured(*sys.argv[1:]))
