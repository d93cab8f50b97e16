"""What the rule "not at this size" reads: shares of the papers' budgets, and curves."""

from trajprompt.report.numbers.contrasts import rise, still_rises
from trajprompt.report.read.budgets import Shares
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run

SMALL_SHARE = 0.25  # of the paper's budget, below which a curve must have levelled off


def share_of(
    suite: str, entry: Entry | None, other: Entry | None, shares: Shares
) -> float | None:
    """Share of the paper's budget of one side of a contrast; None if not known.

    An untuned side has none if both sides share its backbone: they differ in tuning only.
    """
    shared = entry and other and entry.backbone and entry.backbone == other.backbone
    if entry is None or (entry.is_untuned and shared):
        return None
    return shares.get(suite, entry)


def may_rise(name: str, suite: str, run: Run, delta: float, favoured: bool) -> str:
    """What says that more budget may raise the returns of an entry; empty: nothing.

    Its curve still rises by more than ``delta``, or its policy is not tuned and has no
    curve of returns. ``favoured``: the entry is the one that the claim says is better.
    Then a level curve of an offline algorithm says nothing: such curves may rise late.
    """
    risen, entry = rise(name, suite, run), run.entry(name)
    if risen is None:
        trained = entry is not None and entry.is_untuned
        return "no curve shows its returns by budget" if trained else ""
    if still_rises(risen, delta):
        return f"its curve rises by {risen.mean:.3g} over the last third"
    learned = entry is not None and (suite, entry.backbone) in run.learning
    return "curves of offline algorithms may rise later" if favoured and learned else ""
