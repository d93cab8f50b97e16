"""The layers of a configuration: papers, presets, the user's files.

Lowest first: the defaults of the code, which are the papers' values;
``papers/*/paper.yaml``; ``presets/<preset>.yaml``, above the preset that it inherits from;
config.yaml and further files of the user. Mappings are merged key by key; any other value
is replaced by a higher layer.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trajprompt.collect.options import KINDS, TEACHERS, foreign_options
from trajprompt.config.wrong_keys import Config, Sources, WrongKey, has, mappings, short
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.papers import PAPER_FILE, read_papers
from trajprompt.settings.parsing import read_yaml
from trajprompt.tasks.registry import SUITE_NAMES, get_suite

REQUIRED = "required"  # a possible value of ``videos``
PRESET, PAPERS = "laptop", "papers"  # defaults of the configuration
REMEDY = "correct this file; docs/configuration.md explains it"
PAPER_KEYS = (
    *("backbones", "algorithms", "conditions", "methods", "entries", "grids"),
    *("tables", "figures"),
)
YTE = "__use_yte__"  # with this key, Snakemake runs Python code in a YAML file


def read_mapping(file: Path) -> Config:
    """Content of a YAML file; TrajpromptError unless it is a mapping."""
    if not file.is_file():
        remedy = "correct the path"
        if not file.is_absolute():
            remedy += ", or run the command in the folder of the repository"
        raise TrajpromptError(file, "no such config file", "an existing YAML file", remedy)
    values = read_yaml(file, REMEDY)
    if not isinstance(values, dict):
        raise TrajpromptError(file, f"found {short(values)}", "a YAML mapping", REMEDY)
    if YTE in values:
        found, expected = "found a template, whose code would run", "only values"
        raise TrajpromptError(f"{file}: {YTE}", found, expected, "remove this key")
    return values


def merge(base: Config, overlay: Mapping[str, Any]) -> None:
    """Merge ``overlay`` into ``base``: mappings key by key, any other value is replaced."""
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = json.loads(json.dumps(value))


def drop_former_options(config: Config, sources: Sources) -> None:
    """Remove options that layers below the choice of the algorithm set for another one.

    ``config`` is merged from ``sources`` and the command line. Options of the file that
    sets the algorithm, and of later files, are kept: a wrong one is still an error. If the
    command line sets the algorithm, all files are below it.
    """
    for part, kinds in (("collect", KINDS), ("teachers", TEACHERS)):
        for name, chosen in mappings(config.get(part)).items():
            if isinstance(chosen.get("options"), dict):
                foreign = foreign_options(kinds, chosen.get("algorithm"))
                _drop_former(chosen, foreign, (part, name), sources)


def _drop_former(
    chosen: Config, foreign: set[str], place: tuple[str, str], sources: Sources
) -> None:
    """Remove ``foreign`` options that were set below the choice of the algorithm."""
    part, name = place
    choices = [
        (number, values[part][name]["algorithm"])
        for number, (_, values) in enumerate(sources)
        if has((*place, "algorithm"), values)
    ]
    by_file = bool(choices) and choices[-1][1] == chosen.get("algorithm")
    above = sources[choices[-1][0] :] if by_file else ()
    chosen["options"] = {
        option: value
        for option, value in chosen["options"].items()
        if option not in foreign
        or any(has((*place, "options", option), values) for _, values in above)
    }


def requires_videos(given: Mapping[str, Any], files: Sequence[str | Path]) -> bool:
    """True if the command line or a file sets ``videos: required``."""
    return given.get("videos") == REQUIRED or any(
        read_mapping(Path(file)).get("videos") == REQUIRED for file in files
    )


def with_required_videos(given: Config, user: Sources) -> Config:
    """``given`` with ``videos: required`` replaced by the videos of the user's files.

    The word has overridden lower videos, and a higher file may have overridden the word.
    """
    values = [*(values.get("videos") for _, values in user), given.get("videos")]
    if REQUIRED not in values:
        return given
    videos: Config = {}
    for value in values:
        if isinstance(value, dict):
            merge(videos, value)
    return {**given, "videos": videos or None}


def lower_layers(given: Config, root: Path) -> Sources:
    """Papers and presets below the user's ``given``, from the folder ``root``."""
    folder, preset = given.get("papers", PAPERS), given.get("preset", PRESET)
    for key, value in (("papers", folder), ("preset", preset)):
        if not isinstance(value, str):
            raise WrongKey((key,), f"found {short(value)}", "text")
    if not any((root / folder).glob(f"*/{PAPER_FILE}")):
        expected = "a folder beside config.yaml, with one folder per paper"
        found = f"found {folder}, which has no <paper>/{PAPER_FILE}"
        raise WrongKey(("papers",), found, expected)
    return [*_papers(root / folder), *_presets(root / "presets", preset)]


