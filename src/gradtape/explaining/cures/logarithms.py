"""Cures of logarithms of what overflows or vanishes."""

from __future__ import annotations

from gradtape.explaining.cures.entry import entry

__all__ = ["LOGARITHMS"]

LOGARITHMS = (
    entry(
        "log(prod(x))",
        "np.sum(np.log(x), axis=AXIS, keepdims=KEEP)",
        "a product of many factors overflows or vanishes although the sum of their logarithms is "
        "harmless",
        tf="tf.reduce_sum(tf.math.log(x), axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "power(prod(x), c)",
        "np.exp(c * np.sum(np.log(x), axis=AXIS, keepdims=KEEP))",
        "a product of many factors overflows or vanishes although its root is harmless; with "
        "logarithms it is a sum",
        tf="tf.exp(c * tf.reduce_sum(tf.math.log(x), axis=AXIS, keepdims=KEEP))",
    ),
    entry(
        "log(det(a)); log(abs(det(a)))",
        "np.linalg.slogdet(a)[1]",
        "a determinant overflows or vanishes early although its logarithm is harmless; %s "
        "computes that directly",
        tf="tf.linalg.slogdet(a)[1]",
    ),
    entry(
        "log(gamma(a) / gamma(b))",
        "special.gammaln(a) - special.gammaln(b)",
        "gamma overflows beyond 171 although its logarithm is harmless; gammaln computes that "
        "directly",
        tf="tf.math.lgamma(a) - tf.math.lgamma(b)",
    ),
    entry(
        "log(gamma(x))",
        "special.gammaln(x)",
        "gamma overflows beyond 171 although its logarithm is harmless; %s computes that directly",
        tf="tf.math.lgamma(x)",
    ),
    entry(
        "gamma(a) / gamma(b)",
        "np.exp(special.gammaln(a) - special.gammaln(b))",
        "gamma overflows beyond 171 although the ratio is harmless; the difference of the "
        "logarithms does not overflow",
        tf="tf.exp(tf.math.lgamma(a) - tf.math.lgamma(b))",
    ),
    entry(
        "log(beta(a, b))",
        "special.betaln(a, b)",
        "the beta function vanishes early although its logarithm is harmless; %s computes that "
        "directly",
    ),
    entry(
        "log(ndtr(x))",
        "special.log_ndtr(x)",
        "the normal distribution's tail vanishes although its logarithm is harmless; %s computes "
        "that directly",
    ),
    entry(
        "log(0.5 * (1 + erf(u))); log((1 + erf(u)) / 2); log(0.5 * erfc(-u)); log(erfc(-u) / 2)",
        "special.log_ndtr(np.sqrt(2) * u)",
        "the normal distribution's tail vanishes although its logarithm is harmless; %s computes "
        "that directly",
    ),
    entry(
        "log(erfc(x)); log(1 - erf(x)); log1p(-erf(x))",
        "special.log_ndtr(-np.sqrt(2) * x) + np.log(2)",
        "erfc vanishes (1 - erf cancels) although its logarithm is harmless; the normal "
        "distribution's log_ndtr is the same but for its scale",
    ),
    entry(
        "1 - erf(x)",
        "special.erfc(x)",
        "erf rounds to 1, and the subtraction cancels all digits; %s is 1 - erf computed directly",
        tf="tf.math.erfc(x)",
    ),
    entry(
        "1 + erf(x)",
        "special.erfc(-x)",
        "erf rounds to -1, and the sum cancels all digits; %s is 1 - erf computed directly",
        tf="tf.math.erfc(-x)",
    ),
    entry(
        "1 - ndtr(x)",
        "special.ndtr(-x)",
        "the distribution rounds to 1, and the subtraction cancels all digits; by symmetry it is "
        "the other tail",
    ),
    entry(
        "exp(square(x)) * erfc(x)",
        "special.erfcx(x)",
        "the exponential overflows where erfc vanishes, and their product is harmless; %s is that",
    ),
    entry(
        "log(i0(x))",
        "np.log(special.i0e(x)) + np.abs(x)",
        "the Bessel function overflows although its logarithm is harmless; i0e is scaled by "
        "exp(-abs(x))",
    ),
    entry(
        "log(iv(v, x))",
        "np.log(special.ive(v, x)) + np.abs(x)",
        "the Bessel function overflows although its logarithm is harmless; ive is scaled by "
        "exp(-abs(x))",
    ),
    entry(
        "log(kv(v, x))",
        "np.log(special.kve(v, x)) - x",
        "the Bessel function vanishes although its logarithm is harmless; kve is scaled by exp(x)",
    ),
    entry(
        "log(square(x))",
        "2 * np.log(np.abs(x))",
        "the square overflows or vanishes although its logarithm is harmless",
        tf="2 * tf.math.log(tf.abs(x))",
    ),
    entry(
        "log(power(x, y))",
        "y * np.log(x)",
        "the power overflows or vanishes although its logarithm is harmless",
        tf="y * tf.math.log(x)",
    ),
    entry(
        "log(x * y)",
        "np.log(x) + np.log(y)",
        "the product overflows or vanishes although the sum of the logarithms is harmless",
        tf="tf.math.log(x) + tf.math.log(y)",
    ),
    entry(
        "log(x / y)",
        "np.log(x) - np.log(y)",
        "the quotient overflows or vanishes although the difference of the logarithms is harmless",
        tf="tf.math.log(x) - tf.math.log(y)",
    ),
)
