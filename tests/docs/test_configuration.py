"""docs/configuration.md: every example is valid, and every section has one."""

import json
import re
import shutil

import pytest
import yaml

from support.configuration import FILE
from support.paths import ROOT
from trajprompt.cli import main
from trajprompt.config import cells as table_cells
from trajprompt.config.json_schema import file_schema
from trajprompt.config.load import load_config
from trajprompt.config.models import RunConfig
from trajprompt.errors import TrajpromptError

PAGE = (ROOT / "docs/configuration.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
REFUSED = [text for text in EXAMPLES if "grid soft, soft-random-random" in text]
PRESETS = [text for text in EXAMPLES if text.startswith("preset:")]
OVERLAYS = [text for text in EXAMPLES if text not in (*REFUSED, *PRESETS)]
FILES = [FILE, *sorted(ROOT.glob("presets/*.yaml"))]


def load_with_overlay(text, folder):
    overlay = folder / "mine.yaml"
    overlay.write_text(text)
    return load_config([FILE, overlay])


@pytest.mark.parametrize("text", OVERLAYS)
def test_examples_are_configurations(text, tmp_path):
    made = load_with_overlay(text, tmp_path)
    assert made != load_config([FILE])


@pytest.mark.parametrize("text", REFUSED)
def test_the_invalid_example_is_refused(text, tmp_path):
    with pytest.raises(
        TrajpromptError, match="mine.yaml: tables.mine.entries: .*each once"
    ):
        load_with_overlay(text, tmp_path)


@pytest.mark.parametrize("text", PRESETS)
def test_presets_of_the_page(text, tmp_path):
    for name in ("presets", "papers"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(FILE, tmp_path)
    (tmp_path / "presets/ten-seeds.yaml").write_text(text)
    (tmp_path / "mine.yaml").write_text("preset: ten-seeds\n")
    made = load_config([tmp_path / "config.yaml", tmp_path / "mine.yaml"])
    assert (made["run"], made["evaluate"]["episodes"]) == ("ten-seeds", 10)


def test_every_section_is_explained_and_has_an_example():
    headings = " ".join(re.findall(r"^## (.*)$", PAGE, re.M)).replace(",", "").split()
    known = set(RunConfig.model_fields) - {"preset"}
    assert known <= set(headings)
    assert known | {"preset"} == {
        key for text in EXAMPLES for key in yaml.safe_load(text)
    } - {
        "grids",
        "like",
    }


def test_grids_and_inheritance_of_the_page(tmp_path):
    made = load_with_overlay(
        OVERLAYS[next(i for i, t in enumerate(OVERLAYS) if "grid soft" in t)], tmp_path
    )
    assert len(made["tables"]["mine"]["entries"]) == 10
    assert {suite for suite, _, _ in table_cells.cells(made, ("mine",))} == {"cheetah-vel"}
    wide = next(text for text in OVERLAYS if "wide-then-ptdt" in text)
    methods = load_with_overlay(wide, tmp_path)["methods"]
    assert methods["prompt-bandit-wide"]["options"]["refit_steps"] == 50
    assert methods["wide-then-ptdt"]["options"]["diffuser"]["width"] == 128
    assert methods["wide-then-ptdt"]["options"]["diffuser"]["diffusion_steps"] == 25


def test_the_schema_accepts_the_files_of_the_repository_and_the_page():
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(file_schema()).validate
    for path in FILES:
        check(yaml.safe_load(path.read_text()))
    for text in (*OVERLAYS, *PRESETS):
        check(yaml.safe_load(text))
    for path in ROOT.glob("papers/*/paper.yaml"):
        values = yaml.safe_load(path.read_text())
        check({k: v for k, v in values.items() if k not in ("name", "title", "arxiv")})
    for wrong in ({"evaluate": {"episodez": 3}}, {"seeds": [1, 1]}, {"suites": ["moon"]}):
        with pytest.raises(jsonschema.ValidationError):
            check(wrong)


def test_the_command_prints_the_schema_and_the_merged_configuration(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["config", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(file_schema()))
    assert main(["config", "config.yaml", "presets/smoke.yaml"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["run"] == "smoke" and shown["pretrain"]["dropout"] == 0.1
    assert shown["methods"]["prompt-bandit-ucb"]["options"]["episodes"] == 4


def test_the_default_configuration_is_short():
    assert len(FILE.read_text().splitlines()) <= 120
