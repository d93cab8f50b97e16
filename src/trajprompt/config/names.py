"""Names of a run, and names that jobs are given: they must be in the configuration."""

from typing import Any

from trajprompt.errors import TrajpromptError

Config = dict[str, Any]


def run_values(config: Config) -> dict[str, Any]:
    """Name and seed of the run, which all settings have."""
    return {"run": config["run"], "run_seed": config["run_seed"]}


def known_name(allowed: Any, name: str, what: str) -> str:
    """Return ``name``; TrajpromptError if it is not ``allowed``. ``what`` is its kind."""
    if name not in allowed:
        expected = f"one of {', '.join(allowed)}"
        remedy = "choose one of these, or add it to the config"
        raise TrajpromptError(f"{what} '{name}'", "not in this run", expected, remedy)
    return name
