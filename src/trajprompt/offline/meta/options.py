"""Options of FOCAL. Batch PEARL has the same ones."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from trajprompt.offline.protocol import OfflineOptions
from trajprompt.settings.options import NonNegative, Positive, Rate, Share, Size, SmallCount

Weight = Annotated[float, Interval(ge=0, le=1e7)]  # of the divergence; Ant has 5e6


@dataclass(frozen=True)
class FocalOptions(OfflineOptions):
    """Defaults: FOCAL-ICLR at 9aff52c, configs/default.py, unless a source is named.

    ``batch`` is per task. Its files per suite differ: Point-Robot-Wind has ``reward_scale``
    100, ``discount`` 0.9 and ``regularise`` off. Discount, batch and the rate of the target
    network are those of the other algorithms.
    """

    layers: SmallCount = 3  # launch_experiment.py; the paper has 300 units in each
    reward_scale: Positive = 5.0  # of rewards in targets, not in contexts
    tasks: SmallCount = 16  # per meta-batch, with replacement; 4 for suites of 2 tasks
    context: Size = 64  # transitions; Cheetah-Vel, Walker 100; Ant, Cheetah-Dir, Wind 256
    next_states: bool = False  # in the context; Walker, Wind True
    code: Size = 20  # Z
    encoder_width: Size = 200  # launch_experiment.py
    encoder_layers: SmallCount = 3  # launch_experiment.py
    encoder_rate: Rate = 3e-4
    distance_weight: NonNegative = 10.0  # has no effect with Adam beyond its epsilon
    regularise: bool = True  # by the divergence; off in the file, on for all but Wind
    discriminator_rate: Rate = 1e-4
    discriminator_steps: SmallCount = 3  # per update
    alpha: Weight = 500.0  # first weight; Cheetah-Vel, Walker 50, Ant 1e6
    largest_alpha: Weight = 2000.0  # Walker 1e4, Ant 5e6
    alpha_rate: NonNegative = 1.0  # of its plain gradient steps
    target_divergence: NonNegative = 0.05  # nats; alpha rises while it is exceeded
    value_penalty: bool = True  # False: only the policy is regularised; Walker
    action_penalty: Share = 1e-3  # of squared means and log deviations of the policy
    # As in the authors' code: time limits are terminal, the gradient penalty is one of the
    # discriminator's values, and a value is penalised for the state before.
    literal: bool = False
