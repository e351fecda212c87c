"""What the tests of the operators share: no test leaves a recorder active."""

from collections.abc import Iterator

import pytest

from gradtape.recording import ACTIVE


@pytest.fixture(autouse=True)
def no_recorder_left() -> Iterator[None]:
    token = ACTIVE.set(())
    yield
    left = ACTIVE.get()
    ACTIVE.reset(token)
    assert left == ()
