"""Run a program, take its cure, put that in the program's place, and run it again."""

import itertools
import linecache
import warnings
from typing import Any

import numpy as np
import scipy.special

import gradtape as gt
import gradtape.tf as tf
from gradtape.explaining.cures import Cure, find_cure
from gradtape.trace import Step

_COUNT = itertools.count()
_SILENT = {"positive", "astype"}


class Program:
    """Lines that compute ``y`` from ``x``, and the gradient that they have."""

    def __init__(self, source: str, x: Any, *, like_tf: bool = False, source_known: bool = True):
        self.source, self.x, self.like_tf = source, x, like_tf
        self.name = f"<program {next(_COUNT)}>"
        if source_known:
            lines = [f"{line}\n" for line in source.split("\n")]
            linecache.cache[self.name] = (len(source), None, lines, self.name)
        self.namespace: dict[str, Any] = {"np": np, "gt": gt, "scipy": scipy}
        tape_class, variable = gt.GradientTape, gt.Variable
        if like_tf:
            self.namespace = {"np": np, "tf": tf}
            tape_class, variable = tf.GradientTape, tf.Variable
        self.namespace["x"] = variable(x)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            with tape_class(trace=True) as tape:
                exec(compile(source, self.name, "exec"), self.namespace)
            self.y = self.namespace["y"].array
            self.gradient = tape.gradient(self.namespace["y"], self.namespace["x"]).array
        self.trace: Any = tape.trace
        self.key = self.namespace["x"].key

    def bad_step(self) -> Step:
        """The first operation at which something is not finite."""
        for step in self.trace.steps:
            if step.name not in _SILENT and not np.all(np.isfinite(step.out)):
                return step
        cotangents = self.trace.answers[-1].cotangents()
        for step in reversed(self.trace.steps):
            if step.name in _SILENT:
                continue
            for key in step.keys:
                if key in cotangents and not np.all(np.isfinite(cotangents[key])):
                    return step
        raise AssertionError("nothing is wrong with this program")

    def cure(self, operation: str = "") -> Cure | None:
        """The cure of the first bad operation, or of the first of a name."""
        if operation:
            step = next(step for step in self.trace.steps if step.name == operation)
        else:
            step = self.bad_step()
        cotangents = self.trace.answers[-1].cotangents()
        return find_cure(self.trace, step, "", cotangents, self.key)

    def cured(self, cure: Cure) -> "Program":
        """The program with the cure's line in place of its own."""
        assert cure.place is not None
        first, last = (cure.place.span or (cure.place.line,) * 2)[:2]
        lines = self.source.split("\n")
        old = lines[first - 1]
        indentation = old[: len(old) - len(old.lstrip())]
        lines[first - 1 : last] = [indentation + cure.after]
        return Program("\n".join([*cure.imports, *lines]), self.x, like_tf=self.like_tf)


def cured(source: str, x: Any, expected: str, operation: str = "", **options: Any) -> Program:
    """The program after its cure, which must be the expected expression."""
    program = Program(source, x, **options)
    cure = program.cure(operation)
    assert cure is not None, f"{source}: no cure"
    assert cure.expression == expected
    assert expected in cure.after
    assert cure.before in source
    assert cure.why
    assert "%" not in cure.why
    after = program.cured(cure)
    assert np.all(np.isfinite(after.y))
    assert np.all(np.isfinite(after.gradient))
    return after
