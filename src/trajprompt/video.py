"""Frames as a .gif or .mp4, whole or not at all."""

from pathlib import Path
from typing import Any

from trajprompt.artifacts import atomic_path
from trajprompt.errors import TrajpromptError

FORMATS = (".mp4", ".gif")
BLOCK = 16  # pixels, the codec's; other sizes are scaled up to a multiple of it


def write_video(out: Path, frames: list[Any], fps: float) -> Path:
    """Write ``frames`` (H, W, 3) uint8; a .gif replaces an .mp4 where ffmpeg is missing."""
    import importlib.util

    if out.suffix == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        out = out.with_suffix(".gif")
    with atomic_path(out) as path:
        if out.suffix == ".gif":
            path.write_bytes(_gif(frames, fps))
        else:
            _write_mp4(path, frames, fps)
    return out


def _gif(frames: list[Any], fps: float) -> bytes:
    import imageio.v3
    import numpy as np

    milliseconds = 1000 / fps
    return imageio.v3.imwrite(
        "<bytes>", np.stack(frames), extension=".gif", duration=milliseconds, loop=0
    )


def _write_mp4(path: Path, frames: list[Any], fps: float) -> None:
    """ffmpeg is a process whose failures do not reach us: look at what it wrote."""
    import imageio
    import imageio_ffmpeg

    imageio.mimsave(path, frames, fps=fps, macro_block_size=BLOCK)
    try:
        found, _ = imageio_ffmpeg.count_frames_and_secs(path)
    except RuntimeError:
        found = 0
    if found != len(frames):
        what = f"ffmpeg wrote {found} of {len(frames)} frames"
        remedy = "what it says is above; is there space on the disk?"
        raise TrajpromptError(path.parent, what, "a whole film", remedy)
