"""Read, merge and check the configuration of a run."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from trajprompt.config.cell_checks import cell_inconsistencies
from trajprompt.config.checks import inconsistencies
from trajprompt.config.evaluation import replace_lower
from trajprompt.config.inherit import expanded, written_at
from trajprompt.config.layers import (
    complete,
    drop_former_options,
    lower_layers,
    merge,
    papers_of,
    read_mapping,
    require_presets,
    with_required_videos,
)
from trajprompt.config.table_checks import paper_inconsistencies, table_inconsistencies
from trajprompt.config.wrong_keys import (
    Config,
    Sources,
    WrongKey,
    dotted,
    first_fault,
    origin,
)
from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import invalid_value

REMEDY = "correct this key; docs/configuration.md explains it"


def load_config(files: Sequence[str | Path]) -> Config:
    """Complete, checked configuration from ``files``; later files override earlier ones.

    Presets and papers are read from the folder of the first file. Raises TrajpromptError
    as `resolve`.
    """
    given: Config = {}
    for file in files:
        merge(given, read_mapping(Path(file)))
    return resolve(given, Path(files[0]).parent, files)


def resolve(given: Config, root: Path, files: Sequence[str | Path] = ()) -> Config:
    """Complete configuration of a run from the merged content of the user's files.

    ``root`` is the folder of presets and papers. ``files``, whose content is ``given``, are
    read again to name the file that set a wrong key. Raises TrajpromptError at the first
    key that is unknown, has the wrong type or does not fit others.
    """
    # Reading again also refuses a duplicate key, which Snakemake accepts.
    user = [(file, read_mapping(Path(file))) for file in files]
    sources: Sources = user
    merged: Config = given
    try:
        _require_builtin_types(given)
        require_presets(user)
        lower = lower_layers(given, root)
        given = with_required_videos(given, user)
        sources, merged = [*lower, *user], {}
        for values in (*(values for _, values in lower), given):
            replace_lower(merged, values)
            merge(merged, values)
        drop_former_options(merged, sources)
        config = _validated(expanded(complete(merged)))
        _require_consistent(config, papers_of(lower))
    except WrongKey as error:
        path = written_at(error.path, merged)
        where = f"{origin(path, merged, sources)}: {dotted(path)}"
        raise TrajpromptError(where, error.found, error.expected, REMEDY) from error
    return config


def _require_builtin_types(given: Config) -> None:
    error = invalid_value(given)
    if error is not None:
        raise WrongKey(*error)


def _validated(config: Config) -> Config:
    from pydantic import ValidationError

    from trajprompt.config.models import RunConfig

    try:
        model: Any = RunConfig.model_validate(config)
    except ValidationError as error:
        raise WrongKey(*first_fault(error, config)) from error
    return model.model_dump(warnings=False)


def _require_consistent(config: Config, papers: set[str]) -> None:
    """Refuse keys that do not fit each other, and names of unknown papers."""
    found = chain(
        inconsistencies(config),
        paper_inconsistencies(config, papers),
        table_inconsistencies(config),
        cell_inconsistencies(config),
    )
    for key, value, expected in found:
        raise WrongKey(key.split("."), f"found {value}", expected)
