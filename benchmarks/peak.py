"""The most memory that one step holds at once, above what it holds between steps.

Bytes that were asked for, as each library counts them itself: NumPy's through ``tracemalloc``,
PyTorch's through the memory events of its own profiler. Both leave out what the C allocator adds.
"""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np

from benchmarks.peers import installed
from benchmarks.workloads import Step, Workload


def peaks(workload: Workload) -> dict[str, int]:
    """Measure one step of a workload.

    Parameters
    ----------
    workload : Workload
        What is computed.

    Returns
    -------
    dict
        Peak bytes by library: gradtape, hand-written NumPy and, where installed, PyTorch.
    """
    data = workload.data(np.random.default_rng(0))
    measures = {"gradtape_eager": traced_peak, "by_hand": traced_peak, "torch_eager": torch_peak}
    return {
        peer.title: measures[peer.key](peer.prepare(workload, data))
        for peer in installed()
        if peer.key in measures
    }


def traced_peak(step: Step) -> int:
    """Return the peak of what Python and NumPy allocate during a step."""
    _warm_up(step)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def torch_peak(step: Step) -> int:
    """Return the peak of what PyTorch's CPU allocator gives out during a step."""
    from torch.profiler import ProfilerActivity, profile

    _warm_up(step)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = np.cumsum([e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())])
    return int(held.max(initial=0))


def _warm_up(step: Step) -> None:
    for _ in range(3):
        step()
    gc.collect()
