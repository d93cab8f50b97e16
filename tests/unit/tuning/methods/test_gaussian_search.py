"""Gaussian search: steps from the initial prompt, unlike hill climbing."""

from support.fake_oracle import bowl, fake
from support.searches import SIZE, run
from trajprompt.tuning.prompt_vectors import to_vectors


def test_gaussian_search_steps_from_the_start_and_hill_climbing_from_the_best(
    problem, monkeypatch
):
    start, far = to_vectors(problem.initial_prompts), {}
    for name in ("gaussian-search", "hill-climbing"):
        played = fake(monkeypatch, bowl(problem))
        run(name, problem, episodes=200, candidates=1, smoothing=0.1)
        far[name] = (played.candidates[-1][:, 0] - start).norm(dim=1)
    step = 0.1 * SIZE**0.5
    assert ((far["gaussian-search"] - step).abs() < 0.3 * step).all()
    assert (far["hill-climbing"] > 2 * step).all()
