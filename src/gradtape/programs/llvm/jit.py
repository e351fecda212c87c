"""Native code: a module of LLVM IR, compiled for this machine and kept as long as it is used.

On disk it is kept longer (``programs/cache.py``), under a key of all that it depends on. The text
of a module holds no addresses, so that what one process compiles is what another one needs: code
finds objects and memory through the table of words that it is called with.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import threading
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from gradtape.programs import cache
from gradtape.programs.llvm.mathematics_angles import REDUCTION, write_reduction

__all__ = ["Code", "compiled"]

#: One compilation at a time; a process that forks waits for it, so that its child can compile too.
_LOCK = threading.Lock()
#: Within that, llvmlite's own lock around each of its calls, some of which free what others made.
_INNER = getattr(llvm.ffi.lib, "_lock", contextlib.nullcontext())
_COUNT = itertools.count()
#: So many programs have a linker in common.
_TOGETHER = 32
#: The functions that a module leaves to others.
_DECLARED = re.compile(rf'^declare .*@"({re.escape(REDUCTION)}[^"]*)"', re.MULTILINE)
#: How hard LLVM tries.
_LEVEL = 1
#: Of what is on disk: another way to make code of the same text gets another one.
_FORMAT = "gradtape object code 1"


def _before_fork() -> None:
    _LOCK.acquire()
    _INNER.__enter__()


def _after_fork() -> None:
    _INNER.__exit__(None, None, None)
    _LOCK.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )


class Code:
    """Machine code in memory, which may call some other; it is freed with this object."""

    def __init__(self, object_code: bytes, name: str, others: dict[str, Code]) -> None:
        self._others = others
        with _LOCK:
            builder = llvm.JITLibraryBuilder().add_object_img(object_code).add_current_process()
            number = next(_COUNT)
            linker = _linker(number // _TOGETHER)
            for other, code in others.items():
                builder.import_symbol(other, code.address)
            self._library = builder.export_symbol(name).link(linker, f"gradtape{number}")
        self.address: int = self._library[name]


def compiled(module: Any, name: str) -> Code:
    """The code of a module's function ``name``.

    No passes of LLVM's run over it: loops, vectors and what is computed before them are written as
    they should be, so that what passes find is less than what they cost.
    """
    text = str(module)
    others = {other: _shared(other) for other in _DECLARED.findall(text)}
    key = f"{_kind()}\n{text}".encode()
    kept = cache.get(key)
    if kept is not None:
        try:
            return Code(kept, name, others)
        except (RuntimeError, ValueError):  # it is whole, and yet LLVM does not take it
            pass
    with _LOCK:
        parsed = llvm.parse_assembly(text)
        object_code = _machine().emit_object(parsed)
    cache.put(key, object_code)
    return Code(object_code, name, others)


@functools.cache
def _shared(name: str) -> Code:
    """A function that many programs call, compiled once."""
    module = ir.Module()
    write_reduction(module, name)
    return compiled(module, name)


@functools.cache
def _kind() -> str:
    """What code depends on besides its module: who compiles it, how, and for which machine."""
    version = ".".join(map(str, llvm.llvm_version_info))
    return "\n".join(
        [
            *(_FORMAT, f"llvmlite {llvmlite.__version__}, LLVM {version}, level {_LEVEL}"),
            *(llvm.get_default_triple(), llvm.get_host_cpu_name()),
            llvm.get_host_cpu_features().flatten(),
        ]
    )


@functools.cache
def _machine() -> Any:
    """The machine that this runs on, with all that it can do."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=_LEVEL,
        jit=True,
    )


@functools.lru_cache(maxsize=1)
def _linker(batch: int) -> Any:
    """What puts code into memory, some programs at a time.

    Each keeps a little of what is gone, until all of its code is.
    """
    return llvm.create_lljit_compiler(
        llvm.Target.from_default_triple().create_target_machine(jit=True)
    )
