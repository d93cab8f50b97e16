"""Progress bars on long work; silent when nobody watches."""

import sys
from collections.abc import Collection, Iterable
from typing import TypeVar

T = TypeVar("T")


def progress(
    items: Collection[T], label: str, unit: str = "step", done: int = 0
) -> Iterable[T]:
    """``items`` with a bar on stderr, shown only on a terminal; ``done`` went before them.

    Returns a tqdm object: long loops may call its ``set_postfix_str``.
    """
    from tqdm import tqdm

    return tqdm(
        items,
        desc=label,
        unit=unit,
        initial=done,
        total=done + len(items),
        disable=not sys.stderr.isatty(),
        leave=False,
    )
