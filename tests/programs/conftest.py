"""What the tests of programs share: no test leaves a recorder active, or symbols in variables."""

from collections.abc import Iterator

import numpy as np
import pytest

from gradtape.recording import ACTIVE, AS_SYMBOLS
from gradtape.tensor import Tensor, apply
from gradtape.variable import ALIVE


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    token = ACTIVE.set(())
    yield
    left = ACTIVE.get()
    ACTIVE.reset(token)
    assert left == ()
    assert AS_SYMBOLS == []
    assert Tensor.__gradtape_apply__ is apply
    assert all([isinstance(v.array, (np.ndarray, np.generic, int, float)) for v in ALIVE.values()])
    assert not any([hasattr(v.array, "__gradtape_symbol__") for v in ALIVE.values()])
