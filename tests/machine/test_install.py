"""envs/install.sh with a fake package index and a fake NVIDIA driver."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import pytest

from support.paths import ROOT
from support.wheels import write_wheel

pytestmark = pytest.mark.slow
LOCK = "torch==1.2.3\nsmall==1.0\n"
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import sys
sys.path.insert(0, {tests!r})
from support.wheels import write_wheel

def build_editable(folder, settings=None, metadata=None):
    return write_wheel(folder, "project", "0.1").name
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Address of two package indices, `pypi` and `cpu`, served from folders."""
    folder = tmp_path_factory.mktemp("index")
    for path, version in (
        ("pypi/torch", "1.2.3"),
        ("pypi/torch", "1.3"),
        ("cpu/torch", "1.2.3+cpu"),
        ("pypi/small", "1.0"),
    ):
        (folder / path).mkdir(parents=True, exist_ok=True)
        write_wheel(folder / path, Path(path).name, version)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that is also its own proxy: it uses only the path of a URL."""

    def do_GET(self):
        self.path = urllib.parse.urlsplit(self.path).path
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def project(tmp_path):
    """A project that is installed like ours, in a folder with a space in its name."""
    folder = tmp_path / "my projécts"
    (folder / "envs").mkdir(parents=True)
    shutil.copy(ROOT / "envs/install.sh", folder / "envs")
    (folder / "requirements.lock").write_text(LOCK)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND.format(tests=str(ROOT / "tests")))
    return folder


@pytest.fixture
def programs(tmp_path):
    """A folder of programs that precede the system's; there is no driver."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program(folder / "nvidia-smi", "exit 1")
    return folder


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def install(project, programs, index, **settings):
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(project.parent),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{index}/pypi",
        "CPU_INDEX": f"{index}/cpu",
        "PYTHON": sys.executable,
    }
    command = ["sh", str(project / "envs/install.sh")]
    return subprocess.run(
        command, env={**environment, **settings}, capture_output=True, text=True, cwd="/"
    )


def installed(project):
    """Version of torch in the environment, in which all packages must be installed."""
    code = "import importlib.metadata as m, small, project; print(m.version('torch'))"
    python = project / ".venv/bin/python"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("driver", "settings", "version", "message"),
    [
        (False, {}, "1.2.3+cpu", "CPU build, as there is no NVIDIA driver"),
        (True, {}, "1.2.3", "CUDA build for the NVIDIA driver found"),
        (True, {"TORCH_INDEX": "{index}/cpu"}, "1.2.3+cpu", "torch from http://127"),
        (
            False,
            {"CPU_INDEX": "http://127.0.0.1:9"},
            "1.2.3",
            "127.0.0.1:9 cannot be reached",
        ),
    ],
    ids=["no driver", "driver", "index given", "index unreachable"],
)
def test_the_build_of_torch_fits_the_machine(
    project, programs, index, driver, settings, version, message
):
    if driver:
        program(programs / "nvidia-smi", "echo GPU 0")
    settings = {name: value.format(index=index) for name, value in settings.items()}
    done = install(project, programs, index, **settings)
    assert done.returncode == 0, done.stderr
    assert installed(project) == version
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("trajprompt: ")]
    assert message in line and "GB of downloads" in line and "GB on disk" in line


def test_settings_of_another_target_are_ignored(project, programs, index, tmp_path):
    elsewhere = {"PIP_TARGET": str(tmp_path / "x"), "PIP_USER": "1", "PIP_NO_DEPS": "1"}
    elsewhere |= {"PYTHONPATH": str(tmp_path), "PIP_PREFIX": str(tmp_path / "y")}
    done = install(project, programs, index, **elsewhere)
    assert done.returncode == 0, done.stderr
    assert installed(project) == "1.2.3+cpu"
    assert not (tmp_path / "x").exists() and not (tmp_path / "y").exists()


def test_behind_a_proxy(project, programs, index):
    behind = "http://index.invalid"
    settings = {"PIP_INDEX_URL": f"{behind}/pypi", "CPU_INDEX": f"{behind}/cpu"}
    settings |= {"http_proxy": index, "PIP_TRUSTED_HOST": "index.invalid"}
    done = install(project, programs, index, **settings)
    assert done.returncode == 0, done.stderr
    assert installed(project) == "1.2.3+cpu"


