"""Plain text for the terminal: attributes, aligned tables, trees and histograms."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BAR_WIDTH = 40
EIGHTHS = " ▏▎▍▌▋▊▉"
BLOCK = "█"


def printable(value: object) -> str:
    """Text without control characters, which could otherwise control the terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))


def number(value: Any) -> str:
    """Number with few digits: ``-31.46``, ``1,204``, ``3e-06``."""
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if value != 0 and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3g}"
    return f"{value:,.2f}" if value == 0 or abs(value) >= 1 else f"{value:.4f}"


def size(path_bytes: int) -> str:
    """Bytes as ``12.3 MB``."""
    scaled, unit = float(path_bytes), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if scaled < 1000 or unit == "GB":
            break
        scaled /= 1000
    return f"{scaled:.0f} {unit}" if unit == "B" else f"{scaled:.1f} {unit}"


def section(title: str, lines: Sequence[str]) -> str:
    """A titled block, indented."""
    return "\n".join([title, *(f"  {line}" for line in lines), ""])


def attributes(values: Mapping[str, Any], levels: int = 8) -> list[str]:
    """One line per attribute; JSON objects are unfolded, one line per key."""
    lines = []
    for name, value in sorted(values.items()):
        unfolded = _from_json(value)
        if isinstance(unfolded, dict) and unfolded and levels:
            lines.append(f"{printable(name)}:")
            lines += [f"  {line}" for line in attributes(unfolded, levels - 1)]
        else:
            lines.append(f"{printable(name)}: {printable(value)}")
    return lines


def _from_json(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Aligned columns: text to the left, numbers (as `number`) to the right."""
    cells = [
        [number(c) if isinstance(c, float | int | np.number) else printable(c) for c in row]
        for row in rows
    ]
    columns = list(zip(header, *cells, strict=True))
    raw = zip(*rows, strict=True) if rows else [() for _ in header]
    aligned = [
        [cell.ljust(width) if is_text else cell.rjust(width) for cell in column]
        for column, width, is_text in zip(
            columns,
            (max(map(len, column)) for column in columns),
            (bool(values) and all(isinstance(v, str) for v in values) for values in raw),
            strict=True,
        )
    ]
    return ["  ".join(line).rstrip() for line in zip(*aligned, strict=True)]


def statistics(values: np.ndarray) -> list[float]:
    """Mean, population standard deviation, minimum and maximum."""
    return [f(values) for f in (np.mean, np.std, np.min, np.max)]


STATISTICS = ("mean", "sd", "min", "max")


def histogram(values: np.ndarray, bins: int = 12) -> list[str]:
    """Counts as horizontal bars; the largest has ``BAR_WIDTH`` characters."""
    values = np.asarray(values, dtype=np.float64)
    if not len(values):
        return ["(no values)"]
    if np.ptp(values) == 0:
        return [f"{number(values[0])}  all {len(values):,}"]
    counts, edges = np.histogram(values, bins=bins)
    labels = [number(float(edge)) for edge in edges]
    width = max(map(len, labels))
    return [
        f"{labels[i].rjust(width)} … {labels[i + 1].rjust(width)}  "
        f"{bar(count / counts.max()).ljust(BAR_WIDTH)}  {count:,}"
        for i, count in enumerate(counts)
    ]


def bar(share: float) -> str:
    """Bar of ``share`` (0 to 1) of the width, exact to an eighth of a character."""
    full, part = divmod(round(share * BAR_WIDTH * 8), 8)
    return BLOCK * full + (EIGHTHS[part] if part else "")
