"""Photographs to learn pictures out from: T91, Set5 and Set14, made small again, or noisy.

All three lie in one folder, as T91/, Set5/ and Set14/: to be learnt from, to choose by, and to be scored on (Yang et al. 2010;
Bevilacqua et al. 2012; Zeyde, Elad & Protter 2010). The pictures are all there is: what a network sees is made of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.folders import files_by_stem, need_folder
from zoo.data.image_files import IMAGE_SUFFIXES, read_rgb
from zoo.data.registry import WHOLE, Option, dataset
from zoo.data.resamplers import RESAMPLERS
from zoo.data.sample import Sample
from zoo.data.targets import TargetImage
from zoo.data.transforms.crops import with_noise
from zoo.errors import InputError, unknown

FOLDERS = {"train": "T91", "val": "Set5", "test": "Set14"}
LEVELS = (10, 25, 50)  # standard deviations of noise, in levels of 255, that papers score at
STRONGEST = 55.0  # that is learnt from
RESAMPLER = Option("NAME", r"\w+", str)


class Photographs(Dataset):
    """The photographs of one split, each asked one or more questions."""

    target = TargetImage

    def __init__(self, path: Path, split: str, layout: str, repeat: int = 1) -> None:
        """The files of a split.

        Args:
            path: the folder of the three.
            split: train, val or test.
            layout: what specs call it, for names and messages.
            repeat: how often an epoch shows each photograph of train, of which an augmentation cuts another part each time.

        Raises:
            InputError: for an unknown split, and where the folder or its pictures are missing.
        """
        if repeat < 1:
            raise InputError(f"{layout}: repeat={repeat}; expected 1 or more")
        if split not in FOLDERS:
            raise unknown(f"split of {layout}", split, FOLDERS)
        folder = need_folder(need_folder(path, layout) / FOLDERS[split], layout, f"the pictures of {split}")
        self.files: Sequence[Path] = tuple(files_by_stem(folder, IMAGE_SUFFIXES).values())
        if not self.files:
            raise InputError(f"{layout}: {folder} holds no pictures ({', '.join(IMAGE_SUFFIXES)})")
        self.name = f"{layout}/{split}"
        self.repeat = repeat if split == "train" else 1
        self._pictures: dict[int, np.ndarray] = {}  # that are shown again

    @property
    def questions(self) -> int:
        """The number of different samples."""
        return len(self.files)

    def __len__(self) -> int:
        return self.questions * self.repeat

    def __getitem__(self, index: int) -> Sample:
        turn, at = divmod(self.position(index), self.questions)
        return self.question(at, turn)

    @abstractmethod
    def question(self, at: int, turn: int) -> Sample:
        """The sample of that number; `turn` counts how often it was shown before in an epoch."""

    def picture(self, at: int) -> np.ndarray:
        """The photograph of that number, uint8 H×W×3, as it lies in its file; read once where it is shown again."""
        if self.repeat == 1:
            return read_rgb(self.files[at])
        if at not in self._pictures:
            self._pictures[at] = read_rgb(self.files[at])
        return self._pictures[at]


class Enlargements(Photographs):
    """Photographs made `scale` times as small by a named resampler, to be made as large as they were.

    Before, rows and columns are cut off at the end until the sides are multiples of the scale, as is done for every published
    table.

    Args:
        path, split: as of `Photographs`.
        scale: 2 or more.
        resampler: a name of `zoo.data.resamplers.RESAMPLERS`.
        repeat: as of `Photographs`.
    """

    task = "super_resolution"

    def __init__(self, path: Path, split: str, scale: int = 2, resampler: str = "pillow", repeat: int = 1) -> None:
        super().__init__(path, split, "sr", repeat)
        if scale < 2:
            raise InputError(f"sr: scale={scale}; expected 2 or more")
        if resampler not in RESAMPLERS:
            raise unknown("resampler of sr", resampler, RESAMPLERS)
        self.scale, self.resampler = scale, resampler
        self._shrink: Callable[[np.ndarray, tuple[int, int]], np.ndarray] = RESAMPLERS[resampler]
        self.name = f"sr ×{scale}/{split}" if resampler == "pillow" else f"sr ×{scale} by {resampler}/{split}"

    def question(self, at: int, turn: int) -> Sample:
        path, large = self.files[at], self.picture(at)
        height, width = (side // self.scale for side in large.shape[:2])
        if min(height, width) < 1:
            raise InputError(f"{path}: {large.shape[1]}×{large.shape[0]} pixels (W×H) are too few for scale={self.scale}")
        large = np.ascontiguousarray(large[: height * self.scale, : width * self.scale])
        return Sample(self._shrink(large, (height, width)), TargetImage(large, self.scale), path.stem)


class Noisy(Photographs):
    """Photographs with Gaussian noise, to be freed of it.

    Noise is added to R, G and B, to each its own, rounded, and cut off at 0 and 255, as a file holds it. It is drawn by the
    picture's place, the strength and the turn, so that everybody learns from and scores the same numbers. T91 comes at half its
    size, since its files are JPEGs, whose own errors are not to be learnt.

    Args:
        path, split: as of `Photographs`.
        sigma: the noise's standard deviation in levels of 255. By default each picture of val and test comes at 10, 25 and 50,
        and
            each of train at one drawn from 0 to 55, another at every turn.
        repeat: as of `Photographs`.
    """

    task = "restoration"

    def __init__(self, path: Path, split: str, sigma: int | None = None, repeat: int = 1) -> None:
        super().__init__(path, split, "noise", repeat)
        self._learnt_from = split == "train"
        self.sigmas: tuple[int, ...] = (sigma,) if sigma is not None else () if self._learnt_from else LEVELS
        self.name = f"noise/{split}" if sigma is None else f"noise σ {sigma}/{split}"

    @property
    def questions(self) -> int:
        """Each picture at each strength."""
        return len(self.files) * max(1, len(self.sigmas))

    def question(self, at: int, turn: int) -> Sample:
        strength, at = divmod(at, len(self.files))
        stem, clean = self.files[at].stem, self.picture(at)
        if self._learnt_from:
            clean = RESAMPLERS["pillow"](clean, (clean.shape[0] // 2, clean.shape[1] // 2))
        rng = np.random.default_rng((at, strength, turn))
        sigma = self.sigmas[strength] if self.sigmas else rng.uniform(0, STRONGEST)
        return Sample(with_noise(clean, sigma, rng), TargetImage(clean), f"{stem}-{sigma:.0f}")


@dataset(
    "sr",
    spec="sr:PATH[,scale=N,resampler=NAME,repeat=N]",
    help="T91, Set5, Set14, made small by pillow, matlab or opencv, to be enlarged",
    options={"scale": WHOLE, "resampler": RESAMPLER, "repeat": WHOLE},
)
def sr(path: Path, split: str, *, scale: int = 2, resampler: str = "pillow", repeat: int = 1) -> Enlargements:
    """Pictures to be enlarged."""
    return Enlargements(path, split, scale, resampler, repeat)


@dataset(
    "noise",
    spec="noise:PATH[,sigma=N,repeat=N]",
    help="T91, Set5, Set14 with noise of 10, 25 and 50 levels, to be freed of it",
    options={"sigma": WHOLE, "repeat": WHOLE},
)
def noise(path: Path, split: str, *, sigma: int | None = None, repeat: int = 1) -> Noisy:
    """Pictures to be freed of noise."""
    return Noisy(path, split, sigma, repeat)
