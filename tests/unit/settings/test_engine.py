"""Choice of the engine of rollouts, and machines without OpenVINO."""

import subprocess
import sys

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.openvino import is_installed
from trajprompt.settings import engine

COMPUTE = {"device": "auto", "engine": "openvino", "stacked_seeds": False}


@pytest.fixture
def without_openvino(monkeypatch):
    monkeypatch.setattr(engine, "is_installed", lambda: False)


def test_a_missing_library_is_an_error_and_never_another_engine(without_openvino):
    with pytest.raises(TrajpromptError, match=r"compute.engine: found openvino.*torch"):
        engine.require_engine(COMPUTE)
    assert engine.default_engine() == "torch"


@pytest.mark.parametrize(
    "changes", [{"engine": "torch"}, {"device": "cuda"}, {"stacked_seeds": True}]
)
def test_runs_without_openvino_do_not_need_it(changes, without_openvino):
    engine.require_engine({**COMPUTE, **changes})


def test_a_gpu_and_stacked_seeds_use_torch():
    assert engine.used_engine("openvino", "cpu", stacked_seeds=False) == "openvino"
    assert engine.used_engine("openvino", "cuda", stacked_seeds=False) == "torch"
    assert engine.used_engine("openvino", "cpu", stacked_seeds=True) == "torch"


@pytest.mark.skipif(not is_installed(), reason="OpenVINO is not installed")
def test_openvino_is_imported_without_its_telemetry(tmp_path):
    (tmp_path / "openvino_telemetry.py").write_text("raise SystemExit('imported')")
    code = "from trajprompt.openvino import import_openvino; import_openvino()"
    path = {"PYTHONPATH": f"{tmp_path}:{':'.join(sys.path)}"}
    subprocess.run([sys.executable, "-c", code], env=path, check=True)


def test_a_library_that_cannot_be_imported_is_named(tmp_path):
    (tmp_path / "openvino.py").write_text("raise ImportError('libc is too old')")
    code = (
        "from trajprompt.openvino import import_openvino\n"
        "from trajprompt.errors import TrajpromptError\n"
        "try: import_openvino()\n"
        "except TrajpromptError as error: print(error)"
    )
    path = {"PYTHONPATH": f"{tmp_path}:{':'.join(sys.path)}"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=path, check=True, capture_output=True, text=True)
    assert "libc is too old" in done.stdout and "torch in the config" in done.stdout
