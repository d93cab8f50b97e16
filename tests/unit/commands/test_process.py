"""The process of a command."""

import gc

import pytest

from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError


def fail(_):
    raise TrajpromptError("here", "found a", "b", "correct it")


@pytest.mark.parametrize("main, code", [(lambda _: None, 0), (fail, 2)])
def test_the_end_of_the_interpreter_scans_no_objects(main, code):
    try:
        assert run_stage(main) == code
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
