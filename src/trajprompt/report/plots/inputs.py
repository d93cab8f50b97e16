"""Kinds of figures, and the files that each reads.

Imports nothing heavy: the workflow uses it to plan jobs. A kind is a file of ``kinds/``.
"""

EVALUATIONS, ADAPTATIONS = "evaluations", "adaptations"
BACKBONES, STORES = "backbones", "stores"
READS = {
    "samples": (EVALUATIONS,),
    "queries": (EVALUATIONS,),
    "tuning-curves": (EVALUATIONS,),
    "prompt-quality": (EVALUATIONS,),
    "relative": (EVALUATIONS,),
    "heat-maps": (ADAPTATIONS,),
    "denoising": (ADAPTATIONS,),
    "prompt-map": (ADAPTATIONS,),
    "similarity": (ADAPTATIONS, EVALUATIONS),
    "budget": (EVALUATIONS, STORES),
    "regret": (ADAPTATIONS, EVALUATIONS),
    "attention": (ADAPTATIONS, BACKBONES, STORES),
    "winners-curse": (ADAPTATIONS, EVALUATIONS),
}
# Kinds whose cells are also evaluated during tuning.
CURVES = ("queries", "tuning-curves", "budget")
# Kinds that need a baseline in the config.
WITH_BASELINE = ("samples", "queries", "relative", "similarity", "budget", "regret")
WITH_TEXT = ("similarity", "winners-curse")  # kinds also written as Markdown tables


def module_of(kind: str) -> str:
    """Module name of a kind, in ``kinds``."""
    return kind.replace("-", "_")


def published_of(kind: str) -> tuple[str, ...]:
    """Files of published values that a kind shows beside ours."""
    return ("similarity.csv",) if kind == "similarity" else ()
