"""Cases of the functions that act entry by entry."""

from typing import Any

import numpy as np

from gradtape.derivatives import elementwise, primitives
from tests.rules.cases import Case, case, cases

#: Functions of one argument: bounds within which they are smooth, and whether complex is covered.
UNARY: dict[Any, tuple[float, float, bool]] = {
    np.negative: (-2, 2, True),
    np.positive: (-2, 2, True),
    np.reciprocal: (0.3, 2, True),
    np.square: (-2, 2, True),
    np.sqrt: (0.3, 3, True),
    np.cbrt: (0.3, 3, False),
    np.exp: (-2, 2, True),
    np.exp2: (-2, 2, True),
    np.expm1: (-2, 2, True),
    np.log: (0.3, 3, True),
    np.log2: (0.3, 3, True),
    np.log10: (0.3, 3, True),
    np.log1p: (-0.6, 3, True),
    np.sin: (-2, 2, True),
    np.cos: (-2, 2, True),
    np.tan: (-1, 1, True),
    np.arcsin: (-0.8, 0.8, True),
    np.arccos: (-0.8, 0.8, True),
    np.arctan: (-2, 2, True),
    np.sinh: (-2, 2, True),
    np.cosh: (-2, 2, True),
    np.tanh: (-2, 2, True),
    np.arcsinh: (-2, 2, True),
    np.arccosh: (1.3, 3, True),
    np.arctanh: (-0.8, 0.8, True),
    np.deg2rad: (-200, 200, False),
    np.radians: (-200, 200, False),
    np.rad2deg: (-2, 2, False),
    np.degrees: (-2, 2, False),
    np.absolute: (0.3, 2, True),
    np.fabs: (-2, -0.3, False),
    np.sign: (0.3, 2, True),
    np.conjugate: (-2, 2, True),
    np.real: (-2, 2, True),
    np.imag: (-2, 2, True),
    np.angle: (0.3, 2, True),
    primitives.logistic: (-2, 2, True),
    primitives.sech_squared: (-2, 2, True),
    primitives.one_minus_square: (-2, 2, True),
    primitives.relu: (-2, 2, False),
}

#: Functions of two arguments.
BINARY: dict[Any, tuple[float, float, bool]] = {
    np.add: (-2, 2, True),
    np.subtract: (-2, 2, True),
    np.multiply: (-2, 2, True),
    np.true_divide: (0.3, 2, True),
    np.power: (0.3, 2, True),
    np.float_power: (0.3, 2, True),
    np.remainder: (0.3, 2, False),
    np.fmod: (0.3, 2, False),
    np.hypot: (0.3, 2, False),
    primitives.cosine: (0.3, 2, False),
    np.logaddexp: (-2, 2, False),
    np.logaddexp2: (-2, 2, False),
    np.arctan2: (0.3, 2, False),
    np.copysign: (0.3, 2, False),
    np.nextafter: (0.3, 2, False),
    np.maximum: (-2, 2, False),
    np.minimum: (-2, 2, False),
    np.fmax: (-2, 2, False),
    np.fmin: (-2, 2, False),
    np.heaviside: (0.3, 2, False),
}

#: Whether np.clip takes min= and max=, as from NumPy 2.1 on.
NEW = np.lib.NumpyVersion(np.__version__) >= "2.1.0"

#: Shapes that broadcast in every way: as they are, both ways at once, against nothing.
SHAPES = [((2, 3), (2, 3)), ((3, 1), (1, 4)), ((), (3,)), ((2, 1, 2), (3, 1)), ((1,), (1, 1))]


def _unary() -> list[Case]:
    return [
        case(
            key,
            key,
            shape,
            note=f"{len(shape)}d",
            low=low,
            high=high,
            complex_too=complex_,
            # The complex sign is made of a division; ldexp and float_power widen some dtypes.
            exact=key not in (np.sign, np.angle),
        )
        for key, (low, high, complex_) in UNARY.items()
        for shape in ((), (2, 3))
    ]


def _binary() -> list[Case]:
    return [
        case(
            key,
            key,
            *shapes,
            note="-".join(["x".join(map(str, s)) or "0d" for s in shapes]),
            low=low,
            high=high,
            complex_too=complex_,
            dtypes="efdg" if key is not np.float_power else "dg",
        )
        for key, (low, high, complex_) in BINARY.items()
        for shapes in SHAPES
    ]


