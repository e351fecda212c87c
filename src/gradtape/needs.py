"""What a rule names is what is kept for it: compiling rules against the values of a call.

The names come from a closed set, checked when the rule is registered: the array arguments, ``out``,
``x_shape`` for an argument ``x``, the static parameters of the primitive, and ``batch``, the extra
leading axes of a cotangent or tangent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

__all__ = ["Named", "Rule", "compiled", "keepers", "needed", "over", "parameters", "plans"]


class Rule(NamedTuple):
    """A rule's function and what picks its arguments out of the values of a call.

    ``pick`` is None for a constant partial, which then stands in ``function``; ``function`` is None
    for a partial that is a kept value itself, which ``pick`` then gives. ``divides``: what comes
    out is the reciprocal of the partial.
    """

    function: Any
    pick: Callable[[tuple[Any, ...]], Any] | None
    needs: frozenset[int]
    divides: bool = False


# Plain classes: to make data classes of them would take a tenth of the import.


class over:  # noqa: N801  (reads as a word in the tables)
    """A partial derivative given by its reciprocal: one rounding and one pass fewer."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any] | str) -> None:
        self.function = function


class Named:
    """A rule whose parameters (after the cotangent or tangent) have the given names."""

    __slots__ = ("function", "names")

    def __init__(self, function: Callable[..., Any], names: tuple[str, ...]) -> None:
        self.function, self.names = function, names


def parameters(function: Any) -> tuple[str, ...]:
    """The names of a function's positional parameters."""
    code = function.__code__  # inspect.signature says the same, a hundred times slower
    return code.co_varnames[: code.co_argcount]  # type: ignore[no-any-return]


def compiled(owner: str, rule: Any, layout: Sequence[str], skip: int = 0) -> Rule | None:
    """A rule ready to be called on the values that ``layout`` names.

    ``skip`` leaves out its first parameters (the cotangent or tangent).
    """
    if rule is None:
        return None
    divides = isinstance(rule, over)
    if isinstance(rule, over):
        rule = rule.function
    if isinstance(rule, (int, float)):
        return Rule(rule, None, frozenset())
    if isinstance(rule, str):
        position = layout.index(rule)
        return Rule(None, itemgetter(position), frozenset([position]), divides)
    if isinstance(rule, Named):
        rule, names = rule.function, rule.names
    else:
        names = parameters(rule)[skip:]
    for name in names:
        if name not in layout:
            raise TypeError(
                f"the rule of {owner} names {name!r}, which is none of {', '.join(layout)}"
            )
    positions = [layout.index(name) for name in names]
    return Rule(rule, _picker(positions), frozenset(positions), divides)


def plans(rules: Sequence[Rule | None]) -> list[tuple[tuple[int, Any, Any, bool], ...]]:
    """Per set of tracked inputs (a bit mask): (input, function, pick, divides) of its rules."""
    return [
        tuple([(i, rule.function, rule.pick, rule.divides) for i, rule in chosen])
        for chosen in _chosen(rules)
    ]


def needed(rules: Sequence[Rule | None]) -> list[frozenset[int]]:
    """Per set of tracked inputs: the positions of the values that its rules name."""
    return [frozenset().union(*[rule.needs for _, rule in chosen]) for chosen in _chosen(rules)]


def _chosen(rules: Sequence[Rule | None]) -> list[list[tuple[int, Rule]]]:
    """Per set of tracked inputs: the inputs that have a rule, and the rules."""
    present = [(i, rule) for i, rule in enumerate(rules) if rule is not None]
    return [[(i, r) for i, r in present if mask >> i & 1] for mask in range(1 << len(rules))]


def keepers(need: Sequence[frozenset[int]], size: int) -> tuple[Any, ...]:
    """Per set of tracked inputs: what picks the values to keep out of ``(*values, None)``.

    Where nothing is to be kept: what is kept instead, a tuple of None.
    """
    return tuple(
        [
            _picker([i if i in n else size for i in range(size)]) if n else (None,) * size
            for n in need
        ]
    )


def _picker(positions: Sequence[int]) -> Callable[[Any], tuple[Any, ...]]:
    """An itemgetter that always answers a tuple."""
    if len(positions) == 1:
        return itemgetter(slice(positions[0], positions[0] + 1))
    return itemgetter(*positions) if positions else itemgetter(slice(0, 0))
