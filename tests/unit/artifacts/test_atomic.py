"""Atomic writes: on errors, on full and read-only disks, after killed processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trajprompt.artifacts.atomic import atomic_path, write_text
from trajprompt.errors import TrajpromptError

DEAD = 2**22 + 1  # above the largest process id of Linux
# Each writes about 1 MiB with another library, in a separate process: the test includes
# what a library does at exit with an unfinished file.
WRITERS = {
    "text": "write_text(target, 'x' * 2**20)",
    "hdf5": """
import h5py, numpy
with atomic_path(target) as path, h5py.File(path, "w", libver="latest") as file:
    file["numbers"] = numpy.random.default_rng(0).random(2**17)
""",
    "safetensors": """
import torch
from safetensors.torch import save_file
with atomic_path(target) as path:
    save_file({"numbers": torch.rand(2**18)}, path)
""",
    "figure": """
import numpy
from trajprompt.report.plots.style import panels, save
with panels(1) as (figure, axes):
    axes[0].plot(numpy.random.default_rng(0).random(10_000), ".")
    save(figure, target.with_suffix(""))
""",
}
SUFFIXES = {"text": ".csv", "hdf5": ".h5", "safetensors": ".safetensors", "figure": ".svg"}
PROGRAM = """
import resource, sys
from pathlib import Path
from trajprompt.artifacts.atomic import atomic_path, write_text
from trajprompt.commands.process import run_stage
target, limit = Path(sys.argv[1]), int(sys.argv[2])
def main(argv):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    exec(sys.argv[3], globals())
raise SystemExit(run_stage(main))
"""


def write(writer: str, folder: Path, limit: int = 2**30):
    """Run a writer in a process; return its target and the finished process."""
    target = folder / f"made{SUFFIXES[writer]}"
    command = [sys.executable, "-c", PROGRAM, str(target), str(limit), WRITERS[writer]]
    return target, subprocess.run(command, capture_output=True, text=True, timeout=60)


def check_refused(target: Path, done: subprocess.CompletedProcess, reason: str) -> None:
    """Check for one line with file, reason and remedy, and for no remaining files."""
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"trajprompt: error: {target}: cannot be written ({reason})")
    assert "; " in line
    assert list(target.parent.iterdir()) == []


@pytest.fixture
def mounted(tmp_path):
    """Function that mounts a small disk; it is unmounted at the end."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs the right to mount a disk: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True)


def test_a_file_appears_complete_and_replaces_the_old_one(tmp_path):
    target = tmp_path / "new/folder/table.csv"
    write_text(target, "a\n")
    with atomic_path(target) as path:
        path.write_text("b")
        assert target.read_text() == "a\n"
    assert target.read_text() == "b"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "table.csv"
    write_text(target, "old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as path:
        path.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.fixture
def temporary_name(tmp_path):
    """Function (stem, pid) -> name of a temporary file of another process."""
    with atomic_path(tmp_path / "seed0.csv") as path:
        name = path.name
        path.touch()
    (tmp_path / "seed0.csv").unlink()
    return lambda stem, pid: name.replace("seed0", stem).replace(
        f".{os.getpid()}.", f".{pid}."
    )


def test_the_next_writer_removes_files_of_a_killed_one(tmp_path, temporary_name):
    killed = tmp_path / temporary_name("seed0", DEAD)
    living = tmp_path / temporary_name("seed0", os.getppid())
    another = tmp_path / temporary_name("seed0.checkpoint", DEAD)
    for path in (killed, living, another):
        path.write_text("half")
    write_text(tmp_path / "seed0.csv", "whole")
    assert not killed.exists()
    assert living.exists() and another.exists()


@pytest.mark.parametrize("writer", WRITERS)
def test_a_limit_on_file_sizes_is_one_clear_line(tmp_path, writer):
    target, done = write(writer, tmp_path, limit=64 * 1024)
    check_refused(target, done, "File too large")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_clear_line(mounted, writer):
    target, done = write(writer, mounted("size=256k"))
    check_refused(target, done, "No space left on device")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_read_only_disk_is_one_clear_line(mounted, writer):
    target, done = write(writer, mounted("ro"))
    check_refused(target, done, "Read-only file system")


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    found = "file/table.csv: cannot be written .File exists."
    expected = f"{found}; expected a path that can be written; choose another path"
    with pytest.raises(TrajpromptError, match=expected):
        write_text(tmp_path / "file/table.csv", "")
