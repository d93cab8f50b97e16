"""HDF5 files with sizes, links or contents that valid files never have."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from trajprompt.artifacts.hdf5_attributes import write_attributes
from trajprompt.artifacts.hdf5_checks import check_dataset, kind_of, open_hdf5
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.errors import TrajpromptError

ATTRIBUTES = {"kind": "soup", "schema_version": str(SCHEMA_VERSION)}
VERSION = {"schema_version": "0"}
Change = Callable[[h5py.File], object]


@pytest.fixture
def soup(tmp_path: Path) -> Path:
    path = tmp_path / "soup.h5"
    with h5py.File(path, "w", libver="latest") as file:
        write_attributes(file, ATTRIBUTES)
        file["spoons/a"] = np.arange(4.0)
    return path


def read(path: Path) -> list[float]:
    with open_hdf5(path, "soup", "cook again") as file:
        return file["spoons/a"][:].tolist()


def test_valid_files_open(soup: Path) -> None:
    assert read(soup) == [0, 1, 2, 3]
    assert kind_of(soup) == "soup"


def _link(kind: object) -> Change:
    def change(file: h5py.File) -> None:
        file["spoons/b"] = kind

    return change


def _circle(file: h5py.File) -> None:
    file["spoons/b"] = file["spoons"]


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "a", (4,))
    file.create_virtual_dataset("spoons/b", layout)


def _outside(file: h5py.File) -> None:
    file.create_dataset("b", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def _deep(file: h5py.File) -> None:
    file.create_group("/".join("g" * 40))


def _claim(**options: object) -> Change:
    return lambda file: file.create_dataset("b", (10**11,), "f4", **options)


def _bomb(file: h5py.File) -> None:
    """300 chunks of 4 MiB zeros, each compressed to 4 kB by gzip."""
    size, count = 2**22, 300
    data = file.create_dataset(
        "b", (size * count,), "u1", chunks=(size,), compression="gzip"
    )
    data[:size] = 0
    mask, stored = data.id.read_direct_chunk((0,))
    for index in range(1, count):
        data.id.write_direct_chunk((index * size,), stored, mask)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_link(h5py.SoftLink("/spoons/a")), "spoons/b: found a soft or external link"),
        (_link(h5py.ExternalLink("x.h5", "/")), "spoons/b: found a soft or external link"),
        (_circle, "spoons/b: found a second link"),
        (_virtual, "spoons/b: found data in another file"),
        (_outside, "/b: found data in another file"),
        (_deep, "groups nested too deeply"),
        (lambda file: file.create_dataset("b", data=["text"]), "/b: found type object"),
        (lambda file: file.create_dataset("b", data=h5py.Empty("f4")), "/b: found neither"),
        (lambda file: file.create_dataset("b", (3,), "f4,i4"), "/b: found type"),
        (_claim(), "claims 400000000000 bytes and stores 0;"),
        (_claim(chunks=(4096,), compression="lzf"), "bytes and stores 0;"),
        (_bomb, "/b: the array claims 1258291200 bytes"),
        (lambda file: file.attrs.create("kind", 7), "of kind None; expected kind soup"),
        (lambda file: write_attributes(file, VERSION), "schema version 0"),
        (
            lambda file: file.attrs.create("note", "x"),
            "soup.h5: note: found an attribute of another type",
        ),
        (
            lambda file: file.attrs.create("note", h5py.Empty("f4")),
            "note: found an attribute of another type",
        ),
        (
            lambda file: file["spoons"].attrs.create("n", "x"),
            "/spoons: n: found an attribute of another type",
        ),
    ],
)
def test_invalid_contents_are_refused(soup: Path, change: Change, message: str) -> None:
    with h5py.File(soup, "r+") as file:
        change(file)
    with pytest.raises(TrajpromptError, match=message) as caught:
        read(soup)
    assert str(soup) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x89HDF", b"\x89HDF\r\n\x1a\n", b"text" * 99])
def test_files_other_than_hdf5_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "soup.h5"
    path.write_bytes(content)
    for reader in (read, kind_of):
        with pytest.raises(TrajpromptError, match="soup.h5: damaged or not HDF5"):
            reader(path)


def test_files_without_checksums_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        write_attributes(file, ATTRIBUTES)
    with pytest.raises(
        TrajpromptError, match=r"superblock version 0\); expected .* 2 or 3"
    ):
        read(path)


def test_every_flipped_bit_is_noticed(soup: Path) -> None:
    """With a flipped bit anywhere, reading gives all values or an error."""
    content = soup.read_bytes()
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 4
        soup.write_bytes(changed)
        try:
            assert len(read(soup)) == 4
        except TrajpromptError:
            continue


def test_errors_of_the_caller_while_reading_are_converted_too(soup: Path) -> None:
    with pytest.raises(TrajpromptError, match=r"soup.h5: damaged or not HDF5 \(.*ladle"):
        with open_hdf5(soup, "soup", "cook again") as file:
            file["ladle"]


def test_one_dataset(soup: Path) -> None:
    with h5py.File(soup) as file:
        assert check_dataset(file["spoons/a"], "here") == (32, 32)
