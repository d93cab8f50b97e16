"""The DAG of jobs, in dry runs."""

import re

import pytest

from support.opengl import HAS_OPENGL
from support.paths import CONFIG, ROOT, preset
from trajprompt.config import cells as table_cells
from trajprompt.config.backbones import is_offline
from trajprompt.config.calibration import read_plan
from trajprompt.config.load import load_config

STAGES = {"teach", "collect", "pretrain", "learn", "relabel", "tune", "evaluate"}
STAGES |= {"random_policy"}
# In every run.
REPORT = {"curves", "claims", "opening", "aggregate", "variance", "episodes", "compute"}
REPORT |= {"record", "all"}


def jobs(done):
    """Number of jobs per rule, from the table that a dry run prints."""
    assert done.returncode == 0, done.stdout + done.stderr
    table = (done.stdout + done.stderr).split("Job stats:")[1].split("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


@pytest.mark.parametrize("name", ["laptop", "smoke", "evening", "paper"])
def test_every_cell_has_one_job(workflow, name):
    found = jobs(workflow.snakemake("-n", "--configfile", f"presets/{name}.yaml"))
    made = load_config([CONFIG, preset(name)])
    seeds = len(made["seeds"])
    suites = table_cells.suites(made)
    assert found["collect"] == len(table_cells.collected(made))
    assert found.get("teach", 0) == len(table_cells.taught(made))
    learned = [pair for pair in table_cells.backbones(made) if is_offline(made, pair[1])]
    assert found.get("learn", 0) == len(learned)  # one job for all seeds
    planned = {
        (suite, made["conditions"][condition]["backbone"])
        for suite, condition, method in table_cells.cells(made)
        if made["methods"][method]["kind"].startswith("cmt-")
    }
    assert found.get("relabel", 0) == len(planned) * seeds
    others = len(table_cells.backbones(made)) - len(learned)
    assert found["pretrain"] == others * seeds
    assert found["tune"] == found["evaluate"] == len(table_cells.cells(made)) * seeds
    assert found["random_policy"] == len(suites)
    shown = (*table_cells.tables(made), *table_cells.figures(made))
    assert all(found[name] == 1 for name in shown)


@pytest.mark.parametrize("name", ["laptop", "evening", "smoke", "paper"])
def test_a_preset_by_name_and_as_a_file_are_the_same_jobs(workflow, name):
    by_name = jobs(workflow.snakemake("-n", "--config", f"preset={name}"))
    as_file = jobs(workflow.snakemake("-n", "--configfile", f"presets/{name}.yaml"))
    assert by_name == as_file


def test_the_smoke_run_makes_its_results_and_nothing_else(workflow):
    found = jobs(workflow.snakemake("-n", "--configfile", "presets/smoke.yaml"))
    made = load_config([CONFIG, preset("smoke")])
    videos = table_cells.videos(made) if HAS_OPENGL else ()
    results = {*made["tables"], *made["figures"], *videos}
    assert set(found) == STAGES | results | REPORT


def test_without_opengl_everything_except_the_videos_is_made(workflow):
    workflow.environment["MUJOCO_GL"] = "glfw"  # needs a display
    done = workflow.snakemake("-n", "--configfile", "presets/smoke.yaml")
    made = load_config([CONFIG, preset("smoke")])
    omitted = ", ".join(table_cells.videos(made))
    assert f"No videos ({omitted}): no OpenGL" in done.stdout + done.stderr
    assert set(jobs(done)) == STAGES | REPORT | {*made["tables"], *made["figures"]}
    required = workflow.snakemake("-n", "--config", "preset=smoke", "videos=required")
    assert jobs(required)["rollouts"] == 1


def test_an_outdated_video_is_left_out_without_opengl(workflow):
    workflow.environment["MUJOCO_GL"] = "glfw"
    page = workflow.folder / "results/smoke/5_report/pages/rollouts.html"
    page.parent.mkdir(parents=True)
    page.touch()
    done = workflow.snakemake("-n", "--configfile", "presets/smoke.yaml")
    assert "rollouts" not in jobs(done)


def test_a_video_as_the_target_without_opengl_is_refused_in_one_line(workflow):
    workflow.environment["MUJOCO_GL"] = "glfw"
    done = workflow.snakemake("rollouts", "--configfile", "presets/smoke.yaml")
    assert done.returncode == 1
    assert "trajprompt: error: no OpenGL back end" in done.stderr + done.stdout
    assert not (workflow.folder / "results/smoke").exists()


def test_required_videos_without_opengl_stop_before_any_job(workflow):
    workflow.environment["MUJOCO_GL"] = "glfw"
    done = workflow.snakemake("--config", "preset=smoke", "videos=required")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "rendering: MUJOCO_GL=glfw does not work; expected OpenGL" in done.stderr
    assert not (workflow.folder / "results").exists()


@pytest.mark.parametrize("target", ["ptdt", "prompt_diffuser", "bandits", "own"])
def test_a_paper_is_a_target(workflow, target):
    found = jobs(workflow.snakemake("-n", target, "--config", "preset=evening"))
    made = load_config([CONFIG, preset("evening")])
    shown = {**made["tables"], **made["figures"]}
    expected = [name for name, entry in shown.items() if entry.get("paper") == target]
    assert {name for name in found if name in shown} == set(expected)
    assert found["tune"] == len(table_cells.cells(made, expected)) * len(made["seeds"])
    assert "claims" not in found


def test_a_run_may_make_one_table(workflow):
    entries = "entries: [prompt-dt], suites: [reach]"
    overlay = f"tables: {{ mine: {{ title: mine, {entries} }} }}\nreport: [mine]\n"
    (workflow.folder / "mine.yaml").write_text(overlay)
    found = jobs(workflow.snakemake("-n", "--configfile", "mine.yaml"))
    assert found["tune"] == found["evaluate"] == found["pretrain"] == 5
    assert found["mine"] == found["claims"] == 1
    assert not {"ptdt_table1", "ptdt_figure5"} & set(found)


def test_a_backbone_may_be_a_variant(workflow):
    variant = "pairs: { kind: prompt-dt, prompt_segments: 2, prompt_length: 20 }"
    same = "prompt_quality: expert, data_quality: expert, samples: 256"
    overlay = f"""
backbones: {{ {variant} }}
conditions: {{ pairs: {{ backbone: pairs, {same} }} }}
entries: {{ pairs: {{ label: pairs, condition: pairs, method: none }} }}
tables: {{ mine: {{ title: mine, entries: [prompt-dt, pairs], suites: [reach] }} }}
report: [mine]
"""
    (workflow.folder / "mine.yaml").write_text(overlay)
    found = jobs(workflow.snakemake("-n", "--configfile", "mine.yaml"))
    assert found["tune"] == found["evaluate"] == found["pretrain"] == 2 * 5
    target = "results/laptop/2_pretrain/reach/pairs/seed0.safetensors"
    alone = jobs(workflow.snakemake("-n", target, "--configfile", "mine.yaml"))
    assert set(alone) == {"collect", "pretrain"}


def test_targets_are_listed_with_their_titles(workflow):
    listed = workflow.snakemake("--list", "--config", "preset=evening").stdout
    assert "PTDT Table 3: quality of the initial prompt" in listed
    assert "pd_table9" in listed and "PD Figure 2b: methods by quality" in listed


def test_a_target_has_only_the_jobs_it_needs(workflow):
    found = set(jobs(workflow.snakemake("-n", "collect_all")))
    assert found == {"teach", "collect", "collect_all"}


def test_a_wrong_key_stops_before_any_job(workflow):
    (workflow.folder / "mine.yaml").write_text("evaluate: {episodez: 3}\n")
    done = workflow.snakemake("--configfile", "mine.yaml")
    assert done.returncode != 0
    assert "mine.yaml: evaluate.episodez: found an unknown key" in done.stderr
    assert not (workflow.folder / "results").exists()


def test_the_calibration_has_one_job_per_suite_method_and_backbone(workflow):
    made = load_config([CONFIG, preset("calibration")])
    plan, seeds = read_plan(ROOT / "papers"), len(made["seeds"])
    file = ("--configfile", "presets/calibration.yaml")
    done = workflow.snakemake("-n", "calibrate_all", *file)
    found = jobs(done)
    assert found["calibrate"] == len(plan.cells(made)) * seeds
    assert found["calibrate_signal"] == len(list(plan.signals(made))) * seeds
    assert set(found) == {
        *("teach", "collect", "pretrain", "calibrate", "calibrate_signal"),
        *("calibrate_choose", "calibrate_all"),
    }
    assert "results/calibration/6_calibrate/choices.yaml" in done.stdout + done.stderr


def test_papers_without_a_plan_have_no_calibration(workflow):
    (workflow.folder / "papers/calibration.yaml").unlink()
    assert "all" in jobs(workflow.snakemake("-n"))
    assert workflow.snakemake("-n", "calibrate_all").returncode != 0


@pytest.mark.parametrize(
    "target",
    [
        "ptdt_table1",
        "pd_table9",
        "ptdt_figure5",
        "pd_figure2b",
        "pd_table6",
        "curves",
        "claims",
        "opening",
        "aggregate",
        "variance",
        "episodes",
        "compute",
        "calibrate_all",
    ],
)
def test_every_result_is_a_target(workflow, target):
    evening = ("--config", "preset=evening")
    assert jobs(workflow.snakemake("-n", target, *evening))[target] == 1
