"""``tf.autodiff``: the two ways to a derivative, backwards and forwards.

Examples
--------
>>> import gradtape.tf as tf
>>> x = tf.constant(3.0)
>>> with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as acc:
...     y = x * x
>>> acc.jvp(y)
<tf.Tensor: shape=(), dtype=float32, numpy=6.0>
"""

from gradtape.tf.tape import ForwardAccumulator, GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]
