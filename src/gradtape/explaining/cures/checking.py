"""Whether a cure holds: it is computed where the program went wrong, with its gradient."""

from __future__ import annotations

import ast
import importlib
from typing import Any

import numpy as np

from gradtape.explaining.cures.repetition import FAILURES, quietly, tape_of
from gradtape.tensor import Tensor, bare
from gradtape.trace import Step

__all__ = ["MODULES", "agrees", "computed", "evaluated"]

#: What the table's expressions call modules, and the modules.
MODULES = {
    "np": "numpy",
    "special": "scipy.special",
    "smooth": "gradtape.scipy.special",
    "tf": "gradtape.tf",
}

#: How often steps are repeated, the first time without other roundings.
_RUNS = 6


def evaluated(
    expression: ast.expr, operands: dict[str, Any], tracked: set[str], *, tf: bool, masks: bool
) -> tuple[Any, dict[str, Any]] | None:
    """An expression's value and its gradients by the tracked operands; None where it fails.

    ``tf`` and ``masks`` say on which tape: the user's own kind.
    """
    tape_class, variable = tape_of(masks and not tf)
    with quietly():
        try:
            names = {name: variable(v) if name in tracked else v for name, v in operands.items()}
            with tape_class() as tape:
                result = computed(expression, names)
            if not isinstance(result, Tensor):
                return None
            sources = sorted(tracked)
            found = tape.gradient(result, [names[s] for s in sources])
        except FAILURES:
            return None
    gradients = {s: bare(g) for s, g in zip(sources, found, strict=True) if g is not None}
    return bare(result), gradients


def computed(expression: ast.expr, names: dict[str, Any]) -> Any:
    """An expression of the table's, with values for its names."""
    code = compile(ast.fix_missing_locations(ast.Expression(expression)), "<cure>", "eval")
    used = {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)}
    modules = {n: importlib.import_module(MODULES[n]) for n in used & MODULES.keys()}
    return eval(code, {**modules, **names})


def agrees(stable: Any, steps: list[Step], out_key: Any, unstable: Any) -> bool:
    """Whether a cure's value is what some steps gave, wherever that can be known.

    The steps are repeated in their own precision and in long double, each several times with
    roundings of another kind: what they then differ by is what their result is worth (J. Vignes,
    "A stochastic arithmetic for reliable scientific computation", Math. Comput. Simul. 35 (1993)).
    Where long double gives a number, that counts: it overflows and vanishes later.
    """
    new, old = np.asarray(stable), np.asarray(unstable)
    if new.shape != old.shape or new.dtype.kind not in "fc" or not np.all(np.isfinite(new)):
        return False
    steps = sorted(steps, key=lambda step: step.number)
    wrong = np.zeros(new.shape, np.bool_)
    for longer in (False, True):
        runs = [_repeated(steps, out_key, longer, seed) for seed in range(_RUNS)]
        if any([run is None for run in runs]):
            continue
        values = np.stack(runs)
        with np.errstate(all="ignore"):
            spread = np.max(np.abs(values - values[0]), axis=0)
            far = np.abs(new - values[0]) > _allowed(new, values[0], old.dtype) + 8 * spread
        wrong = np.where(np.isfinite(values[0]), far, wrong)
    return not np.any(wrong)


def _allowed(new: Any, known: Any, dtype: Any) -> Any:
    """How far a value may be from the known one: half its digits, and where it vanishes."""
    eps = np.finfo(dtype if dtype.kind in "fc" else np.float64).eps
    sizes = np.maximum(np.abs(new), np.abs(known))
    return np.sqrt(eps) * sizes + np.finfo(new.dtype).tiny


def _repeated(steps: list[Step], out_key: Any, longer: bool, seed: int) -> Any:
    """What some steps give with other roundings; None where they cannot be repeated."""
    known: dict[Any, Any] = {}
    signs = np.random.default_rng(seed)
    with quietly():
        for step in steps:
            inputs = [
                known[key] if key in known else _longer(value) if longer else value
                for key, value in zip(step.keys, step.values, strict=True)
            ]
            try:
                moves = step.name == "astype"
                out = inputs[0] if moves else step.primitive.compute(*inputs, *step.params)
                out = np.asarray(out)
                if seed and out.dtype.kind in "fc":
                    shift = signs.uniform(-4, 4, out.shape) * np.finfo(out.dtype).eps
                    out = out * (1 + shift.astype(out.real.dtype))
            except FAILURES:
                return None
            known[step.out_key] = out[()]
    return known.get(out_key)


def _longer(value: Any) -> Any:
    array = np.asarray(value)
    return array.astype(np.longdouble)[()] if array.dtype.kind == "f" else value
