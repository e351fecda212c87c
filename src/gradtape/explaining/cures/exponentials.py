"""Cures of exponentials that overflow or vanish where what is made of them does not."""

from __future__ import annotations

from gradtape.explaining.cures.entry import entry

__all__ = ["EXPONENTIALS", "LOGARITHMS_OF_EXPONENTIALS"]

LOGARITHMS_OF_EXPONENTIALS = (
    entry(
        "log(1 + exp(z)); log1p(exp(z))",
        "np.logaddexp(z, 0)",
        "exp overflows for large arguments although its logarithm is harmless; %s never forms the "
        "exponential itself",
        tf="tf.math.softplus(z)",
    ),
    entry(
        "log(exp(a) + exp(b))",
        "np.logaddexp(a, b)",
        "each exponential overflows (or vanishes) although the logarithm of their sum is harmless; "
        "%s takes the larger one out first",
    ),
    entry(
        "log(exp(a) + exp(b) + exp(c)); log(exp(a) + (exp(b) + exp(c)))",
        "np.logaddexp(np.logaddexp(a, b), c)",
        "each exponential overflows (or vanishes) although the logarithm of their sum is harmless; "
        "%s takes the largest one out first",
    ),
    entry(
        "log(1 + exp(a) + exp(b)); log(1 + (exp(a) + exp(b)))",
        "np.logaddexp(np.logaddexp(a, b), 0)",
        "each exponential overflows although the logarithm of the sum is harmless; %s takes the "
        "largest term out first",
    ),
    entry(
        "log(u * exp(a) + v * exp(b))",
        "np.logaddexp(np.log(u) + a, np.log(v) + b)",
        "each exponential overflows (or vanishes) although the logarithm of the sum is harmless; "
        "%s takes the larger term out first",
        tf="np.logaddexp(tf.math.log(u) + a, tf.math.log(v) + b)",
    ),
    entry(
        "log2(1 + exp2(z))",
        "np.logaddexp2(z, 0)",
        "the power of 2 overflows although its logarithm is harmless; %s never forms it",
    ),
    entry(
        "log2(exp2(a) + exp2(b))",
        "np.logaddexp2(a, b)",
        "each power of 2 overflows (or vanishes) although the logarithm of their sum is harmless",
    ),
    entry(
        "log2(1 + exp(z))",
        "np.logaddexp(z, 0) / np.log(2)",
        "exp overflows for large arguments although its logarithm is harmless",
    ),
    entry(
        "log10(1 + exp(z))",
        "np.logaddexp(z, 0) / np.log(10)",
        "exp overflows for large arguments although its logarithm is harmless",
    ),
    entry(
        "log(sum(exp(x))); m + log(sum(exp(x - m)))",
        "smooth.logsumexp(x, axis=AXIS, keepdims=KEEP)",
        "each exponential overflows (or vanishes) although the logarithm of their sum is harmless; "
        "%s takes the largest one out first",
        tf="tf.reduce_logsumexp(x, axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "log(sum(y * exp(x)))",
        "smooth.logsumexp(x, b=y, axis=AXIS, keepdims=KEEP)",
        "each exponential overflows (or vanishes) although the logarithm of their sum is harmless; "
        "%s takes the largest one out first",
        tf="tf.reduce_logsumexp(x + tf.math.log(y), axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "log(sum(exp(x) / c))",
        "smooth.logsumexp(x, b=1 / c, axis=AXIS, keepdims=KEEP)",
        "each exponential overflows (or vanishes) although the logarithm of their sum is harmless; "
        "%s takes the largest one out first",
        tf="tf.reduce_logsumexp(x - tf.math.log(c), axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "log(sum(y * exp(x) / c)); log(sum(y * (exp(x) / c)))",
        "smooth.logsumexp(x, b=y / c, axis=AXIS, keepdims=KEEP)",
        "each exponential overflows (or vanishes) although the logarithm of their sum is harmless; "
        "%s takes the largest one out first",
        tf="tf.reduce_logsumexp(x + tf.math.log(y / c), axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "log(mean(exp(x)))",
        "smooth.logsumexp(x, axis=AXIS, keepdims=KEEP) - np.log(np.size(x, axis=AXIS))",
        "each exponential overflows (or vanishes) although the logarithm of their mean is "
        "harmless; %s takes the largest one out first",
        tf="tf.reduce_logsumexp(x, axis=AXIS, keepdims=KEEP) - np.log(np.size(x, axis=AXIS))",
    ),
    entry(
        "log(prod(exp(x)))",
        "np.sum(x, axis=AXIS, keepdims=KEEP)",
        "the logarithm of a product of exponentials is the sum of their exponents",
        tf="tf.reduce_sum(x, axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "log(cosh(x)); log((exp(x) + exp(-x)) / 2); log(0.5 * (exp(x) + exp(-x)))",
        "np.logaddexp(x, -x) - np.log(2)",
        "cosh overflows for large arguments although its logarithm is about abs(x) - log(2)",
    ),
    entry(
        "log(exp(x) / y)",
        "x - np.log(y)",
        "the exponential overflows (or vanishes) although its logarithm is just its argument",
        tf="x - tf.math.log(y)",
    ),
    entry(
        "log(exp(x) * y)",
        "x + np.log(y)",
        "the exponential overflows (or vanishes) although its logarithm is just its argument",
        tf="x + tf.math.log(y)",
    ),
    entry(
        "log(exp(x))",
        "x",
        "the logarithm undoes the exponential, which overflows (or vanishes) in between",
    ),
    entry(
        "log(exp(x) - 1); log(expm1(x))",
        "x + np.log(-np.expm1(-x))",
        "exp overflows for large arguments, and cancels against 1 for small ones; written with "
        "exp(-x) neither happens",
        tf="x + tf.math.log(-tf.math.expm1(-x))",
    ),
    entry(
        "log(1 - exp(z)); log1p(-exp(z))",
        "np.log(-np.expm1(z)); np.log1p(-np.exp(z))",
        "near 0 exp(z) rounds to 1, and 1 - exp(z) cancels; expm1 computes exp(z) - 1 without that",
        tf="tf.math.log(-tf.math.expm1(z)); tf.math.log1p(-tf.exp(z))",
    ),
)

