"""Verdicts and their sign conventions, and the claims as shipped."""

import numpy as np
import pytest
import report_run
import yaml

from trajprompt.errors import TrajpromptError
from trajprompt.report.claims import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_TESTED,
    REPRODUCED,
    Claim,
    claims_markdown,
    judge,
    read_claims,
    verdict,
)
from trajprompt.report.published import AVERAGE, Published
from trajprompt.report.run import load_run

NAN = float("nan")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = report_run.make_run(tmp_path_factory.mktemp("run"), ("cheetah-vel", "reach"))
    return load_run(made.settings, made.evaluations, made.stores, report_run.PUBLISHED)


@pytest.mark.parametrize(
    "direction, low, high, expected",
    [
        ("greater", 0.1, 2.0, REPRODUCED),
        ("greater", -2.0, -0.1, NOT_REPRODUCED),
        ("greater", -0.1, 2.0, INCONCLUSIVE),
        ("greater", 0.0, 0.0, INCONCLUSIVE),  # nothing moved at all
        ("greater", NAN, NAN, INCONCLUSIVE),  # one seed
        ("at-least", -0.9, 0.5, REPRODUCED),
        ("at-least", 3.0, 9.0, REPRODUCED),
        ("at-least", -3.0, -1.1, NOT_REPRODUCED),
        ("at-least", -1.1, 5.0, INCONCLUSIVE),
        ("equivalent", -0.9, 0.9, REPRODUCED),
        ("equivalent", 0.0, 0.0, REPRODUCED),
        ("equivalent", 1.1, 2.0, NOT_REPRODUCED),
        ("equivalent", -2.0, -1.1, NOT_REPRODUCED),
        ("equivalent", -0.5, 1.5, INCONCLUSIVE),
        ("equivalent", -5.0, 5.0, INCONCLUSIVE),
        ("equivalent", NAN, NAN, INCONCLUSIVE),
    ],
)
def test_every_verdict(direction, low, high, expected):
    assert verdict(direction, low, high, margin=1.0) == expected


def test_unknown_directions_are_errors():
    with pytest.raises(TrajpromptError, match="less"):
        verdict("less", 0.0, 1.0)


def claim(
    first: str, second: str, direction: str = "greater", margin: float = 0.0
) -> Claim:
    printed = {"first": 1.0, "second": 0.0, "difference": 1.0, "spread": 0.5}
    printed["exceeds_spread"] = True
    published = {suite: printed for suite in ("cheetah-vel", "reach")}
    return Claim("c", "paper", "place", "text", first, second, direction, published, margin)


def test_less_negative_returns_are_greater(run):
    """cheetah-vel: about −66 with an expert prompt, −160 with a random one."""
    rows = judge([claim("prompt-dt", "prompt-dt-random")], run).set_index("suite")
    assert rows.loc["cheetah-vel", "verdict"] == REPRODUCED
    assert 80 < rows.loc["cheetah-vel", "difference"] < 110
    reverse = judge([claim("prompt-dt-random", "prompt-dt")], run)
    assert list(reverse["verdict"]) == [NOT_REPRODUCED, NOT_REPRODUCED]


def test_margin_is_a_share_of_the_datas_gap(run):
    rows = judge([claim("prompt-dt", "mt-orl", "equivalent", 0.05)], run).set_index("suite")
    assert rows.loc["cheetah-vel", "margin"] == pytest.approx(0.05 * (260 - 52))
    assert rows.loc["reach", "margin"] == pytest.approx(0.05 * (655 - 110))
    assert set(rows["verdict"]) == {NOT_REPRODUCED}
    same = judge([claim("prompt-dt", "prompt-dt", "equivalent", 0.05)], run)
    assert set(same["verdict"]) == {REPRODUCED}


def test_what_the_run_lacks_is_not_tested(run):
    rows = judge(read_claims(report_run.CLAIMS), run)
    tested = rows["verdict"] != NOT_TESTED
    assert set(rows.loc[tested, "suite"]) == {"cheetah-vel", "reach"}
    assert set(rows.loc[~tested, "suite"]) == {"cheetah-dir", "ant-dir", AVERAGE}
    absent = judge([claim("soft-prompt", "prompt-dt")], run)
    assert set(absent["verdict"]) == {NOT_TESTED}
    literal = judge([claim("ptdt-offline-literal", "prompt-dt")], run).set_index("suite")
    assert (
        literal.loc["reach", "verdict"] == NOT_TESTED
    )  # the column covers cheetah-vel only
    assert literal.loc["cheetah-vel", "verdict"] == INCONCLUSIVE


def test_markdown_names_run_and_size(run):
    claims = read_claims(report_run.CLAIMS)
    text = claims_markdown(claims, judge(claims, run), run)
    assert "`invented` with 3 seed(s)" in text
    assert all(claim.statement in text for claim in claims)


def test_shipped_claims_agree_with_the_published_tables():
    published = Published(report_run.PUBLISHED)
    for claim in read_claims(report_run.CLAIMS):
        for suite, printed in claim.published.items():
            first, second = (
                _printed(published, suite, c) for c in (claim.first, claim.second)
            )
            assert printed["first"] == pytest.approx(first[0], abs=0.006), claim.id
            assert printed["second"] == pytest.approx(second[0], abs=0.006), claim.id
            difference = first[0] - second[0]
            assert printed["difference"] == pytest.approx(difference, abs=0.006)
            if suite == AVERAGE:
                assert printed["spread"] is None and printed["exceeds_spread"] is None
                continue
            assert printed["spread"] == max(first[1], second[1])
            assert printed["exceeds_spread"] == (abs(difference) > printed["spread"])


def _printed(published: Published, suite: str, column: str) -> tuple[float, float]:
    if suite == AVERAGE:
        mean = published.average(published.suites(column), column)
        assert mean is not None
        return mean, np.nan
    figure = published.get(suite, column)
    assert figure is not None
    return figure.mean, figure.spread


def test_damaged_claims_are_refused(tmp_path):
    entries = yaml.safe_load(report_run.CLAIMS.read_text())
    path = tmp_path / "claims.yaml"
    for damage, message in (
        ({"direction": "bigger"}, "bigger"),
        ({"margn": 1}, "margn"),
        ({"margin": -1.0}, "margin"),
    ):
        path.write_text(yaml.safe_dump([entries[0] | damage]))
        with pytest.raises(TrajpromptError, match=message):
            read_claims(path)
    path.write_text(yaml.safe_dump([entries[0], entries[0]]))
    with pytest.raises(TrajpromptError, match="each id once"):
        read_claims(path)
