"""Execute docs/add-a-method.md: its file and its config are sufficient."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

from support.lint import require_lint
from support.paths import CONFIG, ROOT, preset
from support.tuning_problem import ROWS, make_problem
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.config import cells as table_cells
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.tuning import methods, protocol, registry

PAGE = ROOT / "docs/add-a-method.md"
CELL = ("cheetah-vel", "expert", "random-search")


@pytest.fixture
def overlay(monkeypatch, tmp_path):
    """The page's config as a file; its method is in a copy of the package of methods."""
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.S))
    folder = Path(shutil.copytree(methods.__path__[0], tmp_path / "methods"))
    (folder / "random_search.py").write_text(blocks["python"])
    (tmp_path / "mine.yaml").write_text(blocks["yaml"])
    monkeypatch.setattr(protocol, "REGISTRY", dict(registry.methods()))
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(folder)])
    yield tmp_path / "mine.yaml"
    sys.modules.pop("trajprompt.tuning.methods.random_search", None)


def test_the_method_works(overlay, tmp_path):
    method = registry.get_method("random-search")
    problem = make_problem()
    adaptation = method.tune(problem, method.options())
    moved = adaptation.last.states - problem.initial_prompts.states
    assert (moved.flatten(1).norm(dim=1) > 0).any()
    assert [entry.iteration for entry in adaptation.history] == [0] * ROWS + [1] * ROWS
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {})
    stored = read_adaptation(tmp_path / "a.h5")
    assert torch.equal(stored.last.states, adaptation.last.states)


def test_its_file_passes_lint(overlay, tmp_path):
    require_lint(tmp_path / "methods/random_search.py")


def test_the_config_adds_its_cells(overlay):
    made = load_config([CONFIG, overlay])
    before = table_cells.cells(load_config([CONFIG]))
    assert CELL in table_cells.cells(made, ("mine",))
    assert set(table_cells.cells(made)) == {*before, CELL}


def test_the_smoke_run_has_its_cell(overlay):
    smoke = load_config([CONFIG, overlay, preset("smoke")])
    assert CELL in table_cells.cells(smoke)


@pytest.mark.parametrize("name", ["random", "ptdt-offline"])  # a free name, a taken one
def test_another_name_than_the_files_is_refused(overlay, tmp_path, name):
    file = tmp_path / "methods/random_search.py"
    file.write_text(file.read_text().replace('"random-search"', f'"{name}"'))
    message = (
        f"random_search.py: registers a method named '{name}'; expected 'random-search'; "
        f"register it as 'random-search', or rename the file to {name.replace('-', '_')}.py"
    )
    with pytest.raises(TrajpromptError, match=re.escape(message)):
        registry.get_method("random-search")


def test_a_file_that_registers_nothing_is_named(overlay, tmp_path):
    file = tmp_path / "methods/random_search.py"
    file.write_text(file.read_text().replace("@register(", "# @register("))
    message = "kind: found random-search; .*a new one registered by .*/random_search.py"
    with pytest.raises(TrajpromptError, match=message):
        load_config([CONFIG, overlay])
