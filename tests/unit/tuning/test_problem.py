"""Initial prompts, samples and arms that the methods of a cell share; the two stages."""

import csv
import dataclasses

import h5py
import numpy as np
import pytest
import torch

from support.tuning_job import (
    GENERATIVE,
    SETTINGS,
    SUITE,
    build,
    files,
    make_backbone,
    run_tune,
    task_data,
)
from trajprompt.adaptations.read import read_adaptation
from trajprompt.commands import evaluate
from trajprompt.commands.inspect import describe
from trajprompt.errors import TrajpromptError
from trajprompt.seeds import stream, torch_generator
from trajprompt.settings.sizes import PromptForm
from trajprompt.settings.stages import EvaluateSettings, to_json
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.tuning import protocol
from trajprompt.tuning.methods.none import NoOptions
from trajprompt.tuning.methods.prompt_diffuser import DiffuserOptions
from trajprompt.tuning.problem import build_problem, tasks_read
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.registry import get_method

__all__ = ["files"]  # a fixture


def drawn(problem, row: int = 0) -> torch.Tensor:
    return problem.samples.draw(torch_generator(stream(0)), row, 8).states


def test_rows_are_task_major():
    problem = build()
    assert problem.rows.tolist() == [2, 2, 7, 7]
    assert problem.prompts.tolist() == [0, 1, 0, 1]
    assert problem.initial_prompts.leading == (4,)


@pytest.mark.parametrize(
    ("quality", "episodes"),
    [("expert", {6, 7, 8}), ("medium", {3, 4, 5}), ("random", {0, 1, 2})],
)
def test_prompts_are_the_end_of_an_episode_of_their_quality(quality, episodes):
    prompts = build(prompt_quality=quality, prompts_per_task=20).initial_prompts
    found = prompts.states.mean(dim=(1, 2)).round().int()
    assert set(found.tolist()) == episodes
    assert (prompts.timesteps == torch.arange(24, 29)).all()  # [T - K* - 1, T - 1)


def test_prompts_do_not_depend_on_method_data_or_other_prompts():
    plain = to_vectors(build().initial_prompts)
    for changes in (
        {"method": "other", "kind": "ptdt-offline"},
        {"condition": "full-data", "data_quality": "full", "samples": "all"},
    ):
        assert torch.equal(to_vectors(build(**changes).initial_prompts), plain)
    one = to_vectors(build(prompts_per_task=1).initial_prompts)
    assert torch.equal(one, plain[::2])
    alone = to_vectors(build(test_tasks=(7,)).initial_prompts)
    assert torch.equal(alone, plain[2:])
    assert not torch.equal(to_vectors(build(seed=1).initial_prompts), plain)


def test_samples_are_the_same_for_every_method_and_prompt():
    plain = drawn(build())
    assert torch.equal(drawn(build(method="other", prompt_quality="random")), plain)
    assert torch.equal(drawn(build(), row=1), plain)
    assert not torch.equal(drawn(build(seed=1)), plain)
    assert not torch.equal(drawn(build(), row=2), plain)


def sampled_episodes(problem) -> list[int]:
    """Episode of every fixed sample of the first row; see `task_data`."""
    segments = problem.samples.segments
    mean = segments.states.mean(dim=-1) * segments.mask
    return (mean.sum(dim=2) / segments.mask.sum(dim=2)).round().int()[0].tolist()


@pytest.mark.parametrize(
    ("level", "episodes"),
    [("expert", [6, 7, 8]), ("medium", [3, 4, 5]), ("random", [0, 1, 2])],
)
def test_samples_come_from_all_episodes_of_their_level(level, episodes):
    """Not only from the demonstrations, and from each before any comes again."""
    found = sampled_episodes(build(data_quality=level, demonstrations=1, samples=8))
    assert sorted(found[:3]) == sorted(found[3:6]) == episodes


def test_fewer_samples_are_the_first_ones_of_more():
    few, many = (build(samples=n).samples.segments.states for n in (4, 16))
    assert few.shape[1] == 4 and torch.equal(few, many[:, :4])


def test_all_samples_come_from_the_entire_buffer():
    problem = build(data_quality="full", samples="all")
    states = problem.samples.draw(torch_generator(stream(0)), 3, 400)
    found = states.states.mean(dim=-1)[states.mask].round().int()
    assert set(found.tolist()) == set(range(9))


