"""Atomic writing of videos: .mp4, .webm or .gif."""

import importlib.util
from pathlib import Path
from typing import Any

from trajprompt.artifacts.atomic import atomic_path
from trajprompt.errors import TrajpromptError

# Options of ffmpeg. VP9 plays in every browser, also in those without the patented H.264.
# bitexact: no random ids in the file, so equal frames give equal bytes.
VP9 = "-crf 42 -deadline realtime -cpu-used 6 -threads 1"
REPEATABLE = "-fflags +bitexact -flags:v +bitexact"
CODECS: dict[str, dict[str, Any]] = {
    ".mp4": {},
    ".webm": {
        "codec": "libvpx-vp9",
        "quality": None,
        "bitrate": "0",  # constant quality (crf)
        "output_params": [*VP9.split(), *REPEATABLE.split()],
    },
}
FORMATS = (*CODECS, ".gif")
BLOCK = 16  # pixels per block of the codecs; frames are scaled up to a multiple


def encodable(out: Path) -> Path:
    """``out``, or the path of a .gif beside it if ffmpeg is missing."""
    return out if _can_encode(out.suffix) else out.with_suffix(".gif")


def require_encoder(out: Path) -> None:
    """Raise TrajpromptError if the format of ``out`` needs ffmpeg and it is missing."""
    if not _can_encode(out.suffix):
        expected = "the package imageio-ffmpeg"
        install = "run `pip install -r requirements.lock`"
        remedy = f"{install}, or set `videos: null` in the config to skip videos"
        raise TrajpromptError(out, "found no ffmpeg for this format", expected, remedy)


def _can_encode(suffix: str) -> bool:
    return suffix not in CODECS or importlib.util.find_spec("imageio_ffmpeg") is not None


def write_video(out: Path, frames: list[Any], fps: float) -> Path:
    """Write ``frames``, each (H, W, 3) uint8, as a video with ``fps`` frames per second."""
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
    """Encode with ffmpeg; check its output, because its failures are not reported."""
    import imageio
    import imageio_ffmpeg

    codec = CODECS[path.suffix]
    imageio.mimsave(path, frames, fps=fps, macro_block_size=BLOCK, **codec)
    try:
        found, _ = imageio_ffmpeg.count_frames_and_secs(path)
    except RuntimeError:
        found = 0
    if found != len(frames):
        written = f"ffmpeg wrote {found} of {len(frames)} frames"
        remedy = "see the messages of ffmpeg above; check for free disk space"
        raise TrajpromptError(path.parent, written, "all frames", remedy)
