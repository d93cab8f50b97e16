"""Hooks into Snakemake's start of a run: one lock per run, and no limit of jobs per second.

The limit would take more and more of a core: Snakemake 9.27 looks for jobs again one second
after each look, and every job that ends adds a look of its own, so that after 100 jobs it
looks 100 times a second. It does so only to keep a limit (100 jobs a second by default)
that no run of ours comes near.

Snakemake has no interface for either. So every attribute that is replaced, set or read here
is looked for first: one that another version of Snakemake lacks is an error that names it.
"""

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.workflow.run_lock import FOLDER, hold

REMEDY = "install the Snakemake of requirements.lock"


def install(workflow: Any, run: str, check: Callable[[], object] | None = None) -> None:
    """Have ``workflow`` (Snakemake's) execute ``run`` under its lock and without limit.

    ``check`` is called before jobs are executed on this machine; its TrajpromptError ends
    the run.

    Dry runs only remove what a killed process left; reports and the Snakemake processes of
    single jobs do not even that. Only when Snakemake begins to execute does it know which
    it is.
    """
    execute = attribute(workflow, "execute")
    is_main_process = attribute(workflow, "is_main_process")

    def execute_run(executor_plugin: Any, **settings: Any) -> Any:
        with contextlib.ExitStack() as stack:
            with _clear_errors():
                _lift_rate_limit(workflow)
                if is_main_process:
                    _lock(stack, workflow, executor_plugin, run)
                    if check and _executes_here(executor_plugin):
                        check()
            return execute(executor_plugin=executor_plugin, **settings)

    workflow.execute = execute_run


def attribute(thing: Any, path: str) -> Any:
    """The attribute at a dotted path; TrajpromptError if Snakemake no longer has it."""
    found = thing
    for name in path.split("."):
        if not hasattr(found, name):
            raise TrajpromptError(
                f"Snakemake {importlib.metadata.version('snakemake')}",
                f"{type(found).__name__} has no attribute '{name}'",
                "one that trajprompt/workflow/hooks.py can use",
                REMEDY,
            )
        found = getattr(found, name)
    return found


def _lift_rate_limit(workflow: Any) -> None:
    """Forget ``--max-jobs-per-timespan`` before a scheduler reads it."""
    attribute(workflow, "scheduling_settings.max_jobs_per_timespan")
    workflow.scheduling_settings.max_jobs_per_timespan = None


def _lock(
    stack: contextlib.ExitStack, workflow: Any, executor_plugin: Any, run: str
) -> None:
    """Hold the lock of ``run`` as long as ``stack`` is open, unless given --nolock."""
    if attribute(executor_plugin, "common_settings.dryrun_exec"):
        with contextlib.suppress(TrajpromptError), hold(run, FOLDER):
            pass
    elif attribute(workflow, "execution_settings.lock"):
        stack.enter_context(hold(run, FOLDER))


def _executes_here(executor_plugin: Any) -> bool:
    """Whether jobs run on this machine, neither on a cluster's nodes nor as a dry run."""
    settings = attribute(executor_plugin, "common_settings")
    return not any(
        attribute(settings, name)
        for name in ("non_local_exec", "dryrun_exec", "touch_exec")
    )


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn a TrajpromptError into the one error of which Snakemake prints no traceback."""
    from snakemake.exceptions import CliException

    try:
        yield
    except TrajpromptError as error:
        raise CliException(str(error)) from None
