"""Requirements for the registration of a method."""

import dataclasses
import re

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import Strict
from trajprompt.tuning import protocol
from trajprompt.tuning.methods import none


def test_every_option_has_a_default(monkeypatch):
    monkeypatch.setattr(protocol, "REGISTRY", {})
    values = [("width", int, 8), ("spread", float), ("rate", float)]
    fields, bases = values[1:] + values[:1], (Strict,)
    options = dataclasses.make_dataclass("Options", fields, bases=bases, frozen=True)
    message = (
        f"{none.__file__}: found option spread without a default; expected a default for "
        "every option; give spread a default in Options"
    )
    with pytest.raises(TrajpromptError, match=f"^{re.escape(message)}$"):
        protocol.register("none", options)(none.tune)
    assert not protocol.REGISTRY


def test_options_that_are_not_strict_are_refused():
    """They would accept True for 1, and unknown keys."""
    options = dataclasses.make_dataclass("Options", [("rate", float, 1.0)], frozen=True)
    message = (
        "none.py: found options of type Options; expected a dataclass that inherits from"
    )
    with pytest.raises(TrajpromptError, match=message):
        protocol.register("none", options)(none.tune)
