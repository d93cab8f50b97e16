"""Values in README.md and in docs/findings, recomputed from the kept run."""

import csv
import re

from support.paths import ROOT

RUN = ROOT / "results/reference/laptop"
README = (ROOT / "README.md").read_text()
SUITES = ["cheetah-dir", "cheetah-vel", "ant-dir"]
METHODS = {
    "MT-ORL: no prompt": "mt-orl",
    "Prompt-DT, random prompt": "prompt-dt-random",
    "Prompt-DT, expert prompt, untuned": "prompt-dt",
    "Prompt-DT-FT, fine-tuned": "prompt-dt-ft",
    "PTDT-offline": "ptdt-offline",
    "PTDT-online": "ptdt-online",
    "Prompt Diffuser": "prompt-diffuser",
}


def rows(path):
    return list(csv.DictReader((RUN / path).open()))


def test_the_table_of_returns():
    names = ("pd_table1", "ptdt_table1")
    kept = {
        (row["column"], row["suite"]): row
        for name in names
        for row in rows(f"tables/{name}.csv")
    }
    for label, entry in METHODS.items():
        (line,) = re.findall(rf"^\| {re.escape(label)} \| (.*) \|$", README, re.M)
        for suite, cell in zip(SUITES, line.split(" | "), strict=True):
            ours, paper = (kept[entry, suite][name] for name in ("mean", "published"))
            decimals = 1 if suite == "cheetah-vel" else 0
            assert cell == f"{float(ours):.{decimals}f} ({float(paper):.{decimals}f})"


def test_the_share_of_the_task_with_most_of_the_bandits_gain():
    tasks = [
        row
        for row in rows("tables/bandits_table_id_tasks.csv")
        if row["suite"] == "cheetah-vel"
    ]
    gains = [
        float(bandit["mean"]) - float(untuned["mean"])
        for bandit in tasks
        for untuned in tasks
        if (bandit["column"], untuned["column"]) == ("bandit", "pdt")
        and bandit["task"] == untuned["task"]
    ]
    share = f"{100 * max(gains) / sum(gains):.0f} %"
    text = " ".join((ROOT / "docs/findings/bandits.md").read_text().split())
    assert f"One of the five test tasks makes {share} of the bandit's gain" in text
    assert len(gains) == 5


def test_verdicts_and_claims():
    lines = dict(csv.reader((RUN / "summary.csv").open()))
    counted = lines["verdicts on the papers' claims, each contrast of a suite once"]
    assert counted in " ".join(README.split())
    total = sum(int(number) for number in re.findall(r"\d+", counted))
    assert f"The {total} contrasts of the papers' claims" in README


def test_what_the_counts_are_of():
    claims = [row for row in rows("claims.csv") if row["difference"]]
    no_prompt = [
        row
        for row in claims
        if row["verdict"] == "reproduced" and row["second"] == "mt-orl"
    ]
    contradicted = {
        (row["suite"], row["difference"])
        for row in claims
        if row["verdict"] == "contradicted"
    }
    primary = [row["verdict"] for row in rows("claims.csv") if row["primary"] == "True"]
    text = " ".join(README.split())
    assert f"Of {len(primary)} [primary contrasts]" in text
    reproduced, noisy = (primary.count(kind) for kind in ("reproduced", "too noisy"))
    assert f"{reproduced} are reproduced and {noisy} too noisy" in text
    assert f"Of the reproduced, {len(no_prompt)} only say" in text
    assert f"the contradicted are {len(contradicted)} differences" in text


def test_the_tasks_with_most_of_the_gain_of_online_tuning():
    means = {
        (row["column"], row["task"]): float(row["mean"])
        for row in rows("tables/ptdt_table1_tasks.csv")
        if row["suite"] == "cheetah-vel"
    }
    tasks = [task for column, task in means if column == "ptdt-online"]
    gains = {t: means["ptdt-online", t] - means["prompt-dt", t] for t in tasks}
    share = f"{100 * (gains['7'] + gains['15']) / sum(gains.values()):.0f} %"
    text = " ".join((ROOT / "docs/findings/ptdt.md").read_text().split())
    assert f"make {share} of the gain" in text
    assert {"7", "15"} == set(sorted(tasks, key=lambda t: means["prompt-dt", t])[:2])


def test_it_is_short():
    assert len(README.splitlines()) <= 150 and len(README.encode()) <= 10_000
