"""Checkpoints: contents, and when they are written, resumed and removed."""

import math
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch

from trajprompt.artifacts import checkpoint as module
from trajprompt.artifacts.checkpoint import SIGNALS, Checkpoint, checkpoint_for
from trajprompt.errors import Interrupted, TrajpromptError

CPU = torch.device("cpu")

MINUTES = "TRAJPROMPT_CHECKPOINT_MINUTES"


class Part:
    """Resumable with a given state; it stores the state that it was restored to."""

    def __init__(self, state=None):
        self.now = {"count": 0} if state is None else state
        self.restored = None

    def state(self):
        return self.now

    def restore(self, state):
        self.restored = plain(state)


def plain(state):
    return {k: plain(v) if isinstance(v, Mapping) else v for k, v in state.items()}


def saved(target: Path, part: Part, steps: int = 1, total: int = 5) -> Checkpoint:
    """The checkpoint of a loop that a signal stopped after ``steps`` steps."""
    checkpoint = Checkpoint(target, "same")
    with checkpoint.listening(), pytest.raises(Interrupted):
        for step in checkpoint.steps(total, part, "loop"):
            if step == steps - 1:
                signal.raise_signal(signal.SIGTERM)
    return checkpoint


def resumed(target: Path, identity: str = "same", total: int = 5) -> tuple[list[int], Part]:
    part = Part()
    return list(Checkpoint(target, identity).steps(total, part, "loop")), part


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "artifact.h5"


def test_a_restored_state_equals_the_saved_one(target):
    state = {
        "tensor": torch.arange(6.0).reshape(2, 3)[:, 1:],  # a view
        "scalar": torch.tensor(3.0),
        "generator": torch.Generator().get_state(),
        "array": np.array([[1.5, math.nan], [-0.0, math.inf]]),
        "flags": np.array([True, False]),
        "nothing": np.zeros((0, 3), np.int64),
        "empty": {},
        "deep": {"deeper": {"none": None, "big": 2**127 + 1, "empty": {}}},
        "nan": math.nan,
        "list": [1, 2.5, "three", [True, None]],
        "text": "x" * 200_000,  # beyond the 64 KiB of an HDF5 attribute
    }
    saved(target, Part(state))
    steps, part = resumed(target)
    assert steps == [1, 2, 3, 4]
    found = part.restored
    assert found.keys() == state.keys()
    for name in ("tensor", "scalar", "generator", "array", "flags", "nothing"):
        np.testing.assert_array_equal(found[name], np.asarray(state[name]))
        assert found[name].dtype == np.asarray(state[name]).dtype
    assert np.signbit(found["array"][1, 0]) and found["nothing"].shape == (0, 3)
    assert math.isnan(found["nan"])
    for name in ("empty", "deep", "list", "text"):
        assert found[name] == state[name]


def test_an_empty_state_is_false_and_has_no_names(target):
    class Emptiness(Part):
        def restore(self, state):
            self.restored = bool(state["empty"]), list(state["empty"]), len(state)

    saved(target, Part({"empty": {}}))
    part = Emptiness()
    list(Checkpoint(target, "same").steps(5, part, "loop"))
    assert part.restored == (False, [], 1)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_the_loop_at_the_end_of_its_step(target, number):
    checkpoint, done = Checkpoint(target, "same"), []
    with checkpoint.listening(), pytest.raises(Interrupted) as stop:
        for step in checkpoint.steps(5, Part(), "loop"):
            if step == 2:
                signal.raise_signal(number)
            done.append(step)
    assert done == [0, 1, 2]
    assert stop.value.exit_code == 128 + number
    for text in ("loop", number.name, "step 3 of 5", str(checkpoint.path)):
        assert text in str(stop.value)
    assert resumed(target)[0] == [3, 4]


def test_a_signal_in_the_last_step_leaves_nothing_to_do(target):
    saved(target, Part({"count": 7}), steps=5)
    steps, part = resumed(target)
    assert steps == [] and part.restored == {"count": 7}


