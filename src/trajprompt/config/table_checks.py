"""Checks of the config's entries, tables, figures and videos, beyond the schema."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from trajprompt.config import backbones as pretraining
from trajprompt.config import cells as table_cells
from trajprompt.config.checks import Config, Inconsistencies, splits
from trajprompt.tasks.registry import get_suite


def table_inconsistencies(config: Config) -> Inconsistencies:
    """(key, found, expected) of entries, tables, figures and videos that do not fit."""
    found = [*_entry_errors(config), *_table_errors(config), *_figure_errors(config)]
    found += _video_errors(config)
    yield from found
    if not found and not (table_cells.tables(config) or table_cells.figures(config)):
        key = "suites" if config["report"] == "all" else "report"
        value = (
            f"{config[key]}, for which no table or figure has an entry in the run's suites"
        )
        yield key, value, f"an entry in one of the suites {', '.join(config['suites'])}"


def paper_inconsistencies(config: Config, papers: Collection[str]) -> Inconsistencies:
    """Tables and figures of unknown papers, and names that are those of papers."""
    for part in ("tables", "figures", "videos"):
        for name, shown in (config[part] or {}).items():
            paper = shown.get("paper")
            if paper is not None and paper not in papers:
                folder = Path(config["papers"]).name
                expected = f"a folder of {folder}/: {', '.join(sorted(papers))}"
                yield f"{part}.{name}.paper", paper, expected
            if name in papers:
                yield f"{part}.{name}", "the name of a paper", "an unused name"


def _entry_errors(config: Config) -> Inconsistencies:
    for name, entry in config["entries"].items():
        key = f"entries.{name}"
        known = {"condition": config["conditions"], "method": config["methods"]}
        for what, allowed in known.items():
            if entry[what] not in allowed:
                yield f"{key}.{what}", entry[what], f"one of {', '.join(allowed)}"
        if all(entry[what] in allowed for what, allowed in known.items()):
            yield from _fit_errors(config, key, entry)


def _fit_errors(config: Config, key: str, entry: dict[str, Any]) -> Inconsistencies:
    """An entry whose method cannot be used under its condition."""
    from trajprompt.models.kinds import get_kind
    from trajprompt.tuning.registry import get_method  # imports torch: 1.5 s

    condition = config["conditions"][entry["condition"]]
    chosen = config["methods"][entry["method"]]
    backbone, method = condition["backbone"], get_method(chosen["kind"])
    changes = chosen["suite_options"].values()
    by_suite = [{**chosen["options"], **change} for change in changes]
    learns = chosen["kind"] != "none" and any(
        options.get("iterations") != 0 for options in (chosen["options"], *by_suite)
    )
    if condition["prompt_quality"] == "training" and learns:
        found = f"{entry['method']}, which learns from the test task"
        expected = "none, or a generator with iterations: 0, for prompts of training tasks"
        yield f"{key}.method", found, expected
    kind = pretraining.kind_of(config, backbone)
    found = f"{entry['method']}, which tunes, on {backbone}"
    family = get_kind(kind).family
    if family == "state" and chosen["kind"] != "none":
        yield f"{key}.method", found, "none, because the backbone is a policy of states"
    elif family == "history" and not (method.reads_relabelled or chosen["kind"] == "none"):
        expected = "none or a method for cmt, because the backbone is one"
        yield f"{key}.method", found, expected
    elif method.reads_relabelled and family != "history":
        expected = "another method, because the backbone is not of kind cmt"
        yield f"{key}.method", found, expected
    elif method.moves_prompts and not get_kind(kind).prompt:
        found = f"{entry['method']}, which tunes prompts, on {backbone}"
        yield f"{key}.method", found, "a condition whose backbone reads a prompt"


def _table_errors(config: Config) -> Inconsistencies:
    for what in ("tables", "figures"):
        for name, table in config[what].items():
            for index, entry in enumerate(table["entries"]):
                key = f"{what}.{name}.entries.{index}"
                if entry not in config["entries"]:
                    yield key, entry, f"one of {', '.join(config['entries'])}"
                else:
                    yield from _suite_errors(config, key, table, entry)
    if config["aggregate"] not in (None, *config["tables"]):
        expected = f"null, or one of {', '.join(config['tables'])}"
        yield "aggregate", config["aggregate"], expected
    known = [*config["tables"], *config["figures"]]
    for key in ("report", "omit"):
        for index, name in enumerate(config[key] if config[key] != "all" else ()):
            if name not in known:
                yield f"{key}.{index}", name, f"one of {', '.join(known)}"


def _suite_errors(config: Config, key: str, table: Config, entry: str) -> Inconsistencies:
    """An entry that excludes all suites of its table: its row would silently be missing."""
    suites, shown = config["entries"][entry]["suites"], table["suites"]
    if suites and shown and not set(suites) & set(shown):
        found = f"{entry}, which is limited to {', '.join(suites)}"
        yield key, found, f"an entry in one of the table's suites, {', '.join(shown)}"


def _figure_errors(config: Config) -> Inconsistencies:
    for name, figure in config["figures"].items():
        if name in config["tables"]:
            yield f"figures.{name}", "the name of a table", "an unused name"
        baseline = figure["baseline"]
        if baseline is not None and baseline not in figure["entries"]:
            expected = f"one of its entries, {', '.join(figure['entries'])}"
            yield f"figures.{name}.baseline", baseline, expected


def _video_errors(config: Config) -> Inconsistencies:
    for name, video in (config["videos"] or {}).items():
        key = f"videos.{name}"
        if name in config["tables"] or name in config["figures"]:
            yield key, "the name of a table or figure", "an unused name"
        for index, entry in enumerate(video["entries"]):
            if entry not in config["entries"]:
                expected = f"one of {', '.join(config['entries'])}"
                yield f"{key}.entries.{index}", entry, expected
        for index, suite in enumerate(video["suites"] or ()):
            if not get_suite(suite).filmed:
                yield f"{key}.suites.{index}", suite, "a suite with a MuJoCo model"
        for suite in set(config["suites"]) & set(video["tasks"]):
            (_, test), task = splits(config, suite), video["tasks"][suite]
            if task not in test:
                expected = f"a test task of the run, one of {', '.join(map(str, test))}"
                yield f"{key}.tasks.{suite}", str(task), expected
