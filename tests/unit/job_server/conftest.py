"""A job server per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.served_jobs import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server
