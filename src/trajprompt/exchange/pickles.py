"""Restricted reader of pickles: builds plain data and numeric NumPy arrays only.

A pickle is a program, and Python's unpickler may call any installed function. This reader
knows only the instructions for lists, dicts, strings and numbers, and the calls in
`numpy_pickles`. It never imports names that a file contains. Arguments are never longer
than the bytes present in the file.
"""

import codecs
import io
import pickletools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.exchange.numpy_pickles import (
    Budget,
    Recipe,
    Refused,
    resolve_name,
    set_state,
)
from trajprompt.exchange.sources import require_source

ALLOWED = "lists, dicts, strings, numbers and numeric NumPy arrays only"
REMEDY = "save the data again as a list of dicts of NumPy arrays"
# Files of the public data have about 100,000 instructions; 2 million take about 4 s. A
# longer file stores its numbers one by one, in lists.
LARGEST_PROGRAM = 2_000_000
OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}

CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
ARGUMENTS = frozenset(  # instructions that push their argument
    "INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING"
    " UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8"
    " BYTEARRAY8".split()
)
DAMAGE = (ValueError, LookupError, TypeError, OverflowError, RecursionError)
SKIPPED = frozenset(("PROTO", "FRAME"))
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
FETCH = frozenset(("GET", "BINGET", "LONG_BINGET"))
KEEP = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))


def load_pickle(path: Path) -> Any:
    """Read the data of a pickle file.

    Raises TrajpromptError, with the position in the file, for any other content.
    """
    require_source(path)
    data = path.read_bytes()
    file, machine = io.BytesIO(data), Machine(Budget(2 * len(data)))
    try:
        for name, argument in instructions(file):
            machine.execute(name, argument)
        return machine.pop()
    except Refused as refusal:
        where = f"{path}: before byte {file.tell()}"
        raise TrajpromptError(where, f"found {refusal}", ALLOWED, REMEDY) from None
    except DAMAGE as error:
        where = f"{path}: before byte {file.tell()}"
        found = f"not a pickle, or damaged ({str(error)[:100]})"
        raise TrajpromptError(where, found, "an intact pickle", REMEDY) from error


def instructions(file: io.BytesIO) -> Iterator[tuple[str, Any]]:
    """Yield (name, argument) of each instruction; never read beyond the file."""
    for _ in range(LARGEST_PROGRAM):
        code = file.read(1)
        if not code:
            raise ValueError("it ends too early")
        opcode = OPCODES.get(code.decode("latin-1"))
        if opcode is None:
            raise ValueError(f"unknown instruction {code!r}")
        if opcode.name == "STOP":
            return
        if opcode.name not in KNOWN:
            raise Refused(f"the pickle instruction {opcode.name}")
        if opcode.name == "STRING":
            yield opcode.name, _python2_string(file.readline())
        elif opcode.arg is None:
            yield opcode.name, None
        else:
            yield opcode.name, opcode.arg.reader(file)
    raise Refused(f"more than {LARGEST_PROGRAM:,} pickle instructions")


def _python2_string(line: bytes) -> str:
    """Quoted string of protocol 0; pickletools reads only ASCII strings."""
    text = line.removesuffix(b"\n")
    if len(text) < 2 or text[:1] not in (b"'", b'"') or text[:1] != text[-1:]:
        raise ValueError("a string without quotes")
    return codecs.escape_decode(text[1:-1])[0].decode("latin-1")


class Machine:
    """Stack, marks and memo. ``budget`` limits the bytes that recipes may create."""

    def __init__(self, budget: Budget):
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.budget = budget

    def execute(self, name: str, argument: Any) -> None:
        """Execute one instruction of `KNOWN`."""
        if name in ARGUMENTS:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in FETCH:
            self.stack.append(self.memo[argument])
        elif name in KEEP:
            self.memo[argument] = self.stack[-1]
        elif name in TUPLES:
            self.stack.append(tuple(self._take(len(self.stack) - TUPLES[name])))
        elif name not in SKIPPED:
            ACTIONS[name](self, argument)

    def pop(self) -> Any:
        return self.stack.pop()

    def _take(self, first: int) -> list[Any]:
        """Remove and return the items of the stack from index ``first`` on."""
        if first < 0:
            raise ValueError("too few items on the stack")
        taken = self.stack[first:]
        del self.stack[first:]
        return taken

    def marked(self) -> list[Any]:
        """Remove and return the items pushed since the last mark."""
        return self._take(self.marks.pop())

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise Refused(f"items for a {type(target).__name__}")
        target.extend(items)

    def update(self, items: list[Any]) -> None:
        """Add alternating keys and values to the dict on top of the stack."""
        target = self.stack[-1]
        if type(target) is not dict:
            raise Refused(f"keys for a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str:  # hashing other types could be made slow or deep
                raise Refused(f"a key of type {type(key).__name__}")
            target[key] = value

    def new_list(self, items: list[Any]) -> None:
        self.stack.append(items)

    def new_dict(self, items: list[Any]) -> None:
        self.stack.append({})
        self.update(items)

    def name(self, argument: str) -> None:
        module, _, name = argument.rpartition(" ")
        self.stack.append(resolve_name(module, name))

    def stack_name(self, _: Any) -> None:
        module, name = self._take(len(self.stack) - 2)
        self.stack.append(resolve_name(module, name))

    def reduce(self, _: Any) -> None:
        """Call a recipe."""
        recipe, arguments = self._take(len(self.stack) - 2)
        if not isinstance(recipe, Recipe) or type(arguments) is not tuple:
            raise Refused(f"a call of a {type(recipe).__name__}")
        self.stack.append(recipe.make(arguments, self.budget))

    def build(self, _: Any) -> None:
        state = self.pop()
        set_state(self.stack[-1], state, self.budget)


ACTIONS: dict[str, Callable[[Machine, Any], None]] = {
    "MARK": Machine.mark,
    "MEMOIZE": Machine.memoize,
    "EMPTY_LIST": lambda machine, _: machine.new_list([]),
    "LIST": lambda machine, _: machine.new_list(machine.marked()),
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.marked()),
    "EMPTY_DICT": lambda machine, _: machine.new_dict([]),
    "DICT": lambda machine, _: machine.new_dict(machine.marked()),
    "SETITEM": lambda machine, _: machine.update(machine._take(len(machine.stack) - 2)),
    "SETITEMS": lambda machine, _: machine.update(machine.marked()),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.marked())),
    "GLOBAL": Machine.name,
    "STACK_GLOBAL": Machine.stack_name,
    "REDUCE": Machine.reduce,
    "BUILD": Machine.build,
}
KNOWN = {*CONSTANTS, *ARGUMENTS, *SKIPPED, *TUPLES, *FETCH, *KEEP, *ACTIONS}
