"""A table of what a tape recorded: operations, the bytes it keeps, time forward and backward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtape.places import Place
from gradtape.recording import only
from gradtape.sweep import Cotangents
from gradtape.tensor import bare
from gradtape.trace import Step, Trace

__all__ = ["Row", "Summary", "summarize"]

#: How often an operation is run, the best time counting; less often if one run takes LONG seconds.
RUNS = 3
LONG = 0.05
#: How many rows a table shows.
SHOWN = 10


@dataclass
class Row:
    """One operation of one line of the program.

    ``forward`` and ``backward`` are seconds for all its ``calls`` together, or None where it could
    not be run again: it is the user's own code. ``kept`` are the bytes that the tape keeps for it.
    """

    operation: str
    calls: int = 0
    records: int = 0
    kept: int = 0
    forward: float | None = 0.0
    backward: float | None = 0.0
    place: Place | None = None

    @property
    def cost(self) -> float:
        """Forward and backward together, in seconds."""
        return (self.forward or 0.0) + (self.backward or 0.0)

    @property
    def line(self) -> str:
        """Where it stands in the program: file, line and text."""
        return "" if self.place is None else str(self.place)


@dataclass
class Summary:
    """What was recorded; prints as a table of the most costly operations.

    ``rows`` has them all, by operation and line, the most costly first. Times are not those of the
    recording: each operation, and its rule, was run again by itself on the values that the trace
    kept, and the best of up to three runs counts. What the tape and the walk cost beside them is
    not in it.
    """

    rows: list[Row] = field(default_factory=list)

    @property
    def operations(self) -> int:
        """How many operations on tensors there were, recorded by the tape or not."""
        return sum([row.calls for row in self.rows])

    @property
    def records(self) -> int:
        """How many of them the tape recorded."""
        return sum([row.records for row in self.rows])

    @property
    def kept(self) -> int:
        """The bytes of the arrays that the records keep: each once, also where several hold it."""
        return sum([row.kept for row in self.rows])

    @property
    def forward(self) -> float:
        """The seconds that all operations take."""
        return sum([row.forward or 0.0 for row in self.rows])

    @property
    def backward(self) -> float:
        """The seconds that the rules of all records take."""
        return sum([row.backward or 0.0 for row in self.rows])

    def __str__(self) -> str:
        head = ("operation", "calls", "kept", "forward", "backward", "line")
        table = [head, *[_cells(row) for row in self.rows[:SHOWN]]]
        totals = Row("total", self.operations, self.records, self.kept, self.forward, self.backward)
        table.append(_cells(totals))
        widths = [max([len(cells[i]) for cells in table]) for i in range(5)]
        lines = [_joined(cells, widths) for cells in table]
        rule = "-" * max(map(len, lines))
        more = len(self.rows) - SHOWN
        rest = [f"... and {more} more"] if more > 0 else []
        title = f"{self.records} records of {self.operations} operations, {_size(self.kept)} kept"
        return "\n".join([title, rule, lines[0], rule, *lines[1:-1], *rest, rule, lines[-1]])

    __repr__ = __str__


def summarize(tape: Any) -> Summary:
    """The summary of what a tape with a trace recorded: ``tape.summary()``.

    Examples
    --------
    >>> import numpy as np, gradtape as gt
    >>> x = gt.Variable(np.ones(1000))
    >>> with gt.GradientTape(trace=True) as tape:
    ...     y = np.sum(np.exp(x) * x)
    >>> summary = tape.summary()
    >>> summary.records, summary.kept
    (3, 16000)
    >>> sorted([row.operation for row in summary.rows])
    ['exp', 'multiply', 'sum']
    """
    trace: Trace = tape.trace
    records = {_key(record[1]): record for record in trace.records}
    # Walking back once more would run the user's own rules again.
    walked = bool(trace.answers) and not trace.answers[-1].foreign
    cotangents = trace.answers[-1].cotangents() if walked else {}
    held: set[int] = set()
    rows: dict[Any, Row] = {}
    with only(()), np.errstate(all="ignore"):
        for step in trace.steps:
            spot = None if step.place is None else step.place.spot
            row = rows.setdefault((step.name, spot), Row(step.name, place=step.place))
            row.calls += 1
            row.forward = _plus(row.forward, _forward(step))
            record = records.get(_key(step.out_key))
            if record is not None:
                row.records += 1
                row.kept += sum([a.nbytes for a in _new_arrays(record[4], held)])
                row.backward = _plus(row.backward, _backward(step, record, cotangents))
    return Summary(sorted(rows.values(), key=lambda row: -row.cost))


def _key(key: Any) -> Any:
    """The key of a result, or the first of several."""
    return key[0] if type(key) is tuple else key


# Bytes --------------------------------------------------------------------------------------------


def _new_arrays(saved: Any, held: set[int]) -> Iterator[Any]:
    """The arrays among saved values that own their memory and were not met before.

    Of a view it is the array that it shows a part of: that is what stays in memory.
    """
    if isinstance(saved, (tuple, list)):
        for value in saved:
            yield from _new_arrays(value, held)
        return
    array = bare(saved)
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    if isinstance(array, (np.ndarray, np.generic)) and id(array) not in held:
        held.add(id(array))
        yield array


# Time ---------------------------------------------------------------------------------------------


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _best(run: Callable[[], Any]) -> float:
    """The shortest time of a few runs."""
    best = np.inf
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        if best > LONG:
            break
    return float(best)


def _forward(step: Step) -> float | None:
    compute = getattr(step.primitive, "compute", None)
    if compute is None:
        return None
    return _best(lambda: compute(*step.values, *step.params))


def _backward(step: Step, record: Any, cotangents: dict[Any, Any]) -> float | None:
    """The time of a record's rules, from the cotangent that a gradient had there, or from ones."""
    if step.primitive.kind == "user":
        return None
    gs = [_cotangent(out, cotangents.get(key)) for key, out in step.results]
    g = gs if type(step.out_key) is tuple else gs[0]
    if g is None:
        return None
    return _best(lambda: step.primitive.pull(g, record, (), Cotangents()))


def _cotangent(out: Any, found: Any) -> Any:
    if getattr(out, "dtype", None) is None or out.dtype.kind not in "fc":
        return None
    return found if found is not None else np.ones(out.shape, out.dtype)[()]


# The table ----------------------------------------------------------------------------------------


def _cells(row: Row) -> tuple[str, ...]:
    times = [_duration(row.forward), _duration(row.backward) if row.records else "-"]
    return (row.operation, str(row.calls), _size(row.kept), *times, row.line)


def _joined(cells: tuple[str, ...], widths: list[int]) -> str:
    """One line: names to the left, figures to the right."""
    first = cells[0].ljust(widths[0])
    figures = [cell.rjust(width) for cell, width in zip(cells[1:5], widths[1:], strict=True)]
    return "  ".join([first, *figures, cells[5]]).rstrip()


def _size(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count} B"
        count = count / 1000  # type: ignore[assignment]
    return f"{count:.3g} GB"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"
