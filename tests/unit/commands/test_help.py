"""Help of every command: its purpose, and examples that work after a smoke run."""

import fnmatch
import importlib
import re

import pytest

from support.paths import ROOT
from trajprompt.cli import COMMANDS, MODULES
from trajprompt.commands import report
from trajprompt.config.load import load_config
from trajprompt.verification.jobs import jobs_of

CALLS = [*([name] for name in COMMANDS), *(["report", part] for part in report.COMMANDS)]


def help_of(call, capsys):
    name = MODULES.get(call[0], call[0].replace("-", "_"))
    module = importlib.import_module(f"trajprompt.commands.{name}")
    with pytest.raises(SystemExit, match="0"):
        module.main([*call[1:], "--help"])
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def files():
    """All files of stages 1 to 4 that a smoke run writes, and its claims."""
    config = load_config([ROOT / "config.yaml", ROOT / "presets/smoke.yaml"])
    made = [file for job in jobs_of(config) for file in job.outputs]
    return [f"results/smoke/{file}" for file in (*made, "5_report/claims.csv")]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_the_help_has_a_purpose_and_an_example(call, capsys, files):
    text = help_of(call, capsys)
    purpose = text.split("\n\n")[1]
    assert purpose[0].isupper() and purpose.endswith(".")
    examples = re.split(r"\nexamples?:\n", text)[1]
    assert examples.startswith(f"  trajprompt {' '.join(call)} ")
    for path in re.findall(r"results/smoke/\S+", examples):
        assert fnmatch.filter(files, path), path
