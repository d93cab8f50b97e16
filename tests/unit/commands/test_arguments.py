"""How a stage gets its settings."""

import subprocess
import sys

from support.configuration import FILE
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.settings.stages import to_json

READ = """
import argparse, sys
from trajprompt.commands.arguments import read_settings
from trajprompt.settings.stages import CollectSettings
args = argparse.Namespace(settings=sys.argv[1], config=["config.yaml"])
print(read_settings(args, CollectSettings, suite="reach").algorithm)
loaded = sorted({"pydantic", "yaml", "torch"} & set(sys.modules))
print([*loaded, *(name for name in sys.modules if name.startswith("trajprompt.config"))])
"""


def test_settings_of_the_workflow_need_no_configuration():
    """A job of the workflow starts without models, papers and presets."""
    settings = to_json(derive.collect(load_config([FILE]), "reach"))
    command = [sys.executable, "-c", READ, settings]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["scripted", "[]"], done.stderr
