"""Stage 2: replace actions of a store by those of better plans, for a CMT backbone."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.commands.arguments import (
    BACKBONE,
    SUITE,
    TRAJECTORIES,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import RelabelSettings

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite hopper-medium-expert \\
    --algorithm cmt --seed 0 \\
    --data results/smoke/1_collect/hopper-medium-expert/trajectories.h5 \\
    --backbone-file results/smoke/2_pretrain/hopper-medium-expert/cmt/seed0.safetensors \\
    --out relabelled.h5"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("relabel", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True, help=SUITE)
    text = "a name under algorithms in the config whose kind is cmt"
    parser.add_argument("--algorithm", required=True, help=text)
    text = "seed of the backbone, an integer, e.g. 0"
    parser.add_argument("--seed", type=int, required=True, help=text)
    file: Any = {"type": Path, "required": True, "metavar": "FILE"}
    parser.add_argument("--data", **file, help=TRAJECTORIES)
    parser.add_argument("--backbone-file", **file, help=BACKBONE)
    parser.add_argument("--out", **file, help="relabelled states to write (.h5)")
    stage_arguments(parser)
    args = parser.parse_args(argv)
    names = {"suite": args.suite, "backbone": args.algorithm, "seed": args.seed}
    settings = read_settings(args, RelabelSettings, **names)
    run(settings, args.data, args.backbone_file, args.out)


def run(settings: RelabelSettings, data: Path, backbone_file: Path, out: Path) -> None:
    """Relabel states of a store; write them with the errors of the model."""
    import torch

    from trajprompt.artifacts.atomic import require_file
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.models.cmt.relabelled_file import write_relabelled
    from trajprompt.numerics.device import keep_freed_memory
    from trajprompt.offline.cmt.relabelling import (
        RelabelOptions,
        best_prompts,
        explained_variances,
        relabel,
    )
    from trajprompt.offline.cmt.windows import WindowTable
    from trajprompt.seeds import children, stream, torch_generator
    from trajprompt.settings.options import parse_options
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import open_tasks

    torch.set_num_threads(1)
    keep_freed_memory()
    require_file(data, "trajprompt collect")
    options: RelabelOptions = parse_options(RelabelOptions, settings.options, "relabel")
    backbone = _backbone(settings, backbone_file)
    (task,) = settings.train_tasks
    episodes = open_tasks(data, [task], get_suite(settings.suite))[task].read()
    config, model = backbone.config, backbone.model
    table = WindowTable.of(
        episodes,
        backbone.normaliser.mean.double().numpy(),
        backbone.normaliser.std.double().numpy(),
        config.discount,
        config.history,
        config.context_length,
        "cpu",
    )
    names = settings.suite, settings.backbone, settings.seed
    streams = children(stream(settings.run_seed, "relabel", *names), 2)
    returns = episodes.returns
    found = relabel(model, table, returns, options, torch_generator(streams[0]))
    best = best_prompts(model, table, returns, options.best_share).mean(0)
    errors = explained_variances(model, table, torch_generator(streams[1]))
    changed = (found.actions != found.logged_actions).any(1)
    attributes: dict[str, Any] = {
        **provenance("relabel", dataclasses.asdict(settings), [data, backbone_file]),
        "suite": settings.suite,
        "backbone": settings.backbone,
        "seed": settings.seed,
        "relabelled_share": float(changed.float().mean()),
        "mean_gain": float(found.gains.mean() * model.reward_scale),
        **{f"r2_{name}": value for name, value in errors.items()},
    }
    write_relabelled(out, found, best, attributes)
    write_record(attributes, out)
    write_resources(out)


def _backbone(settings: RelabelSettings, path: Path) -> "Backbone":
    """The backbone; TrajpromptError unless it is a CMT of the suite."""
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.models.backbone import load_backbone

    require_file(path, "trajprompt learn")
    backbone = load_backbone(path)
    found = f"{backbone.name} on {backbone.suite}"
    expected = f"{settings.backbone} on {settings.suite}"
    if found != expected or backbone.family != "history":
        text = f"found the backbone {found}"
        remedy = "give the file of the suite's CMT backbone with --backbone-file"
        raise TrajpromptError(path, text, f"{expected}, a CMT", remedy)
    return backbone


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
