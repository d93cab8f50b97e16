"""Kinds of backbones: their architecture, and what they read.

Prompt transformers (pretraining.py) are trained on many tasks; policies of offline
algorithms (offline/) on one, from its states alone.
"""

from dataclasses import dataclass
from typing import Any

from torch import nn

from trajprompt.errors import TrajpromptError
from trajprompt.models.prompt_dt import BACKBONES, BackboneConfig, PromptDT
from trajprompt.models.state_policy import StatePolicy, StatePolicyConfig
from trajprompt.settings.kinds import OFFLINE_KINDS


@dataclass(frozen=True)
class Kind:
    """Classes of a kind's architecture and model."""

    name: str
    config: type
    model: type[nn.Module]
    prompt: bool  # True: it reads a prompt
    returns: bool  # True: it reads returns-to-go


def get_kind(name: str) -> Kind:
    """The kind ``name``; raises TrajpromptError for an unknown one."""
    if name in BACKBONES:
        inputs = BACKBONES[name]
        return Kind(name, BackboneConfig, PromptDT, inputs.prompt, inputs.returns)
    if name in OFFLINE_KINDS:
        return Kind(name, StatePolicyConfig, StatePolicy, False, False)
    expected = f"one of {', '.join((*BACKBONES, *OFFLINE_KINDS))}"
    remedy = "choose one of these kinds"
    raise TrajpromptError("kind of backbone", f"found {name!r:.80}", expected, remedy)


def fits(kind: Kind, config: Any) -> bool:
    """True if the architecture reads what the kind reads."""
    return (config.uses_prompt, config.uses_returns) == (kind.prompt, kind.returns)
