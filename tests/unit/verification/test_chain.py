"""``trajprompt verify`` on an invented run: whole, and damaged in every way."""

import json
import shutil

import pytest

from support.run_files import (
    ADAPTATION,
    BACKBONE,
    CURVE,
    EVALUATION,
    RANDOM_POLICY,
    STORE,
    TABLE,
    make_run,
    run_job,
)
from trajprompt.cli import main
from trajprompt.commands.inspect import describe
from trajprompt.verification.chain import classify_files
from trajprompt.verification.jobs import REPORT, jobs_of


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path)


def wrong(results, config):
    """File -> status, for all files that are not whole."""
    return {
        f.file: f.status for f in classify_files(results, config) if f.status != "whole"
    }


def job_of(config, file):
    return next(job for job in jobs_of(config) if file in job.outputs)


def test_a_whole_run_is_whole(run, capsys):
    results, config = run
    files = {finding.file for finding in classify_files(results, config)}
    assert {STORE, BACKBONE.format(seed=1), CURVE.format(seed=0), TABLE} <= files
    assert main(["verify", str(results)]) == 0
    assert f"all {len(files)} files are whole" in capsys.readouterr().out


def test_snakemakes_report_is_not_checked(run):
    results, config = run
    (results / "report.html").write_text("made of the others")
    assert not wrong(results, config)
    (results / "1_collect/report.html").write_text("no record")
    assert wrong(results, config) == {"1_collect/report.html": "foreign"}


def test_the_folder_may_be_moved(run, tmp_path, monkeypatch):
    results, config = run
    moved = shutil.move(results, tmp_path / "elsewhere")
    assert not wrong(moved, config)


FILES = [STORE, BACKBONE, CURVE, ADAPTATION, EVALUATION, RANDOM_POLICY, TABLE]


@pytest.mark.parametrize("file", FILES)
def test_altered_bytes_are_reported_only_for_their_file(run, file, capsys):
    results, config = run
    path = results / file.format(seed=1)
    text = path.read_text()
    path.write_text(text[:-2] + "!\n")
    assert wrong(results, config) == {file.format(seed=1): "altered"}
    assert main(["verify", str(results)]) == 2
    printed = capsys.readouterr()
    assert f"altered  {file.format(seed=1)}: hash" in printed.out
    assert "1 of" in printed.err


def test_a_missing_file(run):
    results, config = run
    (results / STORE).unlink()
    (results / TABLE).unlink()
    lost = results / EVALUATION.format(seed=0)
    lost.unlink()
    lost.with_suffix(".provenance.json").unlink()
    lost.with_suffix(".resources.json").unlink()
    missing = dict.fromkeys((STORE, TABLE, EVALUATION.format(seed=0)), "missing")
    assert wrong(results, config) == missing


def test_a_remade_input_makes_all_files_after_it_stale(run):
    results, config = run
    run_job(results, job_of(config, BACKBONE.format(seed=0)), "remade")
    stale = (ADAPTATION.format(seed=0), EVALUATION.format(seed=0), TABLE)
    assert wrong(results, config) == dict.fromkeys(stale, "stale")


def test_changed_settings_make_files_stale(run, tmp_path, capsys):
    results, config = run
    config["evaluate"]["episodes"] = 7
    played = [f"4_evaluate/reach/mt-orl/none/seed{seed}.csv" for seed in (0, 1)]
    played.append(RANDOM_POLICY)
    stale = (EVALUATION.format(seed=0), EVALUATION.format(seed=1), TABLE, *played)
    assert wrong(results, config) == dict.fromkeys(stale, "stale")
    (why,) = {f.why for f in classify_files(results, config) if f.file == stale[0]}
    assert why == "made with other settings: episodes"


def test_swapped_files(run):
    results, config = run
    one, other = (results / EVALUATION.format(seed=seed) for seed in (0, 1))
    swap(one, other)
    altered = (EVALUATION.format(seed=0), EVALUATION.format(seed=1))
    assert wrong(results, config) == dict.fromkeys(altered, "altered")
    swap(one.with_suffix(".provenance.json"), other.with_suffix(".provenance.json"))
    assert {f.status for f in classify_files(results, config) if f.file in altered} == {
        "foreign"
    }


def test_swapped_folders_are_foreign(run):
    results, config = run
    one, other = (results / f"2_pretrain/reach/{name}" for name in ("prompt-dt", "mt-orl"))
    swap(one, other)
    found = {f.file: f for f in classify_files(results, config)}
    foreign = found[BACKBONE.format(seed=0)]
    assert (foreign.status, foreign.why) == (
        "foreign",
        "made for backbone mt-orl, not prompt-dt",
    )


def test_files_without_a_record_are_foreign(run):
    results, config = run
    left = "4_evaluate/reach/expert/none/.seed0.host.7.part.csv"
    unknown = "4_evaluate/reach/expert/none/seed9.resources.json"  # no such job
    checkpoint = "3_tune/reach/expert/none/seed0.checkpoint.h5"
    for name in ("notes.txt", left, checkpoint, unknown):
        (results / name).write_text("x")
    found = {
        f.file: f.why for f in classify_files(results, config) if f.status == "foreign"
    }
    assert found["notes.txt"] == "no record of a job that made it"
    assert found[unknown] == "no record of a job that made it"
    assert "killed process" in found[left]
    assert len(found) == 4


def test_another_runs_files_are_foreign(run, tmp_path):
    results, config = run
    path = results / EVALUATION.format(seed=0)
    record = path.with_suffix(".provenance.json")
    values = json.loads(record.read_text())
    values["settings"]["run"] = "laptop"
    record.write_text(json.dumps(values))
    (found,) = [f for f in classify_files(results, config) if f.status == "foreign"]
    assert found.file == EVALUATION.format(seed=0)
    assert found.why == "made by run 'laptop', not 'invented'"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stage": 1}', "[" * 100_000])
def test_a_damaged_record_is_named(run, content):
    results, config = run
    name = EVALUATION.format(seed=0).replace(".csv", ".provenance.json")
    (results / name).write_text(content)
    found = wrong(results, config)
    assert found[name] == "altered"
    assert found[EVALUATION.format(seed=0)] == "foreign"


def test_a_damaged_configuration_is_named(run, capsys):
    results, _ = run
    record = json.loads((results / REPORT).read_text())
    del record["config"]["suites"]
    (results / REPORT).write_text(json.dumps(record))
    assert main(["verify", str(results)]) == 2
    assert (
        "the run's configuration: damaged (KeyError: 'suites')" in capsys.readouterr().err
    )


def test_a_run_without_a_report_can_be_checked(run, capsys):
    results, config = run
    shutil.rmtree((results / REPORT).parent)
    assert wrong(results, config) == {REPORT: "missing"}
    assert main(["verify", str(results)]) == 0
    assert "--config" in capsys.readouterr().out


def test_inspect_shows_the_provenance_of_a_table_down_to_the_data(run, tmp_path):
    results, config = run
    shown = describe(results / EVALUATION.format(seed=0))
    assert "stage: evaluate" in shown and "episodes: 2" in shown
    for name in (BACKBONE.format(seed=0), ADAPTATION.format(seed=0), STORE):
        assert f"  results/invented/{name}" in shown
    assert "remade" not in shown
    run_job(results, job_of(config, STORE), "remade")
    assert "remade since" in describe(results / EVALUATION.format(seed=0))


def swap(one, other):
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)
