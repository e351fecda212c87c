"""Native code: a text in LLVM's language, compiled for this machine and kept as long as it is used.

On disk it is kept longer (``programs/cache.py``), under a key of all that it depends on. The text
holds no addresses, so that what one process compiles is what another one needs: code finds objects
and memory through the table of words that it is called with.

There are two ways to compile. The *quick* one translates instruction by instruction and calls
mathematics and products of matrices as functions, which are compiled once in a process. The
*thorough* one chooses and schedules instructions, keeps values in registers, writes mathematics out
where it is used and products for their sizes; that takes several times as long. Both compute the
same bits: what is rounded, and in which order, is said by each instruction.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import threading
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from gradtape.programs import cache
from gradtape.programs.llvm.outlined import (
    declared_in,
    definition,
    with_common_products,
    with_definitions,
)

__all__ = ["QUICK", "THOROUGH", "Code", "compiled", "kept"]

#: One compilation at a time; a process that forks waits for it, so that its child can compile too.
_LOCK = threading.Lock()
#: Within that, llvmlite's own lock around each of its calls, some of which free what others made.
_INNER = getattr(llvm.ffi.lib, "_lock", contextlib.nullcontext())
_COUNT = itertools.count()
#: So many programs have a linker in common.
_TOGETHER = 32
#: How hard LLVM tries.
QUICK, THOROUGH = 0, 1
#: Of what is on disk: another way to make code of the same text gets another one.
_FORMAT = "gradtape object code 3"


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


def compiled(text: str, name: str, level: int = THOROUGH) -> Code:
    """The code of a text's function ``name``, from the disk or made now.

    No passes of LLVM's run over it but the one that writes functions out: loops, vectors and what
    is computed before them are written as they should be, so that what passes find is less than
    what they cost.
    """
    text = _whole(text, level)
    found = kept(text, name, level)
    if found is not None:
        return found
    with _LOCK:
        parsed = llvm.parse_assembly(text)
        if "alwaysinline" in text:
            _write_out(parsed)
        object_code = _machine(level).emit_object(parsed)
    cache.put(_key(text, level), object_code)
    return Code(object_code, name, _others(text))


def kept(text: str, name: str, level: int = THOROUGH) -> Code | None:
    """The code of a text's function ``name``, if the disk has it and LLVM takes it."""
    if cache.directory() is None:
        return None
    text = _whole(text, level)
    object_code = cache.get(_key(text, level))
    return None if object_code is None else _linked(object_code, name, _others(text))


def _linked(object_code: bytes, name: str, others: dict[str, Code]) -> Code | None:
    """Object code from the disk in memory; None if LLVM does not take it.

    It is what was written, byte by byte, so this happens where what wrote it was mistaken, or was
    something else that has the same name and version.
    """
    try:
        return Code(object_code, name, others)
    except (RuntimeError, ValueError):
        return None


def _key(text: str, level: int) -> bytes:
    return f"{_kind()}\nlevel {level}\n{text}".encode()


def _others(text: str) -> dict[str, Code]:
    return {other: _shared(other) for other in declared_in(text)}


@functools.cache
def _shared(name: str) -> Code:
    """A function that many programs call, compiled once."""
    return compiled(definition(name), name)


def _whole(text: str, level: int) -> str:
    """What is compiled of a text: itself, or together with the functions that it calls."""
    return with_common_products(text) if level == QUICK else with_definitions(text)


def _write_out(module: Any) -> None:
    """Write functions out where they are called, if they say so."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    tuning = llvm.create_pipeline_tuning_options(speed_level=0)
    passes.run(module, llvm.create_pass_builder(_machine(THOROUGH), tuning))


@functools.cache
def _kind() -> str:
    """What code depends on besides its text: who compiles it, and for which machine."""
    version = ".".join(map(str, llvm.llvm_version_info))
    return "\n".join(
        [
            *(_FORMAT, f"llvmlite {llvmlite.__version__}, LLVM {version}"),
            *(llvm.get_default_triple(), llvm.get_host_cpu_name()),
            llvm.get_host_cpu_features().flatten(),
        ]
    )


@functools.cache
def _machine(level: int) -> Any:
    """The machine that this runs on, with all that it can do."""
    return _target().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=level,
        jit=True,
    )


@functools.lru_cache(maxsize=1)
def _linker(batch: int) -> Any:
    """What puts code into memory, some programs at a time.

    Each keeps a little of what is gone, until all of its code is.
    """
    return llvm.create_lljit_compiler(_target().create_target_machine(jit=True))


@functools.cache
def _target() -> Any:
    """The kind of this machine; what LLVM knows of it is there from now on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()
