"""Generators, draws that depend on a seed alone, and more distributions.

Examples
--------
>>> import gradtape.tf as tf
>>> generator = tf.random.Generator.from_seed(1)
>>> generator.normal([2, 3]).shape
TensorShape([2, 3])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape import tensor as engine
from gradtape.rules import Elementwise
from gradtape.tf import draws as plain
from gradtape.tf import errors
from gradtape.tf.makers import shape_of
from gradtape.tf.scientific import special_rules
from gradtape.tf.tensors import Tensor, operand, result
from gradtape.tf.types import numpy_dtype

__all__ = [
    "Generator",
    "categorical",
    "fold_in",
    "gamma",
    "get_global_generator",
    "poisson",
    "set_global_generator",
    "split",
    "stateless_binomial",
    "stateless_categorical",
    "stateless_gamma",
    "stateless_normal",
    "stateless_poisson",
    "stateless_truncated_normal",
    "stateless_uniform",
]


def _seeded(op: str, seed: Any) -> np.random.Generator:
    """A generator of the two integers of a seed."""
    numbers = np.asarray(engine.bare(operand(seed)))
    if numbers.shape != (2,) or numbers.dtype.kind not in "iu":
        raise errors.invalid(
            op, f"seed must have shape [2], not {errors.listed(numbers.shape)}, and hold integers"
        )
    return np.random.default_rng([int(n) & (2**64 - 1) for n in numbers])


# Distributions --------------------------------------------------------------------------------


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: str | None = None
) -> Tensor:
    """Class numbers, as likely as softmax(logits) says: one row of draws for each row of logits.

    There is no gradient.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.categorical([[0.0, -1e9]], 3).numpy()
    array([[0, 0, 0]])
    """
    scores = operand(logits).array
    if scores.dtype.kind != "f":
        raise errors.not_allowed("Multinomial", scores.dtype, "bfloat16, half, float, double")
    if scores.ndim != 2:
        raise errors.invalid(
            "Multinomial", f"logits should be a matrix, got shape {errors.listed(scores.shape)}"
        )
    generator, count = plain.generator_of(seed), int(engine.bare(num_samples))
    # The greatest of logits with Gumbel's noise is distributed so (E. J. Gumbel, 1954).
    noise = generator.gumbel(size=(len(scores), count, scores.shape[1]))
    wanted = np.dtype(np.int64) if dtype is None else numpy_dtype(dtype)
    return result(np.argmax(scores[:, None] + noise, axis=-1).astype(wanted))


def gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = np.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Gamma-distributed numbers: ``shape`` draws for each ``alpha`` and rate ``beta``.

    Gradients go back to both: that by ``alpha`` says how a draw moves when the distribution does
    and the draw stays the same quantile (M. Figurnov, S. Mohamed and A. Mnih, "Implicit
    reparameterization gradients", 2018, equation 5). It needs SciPy.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.gamma([5], alpha=[1.0, 2.0]).shape
    TensorShape([5, 2])
    """
    wanted = numpy_dtype(dtype)
    a = operand(alpha, wanted)
    b = operand(1.0 if beta is None else beta, wanted)
    around = np.broadcast_shapes(a.array.shape, b.array.shape)
    draws = plain.generator_of(seed).standard_gamma(a.array, (*shape_of(shape), *around))
    # As in TensorFlow no draw is 0, whose logarithm nobody could take.
    return result(_drawn(a, np.maximum(draws, np.finfo(wanted).tiny).astype(wanted)) / b)


def _quantile_slope(a: Any, out: Any) -> Any:
    """Of a quantile of the gamma distribution, by its shape."""
    rules = special_rules("special_incomplete")
    shape, z = a.astype(np.float64), out.astype(np.float64)
    return (-rules.log_moment(1, shape, z) / rules.gamma_density(shape, z)).astype(out.dtype)


def _stay(a: Any, draws: Any) -> Any:
    return np.broadcast_to(draws, np.broadcast_shapes(a.shape, draws.shape))


