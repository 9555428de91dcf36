"""Frames: a film, as a folder of pictures or a video file, whose middle frames are to be enlarged."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.image_files import IMAGE_SUFFIXES, read_rgb
from zoo.data.registry import WHOLE, Option, dataset
from zoo.data.resamplers import RESAMPLERS
from zoo.data.sample import Sample
from zoo.data.targets import TargetImage
from zoo.errors import InputError, unknown

SPLITS = {"train": (0.0, 0.7), "val": (0.7, 0.85), "test": (0.85, 1.0)}  # shares of the film, from its beginning
SEEN = 3  # frames at once
RESAMPLER = Option("NAME", r"\w+", str)


class Film(Dataset):
    """Three frames in a row made small by a named resampler, uint8 H×W×9, and the middle one as it was, `scale` times as large.

    A film is split by time, and no frame is in two parts: neighbouring frames resemble each other. With `frames=1` the middle
    one alone is seen, uint8 H×W×3, of the same places, so that both can be compared.

    Args:
        name: for tables and messages.
        frames: what gives each frame, uint8 H×W×3, of one size.
        scale: 2 or more.
        seen: 3, or 1.
        resampler: a name of `zoo.data.resamplers.RESAMPLERS`.

    Raises:
        InputError: for fewer than three frames, frames of several sizes when they are asked for, and settings out of range.
    """

    target = TargetImage

    def __init__(
        self, name: str, frames: Sequence[Callable[[], np.ndarray]], scale: int, seen: int = SEEN, resampler: str = "pillow"
    ) -> None:
        if len(frames) < SEEN:
            raise InputError(f"{name}: {len(frames)} frames; {SEEN} in a row are needed at least")
        if scale < 2:
            raise InputError(f"{name}: scale={scale}; expected 2 or more")
        if seen not in (1, SEEN):
            raise InputError(f"{name}: frames={seen}; expected {SEEN}, or 1 for the middle one alone")
        if resampler not in RESAMPLERS:
            raise unknown(f"resampler of {name}", resampler, RESAMPLERS)
        self.name, self.scale, self.seen = name, scale, seen
        self.task = "super_resolution" if seen == 1 else "video_super_resolution"
        self.channels = 3 * seen
        self._frames, self._shrink = frames, RESAMPLERS[resampler]

    def __len__(self) -> int:
        return len(self._frames) - SEEN + 1

    def __getitem__(self, index: int) -> Sample:
        first = self.position(index)
        large = [self._whole(self._frames[at]()) for at in range(first, first + SEEN)]
        if len({frame.shape for frame in large}) > 1:
            raise InputError(f"{self.name}: frames {first} to {first + SEEN - 1} are of several sizes; a film's are of one")
        middle, height, width = large[SEEN // 2], *large[0].shape[:2]
        shown = large if self.seen == SEEN else [middle]
        small = [self._shrink(frame, (height // self.scale, width // self.scale)) for frame in shown]
        return Sample(np.concatenate(small, axis=-1), TargetImage(middle, self.scale), f"frame{first + SEEN // 2:05d}")

    def _whole(self, frame: np.ndarray) -> np.ndarray:
        """A frame without the rows and columns at its end that no pixel of the small one stands for."""
        height, width = (side - side % self.scale for side in frame.shape[:2])
        return np.ascontiguousarray(frame[:height, :width])


@dataset(
    "frames",
    spec="frames:PATH[,scale=N,frames=N,resampler=NAME]",
    help="a folder of frames or a video file, three of them small, the middle one to be enlarged",
    options={"scale": WHOLE, "frames": WHOLE, "resampler": RESAMPLER},
)
def frames(path: Path, split: str, *, scale: int = 2, frames: int = SEEN, resampler: str = "pillow") -> Film:
    """A film, the first 70 % of which are train, then 15 % val and 15 % test."""
    if split not in SPLITS:
        raise unknown("split of frames", split, SPLITS)
    every = _of_folder(path) if path.is_dir() else _of_video(path)
    first, end = (round(share * len(every)) for share in SPLITS[split])
    return Film(f"{path.stem}/{split}", every[first:end], scale, frames, resampler)


def _of_folder(path: Path) -> list[Callable[[], np.ndarray]]:
    """The pictures of a folder by the numbers in their names, or else by the alphabet."""
    files = [file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".")]
    if not files:
        raise InputError(f"frames: {path} holds no pictures ({', '.join(IMAGE_SUFFIXES)})")
    return [functools.partial(read_rgb, file) for file in sorted(files, key=_in_order)]


def _in_order(file: Path) -> tuple[tuple[int, str] | tuple[int, int], ...]:
    """Of frame2 before frame10."""
    parts = re.split(r"(\d+)", file.stem)
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts)


def _of_video(path: Path) -> list[Callable[[], np.ndarray]]:
    """The frames of a video file, decoded at once: seeking is not exact in most formats.

    Raises:
        InputError: without OpenCV, or for a file that it does not read.
    """
    if not path.is_file():
        raise InputError(f"frames: {path} should be a folder of pictures or a video file; there is none")
    try:
        import cv2
    except ImportError as error:
        advice = "install opencv-python-headless, or give a folder of its frames"
        raise InputError(f"frames: {path.name} is read with OpenCV; {advice}") from error
    capture, decoded = cv2.VideoCapture(str(path)), []
    try:
        while (result := capture.read())[0]:
            decoded.append(np.ascontiguousarray(result[1][..., ::-1]))
    finally:
        capture.release()
    if not decoded:
        raise InputError(f"frames: {path} cannot be read as a video; give another format, or a folder of its frames")
    return [functools.partial(_itself, frame) for frame in decoded]


def _itself(frame: np.ndarray) -> np.ndarray:
    return frame
