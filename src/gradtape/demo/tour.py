"""The tour: every cell of the notebook run here, shown, and compared with what the notebook shows.

Beside each NaN stands what gradtape's NumPy face answers, and beside the notebook's finite
differences how often its function ran for them and for the tape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.demo.screen import Screen
from gradtape.notebook import CELLS, Cell, Session
from gradtape.operators.gradients import grad

__all__ = ["REMARKS", "Counted", "Remark", "compare", "run_tour"]

#: The cells that approximate the two derivatives of f, the cells that take them from a tape, and
#: the cell that defines f.
DIFFERENCES, TAPE, DEFINITION = (5, 6), (7, 8), 4


@dataclass(frozen=True, slots=True)
class Remark:
    """Code for gradtape's NumPy face, to stand beside a cell, and why it answers as it does."""

    code: str
    en: str
    zh: str


#: By the number of the cell that they follow; they share a namespace.
REMARKS: dict[int, tuple[Remark, ...]] = {
    22: (
        Remark(
            """\
import gradtape as gt
x = gt.Variable(100., dtype='float32')
with gt.GradientTape() as tape:
    z = np.log(np.exp(x) + 1)

z, tape.gradient(z, x)""",
            "NaN here too, and rightly: exp(100) is too large for float32, so z itself is already "
            "infinite. A slope of a value that was lost would be a guess.",
            "这里同样是NaN，而且理应如此：exp(100)超出float32的范围，z本身已经是无穷大；"
            "为已经丢失的值给出斜率只能是猜测。",
        ),
        Remark(
            """\
with gt.GradientTape() as tape:
    z = np.logaddexp(x, 0)

z, tape.gradient(z, x)""",
            "The same function, log(exp(x) + exp(0)), in NumPy's stable form: nothing overflows, "
            "and the derivative is right.",
            "同一个函数log(exp(x) + exp(0))，用NumPy的稳定形式：没有溢出，导数正确。",
        ),
    ),
    23: (
        Remark(
            """\
x = gt.Variable([100.], dtype='float32')
with gt.GradientTape(persistent=True) as tape:
    z = np.log(np.exp(x) + 1)
    stable = np.logaddexp(x, 0)

tape.gradient(z, x), tape.gradient(stable, x)""",
            "The same for a vector: NaN where the forward value overflowed, 1 by the stable form.",
            "向量也一样：前向值溢出时为NaN，稳定形式为1。",
        ),
    ),
    25: (
        Remark(
            """\
x = gt.Variable([1000.], dtype='float32')
with gt.GradientTape() as tape:
    z = np.where(x > 30, x, np.log(np.exp(x) + 1))

z, tape.gradient(z, x)""",
            "1, not NaN: np.where takes x here, so log(exp(x) + 1) is a dead branch. TensorFlow "
            "sends 0 back through it, and 0 times infinity is NaN; gradtape knows that nothing "
            "came out of that branch, and sends nothing back.",
            "是1而不是NaN：np.where在这里取x，log(exp(x) + 1)是死分支。TensorFlow让0沿死分支反传，"
            "而0乘无穷大是NaN；gradtape知道该分支没有输出，于是什么也不反传。",
        ),
    ),
}


class Counted:
    """A function that counts how often it was called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        self.calls += 1
        return self.function(*args, **kwargs)


def run_tour(screen: Screen, cells: Sequence[Cell] = CELLS) -> bool:
    """Run and show the cells; whether all of them show what the notebook shows."""
    session, beside = Session(), Session({"np": np})
    calls: dict[int, int] = {}
    shown: dict[int, str] = {}
    same: set[int] = set()
    for cell in cells:
        screen.heading(
            f"[{cell.number:>2}/{len(cells)}] {screen.pick(cell.heading_en, cell.heading_zh)}"
        )
        screen.code(cell.code)
        before = _calls_of_f(session)
        shown[cell.number] = _run(session, cell)
        calls[cell.number] = _calls_of_f(session) - before
        if cell.number == DEFINITION and callable(session.namespace.get("f")):
            session.namespace["f"] = Counted(session.namespace["f"])
        if _show_comparison(screen, cell, shown[cell.number]):
            same.add(cell.number)
        if cell.number == TAPE[-1] and same.issuperset(DIFFERENCES + TAPE):
            _show_evaluations(screen, session, calls, shown)
        for remark in REMARKS.get(cell.number, ()):
            _show_remark(screen, beside, remark)
    screen.line()
    complete = len(same) == len(cells)
    screen.say(
        f"{len(same)} of {len(cells)} cells show what the notebook shows",
        f"{len(cells)}个单元中有{len(same)}个与笔记本显示的一致",
        "bold green" if complete else "bold red",
    )
    return complete


def _run(session: Session, cell: Cell | str) -> str:
    """What a cell shows; for one that fails, the error's last line, as a notebook ends."""
    try:
        return session.run(cell)
    except Exception as error:  # whatever it is, the tour shows it and counts the cell as different
        return f"{type(error).__name__}: {error}"


