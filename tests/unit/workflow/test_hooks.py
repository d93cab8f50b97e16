"""The hooks in the installed Snakemake, with a workflow of two tiny jobs."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.workflow import hooks

SOURCE = Path(hooks.__file__).parents[2]
SNAKEFILE = """
from trajprompt.workflow import hooks

{before}
hooks.install(workflow, "tiny", {check})

rule all:
    input: expand("results/tiny/{{n}}", n=range(2))

rule one:
    output: "results/tiny/{{n}}"
    shell:
        "touch started{{wildcards.n}}; while [ -e wait ]; do sleep 0.1; done;"
        " printenv TRAJPROMPT_JOB_SERVER > {{output}} || true"
"""
RENAMED = """
from types import SimpleNamespace
workflow.__class__.scheduling_settings = property(
    lambda workflow: SimpleNamespace(limit=None), lambda workflow, value: None
)
"""
REFUSING = """
from trajprompt.errors import TrajpromptError

def refuse():
    raise TrajpromptError("this machine", "nothing", "something")
"""
ONE_AN_HOUR = ("--max-jobs-per-timespan", "1/1h")
LIMITED = "Job rate limit reached"
TIMEOUT = 300  # seconds


class Tiny:
    """A folder with a tiny workflow."""

    def __init__(self, folder):
        self.folder, self.wait_file = folder, folder / "wait"
        self.write()

    def write(self, before="", check=None):
        text = SNAKEFILE.format(before=before, check=check)
        (self.folder / "Snakefile").write_text(text)

    def start(self, *arguments):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments):
        """Exit code and output."""
        with killed_on_exit(self.start(*arguments)) as process:
            text, _ = process.communicate(timeout=TIMEOUT)
            return process.returncode, text

    @property
    def made(self):
        return sorted(path.name for path in self.folder.glob("results/tiny/*"))


@contextlib.contextmanager
def killed_on_exit(process):
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.fixture
def tiny(tmp_path):
    return Tiny(tmp_path)


def test_the_limit_of_jobs_per_second_is_lifted(tiny):
    code, text = tiny.run(*ONE_AN_HOUR)
    assert code == 0 and LIMITED not in text, text
    assert tiny.made == ["0", "1"]


def test_snakemake_keeps_that_limit_without_the_hook(tiny):
    """Shows that the test above can fail."""
    tiny.write(before="hooks.install = lambda workflow, run, check: None")
    with killed_on_exit(tiny.start(*ONE_AN_HOUR)) as process:
        assert any(LIMITED in line for line in process.stdout)
    assert len(tiny.made) == 1


def test_jobs_find_the_server_that_forks_their_processes(tiny):
    code, text = tiny.run()
    assert code == 0, text
    found = {path.read_text() for path in tiny.folder.glob("results/tiny/*")}
    assert len(found) == 1 and found.pop().startswith("trajprompt-")


def test_a_second_run_is_refused_while_the_first_is_active(tiny):
    tiny.wait_file.touch()
    with killed_on_exit(tiny.start()) as first:
        wait_for(lambda: list(tiny.folder.glob("started*")), first)
        code, text = tiny.run()
        assert code == 1
        assert f"run 'tiny': in use by process {first.pid} on" in text
        assert "Traceback" not in text and "cannot be locked" not in text
        assert tiny.run("-n")[0] == 0  # a dry run is allowed
        tiny.wait_file.unlink()
        assert first.wait(timeout=TIMEOUT) == 0
    assert tiny.made == ["0", "1"]


def test_a_killed_run_leaves_no_lock(tiny):
    tiny.wait_file.touch()
    with killed_on_exit(tiny.start()) as first:
        wait_for(lambda: list(tiny.folder.glob("started*")), first)
    assert list(tiny.folder.glob(".snakemake/locks/*.lock"))  # Snakemake's locks remain
    tiny.wait_file.unlink()
    code, text = tiny.run("--rerun-incomplete")
    assert code == 0 and "removed the locks of killed process" in text, text


def wait_for(event, process):
    end = time.monotonic() + TIMEOUT
    while not event():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)


def test_a_failing_check_ends_the_run_before_any_job(tiny):
    tiny.write(before=REFUSING, check="refuse")
    code, text = tiny.run()
    assert code == 1 and not list(tiny.folder.glob("started*"))
    assert "this machine: nothing; expected something" in text
    assert "Traceback" not in text
    assert tiny.run("-n")[0] == 0


def test_an_attribute_that_snakemake_lacks_is_named(tiny):
    """As if the next version of Snakemake renamed the limit: an error, not silence."""
    tiny.write(before=RENAMED)
    code, text = tiny.run()
    assert code == 1 and tiny.made == []
    assert "has no attribute 'max_jobs_per_timespan'" in text and hooks.REMEDY in text
    assert "Traceback" not in text


def test_an_attribute_is_found_by_its_path():
    workflow = SimpleNamespace(settings=SimpleNamespace(lock=True))
    assert hooks.attribute(workflow, "settings.lock") is True
    with pytest.raises(TrajpromptError, match=r"^Snakemake 9\..* has no attribute 'hold'"):
        hooks.attribute(workflow, "settings.hold")
