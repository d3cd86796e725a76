"""Write frames to an H.264 .mp4 file that appears under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from db.errors import InputError
from db.whole_file import renamed_when_whole


def write_mp4(path: Path, frames: Iterable[NDArray[np.uint8]], fps: int) -> int:
    """Write uint8 RGB frames, all of one size (H, W, 3), at ``fps`` a second; gives how many.

    Odd sizes lose their last column or row, as yuv420p needs even ones. An existing file is replaced at the
    end, so an interrupted run leaves it as it was. Errors: InputError when there is no frame or no such folder.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=".mp4")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", hint="choose another place") from error
    os.close(handle)
    with renamed_when_whole(path, Path(name)) as part:
        written = _encode(part, frames, fps)
        if not written:
            raise InputError(f"there is no frame to write to {path}")
        part.chmod(0o644)
    return written


def _encode(path: Path, frames: Iterable[NDArray[np.uint8]], fps: int) -> int:
    written = 0
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}
        for image in frames:
            even = np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])
            if not written:
                stream.height, stream.width = even.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
            written += 1
        if written:
            container.mux(stream.encode())
    return written
