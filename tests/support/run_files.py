"""Fake run: every file that a configuration requires, with records and dummy content."""

import json
import re
from pathlib import Path

from support.paths import CONFIG, preset
from trajprompt.artifacts.atomic import file_hash, write_text
from trajprompt.artifacts.records import record_text, write_record
from trajprompt.artifacts.resources import write_resources
from trajprompt.config.load import Config, load_config
from trajprompt.verification.jobs import REPORT, Job, jobs_of

OVERLAY = """
run: invented
seeds: [0, 1]
suites: [reach]
tables:
  mine:
    title: mine
    entries: [prompt-dt, mt-orl]
report: [mine]
"""
CONFIGS = [CONFIG, preset("smoke")]
STORE = "1_collect/reach/trajectories.h5"
BACKBONE = "2_pretrain/reach/prompt-dt/seed{seed}.safetensors"
CURVE = "2_pretrain/reach/prompt-dt/seed{seed}.csv"
ADAPTATION = "3_tune/reach/expert/none/seed{seed}.h5"
EVALUATION = "4_evaluate/reach/expert/none/seed{seed}.csv"
RANDOM_POLICY = "4_evaluate/reach/random-policy.csv"
TABLE = "5_report/tables/mine.csv"
INPUTS = {
    "collect": (),
    "pretrain": (STORE,),
    "tune": (STORE, BACKBONE),
    "evaluate": (BACKBONE, ADAPTATION),
    "random-policy": (),
}


def make_run(folder: Path) -> tuple[Path, Config]:
    """Make a run in ``folder``; return the run's folder and its configuration."""
    overlay = folder / "invented.yaml"
    overlay.write_text(OVERLAY)
    config = load_config([*CONFIGS, overlay])
    results = folder / "results/invented"
    for job in jobs_of(config):
        if job.stage == "report":
            _report(results, job)
        else:
            run_job(results, job)
    return results, config


def run_job(results: Path, job: Job, content: str = "") -> None:
    """Write the outputs of a job: text with the job's name and ``content``."""
    outputs = [results / name for name in job.outputs]
    for path in outputs:
        write_text(path, f"number,text\n1,{path.name} of {job.record} {content}\n")
    write_record(_attributes(results, job, _inputs(job)), *outputs)
    write_resources(outputs[0])


def _inputs(job: Job) -> list[str]:
    """INPUTS for the job's seed, backbone and condition."""
    names = [name.format(seed=job.settings.get("seed")) for name in INPUTS[job.stage]]
    if job.settings.get("condition") == "mt-orl":
        return [re.sub("/(prompt-dt|expert)/", "/mt-orl/", name) for name in names]
    return names


def _report(results: Path, job: Job) -> None:
    write_text(results / TABLE, "suite,mean\nreach,1.0\n")
    inputs = [EVALUATION.format(seed=seed) for seed in (0, 1)]
    path = results / REPORT
    record = json.loads(
        record_text(_attributes(results, job, inputs), path, results / TABLE)
    )
    record["config"] = record.pop("settings")
    write_text(path, json.dumps(record))


def _attributes(results: Path, job: Job, inputs: list[str]) -> dict[str, str]:
    """Attributes like those of `artifacts.provenance`, for jobs run beside results/."""
    hashes = {
        f"results/{results.name}/{name}": file_hash(results / name) for name in inputs
    }
    return {
        "schema_version": "1",
        "stage": job.stage,
        "trajprompt": "1.0",
        "commit": "abc",
        "settings": json.dumps(job.settings),
        "libraries": "{}",
        "inputs": json.dumps(hashes),
    }