def test_training_tasks_are_read_only_if_they_are_used():
    assert tasks_read(SETTINGS) == (2, 7)
    assert tasks_read(dataclasses.replace(SETTINGS, **GENERATIVE)) == (2, 3, 5, 7, 9)
    zero_shot = dataclasses.replace(SETTINGS, prompt_quality="training")
    assert tasks_read(zero_shot) == (2, 3, 5, 7, 9)
    plain = build()
    assert plain.training_prompts is None and plain.prompt_set is None


@pytest.mark.parametrize(
    ("quality", "episodes"), [("expert", {6, 7, 8}), ("random", {0, 1, 2})]
)
def test_prompt_sets_have_the_tasks_and_quality_of_the_condition(quality, episodes):
    """Training prompts are always expert prompts; rows of a task share their set."""
    problem = build(prompt_quality=quality, **GENERATIVE)
    training, rows = problem.training_prompts, problem.prompt_set
    assert training.prompts.leading == (3, 256) and rows.prompts.leading == (4, 256)
    assert training.rewards.shape == (3, 256, 5, 1)
    torch.testing.assert_close(rows.rewards, torch.full((4, 256, 5, 1), -1 / 500))

    def found(prompts):
        return set(prompts.states.mean(dim=(-1, -2)).round().int().flatten().tolist())

    assert found(training.prompts) == {6, 7, 8}
    assert found(rows.prompts) == episodes
    assert torch.equal(rows.prompts.states[0], rows.prompts.states[1])
    assert not torch.equal(rows.prompts.states[0], rows.prompts.states[2])


def test_prompt_sets_do_not_depend_on_the_method():
    one, two = build(**GENERATIVE), build(method="vae", kind="prompt-vae")
    assert torch.equal(one.prompt_set.rewards, two.prompt_set.rewards)
    for name in ("training_prompts", "prompt_set"):
        states = [getattr(problem, name).prompts.states for problem in (one, two)]
        assert torch.equal(*states)
    assert one.shared_stream.entropy == two.shared_stream.entropy
    assert one.stream.entropy != two.stream.entropy
    assert one.shared_stream.entropy != build(seed=1, **GENERATIVE).shared_stream.entropy


def test_zero_shot_prompts_come_from_training_tasks():
    """All of them do, including the set to learn from."""
    problem = build(prompt_quality="training", prompts_per_task=40, **GENERATIVE)
    known = problem.training_prompts.prompts.states.flatten(0, 1)  # (T * n, P, S)

    def is_known(states):
        return (states[:, None] == known[None]).all(dim=(-1, -2)).any(dim=1).all()

    assert is_known(problem.initial_prompts.states)
    assert is_known(problem.prompt_set.prompts.states[0])
    tasks = {tuple(states[0].tolist()) for states in problem.initial_prompts.states}
    assert len(tasks) > 3  # several episodes of several tasks
    plain = build(prompt_quality="training", prompts_per_task=40)
    assert torch.equal(plain.initial_prompts.states, problem.initial_prompts.states)


def altered(data: TaskTrajectories) -> TaskTrajectories:
    """Change states, actions and rewards in every episode."""
    changed = {"observations": 7 - 3 * data.observations, "actions": -data.actions}
    return dataclasses.replace(data, **changed, rewards=data.rewards - 5)


def test_zero_shot_the_data_of_test_tasks_only_judge():
    """Other data of the test tasks change neither the inputs nor the generated prompts."""
    settings = dataclasses.replace(
        SETTINGS, prompt_quality="training", samples=1, **GENERATIVE
    )
    plain = {task: task_data(task) for task in tasks_read(settings)}
    other = plain | {task: altered(plain[task]) for task in settings.test_tasks}
    both = [
        build_problem(settings, SUITE, buffers, make_backbone())
        for buffers in (plain, other)
    ]
    assert not torch.equal(*(drawn(problem) for problem in both))
    for name in ("initial_prompts", "training_prompts", "prompt_set"):
        assert same(*(getattr(problem, name) for problem in both)), name
    sizes = {"batch": 4, "contexts": 4, "chains": 2, "width": 16, "diffusion_steps": 25}
    options = DiffuserOptions(pretraining_steps=5, iterations=0, **sizes)
    one, two = (get_method("prompt-diffuser").tune(problem, options) for problem in both)
    assert same(one.last, two.last) and same(one.best, two.best)
    assert set(one.extras) == set(two.extras)
    for name, extra in one.extras.items():
        assert np.array_equal(extra.values, two.extras[name].values), name
    for first, second in zip(one.history, two.history, strict=True):
        assert first.objective != second.objective
        assert dataclasses.replace(first, objective=second.objective) == second


