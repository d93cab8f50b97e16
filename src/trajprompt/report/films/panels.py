"""Frames of a film: pictures side by side, with title, labels and returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

TITLE, LABEL = 24, 40  # pixels above and below the pictures
TEXT = 13  # font size, pixels
INK, GREY, PAPER = "#111111", "#767676", "#ffffff"


@dataclass(frozen=True)
class Panels:
    """Layout of all frames of a film."""

    title: str
    labels: Sequence[str]  # of the pictures, left to right
    size: int  # of a picture, pixels; codecs rescale if it is no multiple of 16

    def frame(
        self, pictures: np.ndarray, returns: np.ndarray, seconds: float
    ) -> np.ndarray:
        """Frame (H, W, 3) uint8 of pictures (N, size, size, 3) and returns so far (N,)."""
        from PIL import Image, ImageDraw

        width = self.size * len(self.labels)
        image = Image.new("RGB", (width, TITLE + self.size + LABEL), PAPER)
        draw, font = ImageDraw.Draw(image), _font(TEXT)
        draw.text((6, 4), self.title, INK, font)
        draw.text((width - 6, 4), f"{seconds:.2f} s", GREY, font, anchor="ra")
        below = TITLE + self.size
        for index, (label, picture) in enumerate(zip(self.labels, pictures, strict=True)):
            left = index * self.size
            image.paste(Image.fromarray(picture), (left, TITLE))
            if index:
                draw.line([(left, TITLE), (left, below)], PAPER, 2)
            fitting = _fitting(draw, label, font, self.size - 12)
            draw.text((left + 6, below + 3), fitting, INK, font)
            text = f"return so far {returns[index]:.1f}"
            draw.text((left + 6, below + 20), text, GREY, font)
        return np.asarray(image)


def _fitting(draw: "ImageDraw", text: str, font: "FreeTypeFont", width: int) -> str:
    """``text``, truncated with an ellipsis to ``width`` pixels."""
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(f"{text}…", font) > width:
        text = text[:-1]
    return f"{text}…"


def _font(size: int) -> "FreeTypeFont":
    """Font that ships with matplotlib: same glyphs on every machine."""
    import matplotlib
    from PIL import ImageFont

    file = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size)
