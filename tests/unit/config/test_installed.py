"""An installed package, without its sources, reads a configuration in any folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from support.configuration import FILE
from support.paths import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the content of the wheel, outside the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignored)
    build = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "-q", "-w", "dist"], cwd=folder, check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    shutil.rmtree(folder / "src")
    return folder / "site"


def run(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_it_loads_the_configuration_of_a_folder(site, tmp_path):
    shutil.copy(FILE, tmp_path)
    for name in ("presets", "papers"):
        shutil.copytree(ROOT / name, tmp_path / name)
    where = run(site, tmp_path, "-c", "import trajprompt; print(trajprompt.__file__)")
    assert Path(where.stdout).is_relative_to(site)
    files = ("config.yaml", "presets/smoke.yaml")
    done = run(site, tmp_path, "-m", "trajprompt.cli", "config", *files)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["run"] == "smoke"


def test_it_names_a_missing_folder(site, tmp_path):
    shutil.copy(FILE, tmp_path)
    done = run(site, tmp_path, "-m", "trajprompt.cli", "config")
    assert done.returncode == 2 and "config.yaml: papers: found papers" in done.stderr