#: Draws of the gamma distribution as a function of its shape.
_drawn = Elementwise(_stay, (_quantile_slope, None), names=("a", "draws"), name="tf.random.gamma")


def poisson(
    shape: Any, lam: Any, dtype: Any = np.float32, seed: Any = None, name: str | None = None
) -> Tensor:
    """Poisson-distributed numbers: ``shape`` draws for each expectation ``lam``; no gradient.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.poisson([5], lam=[1.0, 2.0]).shape
    TensorShape([5, 2])
    """
    mean = operand(lam).array
    draws = plain.generator_of(seed).poisson(mean, (*shape_of(shape), *mean.shape))
    return result(draws.astype(numpy_dtype(dtype)))


# A seed and nothing else ----------------------------------------------------------------------


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = np.float32,
    name: str | None = None,
    alg: Any = None,
) -> Tensor:
    """``tf.random.uniform`` by a seed of two integers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.stateless_uniform([3], seed=[1, 2]).shape
    TensorShape([3])
    """
    return plain.uniform(shape, minval, maxval, dtype, _seeded("StatelessRandomUniformV2", seed))


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = np.float32,
    name: str | None = None,
    alg: Any = None,
) -> Tensor:
    """``tf.random.normal`` by a seed of two integers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.stateless_normal([3], seed=[1, 2]).shape
    TensorShape([3])
    """
    return plain.normal(shape, mean, stddev, dtype, _seeded("StatelessRandomNormalV2", seed))


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = np.float32,
    name: str | None = None,
    alg: Any = None,
) -> Tensor:
    """``tf.random.truncated_normal`` by a seed of two integers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.stateless_truncated_normal([3], seed=[1, 2]).shape
    TensorShape([3])
    """
    generator = _seeded("StatelessTruncatedNormalV2", seed)
    return plain.truncated_normal(shape, mean, stddev, dtype, generator)


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = np.int64, name: str | None = None
) -> Tensor:
    """``categorical`` by a seed of two integers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.stateless_categorical([[0.0, -1e9]], 2, seed=[1, 2]).numpy()
    array([[0, 0]])
    """
    return categorical(logits, num_samples, dtype, _seeded("StatelessMultinomial", seed))


def _full(op: str, seed: Any, shape: Any, draw: Callable[..., Any], *parameters: Any) -> Any:
    """Draws of a shape to which the parameters broadcast."""
    wanted = shape_of(shape)
    arrays = [operand(p).array for p in parameters]
    try:
        if np.broadcast_shapes(wanted, *[a.shape for a in arrays]) != wanted:
            raise ValueError
    except ValueError:
        raise errors.invalid(
            op, f"Shape passed in must end with broadcasted shape, got {list(wanted)}"
        ) from None
    return draw(_seeded(op, seed), *arrays, wanted)


def stateless_gamma(
    shape: Any,
    seed: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = np.float32,
    name: str | None = None,
) -> Tensor:
    """Gamma-distributed numbers by a seed of two integers; ``shape`` is that of the answer.

    Gradients go back to ``alpha`` and ``beta``; see ``gamma``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.stateless_gamma([5, 2], seed=[1, 2], alpha=[1.0, 2.0]).shape
    TensorShape([5, 2])
    """
    wanted = numpy_dtype(dtype)
    a = operand(alpha, wanted)
    generator = _full("StatelessRandomGammaV3", seed, shape, lambda g, *_: g, a)
    whole = result(np.broadcast_to(a, shape_of(shape)))
    b = operand(1.0 if beta is None else beta, wanted)
    return gamma([], whole, b, wanted, generator)


def stateless_poisson(
    shape: Any, seed: Any, lam: Any, dtype: Any = np.int32, name: str | None = None
) -> Tensor:
    """Poisson-distributed numbers by a seed of two integers; ``shape`` is that of the answer.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.stateless_poisson([5, 2], seed=[1, 2], lam=[1.0, 2.0]).shape
    TensorShape([5, 2])
    """
    draws = _full("StatelessRandomPoisson", seed, shape, np.random.Generator.poisson, lam)
    return result(np.asarray(draws).astype(numpy_dtype(dtype)))


