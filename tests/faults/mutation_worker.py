"""Damage files and pass each to its readers in this monitored process.

    python tests/faults/mutation_worker.py FOLDER KIND SEED FIRST

Reads the numbers of damages from stdin and writes the outcome of each as a line of JSON.
The damages from FIRST on are the warm-up. mutations.py handles a crash of this process and
a line that takes too long.
"""

import contextlib
import io
import json
import re
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fault_kinds
import mutate_bytes
import mutate_hdf5
import mutate_pickle
import mutate_text
import numpy as np
from fingerprint import fingerprint

from trajprompt.commands.inspect import plot
from trajprompt.errors import TrajpromptError

GIB = 2**30
ROOM = 4 * GIB
# Errors of a change that does not fit the file; a truncation replaces it.
IMPOSSIBLE = (ValueError, TypeError, LookupError, OSError, RuntimeError, OverflowError)
WARM_UP = 20  # damaged files before measuring, because readers import late
OF_MEMORY = re.compile("memory|alloc", re.IGNORECASE)
LISTING = ("os.listdir", "os.scandir", "socket.gethostname")
CHANGES = ("os.mkdir", "os.remove", "os.rename")  # a picture, within the worker's folder
FAMILIES = ("os.", "subprocess.", "socket.", "ctypes.", "pty.", "shutil.", "marshal.")
WORST = ("equal", "other", "refused", "memory", "crash", "code")


class Watch:
    """Record forbidden actions of readers: run code, start processes, write files."""

    def __init__(self, folder: Path):
        self.folder, self.armed, self.seen = str(folder), False, []
        self.known = {name.partition(".")[0] for name in sys.modules}
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple) -> None:
        if self.armed and self._is_forbidden(event, arguments):
            self.seen.append(f"{event} {str(arguments)[:120]}")

    def _is_forbidden(self, event: str, arguments: tuple) -> bool:
        if event == "open":
            path, mode, flags = arguments
            writes = set(mode or "") & set("wax+") or (flags or 0) & 0o3
            return bool(writes) and not str(path).startswith(self.folder)
        if event == "import":
            top = arguments[0].partition(".")[0]
            return top not in self.known and top not in sys.stdlib_module_names
        if event in ("exec", "compile", "marshal.loads"):
            return not _is_importing()
        if event in LISTING:
            return False
        if event in CHANGES and str(arguments[0]).startswith(self.folder):
            return False
        return event.startswith(FAMILIES)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[list[str]]:
        self.seen = []
        self.armed = True
        try:
            yield self.seen
        finally:
            self.armed = False


def _is_importing() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


class Bench:
    """One kind of file: its valid bytes, its readers, and the expected fingerprint."""

    def __init__(self, kind: fault_kinds.Kind, folder: Path):
        self.kind, self.path = kind, folder / kind.name / kind.file
        self.scratch = folder / f"{kind.name}.scratch"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kind.make(self.path)
        self.valid = self.path.read_bytes()
        self.readers = list(kind.readers())
        self.expected = fingerprint(self.readers[0](self.path))
        with contextlib.suppress(TrajpromptError):  # matplotlib has many late imports
            plot(self.path, None, folder / "picture.png")

    def damage(self, seed: int, number: int) -> tuple[str, bytes]:
        """Name and bytes of damage ``number``; half of them are specific to the format."""
        generator = np.random.default_rng([seed, number])
        family = self.kind.mutators
        informed = generator.random() < 0.5
        if informed and family == "hdf5":
            return mutate_hdf5.rewritten(self.valid, generator, self.scratch)
        choices: Any = mutate_bytes.DAMAGES
        if informed:
            choices = {**mutate_text.DAMAGES, "pickle": mutate_pickle.DAMAGES}[family]
        change = choices[int(generator.integers(len(choices)))]
        return change.__name__, change(self.valid, generator)

    def judge(self, data: bytes, watch: Watch) -> tuple[str, str]:
        """(verdict, reason) of the first reader, or of the worst reader if one fails."""
        self.path.write_bytes(data)
        verdicts = []
        for reader in self.readers:
            with watch() as seen, contextlib.redirect_stderr(io.StringIO()):
                verdicts.append(self._read(reader))
            if seen:
                verdicts.append(("code", "; ".join(seen[:3])))
        bad = [verdict for verdict in verdicts if WORST.index(verdict[0]) > 2]
        return max(bad, key=lambda verdict: WORST.index(verdict[0])) if bad else verdicts[0]

    def _read(self, reader: Any) -> tuple[str, str]:
        try:
            found = fingerprint(reader(self.path))
            return ("equal" if found == self.expected else "other"), ""
        except TrajpromptError as error:
            # The reader's own limit is a refusal.
            bounded = "needs more memory than" in str(error)
            if any(map(OF_MEMORY.search, _causes(error))) and not bounded:
                return "memory", " < ".join(_causes(error))[:300]
            name = self.kind.named or self.path.name
            clear = name in str(error) and "\n" not in str(error)
            return "refused" if clear else "crash", str(error)[:300]
        except MemoryError as error:
            return "memory", repr(error)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            kind = "memory" if OF_MEMORY.search(str(error)) else "crash"
            text = f"{type(error).__name__}: {error} at {where.filename}:{where.lineno}"
            return kind, text[:300]


def _causes(error: BaseException | None) -> list[str]:
    """Texts of the errors that caused ``error``, whose text may quote the file."""
    texts = []
    while error is not None:
        if not isinstance(error, TrajpromptError):
            texts.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return texts


def _limit_memory() -> None:
    """Limit the address space to ``ROOM`` above its present size, so that excess fails."""
    most = _address_space()["VmSize"] + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _address_space() -> dict[str, int]:
    """Address space in bytes: VmSize (now) and VmPeak (maximum so far)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    words = [line.split() for line in lines if line.startswith(("VmSize", "VmPeak"))]
    return {name.rstrip(":"): int(size) * 1024 for name, size, _ in words}


def main(folder: Path, name: str, seed: int, first: int) -> None:
    bench = Bench(next(kind for kind in fault_kinds.KINDS if kind.name == name), folder)
    watch = Watch(folder)
    for number in range(first, first + WARM_UP):
        with contextlib.suppress(*IMPOSSIBLE):
            bench.judge(bench.damage(seed, number)[1], watch)
    _limit_memory()
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            change, data = bench.damage(seed, int(line))
        except IMPOSSIBLE as error:
            change, data = f"impossible ({type(error).__name__})", bench.valid[:-1]
        before, began = _address_space(), time.process_time()
        verdict, why = bench.judge(data, watch)
        seconds, peak = time.process_time() - began, _address_space()["VmPeak"]
        grown = peak - before["VmSize"] if peak > before["VmPeak"] else 0
        if grown > GIB:
            verdict, why = "memory", f"{grown / GIB:.1f} GiB"
        answer = {"verdict": verdict, "why": why, "change": change, "grown": grown}
        answer["seconds"] = seconds
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
