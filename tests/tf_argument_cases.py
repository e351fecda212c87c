"""Calls with a tensor for each argument, for tf_cases: none may lose its gradient."""

from tests.tf_cases import ALONE, M, P, V, calls

FILLING = "TensorFlow has no derivative by what fills up"

calls(
    {
        "range by its ends": (lambda tf, a, d: tf.range(a, 3.3, d), 1.0, 0.5),
        "one_hot by its values": (
            lambda tf, on, off: tf.one_hot([0, 2, -1], 3, on, off, dtype=on.dtype),
            2.0,
            3.0,
        ),
        "pad by its value": (
            lambda tf, x, v: tf.pad(x, [[1, 2], [0, 1]], constant_values=v),
            M,
            3.0,
        ),
        "signal.frame by its value": (
            lambda tf, x, v: tf.signal.frame(x, 4, 3, pad_end=True, pad_value=v),
            V,
            3.0,
        ),
        "linalg.diag by its value": (
            lambda tf, x, v: tf.linalg.diag(x, k=1, padding_value=v),
            V,
            7.0,
        ),
        "linalg.diag_part by its value": (
            lambda tf, x, v: tf.linalg.diag_part(x, k=(0, 1), padding_value=v),
            M,
            7.0,
        ),
        "math.betainc by its parameters": (
            lambda tf, a, b, x: tf.math.betainc(a, b, x),
            [1.5, 0.7, 3.0],
            [0.7, 2.0, 1.0],
            [0.1, 0.4, 0.9],
        ),
        "math.zeta by its exponent": (
            lambda tf, x, q: tf.math.zeta(x, q),
            [1.5, 2.0, 4.0],
            [0.7, 3.0, 1.2],
        ),
        "math.confusion_matrix by its weights": (
            lambda tf, w: tf.math.confusion_matrix([0, 1, 1], [0, 2, 2], weights=w, dtype=w.dtype),
            [0.5, 2.0, 3.0],
        ),
        "signal.kaiser_window by beta": (
            lambda tf, b: tf.signal.kaiser_window(5, b, dtype=b.dtype),
            3.0,
        ),
        "signal.kaiser_bessel_derived_window by beta": (
            lambda tf, b: tf.signal.kaiser_bessel_derived_window(6, b, dtype=b.dtype),
            3.0,
        ),
        "signal.inverse_stft_window_fn by the window": (
            lambda tf, w: tf.signal.inverse_stft_window_fn(2, lambda n, dtype: w)(
                w.shape[0], dtype=w.dtype
            ),
            P,
        ),
        "linalg.lstsq by its regularizer": (
            lambda tf, a, b, w: tf.linalg.lstsq(a, b, l2_regularizer=w),
            [[1.0, 2.0], [3.0, -4.0], [0.5, 0.1]],
            [[1.0], [2.0], [-1.0]],
            0.3,
        ),
        "clip_by_norm by the norm": (lambda tf, x, n: tf.clip_by_norm(x, n), V, 0.7),
        "nn.silu by beta": (lambda tf, x, b: tf.nn.silu(x, b), V, 0.7),
    }
)
ALONE |= dict.fromkeys(
    [
        "pad by its value",
        "signal.frame by its value",
        "linalg.diag by its value",
        "linalg.diag_part by its value",
    ],
    FILLING,
)
ALONE |= dict.fromkeys(
    [
        "range by its ends",
        "one_hot by its values",
        "math.betainc by its parameters",
        "math.zeta by its exponent",
    ],
    "TensorFlow has no derivative by this argument",
)
