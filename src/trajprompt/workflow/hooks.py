"""Hooks into Snakemake's start of a run: a lock, a job server, no limit of jobs per second.

The limit wastes CPU time. To enforce it (100 jobs per second by default), Snakemake 9.27
polls for jobs every second, and every finished job adds one more such poll: after 100 jobs
it polls 100 times a second. No run here comes near the limit.

Snakemake has no interface for either. So each attribute that is used here is looked up
first; one that the installed version lacks is an error that names it.
"""

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.job_server.start import job_server
from trajprompt.workflow.run_lock import FOLDER, hold

REMEDY = "install the Snakemake of requirements.lock"


def install(workflow: Any, run: str, check: Callable[[], object] | None = None) -> None:
    """Make Snakemake's ``workflow`` execute ``run`` under its lock and without the limit.

    Jobs on this machine are forked by a job server. ``check`` is called before; its
    TrajpromptError ends the run.

    A dry run only removes the locks of killed processes. Reports and the
    Snakemake processes of single jobs do not use the lock. All this is decided in
    ``execute``, because only then Snakemake knows its mode.
    """
    execute = attribute(workflow, "execute")
    is_main_process = attribute(workflow, "is_main_process")

    def execute_run(executor_plugin: Any, **settings: Any) -> Any:
        with contextlib.ExitStack() as stack:
            with _clear_errors():
                _lift_rate_limit(workflow)
                if is_main_process:
                    _lock(stack, workflow, executor_plugin, run)
                    if _executes_here(executor_plugin):
                        if check:
                            check()
                        stack.enter_context(job_server())
            return execute(executor_plugin=executor_plugin, **settings)

    workflow.execute = execute_run


def attribute(thing: Any, path: str) -> Any:
    """Attribute at a dotted path; TrajpromptError if this Snakemake does not have it."""
    found = thing
    for name in path.split("."):
        if not hasattr(found, name):
            raise TrajpromptError(
                f"Snakemake {importlib.metadata.version('snakemake')}",
                f"{type(found).__name__} has no attribute '{name}'",
                "the version that trajprompt/workflow/hooks.py was written for",
                REMEDY,
            )
        found = getattr(found, name)
    return found


def _lift_rate_limit(workflow: Any) -> None:
    """Remove ``--max-jobs-per-timespan`` before the scheduler reads it."""
    attribute(workflow, "scheduling_settings.max_jobs_per_timespan")
    workflow.scheduling_settings.max_jobs_per_timespan = None


def _lock(
    stack: contextlib.ExitStack, workflow: Any, executor_plugin: Any, run: str
) -> None:
    """Hold the lock of ``run`` until ``stack`` closes, unless --nolock is given."""
    if attribute(executor_plugin, "common_settings.dryrun_exec"):
        with contextlib.suppress(TrajpromptError), hold(run, FOLDER):
            pass
    elif attribute(workflow, "execution_settings.lock"):
        stack.enter_context(hold(run, FOLDER))


def _executes_here(executor_plugin: Any) -> bool:
    """True if jobs run on this machine: not on cluster nodes, not in a dry run."""
    settings = attribute(executor_plugin, "common_settings")
    return not any(
        attribute(settings, name)
        for name in ("non_local_exec", "dryrun_exec", "touch_exec")
    )


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn a TrajpromptError into the error that Snakemake prints without traceback."""
    from snakemake.exceptions import CliException

    try:
        yield
    except TrajpromptError as error:
        raise CliException(str(error)) from None
