"""``trajprompt inspect`` on every artifact, intact and damaged, and the command line."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch

from support.fake_suite import fake_suite
from trajprompt import cli
from trajprompt.adaptations.adaptation import HISTORY_COLUMNS, Adaptation, HistoryRow
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.hdf5_attributes import write_attributes
from trajprompt.commands.inspect import describe, main, recognise
from trajprompt.errors import TrajpromptError
from trajprompt.inspection import adaptation, text
from trajprompt.inspection.levels import level_table
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

GOALS = np.array([[0.5], [1.5]])
SUITE = fake_suite(horizon=5, goals=GOALS, train_tasks=(0,), test_tasks=(1,))
ATTRIBUTES = {"stage": "collect", "settings": json.dumps({"algorithm": "td3", "steps": 10})}


def make_task(task: int) -> TaskTrajectories:
    """Ten episodes of 5 steps; episode e of task t has the return 5 (e + 10 t)."""
    rows = 50
    return TaskTrajectories(
        task=task,
        goal=GOALS[task],
        observations=np.zeros((rows, 3), np.float32),
        actions=np.zeros((rows, 2), np.float32),
        rewards=np.repeat(np.arange(10) + 10 * task, 5).astype(np.float32),
        terminations=np.zeros(rows, bool),
        episode_ends=np.arange(5, rows + 1, 5),
        final_observations=np.zeros((10, 3), np.float32),
        behaviour_step=np.arange(0, rows, 5),
        attributes={"algorithm": "td3", "seed": 0},
    )


@pytest.fixture
def trajectories(tmp_path: Path) -> Path:
    path = tmp_path / "trajectories.h5"
    curve = np.array([[100.0, -3.0], [200.0, -1.5]])
    write_trajectories(path, SUITE, [make_task(0), make_task(1)], ATTRIBUTES, curve)
    return path


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """Eleven rows of three iterations each, written as the tune stage does."""
    path = tmp_path / "adaptation.h5"
    tasks = np.array([2, 7, *range(10, 19)])
    objectives = [[5.0, 3.0, 4.0], [9.0, 8.0, 7.0], *[[1.0] * 3] * 9]
    history = [
        HistoryRow(task, 0, i, queries=15 * i, objective=objective)
        for task, row in zip(tasks, objectives, strict=True)
        for i, objective in enumerate(row)
    ]
    weights = {row: {"w": torch.zeros(2, 2)} for row in range(11)}
    done = Adaptation(None, None, np.zeros(11), history, weights=weights)
    problem = SimpleNamespace(rows=tasks, prompts=np.zeros(11), initial_prompts=None)
    write_adaptation(path, problem, done, {"stage": "tune"})  # type: ignore[arg-type]
    return path


def write_safetensors(
    path: Path, header: dict, data: int, length: int | None = None
) -> Path:
    raw = json.dumps(header).encode()
    size = len(raw) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + raw + bytes(data))
    return path


HEADER = {
    "__metadata__": {"backbone": "prompt-dt", "config": '{"width": 128}'},
    "model.head.bias": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]},
    "model.embed.weight": {"dtype": "BF16", "shape": [128, 20], "data_offsets": [24, 5144]},
}


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    return write_safetensors(tmp_path / "backbone.safetensors", HEADER, 5144)


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    path = tmp_path / "evaluation.csv"
    names = "suite,condition,method,seed,task,prompt,episode,checkpoint,iteration,queries"
    lines = [f"{names},return,length,success"]
    for task in (2, 7):
        for checkpoint, iteration in (("last", 9), ("best", 4), ("curve", 0), ("curve", 5)):
            for episode in range(3):
                score = -10.0 * task - episode + (100 if checkpoint == "curve" else 0)
                cell = (
                    f"fake,few-shot,none,0,{task},0,{episode},{checkpoint},{iteration},30"
                )
                lines.append(f"{cell},{score},200,{task == 7}")
    path.write_text("\n".join(lines) + "\n")
    return path


def rows_of(printed: str, title: str) -> list[list[str]]:
    """Cells of the section with this title."""
    block = printed.split(title)[1].split("\n\n")[0]
    return [line.split() for line in block.splitlines()[1:]]


def test_trajectories_are_described(trajectories: Path) -> None:
    printed = describe(trajectories)
    assert "trajectories.h5: trajectories, " in printed
    assert "settings:\n    algorithm: td3\n    steps: 10" in printed
    assert "task_0/   and 1 more like it, to task_1" in printed
    assert "[reward] reward of each step" in printed
    assert "(50, 3)" in printed
    head, *rows = rows_of(printed, "episode returns (sum of rewards)")
    assert head[:4] == ["task", "goal", "episodes", "steps"]
    assert rows[0] == "0 0.5 10 50 22.50 14.36 0.00 45.00 0.00 20.00 45.00".split()
    assert rows[1] == "1 1.5 10 50 72.50 14.36 50.00 95.00 50.00 70.00 95.00".split()
    assert ["200.00", "-1.50"] in rows_of(printed, "learning curve")
    assert "histogram of 20 episode returns" in printed


def test_quality_levels_have_their_returns_and_early_ends() -> None:
    """Expert episodes are the last; two of task 1's are shorter than the others."""
    full = np.full(12, 20)
    tasks = [
        (np.arange(12.0), full - (task == 1) * early)
        for task, early in ((0, 0), (1, np.arange(12) % 6 == 5))
    ]
    lines = level_table(tasks)
    rows = {tuple(line.split()[:2]): line.split()[-6:] for line in lines[1:-1]}
    assert rows["expert", "a"] == ["8", "9.50", "1.12", "8.00", "11.00", "12.5%"]
    assert rows["medium", "a"] == ["8", "5.50", "1.12", "4.00", "7.00", "12.5%"]
    assert rows["random", "5"] == ["10", "2.00", "1.41", "0.00", "4.00", "0.0%"]


