"""Fixtures of tests of several packages."""

import pytest

from support.tuning_problem import make_problem
from trajprompt.tuning.protocol import TuningProblem


@pytest.fixture
def problem() -> TuningProblem:
    return make_problem()
