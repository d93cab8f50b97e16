"""PTDT started from the diffuser's prompt: a control that the papers do not have.

The diffuser learns from the prompts of all training tasks; PTDT uses only the test task.
Comparing this method with each of its parts shows whether ranking improves a generated
prompt, and whether a generated prompt helps ranking. The diffuser is tuned again, on other
batches than in its own cell. Its prompt is iteration 0 of this method.
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
    """Run both methods, each with its own budget; costs add up in the history.

    Only the diffuser uses the checkpoint; it takes nearly all of the time.
    """
    first, second = problem.streams(2)
    generated = diffuse(dataclasses.replace(problem, stream=first), options.diffuser)
    ranking = dataclasses.replace(
        problem,
        stream=second,
        initial_prompts=generated.last,
        checkpoint=Checkpoint(),
    )
    return _joined(problem, generated, rank(ranking, options.ptdt))


def _joined(
    problem: TuningProblem, generated: Adaptation, ranked: Adaptation
) -> Adaptation:
    """Return the adaptation of the ranking, with the cost of both methods.

    Its iteration 0 is the generated prompt. Displacements are from the problem's initial
    prompt, as in all methods.
    """
    spent = {(e.task, e.prompt): e for e in generated.history}  # last entry of each prompt
    keys = zip(problem.rows.tolist(), problem.prompts.tolist(), strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    start = to_vectors(problem.require_prompts())
    moved = {i: (to_vectors(p) - start).norm(dim=-1) for i, p in ranked.curve.items()}

    def total(entry: HistoryRow) -> HistoryRow:
        key = entry.task, entry.prompt
        return dataclasses.replace(
            entry,
            queries=entry.queries + spent[key].queries,
            simulator_steps=entry.simulator_steps + spent[key].simulator_steps,
            gradient_steps=entry.gradient_steps + spent[key].gradient_steps,
            displacement=float(moved[entry.iteration][row_of[key]]),
        )

    return dataclasses.replace(
        ranked,
        history=[total(entry) for entry in ranked.history],
        parameters=generated.parameters + ranked.parameters,
        extras=generated.extras,
    )
