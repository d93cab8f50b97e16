"""Which kinds of figures there are, and which files of its cells each reads.

Light: the workflow asks before it runs anything. A kind is the name of a file beside this.
"""

EVALUATIONS, ADAPTATIONS = "evaluations", "adaptations"
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
}
CURVES = ("queries", "tuning-curves")  # their cells are played on the way, too
WITH_TEXT = ("similarity",)  # also written as Markdown: in the paper it is a table


def module_of(kind: str) -> str:
    """The module of a kind, below this package."""
    return kind.replace("-", "_")


def published_of(kind: str) -> tuple[str, ...]:
    """Files of the papers' figures that a kind shows beside ours."""
    return ("similarity.csv",) if kind == "similarity" else ()
