"""Cures of what is infinite, or 0/0, at 0."""

from __future__ import annotations

from gradtape.explaining.cures.entry import entry

__all__ = ["ZEROS"]

ZEROS = (
    entry(
        "square(length(x))",
        "np.sum(x**2, axis=AXIS, keepdims=KEEP)",
        "the slope of the square root at 0 is infinite, and the square that follows cannot undo "
        "that: the sum of squares needs no root",
        tf="tf.reduce_sum(x**2, axis=AXIS, keepdims=KEEP)",
    ),
    entry(
        "square(sqrt(s))",
        "s",
        "the slope of the square root at 0 is infinite, and the square that follows cannot undo "
        "that: leave out both",
    ),
    entry(
        "x / length(x); x * (1 / length(x))",
        "x / np.where(np.any(x, axis=AXIS, keepdims=KEPT), "
        "np.linalg.norm(x, axis=AXIS, keepdims=KEPT), 1)",
        "at x = 0 this is 0/0, and no direction is right; written so, the value there is 0 and the "
        "gradient finite",
        tf="tf.math.l2_normalize(x, axis=AXIS)",
    ),
    entry(
        "sqrt(square(x))",
        "np.abs(x)",
        "the slope of the square root at 0 is infinite, that of the square 0: their product is "
        "NaN; %s is the same function, with the gradient 0 at 0",
        tf="tf.abs(x)",
    ),
    entry(
        "sqrt(squares(x))",
        "np.linalg.norm(x, axis=AXIS, keepdims=KEEP)",
        "the slope of the square root at 0 is infinite, that of the squares 0: their product is "
        "NaN; %s is the same function, with the gradient 0 at 0",
        tf="tf.where(tf.reduce_any(x != 0, axis=AXIS, keepdims=KEEP), tf.norm(tf.where("
        "tf.reduce_any(x != 0, axis=AXIS, keepdims=KEPT), x, 1.0), axis=AXIS, keepdims=KEEP), 0.0)",
    ),
    entry(
        "sqrt(square(a) + square(b))",
        "np.hypot(a, b)",
        "the slope of the square root at 0 is infinite, and the squares overflow early; %s is the "
        "same function, with the gradient 0 at 0",
    ),
    entry(
        "sqrt(square(a) + square(b) + square(c)); sqrt(square(a) + (square(b) + square(c)))",
        "np.hypot(np.hypot(a, b), c)",
        "the slope of the square root at 0 is infinite, and the squares overflow early; %s is the "
        "same function, with the gradient 0 at 0",
    ),
    entry(
        "sqrt(1 - square(cos(x)))",
        "np.abs(np.sin(x))",
        "where the cosine is 1 the slope of the square root is infinite, and before that the "
        "subtraction cancels; this is the sine",
        tf="tf.abs(tf.sin(x))",
    ),
    entry(
        "sqrt(1 - square(sin(x)))",
        "np.abs(np.cos(x))",
        "where the sine is 1 the slope of the square root is infinite, and before that the "
        "subtraction cancels; this is the cosine",
        tf="tf.abs(tf.cos(x))",
    ),
    entry(
        "sqrt(1 + square(x))",
        "np.hypot(1, x)",
        "the square overflows although its root is about abs(x); %s never forms it",
    ),
    entry(
        "sqrt(var(x))",
        "np.linalg.norm(x - np.mean(x, axis=AXIS, keepdims=KEPT), axis=AXIS, keepdims=KEEP) "
        "/ np.sqrt(np.size(x, axis=AXIS))",
        "where all entries are equal the variance is 0, and the slope of the square root there "
        "infinite; the norm has the gradient 0 at 0",
    ),
    entry(
        "power(square(x), c)",
        "np.abs(x)**(2 * c)",
        "the slope of a power below 1 is infinite at 0, that of the square 0: their product is "
        "NaN; as one power of abs(x) it is finite",
        tf="tf.abs(x)**(2 * c)",
    ),
    entry(
        "square(x) / x",
        "x",
        "at 0 this is 0/0, though nothing but x",
    ),
    entry(
        "sin(x) / x",
        "np.sinc(x / np.pi)",
        "at 0 this is 0/0, though its limit is 1; %s knows it (its argument is in units of pi)",
    ),
    entry(
        "arctan(y / x)",
        "np.arctan2(y, x)",
        "the quotient is infinite at x = 0, though the angle is not; %s takes both sides",
        tf="tf.atan2(y, x)",
    ),
    entry(
        "-(x * log(x))",
        "special.entr(x); special.xlogy(-x, x)",
        "0 times the logarithm of 0 is NaN, though the limit is 0; %s takes it to be 0, and where "
        "the gradient is infinite by nature, as xlogy, that too",
        tf="tf.math.xlogy(-x, x)",
    ),
    entry(
        "x * log(1 + y); x * log1p(y)",
        "special.xlog1py(x, y)",
        "0 times the logarithm of 0 is NaN, though the limit is 0; %s takes it to be 0, and its "
        "gradient there too",
        tf="tf.math.xlog1py(x, y)",
    ),
    entry(
        "x * log(y)",
        "special.xlogy(x, y)",
        "0 times the logarithm of 0 is NaN, though the limit is 0; %s takes it to be 0, and its "
        "gradient there too",
        tf="tf.math.xlogy(x, y)",
    ),
)