def test_listening_leaves_the_earlier_handlers(target):
    def earlier(number, frame):
        pass

    before = {number: signal.signal(number, earlier) for number in SIGNALS}
    try:
        checkpoint = Checkpoint(target)
        with pytest.raises(ZeroDivisionError), checkpoint.listening():
            # Before the loop, a signal ends the job: nothing would check for it.
            assert signal.getsignal(signal.SIGTERM) is earlier
            next(checkpoint.steps(3, Part(), "loop"))
            assert signal.getsignal(signal.SIGTERM) is not earlier
            raise ZeroDivisionError
        assert {signal.getsignal(number) for number in SIGNALS} == {earlier}
        with Checkpoint().listening():  # nothing to save: no handlers
            assert list(Checkpoint().steps(1, Part(), "loop")) == [0]
            assert signal.getsignal(signal.SIGTERM) is earlier
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_thread_does_not_listen(target):
    errors = []

    def work():
        try:
            checkpoint = Checkpoint(target)
            with checkpoint.listening():
                list(checkpoint.steps(1, Part(), "loop"))
        except ValueError as error:  # signal only works in main thread
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not errors


def test_a_full_disk_costs_a_checkpoint_not_the_job(target, monkeypatch, capsys):
    def full(path):
        raise TrajpromptError(path, "cannot be written (No space left on device)")

    monkeypatch.setenv(MINUTES, "0")
    monkeypatch.setattr(module, "atomic_path", full)
    checkpoint = Checkpoint(target, "same")
    assert list(checkpoint.steps(3, Part(), "loop")) == [0, 1, 2]
    assert capsys.readouterr().err.count("checkpoint not written: ") == 3


def test_another_device_is_another_identity(target):
    found = set()
    for name in ("cpu", "cuda:0", "cuda:1"):
        with checkpoint_for(target, {"settings": "a"}, torch.device(name)) as checkpoint:
            found.add(checkpoint.identity)
    assert len(found) == 2


def test_without_a_target_it_only_counts():
    assert list(Checkpoint().steps(3, object(), "loop")) == [0, 1, 2]


def test_zero_minutes_save_after_every_step(target, monkeypatch):
    monkeypatch.setenv(MINUTES, "0")
    checkpoint, part = Checkpoint(target, "same"), Part()
    for step in checkpoint.steps(4, part, "loop"):
        if step:
            with h5py.File(checkpoint.path) as file:
                assert file.attrs["done"] == step
        part.now = {"count": step}
    assert resumed(target, total=4)[1].restored == {"count": 3}
    checkpoint.remove()
    assert not checkpoint.path.exists()
    checkpoint.remove()  # no error without a file, as after a job that never saved


@pytest.mark.parametrize("text", ["often", "-1", "nan", ""])
def test_invalid_minutes_are_refused(target, monkeypatch, text):
    monkeypatch.setenv(MINUTES, text)
    with pytest.raises(TrajpromptError, match=f"{MINUTES}: found {text!r}"):
        Checkpoint(target)