def require_presets(user: Sources) -> None:
    """Refuse ``like`` in a file that is not a preset, where it would have no effect."""
    for file, values in user:
        if "like" in values and values.get("preset") != Path(file).stem:
            expected = "`like` only in files of presets/; `preset: NAME` selects one"
            raise WrongKey(("like",), f"found {short(values['like'])}", expected)


def papers_of(lower: Sources) -> set[str]:
    """Names of the papers' folders among the layers."""
    files = [Path(file) for file, _ in lower]
    return {file.parent.name for file in files if file.name == PAPER_FILE}


def complete(config: Config) -> Config:
    """``config`` with defaults that depend on other keys: preset, papers, run, tasks."""
    completed = {"preset": PRESET, "papers": PAPERS, **config}
    completed.pop("like", None)  # of a preset that was given as a file of the user
    completed.setdefault("run", completed["preset"])
    suites, tasks = completed.get("suites"), completed.get("tasks", {})
    if isinstance(suites, list) and isinstance(tasks, dict):
        known = [suite for suite in suites if suite in SUITE_NAMES]
        completed["tasks"] = {
            **{suite: _published(suite) for suite in known},
            **{
                suite: {**_published(suite), **task} if _fits(suite, task) else task
                for suite, task in tasks.items()
            },
        }
    return completed


def _fits(suite: object, task: object) -> bool:
    return suite in SUITE_NAMES and isinstance(task, dict)


def _published(name: str) -> Config:
    """Published splits, return targets and source of demonstrations of a suite."""
    suite = get_suite(name)
    return {
        "train": "published",
        "test": "published",
        "target_return": suite.target_return,
        "return_scale": suite.return_scale,
        "demonstrations_from": suite.demonstrations_from or None,
    }


def _papers(folder: Path) -> Sources:
    """Content of the papers' files; a name that two papers define is an error."""
    sources: list[tuple[str | Path, Config]] = []
    owners: dict[tuple[str, str], Path] = {}
    for paper, values in read_papers(folder):
        file = paper.folder / PAPER_FILE
        for part, entries in values.items():
            if part not in PAPER_KEYS or not isinstance(entries, dict):
                expected = f"only mappings named {', '.join(PAPER_KEYS)}"
                found = f"found {short(entries)}"
                raise TrajpromptError(f"{file}: {part}", found, expected, REMEDY)
            for name, entry in entries.items():
                first = owners.setdefault((part, str(name)), file)
                if first != file:
                    where = f"{file}: {part}.{name}"
                    found = f"found a name that {first} also has under {part}"
                    expected, remedy = "a name that no other paper has", "rename it"
                    raise TrajpromptError(where, found, expected, remedy)
                if part in ("tables", "figures") and isinstance(entry, dict):
                    entry["paper"] = paper.key
        sources.append((file, values))
    return sources


def _presets(folder: Path, name: str) -> Sources:
    """A preset and, below it, the presets that it inherits from."""
    chain: list[tuple[str | Path, Config]] = []
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    above = ""
    while True:
        left = [other for other in known if other not in {Path(f).stem for f, _ in chain}]
        if name not in left:
            found, expected = f"found {name!r:.60}", f"one of {', '.join(left)}"
            raise (
                TrajpromptError(above, found, expected, REMEDY)
                if above
                else WrongKey(("preset",), found, expected)
            )
        file = folder / f"{name}.yaml"
        values = read_mapping(file)
        if values.get("preset") != name:
            found = f"found {short(values.get('preset'))}"
            expected = f"{name}, the file's name"
            raise TrajpromptError(f"{file}: preset", found, expected, REMEDY)
        base = values.pop("like", None)
        chain.insert(0, (file, values))
        if base is None:
            return chain
        name, above = base, f"{file}: like"
