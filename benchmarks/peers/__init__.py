"""The implementations that are timed, one module each, imported only when its library is installed.

A peer module holds

- ``TITLE``: the heading of its column;
- one function per workload, named as in :mod:`benchmarks.workloads`. It takes the data as NumPy
  arrays, turns them into what its library works on (not timed), and returns the step (timed);
- ``CANNOT``: for each workload that it has no function for, the reason, which the table shows;
- ``to_numpy``, where ``numpy.asarray`` does not turn a result of the library into an array.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.workloads import Step, Value, Workload

# (module of this package, distribution that it needs); the order of the table's columns.
_MODULES = (
    ("gradtape_eager", "gradtape"),
    ("by_hand", "numpy"),
    ("torch_eager", "torch"),
    ("tensorflow_eager", "tensorflow"),
    ("jax_jit", "jax"),
    ("hips_autograd", "autograd"),
    ("mygrad_eager", "mygrad"),
)

# For the compiled workloads; a name after a dot is a peer in its module.
_COMPILERS = (
    ("gradtape_function.LLVM", "llvmlite"),
    ("gradtape_function.NUMPY", "gradtape"),
    ("jax_jit", "jax"),
)

# The comparison is on the CPU and its output is a table: no search for GPUs, no log of the search.
_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


@dataclass(frozen=True)
class Peer:
    """One column of the table: a peer module and the version of the library that it uses."""

    key: str
    title: str
    package: str
    version: str
    module: Any

    def why_not(self, workload: Workload) -> str | None:
        """Return the reason for which this peer has no such workload, or None where it has."""
        if hasattr(self.module, workload.function):
            return None
        return str(self.module.CANNOT[workload.function])

    def prepare(self, workload: Workload, data: tuple[Value, ...]) -> Step:
        """Return the step to time: the peer's function for the workload, given its data."""
        step: Step = getattr(self.module, workload.function)(*data)
        return step

    def arrays(self, outputs: tuple[Any, ...]) -> list[np.ndarray[Any, Any]]:
        """Return what a step returned as NumPy arrays; None, an absent derivative, is 0."""
        convert = getattr(self.module, "to_numpy", np.asarray)
        return [
            np.asarray(np.float32(0) if output is None else convert(output)) for output in outputs
        ]


def installed(compilers: bool = False) -> list[Peer]:
    """Import and return the peers whose library is installed, in the order of the columns."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    found = []
    for key, package in _COMPILERS if compilers else _MODULES:
        if importlib.util.find_spec(package) is not None:
            name, _, part = key.partition(".")
            module: Any = importlib.import_module(f"{__name__}.{name}")
            module = getattr(module, part) if part else module
            found.append(Peer(key, module.TITLE, package, _version(package), module))
    return found


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed, run from its sources)"