class Clock:
    """Fake clock of the module; the test sets how long steps and writes take."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        fake_time = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(module, "time", fake_time)


def test_slow_writes_make_checkpoints_rare_and_quick_ones_frequent(target, monkeypatch):
    clock, writes = Clock(monkeypatch), []
    slow = 30.0  # seconds per write for the first two writes, 0 for the others

    class Slow(Part):
        def state(self):
            writes.append(clock.now)
            clock.now += slow if len(writes) <= 2 else 0
            return {}

    for _ in Checkpoint(target, "same").steps(8000, Slow(), "loop"):
        clock.now += 1
    gaps = np.diff(writes)
    interval = 60 * module.MINUTES
    assert writes[0] == pytest.approx(interval, abs=2)
    np.testing.assert_allclose(gaps[:2], slow + slow / module.LARGEST_SHARE, atol=2)
    np.testing.assert_allclose(gaps[2:], interval, atol=2)
    assert len(gaps) > 4


@pytest.mark.parametrize("identity, total", [("other", 5), ("same", 6)])
def test_a_checkpoint_with_another_identity_is_ignored(target, capsys, identity, total):
    saved(target, Part())
    steps, part = resumed(target, identity, total)
    assert steps == list(range(total)) and part.restored is None
    assert "has other settings" in capsys.readouterr().err


def test_resuming_is_reported(target, capsys):
    path = saved(target, Part(), steps=3).path
    checkpoint = Checkpoint(target, "same")
    assert list(checkpoint.steps(5, Part(), "loop")) == [3, 4]
    assert checkpoint.resumed_from == 3
    assert f"checkpoint {path} resumes after step 3 of 5" in capsys.readouterr().err
    restarted = Checkpoint(target, "other")
    list(restarted.steps(5, Part(), "loop"))
    assert restarted.resumed_from is None


def broken_files(intact: bytes):
    yield "empty", b""
    yield "text", b"not HDF5 at all"
    for share in (0.1, 0.5, 0.9):
        yield f"cut at {share}", intact[: int(share * len(intact))]
    yield "zeroed", intact[:64] + bytes(len(intact) - 64)


def test_a_damaged_file_gives_one_clear_error(target):
    path = saved(target, Part({"array": np.arange(1000), "deep": {"n": 1}})).path
    intact = path.read_bytes()
    for name, content in broken_files(intact):
        path.write_bytes(content)
        with pytest.raises(TrajpromptError, match="damaged.*remove it") as error:
            resumed(target)
        assert str(path) in str(error.value) and "\n" not in str(error.value), name


def test_a_changed_number_is_damage(target):
    array = np.arange(1000)
    path = saved(target, Part({"array": array})).path
    intact = path.read_bytes()
    place = intact.index(array.tobytes())
    path.write_bytes(intact[: place + 8] + b"?" + intact[place + 9 :])
    with pytest.raises(TrajpromptError, match="damaged"):
        list(Checkpoint(target, "same").steps(5, Part(), "loop"))


def no_arrays(file):
    del file["arrays"]


def no_array(file):
    del file["arrays/array"]


def no_values(file):
    del file["values"]


def set_values(file, text):
    del file["values"]
    file["values"] = np.frombuffer(text, np.uint8)


def values_cut_off(file):
    set_values(file, b'{"deep": {"n"')


def values_in_a_list(file):
    set_values(file, b"[]")


def values_as_a_group(file):
    del file["values"]
    file.create_group("values")


def too_many_steps(file):
    file.attrs["done"] = 99


def a_step_less_than_one(file):
    file.attrs["done"] = 0


@pytest.mark.parametrize(
    "damage",
    [no_arrays, no_array, no_values, values_cut_off, values_in_a_list]
    + [values_as_a_group, too_many_steps, a_step_less_than_one],
)
def test_a_file_with_wrong_contents_is_damaged(target, damage):
    class Needy(Part):
        def restore(self, state):
            self.restored = state["array"], state["deep"]["n"]

    path = saved(target, Part({"array": np.arange(4), "deep": {"n": 1}})).path
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(TrajpromptError, match="damaged"):
        list(Checkpoint(target, "same").steps(5, Needy(), "loop"))


def test_a_finished_artifact_has_no_checkpoint(target, monkeypatch):
    monkeypatch.setenv(MINUTES, "0")
    with pytest.raises(ZeroDivisionError):
        with checkpoint_for(target, {"settings": "a"}, CPU) as checkpoint:
            list(checkpoint.steps(3, Part(), "loop"))
            raise ZeroDivisionError  # as a full disk would
    assert checkpoint.path.is_file()
    with checkpoint_for(target, {"settings": "a"}, CPU) as checkpoint:
        assert list(checkpoint.steps(3, Part(), "loop")) == []
    assert not checkpoint.path.exists()


def test_identity_depends_on_settings_and_code(target, monkeypatch):
    def identity(settings: str) -> str:
        with checkpoint_for(target, {"settings": settings}, CPU) as checkpoint:
            return checkpoint.identity

    first = identity("a")
    assert first == identity("a") != identity("b")
    monkeypatch.setattr(module, "source_hash", lambda: "edited")
    assert identity("a") != first
