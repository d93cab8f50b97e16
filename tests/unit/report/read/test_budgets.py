"""Tuning budgets: the papers', a cell's share, and errors."""

import json
from dataclasses import asdict, replace

import h5py
import pandas as pd
import pytest
import yaml

from support import report_run
from trajprompt.adaptations.layout import KIND
from trajprompt.artifacts.hdf5_attributes import write_attributes
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.config.offline_models import OfflineAlgorithm
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.claims import read_ledger
from trajprompt.report.read.budgets import STEPS, UPDATES, Shares, read_budgets
from trajprompt.report.read.cells import Entry
from trajprompt.tuning.registry import get_method

CELL = ("reach", "expert")


def adaptation(path, method, kind, options):
    with h5py.File(path, "w", libver="latest") as file:
        names = {"kind": KIND, "schema_version": str(SCHEMA_VERSION), "method": method}
        names |= dict(zip(("suite", "condition"), CELL, strict=True))
        settings = json.dumps({"kind": kind, "options": options})
        write_attributes(file, names | {"settings": settings})
    return path


@pytest.mark.parametrize(
    "method, kind, options, share",
    [
        ("ptdt-offline", "ptdt-offline", {"iterations": 5, "batch": 16}, 0.125),
        ("full-finetune", "full-finetune", {"iterations": 5}, 0.25),
        ("ptdt-online", "ptdt-online", {"iterations": 4, "steps_per_iteration": 2}, 0.04),
        ("prompt-bandit", "prompt-bandit", {"episodes": 50}, 0.2),
        ("prompt-diffuser", "prompt-diffuser", {"contexts": 8, "chains": 4}, 0.25),
        ("my-method", "ptdt-offline", {}, None),
    ],
)
def test_share_of_a_cell(method, kind, options, share, tmp_path):
    made = adaptation(tmp_path / "seed0.h5", method, kind, options)
    entry = Entry("e", "E", CELL[1], method)
    found = Shares(report_run.PAPERS, [made]).get(CELL[0], entry)
    assert found == (None if share is None else pytest.approx(share))
    assert Shares(report_run.PAPERS).get(CELL[0], entry) is None


def test_the_papers_budgets_are_those_of_the_default_options():
    """The defaults of the code are the papers' values."""
    for method, budget in read_budgets(report_run.PAPERS).items():
        if budget.unit in (UPDATES, STEPS):
            continue  # CORL's, which the test below compares, and DT's
        kind = "full-finetune" if method == "full-finetune-longer" else method
        options = asdict(get_method(kind).options())
        product = 1
        for name in budget.options:
            product *= options[name]
        assert budget.paper == product * (5 if method == "full-finetune-longer" else 1)


def test_an_algorithms_share_is_that_of_its_updates():
    learning = {("hopper-medium", "bc"): pd.DataFrame({"step": [500, 1000], "seed": 0})}
    shares = Shares(report_run.PAPERS, learning=learning)
    entry = Entry("bc", "BC", "offline-bc", "none", backbone="bc")
    assert shares.get("hopper-medium", entry) == 1000 / OfflineAlgorithm(kind="bc").updates
    assert shares.get("hopper-expert", entry) is None


def test_a_transformers_share_is_that_of_its_pretraining_on_d4rl(tmp_path):
    """DT, which is MT-ORL on one task; a tuned cell has only the share of its tuning."""
    paths = []
    for suite in ("hopper-medium", "reach"):
        paths.append(tmp_path / suite / "mt-orl" / "seed0.csv")
        paths[-1].parent.mkdir(parents=True)
        pd.DataFrame({"step": [500, 1500], "train_loss": 1.0}).to_csv(paths[-1])
    shares = Shares(report_run.PAPERS, pretraining=paths)
    entry = Entry("dt", "DT", "mt-orl", "none", backbone="mt-orl")
    assert shares.get("hopper-medium", entry) == pytest.approx(0.015)
    assert shares.get("reach", entry) is None
    assert shares.get("hopper-medium", replace(entry, method="full-finetune")) is None


def test_every_suite_that_a_claim_compares_dt_on_has_its_budget():
    budget = read_budgets(report_run.PAPERS)["mt-orl"]
    claims = [
        c for c in read_ledger(report_run.PAPERS).claims if "dt" in (c.first, c.second)
    ]
    assert {claim.id for claim in claims} >= {"cmt-iql-beats-dt", "ptdt-d4rl-prompt-helps"}
    for claim in claims:
        assert all(map(budget.covers, claim.published)), claim.id


@pytest.mark.parametrize(
    "change, message",
    [
        ({"unit": "hours"}, "unit contexts or episodes or updates"),
        ({"options": "batch"}, "a list of options"),
        ({"paper": 0}, "paper of at least 1"),
        ({"origin": "x"}, "the keys"),
        ({"suites": ["mars"]}, "m: suites: found"),
    ],
)
def test_wrong_budgets_are_refused(change, message, tmp_path):
    values = {"unit": "contexts", "options": ["batch"], "paper": 1, "source": "x"}
    (tmp_path / "a").mkdir()
    (tmp_path / "a/budgets.yaml").write_text(yaml.safe_dump({"m": values | change}))
    with pytest.raises(TrajpromptError, match=message):
        read_budgets(tmp_path)


def test_a_method_has_one_budget_and_its_options(tmp_path):
    values = {"unit": "contexts", "options": ["rounds"], "paper": 1, "source": "x"}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a/budgets.yaml").write_text(yaml.safe_dump({"ptdt-offline": values}))
    made = adaptation(tmp_path / "seed0.h5", "ptdt-offline", "ptdt-offline", {})
    with pytest.raises(TrajpromptError, match="has no option rounds"):
        Shares(tmp_path, [made])
    (tmp_path / "b/budgets.yaml").write_text(yaml.safe_dump({"ptdt-offline": values}))
    with pytest.raises(TrajpromptError, match="a second budget of ptdt-offline"):
        read_budgets(tmp_path)