def test_one_task_only(trajectories: Path) -> None:
    printed = describe(trajectories, 1)
    assert "task_0" not in printed
    assert "histogram of 10 episode returns" in printed
    with pytest.raises(TrajpromptError, match="no task 5; expected one of 0, 1"):
        describe(trajectories, 5)


def test_damaged_trajectories(trajectories: Path) -> None:
    with h5py.File(trajectories, "r+") as file:
        file["task_0/episode_ends"][-1] = 77
    with pytest.raises(TrajpromptError, match="task_0/episode_ends: ends do not fit"):
        describe(trajectories)
    data = trajectories.read_bytes()
    trajectories.write_bytes(data[: len(data) // 2])
    with pytest.raises(TrajpromptError, match="trajectories.h5: damaged"):
        describe(trajectories)


def test_adaptation_history_is_summarised_per_row(tuned: Path) -> None:
    printed = describe(tuned)
    assert "row0000/   and 10 more like it, to row0010" in printed
    rows = rows_of(printed, "at its last iteration")
    assert rows[1] == "2 0 2 30 0 0 5.00 3.00 4.00 0.00".split()
    assert rows[2][-4:-1] == ["9.00", "7.00", "7.00"]
    assert len(rows_of(describe(tuned, 7), "at its last iteration")) == 2
    with pytest.raises(TrajpromptError, match="no task 3; expected one of 2, 7, 10"):
        describe(tuned, 3)
    assert set(adaptation.COLUMNS) <= set(HISTORY_COLUMNS)


def test_extras_are_summarised_if_there_are_any(tuned: Path) -> None:
    assert "extras, over" not in describe(tuned)
    with h5py.File(tuned, "r+") as file:
        file["extras/different_prompts"] = np.array([5, 5, 2])
        file["extras/conflicts"] = np.zeros((0, 3))
    found = rows_of(describe(tuned), "extras, over all their values")
    assert found[1:] == ["different_prompts 4.00 1.41 2 5".split()]


def test_adaptation_without_history(tuned: Path) -> None:
    with h5py.File(tuned, "r+") as file:
        del file["history/objective"]
    with pytest.raises(TrajpromptError, match="h5:/history/objective: no such"):
        describe(tuned)


def test_backbone_header(backbone: Path) -> None:
    printed = describe(backbone)
    assert "config:\n    width: 128" in printed
    assert ["model.embed.weight", "(128,", "20)", "BF16", "2,560"] in rows_of(
        printed, "\ntensors"
    )
    assert rows_of(printed, "\nparameters") == [["model:", "2,566"]]


def test_backbone_as_the_library_writes_it(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "real.safetensors"
    save_file({"a": np.zeros((3, 2), np.float32), "b": np.zeros(4)}, path, {"seed": "1"})
    assert rows_of(describe(path), "\nparameters") == [["a:", "6"], ["b:", "4"]]


@pytest.mark.parametrize(
    ("header", "data", "length", "match"),
    [
        (HEADER, 5144, 2**40, "a header of 1099511627776 bytes in a file of"),
        (HEADER, 5000, None, "bytes; expected .* according to its header"),
        (HEADER, 5144, 60, "header: not JSON"),
        ({"w": {"dtype": "F32", "shape": [6]}}, 24, None, "header: w: .*expected a type"),
        (
            {"w": {"dtype": "F32", "shape": [7], "data_offsets": [0, 24]}},
            24,
            None,
            r"header: w: .*\[7\].*expected .* number of bytes",
        ),
    ],
)
def test_damaged_backbone(tmp_path: Path, header, data, length, match: str) -> None:
    path = write_safetensors(tmp_path / "bad.safetensors", header, data, length)
    with pytest.raises(TrajpromptError, match=match):
        describe(path)


def test_evaluation_statistics(evaluation: Path) -> None:
    printed = describe(evaluation)
    rows = rows_of(printed, "episode returns (sum of rewards)")
    assert rows[1] == "best 2 3 -21.00 0.8165 -22.00 -20.00 200.00 0.00".split()
    assert rows[4] == "last 7 3 -71.00 0.8165 -72.00 -70.00 200.00 1.00".split()
    assert len(rows) == 5
    curve = rows_of(printed, "tuning curve")
    assert [row[:3] for row in curve[1:]] == [["0", "6", "54.00"], ["5", "6", "54.00"]]
    assert "histogram of 6 episode returns, best" in printed
    assert len(rows_of(describe(evaluation, 7), "sum of rewards")) == 3


def test_damaged_tables(evaluation: Path) -> None:
    valid = evaluation.read_text()
    evaluation.write_text(valid + "fake,few-shot\n")
    with pytest.raises(TrajpromptError, match="line 26: found 2 cells; expected 13"):
        describe(evaluation)
    evaluation.write_text(valid.replace("-20.0,", "nought,"))
    with pytest.raises(TrajpromptError, match="return: found values that are not finite"):
        describe(evaluation)
    evaluation.write_text(valid.splitlines()[0] + "\n")
    with pytest.raises(TrajpromptError, match="1 lines"):
        describe(evaluation)


def test_any_other_table_is_summarised(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("step,loss,note\n0,2.0,a\n10,1.5,b\n20,,b\n")
    rows = rows_of(describe(path), "columns, 3 rows")
    assert rows[2] == ["loss", "number", "1.50", "1.75", "2.00", "nan"]
    assert rows[3] == ["note", "text", "a,", "b", "b"]


def test_a_table_may_begin_with_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / "collection.csv"
    path.write_text("environment_steps_per_task,mean_return\n1,2\n")
    assert recognise(path) == "table"


def test_unknown_content(tmp_path: Path) -> None:
    path = tmp_path / "trajectories.h5"
    with pytest.raises(TrajpromptError, match="missing or empty"):
        recognise(path)
    path.write_bytes(b"PK\x03\x04 not one of ours")
    with pytest.raises(TrajpromptError, match="unknown content, starting with b'PK"):
        recognise(path)
    with h5py.File(path, "w", libver="latest") as file:
        write_attributes(file, {"kind": "soup"})
    with pytest.raises(TrajpromptError, match="kind soup; expected trajectories"):
        recognise(path)


@pytest.mark.parametrize("name", ["trajectories", "tuned", "evaluation"])
def test_plot_is_a_picture(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    out = tmp_path / "picture.png"
    main([str(request.getfixturevalue(name)), "--plot", str(out)])
    assert out.read_bytes().startswith(b"\x89PNG")
    assert out.stat().st_size > 10_000


def test_artifacts_and_formats_that_cannot_be_plotted(
    backbone: Path, evaluation: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrajpromptError, match="no picture of a backbone"):
        main([str(backbone), "--plot", str(tmp_path / "out.png")])
    with pytest.raises(TrajpromptError, match="suffix '.gif'; expected one of .png"):
        main([str(evaluation), "--plot", str(tmp_path / "out.gif")])


def test_histogram_counts_and_scales() -> None:
    lines = text.histogram(np.array([0.0] * 8 + [1.0] * 4 + [2.0]), bins=2)
    assert [line.split()[-1] for line in lines] == ["8", "5"]
    assert [line.count("█") for line in lines] == [text.BAR_WIDTH, text.BAR_WIDTH * 5 // 8]
    assert text.histogram(np.full(3, 7.0)) == ["7.00  all 3"]
    assert text.bar(0.5 + 1 / (8 * text.BAR_WIDTH)) == "█" * (text.BAR_WIDTH // 2) + "▏"


def test_text_cannot_control_the_terminal() -> None:
    assert text.attributes({"note": "\x1b[2Jgone"}) == ["note: \\x1b[2Jgone"]


def test_the_command_line_reports_errors(tmp_path: Path, capsys) -> None:
    assert cli.main(["inspect", str(tmp_path / "none.h5")]) == 2
    assert "none.h5: missing or empty file" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        cli.main(["brew"])
    assert "invalid choice: 'brew'" in capsys.readouterr().err


def test_command_line_inspects(evaluation: Path, capsys) -> None:
    assert cli.main(["inspect", str(evaluation), "--task", "2"]) == 0
    assert "histogram" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["inspect", "--help"]])
def test_help_has_examples_and_imports_little(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "trajprompt.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "examples:" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"numpy", "torch", "h5py", "pandas", "matplotlib", "yaml"}
