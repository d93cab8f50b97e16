"""The papers whose tables and figures the report puts beside ours; rules ask, too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    name: str
    source: str  # as in the files of published/


PAPERS = {  # by what the config's tables and figures call them
    "ptdt": Paper("Prompt-Tuning DT", "arXiv 2305.09648"),
    "prompt_diffuser": Paper("Prompt Diffuser", "arXiv 2411.01168"),
    "bandits": Paper("Prompt-Tuning Bandits", "arXiv 2502.04979"),
}
OWN = "this repository"  # what stands for a paper where a claim is of our own
NAME_OF_SOURCE = {paper.source: paper.name for paper in PAPERS.values()}
NAME_OF_SOURCE[OWN] = "What no paper answers"
