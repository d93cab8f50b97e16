"""Invalid adaptations, which are refused before a file is written."""

import dataclasses

import pytest

from support.tiny_methods import OPTIONS
from trajprompt.adaptations.write import write_adaptation
from trajprompt.errors import TrajpromptError
from trajprompt.tuning.methods.none import NoOptions
from trajprompt.tuning.registry import get_method


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: [], ":history: found no entries; expected .* of type HistoryRow"),
        (
            lambda h: [{"task": 2}],
            ":history: found entries of type dict; .* type HistoryRow",
        ),
        (
            lambda h: h[:-1],
            ":history: found no entry of task 7, prompt 0, iteration 2; expected at least",
        ),
        (
            lambda h: [dataclasses.replace(e, queries=0.5) for e in h],
            "queries: found type float64, .*; expected type int or unsigned int",
        ),
        (
            lambda h: [dataclasses.replace(e, objective=None) for e in h],
            "objective: found type object; .*numbers",
        ),
    ],
)
def test_an_invalid_history_is_refused_before_a_file_is_written(
    problem, tmp_path, change, message
):
    made = get_method("soft-prompt").tune(problem, OPTIONS["soft-prompt"])
    bad = dataclasses.replace(made, history=change(made.history))
    pattern = f"^tuning method mine.*{message}.*; fix the method's return value$"
    with pytest.raises(TrajpromptError, match=pattern):
        write_adaptation(tmp_path / "a.h5", problem, bad, {"method": "mine"})
    assert not list(tmp_path.iterdir())


def test_prompts_of_too_few_rows_are_refused_too(problem, tmp_path):
    made = get_method("none").tune(problem, NoOptions())
    bad = dataclasses.replace(made, last=made.last.select(slice(2)))
    with pytest.raises(TrajpromptError, match="method mine:last/returns_to_go.*; fix"):
        write_adaptation(tmp_path / "a.h5", problem, bad, {"method": "mine"})
    assert not list(tmp_path.iterdir())
