"""What ``python -m benchmarks`` prints: a Markdown table, and the same figures as JSON."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.timing import Timing
from benchmarks.workloads import Workload

Results = Mapping[Workload, Sequence[Timing]]
BASE = "gradtape_eager"
#: What compilers are compared to.
COMPILED_BASE = "jax_jit"


def header(peers: Sequence[Peer], freed_memory_kept: bool) -> str:
    """Return the lines above the table: the machine, the versions, and how to read a cell."""
    allocator = "keeps freed memory" if freed_memory_kept else "as it is"
    libraries = ", ".join(f"{peer.package} {peer.version}" for peer in peers)
    return "\n".join(
        [
            f"- {_cores()} CPU cores ({platform.machine()}, {platform.system()}), "
            f"Python {platform.python_version()}{_load()}",
            f"- {libraries}",
            "- float32 and the same data for all; every library's threads as it sets them itself",
            "- libraries taking turns in one process; garbage collector off while a sample runs; "
            f"C allocator: {allocator}",
            "- a cell: median microseconds per call, and in brackets gradtape's time over "
            "that one's, with --compiled its time over JAX's (below 1, gradtape is faster); "
            "~ marks a median over twice the minimum: unsteady, not to be relied on",
        ]
    )


def table(peers: Sequence[Peer], results: Results) -> str:
    """Return the Markdown table, one row per workload, and the reasons for its dashes."""
    rows = ["| µs | " + " | ".join(peer.title for peer in peers) + " |"]
    rows.append("|---|" + "---:|" * len(peers))
    notes: list[str] = []
    for workload, timings in results.items():
        compiled = all([timing.peer.key != BASE for timing in timings])
        key = COMPILED_BASE if compiled else BASE
        base = next((t.median for t in timings if t.peer.key == key), None)
        cells = [_cell(timing, base, key) for timing in timings]
        rows.append(f"| {workload.title} | " + " | ".join(cells) + " |")
        for timing in timings:
            note = f"- {timing.peer.title}: {timing.reason}"
            if timing.reason and note not in notes:
                notes.append(note)
    return "\n".join(rows + (["", "Dashes:", "", *notes] if notes else []))


def first_calls(peers: Sequence[Peer], shortest: Mapping[Workload, Sequence[float]]) -> str:
    """Return the Markdown table of first calls, in milliseconds."""
    rows = ["| first call, ms | " + " | ".join(peer.title for peer in peers) + " |"]
    rows.append("|---|" + "---:|" * len(peers))
    keys = [peer.key for peer in peers]
    base = keys.index(COMPILED_BASE) if COMPILED_BASE in keys else None
    for workload, seconds in shortest.items():
        cells = [f"{s * 1e3:.1f}" for s in seconds]
        if base is not None:
            cells = [
                text if i == base else f"{text} ({s / seconds[base]:.2g})"
                for i, (text, s) in enumerate(zip(cells, seconds, strict=True))
            ]
        rows.append(f"| {workload.title} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def as_json(peers: Sequence[Peer], results: Results) -> dict[str, Any]:
    """Return everything measured, ready for ``json.dump``: seconds per call, not rounded."""
    return {
        "machine": {
            "cores": _cores(),
            "machine": platform.machine(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "load_average_at_end": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        },
        "libraries": {peer.title: f"{peer.package} {peer.version}" for peer in peers},
        "workloads": {
            workload.name: {timing.peer.title: _figures(timing) for timing in timings}
            for workload, timings in results.items()
        },
    }


def _figures(timing: Timing) -> dict[str, Any]:
    if not timing.samples:
        return {"reason": timing.reason}
    return {
        "median": statistics.median(timing.samples),
        "minimum": min(timing.samples),
        "maximum": max(timing.samples),
        "rounds": len(timing.samples),
        "calls_per_sample": timing.calls,
    }


def _cell(timing: Timing, base: float | None, key: str) -> str:
    """Return the median, and the ratio: to what compilers are compared to, or gradtape's to it."""
    median = timing.median
    if median is None:
        return "–"
    shown = ("~" if timing.unsteady else "") + _microseconds(median)
    if base is None or timing.peer.key == key:
        return shown
    return f"{shown} ({median / base if key == COMPILED_BASE else base / median:.2g})"


def _microseconds(seconds: float) -> str:
    value = seconds * 1e6
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _load() -> str:
    """Return a note of what else the machine was doing, which slows libraries with threads most."""
    if not hasattr(os, "getloadavg"):
        return ""
    return f", load average at the start {os.getloadavg()[0]:.1f}"


def _cores() -> int:
    """Return the cores that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
