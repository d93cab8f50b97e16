"""The benchmark of GPUs on a CPU, tiny: every section gives rates and a projection."""

import json
import subprocess
import sys

import pytest

from support.paths import CONFIG, ROOT, preset

pytestmark = pytest.mark.slow
TINY = """
suites: [cheetah-dir]
seeds: [0, 1]
videos: null
"""


def test_a_trial_measures_every_stage(tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    files = [str(path) for path in (CONFIG, preset("smoke"), tmp_path / "tiny.yaml")]
    out = tmp_path / "gpu.json"
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--quick"]
    command += ["--threads", "1", "--out", str(out), "--config", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "a TRIAL, not a forecast" in done.stdout
    found = json.loads(out.read_text())
    assert found["trial"] and min(found["hours"].values()) > 0
    stacked = [one for one in found["pretrain"] if one["code"] == "stacked"]
    assert {one["seeds"] for one in stacked} == {1, 2}
    methods = {one["method"] for one in found["tune"]}
    assert {"none", "ptdt-offline", "ptdt-online", "prompt-diffuser"} <= methods
    assert all(one["share_of_peak"] > 0 for one in found["evaluate"])


def test_a_benchmark_without_time_keeps_its_results_and_names_what_it_left_out(tmp_path):
    """Every section ends after its first measurement."""
    (tmp_path / "tiny.yaml").write_text(
        TINY.replace("[cheetah-dir]", "[reach, cheetah-dir]")
    )
    files = [str(path) for path in (CONFIG, preset("smoke"), tmp_path / "tiny.yaml")]
    out = tmp_path / "gpu.json"
    code = "import gpu; gpu.CAPS = dict.fromkeys(gpu.CAPS, 0); gpu.main()"
    command = [sys.executable, "-c", code, "--device", "cpu", "--quick"]
    command += ["--threads", "1", "--out", str(out), "--config", *files]
    done = subprocess.run(command, cwd=ROOT / "benchmarks", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(out.read_text())
    assert all(
        len(found[name]) == 1 for name in ("collect", "pretrain", "tune", "evaluate")
    )
    assert min(found["hours"].values()) > 0
    text = "\n".join(found["not_measured"])
    for part in ("collection of", "largest backbone", "play on", "tuning by none"):
        assert part in text
    assert all(part in done.stdout for part in found["not_measured"])
