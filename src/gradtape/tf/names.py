"""Which of TensorFlow's public names are here, and why the others are not.

``python -m gradtape.tf.names`` prints the page docs/tensorflow-names.md.

Examples
--------
>>> here, missing = names_of("tf.nest")
>>> here[:2], missing
(['assert_same_structure', 'flatten'], {})
"""

from __future__ import annotations

import fnmatch
import importlib
from importlib import resources

__all__ = ["NAMESPACES", "REASONS", "names_of", "page", "public_names"]

NAMESPACES = (
    *("tf", "tf.math", "tf.linalg", "tf.nn", "tf.random", "tf.signal", "tf.debugging", "tf.nest"),
    "tf.bitwise",
)

_GRAPHS = "about graphs and functions that are compiled; here everything is computed at once"
_OTHER_TENSORS = "about tensors that are not dense arrays: sparse, ragged, of strings, of resources"
_NARROW = "a dtype that NumPy does not have"
_MACHINES = "about devices and machines; everything is computed by NumPy on one"
_SAMPLED = "for classes that are too many to go through"
_PACKAGE = "a package of its own, which is not about derivatives"
_KERAS = "layers and their kin; see `tf.keras` here"
_OPERATORS = "classes of structured matrices; write the matrix, or the product"
_APPROXIMATE = "approximate, for accelerators; there is `tf.math.top_k`"
_TRACEBACKS = "a setting of TensorFlow's own"
_SEQUENCES = "losses and decoders of label sequences, by dynamic programming"
_TRIDIAGONAL = "banded matrices: make the matrix with `tf.linalg.diag` and use the dense function"
_INTERNAL = "for TensorFlow's own use"
_CHANNELS = "random pools"
_SPECIAL = "seldom used; it can be written with what is here"

#: Patterns of the names that are not here, and why; the first that fits counts.
REASONS: dict[str, str] = {
    **dict.fromkeys(
        [
            *(
                "tf.SparseTensor*",
                "tf.RaggedTensor*",
                "tf.IndexedSlices*",
                "tf.ragged*",
                "tf.sparse",
            ),
            *("tf.string", "tf.strings", "tf.as_string", "tf.edit_distance", "tf.fingerprint"),
            *("tf.resource", "tf.variant", "tf.nn.*sparse", "tf.lookup", "tf.sets"),
        ],
        _OTHER_TENSORS,
    ),
    **dict.fromkeys(["tf.bfloat16", "tf.qint*", "tf.quint*"], _NARROW),
    **dict.fromkeys(
        [
            *("tf.DeviceSpec", "tf.config", "tf.distribute", "tf.dtensor", "tf.tpu", "tf.xla"),
            *("tf.mlir", "tf.check_pinned", "tf.nn.compute_average_loss", "tf.profiler"),
            *("tf.nn.scale_regularization_loss", "tf.debugging.*device_placement"),
        ],
        _MACHINES,
    ),
    **dict.fromkeys(
        [
            *("tf.*candidate_sampler", "tf.nn.nce_loss", "tf.nn.sampled_softmax_loss"),
            "tf.nn.compute_accidental_hits",
        ],
        _SAMPLED,
    ),
    **dict.fromkeys(
        [
            *("tf.initializers", "tf.metrics", "tf.nn.RNN*"),
            "tf.feature_column",
        ],
        _KERAS,
    ),
    **dict.fromkeys(
        [
            *("tf.audio", "tf.compat", "tf.data", "tf.*experimental", "tf.image"),
            *(
                "tf.io",
                "tf.lite",
                "tf.types",
                "tf.quantization",
                "tf.queue",
                "tf.raw_ops",
                "tf.saved_model",
            ),
            *("tf.security", "tf.summary", "tf.sysconfig", "tf.tools", "tf.train", "tf.version"),
        ],
        _PACKAGE,
    ),
    **dict.fromkeys(
        [
            *("tf.Graph", "tf.Operation", "tf.RegisterGradient", "tf.gradients", "tf.hessians"),
            *("tf.import_graph_def", "tf.no_gradient", "tf.AggregationMethod", "tf.autograph"),
            *("tf.graph_util", "tf.variable_creator_scope", "tf.VariableAggregation"),
            *("tf.VariableSynchronization", "tf.CriticalSection", "tf.TypeSpec", "tf.*Spec"),
            *("tf.type_spec_from_value", "tf.parallel_stack", "tf.get_current_name_scope"),
            *("tf.nondifferentiable_batch_function", "tf.make_ndarray", "tf.make_tensor_proto"),
        ],
        _GRAPHS,
    ),
    "tf.linalg.LinearOperator*": _OPERATORS,
    **dict.fromkeys(["tf.*approx_*"], _APPROXIMATE),
    **dict.fromkeys(
        ["tf.debugging.*traceback_filtering*", "tf.debugging.*able_check_numerics"], _TRACEBACKS
    ),
    **dict.fromkeys(["tf.nn.ctc_*", "tf.nn.collapse_repeated"], _SEQUENCES),
    **dict.fromkeys(
        ["tf.linalg.eigh_tridiagonal", "tf.linalg.banded_triangular_solve"], _TRIDIAGONAL
    ),
    **dict.fromkeys(
        [
            *("tf.conv*", "tf.fftnd", "tf.ifftnd", "tf.rfftnd", "tf.irfftnd", "tf.get_logger"),
            *("tf.load_*library", "tf.register_tensor_conversion_function"),
            *("tf.random_index_shuffle", "tf.nn.*_backprop_*", "tf.random.Algorithm"),
            *("tf.random.create_rng_state", "tf.extract_volume_patches"),
        ],
        _INTERNAL,
    ),
    "tf.nn.fractional_*": _CHANNELS,
    **dict.fromkeys(
        [
            *("tf.math.sobol_sample", "tf.nn.isotonic_regression", "tf.nn.with_space_to_batch"),
            *("tf.nn.atrous_conv2d_transpose", "tf.nn.batch_norm_with_global_normalization"),
            *("tf.required_space_to_batch_paddings", "tf.signal.*fftnd"),
            *("tf.signal.*mdct", "tf.signal.linear_to_mel_weight_matrix", "tf.signal.mfccs_*"),
            "tf.random.stateless_parameterized_truncated_normal",
        ],
        _SPECIAL,
    ),
}

