"""Methods that a figure compares by episodes have equally many of them."""

import pytest

from trajprompt import config, table_cells

CONFIGS = {
    "laptop": ["config.yaml"],
    "paper": ["config.yaml", "presets/paper.yaml"],
}


def episodes(options) -> int | None:
    """Of one prompt; None of what plays none."""
    if "episodes" in options:
        return options["episodes"]
    if "iterations" not in options:
        return None
    updates = options["iterations"] * options["steps_per_iteration"]
    return updates * options.get("candidates", 15) + options["iterations"] + 1


@pytest.mark.parametrize("run", CONFIGS)
@pytest.mark.parametrize("figure", ["bandits_budget", "bandits_budget_ptdt"])
def test_budgets_are_equal(run, figure):
    made = config.load(CONFIGS[run])
    budgets: dict[str, dict[str, int]] = {}
    for suite, setting, method in table_cells.cells(made, [figure]):
        played = episodes(dict(config.tune(made, suite, setting, method, 0).options))
        if played is not None:
            budgets.setdefault(suite, {})[method] = played
    assert budgets
    for suite, found in budgets.items():
        most = max(found.values())
        # PTDT-online spends whole updates only.
        assert all(most - 15 < played <= most for played in found.values()), (suite, found)