def _scalars() -> list[Case]:
    """A Python number or a bare array on either side."""
    bare = np.array([1.5, 0.5, 2.0])
    forms: dict[Any, list[Any]] = {
        np.add: [lambda x: x + 2, lambda x: 2.5 + x, lambda x: np.add(x, 1)],
        np.subtract: [lambda x: x - 2, lambda x: 2 - x],
        np.multiply: [
            lambda x: x * 3,
            lambda x: 3 * x,
            lambda x: x * 0,
            lambda x: np.float32(2) * x,
        ],
        np.true_divide: [lambda x: x / 3, lambda x: 3 / x],
        np.power: [
            *[lambda x, n=n: x**n for n in (0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, 2.0, 5)],
            *[lambda x, b=b: b**x for b in (2, 0.5, 1, 10.0)],
            lambda x: np.power(x, 2.5),
            lambda x: np.power(x, np.float32(2)),
            lambda x: np.power(3.0, x),
        ],
        np.float_power: [lambda x: np.float_power(x, 3)],
        np.remainder: [lambda x: x % 2, lambda x: 2 % x],
        np.maximum: [lambda x: np.maximum(x, 1), lambda x: np.maximum(1.0, x)],
        np.minimum: [lambda x: np.minimum(x, 1), lambda x: np.minimum(1.0, x)],
        np.hypot: [lambda x: np.hypot(x, 1)],
        np.arctan2: [lambda x: np.arctan2(x, 1), lambda x: np.arctan2(1, x)],
        np.logaddexp: [lambda x: np.logaddexp(x, 0), lambda x: np.logaddexp(0, x)],
        np.logaddexp2: [lambda x: np.logaddexp2(x, 0)],
        np.copysign: [lambda x: np.copysign(x, -1), lambda x: np.copysign(2, x)],
    }
    real_only = {np.remainder, np.maximum, np.minimum, np.hypot, np.arctan2}
    real_only |= {np.logaddexp, np.logaddexp2, np.copysign}
    made = [
        case(key, f, (3,), note=f"scalar{i}", low=0.3, high=3, complex_too=key not in real_only)
        for key, functions in forms.items()
        for i, f in enumerate(functions)
    ]
    mixed = [
        case(np.multiply, lambda x: x * bare, (2, 1), note="bare-right"),
        case(np.multiply, lambda x: bare * x, (2, 1), note="bare-left"),
        case(np.power, lambda x: x**bare, (3,), note="bare-exponent", low=0.3),
        case(np.power, lambda x: bare**x, (3,), note="bare-base", low=0.3),
        case(np.power, lambda x: x ** np.array([0, 1, 3]), (3,), note="integer-exponents", low=0.3),
        case(np.multiply, lambda x: x * (1 + 2j), (2,), note="complex-number"),
        case(np.power, lambda x: x ** (1 + 2j), (2,), note="complex-exponent", low=0.3),
        case(np.power, lambda x: (1 + 2j) ** x, (2,), note="complex-base", low=0.3),
        case(np.add, lambda x: x + np.arange(3), (3,), note="integers"),
    ]
    return made + mixed


def _choosing() -> list[Case]:
    mask = np.array([[True, False, True], [False, True, False]])
    real: dict[str, Any] = {"complex_too": False}
    return [
        case(np.where, lambda x, y: np.where(mask, x, y), (2, 3), (2, 3), note="both"),
        case(np.where, lambda x, y: np.where(mask, x, y), (2, 1), (3,), note="broadcast"),
        case(np.where, lambda x, y: np.where(mask[0, 0], x, y), (), (), note="0d"),
        case(np.where, lambda x: np.where(mask, x, 0), (2, 3), note="zero"),
        case(np.where, lambda x: np.where(mask, 1, x), (3,), note="one"),
        case(np.where, lambda x: np.where(x > 0, x, x * x), (2, 3), note="own", **real),
        case(np.clip, lambda x, a, b: np.clip(x, a - 2, b + 2), (2, 3), (3,), (2, 1), **real),
        *cases(
            np.clip,
            lambda x: np.clip(x, -1, 1),
            lambda x: np.clip(x, 0.5, None),
            lambda x: np.clip(x, None, 0.5),
            *([lambda x: np.clip(x, min=-1, max=1), lambda x: np.clip(x, min=0.2)] if NEW else []),
            lambda x: np.clip(x, 1, -1),
            lambda x: x.clip(-1, 1),
            **real,
        ),
    ]


def _others() -> list[Case]:
    powers = np.array([1, -2, 3])
    real: dict[str, Any] = {"complex_too": False}
    deg = case(
        np.angle, lambda x: np.angle(x, deg=True), (3,), note="degrees", low=0.3, exact=False
    )
    return [
        case(np.ldexp, lambda x: np.ldexp(x, powers), (2, 3), **real),
        case(np.divmod, lambda x, y: np.divmod(x, y), (2, 3), (3,), low=0.3, **real),
        case(np.divmod, lambda x: divmod(5, x), (3,), note="operator", low=0.3, **real),
        case(np.modf, np.modf, (2, 3), low=0.1, high=0.9, **real),
        case(np.frexp, np.frexp, (2, 3), low=0.55, high=0.95, **real),
        case(elementwise.modulus.name, np.absolute, (3,), note="complex", low=0.3),
        case(np.ndarray.astype, lambda x: x.astype("float64"), (2, 3), note="float64", **real),
        case(np.ndarray.astype, lambda x: x.astype(complex), (3,), note="complex"),
        case(np.astype, lambda x: np.astype(x, complex), (3,), note="function"),
        deg,
    ]


CASES = [*_unary(), *_binary(), *_scalars(), *_choosing(), *_others()]
