"""Damaged adaptation files."""

import pytest

from trajprompt.adaptations.read import read_adaptation
from trajprompt.errors import TrajpromptError


def test_damaged_adaptation_is_one_clear_error(tmp_path):
    file = tmp_path / "a.h5"
    with pytest.raises(TrajpromptError, match="missing or empty"):
        read_adaptation(file)
    file.write_bytes(b"not HDF5")
    with pytest.raises(TrajpromptError, match="damaged"):
        read_adaptation(file)