_HEAD = """# TensorFlow's names

Which public names of TensorFlow {version} are in `gradtape.tf`, and why the others are not.
`python -m gradtape.tf.names` prints this page; a test compares it with what is there. An unknown
name raises an `AttributeError` that says which is nearest.

Where the numbers are others than TensorFlow's, on purpose:

- Random numbers are NumPy's. A seed gives the same ones each time, but not TensorFlow's.
- Of updates that meet in `tensor_scatter_nd_update` and `dynamic_stitch` the last counts, and it
  alone gets the gradient. TensorFlow sends it to all.
- Derivatives that TensorFlow gets wrong are right here: of `weighted_cross_entropy_with_logits` at
  logits 0, of `bessel_i1` at 0, of `rfft` and `irfft` where `fft_length` cuts or is odd, of
  `cumulative_logsumexp` with far apart entries, of `segment_prod` where the product overflows, of
  `cumprod` where an entry is 0, of `random.gamma` by a large `alpha`, the second one of `moments`.
- So are those of complex `det`, `slogdet`, `sqrtm`, `tridiagonal_solve`, `cumprod`,
  `unsorted_segment_prod`, `xlogy`, `xdivy` and `multiply_no_nan`, where TensorFlow forgets a
  conjugate.
- The logits of `softmax_cross_entropy_with_logits` get the right gradient also where labels do not
  add up to 1; TensorFlow takes it for granted that they do.
- Derivatives that TensorFlow lacks are here: of `lu`, `logm`, `lstsq(fast=False)`, `unique`,
  `truncatemod`, `random.shuffle`, `bincount` by its weights, `betainc` by `a` and `b`, `zeta` by
  `x`, `range` by `start` and `delta`, `one_hot` by its values, `pad`, `frame`, `diag` and
  `diag_part` by what they fill up with, `leaky_relu` by `alpha`; of `det` at singular matrices.
  `polygamma` has none by its order, and raises.
- Eigenvectors and singular vectors have no derivative where values are equal: NaN. TensorFlow
  answers 0. Singular values that are 0 have gradient 0.
- NaN goes through `segment_max` and its kin; in `max_pool` it counts as less than all, and the
  gradient goes to the entry that is the value. A window of minus infinities has minus infinity.
- `triangular_solve` raises for a singular matrix, as `solve` does; TensorFlow answers infinities.
"""


def _lines() -> list[str]:
    text = resources.files("gradtape.tf").joinpath("names.txt").read_text(encoding="utf-8")
    return text.splitlines()


def public_names(namespace: str) -> list[str]:
    """TensorFlow's public names in a namespace, such as ``"tf.math"``.

    Examples
    --------
    >>> "lgamma" in public_names("tf.math")
    True
    """
    for line in _lines()[1:]:
        head, _, words = line.partition(": ")
        if head == namespace:
            return words.split()
    raise ValueError(f"public_names: {namespace!r} is none of {', '.join(NAMESPACES)}")


def names_of(namespace: str) -> tuple[list[str], dict[str, list[str]]]:
    """The names that are here, and those that are not by the reason.

    Raises
    ------
    LookupError : a missing name has no reason.
    """
    module = importlib.import_module(namespace.replace("tf", "gradtape.tf", 1))
    here, missing = [], {}  # type: ignore[var-annotated]
    for name in public_names(namespace):
        if name in module.__all__:
            here.append(name)
            continue
        whole = f"{namespace}.{name}"
        fitting = [why for pattern, why in REASONS.items() if fnmatch.fnmatchcase(whole, pattern)]
        if not fitting:
            raise LookupError(f"{whole} is not here, and nobody says why: add it to REASONS")
        missing.setdefault(fitting[0], []).append(name)
    return here, missing


def page() -> str:
    """The page, as Markdown."""
    parts = [_HEAD.format(version=_lines()[0].rpartition(" ")[2])]
    for namespace in NAMESPACES:
        here, missing = names_of(namespace)
        count = len(here) + sum([len(names) for names in missing.values()])
        parts.append(f"## `{namespace}`: {len(here)} of {count}\n")
        parts.append(_listed(here) + "\n")
        if missing:
            rows = [f"| {why} | {_listed(names)} |" for why, names in sorted(missing.items())]
            parts.append("\n".join(["| why not | names |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _listed(names: list[str]) -> str:
    return ", ".join([f"`{name}`" for name in names])


if __name__ == "__main__":
    print(page(), end="")
