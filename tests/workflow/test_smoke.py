"""The smoke run: every stage, method and table, for real but tiny."""

import csv

import pytest

from trajprompt.config import load
from trajprompt.records import read_record
from trajprompt.verification.chain import judge
from trajprompt.verification.jobs import REPORT

pytestmark = pytest.mark.slow
PRESET = ("--configfile", "presets/smoke.yaml")


def job_names(done):
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    if "Nothing to be done" in output:
        return set()
    table = output.split("Job stats:")[1].split("total")[0].splitlines()
    return {line.split()[0] for line in table if line and line.split()[-1].isdigit()}


def test_table_1_has_every_column_and_suite(smoke):
    table = smoke.folder / "results/smoke/5_report/tables/table1.csv"
    rows = list(csv.DictReader(table.open()))
    assert {"cheetah-dir", "cheetah-vel", "ant-dir", "reach"} <= {
        row["suite"] for row in rows
    }


def test_every_file_of_the_run_is_whole_and_known(smoke):
    results = smoke.folder / "results/smoke"
    configs = [smoke.folder / name for name in ("config.yaml", PRESET[1])]
    found = judge(results, load(configs))
    assert {(finding.status, finding.why) for finding in found} == {("whole", "")}
    recorded = judge(results, read_record(results / REPORT).settings)
    assert recorded == found


def test_second_run_does_nothing(smoke):
    assert job_names(smoke.snakemake("-n", *PRESET)) == set()


def test_editing_a_method_reruns_only_its_cells(smoke):
    source = smoke.folder / "src/trajprompt/tuning/ptdt_online.py"
    text = source.read_text()
    source.write_text(text + "\n# edited\n")
    try:
        done = smoke.snakemake("-n", *PRESET)
        names = job_names(done)
        assert "tune" in names and not names & {"collect", "pretrain"}
        tuned = [line for line in done.stdout.splitlines() if line.startswith("Tuning ")]
        assert all("ptdt-online" in line for line in tuned)
    finally:
        source.write_text(text)


def test_a_damaged_artifact_is_named(smoke):
    backbone = next(
        (smoke.folder / "results/smoke/2_pretrain/reach").rglob("*.safetensors")
    )
    whole = backbone.read_bytes()
    backbone.write_bytes(whole[: len(whole) // 2])
    try:
        done = smoke.snakemake("tune_all", *PRESET, "--rerun-triggers", "mtime")
        assert done.returncode != 0
        assert backbone.name in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
    finally:
        backbone.write_bytes(whole)
