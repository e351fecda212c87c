"""How the timing is done: calls in batches long enough to measure, libraries taking turns.

Each sample is the mean of as many calls as fill ``SAMPLE_SECONDS``; a round takes one sample of
every library (A B C, A B C, ...), so that whatever else the machine does meets them all; the figure
is the median.

Two things would make one library pay for another, or for luck, and are kept out:

- the idle threads of one library's pool spin for some 30 ms after its turn, on the cores that the
  next needs, and on a virtual machine a core that has slept is slow to wake for some 20 ms (calls
  on two threads take up to twice as long): each turn starts with a pause and then untimed calls;
- glibc gives freed memory back to the system, or not, depending on what happens to lie above it,
  and the page faults can make the same NumPy code four times slower: ``keep_freed_memory`` tells it
  to keep what is freed, for all.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import math
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Step, Value, Workload

Answer = list[np.ndarray[Any, Any]]

SAMPLE_SECONDS = 0.002
PAUSE_SECONDS = 0.04
# Until both are reached, but for a slow step no longer than the last.
WARM_UP_CALLS, WARM_UP_SECONDS, WARM_UP_LIMIT_SECONDS = 5, 0.05, 0.1
MINIMUM_ROUNDS = 3
# No workload is timed for longer than this once every library has had its minimum of rounds.
WORKLOAD_SECONDS = 30.0


# Names and numbers of <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_ONE_GIB = 1 << 30


class DisagreementError(Exception):
    """A library's answer differs from the reference, so that its time would mean nothing."""


@dataclass
class Timing:
    """The samples of one library on one workload, in seconds per call, or why there are none."""

    peer: Peer
    calls: int = 0
    samples: Sequence[float] = ()
    reason: str | None = None

    @property
    def median(self) -> float | None:
        return statistics.median(self.samples) if self.samples else None

    @property
    def unsteady(self) -> bool:
        """Whether half of the samples took over twice the fastest: the cores were taken."""
        return self.median is not None and self.median > 2 * min(self.samples)


def keep_freed_memory() -> bool:
    """Let the C allocator keep freed blocks of up to 1 GiB for reuse; return whether that worked.

    It does with glibc only; elsewhere the allocator stays as it is, and False is returned.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(option, _ONE_GIB) == 1 for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD))


def time_workload(
    peers: Sequence[Peer], workload: Workload, rounds: int, seed: int = 0
) -> list[Timing]:
    """Check that the peers agree on a workload, then time them in turns.

    Parameters
    ----------
    peers : sequence of Peer
        Hand-written NumPy is the reference for the check; where it lacks the workload, the first.
    workload : Workload
        What to run.
    rounds : int
        Samples per peer; fewer, but at least three, where they would take over half a minute.
    seed : int
        Of the data.

    Returns
    -------
    list of Timing
        One per peer, in their order.

    Raises
    ------
    DisagreementError
        If a value or a gradient is not what the reference computed, or of another dtype.
    """
    data = workload.data(np.random.default_rng(seed))
    timings = [Timing(peer, reason=peer.why_not(workload)) for peer in peers]
    running: list[tuple[Timing, Step]] = []
    reference: Answer | None = None
    for timing in sorted(timings, key=lambda timing: timing.peer.key != "by_hand"):
        started = None if timing.reason else _start(timing, workload, data)
        if started is None:
            continue
        step, answer = started
        reference = answer if reference is None else reference
        _check_agreement(f"{timing.peer.title} on {workload.name!r}", answer, reference, workload)
        running.append((timing, step))
    running.sort(key=lambda pair: timings.index(pair[0]))
    _run_rounds(running, rounds)
    return timings


def time_first_calls(
    peers: Sequence[Peer], workload: Workload, rounds: int, seed: int = 0
) -> list[float]:
    """Return the shortest first call of each peer: tracing, compiling and running, in seconds."""
    data = workload.data(np.random.default_rng(seed))
    shortest = [math.inf] * len(peers)
    for _ in range(rounds):
        for i, peer in enumerate(peers):
            step = peer.prepare(workload, data)
            shortest[i] = min(shortest[i], _seconds(step, 1))
    return shortest


def _start(
    timing: Timing, workload: Workload, data: tuple[Value, ...]
) -> tuple[Step, Answer] | None:
    """Return a peer's step and its first answer; None, with the reason, where a peer fails."""
    try:
        step = timing.peer.prepare(workload, data)
        return step, timing.peer.arrays(step())
    except Exception as error:
        # A peer of another version, or short of memory, leaves a dash; our own failures do not.
        if timing.peer.package in ("gradtape", "numpy"):
            raise
        timing.reason = f"{workload.name}: raised {type(error).__name__}: {error}".split("\n")[0]
        return None


def _check_agreement(where: str, found: Answer, reference: Answer, workload: Workload) -> None:
    """Raise where an answer is not the reference."""
    if len(found) != len(reference):
        raise DisagreementError(f"{where}: {len(found)} results, {len(reference)} expected")
    for position, (got, wanted) in enumerate(zip(found, reference, strict=True)):
        complaint = _difference(got, wanted, workload)
        if complaint:
            raise DisagreementError(f"{where}, result {position}: {complaint}")


def _difference(
    got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], workload: Workload
) -> str | None:
    if got.dtype != workload.dtype:
        return f"dtype {got.dtype}, {workload.dtype} expected"
    if got.shape != wanted.shape:
        return f"shape {got.shape}, {wanted.shape} expected"
    largest = float(np.max(np.abs(wanted)))
    if np.allclose(got, wanted, rtol=workload.rtol, atol=workload.atol * largest):
        return None
    return f"off by up to {np.max(np.abs(got - wanted)):.3g}, with entries up to {largest:.3g}"


def _run_rounds(running: Sequence[tuple[Timing, Step]], rounds: int) -> None:
    """Fill in the timings: one sample of every step in turn, ``rounds`` times."""
    for timing, step in running:
        timing.calls = _calls_per_sample(step)
    samples: list[list[float]] = [[] for _ in running]
    # Frozen, the libraries' own objects are not scanned, so collecting between rounds is quick.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        start = time.perf_counter()
        for done in range(rounds):
            if done >= MINIMUM_ROUNDS and time.perf_counter() - start > WORKLOAD_SECONDS:
                break
            for (timing, step), mine in zip(running, samples, strict=True):
                mine.append(_sample(step, timing.calls))
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    for (timing, _), mine in zip(running, samples, strict=True):
        timing.samples = mine


def _calls_per_sample(step: Step) -> int:
    """Return how many calls fill a sample, after calls to warm up."""
    _warm_up(step)
    fastest = min(_seconds(step, 1) for _ in range(5))
    return max(1, math.ceil(SAMPLE_SECONDS / fastest))


def _sample(step: Step, calls: int) -> float:
    """Return the seconds per call of ``calls`` calls, after a pause and calls to warm up."""
    time.sleep(PAUSE_SECONDS)
    _warm_up(step)
    return _seconds(step, calls) / calls


def _warm_up(step: Step) -> None:
    """Call a step until caches are filled and threads awake: several times, or once a slow one."""
    start = time.perf_counter()
    for done in itertools.count(start=1):
        step()
        spent = time.perf_counter() - start
        enough = done >= WARM_UP_CALLS and spent >= WARM_UP_SECONDS
        if enough or spent >= WARM_UP_LIMIT_SECONDS:
            return


def _seconds(step: Step, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return time.perf_counter() - start