def same(one, two) -> bool:
    """Return whether two tensors, or nested tuples of them, are equal."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    return all(same(*pair) for pair in zip(one, two, strict=True))


def test_random_streams_differ_between_methods():
    first, second = build().streams(2), build(method="other").streams(2)
    assert first[0].generate_state(2).tolist() != first[1].generate_state(2).tolist()
    assert first[0].generate_state(2).tolist() != second[0].generate_state(2).tolist()
    assert (
        first[0].generate_state(2).tolist()
        == build().streams(2)[0].generate_state(2).tolist()
    )


def test_task_without_data_is_an_error():
    buffers = {2: task_data(2), 7: task_data(7)}
    missing = dataclasses.replace(SETTINGS, test_tasks=(9,))
    with pytest.raises(TrajpromptError, match="no task 9"):
        build_problem(missing, SUITE, buffers, make_backbone())


def test_stages_write_complete_equal_files(files):
    """Tune twice, evaluate and read the table, with the real simulator and tiny sizes."""
    options = {"iterations": 1, "steps_per_iteration": 1, "candidates": 2, "ranked": 2}
    settings = dataclasses.replace(
        SETTINGS, kind="ptdt-online", method="online", options=options, prompts_per_task=1
    )
    for out in ("1.h5", "2.h5"):
        run_tune(files, settings, out)
    assert (files / "1.h5").read_bytes() == (files / "2.h5").read_bytes()
    stored = read_adaptation(files / "1.h5")
    assert (
        stored.attributes["backbone"] == "prompt-dt"
        and stored.attributes["stage"] == "tune"
    )
    model = make_backbone().model
    count = sum(parameter.numel() for parameter in model.parameters())
    assert stored.attributes["backbone_parameters"] == count
    assert stored.attributes["tuned_parameters"] == 5 * (1 + 20 + 6)
    # The start is judged, too.
    assert stored.history["simulator_steps"].tolist() == [200, 200, 800, 800]
    evaluation = EvaluateSettings(
        **{
            f.name: getattr(settings, f.name)
            for f in dataclasses.fields(EvaluateSettings)
            if hasattr(settings, f.name)
        },
        episodes=2,
        curve_episodes=1,
    )
    arguments = ["--suite", "cheetah-vel", "--condition", "expert", "--method", "online"]
    arguments += ["--seed", "0", "--backbone-file", f"{files}/b.safetensors"]
    arguments += ["--adaptation", f"{files}/1.h5", "--out", f"{files}/e.csv"]
    evaluate.main([*arguments, "--settings", to_json(evaluation)])
    with open(files / "e.csv", newline="") as handle:
        table = list(csv.DictReader(handle))
    assert [row["checkpoint"] for row in table].count("last") == 4
    assert {row["length"] for row in table} == {"200"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {"eta": 1.0}}, "methods.none.options.eta.*unknown key"),
        ({"kind": "nothing"}, "'nothing'"),
        ({"test_tasks": (9,)}, "9"),
        ({"prompt": PromptForm(1, 40)}, "40"),
        ({"demonstrations": 10}, "10"),
    ],
)
def test_bad_settings_leave_no_file(files, changes, message):
    with pytest.raises(TrajpromptError, match=message):
        run_tune(files, dataclasses.replace(SETTINGS, **changes), "out.h5")
    assert not list(files.glob("*out*"))


def test_missing_backbone_is_named(files):
    (files / "b.safetensors").unlink()
    with pytest.raises(TrajpromptError, match="b.safetensors"):
        run_tune(files, SETTINGS, "out.h5")


EPISODES, STEPS, LENGTH = 3, 30, 5  # demonstrations of `task_data`; segments of SETTINGS
PAIRS = {"prompt": PromptForm(2, LENGTH, "uniform")}


@pytest.fixture
def arm_method(monkeypatch) -> dict[str, str]:
    """Settings of a method that reads arms."""
    method = protocol.Method("arm-method", NoOptions, lambda *_: None, reads_arms=True)
    monkeypatch.setitem(protocol.REGISTRY, "arm-method", method)
    return {"method": "arm-method", "kind": "arm-method"}


def test_a_row_has_every_window_of_its_tasks_demonstrations(arm_method):
    problem = build(**arm_method)
    arms = problem.require_arms()
    assert len(arms) == len(problem.rows) == 4
    for task, row_arms in zip(problem.rows.tolist(), arms, strict=True):
        assert row_arms.leading == (EPISODES * (STEPS - LENGTH + 1),)
        states = torch.from_numpy(task_data(task).observations).reshape(9, STEPS, -1)
        expected = states[-EPISODES:].unfold(1, LENGTH, 1).transpose(2, 3).flatten(0, 1)
        torch.testing.assert_close(row_arms.states, expected)
    assert torch.equal(arms[0].states, arms[1].states)  # the same task
    assert not torch.equal(arms[0].states, arms[2].states)


def test_arms_have_the_quality_of_the_settings(arm_method):
    states = build(prompt_quality="random", **arm_method).require_arms()[0].states
    assert set(states.mean(dim=(1, 2)).round().int().tolist()) == {0, 1, 2}


def test_only_methods_that_read_arms_have_them(arm_method):
    assert build().arms is None
    with pytest.raises(TrajpromptError, match="reads_arms=True"):
        build().require_arms()
    with pytest.raises(TrajpromptError, match="quality 'training'"):
        build(prompt_quality="training", **arm_method)


def test_segments_of_initial_prompts_are_arms(arm_method):
    problem = build(**PAIRS, prompts_per_task=20, **arm_method)
    assert problem.prompt_segments == 2
    prompts = problem.require_prompts()
    assert prompts.leading == (40,) and prompts.length == 2 * LENGTH
    for row, arms in enumerate(problem.require_arms()):
        for first in (0, LENGTH):
            segment = prompts.states[row, first : first + LENGTH]
            assert (arms.states == segment).flatten(1).all(dim=1).sum() == 1
    starts = prompts.timesteps[:, [0, LENGTH]]
    assert len(set(starts.flatten().tolist())) > 20  # not only near the end
    assert not torch.equal(starts[:, 0], starts[:, 1])


def test_prompts_of_other_forms_start_with_the_same_segment():
    """The stream's name does not contain the number of segments."""
    one, two = build(), build(prompt=PromptForm(2, LENGTH))
    first = two.initial_prompts.map(lambda tensor: tensor[:, :LENGTH])
    assert torch.equal(to_vectors(first), to_vectors(one.initial_prompts))
    assert (two.initial_prompts.timesteps >= STEPS - LENGTH - 1).all()  # both near the end


