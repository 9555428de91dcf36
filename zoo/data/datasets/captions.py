"""Photographs with sentences that people said of them, in COCO's captions JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.data.coco_files import located
from zoo.data.dataset import FileDataset
from zoo.data.registry import WHOLE, dataset
from zoo.data.sample import Sample
from zoo.data.targets import Sentence
from zoo.errors import InputError
from zoo.outputs.vocabulary import END, SENTENCES, UNKNOWN, split

LENGTH, LEAST = 20, 3  # words of a sentence, and how often training says a word that is one
_SHORTEST = 2  # a word and the end
_TRAINING = "train"  # the split whose words are known
_FIRST = (*SENTENCES, UNKNOWN)
Words = list[str]


class Captions(FileDataset):
    """Captioning: a picture, and as its target a `Sentence` of `length` numbers with END and padding, 0, which is `ignore`.

    Words are those of `zoo.outputs.vocabulary.split`, in small letters, a line break a blank. The references are all sentences
    of the picture, as long as they are.

    Args:
        name: for tables and messages.
        pictures: a picture file each, with its sentences.
        classes: the tokens.
        length: of a sentence that is learnt, with its end; a longer one is cut before it.
        each_sentence: whether each sentence is a sample, or each picture is one with its first.
    """

    task = "captioning"
    target = Sentence
    ignore = 0

    def __init__(
        self,
        name: str,
        pictures: Sequence[tuple[Path, Sequence[Words]]],
        classes: tuple[str, ...],
        length: int,
        each_sentence: bool,
    ) -> None:
        if length < _SHORTEST:
            raise InputError(f"{name}: length={length}; a sentence has a word and its end, give {_SHORTEST} or more")
        self.name, self.classes, self.length, self._pictures = name, classes, length, tuple(pictures)
        self._numbers = {token: number for number, token in enumerate(classes)}
        rows = [(at, said) for at, (_, said_of_it) in enumerate(pictures) for said in range(len(said_of_it))]
        self._rows = rows if each_sentence else [row for row in rows if not row[1]]
        if not self._rows:
            raise InputError(f"{name}: the split is empty; it needs one picture with a sentence at least")

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        picture, said = self._rows[self.position(index)]
        path, sentences = self._pictures[picture]
        most = 1 + max(map(len, sentences))
        right = np.stack([self._row(sentence, most) for sentence in sentences])
        learnt = self._row(sentences[said][: self.length - 1], self.length)
        return Sample(self.picture(path), Sentence(learnt, right), path.stem)

    def _row(self, words: Words, length: int) -> np.ndarray:
        numbers = [self._numbers.get(word, self._numbers[UNKNOWN]) for word in (*words, END)]
        return np.array(numbers + [0] * (length - len(numbers)), np.int32)


@dataset(
    "captions",
    spec="captions:PATH",
    help="COCO's layout: sentences of captions_SPLIT.json, length=20 words at most, of words said least=3 times",
    options={"length": WHOLE, "least": WHOLE},
)
def captions(path: Path, split: str, *, length: int = LENGTH, least: int = LEAST) -> Captions:
    """captions_SPLIT.json with images/, or annotations/captions_SPLIT2017.json with SPLIT2017/, as COCO has it.

    In "train" each sentence is a sample; in other splits each picture is one.

    Args:
        path: of the folder.
        split: of the files.
        length: of a sentence that is learnt, with its end.
        least: times that a word is said in "train" to be one; others are "<unknown>".

    Raises:
        InputError: for a file that is missing or no such JSON, also that of "train", which says what words there are.
    """
    training = _read(path, _TRAINING)
    counts = Counter(word for _, sentences in training for words in sentences for word in words)
    classes = (*_FIRST, *sorted(word for word, count in counts.items() if count >= least))
    pictures = training if split == _TRAINING else _read(path, split)
    return Captions(f"captions/{split}", pictures, classes, length, each_sentence=split == _TRAINING)


def _read(path: Path, part: str) -> list[tuple[Path, list[Words]]]:
    """The pictures of a split in the order of their ids, each with its sentences in words."""
    source, folder = located(path, part, "captions", "captions")
    try:
        table = json.loads(source.read_text(encoding="utf-8"))
        files = {each["id"]: folder / each["file_name"] for each in table["images"]}
        said = [(each["image_id"], each["id"], str(each["caption"])) for each in table["annotations"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source}: no JSON of captions ({error!r}); expected images and annotations") from error
    sentences: dict[object, list[Words]] = {identity: [] for identity in files}
    for picture, number, text in sorted(said, key=lambda each: each[1]):
        if picture not in sentences:
            raise InputError(f"{source}: caption {number} is of picture {picture}, which is not listed")
        if words := split(" ".join(text.split()), "words"):
            sentences[picture].append(words)
    lacking = next((file for identity, file in files.items() if sentences[identity] and not file.is_file()), None)
    if lacking is not None:
        raise InputError(f"{source}: lists {lacking.name}, and there is no such file in {folder}")
    return [(files[identity], sentences[identity]) for identity in sorted(files) if sentences[identity]]
