"""Training loop of a stack of learners: batches, curves of losses, and resuming.

Each seed draws its items, transitions or windows, from one table, uniformly and with
replacement as CORL does, with a generator of its own. The loop itself follows no other
code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError

READ_EVERY = 100  # updates between readings of losses, for which the CPU waits for a GPU


class Learning(Protocol):
    """A stack of T learners (a `checkpoint.Resumable`)."""

    done: int  # updates

    def update(self, batch: Any) -> dict[str, Tensor]:
        """Do one update; return each loss (T,) by name."""
        ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


class Data(Protocol):
    """Items that a batch consists of, by number."""

    @property
    def table(self) -> Tensor:
        """The items; batches are on its device."""
        ...

    def __len__(self) -> int: ...

    def batch(self, index: Tensor) -> Any:
        """The items ``index`` (T, B)."""
        ...


@dataclass
class OfflineTraining:
    """A training in progress (a `checkpoint.Resumable`)."""

    learner: Learning
    data: Data
    generators: Sequence[torch.Generator]  # of the batches, one per seed
    batch: int  # transitions per update and seed
    labels: Sequence[str]  # of the seeds, for errors
    curves: list[list[dict[str, float]]] = field(init=False)
    unread: list[dict[str, Tensor]] = field(init=False, default_factory=list)
    sums: dict[str, Tensor] = field(init=False, default_factory=dict)
    counts: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.curves = [[] for _ in self.labels]

    def run(
        self,
        updates: int,
        every: int,
        checkpoint: Checkpoint,
        label: str,
        returns: Callable[[], Sequence[float]] | None = None,
    ) -> list[list[dict[str, float]]]:
        """Do all updates; return the curve of each seed, a point per ``every`` updates.

        A point has the mean of each loss since the previous one, and the seed's value of
        ``returns``.
        """
        for step in checkpoint.steps(updates, self, label):
            self.unread.append(self.learner.update(self.data.batch(self._draw())))
            due = (step + 1) % every == 0 or step + 1 == updates
            if due or len(self.unread) == READ_EVERY:
                self._read(step + 1)
            if due:
                self._extend(step + 1, returns)
        return self.curves

    def _draw(self) -> Tensor:
        """Numbers (T, B) of items."""
        count = len(self.data)
        device = self.data.table.device
        return torch.stack(
            [
                torch.randint(count, (self.batch,), generator=one, device=device)
                for one in self.generators
            ]
        )

    def _read(self, done: int) -> None:
        """Add the unread losses to the sums; raise if one is not finite.

        ``done`` is the number of updates so far, for the error.
        """
        for losses in self.unread:
            for name, loss in losses.items():
                self.sums[name] = self.sums.get(name, torch.zeros_like(loss)) + loss
                self.counts[name] = self.counts.get(name, 0) + 1
        self.unread.clear()
        for name, total in self.sums.items():
            for label, value in zip(self.labels, total.tolist(), strict=True):
                if not abs(value) < float("inf"):
                    found = f"found a {name} loss of {value} up to update {done}"
                    remedy = "lower the learning rate or the scale of rewards"
                    raise TrajpromptError(label, found, "a finite value", remedy)

    def _extend(self, done: int, returns: Callable[[], Sequence[float]] | None) -> None:
        means = {
            name: (total / self.counts[name]).tolist() for name, total in self.sums.items()
        }
        found = returns() if returns else None
        for seed, curve in enumerate(self.curves):
            point = {"step": float(done)}
            point |= {f"{name}_loss": values[seed] for name, values in means.items()}
            curve.append(point | ({"return": float(found[seed])} if found else {}))
        self.sums.clear()
        self.counts.clear()

    def state(self) -> dict[str, Any]:
        self._read(self.learner.done)
        return {
            "learner": self.learner.state(),
            "batches": torch.stack([one.get_state() for one in self.generators]),
            "curves": self.curves,
            "sums": self.sums,
            "counts": self.counts,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.learner.restore(state["learner"])
        for one, saved in zip(self.generators, state["batches"], strict=True):
            one.set_state(torch.as_tensor(saved).clone())  # as in `Noise.restore`
        self.curves = [list(curve) for curve in state["curves"]]
        device = self.data.table.device
        self.counts = {name: int(v) for name, v in state["counts"].items()}
        # In the order of the counts: HDF5 sorts its arrays, and curves keep this order.
        sums = state["sums"]
        self.sums = {name: torch.as_tensor(sums[name]).to(device) for name in self.counts}
