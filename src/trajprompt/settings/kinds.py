"""Names of the kinds of backbones; imports nothing heavy.

A kind of offline algorithm is a file of ``offline/algorithms``. All prompt transformers
have the architecture of ``models/prompt_dt.py``, and differ in what they read.
"""

from pathlib import Path
from typing import NamedTuple


class BackboneInputs(NamedTuple):
    """Optional inputs of a transformer."""

    prompt: bool  # a trajectory prompt before the context
    returns: bool  # return-to-go tokens in the context; the prompt always has them


TRANSFORMERS = {  # names as in Prompt-Tuning DT's Table 1
    "prompt-dt": BackboneInputs(prompt=True, returns=True),
    # The reference trains with returns of zero and evaluates with a constant target;
    # here the context has no return tokens in either (docs/deviations.md).
    "prompt-mt-bc": BackboneInputs(prompt=True, returns=False),
    "mt-orl": BackboneInputs(prompt=False, returns=True),
}
_FILES = (Path(__file__).parents[1] / "offline" / "algorithms").glob("[a-z]*.py")
OFFLINE_KINDS = tuple(sorted(file.stem.replace("_", "-") for file in _FILES))
CMT = "cmt"  # the Contextual Meta Transformer, models/cmt/
LEARNED_KINDS = (*OFFLINE_KINDS, CMT)  # kinds of `algorithms` in the config
KINDS = (*TRANSFORMERS, *LEARNED_KINDS)
