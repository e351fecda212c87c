"""Where gradtape answers otherwise than TensorFlow, on purpose, and why.

Each test named here states what TensorFlow does; under gradtape it must fail. Differences that the
tests leave open (either answer passes) are listed for the reader.

Left open by the tests
----------------------
- Output gradients, custom gradients and tangents of a wrong shape raise, where TensorFlow passes on
  those that happen to broadcast. More output gradients than targets raise.
- What TensorFlow stumbles over with an AttributeError or a remark about DTypes (numbers and arrays
  as sources or targets, a list as the target of a jacobian) raises a TypeError that names it.
- ``watch`` before the ``with`` block raises a RuntimeError that says so.
- A custom gradient that returns too few or too many gradients, and an unknown
  ``unconnected_gradients``: TensorFlow's words, with a remark behind them.
- Results below the smallest normal number are kept; TensorFlow makes them 0.
- NumPy's functions act on tensors and carry gradients; TensorFlow gives bare arrays.
- A dataclass is a nest.
- The shape of a scalar is false, as every empty tuple.
- What docs/tensorflow-names.md lists: random numbers, derivatives that TensorFlow lacks or gets
  wrong, updates that meet, equal eigenvalues, NaN in pools and segments, singular triangles.
- ``cumprod`` of several entries with zeros among them has its true gradient; TensorFlow's is 0.
- ``sort`` puts NaN last; TensorFlow puts it first.
"""

DEVIATIONS = {
    "test_watching.py::test_integer_variable_is_watched_but_has_no_gradient": (
        "an integer variable has no gradient, so the tape does not watch it"
    ),
}
