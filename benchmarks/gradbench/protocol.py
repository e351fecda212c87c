"""GradBench's protocol: a line of JSON comes in, a line of JSON goes out.

A message has an ``id``, which its response repeats, and a ``kind``. To ``define`` a module is to
ask whether there is one; to ``evaluate`` is to run one of its functions on an input, so many times
and for so long as the input says, and to answer with the output and each run's time. Everything
else is answered with the ``id`` alone, and ``end`` ends the session.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from benchmarks.gradbench import evals
from benchmarks.gradbench.inputs import InputError

#: What makes a program of a function: nothing, or ``gt.function``.
Compiler = Callable[[Callable[..., Any]], Callable[..., Any]]


class UnknownError(Exception):
    """A message asks for a module or a function that is not here."""


def responses(
    lines: Iterable[str], compiled: Compiler, config: dict[str, Any] | None = None
) -> Iterator[str]:
    """The responses to messages, until they end."""
    for line in lines:
        if not line.strip():
            continue
        message = parsed(line)
        response = {"id": message.get("id"), **answer(message, compiled, config or {})}
        yield json.dumps(response)
        if message.get("kind") == "end":
            return


def parsed(line: str) -> dict[str, Any]:
    """A line as a message; one that is none has an ``error`` instead of a ``kind``."""
    try:
        message = json.loads(line)
    except ValueError as error:
        return {"error": f"a message is not JSON: {error}: {line.strip()[:80]!r}"}
    if not isinstance(message, dict):
        return {"error": f"a message must be a JSON object, not {line.strip()[:80]!r}"}
    missing = [name for name in ("id", "kind") if name not in message]
    if missing:
        return {**message, "kind": None, "error": f"a message has no {missing[0]!r}"}
    return message


def answer(message: dict[str, Any], compiled: Compiler, config: dict[str, Any]) -> dict[str, Any]:
    """The response to a message, but for its ``id``."""
    kind = message.get("kind")
    if kind is None:
        return failure(message["error"])
    if kind == "start":
        return {"tool": "gradtape", "config": config}
    if kind not in ("define", "evaluate"):
        return {}
    try:
        functions = module(message)
        return {"success": True} if kind == "define" else evaluated(message, functions, compiled)
    except (UnknownError, InputError) as error:
        return failure(str(error))
    except Exception:  # whatever goes wrong is the response, and the session goes on
        return failure(traceback.format_exc())


def failure(error: str) -> dict[str, Any]:
    return {"success": False, "error": error}


def module(message: dict[str, Any]) -> dict[str, Any]:
    """The functions of the module that a message names."""
    name = message.get("module")
    if name not in evals.NAMES:
        raise UnknownError(f"unknown module {name!r}; there are {', '.join(evals.NAMES)}")
    return evals.functions(name)


def evaluated(
    message: dict[str, Any], functions: dict[str, Any], compiled: Compiler
) -> dict[str, Any]:
    """The output and the times of a function."""
    name = message.get("function")
    if name not in functions:
        raise UnknownError(
            f"unknown function {name!r} of module {message['module']!r}; "
            f"there are {', '.join(functions)}"
        )
    given = message.get("input")
    runs, seconds = asked(given)
    function, arguments, finish = functions[name](given, compiled)
    times: list[int] = []
    spent = 0
    while not times or len(times) < runs or spent < seconds * 1e9:
        start = time.perf_counter_ns()
        output = function(*arguments)
        times.append(time.perf_counter_ns() - start)
        spent += times[-1]
    output = plain(finish(output))
    try:
        json.dumps(output, allow_nan=False)
    except ValueError:
        return failure("the output is not finite, and JSON has no NaN or infinity")
    timings = [{"name": "evaluate", "nanoseconds": ns} for ns in times]
    return {"success": True, "output": output, "timings": timings}


def asked(given: Any) -> tuple[float, float]:
    """How often and how long an input asks to run: once where it does not say."""
    counts = []
    for name, otherwise in (("min_runs", 1), ("min_seconds", 0)):
        count = given.get(name, otherwise) if isinstance(given, dict) else otherwise
        if isinstance(count, bool) or not isinstance(count, (int, float)) or not 0 <= count < 1e9:
            raise InputError(f"{name} must be a number from 0 on, not {count!r}")
        counts.append(count)
    return counts[0], counts[1]


def plain(value: Any) -> Any:
    """A nest of arrays and numbers as what JSON knows."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
