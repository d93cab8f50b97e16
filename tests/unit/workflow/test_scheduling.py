"""Snakemake without its limit of jobs per second."""

from types import SimpleNamespace

from trajprompt.workflow import scheduling


def test_the_limit_is_lifted_before_the_first_job():
    limits = SimpleNamespace(max_jobs_per_timespan="100/1s")

    def execute(**settings):
        return limits.max_jobs_per_timespan, settings

    workflow = SimpleNamespace(execute=execute, scheduling_settings=limits)
    scheduling.lift_rate_limit(workflow)
    assert workflow.execute(executor_plugin="local") == (None, {"executor_plugin": "local"})
