"""Native code: a module of LLVM IR, compiled for this machine and kept as long as it is used."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from typing import Any

import llvmlite.binding as llvm

__all__ = ["Code", "compiled"]

#: One compilation at a time; a process that forks waits for it, so that its child can compile too.
_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
_COUNT = itertools.count()


class Code:
    """Machine code in memory; it is freed with this object."""

    def __init__(self, object_code: bytes, name: str) -> None:
        self.object_code = object_code
        with _LOCK:
            builder = llvm.JITLibraryBuilder().add_object_img(object_code).add_current_process()
            self._library = builder.export_symbol(name).link(_linker(), f"gradtape{next(_COUNT)}")
        self.address: int = self._library[name]


def compiled(module: Any, name: str) -> Code:
    """The code of a module's function ``name``.

    No passes of LLVM's run over it: loops, vectors and what is computed before them are written as
    they should be, so that what passes find is less than what they cost.
    """
    text = str(module)
    with _LOCK:
        parsed = llvm.parse_assembly(text)
        object_code = _machine().emit_object(parsed)
    return Code(object_code, name)


@functools.cache
def _machine() -> Any:
    """The machine that this runs on, with all that it can do."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=1,
        jit=True,
    )


@functools.cache
def _linker() -> Any:
    return llvm.create_lljit_compiler(
        llvm.Target.from_default_triple().create_target_machine(jit=True)
    )
