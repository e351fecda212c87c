"""Cures of subtractions that cancel digits."""

from __future__ import annotations

from gradtape.explaining.cures.entry import entry

__all__ = ["CANCELLATION"]

CANCELLATION = (
    entry(
        "log(1 + x)",
        "np.log1p(x)",
        "1 + x rounds away the digits of a small x; %s keeps them",
        tf="tf.math.log1p(x)",
    ),
    entry(
        "log(1 - x)",
        "np.log1p(-x)",
        "1 - x rounds away the digits of a small x; %s keeps them",
        tf="tf.math.log1p(-x)",
    ),
    entry(
        "exp(x) - 1",
        "np.expm1(x)",
        "for a small x the subtraction cancels the digits of exp(x) - 1; %s keeps them",
        tf="tf.math.expm1(x)",
    ),
    entry(
        "1 - exp(x)",
        "-np.expm1(x)",
        "for a small x the subtraction cancels the digits of 1 - exp(x); %s keeps them",
        tf="-tf.math.expm1(x)",
    ),
    entry(
        "(exp(x) - exp(-x)) / 2; 0.5 * (exp(x) - exp(-x))",
        "np.sinh(x)",
        "for a small x the exponentials cancel; %s is the same without a subtraction",
        tf="tf.sinh(x)",
    ),
    entry(
        "power(1 + x, y) - 1",
        "np.expm1(y * np.log1p(x))",
        "for a small x the subtraction cancels the digits; log1p and expm1 keep them",
        tf="tf.math.expm1(y * tf.math.log1p(x))",
    ),
    entry(
        "(1 - cos(x)) / square(x)",
        "np.sinc(x / (2 * np.pi))**2 / 2",
        "at 0 this is 0/0, though its limit is 1/2, and near 0 the subtraction cancels all digits; "
        "sinc(x / pi) is sin(x) / x, also at 0",
    ),
    entry(
        "1 - cos(x)",
        "2 * np.sin(x / 2)**2",
        "for a small x the subtraction cancels all digits; 2 sin(x/2)**2 is the same without it",
        tf="2 * tf.sin(x / 2)**2",
    ),
    entry(
        "sqrt(1 + x) - 1",
        "x / (np.sqrt(1 + x) + 1)",
        "for a small x the subtraction cancels all digits; multiplied by sqrt(1 + x) + 1 above and "
        "below it is gone",
        tf="x / (tf.sqrt(1 + x) + 1)",
    ),
    entry(
        "1 - sqrt(1 - x)",
        "x / (1 + np.sqrt(1 - x))",
        "for a small x the subtraction cancels all digits; multiplied by 1 + sqrt(1 - x) above and "
        "below it is gone",
        tf="x / (1 + tf.sqrt(1 - x))",
    ),
    entry(
        "sqrt(1 + x) - sqrt(x)",
        "1 / (np.sqrt(1 + x) + np.sqrt(x))",
        "for a large x the subtraction cancels all digits; multiplied by the sum of the roots "
        "above and below it is gone",
        tf="1 / (tf.sqrt(1 + x) + tf.sqrt(x))",
    ),
    entry(
        "log(1 - square(tanh(x)))",
        "2 * (np.log(2) - np.logaddexp(x, -x))",
        "tanh rounds to 1 for large arguments, and the logarithm of 1 - tanh(x)**2 is then "
        "infinite; it is -2 log(cosh(x)), which logaddexp computes without overflow",
    ),
    entry(
        "1 - square(tanh(x))",
        "1 / np.cosh(x)**2; 4 * special.expit(2 * x) * special.expit(-2 * x)",
        "tanh rounds to 1 for large arguments, and 1 - tanh(x)**2 cancels; 1/cosh(x)**2 is the "
        "same without a subtraction",
        tf="1 / tf.cosh(x)**2; 4 * tf.math.sigmoid(2 * x) * tf.math.sigmoid(-2 * x)",
    ),
    entry(
        "1 - tanh(x)",
        "2 * special.expit(-2 * x)",
        "tanh rounds to 1 for large arguments, and the subtraction cancels all digits; %s of the "
        "double argument is the same without it",
        tf="2 * tf.math.sigmoid(-2 * x)",
    ),
    entry(
        "mean(square(x)) - square(mean(x))",
        "np.var(x, axis=AXIS, keepdims=KEEP)",
        "the two means agree in all digits where x varies little; %s subtracts the mean first",
        tf="tf.math.reduce_variance(x, axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "square(a) - square(b)",
        "(a - b) * (a + b)",
        "the squares lose the digits in which a and b differ; the difference itself keeps them",
    ),
    entry(
        "log((1 + x) / (1 - x)); log(1 + x) - log(1 - x)",
        "2 * np.arctanh(x)",
        "1 + x and 1 - x round away the digits of a small x; arctanh keeps them",
        tf="2 * tf.atanh(x)",
    ),
    entry(
        "log(x + sqrt(1 + square(x)))",
        "np.arcsinh(x)",
        "x + sqrt(x**2 + 1) cancels for a negative x and overflows for large ones; %s is the same",
        tf="tf.asinh(x)",
    ),
    entry(
        "log(x + sqrt(square(x) - 1))",
        "np.arccosh(x)",
        "the square overflows although the logarithm is harmless; %s is the same",
        tf="tf.acosh(x)",
    ),
)
