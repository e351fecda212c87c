"""What a case is: a function of bare arrays, arguments for it, and what it covers.

Every argument of a case is differentiable; what is not (an index, an axis) is closed over. The
arguments of one case are all different and evenly spread, so that no finite difference crosses a
kink.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

FLOATS = "efdg"


@dataclass(frozen=True)
class Case:
    """One function under test with its arguments.

    Attributes
    ----------
    key : what it covers: a NumPy function, a (ufunc, method) pair, or a primitive's name.
    label : its name among the tests.
    function : takes arrays or tensors; gives one, or a tuple or list of them.
    arguments : float64 arrays.
    complex_too : whether it is differentiable at complex arguments.
    exact : whether the value is bit for bit NumPy's own (else to a few units in the last place).
    dtypes : the characters of the float dtypes that NumPy's function takes. Without ``g``, extended
        precision, its differences are taken in double precision, and compared less closely.
    """

    key: Any
    label: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    complex_too: bool
    exact: bool
    dtypes: str

    @property
    def numbers(self) -> str:
        """The dtypes in which derivatives are compared with differences."""
        return "dD" if self.complex_too else "d"

    @property
    def extended(self) -> bool:
        """Whether it takes extended precision."""
        return "g" in self.dtypes

    @property
    def every_dtype(self) -> str:
        """The dtypes that it takes."""
        return self.dtypes + ("FD" if self.complex_too else "")

    def at(self, dtype: str) -> tuple[Any, ...]:
        """The arguments in a dtype; complex ones get an imaginary part."""
        if dtype not in "FD":
            return tuple([np.asarray(a).astype(dtype)[()] for a in self.arguments])
        turned = np.exp(0.7j)
        return tuple([np.asarray(a * turned).astype(dtype)[()] for a in self.arguments])


def spread(label: str, shapes: tuple[Any, ...], low: float, high: float) -> tuple[Any, ...]:
    """Arrays of the given shapes whose entries are all different, in an order set by the label."""
    random = np.random.default_rng(zlib.crc32(label.encode()))
    sizes = [int(np.prod(shape)) for shape in shapes]
    n = sum(sizes)
    jitter = random.uniform(0.3, 0.7, n)
    values = low + (high - low) * (random.permutation(n) + jitter) / max(n, 1)
    parts = np.split(values, np.cumsum(sizes)[:-1])
    return tuple([p.reshape(shape)[()] for p, shape in zip(parts, shapes, strict=True)])


def case(
    key: Any,
    function: Callable[..., Any],
    *shapes: Any,
    note: str = "",
    low: float = -2.0,
    high: float = 2.0,
    complex_too: bool = True,
    exact: bool = True,
    dtypes: str = FLOATS,
) -> Case:
    """A case at arguments of the given shapes, between two bounds."""
    label = f"{name(key)}{'-' if note else ''}{note}"
    arguments = spread(label, shapes, low, high)
    return Case(key, label, function, arguments, complex_too, exact, dtypes)


def cases(
    key: Any, *forms: Callable[..., Any], shape: Any = (2, 3), note: str = "form", **options: Any
) -> list[Case]:
    """One case for each way of calling a function of one array."""
    return [case(key, form, shape, note=f"{note}{i}", **options) for i, form in enumerate(forms)]


def name(key: Any) -> str:
    """A readable name of what a case covers."""
    if isinstance(key, tuple):
        return f"{key[0].__name__}.{key[1]}"
    for attribute in ("__qualname__", "__name__", "name"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)
