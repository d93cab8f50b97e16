# The code behind a rule, as a hash of its files: editing one of them makes the rule run again.

import ast
import functools
import hashlib
from pathlib import Path

# Code that names, checks and writes, but makes no numbers: editing it reruns nothing.
WITHOUT_NUMBERS = tuple(
    f"src/trajprompt/{name}"
    for name in (
        "artifacts/",
        "config/",
        "settings/",
        "commands/arguments.py",
        "commands/process.py",
        "errors.py",
        "processes.py",
        "progress.py",
    )
)
# But these, of the folders above, decide how numbers are trained, written and drawn.
WITH_NUMBERS = tuple(
    f"src/trajprompt/{name}.py"
    for name in ("artifacts/csv_files", "artifacts/video", "settings/training")
)


@functools.cache
def code(*modules):
    """The hash of ``modules`` and of all that they import: editing one reruns the rule.

    A rule's `params` hold it. As input files, thousands of them, Snakemake would look at
    each whenever it picks a job: a quarter of a core.
    """
    digest = hashlib.sha256()
    for path in sources(modules):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


def sources(modules):
    """Files of ``modules`` and of all that they import."""
    found, waiting = set(), {f"src/trajprompt/{module}.py" for module in modules}
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= imported(path) - found
    return sorted(found)


@functools.cache
def imported(path):
    """Files of the project that the file ``path`` imports, at its top or in functions."""
    nodes = ast.walk(ast.parse(Path(path).read_text()))
    names = {
        name
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("trajprompt")
        for name in (
            node.module,
            *(f"{node.module}.{item.name}" for item in node.names),
        )
    }
    files = {f"src/{name.replace('.', '/')}.py" for name in names}
    return {
        file
        for file in files
        if (file in WITH_NUMBERS or not file.startswith(WITHOUT_NUMBERS))
        and Path(file).is_file()
    }