def test_sets_to_learn_from_have_the_same_form():
    problem = build(**PAIRS, **GENERATIVE)
    for found in (problem.training_prompts, problem.prompt_set):
        assert found.prompts.length == 2 * LENGTH
        assert found.rewards.shape[-2:] == (2 * LENGTH, 1)
        assert len(set(found.prompts.timesteps[..., 0].flatten().tolist())) > 20


def test_a_backbone_without_prompts_has_none(arm_method):
    settings = dataclasses.replace(SETTINGS, **PAIRS, **arm_method)
    buffers = {task: task_data(task) for task in settings.test_tasks}
    problem = build_problem(settings, SUITE, buffers, make_backbone(uses_prompt=False))
    assert problem.initial_prompts is None


def test_the_file_contains_the_number_of_segments(files):
    settings = dataclasses.replace(SETTINGS, **PAIRS)
    run_tune(files, settings, "pairs.h5")
    stored = read_adaptation(files / "pairs.h5")
    assert stored.prompt_segments == 2
    assert stored.last.length == 2 * stored.attributes["prompt_length"] == 2 * LENGTH
    printed = describe(files / "pairs.h5")
    assert "\n  prompt_segments: 2\n" in printed and "prompt_position: uniform" in printed


@pytest.mark.parametrize("count", [3, 0, 1.5])
def test_numbers_of_segments_that_do_not_fit_the_prompts_are_refused(files, count):
    run_tune(files, SETTINGS, "one.h5")
    path = files / "one.h5"
    assert read_adaptation(path).prompt_segments == 1
    with h5py.File(path, "r+") as file:
        file.attrs["prompt_segments"] = count
    with pytest.raises(TrajpromptError, match="one.h5: prompt_segments"):
        read_adaptation(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["prompt_segments"]
    assert read_adaptation(path).prompt_segments == 1  # a file of an older version
