"""Kinds of backbones: their architecture, and what they read.

Prompt transformers (pretraining.py) are trained on many tasks; policies of offline
algorithms (offline/) on one, from its states alone. The Contextual Meta Transformer (cmt/)
reads its own history.
"""

from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from trajprompt.errors import TrajpromptError
from trajprompt.models.cmt.config import CmtConfig
from trajprompt.models.cmt.model import Cmt
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.models.state_policy import StatePolicy, StatePolicyConfig
from trajprompt.settings.kinds import (
    CMT,
    KINDS,
    OFFLINE_KINDS,
    TRANSFORMERS,
    BackboneInputs,
)

Family = Literal[
    "prompt",  # a prompt transformer
    "state",  # a policy that reads its state alone, and is never tuned
    "history",  # a Contextual Meta Transformer
]


@dataclass(frozen=True)
class Kind:
    """Classes of a kind's architecture and model."""

    name: str
    config: type
    model: type[nn.Module]
    prompt: bool  # True: it reads a prompt
    returns: bool  # True: it reads returns-to-go
    family: Family


def get_kind(name: str) -> Kind:
    """The kind ``name``; raises TrajpromptError for an unknown one."""
    if name in TRANSFORMERS:
        return Kind(name, BackboneConfig, PromptDT, *TRANSFORMERS[name], family="prompt")
    none = BackboneInputs(prompt=False, returns=False)
    if name in OFFLINE_KINDS:
        return Kind(name, StatePolicyConfig, StatePolicy, *none, family="state")
    if name == CMT:
        return Kind(name, CmtConfig, Cmt, *none, family="history")
    expected = f"one of {', '.join(KINDS)}"
    remedy = "choose one of these kinds"
    raise TrajpromptError("kind of backbone", f"found {name!r:.80}", expected, remedy)


def fits(kind: Kind, config: Any) -> bool:
    """True if the architecture reads what the kind reads."""
    return (config.uses_prompt, config.uses_returns) == (kind.prompt, kind.returns)
