"""Behaviour cloning: options that it would ignore are refused."""

import dataclasses

import pytest

from trajprompt.offline.algorithms.bc import UNUSED, BcOptions
from trajprompt.settings.options import OptionError, validate


@pytest.mark.parametrize("name", UNUSED)
def test_options_of_values_and_rewards_are_refused(name):
    with pytest.raises(OptionError, match=f"{name}: found 0.5; expected no value, or"):
        validate(BcOptions, {name: 0.5})
    default = getattr(BcOptions(), name)
    assert validate(BcOptions, {name: default}) == BcOptions()


def test_its_other_options_are_used():
    changed = {"width": 8, "layers": 1, "batch": 4, "learning_rate": 0.1, "data_share": 0.5}
    assert changed.keys() | set(UNUSED) == {f.name for f in dataclasses.fields(BcOptions)}
    assert dataclasses.asdict(validate(BcOptions, changed)).items() >= changed.items()
