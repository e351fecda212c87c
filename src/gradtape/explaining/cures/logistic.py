"""Cures of the logistic function, of softmax, and of their logarithms."""

from __future__ import annotations

from gradtape.explaining.cures.entry import entry

__all__ = ["LOGISTIC", "SOFTMAX"]

LOGISTIC = (
    entry(
        "y * log(sigmoid(z)) + (1 - y) * log(1 - sigmoid(z))",
        "y * z - np.logaddexp(z, 0)",
        "the logistic function rounds to 0 or 1 (or its exponential overflows), and then a "
        "logarithm is infinite; written with the argument z itself, nothing rounds",
        tf="-tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z); "
        "y * z - tf.math.softplus(z)",
    ),
    entry(
        "log(sigmoid(z) / (1 - sigmoid(z)))",
        "z",
        "the log-odds undo the logistic function, which rounds to 0 or 1 in between",
    ),
    entry(
        "log(sigmoid(z))",
        "special.log_expit(z)",
        "the logistic function rounds to 0 (or its exponential overflows) although its logarithm "
        "is harmless; %s computes that directly",
        tf="tf.math.log_sigmoid(z)",
    ),
    entry(
        "log(1 - sigmoid(z)); log1p(-sigmoid(z))",
        "special.log_expit(-z)",
        "1 minus the logistic function of z is the logistic function of -z: written so, nothing "
        "cancels, and %s computes its logarithm directly",
        tf="tf.math.log_sigmoid(-z)",
    ),
    entry(
        "log(0.5 * (1 + tanh(z))); log((1 + tanh(z)) / 2)",
        "special.log_expit(2 * z)",
        "tanh rounds to -1 although the logarithm is harmless: (1 + tanh(z)) / 2 is the logistic "
        "function of 2z, of which %s computes the logarithm directly",
        tf="tf.math.log_sigmoid(2 * z)",
    ),
    entry(
        "log(1 + tanh(z))",
        "special.log_expit(2 * z) + np.log(2)",
        "tanh rounds to -1 although the logarithm is harmless: 1 + tanh(z) is twice the logistic "
        "function of 2z, of which %s computes the logarithm directly",
        tf="tf.math.log_sigmoid(2 * z) + np.log(2)",
    ),
    entry(
        "log(1 - tanh(z))",
        "special.log_expit(-2 * z) + np.log(2)",
        "tanh rounds to 1 although the logarithm is harmless: 1 - tanh(z) is twice the logistic "
        "function of -2z, of which %s computes the logarithm directly",
        tf="tf.math.log_sigmoid(-2 * z) + np.log(2)",
    ),
    entry(
        "1 - sigmoid(z)",
        "special.expit(-z)",
        "1 minus the logistic function of z is the logistic function of -z: written so, nothing "
        "cancels",
        tf="tf.math.sigmoid(-z)",
    ),
    entry(
        "sigmoid(z)",
        "special.expit(z)",
        "exp overflows where the logistic function is just 0 or 1; %s is written so that nothing "
        "overflows",
        tf="tf.math.sigmoid(z)",
    ),
    entry(
        "exp(z) / square(1 + exp(z))",
        "special.expit(z) * special.expit(-z)",
        "exp overflows where the quotient is harmless: it is the logistic function of z times that "
        "of -z",
        tf="tf.math.sigmoid(z) * tf.math.sigmoid(-z)",
    ),
    entry(
        "y / (1 + exp(-z))",
        "y * special.expit(z)",
        "exp overflows where the logistic function is just 0 or 1; %s is written so that nothing "
        "overflows",
        tf="y * tf.math.sigmoid(z)",
    ),
    entry(
        "exp(a) / (exp(a) + exp(b))",
        "special.expit(a - b)",
        "both exponentials overflow (or vanish), but only their ratio matters: it is the logistic "
        "function of the difference",
        tf="tf.math.sigmoid(a - b)",
    ),
    entry(
        "log(p / (1 - p)); log(p) - log(1 - p)",
        "special.logit(p)",
        "the quotient overflows or loses digits; %s computes the log-odds directly",
    ),
)

SOFTMAX = (
    entry(
        "log(getitem(softmax(x)))",
        "smooth.log_softmax(x, axis=AXIS)[INDEX]",
        "an entry of softmax rounds to 0 (or its exponential overflows) although its logarithm is "
        "harmless; %s computes that directly",
        tf="tf.nn.log_softmax(x, axis=AXIS)[INDEX]",
    ),
    entry(
        "log(softmax(x)); x - log(sum(exp(x)))",
        "smooth.log_softmax(x, axis=AXIS)",
        "an entry of softmax rounds to 0 (or its exponential overflows) although its logarithm is "
        "harmless; %s computes that directly",
        tf="tf.nn.log_softmax(x, axis=AXIS)",
    ),
    entry(
        "softmax(x)",
        "smooth.softmax(x, axis=AXIS)",
        "exp overflows although softmax depends on differences only; %s subtracts the largest "
        "entry first",
        tf="tf.nn.softmax(x, axis=AXIS)",
    ),
)
