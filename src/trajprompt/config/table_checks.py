"""What a schema can't see in the config's columns, tables, figures and videos."""

from collections.abc import Collection
from typing import Any

from trajprompt.config import backbones as pretraining
from trajprompt.config import cells as table_cells
from trajprompt.config.checks import Config, Found, splits
from trajprompt.tasks.registry import get_suite


def table_inconsistencies(config: Config) -> Found:
    """(key, found, expected) of columns, tables, figures, videos that fit nothing else."""
    found = [*_column_errors(config), *_table_errors(config), *_figure_errors(config)]
    found += _video_errors(config)
    yield from found
    if not found and not (table_cells.tables(config) or table_cells.figures(config)):
        suites = ", ".join(config["suites"])
        yield "tables", "no column of a suite of the run", f"a column of one of {suites}"


def paper_inconsistencies(config: Config, papers: Collection[str]) -> Found:
    """Tables and figures of papers that have no folder, and names that are a paper's."""
    for part in ("tables", "figures", "videos"):
        for name, entry in (config[part] or {}).items():
            paper = entry.get("paper")
            if paper is not None and paper not in papers:
                expected = f"a folder of {config['papers']}/: {', '.join(sorted(papers))}"
                yield f"{part}.{name}.paper", paper, expected
            if name in papers:
                yield f"{part}.{name}", "the name of a paper", "a name of its own"


def _column_errors(config: Config) -> Found:
    for name, column in config["entries"].items():
        key = f"entries.{name}"
        known = {"condition": config["conditions"], "method": config["methods"]}
        for what, allowed in known.items():
            if column[what] not in allowed:
                yield f"{key}.{what}", column[what], f"one of {', '.join(allowed)}"
        if all(column[what] in allowed for what, allowed in known.items()):
            yield from _fit_errors(config, key, column)


def _fit_errors(config: Config, key: str, column: dict[str, Any]) -> Found:
    """Of a method that cannot be used under the condition of its column."""
    from trajprompt.models.prompt_dt import BACKBONES
    from trajprompt.tuning.registry import get_method  # with torch: 1.5 s

    condition = config["conditions"][column["condition"]]
    entry = config["methods"][column["method"]]
    backbone, method = condition["backbone"], get_method(entry["kind"])
    learns = entry["kind"] != "none" and entry["options"].get("iterations") != 0
    if condition["prompt_quality"] == "training" and learns:
        found = f"{column['method']}, which learns from the test task"
        yield f"{key}.method", found, "none, or a generator with iterations: 0"
    kind = pretraining.kind_of(config, backbone)
    if method.moves_prompts and not BACKBONES[kind].prompt:
        found = f"{column['method']}, which moves prompts, on {backbone}"
        yield f"{key}.method", found, "a condition whose backbone takes a prompt"


def _table_errors(config: Config) -> Found:
    for what in ("tables", "figures"):
        for name, table in config[what].items():
            for index, column in enumerate(table["entries"]):
                key = f"{what}.{name}.entries.{index}"
                if column not in config["entries"]:
                    yield key, column, f"one of {', '.join(config['entries'])}"
                else:
                    yield from _suite_errors(config, key, table, column)
    if config["aggregate"] not in (None, *config["tables"]):
        expected = f"null, or one of {', '.join(config['tables'])}"
        yield "aggregate", config["aggregate"], expected
    if config["report"] == "all":
        return
    known = [*config["tables"], *config["figures"]]
    for index, name in enumerate(config["report"]):
        if name not in known:
            yield f"report.{index}", name, f"one of {', '.join(known)}"


def _suite_errors(config: Config, key: str, table: Config, column: str) -> Found:
    """A column that is of none of its table's suites, whatever suites the run has.

    Its row would be missing, and nothing would say so.
    """
    own, shown = config["entries"][column]["suites"], table["suites"]
    if own and shown and not set(own) & set(shown):
        found = f"{column}, which is of {', '.join(own)} alone"
        yield key, found, f"a column of one of the table's suites, {', '.join(shown)}"


def _figure_errors(config: Config) -> Found:
    for name, figure in config["figures"].items():
        if name in config["tables"]:
            yield f"figures.{name}", "a table of that name", "a name of its own"
        baseline = figure["baseline"]
        if baseline is not None and baseline not in figure["entries"]:
            expected = f"one of its columns, {', '.join(figure['entries'])}"
            yield f"figures.{name}.baseline", baseline, expected


def _video_errors(config: Config) -> Found:
    for name, video in (config["videos"] or {}).items():
        key = f"videos.{name}"
        if name in config["tables"] or name in config["figures"]:
            yield key, "a table or figure of that name", "a name of its own"
        for index, column in enumerate(video["entries"]):
            if column not in config["entries"]:
                expected = f"one of {', '.join(config['entries'])}"
                yield f"{key}.entries.{index}", column, expected
        for index, suite in enumerate(video["suites"] or ()):
            if not get_suite(suite).filmed:
                yield f"{key}.suites.{index}", suite, "a suite with a MuJoCo model"
        for suite in set(config["suites"]) & set(video["tasks"]):
            (_, test), task = splits(config, suite), video["tasks"][suite]
            if task not in test:
                expected = f"a test task of the run, one of {', '.join(map(str, test))}"
                yield f"{key}.tasks.{suite}", str(task), expected
