"""Progress bars on long work; silent when nobody watches."""

import sys
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], label: str, unit: str = "step") -> Iterable[T]:
    """``items`` with a bar on stderr, shown only on a terminal.

    Returns a tqdm object: long loops may call its ``set_postfix_str``.
    """
    from tqdm import tqdm

    return tqdm(items, desc=label, unit=unit, disable=not sys.stderr.isatty(), leave=False)
