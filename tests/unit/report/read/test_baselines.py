"""Reference returns of the data."""

import numpy as np

from trajprompt.report.read.baselines import Teacher


def test_without_an_expert_gap_its_closed_share_is_nan():
    flat = Teacher("reach", (1,), np.array([5.0]), np.array([5.0]), 3)
    assert np.isnan(flat.gap_closed(7.0))
