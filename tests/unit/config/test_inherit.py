"""Inheritance with ``like``."""

import pytest

from support.configuration import fault_of, with_keys
from trajprompt.config import derive
from trajprompt.config.inherit import expanded, written_at
from trajprompt.errors import TrajpromptError


def methods(**entries):
    return expanded({"methods": entries})["methods"]


def options(method, suite):
    return {**method["options"], **method.get("suite_options", {}).get(suite, {})}


def test_options_of_the_entry_override_the_bases_options_of_a_suite():
    base = {
        "kind": "k",
        "options": {"a": 1, "b": 1, "c": 1, "d": 1},
        "suite_options": {"reach": {"b": 2, "c": 2, "d": 2}},
    }
    entry = {
        "like": "base",
        "options": {"c": 3, "d": 3},
        "suite_options": {"reach": {"d": 4}},
    }
    made = methods(base=base, entry=entry)
    assert options(made["entry"], "reach") == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert options(made["entry"], "ant-dir") == {"a": 1, "b": 1, "c": 3, "d": 3}
    assert made["entry"]["kind"] == "k" and made["base"] == base


def test_a_base_may_have_a_base():
    made = methods(
        c={"like": "b", "options": {"z": 3}},
        b={"like": "a", "options": {"y": 2}},
        a={"kind": "k", "options": {"x": 1}},
    )
    assert made["c"] == {"kind": "k", "options": {"x": 1, "y": 2, "z": 3}}


def test_a_method_without_a_kind_is_only_inherited_from():
    budget = {"options": {"episodes": 5}}
    made = methods(budget=budget, entry={"like": "budget", "kind": "k"})
    assert made == {"entry": {"kind": "k", "options": {"episodes": 5}}}
    with pytest.raises(TrajpromptError, match="entries.pdt.method: found equal-budget"):
        with_keys({"entries.pdt.method": "equal-budget"})


def test_options_may_be_those_of_another_method():
    inner = {"kind": "k", "options": {"x": 1, "y": 1}}
    outer = {"kind": "o", "options": {"inner": {"like": "inner", "y": 2}}}
    made = methods(inner=inner, outer=outer)
    assert made["outer"]["options"] == {"inner": {"x": 1, "y": 2}}


def test_such_options_differ_by_suite_as_the_other_methods_do():
    inner = {
        "kind": "k",
        "options": {"x": 1, "y": 1, "z": 1},
        "suite_options": {"reach": {"x": 5, "y": 5}, "ant-dir": {"x": 6}},
    }
    outer = {
        "kind": "o",
        "options": {"inner": {"like": "inner", "y": 2}, "other": 0},
        "suite_options": {"reach": {"other": 9}, "cheetah-vel": {"other": 8}},
    }
    made = methods(inner=inner, outer=outer)
    outer = made["outer"]
    assert options(outer, "reach") == {"inner": {"x": 5, "y": 2, "z": 1}, "other": 9}
    assert options(outer, "ant-dir") == {"inner": {"x": 6, "y": 2, "z": 1}, "other": 0}
    assert options(outer, "cheetah-vel") == {
        "inner": {"x": 1, "y": 2, "z": 1},
        "other": 8,
    }
    assert made["inner"] == inner


def test_own_options_of_a_suite_override_those_of_the_other_method():
    inner = {"kind": "k", "options": {"x": 1}, "suite_options": {"reach": {"x": 5}}}
    outer = {
        "kind": "o",
        "options": {"inner": {"like": "inner"}},
        "suite_options": {"reach": {"inner": {"x": 7}}},
    }
    made = methods(inner=inner, outer=outer)
    assert options(made["outer"], "reach") == {"inner": {"x": 7}}


def test_diffuser_ptdt_takes_the_options_by_suite_of_its_parts():
    config = with_keys(
        {
            "methods.ptdt-offline.suite_options": {"cheetah-vel": {"smoothing": 0.7}},
            "methods.prompt-diffuser.suite_options": {"cheetah-vel": {"width": 77}},
        }
    )
    tuned = derive.tune(config, "cheetah-vel", "expert", "diffuser-ptdt", 0).options
    alone = derive.tune(config, "cheetah-vel", "expert", "ptdt-offline", 0).options
    assert tuned["ptdt"] == alone and alone["smoothing"] == 0.7
    assert tuned["diffuser"]["width"] == 77
    other = derive.tune(config, "reach", "expert", "diffuser-ptdt", 0).options
    assert other["ptdt"].get("smoothing") != 0.7


def test_changes_of_a_user_reach_the_variants():
    made = with_keys({"methods.prompt-bandit.options.refit_steps": 7})
    for method in ("prompt-bandit-ucb", "prompt-bandit-psi-unnormalised"):
        tuned = derive.tune(made, "point-sparse", "segments", method, 0)
        assert tuned.options["refit_steps"] == 7
    made = with_keys({"conditions.expert.samples": 100})
    assert made["conditions"]["random-both"]["samples"] == 100
    assert made["conditions"]["samples-32"]["samples"] == 32


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"methods.ptdt-offline.like": "magic"},
            "methods.ptdt-offline.like: found 'magic'",
        ),
        ({"methods.ptdt-offline.like": 3}, "methods.ptdt-offline.like: found 3"),
        (
            {"methods.ptdt-offline.like": "ptdt-offline-literal"},
            "methods.ptdt-offline.*: found .*does not inherit from",
        ),
        ({"backbones.segments.like": "prompt-dt"}, "backbones.segments.like: "),
        (
            {"conditions.expert.like": "expert"},
            "conditions.expert.like: .*does not inherit",
        ),
        (
            {"methods.diffuser-ptdt.options.ptdt.like": "magic"},
            "methods.diffuser-ptdt.options.ptdt.like: found 'magic'",
        ),
        (
            {"methods.equal-budget.options.episodes": 0},
            "command line: methods.equal-budget.options.episodes: found 0",
        ),
        (
            {"methods.equal-budget.suite_options.reach": 3},
            "command line: methods.equal-budget.suite_options.reach: found 3",
        ),
    ],
)
def test_wrong_bases_and_wrong_values_of_bases_are_named(keys, message):
    with pytest.raises(TrajpromptError, match=message):
        with_keys(keys)


def test_a_value_is_traced_to_the_key_that_sets_it():
    config = {
        "methods": {
            "a": {"kind": "k", "options": {"x": 1}},
            "b": {"like": "a"},
            "c": {"kind": "o", "options": {"inner": {"like": "b"}}},
        }
    }
    place = ["methods", "a", "options", "x"]
    assert written_at(["methods", "b", "options", "x"], config) == place
    assert written_at(["methods", "c", "options", "inner", "x"], config) == place
    by_suite = {"reach": {"x": 2}}
    config["methods"]["a"]["suite_options"] = by_suite
    place = ["methods", "a", "suite_options", "reach", "x"]
    for method, path in (("b", ["x"]), ("c", ["inner", "x"])):
        found = ["methods", method, "suite_options", "reach", *path]
        assert written_at(found, config) == place, method
    nowhere = ["methods", "b", "options", "y"]
    assert written_at(nowhere, config) == nowhere


def test_a_misspelt_method_is_refused():
    """It has no kind, and no other method inherits from it."""
    key, found, expected = fault_of({"methods.ptdt-ofline.options.iterations": 10})
    assert (key, found) == ("methods.ptdt-ofline.kind", "found nothing")
    assert expected.startswith("a kind")
