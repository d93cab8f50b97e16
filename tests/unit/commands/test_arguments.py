"""Settings of a stage from JSON and from config files."""

import argparse
import json
import subprocess
import sys

import pytest

from support.configuration import FILE
from support.tuning_job import SETTINGS
from trajprompt.commands.arguments import read_settings
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.papers import list_papers
from trajprompt.settings.stages import ReportSettings, TuneSettings, to_json

READ = """
import argparse, sys
from trajprompt.commands.arguments import read_settings
from trajprompt.settings.stages import CollectSettings
args = argparse.Namespace(settings=sys.argv[1], config=["config.yaml"])
print(read_settings(args, CollectSettings, suite="reach").algorithm)
loaded = sorted({"yaml", "torch"} & set(sys.modules))
print([*loaded, *(name for name in sys.modules if name.startswith("trajprompt.config"))])
"""


def test_settings_of_the_workflow_need_no_configuration():
    """A job of the workflow imports no models and reads no papers or presets."""
    settings = to_json(derive.collect(load_config([FILE]), "reach"))
    command = [sys.executable, "-c", READ, settings]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["scripted", "[]"], done.stderr


@pytest.mark.parametrize("stage", ["collect", "pretrain", "tune", "evaluate"])
def test_the_help_of_a_stage_needs_no_pydantic(stage):
    check = f"import sys, trajprompt.commands.{stage}; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"setps": 3}, "--settings setps: found an unknown key; expected one of .*run"),
        ({"threads": "2"}, "--settings threads: found '2'; expected an integer"),
        ({"prompt": {"segments": 0, "length": 5}}, "--settings prompt.segments: found 0;"),
        (
            {"samples": "most"},
            "--settings samples: .*integer or all; correct the value of --settings$",
        ),
    ],
)
def test_wrong_settings_are_named_by_their_keys(changes, message):
    values = json.loads(to_json(SETTINGS)) | changes
    args = argparse.Namespace(settings=json.dumps(values))
    with pytest.raises(TrajpromptError, match=message):
        read_settings(args, TuneSettings)


def test_papers_are_found_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = argparse.Namespace(settings=None, config=[FILE])
    settings = read_settings(args, ReportSettings)
    assert {paper.key for paper in list_papers(settings.papers)} >= {"ptdt", "own"}
