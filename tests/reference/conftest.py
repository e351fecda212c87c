"""The module under test, and small tools for the tests of this folder.

Every test here states one fact about TensorFlow's eager mode, found by experiment with
TensorFlow 2.21. With ``GRADTAPE_REFERENCE=tensorflow`` the same tests run on TensorFlow itself.
"""

import importlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.reference.deviations import DEVIATIONS

REFERENCE = os.environ.get("GRADTAPE_REFERENCE", "gradtape")
Warned = Callable[[], AbstractContextManager[list[str]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if REFERENCE != "gradtape":
        return
    for item in items:
        name = f"{item.path.name}::{getattr(item, 'originalname', item.name)}"
        if item.path.parent.name == "reference" and name in DEVIATIONS:
            item.add_marker(pytest.mark.xfail(reason=DEVIATIONS[name], strict=True))


@pytest.fixture(scope="session")
def tf() -> Any:
    if REFERENCE not in ("gradtape", "tensorflow"):
        raise ValueError(f"GRADTAPE_REFERENCE is {REFERENCE!r}, expected gradtape or tensorflow")
    if REFERENCE == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        return importlib.import_module("tensorflow")
    return importlib.import_module("gradtape.tf")


@pytest.fixture
def derivative(tf: Any) -> Callable[..., Any]:
    """The gradient of f at one constant, as nested lists; None where there is none."""

    def of(f: Callable[[Any], Any], at: Any, dtype: Any = None) -> Any:
        x = tf.constant(at, dtype=dtype or tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        g = tape.gradient(y, x)
        return None if g is None else tf.convert_to_tensor(g).numpy().tolist()

    return of


@pytest.fixture
def second(tf: Any) -> Callable[..., Any]:
    """The gradient of the gradient of f at one constant, as nested lists or None."""

    def of(f: Callable[[Any], Any], at: Any) -> Any:
        x = tf.constant(at, dtype=tf.float32)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            g = inner.gradient(y, x)
        h = outer.gradient(g, x)
        return None if h is None else h.numpy().tolist()

    return of


class _Collector(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def warned() -> Warned:
    """Collects what is warned or logged inside a block: TensorFlow logs, Python warns."""

    @contextmanager
    def collecting() -> Iterator[list[str]]:
        messages: list[str] = []
        handler = _Collector(messages)
        logger = logging.getLogger("tensorflow")
        logger.addHandler(handler)
        _forget_earlier_warnings()
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                yield messages
            messages.extend(str(w.message) for w in caught)
        finally:
            logger.removeHandler(handler)

    return collecting


def _forget_earlier_warnings() -> None:
    # TensorFlow logs some warnings only the first few times in a process.
    if REFERENCE == "tensorflow":
        module = importlib.import_module("tensorflow.python.platform.tf_logging")
        module._log_counter_per_token.clear()
