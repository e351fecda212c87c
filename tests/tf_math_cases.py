"""Calls of the functions of ``tf.math`` that most programs do not need, for tf_cases."""

import numpy as np

from tests.tf_cases import ALONE, FACTS, M, P, Q, U, V, calls, named

named("math.lgamma math.digamma", P)
named("math.erfinv", U)
named("math.erfcinv", [0.2, 0.7, 1.3])
named("math.ndtri", [0.2, 0.4, 0.8])
named(
    "math.bessel_i0 math.bessel_i0e math.bessel_i1 math.bessel_i1e math.special.bessel_i0 "
    "math.special.bessel_i0e math.special.bessel_i1 math.special.bessel_i1e "
    "math.special.bessel_j0 math.special.bessel_j1 math.special.dawsn math.special.fresnel_cos "
    "math.special.fresnel_sin",
    [-2.5, -1.0, -0.3, 0.4, 1.1, 3.7],
)
named(
    "math.special.bessel_k0 math.special.bessel_k0e math.special.bessel_k1 "
    "math.special.bessel_k1e math.special.bessel_y0 math.special.bessel_y1 math.special.expint "
    "math.special.spence",
    [0.4, 1.3, 2.0, 5.0],
)
named("math.lbeta", [[0.5, 1.0, 2.5], [3.0, 0.7, 1.2]])
named("math.reciprocal_no_nan math.cumulative_logsumexp", V)
named("realdiv truncatemod", V, [1.0, 2.0, -1.7, 3.0, -0.5, 0.2])

IDS = [0, 0, 1, 3]
ROWS = [[1.0, 2.0], [3.0, -4.0], [0.5, 0.1], [2.2, 7.0]]
for word in ["sum", "mean", "prod", "max", "min"]:
    calls(
        {
            f"math.segment_{word}": (
                lambda tf, x, word=word: getattr(tf.math, f"segment_{word}")(x, IDS),
                ROWS,
            )
        }
    )
for word in ["sum", "mean", "prod", "max", "min", "sqrt_n"]:
    calls(
        {
            f"math.unsorted_segment_{word}": (
                lambda tf, x, word=word: getattr(tf.math, f"unsorted_segment_{word}")(
                    x, [1, 0, -1, 1], 2
                ),
                ROWS,
            ),
            f"math.unsorted_segment_{word} entries": (
                lambda tf, x, word=word: getattr(tf.math, f"unsorted_segment_{word}")(
                    x, [[1, 0], [0, 1], [1, 1], [0, 0]], 2
                ),
                ROWS,
            ),
        }
    )
calls(
    {
        "math.igamma": (lambda tf, a, x: tf.math.igamma(a, x), Q, P),
        "math.igammac": (lambda tf, a, x: tf.math.igammac(a, x), Q, P),
        "math.polygamma": (lambda tf, x: tf.math.polygamma(tf.ones_like(x) * 2.0, x), P),
        "math.zeta": (lambda tf, q: tf.math.zeta(tf.ones_like(q) * 2.5, q), P),
        "math.betainc": (
            lambda tf, x: tf.math.betainc(tf.ones_like(x) * 1.5, tf.ones_like(x) * 0.7, x),
            [0.1, 0.4, 0.9],
        ),
        "math.cumulative_logsumexp axis": (
            lambda tf, x: tf.math.cumulative_logsumexp(x, axis=1, reverse=True),
            M,
        ),
        "math.cumulative_logsumexp exclusive": (
            lambda tf, x: tf.math.cumulative_logsumexp(x, axis=1, exclusive=True)[:, 1:],
            M,
        ),
        "math.polyval": (lambda tf, c, x: tf.math.polyval([c[0], c[1], c[2]], x), P[:3], V),
        "math.accumulate_n": (lambda tf, x, y: tf.math.accumulate_n([x, y]), P, Q),
        "math.scalar_mul": (lambda tf, a, x: tf.math.scalar_mul(a, x), 3.0, V),
        "math.bincount": (
            lambda tf, w: tf.math.bincount([3, 1, 1, 0, 7], weights=w, maxlength=5),
            [1.0, 2.0, 3.0, 4.0, 5.0],
        ),
    }
)
ALONE |= dict.fromkeys(["math.bincount", "truncatemod"], "TensorFlow has no derivative of it")

