"""Each picture is drawn once; no test changes one."""

from typing import Any

import pytest

from tests.drawing.programs import PICTURES


@pytest.fixture(scope="session")
def pictures() -> Any:
    return {name: draw() for name, draw in PICTURES.items()}


@pytest.fixture(params=PICTURES)
def picture(pictures: Any, request: Any) -> Any:
    return pictures[request.param]
