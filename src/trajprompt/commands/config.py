"""Show the configuration of a run with all its layers merged, or the JSON Schema of files.

The whole configuration is printed as YAML: what config.yaml, presets/ and papers/ say
together, with everything inherited and generated written out. It is checked first.
"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from trajprompt.commands.process import run_stage

EXAMPLES = """examples:
  trajprompt config                                   what `snakemake` would make
  trajprompt config config.yaml presets/smoke.yaml    of the smoke run
  trajprompt config --schema > config.schema.json     for editors that check YAML files"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="trajprompt config",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files",
        nargs="*",
        default=["config.yaml"],
        metavar="FILE",
        help="config files, later ones override earlier ones (default: config.yaml)",
    )
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of a file instead"
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
    """Keys that no layer sets are left out."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if value is not None}
        return {key: _without_nulls(value) for key, value in kept.items()}
    return node


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
