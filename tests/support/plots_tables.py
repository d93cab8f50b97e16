"""Tables of every kind of figure, from the synthetic run."""

from importlib import import_module

import pandas as pd

from support.plots_run import make_figure
from trajprompt.report.plots.figure import Figure
from trajprompt.report.plots.inputs import module_of
from trajprompt.report.read.run import load_run

FIGURES = {
    "samples": (("prompt-dt", "ptdt-32", "ptdt-full", "ft-32", "ft-full"), "prompt-dt"),
    "queries": (("prompt-dt", "ptdt-offline", "ptdt-online"), "prompt-dt"),
    "tuning-curves": (("ptdt-offline", "ptdt-expert-random", "ptdt-random-expert"), ""),
    "prompt-quality": (
        ("prompt-dt", "prompt-dt-random", "prompt-diffuser", "pd-expert-random"),
        "",
    ),
    "relative": (("pd-diffusion", "prompt-diffuser", "pd-sum"), "pd-diffusion"),
    "heat-maps": (("ptdt-offline", "ptdt-online"), ""),
    "denoising": (("prompt-diffuser",), ""),
    "prompt-map": (("ptdt-offline", "prompt-diffuser"), ""),
    "similarity": (("prompt-dt", "ptdt-offline", "prompt-diffuser"), "prompt-dt"),
    "budget": (("prompt-dt", "bandit", "best-of-n", "ptdt-online"), "prompt-dt"),
    "regret": (("prompt-dt", "bandit", "best-of-n", "ptdt-online"), "prompt-dt"),
    "attention": (("bandit", "best-of-n"), ""),
    "winners-curse": (("bandit", "best-of-n", "random-segments", "ptdt-online"), ""),
}


def kind_table(folder, kind, **changes) -> pd.DataFrame:
    """Table of a kind, from a synthetic run written to ``folder``."""
    columns, baseline = FIGURES[kind]
    return table_of(make_figure(folder, kind, columns, baseline, **changes))


def table_of(made) -> pd.DataFrame:
    """Table of a figure that `make_figure` has prepared."""
    kind = import_module(f"trajprompt.report.plots.kinds.{module_of(made.settings.kind)}")
    run = load_run(made.settings, made.evaluations, made.stores)
    files = made.adaptations, made.backbones
    return kind.table(Figure(made.settings, run, *files))
