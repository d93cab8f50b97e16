"""Frames as a film, .mp4, .webm or .gif, whole or not at all."""

import importlib.util
from pathlib import Path
from typing import Any

from trajprompt.artifacts.atomic import atomic_path
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


def encodable(out: Path) -> Path:
    """``out``, or beside it a .gif where this machine lacks the ffmpeg for its format."""
    return out if _can_encode(out.suffix) else out.with_suffix(".gif")


def require_encoder(out: Path) -> None:
    """Raise where this machine lacks the ffmpeg for the format of ``out``."""
    if not _can_encode(out.suffix):
        expected = "the package imageio-ffmpeg"
        remedy = (
            "`pip install -r requirements.lock`; without films: `videos: null` in a run"
        )
        raise TrajpromptError(out, "no ffmpeg for this format", expected, remedy)


def _can_encode(suffix: str) -> bool:
    return suffix not in CODECS or importlib.util.find_spec("imageio_ffmpeg") is not None


def write_video(out: Path, frames: list[Any], fps: float) -> Path:
    """Write ``frames`` (H, W, 3) uint8."""
    require_encoder(out)
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
