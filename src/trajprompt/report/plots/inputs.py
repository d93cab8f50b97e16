"""Which kinds of figures there are, and which files of its cells each reads.

Light: the workflow asks before it runs anything. A kind is a file of ``kinds/``.
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
# Their cells are played on the way, too.
CURVES = ("queries", "tuning-curves", "budget")
# What is shown against a baseline must name it.
WITH_BASELINE = ("samples", "queries", "relative", "similarity", "budget", "regret")
WITH_TEXT = ("similarity", "winners-curse")  # also written as Markdown: they are tables


def module_of(kind: str) -> str:
    """The module of a kind, in ``kinds``."""
    return kind.replace("-", "_")


def published_of(kind: str) -> tuple[str, ...]:
    """Files of the papers' figures that a kind shows beside ours."""
    return ("similarity.csv",) if kind == "similarity" else ()