def test_a_second_call_keeps_the_environment(project, programs, index):
    assert install(project, programs, index).returncode == 0
    (project / ".venv/mine").write_text("")
    (project / "requirements.lock").write_text(LOCK.replace("small==1.0", "small"))
    done = install(project, programs, index)
    assert done.returncode == 0, done.stderr
    assert (project / ".venv/mine").exists() and installed(project) == "1.2.3+cpu"


def test_an_incomplete_environment_is_replaced(project, programs, index):
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/pyvenv.cfg").write_text("home = /nowhere\n")
    done = install(project, programs, index)
    assert done.returncode == 0, done.stderr
    assert installed(project) == "1.2.3+cpu"


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("exit 4", "expected Python 3.11 to 3.14"),
        ("exit 3", "apt-get install python3-venv"),
        ("exit 1", "cannot be run"),
    ],
)
def test_a_wrong_python_is_named(project, programs, index, python, message):
    program(programs / "wrong", python)
    done = install(project, programs, index, PYTHON=str(programs / "wrong"))
    assert done.returncode == 1 and not (project / ".venv").exists()
    (line,) = done.stderr.splitlines()
    assert line.startswith("trajprompt: ") and message in line


def test_without_a_python_the_ways_to_get_one_are_named(project, programs, index):
    for name in ("python", "python3", *(f"python3.{minor}" for minor in (11, 12, 13, 14))):
        program(programs / name, "exit 4")
    done = install(project, programs, index, PYTHON="")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    for way in ("apt-get install python3", "dnf install", "uv python install 3.13"):
        assert way in line


def test_the_newest_python_with_the_pinned_mujoco_is_used(project, programs, index):
    for minor in (12, 13):
        program(programs / f"python3.{minor}", "exit 4")
    program(programs / "python3.11", f'exec "{sys.executable}" "$@"')
    program(programs / "python3.14", f"touch {programs}/asked")
    done = install(project, programs, index, PYTHON="")
    assert done.returncode == 0, done.stderr
    assert installed(project) == "1.2.3+cpu" and not (programs / "asked").exists()


def test_a_folder_that_is_not_an_environment_is_kept(project, programs, index):
    (project / ".venv").mkdir()
    (project / ".venv/precious").write_text("mine")
    done = install(project, programs, index)
    assert done.returncode == 1 and "not a virtual environment" in done.stderr
    assert (project / ".venv/precious").read_text() == "mine"


def test_a_full_disk_is_reported_before_the_download(project, programs, index):
    done = install(project, programs, index, CPU_SIZE="0.7 1000000")
    assert done.returncode == 1
    assert "GB of free disk, expected 1000000 GB" in done.stderr
    assert not list(project.glob(".venv/lib/*/site-packages/small.py"))


def test_an_interrupted_installation_starts_over(project, programs, index):
    assert install(project, programs, index).returncode == 0
    (project / ".venv/.unfinished").touch()
    (module,) = project.glob(".venv/lib/*/site-packages/small.py")
    module.unlink()  # its metadata stays, so pip takes it as installed
    done = install(project, programs, index)
    assert done.returncode == 0, done.stderr
    assert "replacing .venv" in done.stderr and installed(project) == "1.2.3+cpu"
    assert not (project / ".venv/.unfinished").exists()


def test_an_environment_of_somebody_else_is_kept(project, programs, index, tmp_path):
    theirs = tmp_path / "theirs"
    venv = [sys.executable, "-m", "venv", "--without-pip", str(theirs)]
    subprocess.run(venv, check=True)
    (theirs / "precious").touch()
    done = install(project, programs, index, VENV=str(theirs))
    assert done.returncode == 1 and "not created by this script" in done.stderr
    assert (theirs / "precious").exists()


def test_torch_from_pypi_if_the_index_of_the_cpu_build_lacks_the_version(
    project, programs, index
):
    (project / "requirements.lock").write_text(LOCK.replace("1.2.3", "1.3"))
    done = install(project, programs, index)
    assert done.returncode == 0, done.stderr
    assert "trying PyPI" in done.stderr and installed(project) == "1.3"


def test_pip_that_installs_elsewhere_is_reported(project, programs, index, tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\ntarget = {tmp_path / 'elsewhere'}\n")
    done = install(project, programs, index, PIP_CONFIG_FILE=str(settings))
    assert done.returncode == 1
    assert "pip has installed into another folder" in done.stderr