def _calls_of_f(session: Session) -> int:
    """How often the notebook's f ran so far, once it is counted."""
    f = session.namespace.get("f")
    return f.calls if isinstance(f, Counted) else 0


def _show_comparison(screen: Screen, cell: Cell, shown: str) -> bool:
    """Show what a cell showed, and whether the notebook shows it too."""
    screen.shown(shown)
    if shown == cell.shown:
        nothing = screen.pick("runs, and shows nothing", "运行，不显示任何内容")
        same = screen.pick("as in the notebook", "与笔记本一致")
        text = same if shown else f"{nothing}{screen.pick(', ', '，')}{same}"
        screen.say(f"✓ {text}", f"✓ {text}", "green", indent=2)
        return True
    screen.say("✗ the notebook shows:", "✗ 笔记本显示：", "red", indent=2)
    screen.shown(cell.shown or screen.pick("(nothing)", "（无）"))
    return False


def _show_remark(screen: Screen, session: Session, remark: Remark) -> None:
    """Show what gradtape's NumPy face answers, and why."""
    screen.line()
    screen.say("With import gradtape as gt:", "使用import gradtape as gt：", "italic", 2)
    screen.code(remark.code, 6)
    with np.errstate(all="ignore"):  # the overflow is what is being shown
        screen.shown(_run(session, remark.code), 6)
    screen.say(remark.en, remark.zh, indent=6)


def _show_evaluations(
    screen: Screen, session: Session, calls: dict[int, int], shown: dict[int, str]
) -> None:
    """Show how many evaluations finite differences took, and how many the tape."""
    screen.line()
    screen.say("Finite differences beside the tape:", "有限差分与tape的对比：", "italic", 2)
    answers = [str(gradient.item()) for gradient in session.namespace.get("gradients", ())]
    screen.table(
        ("", screen.pick("calls of f", "f的调用次数"), "df/dw1", "df/dw2"),
        (
            (
                screen.pick("differences", "有限差分"),
                str(sum([calls[n] for n in DIFFERENCES])),
                *[shown[n] for n in DIFFERENCES],
            ),
            ("tape", str(sum([calls[n] for n in TAPE])), *answers),
        ),
        indent=6,
    )
    size = 1000
    by_differences, by_tape = compare(size)
    screen.say(
        f"Calls of log(sum(exp(w))) for {size:,} parameters: {by_differences.calls:,} for "
        f"differences, off by up to {by_differences.error:.0e} of the derivative; "
        f"{by_tape.calls:,} for the tape, off by {by_tape.error:.0e}.",
        f"对于{size:,}个参数的log(sum(exp(w)))，有限差分调用{by_differences.calls:,}次，"
        f"相对误差最大{by_differences.error:.0e}；tape调用{by_tape.calls:,}次，"
        f"相对误差{by_tape.error:.0e}。",
        indent=6,
    )


@dataclass(frozen=True, slots=True)
class Effort:
    """What a gradient took: calls of the function, and the largest relative error."""

    calls: int
    error: float


def compare(size: int, eps: float = 1e-6) -> tuple[Effort, Effort]:
    """The gradient of log(sum(exp(w))) in `size` variables, by differences and by a tape.

    Its exact gradient is exp(w) / sum(exp(w)).

    Examples
    --------
    >>> by_differences, by_tape = compare(10)
    >>> by_differences.calls, by_tape.calls
    (11, 1)
    """
    w = np.linspace(0.0, 1.0, size)
    exact = np.exp(w) / np.sum(np.exp(w))
    f = Counted(_log_sum_exp)
    value = f(w)
    moved = [f(w + eps * (np.arange(size) == i)) for i in range(size)]
    differences = (np.array(moved) - value) / eps
    g = Counted(_log_sum_exp)
    by_tape = grad(g)(w)
    return (
        Effort(f.calls, float(np.max(np.abs(differences / exact - 1)))),
        Effort(g.calls, float(np.max(np.abs(by_tape / exact - 1)))),
    )


def _log_sum_exp(w: Any) -> Any:
    return np.log(np.sum(np.exp(w)))