EXPONENTIALS = (
    entry(
        "(exp(x) - exp(-x)) / (exp(x) + exp(-x)); sinh(x) / cosh(x)",
        "np.tanh(x)",
        "numerator and denominator both overflow; %s is the same and cannot",
        tf="tf.tanh(x)",
    ),
    entry(
        "(exp(z) - 1) / (exp(z) + 1); (1 - exp(-z)) / (1 + exp(-z)); expm1(z) / (exp(z) + 1)",
        "np.tanh(z / 2)",
        "numerator and denominator both overflow; %s of half the argument is the same and cannot",
        tf="tf.tanh(z / 2)",
    ),
    entry(
        "exp(y * log(x))",
        "x**y",
        "at x = 0 the logarithm is infinite although the power is not: write it as a power",
    ),
    entry(
        "exp(log(x))",
        "x",
        "the exponential undoes the logarithm, which is infinite at 0",
    ),
    entry(
        "exp(x) / ndtr(y)",
        "np.exp(x - special.log_ndtr(y))",
        "numerator and denominator both vanish; the difference of their logarithms does not",
    ),
    entry(
        "exp(a) / exp(b)",
        "np.exp(a - b)",
        "both exponentials overflow (or vanish) where their ratio is harmless: subtract the "
        "exponents first",
        tf="tf.exp(a - b)",
    ),
    entry(
        "exp(a) * exp(-b)",
        "np.exp(a - b)",
        "one exponential overflows where the other vanishes, and their product is harmless: add "
        "the exponents first",
        tf="tf.exp(a - b)",
    ),
    entry(
        "(exp(x) - 1) / x; expm1(x) / x",
        "special.exprel(x)",
        "at 0 this is 0/0, though its limit is 1; %s knows it",
    ),
    entry(
        "x / (exp(x) - 1); x / expm1(x)",
        "1 / special.exprel(x)",
        "at 0 this is 0/0, though its limit is 1, and exp overflows for large arguments; exprel(x) "
        "is (exp(x) - 1) / x",
    ),
    entry(
        "power(x, n) / (exp(x) - 1); power(x, n) / expm1(x)",
        "x**(n - 1) / special.exprel(x); x**n * np.exp(-x) / -np.expm1(-x)",
        "at 0 this is 0/0, and exp overflows for large arguments; exprel(x) is (exp(x) - 1) / x, "
        "also at 0, and with exp(-x) nothing overflows",
    ),
    entry(
        "1 / (exp(x) - 1); 1 / expm1(x)",
        "np.exp(-x) / -np.expm1(-x)",
        "exp overflows although its reciprocal is harmless: written with exp(-x) it cannot",
        tf="tf.exp(-x) / -tf.math.expm1(-x)",
    ),
    entry(
        "y / (exp(x) - 1); y / expm1(x)",
        "y * np.exp(-x) / -np.expm1(-x)",
        "exp overflows although the quotient is harmless: written with exp(-x) it cannot",
        tf="y * tf.exp(-x) / -tf.math.expm1(-x)",
    ),
    entry(
        "1 / square(cosh(x)); square(1 / cosh(x))",
        "4 * special.expit(2 * x) * special.expit(-2 * x)",
        "cosh overflows although its reciprocal is harmless; written with the logistic function "
        "nothing overflows",
        tf="4 * tf.math.sigmoid(2 * x) * tf.math.sigmoid(-2 * x)",
    ),
    entry(
        "1 / cosh(x)",
        "2 * np.exp(-np.abs(x)) / (1 + np.exp(-2 * np.abs(x)))",
        "cosh overflows although its reciprocal is harmless; written with exp(-abs(x)) nothing "
        "overflows",
        tf="2 * tf.exp(-tf.abs(x)) / (1 + tf.exp(-2 * tf.abs(x)))",
    ),
    entry(
        "y / exp(x)",
        "y * np.exp(-x)",
        "exp overflows although its reciprocal is harmless: it is exp(-x)",
        tf="y * tf.exp(-x)",
    ),
)
