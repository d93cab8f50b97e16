"""Floating-point operations of the matrix products of each kind of work."""

from trajprompt.collect.options import AgentOptions, SacOptions
from trajprompt.models.prompt_dt import BackboneConfig
from trajprompt.tasks.suites import Suite


def training(config: BackboneConfig, prompt_steps: int) -> float:
    """Operations of a training step for one sequence: three times the forward pass.

    A token needs 10 W^2 multiplications per block: two maps of W x W in the folded
    attention, two of W x 4W. The last block computes only values at most tokens.
    """
    places = 3 if config.uses_returns else 2
    tokens = 3 * prompt_steps + places * config.context_length - 1
    states, width = config.context_length, config.width
    per_token = 2 * width**2 + 2 * width * config.inner
    maps = (config.layers - 1) * per_token * tokens
    maps += (per_token - width**2) * states + width**2 * tokens
    attention = 2 * width * tokens * ((config.layers - 1) * tokens + states)
    return 3 * 2 * (maps + attention)


def control_step(config: BackboneConfig, prompt_steps: int) -> float:
    """Operations of one row of a control step at a full window (`models/inference.py`).

    The step's new tokens get queries and values of the first block. All tokens of the
    window pass the blocks up to the last one, which computes one token. Embeddings, head
    and adaptors are not counted.
    """
    places = 3 if config.uses_returns else 2
    context = places * config.context_length
    tokens, width = 3 * prompt_steps + context, config.width
    mlp = 2 * width * config.inner
    first = places * 2 * width**2 + context * mlp
    between = (config.layers - 2) * context * (2 * width**2 + mlp)
    last = 2 * width**2 + mlp
    attention = 2 * width * tokens * ((config.layers - 1) * context + 1)
    return 2 * (first + between + last + attention)


def update(suite: Suite, options: AgentOptions, extra: int = 0) -> float:
    """Operations of an update of one agent: a critic step and, if due, a policy step.

    A layer needs three products: forward, gradients of weights, gradients of inputs. The
    first layer needs the last only if its inputs come from the policy. ``extra`` features,
    e.g. of goals, are added to the observation.
    """
    inputs, actions = suite.visible_dim + extra, suite.action_dim
    width = options.width
    outputs = 2 * actions if isinstance(options, SacOptions) else actions
    policy = inputs * width + width**2 + width * outputs
    first = 2 * (inputs + actions) * width  # first layers of both critics
    critics = first + 2 * (width**2 + width)
    critic_step = policy + critics + (3 * critics - first)
    policy_step = 2 * critics + (3 * policy - inputs * width)
    return 2 * options.batch * (critic_step + policy_step / options.policy_delay)
