"""Functions about places where decimals or whole numbers gave them, in twice the precision.

What takes a millisecond is needed at a place only, and once; from there Taylor's series goes on for
all numbers nearby, as exactly as zeros need. A place has few bits, so that the distance to it is
not rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from gradtape.derivatives.special_pairs import horner

__all__ = ["TERMS", "about_places", "for_each", "high_and_low"]

#: Terms of the series, and how many of them have twice the precision.
TERMS, _EXACT = 26, 12


def for_each(function: Callable[..., Any], *keys: Any) -> Any:
    """What a costly function gives for each of the different keys, its arrays side by side."""
    different, which = np.unique(np.stack(keys), axis=1, return_inverse=True)
    rows = [function(*[float(k) for k in key]) for key in different.T]
    return np.stack(rows, axis=-1)[..., which.ravel()]


def high_and_low(numbers: list[list[Decimal]]) -> Any:
    """Decimals as sums of two floats, which stand along the first axis."""
    high = np.array(numbers, float)
    rest = [
        [exact - Decimal(near) for exact, near in zip(*rows, strict=True)]
        for rows in zip(numbers, high.tolist(), strict=True)
    ]
    return np.stack([high, np.array(rest, float)])


def about_places(
    coefficients: Callable[..., Any], part: int, keys: tuple[Any, ...], x: Any, place: Any
) -> Any:
    """The series at x, about the place of each.

    Parameters
    ----------
    coefficients : gives those of several functions, high and low, from keys and a place; it should
        remember them.
    part : which of the functions.
    keys, x, place : arrays of one axis.
    """
    high, low = for_each(coefficients, *keys, place)[:, part]
    t = x - place
    rest = np.zeros(x.shape)
    for c in high[: _EXACT - 1 : -1]:
        rest = c + t * rest
    exact = np.concatenate([high[:_EXACT], rest[None]]), np.concatenate([low[:_EXACT], 0 * t[None]])
    return horner(exact, (t, 0.0))[0]
