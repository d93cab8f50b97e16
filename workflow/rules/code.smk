# The code behind a rule, as a hash of its files: an edit of one of them reruns the rule.

import ast
import functools
import hashlib
from pathlib import Path

# Code that does not change results (names, checks, writing): editing it reruns nothing.
IGNORED = tuple(
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
# Files of the folders above that do change results: training, formats of tables and videos.
NOT_IGNORED = tuple(
    f"src/trajprompt/{name}.py"
    for name in ("artifacts/csv_files", "artifacts/video", "settings/training")
)


@functools.cache
def code(*modules):
    """Hash of ``modules`` and of all modules that they import; an edit reruns the rule.

    Rules have it in `params`. If they had the files as inputs, Snakemake would check
    thousands of them whenever it selects a job: a quarter of a core.
    """
    digest = hashlib.sha256()
    for path in sources(modules):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


def sources(modules):
    """Files of ``modules`` and of all modules that they import."""
    found, waiting = set(), {f"src/trajprompt/{module}.py" for module in modules}
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= imported(path) - found
    return sorted(found)


@functools.cache
def imported(path):
    """Files of the project that the file ``path`` imports, also those inside functions."""
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
        if (file in NOT_IGNORED or not file.startswith(IGNORED))
        and Path(file).is_file()
    }
