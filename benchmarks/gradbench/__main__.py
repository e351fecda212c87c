"""``python -m benchmarks.gradbench``: GradBench's messages in, gradtape's responses out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.gradbench import evals, samples
from benchmarks.gradbench.protocol import Compiler, responses

ENGINES = ("eager", "best", "numpy", "llvm")


def compiler(engine: str) -> Compiler:
    """What makes programs of functions by an engine."""
    if engine == "eager":
        return lambda f: f
    try:
        from gradtape.programs.function import function
    except ImportError as error:
        raise SystemExit(
            f"--engine {engine}: there is no gradtape.function here: {error}"
        ) from None
    chosen = None if engine == "best" else engine

    def compiled(f: Callable[..., Any]) -> Callable[..., Any]:
        program: Callable[..., Any] = function(f, engine=chosen)
        return program

    return compiled


def main(arguments: Sequence[str] | None = None) -> int:
    command = argparse.ArgumentParser(prog="python -m benchmarks.gradbench", description=__doc__)
    command.add_argument(
        "--engine",
        choices=ENGINES,
        default="eager",
        help="eager records each run; the others trace a function once and run it as a program",
    )
    command.add_argument(
        "--sample",
        nargs="*",
        choices=evals.NAMES,
        metavar="EVAL",
        help="print messages with small inputs (of all evals if none is named) instead",
    )
    options = command.parse_args(arguments)
    try:
        if options.sample is not None:
            lines = samples.messages(options.sample or evals.NAMES)
        else:
            lines = responses(sys.stdin, compiler(options.engine), {"engine": options.engine})
        for line in lines:
            print(line, flush=True)
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
