"""What a method has to have to be registered."""

import dataclasses
import re

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.tuning import protocol
from trajprompt.tuning.methods import none


def test_every_option_has_a_default(monkeypatch):
    monkeypatch.setattr(protocol, "REGISTRY", {})
    values = [("width", int, 8), ("spread", float), ("rate", float)]
    options = dataclasses.make_dataclass("Options", values[1:] + values[:1], frozen=True)
    message = (
        f"{none.__file__}: option spread without a default; expected a default of every "
        "option; give spread a default in Options"
    )
    with pytest.raises(TrajpromptError, match=f"^{re.escape(message)}$"):
        protocol.register("none", options)(none.tune)
    assert not protocol.REGISTRY
