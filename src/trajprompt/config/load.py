"""Read, merge and check a run's configuration."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from trajprompt.config.cell_checks import cell_inconsistencies
from trajprompt.config.checks import inconsistencies
from trajprompt.config.inherit import WrongKey, expanded
from trajprompt.config.layers import complete, lower_layers, merge, read_mapping
from trajprompt.config.table_checks import table_inconsistencies
from trajprompt.config.wrong_keys import Config, Sources, dotted, first_fault, origin
from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import odd_value


def load_config(files: Sequence[str | Path]) -> Config:
    """The whole configuration of ``files``, checked; later files override earlier ones.

    Presets and papers are looked for beside the first file.
    """
    given: Config = {}
    for file in files:
        merge(given, read_mapping(Path(file)))
    return resolve(given, Path(files[0]).parent, files)


def resolve(given: Config, root: Path, files: Sequence[str | Path] = ()) -> Config:
    """The whole configuration of a run from what the user's files say together.

    ``given`` is the merged content of ``files``, which are read only to name the one that
    set a wrong key; ``root`` is the folder of presets and papers. Raises TrajpromptError at
    the first key that is unknown, ill-typed or inconsistent.
    """
    # Snakemake accepts a key that stands twice in a file; reading the files again does not.
    user = [(file, read_mapping(Path(file))) for file in files]
    _require_plain(given, user)
    sources: Sources = [*lower_layers(given, root), *user]
    merged: Config = {}
    for _, values in sources[: len(sources) - len(user)]:
        merge(merged, values)
    merge(merged, given)
    try:
        config = _validated(expanded(complete(merged)), sources)
    except WrongKey as error:
        where = f"{origin(error.path, merged, sources)}: {error.where}"
        raise TrajpromptError(where, error.found, error.expected) from error
    checks = (inconsistencies, table_inconsistencies, cell_inconsistencies)
    for key, found, expected in chain.from_iterable(check(config) for check in checks):
        where = f"{origin(key.split('.'), config, sources)}: {key}"
        raise TrajpromptError(where, f"found {found}", expected)
    return config


def _require_plain(given: Config, sources: Sources) -> None:
    odd = odd_value(given)
    if odd is not None:
        path, found, expected = odd
        where = f"{origin(path, given, sources)}: {dotted(path)}"
        raise TrajpromptError(where, found, expected)


def _validated(config: Config, sources: Sources) -> Config:
    from pydantic import ValidationError

    from trajprompt.config.models import RunConfig

    try:
        model: Any = RunConfig.model_validate(config)
    except ValidationError as error:
        path, found, expected = first_fault(error)
        where = f"{origin(path, config, sources)}: {dotted(path)}"
        raise TrajpromptError(where, found, expected) from error
    return model.model_dump()
