"""A suite without a simulator, for tests of files."""

import numpy as np

from trajprompt.tasks.suites import Suite


def fake_suite(horizon: int, goals: np.ndarray, **splits: tuple[int, ...]) -> Suite:
    return Suite(
        name="fake",
        label="Fake",
        words=str,
        simulator=lambda suite, tasks, threads: None,
        state_dim=3,
        action_dim=2,
        horizon=horizon,
        dt=0.05,
        goals=goals,
        goal_unit="m/s",
        target_return=0.0,
        return_scale=1.0,
        **splits,
    )
