"""The layers of a configuration: papers, presets, the user's files.

Lowest first: the defaults of the code, which are the papers' values;
``papers/*/paper.yaml``; ``presets/<preset>.yaml``, over the preset that it is like;
config.yaml and the files laid over it. Mappings merge key by key; a higher layer replaces
anything else.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trajprompt.collect.options import foreign_options
from trajprompt.config.wrong_keys import Config, Sources, WrongKey, has, mappings, short
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.papers import PAPER_FILE, read_papers
from trajprompt.settings.parsing import read_yaml
from trajprompt.tasks.registry import SUITE_NAMES, get_suite

REQUIRED = "required"  # a value of videos
PRESET, PAPERS = "laptop", "papers"  # if the configuration names none
OF_PAPERS = ("backbones", "conditions", "methods", "entries", "grids", "tables", "figures")
YTE = "__use_yte__"  # with it Snakemake runs the Python that stands in a YAML file


def read_mapping(file: Path) -> Config:
    """The mapping that a YAML file holds."""
    if not file.is_file():
        remedy = "run in the folder of the repository" if not file.is_absolute() else ""
        raise TrajpromptError(file, "no such config file", "an existing YAML file", remedy)
    values = read_yaml(file)
    if not isinstance(values, dict):
        raise TrajpromptError(file, f"found {short(values)}", "a YAML mapping")
    if YTE in values:
        raise TrajpromptError(f"{file}: {YTE}", "a template", "values: it would run code")
    return values


def merge(base: Config, overlay: Mapping[str, Any]) -> None:
    """Overlay in place: mappings merge key by key, anything else is replaced."""
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = json.loads(json.dumps(value))


def drop_former_options(config: Config, sources: Sources) -> None:
    """Remove the options of an algorithm that a suite has only in lower layers.

    ``config`` is merged from ``sources`` and the command line. The file that chooses the
    algorithm, and later files, keep their options, so that a wrong one is still an error.
    If the command line chooses it, the options of all files are of lower layers.
    """
    for suite, chosen in mappings(config.get("collect")).items():
        options, place = chosen.get("options"), ("collect", suite)
        if not isinstance(options, dict):
            continue
        algorithm = chosen.get("algorithm")
        named = [
            (number, values["collect"][suite]["algorithm"])
            for number, (_, values) in enumerate(sources)
            if has((*place, "algorithm"), values)
        ]
        by_file = bool(named) and named[-1][1] == algorithm
        above = sources[named[-1][0] :] if by_file else ()
        foreign = foreign_options(algorithm)
        chosen["options"] = {
            name: value
            for name, value in options.items()
            if name not in foreign
            or any(has((*place, "options", name), values) for _, values in above)
        }


def with_required_videos(given: Config, user: Sources) -> Config:
    """``given`` with the videos of the user's files, where it says ``videos: required``.

    The word stands in the place of those that a file below defines.
    """
    if given.get("videos") != REQUIRED:
        return given
    videos: Config = {}
    for _, values in user:
        if isinstance(values.get("videos"), dict):
            merge(videos, values["videos"])
    return {**given, "videos": videos}


def lower_layers(given: Config, root: Path) -> Sources:
    """The papers and presets below the user's ``given``, from the folder ``root``."""
    folder, preset = given.get("papers", PAPERS), given.get("preset", PRESET)
    for key, value in (("papers", folder), ("preset", preset)):
        if not isinstance(value, str):
            raise WrongKey((key,), f"found {short(value)}", "text")
    if not any((root / folder).glob(f"*/{PAPER_FILE}")):
        expected = f"a folder with {PAPER_FILE} in a folder per paper, beside config.yaml"
        raise WrongKey(("papers",), f"found {folder}, which has none", expected)
    return [*_papers(root / folder), *_presets(root / "presets", preset)]


def require_presets(user: Sources) -> None:
    """Refuse a base that a file names which is no preset: it would have no effect."""
    for file, values in user:
        if "like" in values and values.get("preset") != Path(file).stem:
            expected = "`like` in files of presets/ alone; `preset: NAME` chooses one"
            raise WrongKey(("like",), f"found {short(values['like'])}", expected)


def papers_of(lower: Sources) -> set[str]:
    """The papers' folders among the layers, by name."""
    files = [Path(file) for file, _ in lower]
    return {file.parent.name for file in files if file.name == PAPER_FILE}


def complete(config: Config) -> Config:
    """``config`` with the values that other keys determine: name, tasks, data."""
    made = {"preset": PRESET, "papers": PAPERS, **config}
    made.pop("like", None)  # of a preset that is laid over config.yaml as a file
    made.setdefault("run", made["preset"])
    if isinstance(made.get("suites"), list) and isinstance(made.get("tasks", {}), dict):
        known = [suite for suite in made["suites"] if suite in SUITE_NAMES]
        made["tasks"] = {
            **{suite: _published(suite) for suite in known},
            **{
                suite: {**_published(suite), **task} if _fits(suite, task) else task
                for suite, task in made.get("tasks", {}).items()
            },
        }
    return made


def _fits(suite: object, task: object) -> bool:
    return suite in SUITE_NAMES and isinstance(task, dict)


def _published(name: str) -> Config:
    """The splits and targets of a suite as published."""
    suite = get_suite(name)
    return {
        "train": "published",
        "test": "published",
        "target_return": suite.target_return,
        "return_scale": suite.return_scale,
    }


def _papers(folder: Path) -> Sources:
    """What the papers' folders say; a name that two of them define is an error."""
    sources: list[tuple[str | Path, Config]] = []
    owners: dict[tuple[str, str], Path] = {}
    for paper, values in read_papers(folder):
        file = paper.folder / PAPER_FILE
        for part, entries in values.items():
            if part not in OF_PAPERS or not isinstance(entries, dict):
                known = f"mappings called {', '.join(OF_PAPERS)}"
                raise TrajpromptError(f"{file}: {part}", f"found {short(entries)}", known)
            for name, entry in entries.items():
                first = owners.setdefault((part, str(name)), file)
                if first != file:
                    found = f"a name that {first} has under {part}, too"
                    raise TrajpromptError(f"{file}: {part}.{name}", found, "a new name")
                if part in ("tables", "figures") and isinstance(entry, dict):
                    entry["paper"] = paper.key
        sources.append((file, values))
    return sources


def _presets(folder: Path, name: str) -> Sources:
    """A preset and, below it, those that it is like."""
    chain: list[tuple[str | Path, Config]] = []
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    above = ""
    while True:
        left = [other for other in known if other not in {Path(f).stem for f, _ in chain}]
        if name not in left:
            found, expected = f"found {name!r:.60}", f"one of {', '.join(left)}"
            raise (
                TrajpromptError(above, found, expected)
                if above
                else WrongKey(("preset",), found, expected)
            )
        file = folder / f"{name}.yaml"
        values = read_mapping(file)
        if values.get("preset") != name:
            found = f"found {short(values.get('preset'))}"
            raise TrajpromptError(f"{file}: preset", found, f"{name}, the file's own name")
        base = values.pop("like", None)
        chain.insert(0, (file, values))
        if base is None:
            return chain
        name, above = base, f"{file}: like"
