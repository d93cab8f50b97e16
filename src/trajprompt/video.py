"""Frames as a film, .mp4, .webm or .gif, whole or not at all."""

from pathlib import Path
from typing import Any

from trajprompt.artifacts import atomic_path
from trajprompt.errors import TrajpromptError

# Options of ffmpeg. VP9 plays in every browser, also in those that leave H.264 out as
# patented; bitexact: no random ids in the file, equal frames give equal bytes.
VP9 = "-crf 42 -deadline realtime -cpu-used 6 -threads 1"
REPEATABLE = "-fflags +bitexact -flags:v +bitexact"
CODECS: dict[str, dict[str, Any]] = {
    ".mp4": {},
    ".webm": {
        "codec": "libvpx-vp9",
        "quality": None,
        "bitrate": "0",  # none but what the quality (crf) takes
        "output_params": [*VP9.split(), *REPEATABLE.split()],
    },
}
FORMATS = (*CODECS, ".gif")
BLOCK = 16  # pixels, the codecs'; other sizes are scaled up to a multiple of it


def write_video(out: Path, frames: list[Any], fps: float) -> Path:
    """Write ``frames`` (H, W, 3) uint8; without ffmpeg, a .gif replaces what it makes."""
    import importlib.util

    if out.suffix in CODECS and importlib.util.find_spec("imageio_ffmpeg") is None:
        out = out.with_suffix(".gif")
    with atomic_path(out) as path:
        if out.suffix == ".gif":
            path.write_bytes(_gif(frames, fps))
        else:
            _encode(path, frames, fps)
    return out


def _gif(frames: list[Any], fps: float) -> bytes:
    import imageio.v3
    import numpy as np

    milliseconds = 1000 / fps
    return imageio.v3.imwrite(
        "<bytes>", np.stack(frames), extension=".gif", duration=milliseconds, loop=0
    )


def _encode(path: Path, frames: list[Any], fps: float) -> None:
    """ffmpeg is a process whose failures do not reach us: look at what it wrote."""
    import imageio
    import imageio_ffmpeg

    codec = CODECS[path.suffix]
    imageio.mimsave(path, frames, fps=fps, macro_block_size=BLOCK, **codec)
    try:
        found, _ = imageio_ffmpeg.count_frames_and_secs(path)
    except RuntimeError:
        found = 0
    if found != len(frames):
        what = f"ffmpeg wrote {found} of {len(frames)} frames"
        remedy = "what it says is above; is there space on the disk?"
        raise TrajpromptError(path.parent, what, "a whole film", remedy)
