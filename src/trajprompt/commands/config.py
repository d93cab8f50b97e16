"""Print the complete configuration of a run as YAML, or the JSON Schema of its files.

The configuration is checked first. It merges config.yaml, presets/ and papers/; inherited
and generated entries are written out.
"""

import json
from collections.abc import Sequence
from typing import Any

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage

EXAMPLES = (
    "                                  # the run of `snakemake` without options",
    "config.yaml presets/smoke.yaml    # the smoke run",
    "--schema > config.schema.json     # for editors that check YAML files",
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("config", __doc__, *EXAMPLES)
    parser.add_argument(
        "files",
        nargs="*",
        default=["config.yaml"],
        metavar="FILE",
        help="YAML files of the run, config.yaml first; later ones override earlier ones"
        " (default: config.yaml)",
    )
    parser.add_argument(
        "--schema",
        action="store_true",
        help="print the JSON Schema of config files instead",
    )
    args = parser.parse_args(argv)
    if args.schema:
        from trajprompt.config.json_schema import file_schema

        print(json.dumps(file_schema(), indent=2))
        return
    import yaml

    from trajprompt.config.load import load_config

    config = _without_nulls(load_config(args.files))
    layout: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 100}
    print(yaml.safe_dump(config, default_flow_style=None, **layout), end="")


def _without_nulls(node: Any) -> Any:
    """Copy without the keys whose value is None: no layer sets them."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if value is not None}
        return {key: _without_nulls(value) for key, value in kept.items()}
    return node


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
