"""``python -m benchmarks``: time gradtape, hand-written NumPy and every installed peer."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.compiled import COMPILED
from benchmarks.peers import installed
from benchmarks.timing import DisagreementError, keep_freed_memory, time_first_calls, time_workload
from benchmarks.workloads import WORKLOADS

DESCRIPTION = """\
Time gradtape against hand-written NumPy and whichever of PyTorch, TensorFlow, JAX,
HIPS autograd and MyGrad are installed, on the same float32 data, taking turns. All
answers are compared before they are timed. Prints a Markdown table."""

#: How many first calls of each are timed; the shortest counts.
FIRST_CALLS = 3

WORKLOAD_LIST = "\n".join(
    [
        *["workloads:", *[f"  {w.name:14}  {w.title}" for w in WORKLOADS]],
        *["with --compiled:", *[f"  {w.name:14}  {w.title}" for w in COMPILED]],
    ]
)


def parser() -> argparse.ArgumentParser:
    """Return the command line's definition."""
    result = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        epilog=WORKLOAD_LIST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        choices=[workload.name for workload in (*WORKLOADS, *COMPILED)],
        help="run this workload alone; may be given several times",
    )
    result.add_argument(
        "--rounds",
        metavar="N",
        type=_positive,
        default=30,
        help="samples per library and workload (default 30; fewer where they would take over 30 s)",
    )
    result.add_argument(
        "--smoke",
        action="store_true",
        help="two rounds, without the 100×100 Jacobian: shows that everything runs, in seconds",
    )
    result.add_argument(
        "--compiled",
        action="store_true",
        help="gradtape.function beside jax.jit, on the compiled workloads; and their first calls",
    )
    result.add_argument(
        "--json", metavar="FILE", type=Path, help="also write all figures to FILE, in seconds"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where a library's answer is not the others'."""
    command = parser()
    options = command.parse_args(arguments)
    if options.json is not None and not options.json.absolute().parent.is_dir():
        command.error(f"argument --json: no folder {options.json.absolute().parent}")
    offered = COMPILED if options.compiled else WORKLOADS
    chosen = [w for w in offered if options.only is None or w.name in options.only]
    if options.smoke and options.only is None:
        chosen = [w for w in chosen if w.smoke]
    os.environ["GRADTAPE_CACHE"] = "off"  # a first call is one that nobody made before
    peers = installed(options.compiled)
    print(report.header(peers, keep_freed_memory()), end="\n\n")
    results = {}
    for number, workload in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {workload.name}", file=sys.stderr)
        try:
            results[workload] = time_workload(
                peers, workload, 2 if options.smoke else options.rounds
            )
        except DisagreementError as error:
            print(f"Nothing timed: {error}", file=sys.stderr)
            return 1
    print(report.table(peers, results))
    if options.compiled:
        rounds = 1 if options.smoke else FIRST_CALLS
        first = {w: time_first_calls(peers, w, rounds) for w in chosen}
        print("\n" + report.first_calls(peers, first))
    if options.json is not None:
        text = json.dumps(report.as_json(peers, results), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _positive(text: str) -> int:
    """Read a whole number above 0, for argparse."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
