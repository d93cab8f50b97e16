"""Returns of the data beside those of methods."""

import numpy as np

from trajprompt.report.read.baselines import Teacher


def test_no_gap_no_share():
    flat = Teacher("reach", (1,), np.array([5.0]), np.array([5.0]), 3)
    assert np.isnan(flat.gap_closed(7.0))
