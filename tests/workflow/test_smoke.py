"""The smoke run: every stage, method and table at a tiny size."""

import csv
import os

import pytest

from support.browser import BrowserUnavailable, HtmlReport, chromium, content
from support.opengl import HAS_OPENGL
from support.paths import CONFIG, ROOT
from trajprompt.artifacts.records import read_record
from trajprompt.config import cells as table_cells
from trajprompt.config.load import load_config
from trajprompt.verification.chain import classify_files
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


def test_every_table_has_its_columns_and_suites(smoke):
    configs = [smoke.folder / name for name in ("config.yaml", PRESET[1])]
    made = load_config(configs)
    for name in table_cells.tables(made):
        table = smoke.folder / f"results/smoke/5_report/tables/{name}.csv"
        rows = list(csv.DictReader(table.open()))
        for entry, suites in table_cells.entries(made, (name,)).items():
            shown = {row["suite"] for row in rows if row["column"] == entry}
            assert set(suites) <= shown, (name, entry)


def test_every_figure_has_its_table(smoke):
    made = load_config([smoke.folder / name for name in ("config.yaml", PRESET[1])])
    report = smoke.folder / "results/smoke/5_report"
    for name, figure in made["figures"].items():
        rows = list(csv.DictReader((report / f"tables/{name}.csv").open()))
        assert rows and {row["suite"] for row in rows} == set(figure["suites"])
        assert all((report / f"figures/{name}{end}").is_file() for end in (".svg", ".png"))


def test_tuned_parameters_are_counted(smoke):
    table = smoke.folder / "results/smoke/5_report/tables/pd_table1.csv"
    counts = {
        row["column"]: row["parameters"]
        for row in csv.DictReader(table.open())
        if row["suite"] == "cheetah-dir"
    }
    assert (counts["soft-prompt"], counts["adaptor"]) == ("135", "13488")
    # Of 862,619 parameters, the vocabulary and two heads are unused.
    table = smoke.folder / "results/smoke/5_report/tables/peft_table.csv"
    rows = list(csv.DictReader(table.open()))
    counts |= {row["column"]: row["parameters"] for row in rows if row["parameters"]}
    # Wq and Wv of three layers, A and B of rank 4; keys and values of 15 prompt tokens.
    assert counts["lora"] == str(3 * 2 * 2 * 4 * 128)
    assert counts["prefix-tuning"] == str(3 * 2 * 15 * 128)
    assert (counts["prompt-dt"], counts["prompt-dt-ft"]) == ("0", "859782")


def test_every_job_measured_its_resources(smoke):
    table = smoke.folder / "results/smoke/5_report/compute.csv"
    for row in csv.DictReader(table.open()):
        assert row["unknown"] == "0" and float(row["cpu_hours"]) > 0, row["stage"]


def test_claims_have_verdicts(smoke):
    table = smoke.folder / "results/smoke/5_report/claims.csv"
    verdicts = {row["verdict"] for row in csv.DictReader(table.open())}
    # One seed has no interval, so no claim is decided. Data of agents that learned nothing
    # may leave no headroom.
    assert verdicts - {"no headroom"} == {
        "too noisy",
        "not tested",
        "not judged",
        "contradiction",
    }


def test_every_file_of_the_run_is_whole_and_known(smoke):
    results = smoke.folder / "results/smoke"
    configs = [smoke.folder / name for name in ("config.yaml", PRESET[1])]
    found = classify_files(results, load_config(configs))
    assert {(finding.status, finding.why) for finding in found} == {("whole", "")}
    recorded = classify_files(results, read_record(results / REPORT).settings)
    assert recorded == found


@pytest.fixture(scope="module")
def report(smoke):
    """The run's HTML report in a real browser."""
    file = smoke.folder / "results/smoke/report.html"
    done = smoke.snakemake("--report", str(file), *PRESET)
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        with chromium() as driver:
            yield HtmlReport(driver, file)
    except BrowserUnavailable as reason:
        if os.environ.get("TRAJPROMPT_REQUIRE_CHROMIUM"):
            pytest.fail(f"no Chromium: {reason}")
        pytest.skip(f"no Chromium: {reason}")


def test_the_report_opens_with_its_first_page(report):
    text = report.find("body")[0].text
    suites = len(table_cells.suites(load_config([CONFIG, ROOT / PRESET[1]])))
    assert f"smoke: {suites} suites, 1 seed(s)" in text and "How to read it" in text
    assert report.wait(lambda: report.find("svg.marks, canvas.marks"))  # the rules' graph
    assert report.find(".prose")[0].rect["y"] >= 0  # not above the window
    assert [name for name in report.menu() if name[:1].isdigit()] == [
        "1 Claims",
        "2 Tables",
        "3 Figures",
        *(["4 Videos"] if HAS_OPENGL else []),
        "5 Compute",
        "6 What made it",
    ]
    report.click("Statistics")
    assert report.wait(lambda: report.find("#runtimes .marks, #timeline .marks"))
    assert report.errors() == []


def test_the_report_lists_every_table_figure_and_video(report):
    made = load_config([CONFIG, ROOT / PRESET[1]])
    listed = {result["labels"]["result"] for result in report.results.values()}
    wanted = [*made["tables"].values(), *made["figures"].values()]
    if HAS_OPENGL:
        wanted += [made["videos"][name] for name in table_cells.videos(made)]
    assert {entry["title"] for entry in wanted} <= listed


def test_every_item_of_the_report_is_shown(report):
    shown = 0
    for category, subcategories in report.categories.items():
        for subcategory, paths in subcategories.items():
            titles = report.enter(category, subcategory)
            assert 2 * len(titles) == len(paths)  # page or picture, and raw data
            for title in titles:
                seen = report.show(title)
                assert seen["errors"] == [], (title, seen)
                what = {"3 Figures": "images", "4 Videos": "videos"}.get(category, "rows")
                assert seen[what] and all(seen[what]), (title, seen)
                pictured = category == "2 Tables" and subcategory != "This run"
                assert seen["images"] or not pictured, (title, seen)
                shown += 1
    assert shown == len(report.results) / 2
    assert report.errors() == []


def test_the_report_contains_the_files_of_the_run(report, smoke):
    for path, result in report.results.items():
        assert content(result) == (smoke.folder / path).read_bytes(), path


def test_second_run_does_nothing(smoke):
    assert job_names(smoke.snakemake("-n", *PRESET)) == set()


def test_editing_a_method_reruns_only_its_cells(smoke):
    source = smoke.folder / "src/trajprompt/tuning/methods/ptdt_online.py"
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
    valid = backbone.read_bytes()
    backbone.write_bytes(valid[: len(valid) // 2])
    try:
        done = smoke.snakemake("tune_all", *PRESET, "--rerun-triggers", "mtime")
        assert done.returncode != 0
        assert backbone.name in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
    finally:
        backbone.write_bytes(valid)
