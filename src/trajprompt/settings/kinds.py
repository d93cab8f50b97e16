"""Names of the kinds of backbones; imports nothing heavy.

A kind of offline algorithm is a file of ``offline/algorithms``. The prompt transformers are
in ``models/prompt_dt.py``.
"""

from pathlib import Path

TRANSFORMERS = ("prompt-dt", "prompt-mt-bc", "mt-orl")  # keys of prompt_dt.BACKBONES
_FILES = (Path(__file__).parents[1] / "offline" / "algorithms").glob("[a-z]*.py")
OFFLINE_KINDS = tuple(sorted(file.stem.replace("_", "-") for file in _FILES))
KINDS = (*TRANSFORMERS, *OFFLINE_KINDS)
