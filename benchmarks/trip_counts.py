"""``python -m benchmarks.trip_counts``: a loop whose number of trips changes from call to call.

Newton's square root takes 4 to 28 trips, depending on the argument: one number, and a vector of
1,000. Its value, and the gradient. Prints the processor time of the first two calls with a number
of trips that is new (tracing, and compiling what is new), of a call with another known number than
the call before, of a call with the same one, and of the plain function; means over the numbers of
trips. With ``--apart``, each number of trips is a program of its own.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import gradtape as gt
from gradtape.programs import function as programs

KNOWN, ROUNDS, STEADY_CALLS = 8, 5, 100


def root(a: Any) -> Any:
    """The sum of square roots."""
    x = step = a
    while np.max(abs(step) / x) > 1e-10:
        step = (x - a / x) / 2
        x = x - step
    return np.sum(x)


def number(a: Any) -> Any:
    """A square root."""
    x = step = a
    while abs(step) > 1e-10 * x:
        step = (x - a / x) / 2
        x = x - step
    return x


CASES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "a number": (number, np.float64(1.0)),
    "a number, gradient": (lambda a: gt.grad(number)(a), np.float64(1.0)),
    "1,000 numbers": (root, np.linspace(1.0, 2.0, 1000)),
    "1,000 numbers, gradient": (lambda a: gt.grad(root)(a), np.linspace(1.0, 2.0, 1000)),
}


def main() -> None:
    """Print the table."""
    if "--apart" in sys.argv[1:]:
        programs.FEW = programs.FEW_OF_NUMBERS = programs.MOST_PROGRAMS
    warnings.simplefilter("ignore")  # of many traces
    print(f"{'':24}{'':8}{'new, ms':>10}{'known, µs':>12}{'same, µs':>12}{'plain, µs':>12}")
    for name, (f, base) in CASES.items():
        arguments = [4.0**k * base for k in range(23)]
        plain = _mean([_shortest(f, a) for a in arguments])
        for engine in ("numpy", "llvm"):
            traced = gt.function(f, engine=engine)
            new, known, same = _times(traced, arguments)
            cells = f"{1e3 * new:10.1f}{1e6 * known:12.1f}{1e6 * same:12.1f}{1e6 * plain:12.1f}"
            print(f"{name:24}{engine:8}{cells}", flush=True)


def _times(f: Any, arguments: list[Any]) -> tuple[float, float, float]:
    for a in arguments[:KNOWN]:
        f(a), f(a)
    new = []
    for a in arguments[KNOWN:]:
        start = time.process_time()
        f(a), f(a)
        new.append(time.process_time() - start)
    known = _shortest(lambda: [f(a) for a in arguments]) / len(arguments)
    same = []
    for a in arguments[KNOWN:]:
        for _ in range(STEADY_CALLS):
            f(a)
        same.append(_shortest(f, a))
    return _mean(new), known, _mean(same)


def _shortest(f: Callable[..., Any], *args: Any) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        f(*args)
        times.append(time.perf_counter() - start)
    return min(times)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
