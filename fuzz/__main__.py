"""``python -m fuzz``: derivatives of random programs, computed in every way and compared."""

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fuzz import check, draw, peers, traced
from fuzz.check import DOUBLE, Disagreement, UnfitError
from fuzz.programs import Program
from fuzz.shrink import smallest
from tests.rules import tools

DESCRIPTION = """\
Draw random programs of NumPy functions; compute their derivatives by a tape, by forward mode, by
nested tapes and by differences, by a traced program on each engine, and some by JAX (under its
jit), TensorFlow and PyTorch where installed. What disagrees is made small and printed as a program.
The same seed draws the same programs."""

PEERS = ["jax", "tensorflow", "torch"]


@dataclass
class Tally:
    """What a run has met so far."""

    programs: int = 0
    judged: int = 0
    unfit: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    disagreements: dict[str, Program] = field(default_factory=dict)

    def report(self) -> str:
        """A few lines for the end."""
        lines = [f"{self.programs} programs drawn, {self.judged} judged"]
        lines += [f"  with {name}: {n}" for name, n in sorted(self.compared.items())]
        lines += [f"  left out, {why}: {n}" for why, n in self.unfit.most_common()]
        if self.without:
            names = [f"{name} ({n})" for name, n in self.without.most_common()]
            lines.append(f"  without a rule: {', '.join(names)}")
        lines.append(f"{len(self.disagreements)} disagreements")
        return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """Return the command line's definition."""
    result = argparse.ArgumentParser(prog="python -m fuzz", description=DESCRIPTION)
    result.add_argument("--seed", type=int, default=0, help="of the first program (default 0)")
    result.add_argument("--programs", metavar="N", type=int, default=500, help="default 500")
    result.add_argument(
        "--minutes", metavar="M", type=float, default=10.0, help="stop after them (default 10)"
    )
    result.add_argument(
        "--length", metavar="N", type=int, default=6, help="lines of a program (default 6)"
    )
    result.add_argument(
        "--cases",
        metavar="SHARE",
        type=float,
        default=0.35,
        help="share of the lines that call a function as a test does (default 0.35)",
    )
    result.add_argument(
        "--peers",
        nargs="*",
        choices=PEERS,
        default=PEERS,
        help="libraries to compare one program in four with, where installed (default: all)",
    )
    result.add_argument(
        "--engines",
        nargs="*",
        choices=traced.ENGINES,
        default=traced.ENGINES,
        help="engines that run each program traced (default: all that are installed)",
    )
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where two ways disagree."""
    options = parser().parse_args(arguments)
    found = peers.installed(options.peers)
    tally = Tally()
    warnings.simplefilter("ignore")  # of complex values made real, of empty means
    end = time.monotonic() + 60 * options.minutes
    for seed in range(options.seed, options.seed + options.programs):
        if time.monotonic() > end:
            break
        run(seed, options.length, found, tally, options.cases, options.engines)
    print(tally.report())
    return 1 if tally.disagreements else 0


def run(
    seed: int,
    length: int,
    found: dict[str, peers.Gradients],
    tally: Tally,
    cases: float = 0.35,
    engines: Sequence[str] = (),
) -> None:
    """Draw one program and judge it."""
    compared = bool(found) and seed % 4 == 0
    share = min(cases, 0.1) if compared else cases  # the peers have few of the functions
    program = draw.program(np.random.default_rng(seed), length, tally.without, share)
    tally.programs += 1
    if not program.steps:
        tally.unfit["nothing drawn"] += 1
        return
    for fails in _judges(seed, found if compared else {}, tally, engines):
        outcome = _outcome(program, fails, tally)
        if outcome is None:
            return
        if isinstance(outcome, Disagreement):
            _tell(seed, program, fails, outcome, tally)
            return
    tally.judged += 1


def _judges(
    seed: int, found: dict[str, peers.Gradients], tally: Tally, engines: Sequence[str]
) -> list[Any]:
    """What a program is put to: our own ways, and at times the peers'."""
    made: list[Any] = [lambda p: check.disagreement(p, second=seed % 3 == 0, whole=seed % 2 == 0)]
    made += [lambda p, e=e: _with_engine(e, p, tally) for e in engines]
    made += [lambda p, n=n, g=g: _with_peer(n, g, p, tally) for n, g in found.items()]
    return made


def _outcome(program: Program, judge: Any, tally: Tally) -> Disagreement | bool | None:
    """The disagreement, False where there is none, None where the program cannot be judged."""
    try:
        return judge(program) or False
    except UnfitError as error:
        tally.unfit[str(error)] += 1
        return None
    except Exception as error:
        return Disagreement(f"an error: {type(error).__name__}", "none", str(error))


def _with_engine(engine: str, program: Program, tally: Tally) -> Disagreement | None:
    """The eager call and a program of it."""
    try:
        found = traced.disagreement(program, [engine])
    except UnfitError as error:
        tally.unfit[str(error)] += 1
        return None
    tally.compared[f"{engine} engine"] += 1
    return found


def _with_peer(
    name: str, gradients: peers.Gradients, program: Program, tally: Tally
) -> Disagreement | None:
    """Our gradient and a peer's, of the program in double precision."""
    wrong = peers.WRONG_AT_ZERO.get(name, ())
    if not all([step.smooth and not step.text.startswith(wrong) for step in program.steps]):
        return None
    exact = program.cast(DOUBLE)
    ws = tools.weights(exact.function(), exact.inputs)
    try:
        values, theirs = gradients(exact, ws)
    except Exception:
        tally.unfit[f"{name} cannot"] += 1
        return None
    if check.close("value", exact.function()(*exact.inputs), values):
        tally.unfit[f"{name} means something else"] += 1
        return None
    tally.compared[name] += 1
    ours = tools.gradient(exact.function(), ws)(*exact.inputs)
    return check.close(f"{name} and the tape", theirs, ours, 1e-7)


def _tell(seed: int, program: Program, judge: Any, first: Disagreement, tally: Tally) -> None:
    """Make the program small and print it."""

    def fails(candidate: Program) -> bool:
        with np.errstate(all="ignore"), draw.no_part_lost():
            try:
                candidate.function()(*candidate.inputs)
            except Exception:  # no program any more
                return False
        try:
            outcome = judge(candidate)
        except UnfitError:
            return False
        except Exception as error:
            return first.kind == f"an error: {type(error).__name__}"
        return outcome is not None and outcome.kind == first.kind

    small = smallest(program, fails)
    outcome = _outcome(small, judge, Tally())
    shown = outcome if isinstance(outcome, Disagreement) else first
    alike = shown.kind + re.sub(r"[\d.]+", "#", "".join([step.text for step in small.steps]))
    if alike in tally.disagreements:
        return
    tally.disagreements[alike] = small
    text = small.script()
    print(f"Seed {seed}: {shown.kind} disagree")
    print(f"  expected {shown.expected}\n  actual   {shown.actual}\n")
    print("\n".join([f"    {line}" for line in text.splitlines()]), end="\n\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
