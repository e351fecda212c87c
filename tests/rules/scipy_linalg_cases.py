"""Cases of the primitives behind ``gradtape.scipy.linalg``."""

import importlib.util
from typing import Any

import numpy as np

from tests.rules.cases import Case, case
from tests.rules.linalg_cases import graded, positive, regular, text

FD: dict[str, Any] = {"dtypes": "fd", "exact": False}
#: SciPy's logarithm takes milliseconds, and loses half the digits of single precision.
SLOW: dict[str, Any] = {"dtypes": "d", "exact": False, "complex_too": False}


def _cases() -> list[Case]:
    from gradtape.scipy import _matrix_rules as rules

    shapes: list[Any] = [((3, 3), (3, 2)), ((2, 3, 3), (3, 1)), ((2, 2), (2, 2, 1))]
    return [
        *[
            case(
                rules.orthonormal.name,
                lambda x: rules.orthonormal(regular(x)),
                shape,
                note=text(shape),
                **FD,
            )
            for shape in ((3, 3), (3, 2), (2, 3, 3), (2, 3, 2))
        ],
        *[
            case(
                rules.triangular.name,
                lambda a, b, o=options: rules.triangular(
                    regular(a), b, trans=o[0], lower=o[1], unit=o[2]
                ),
                *pair,
                note=f"{''.join(str(int(o)) for o in options)}-{text(pair[0])}",
                **FD,
            )
            for options in ((0, True, False), (1, False, False), (2, True, True), (0, False, True))
            for pair in shapes
            if pair is shapes[0] or options[0] == 1
        ],
        *[
            case(
                rules.lower_upper.name,
                lambda x: rules.lower_upper(regular(x)),
                shape,
                note=text(shape),
                **FD,
            )
            for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 3), (2, 3, 2))
        ],
        *[
            case(
                rules.sylvester.name,
                lambda a, b, q: rules.sylvester(regular(a), regular(b), q),
                *((*stack, 2, 2), (3, 3), shape),
                note=f"{text(shape)}-{text(stack)}",
                **FD,
            )
            for stack, shape in (((), (2, 3)), ((), (2, 2, 3)), ((2,), (2, 3)), ((2, 1), (3, 2, 3)))
        ],
        *[
            case(f.name, lambda x, f=f: f(_far_from_the_cut(x)), shape, note=text(shape), **FD)
            for f in (rules.exponential, rules.square_root)
            for shape in ((3, 3), (2, 2, 2))
        ],
        *[
            case(f"{f.name}.along", lambda x, f=f: _squared(f(positive(x))), (2, 2), **options)
            for f, options in (
                (rules.exponential, FD),
                (rules.square_root, FD),
                (rules.logarithm, SLOW),
            )
        ],
    ]


def _squared(x: Any) -> Any:
    return x @ x


def _far_from_the_cut(x: Any) -> Any:
    return graded(x) * 0.3 + np.eye(x.shape[-1], dtype=x.dtype)


CASES: list[Case] = _cases() if importlib.util.find_spec("scipy") is not None else []
