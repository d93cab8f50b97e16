"""Snakemake's limit of jobs per second, taken off: it would take more and more of a core.

Snakemake 9.27 looks for jobs again one second after each look, and every job that ends
adds a look of its own: after 100 jobs it looks 100 times a second. It does so only to keep
a limit (100 jobs a second by default) that no run of ours comes near.
"""

from typing import Any


def lift_rate_limit(workflow: Any) -> None:
    """Have ``workflow`` (Snakemake's) execute without ``--max-jobs-per-timespan``."""
    execute = workflow.execute

    def execute_unlimited(**settings: Any) -> Any:
        workflow.scheduling_settings.max_jobs_per_timespan = None
        return execute(**settings)

    workflow.execute = execute_unlimited