def stateless_binomial(
    shape: Any,
    seed: Any,
    counts: Any,
    probs: Any,
    output_dtype: Any = np.int32,
    name: str | None = None,
) -> Tensor:
    """How many of ``counts`` trials succeed, by a seed of two integers.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.stateless_binomial([3], seed=[1, 2], counts=10.0, probs=1.0).numpy()
    array([10, 10, 10], dtype=int32)
    """

    def draw(generator: Any, n: Any, p: Any, wanted: Any) -> Any:
        return generator.binomial(n.astype(np.int64), p, wanted)

    draws = _full("StatelessRandomBinomial", seed, shape, draw, counts, probs)
    return result(np.asarray(draws).astype(numpy_dtype(output_dtype)))


def split(seed: Any, num: int = 2, alg: Any = None) -> Tensor:
    """Several seeds made of one.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.split([1, 2], 3).shape
    TensorShape([3, 2])
    """
    dtype = operand(seed).array.dtype
    return result(_integers(_seeded("StatelessRandomUniformFullIntV2", seed), (num, 2), dtype))


def fold_in(seed: Any, data: Any, alg: Any = None) -> Tensor:
    """A seed made of a seed and a number.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.fold_in([1, 2], 3).shape
    TensorShape([2])
    """
    dtype = operand(seed).array.dtype
    _seeded("StatelessRandomUniformFullIntV2", seed)
    numbers = [*operand(seed).array.tolist(), int(engine.bare(data))]
    generator = np.random.default_rng([n & (2**64 - 1) for n in numbers])
    return result(_integers(generator, (2,), dtype))


def _integers(generator: np.random.Generator, shape: Any, dtype: Any) -> Any:
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


# Generators -----------------------------------------------------------------------------------


class Generator:
    """A source of random numbers, with a state of its own.

    Make one with ``from_seed`` or ``from_non_deterministic_state``.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> a, b = tf.random.Generator.from_seed(1), tf.random.Generator.from_seed(1)
    >>> bool(tf.reduce_all(a.uniform([3]) == b.uniform([3])))
    True
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """The generator of a seed: a number, or several."""
        numbers = np.asarray(engine.bare(seed)).reshape(-1).tolist()
        return cls(np.random.default_rng([int(n) & (2**64 - 1) for n in numbers]))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that gives other numbers each time."""
        return cls(np.random.default_rng())

    def reset_from_seed(self, seed: Any) -> None:
        """Start anew, as ``from_seed``."""
        self._generator = Generator.from_seed(seed)._generator

    def split(self, count: int = 1) -> list[Generator]:
        """Several generators that are independent of each other and of this one."""
        return [Generator(part) for part in self._generator.spawn(count)]

    def make_seeds(self, count: int = 1) -> Tensor:
        """Seeds for the stateless functions: one in each column."""
        return result(_integers(self._generator, (2, count), np.dtype(np.int64)))

    def normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = np.float32,
        name: Any = None,
    ) -> Tensor:
        """See ``tf.random.normal``."""
        return plain.normal(shape, mean, stddev, dtype, self._generator)

    def truncated_normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = np.float32,
        name: Any = None,
    ) -> Tensor:
        """See ``tf.random.truncated_normal``."""
        return plain.truncated_normal(shape, mean, stddev, dtype, self._generator)

    def uniform(
        self,
        shape: Any,
        minval: Any = 0,
        maxval: Any = None,
        dtype: Any = np.float32,
        name: Any = None,
    ) -> Tensor:
        """See ``tf.random.uniform``."""
        return plain.uniform(shape, minval, maxval, dtype, self._generator)


class _Global:
    generator: Generator | None = None


def get_global_generator() -> Generator:
    """The generator that all share; ``tf.random.set_seed`` does not touch it.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> tf.random.get_global_generator() is tf.random.get_global_generator()
    True
    """
    if _Global.generator is None:
        _Global.generator = Generator.from_non_deterministic_state()
    return _Global.generator


def set_global_generator(generator: Generator) -> None:
    """Put another in the place of the generator that all share."""
    _Global.generator = generator
