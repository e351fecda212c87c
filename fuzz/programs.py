"""What a program is: inputs, lines of NumPy code that each make one value, and outputs.

The lines are text, so that one program runs under NumPy, under a tape and under other libraries'
``numpy`` alike, and prints as what a person would write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from fuzz import ways

Arrays = tuple[Any, ...]


@dataclass(frozen=True)
class Step:
    """One line: an expression with ``{0}``, ``{1}`` for earlier values, given by their numbers.

    Attributes
    ----------
    text : the expression.
    uses : the numbers of the values that it takes; the inputs are the first numbers.
    smooth : whether every branch of it is smooth there, as other libraries need it.
    """

    text: str
    uses: tuple[int, ...]
    smooth: bool = True


@dataclass(frozen=True)
class Program:
    """Inputs, steps, and the numbers of the values that it returns."""

    inputs: Arrays
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def lines(self) -> list[str]:
        """The body of the function."""
        count = len(self.inputs)
        made = [
            f"v{count + i} = {step.text.format(*[f'v{u}' for u in step.uses])}"
            for i, step in enumerate(self.steps)
        ]
        return [*made, f"return [{', '.join([f'v{o}' for o in self.outputs])}]"]

    def source(self) -> str:
        """The function, as code."""
        names = ", ".join([f"v{i}" for i in range(len(self.inputs))])
        return f"def f({names}):\n" + "".join([f"    {line}\n" for line in self.lines()])

    def function(self, numpy: Any = np) -> Callable[..., list[Any]]:
        """The function itself, over NumPy or what stands in for it."""
        return _compiled(self.source(), numpy)

    def cast(self, to: dict[str, Any]) -> Program:
        """The program with inputs in other dtypes, given by the kind of theirs."""
        inputs = tuple([np.asarray(x).astype(to[x.dtype.kind])[()] for x in self.inputs])
        return replace(self, inputs=inputs)

    def pruned(self) -> Program:
        """The program without inputs and steps that no output needs."""
        count = len(self.inputs)
        needed = set(self.outputs)
        for i in range(len(self.steps) - 1, -1, -1):
            if count + i in needed:
                needed.update(self.steps[i].uses)
        kept = sorted(needed)
        number = {old: new for new, old in enumerate(kept)}
        return Program(
            tuple([self.inputs[i] for i in kept if i < count]),
            tuple(
                [
                    replace(step, uses=tuple([number[u] for u in step.uses]))
                    for i, step in enumerate(self.steps)
                    if count + i in needed
                ]
            ),
            tuple([number[o] for o in self.outputs]),
        )

    def script(self) -> str:
        """A whole program that prints the gradients of the sum of the outputs."""
        helpers = "case_of" in self.source()
        imports = ["import numpy as np", "", "import gradtape as gt"]
        if helpers:
            imports += ["from fuzz.ways import case_of, leaf, near  # run it where fuzz/ is"]
        inputs = [f"v{i} = gt.constant({literal(x)})" for i, x in enumerate(self.inputs)]
        names = ", ".join([f"v{i}" for i in range(len(self.inputs))])
        return "\n".join(
            [
                *imports,
                "",
                self.source(),
                *inputs,
                "with gt.GradientTape() as tape:",
                f"    tape.watch([{names}])",
                f"    out = f({names})",
                f"print(tape.gradient(out, [{names}]))",
            ]
        )


def literal(x: Any) -> str:
    """An array as code."""
    with np.printoptions(threshold=10**6, floatmode="unique"):
        text = repr(np.asarray(x).tolist())
    return f"np.array({text}, {str(np.asarray(x).dtype)!r})"


@lru_cache(maxsize=512)
def _compiled(source: str, numpy: Any) -> Callable[..., list[Any]]:
    namespace = {"np": numpy, **ways.helpers(numpy)}
    exec(compile(source, "<program>", "exec"), namespace)
    return namespace["f"]  # type: ignore[no-any-return]