FACTS.update(
    {
        "confusion_matrix": (
            lambda tf: tf.math.confusion_matrix([0, 1, 2, 1], [0, 2, 2, 1], num_classes=4),
            [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]],
        ),
        "confusion_matrix weights": (
            lambda tf: tf.math.confusion_matrix([0, 1], [0, 1], weights=[2, 3]),
            [[2, 0], [0, 3]],
        ),
        "bincount": (lambda tf: tf.math.bincount([3, 1, 1, 0]), [1, 2, 0, 1]),
        "bincount minlength": (lambda tf: tf.math.bincount([1], minlength=4), [0, 1, 0, 0]),
        "in_top_k": (
            lambda tf: tf.math.in_top_k([0, 1, 0], [[0.1, 0.9], [0.5, 0.5], [np.nan, 1.0]], 1),
            [False, True, False],
        ),
        "invert_permutation": (lambda tf: tf.math.invert_permutation([2, 0, 1]), [1, 2, 0]),
        "is_non_decreasing": (lambda tf: tf.math.is_non_decreasing([1.0, 1.0, 2.0]), True),
        "is_strictly_increasing": (lambda tf: tf.math.is_strictly_increasing([1.0, 1.0]), False),
        "nextafter": (
            lambda tf: tf.math.nextafter(tf.constant([1.0], tf.float64), [2.0]),
            [1.0 + 2.0**-52],
        ),
        "zero_fraction": (lambda tf: tf.math.zero_fraction([0.0, 1.0, 0.0, 2.0]), 0.5),
        "truncatediv": (lambda tf: tf.truncatediv([-7, 7], [2, -2]), [-3, -3]),
        "truncatemod of integers": (lambda tf: tf.truncatemod([-7, 7], [2, -2]), [-1, 1]),
        "segment_max empty": (lambda tf: tf.math.segment_max([1.0, 2.0], [0, 2]), [1.0, 0.0, 2.0]),
        "segment_prod empty": (
            lambda tf: tf.math.segment_prod([3.0, 2.0], [0, 2]),
            [3.0, 1.0, 2.0],
        ),
        "unsorted_segment_max of integers": (
            lambda tf: tf.math.unsorted_segment_max([1, 2, 5], [0, 2, 2], 3),
            [1, -(2**31), 5],
        ),
        "lgamma poles": (lambda tf: tf.math.lgamma([0.0, 1.0, 2.0]), [np.inf, 0.0, 0.0]),
        "reciprocal_no_nan at 0": (
            lambda tf: tf.math.reciprocal_no_nan([0.0, 2.0, np.inf]),
            [0.0, 0.5, 0.0],
        ),
    }
)

calls(
    {
        "math.bincount rows": (
            lambda tf, w: tf.math.bincount([[1, 1], [0, 7]], weights=w, maxlength=3, axis=-1),
            [[1.0, 2.0], [3.0, 4.0]],
        ),
    }
)
ALONE["math.bincount rows"] = ALONE["math.bincount"]
FACTS["bincount of rows"] = (
    lambda tf: tf.math.bincount([[1, 1], [0, 2]], axis=-1, binary_output=True),
    [[0, 1, 0], [1, 0, 1]],
)
FACTS["atan2 by name"] = (lambda tf: tf.atan2(y=[0.0], x=[-1.0]), [float(np.float32(np.pi))])
FACTS["zeta by name"] = (lambda tf: tf.math.zeta(q=[1.0], x=[1e9]), [1.0])
