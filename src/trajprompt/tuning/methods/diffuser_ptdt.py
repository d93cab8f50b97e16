"""PTDT started from the diffuser's prompt: a control that the papers lack.

The diffuser learns from the prompts of all training tasks, PTDT sees the test task alone.
Whether ranking adds anything to a generated prompt, and whether a generated prompt helps
ranking, are two comparisons of this method with its two halves. The diffuser is tuned
anew, on other batches than in its own cell: what it wrote is this method's iteration 0.
"""

import dataclasses
from dataclasses import dataclass, field

from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.settings.options import Strict
from trajprompt.tuning.methods.prompt_diffuser import DiffuserOptions
from trajprompt.tuning.methods.prompt_diffuser import tune as diffuse
from trajprompt.tuning.methods.ptdt_offline import OfflineOptions
from trajprompt.tuning.methods.ptdt_offline import tune as rank
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import TuningProblem, register


@dataclass(frozen=True)
class DiffuserPtdtOptions(Strict):
    diffuser: DiffuserOptions = field(default_factory=DiffuserOptions)
    ptdt: OfflineOptions = field(default_factory=OfflineOptions)


@register(
    "diffuser-ptdt", DiffuserPtdtOptions, moves_prompts=True, reads_training_tasks=True
)
def tune(problem: TuningProblem, options: DiffuserPtdtOptions) -> Adaptation:
    """Both methods with their own budgets; the history continues from one to the other.

    The checkpoint serves the diffuser, which takes nearly all of the time.
    """
    first, second = problem.streams(2)
    generated = diffuse(dataclasses.replace(problem, stream=first), options.diffuser)
    begun = dataclasses.replace(
        problem,
        stream=second,
        initial_prompts=generated.last,
        checkpoint=Checkpoint(),
    )
    return _joined(problem, generated, rank(begun, options.ptdt))


def _joined(
    problem: TuningProblem, generated: Adaptation, ranked: Adaptation
) -> Adaptation:
    """The ranking's way from the generated prompt, its iteration 0, at the cost of both.

    Displacements are from the problem's initial prompt, as everywhere.
    """
    spent = {(e.task, e.prompt): e for e in generated.history}  # the last of each
    keys = zip(problem.rows.tolist(), problem.prompts.tolist(), strict=True)
    place = {key: row for row, key in enumerate(keys)}
    start = to_vectors(problem.require_prompts())
    moved = {i: (to_vectors(p) - start).norm(dim=-1) for i, p in ranked.curve.items()}

    def total(entry: HistoryRow) -> HistoryRow:
        key = entry.task, entry.prompt
        return dataclasses.replace(
            entry,
            queries=entry.queries + spent[key].queries,
            simulator_steps=entry.simulator_steps + spent[key].simulator_steps,
            gradient_steps=entry.gradient_steps + spent[key].gradient_steps,
            displacement=float(moved[entry.iteration][place[key]]),
        )

    return dataclasses.replace(
        ranked,
        history=[total(entry) for entry in ranked.history],
        parameters=generated.parameters + ranked.parameters,
        extras=generated.extras,
    )
