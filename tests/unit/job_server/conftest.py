"""A job server per test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.served_jobs import Server


@pytest.fixture(autouse=True)
def linux() -> None:
    if sys.platform != "linux":
        pytest.skip("there is a job server on Linux only")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server
