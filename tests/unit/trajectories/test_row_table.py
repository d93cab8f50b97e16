"""Tables of rows in memory and in files."""

import resource

import pytest
import torch

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories import row_table
from trajprompt.trajectories.row_table import RowTable

CPU = torch.device("cpu")
PARTS = [torch.arange(12.0).reshape(4, 3), -torch.ones(1, 3)]
PICKED = torch.tensor([[4, 0], [2, 2]])


def made(at=None):
    table = RowTable((5, 3), CPU, at)
    for part in PARTS:
        table.append(part)
    table.close()
    return table


def test_a_large_table_is_a_file_that_nobody_sees(tmp_path, monkeypatch):
    monkeypatch.setattr(row_table, "LARGEST_IN_MEMORY", 59)  # the table has 60 bytes
    memory, file = made(), made(tmp_path / "new")
    assert memory._mapping is None and file._mapping is not None
    assert list((tmp_path / "new").iterdir()) == []
    for _ in range(2):  # the first call has dropped the pages
        assert torch.equal(memory.pick(PICKED), file.pick(PICKED))
    assert torch.equal(memory.values, torch.cat(PARTS)) and len(file) == 5
    assert torch.equal(memory.values, file.values)


def test_a_small_table_writes_no_file(tmp_path):
    table = made(tmp_path / "new")
    assert table._mapping is None and list(tmp_path.iterdir()) == []
    picked = table.pick(PICKED)
    picked.zero_()  # a copy
    assert torch.equal(table.pick(PICKED), torch.cat(PARTS)[PICKED])


def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(row_table, "LARGEST_IN_MEMORY", 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (48, hard))
    try:
        with pytest.raises(TrajpromptError, match=f"{tmp_path}: cannot be written"):
            made(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
