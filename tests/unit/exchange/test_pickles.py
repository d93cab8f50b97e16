"""The restricted reader of pickles: it reads plain data and refuses everything else."""

import builtins
import collections
import copyreg
import functools
import io
import os
import pickle
import struct
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trajprompt.errors import TrajpromptError
from trajprompt.exchange import pickles
from trajprompt.exchange.pickles import load_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Call:
    """Object that pickles as a call of ``function``, optionally with a state."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments, state)

    def __reduce__(self):
        return self.reduced


class Plain:
    """Ordinary class."""

    def __init__(self):
        self.value = 1


class Slotted:
    __slots__ = ("value",)


def gadgets(sentinel: Path) -> dict[str, object]:
    """Objects that would touch ``sentinel`` or create something other than plain data."""
    touch, code = f"touch {sentinel}", f"open({str(sentinel)!r}, 'w').close()"
    npy = np.array([Call(os.system, touch)], dtype=object)
    return {
        "os.system": Call(os.system, touch),
        "subprocess.Popen": Call(subprocess.Popen, ["touch", str(sentinel)]),
        "subprocess.call": Call(subprocess.call, ["touch", str(sentinel)]),
        "eval": Call(eval, code),
        "exec": Call(exec, code),
        "open": Call(open, str(sentinel), "w"),
        "compile": Call(compile, code, "x", "exec"),
        "__import__": Call(builtins.__import__, "os"),
        "nested reduce": Call(Call(getattr, os, "system"), touch),
        "getattr": Call(getattr, os, "system"),
        "map": Call(list, Call(map, os.system, [touch])),
        "partial": Call(functools.partial(os.system, touch)),
        "object array": npy,
        "object array in an array": np.array([npy, npy], dtype=object),
        "object scalar": Call(np._core.multiarray.scalar, np.dtype("O"), Call(eval, code)),
        "object dtype": np.dtype("O"),
        "struct with objects": np.zeros(2, [("a", "f4"), ("b", "O")]),
        "struct": np.zeros(2, [("a", "f4"), ("b", "f8")]),
        "text array": np.array(["a", "b"]),
        "times": np.array(["2020-01-01"], "datetime64[s]"),
        "complex": np.ones(2, complex),
        "masked array": np.ma.masked_array([1.0, 2.0], [True, False]),
        "matrix": np.ones((2, 2)).view(np.matrix),
        "memmap class": Call(np.memmap, str(sentinel), "f4", "w+", 0, (2,)),
        "tofile": Call(Call(getattr, np.ones(2), "tofile"), str(sentinel)),
        "numpy.load": Call(np.load, str(sentinel), None, True),
        "numpy.save": Call(np.save, str(sentinel), np.ones(2)),
        "numpy.frombuffer": Call(np.frombuffer, b"1234"),
        "numpy.zeros": Call(np.zeros, 2**40),
        "numpy.ndarray": Call(np.ndarray, (2**40,)),
        "runstring": Call(np.testing._private.utils.runstring, code, {}),
        "copyreg": Call(copyreg.__newobj__, Plain),
        "reconstructor": Call(copyreg._reconstructor, Plain, object, None),
        "state of a dict": Call(dict, state={"a": 1}),
        "instance": Plain(),
        "slots": Slotted(),
        "set": {1, 2},
        "frozenset": frozenset({1}),
        "ordered dict": collections.OrderedDict(a=1),
        "default dict": collections.defaultdict(list),
        "bytearray of a size": Call(bytearray, 2**34),
        "bytes of a size": Call(bytes, 2**34),
        "encoding": Call(__import__("_codecs").encode, "61", "hex"),
        "function": os.system,
        "module": np.testing._private.utils.runstring,
        "slice": slice(1),
        "complex number": 1j,
        "path": Path("/"),
    }


def file_of(folder: Path, data: bytes) -> Path:
    path = folder / "data.pkl"
    path.write_bytes(data)
    return path


def refused(folder: Path, data: bytes, match: str = "byte") -> None:
    with pytest.raises(TrajpromptError, match=match) as caught:
        load_pickle(file_of(folder, data))
    assert "data.pkl" in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize("name", gadgets(Path("x")))
def test_gadgets_are_refused_and_do_nothing(tmp_path, name):
    sentinel = tmp_path / "sentinel"
    gadget = gadgets(sentinel)[name]
    for protocol in PROTOCOLS:
        for wrapped in (gadget, [{"observations": gadget, "x": 1}], [[gadget], gadget]):
            try:
                data = pickle.dumps(wrapped, protocol)
            except (pickle.PicklingError, TypeError):  # some need a newer protocol
                continue
            if name not in ("bytes of a size", "bytearray of a size"):
                refused(tmp_path, data, "byte .* expected lists, dicts")
            else:
                refused(tmp_path, data)
    assert not sentinel.exists()


def test_the_gadgets_work_with_the_unrestricted_reader(tmp_path):
    sentinel = tmp_path / "sentinel"
    pickle.loads(pickle.dumps(gadgets(sentinel)["os.system"]))
    assert sentinel.exists()


@pytest.mark.parametrize(
    ("name", "data"),
    {
        "INST": b"(S'touch x'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS'touch x'\no.",
        "NEWOBJ": b"\x80\x02cos\nsystem\n)\x81.",
        "NEWOBJ_EX": b"\x80\x04cos\nsystem\n)}\x92.",
        "PERSID": b"Pid\n.",
        "BINPERSID": b"\x80\x02K\x01Q.",
        "EXT1": b"\x80\x02\x82\x01.",
        "EXT2": b"\x80\x02\x83\x01\x00.",
        "EXT4": b"\x80\x02\x84\x01\x00\x00\x00.",
        "NEXT_BUFFER": b"\x80\x05\x97.",
        "READONLY_BUFFER": b"\x80\x05C\x01a\x98.",
        "DUP": b"\x80\x02K\x012.",
        "LONG4": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    }.items(),
)
def test_other_instructions_are_refused(tmp_path, name, data):
    if name in ("INST", "PERSID", "BINPERSID", "EXT1", "LONG4", "DUP"):
        refused(tmp_path, data, f"the pickle instruction {name}")
    else:
        refused(tmp_path, data)


def test_stack_global_and_global_are_both_refused(tmp_path):
    refused(tmp_path, b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.", "os.system")
    refused(tmp_path, b"\x80\x04cos\nsystem\n\x8c\x01x\x85R.", "os.system")
    refused(tmp_path, b"\x80\x04\x8c\x0enumpy.os.popen\x8c\x04read\x93.", "numpy.os.popen")
    refused(tmp_path, b"\x80\x04K\x01K\x02\x93.", "a name of int")


def array_program(shape: bytes, data: bytes) -> bytes:
    """Pickle of a float32 array with a shape (an instruction) and bytes, protocol 3."""
    return (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
        b"(K\x01" + shape + b"cnumpy\ndtype\nX\x02\x00\x00\x00f4K\x00K\x01\x87R(K\x03X\x01"
        b"\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"C" + bytes([len(data)]) + data + b"tb."
    )


HUGE = struct.pack("<q", 2**60)
BOMBS = {
    "bytes": b"\x80\x04\x8e" + HUGE + b"abc.",
    "text": b"\x80\x04\x8d" + HUGE + b"abc.",
    "bytearray": b"\x80\x05\x96" + HUGE + b"abc.",
    "bytes of 4 GiB": b"\x80\x03B\xff\xff\xff\xffabc.",
    "python 2 string": b"T\xff\xff\xff\x7fabc.",
    "memo": b"\x80\x02K\x01r\xff\xff\xff\x7f.",
    "memo of protocol 0": b"I1\np99999999999\n.",
    "frame": b"\x80\x04\x95" + HUGE + b"K\x01.",
    "shape": array_program(b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85", b"1234"),
    "negative shape": array_program(b"J\xff\xff\xff\xff\x85", b""),
    "shape of nothing": array_program(b"K\x00\x8a\x09" + b"\xff" * 8 + b"\x00\x86", b""),
    "wide integer": b"I" + b"9" * 4000 + b"\n.",
    "wider integer": b"I" + b"9" * 100_000 + b"\n.",
    "lists": b"\x80\x02" + b"(l" * 1000 + b".",
    "deep lists": b"]" * 50_000 + b"a" * 49_999 + b".",
    "deep key": b"}(" + b")" + b"\x85" * 50_000 + b"K\x01u.",
    "endless name": b")q\0" + b"h\0h\0\x86q\0" * 40 + b"K\x01\x93.",
    "deep name": b")" + b"\x85" * 50_000 + b"K\x01\x93.",
    "endless type": b"cnumpy\ndtype\n)q\0" + b"h\0h\0\x86q\0" * 40 + b"K\0K\1\x87R.",
    "endless product": array_program(
        b"\x8a\xff" + b"\x7f" * 255 + b"q\0(" + b"h\0" * 500_000 + b"t", b""
    ),
    "laughs": b"]" + b"2" * 50 + b".",
    "nothing": b".",
    "empty stack": b"a.",
    "no mark": b"\x80\x02]e.",
    "no memo": b"h\x05.",
}


HARMLESS = ("memo", "memo of protocol 0", "frame", "wide integer", "lists", "deep lists")


@pytest.mark.parametrize("name", BOMBS)
def test_large_claims_use_little_memory(tmp_path, name):
    """Whatever size a small file claims, reading it uses little memory."""
    path = file_of(tmp_path, BOMBS[name])
    tracemalloc.start()
    try:
        load_pickle(path)
        assert name in HARMLESS
    except TrajpromptError as error:
        assert len(str(error)) < 600
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_repeated_conversion_to_bytes_is_refused(tmp_path):
    """One long text, converted to bytes many times."""
    text = b"X" + struct.pack("<I", 10**5) + b"a" * 10**5
    latin = b"X\x06\x00\x00\x00latin1"
    once = b"c_codecs\nencode\nh\x01h\x02\x86R"
    start = b"\x80\x02]" + text + b"q\x01" + latin + b"q\x02\x86"
    program = start + b"a" + b"".join(once + b"a" for _ in range(1000)) + b"."
    refused(tmp_path, program, "more data than the file holds")


def test_long_programs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "LARGEST_PROGRAM", 100)
    assert load_pickle(file_of(tmp_path, pickle.dumps([1.5] * 50))) == [1.5] * 50
    refused(tmp_path, pickle.dumps(list(range(200))), "more than 100 pickle instructions")


@pytest.mark.parametrize("cut", [1, 5, 50, 200, -1])
def test_truncated_files_are_refused(tmp_path, cut):
    data = pickle.dumps([{"rewards": np.ones(30)}])
    refused(tmp_path, data[:cut], "damaged|byte")


def test_files_other_than_pickles_are_refused(tmp_path):
    refused(tmp_path, b"", "an empty file")
    refused(tmp_path, b"\x89HDF\r\n\x1a\n" + b"\0" * 50)
    refused(tmp_path, b"observations,actions\n1,2\n")
    with pytest.raises(TrajpromptError, match="nowhere.pkl: no such file"):
        load_pickle(tmp_path / "nowhere.pkl")


# What NumPy on Python 2 writes for [{"rewards": float32 array of -1 and 2}].
PYTHON2 = {
    0: b"(lp0\n(dp1\nS'rewards'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n"
    b"(cnumpy\nndarray\np4\n(I0\ntp5\nS'b'\np6\ntp7\nRp8\n(I1\n(I2\ntp9\ncnumpy\ndtype\n"
    b"p10\n(S'f4'\np11\nI0\nI1\ntp12\nRp13\n(I3\nS'<'\np14\nNNNI-1\nI-1\nI0\ntp15\nbI00\n"
    b"S'\\x00\\x00\\x80\\xbf\\x00\\x00\\x00@'\np16\ntp17\nbsa.",
    2: b"\x80\x02]q\x00}q\x01U\x07rewardsq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03"
    b"cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x02\x85cnumpy\ndtype\nq\x06U\x02"
    b"f4K\x00K\x01\x87Rq\x07(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    b"U\x08\x00\x00\x80\xbf\x00\x00\x00@tbsa.",
}


@pytest.mark.parametrize("protocol", PYTHON2)
def test_pickles_of_python_2(tmp_path, protocol):
    (found,) = load_pickle(file_of(tmp_path, PYTHON2[protocol]))
    (expected,) = pickle.loads(PYTHON2[protocol], encoding="latin1")
    np.testing.assert_array_equal(found["rewards"], np.array([-1, 2], np.float32))
    np.testing.assert_array_equal(found["rewards"], expected["rewards"])
    assert found["rewards"].dtype == np.float32


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickles_of_numpy_1(tmp_path, protocol):
    """NumPy 1 has other module names."""
    data = pickle.dumps([{"a": np.arange(6.0).reshape(2, 3), "b": np.float32(2)}], protocol)
    if protocol < 4:
        old = data.replace(b"numpy._core.", b"numpy.core.")
    else:  # names have a length byte; the frame is removed
        pairs = [(b"multiarray", 22), (b"numeric", 19)]
        old = data[:2] + data[11:]
        for name, length in pairs:
            new = bytes([length]) + b"numpy._core." + name
            old = old.replace(new, bytes([length - 1]) + b"numpy.core." + name)
    assert old != data and b"_core" not in old
    (found,) = load_pickle(file_of(tmp_path, old))
    np.testing.assert_array_equal(found["a"], np.arange(6.0).reshape(2, 3))
    assert found["b"] == 2 and found["b"].dtype == np.float32


NUMBERS = st.sampled_from("? i1 u1 <i2 >i2 <i4 <u4 <i8 >i8 <u8 <f2 <f4 >f4 <f8 >f8".split())
ARRAYS = NUMBERS.flatmap(
    lambda code: hnp.arrays(code, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
TRANSPOSED = st.one_of(ARRAYS, ARRAYS.map(lambda a: a.T), ARRAYS.map(np.asfortranarray))
SCALARS = NUMBERS.flatmap(lambda code: hnp.arrays(code, ())).map(lambda a: a[()])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(),
    TRANSPOSED,
    SCALARS,
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
EPISODES = st.lists(st.dictionaries(st.text(), VALUES, max_size=5), max_size=4)


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray | np.generic):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other or (one != one and other != other)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(EPISODES, st.sampled_from(PROTOCOLS))
def test_plain_data_are_read_like_pickle_does(tmp_path, episodes, protocol):
    data = pickle.dumps(episodes, protocol)
    assert_same(pickle.loads(data), load_pickle(file_of(tmp_path, data)))


def test_shared_and_circular_values_stay_shared(tmp_path):
    shared = np.arange(3.0)
    circular = [{"a": shared, "b": shared}]
    circular.append(circular)
    found = load_pickle(file_of(tmp_path, pickle.dumps(circular)))
    assert found[0]["a"] is found[0]["b"] and found[1] is found


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_mutated_files_are_read_or_refused(tmp_path, data):
    """Random bytes are changed, removed or inserted."""
    protocol = data.draw(st.sampled_from(PROTOCOLS))
    value = [{"observations": np.ones((2, 3)), "rewards": [1.0, 2], "done": np.True_}]
    program = bytearray(pickle.dumps(value, protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(program) - 1))
        length = data.draw(st.integers(0, 3))
        program[place : place + length] = data.draw(st.binary(max_size=4))
    try:
        load_pickle(file_of(tmp_path, bytes(program)))
    except TrajpromptError as error:
        assert "data.pkl" in str(error)


def test_out_of_band_buffers_are_refused(tmp_path):
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps([np.ones(3)], 5, buffer_callback=buffers.append)
    assert buffers
    refused(tmp_path, data, "NEXT_BUFFER")


def test_persistent_ids_are_refused(tmp_path):
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return "anything" if isinstance(obj, float) else None

    for protocol in PROTOCOLS:
        file = io.BytesIO()
        Pickler(file, protocol).dump([{"a": 1.5}])
        refused(tmp_path, file.getvalue(), "PERSID")
