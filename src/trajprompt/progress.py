"""Progress bars of long loops; disabled when stderr is not a terminal."""

import sys
from collections.abc import Collection, Iterable
from typing import TypeVar

T = TypeVar("T")


def progress(
    items: Collection[T], label: str, unit: str = "step", done: int = 0
) -> Iterable[T]:
    """Iterate over ``items`` with a bar on stderr, shown only on a terminal.

    ``done`` items were finished before these. Returns a tqdm object, so a loop may call
    its ``set_postfix_str``.
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
