"""Methods that a table or figure of the bandits' compares have equally many episodes."""

from typing import Any

import pytest

from support.configuration import FILE
from support.paths import ROOT
from trajprompt.config import cells as table_cells
from trajprompt.config import derive
from trajprompt.config.load import Config, load_config
from trajprompt.settings.options import parse_options
from trajprompt.tasks.registry import get_suite
from trajprompt.tuning.methods.ptdt_online import OnlineOptions
from trajprompt.tuning.registry import get_method
from trajprompt.tuning.search.loop import SearchOptions

CONFIGS = {
    "laptop": load_config([FILE]),
    "paper": load_config([FILE, ROOT / "presets/paper.yaml"]),
}
SHOWN = [
    (run, name)
    for run, made in CONFIGS.items()
    for name in [*made["tables"], *made["figures"]]
    if name.startswith("bandits")
]


def options_of(made: Config, suite: str, condition: str, method: str) -> Any:
    settings = derive.tune(made, suite, condition, method, 0)
    return parse_options(get_method(settings.kind).options, settings.options, method)


@pytest.mark.parametrize(("run", "name"), SHOWN)
def test_budgets_are_equal(run, name):
    """PTDT-online spends whole updates only; what plays nothing has no budget."""
    made = CONFIGS[run]
    searches: dict[str, dict[str, int]] = {}  # suite -> method -> episodes of a prompt
    descents: dict[tuple[str, str], OnlineOptions] = {}
    for suite, condition, method in table_cells.cells(made, [name]):
        options = options_of(made, suite, condition, method)
        if isinstance(options, SearchOptions):
            searches.setdefault(suite, {})[method] = options.episodes
        elif isinstance(options, OnlineOptions):
            descents[suite, method] = options
    assert searches
    for suite, found in searches.items():
        assert len(set(found.values())) == 1, (suite, found)
    for (suite, method), options in descents.items():
        left = max(searches[suite].values()) - options.episodes_played(get_suite(suite))
        assert 0 <= left < options.candidates, (suite, method, left)
