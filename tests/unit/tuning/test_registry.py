"""The registry of methods."""

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.tuning.registry import get_method


def test_unknown_method():
    with pytest.raises(TrajpromptError, match="'ptdt'.*ptdt-offline"):
        get_method("ptdt")
