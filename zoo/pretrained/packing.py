"""Packing: a finished run of a recipe made into weights to be shipped: files, checksums, scores and the card.

Every form is measured as it will be read. Converting a network and running a converted file are for those above this
package; they come in as `FileTools`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import zoo
from zoo import registry, tasks
from zoo.analysis.macs import parameters
from zoo.build import shipped_network
from zoo.errors import InputError
from zoo.layers import model_output
from zoo.outputs.score import SHARE
from zoo.pretrained import store
from zoo.pretrained.catalog import CARD, FOLDER, MOST_BYTES, WEIGHTS, File, Score, Trained, checksum
from zoo.pretrained.published import completed_options
from zoo.pretrained.store import Archive
from zoo.pretrained.weights_io import load, read_arrays, write_arrays
from zoo.training import recipe_runner

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from zoo.data import Dataset
    from zoo.recipes import Recipe

# Arguments of `zoo.build` that the card replaces.
GIVEN_BY_CARD = ("classes", "palette", "input_shape", "head", "weights", "encoder_weights", "init")


class FileTools(Protocol):
    """The tools that packing needs: a converter and a runner."""

    def convert(self, model: keras.Model, path: Path, form: str, training: Dataset, recipe: Recipe) -> None:
        """Writes the converted file of a form."""

    def open(self, path: Path, overlap: int | None) -> Any:
        """A converted file as something that `zoo.evaluate` takes; with an overlap it sees pictures in tiles."""

    def describe(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Writes facts into a converted file's description of itself."""


@dataclass(frozen=True)
class _Finished:
    """A run to be packed: its recipe, the data that it learnt from and is scored on, and what happened in it."""

    recipe: Recipe
    training: Dataset
    test: Dataset
    options: dict[str, Any]
    facts: dict[str, Any]


def pack(
    recipe: Recipe,
    run: Path,
    data: str | None,
    tools: FileTools,
    out: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Measures a finished run on its test split and leaves weights, converted files and the card in OUT/NAME.TAG.

    Args:
        recipe: that the run is of.
        run: its folder.
        data: the data's spec, as `zoo train --recipe` got it.
        tools: converting and running.
        out: the folder to write into; by default the package's own.
        say: gets a line for every form.

    Raises:
        InputError: if the run is not finished or of other data, or a file is too large to be shipped.
    """
    import zoo.data

    spec = recipe.spec(data)
    facts = recipe_runner.check(recipe, spec, run)
    test, training = zoo.data.open(spec, recipe.scored), zoo.data.open(spec, recipe.split)
    finished = _Finished(recipe, training, test, _options(recipe, spec, run), facts)
    folder = (out or FOLDER) / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".packing") as temporary:
        weights = _pack(finished, load(run / "model.keras"), tools, Path(temporary), say)
        for file in weights.files.values():
            os.replace(Path(temporary) / file.name, folder / file.name)
    weights = replace(weights, folder=folder)
    write_card(weights)  # last: it names the others
    return weights


def convert(
    known: Trained, recipe: Recipe, data: str | None, tools: FileTools, say: Callable[[str], None] = lambda line: None
) -> Trained:
    """Makes the converted files of shipped weights anew, measures them, and writes their scores and checksums into the card.

    Weights, and the scores of forms without a file, stay as they are.

    Args:
        known: the weights.
        recipe: theirs.
        data: the data's spec, as `zoo train --recipe` got it.
        tools: converting and running.
        say: gets a line for every form.

    Raises:
        InputError: for data of another kind, if a file is missing or damaged, or the new one is too large to be shipped.
    """
    import zoo.data

    spec = recipe.spec(data)
    test, training = zoo.data.open(spec, recipe.scored), zoo.data.open(spec, recipe.split)
    finished = _Finished(recipe, training, test, dict(known.options), dict(known.training))
    model, files, scores = zoo.build(known.name), dict(known.files), {score.form: score for score in known.measured}
    for form in (form for form in recipe.forms if form in files):
        place = known.path(form).parent
        with tempfile.TemporaryDirectory(dir=place, prefix=".packing") as temporary:
            scores[form], paths = _converted(model, form, Path(temporary), finished, tools, say)
            files |= {name: file_facts(path) for name, path in paths.items()}
            for path in paths.values():
                os.replace(path, place / path.name)
    known = replace(known, files=files, measured=tuple(scores.values()))
    if known.archive is not None:
        known = replace(known, archive=archive_of(known, known.archive.url))
    write_card(known)
    return known


def write_scores(known: Trained, tools: FileTools) -> Trained:
    """Writes the scores of shipped weights into their converted files once more, and the files' new checksums into the card.

    Raises:
        InputError: if a file is missing or damaged.
    """
    files = dict(known.files)
    for form in files:
        if form != WEIGHTS:
            path = known.path(form)
            tools.describe(path, _description(known.score(form), known.license, known.overlap))
            files[form] = file_facts(path)
    known = replace(known, files=files)
    if known.archive is not None:
        known = replace(known, archive=archive_of(known, known.archive.url))
    write_card(known)
    return known


def archive_of(known: Trained, url: str | None = None) -> Archive:
    """The facts of the archive of a set's files, which is written for that and not kept."""
    with tempfile.TemporaryDirectory(prefix="densezoo-") as temporary:
        path = Path(temporary) / f"{known.name}.zip"
        store.write([known.file_here(form) for form in known.files], path)
        return Archive(path.name, checksum(path), path.stat().st_size, url)


def move_to_store(known: Trained, folder: Path = store.CHECKOUT) -> Trained:
    """Moves the files of a packed set into a store, and enters their archive into the card, which stays in the package.

    Raises:
        InputError: if a file is missing or damaged.
    """
    paths = [known.path(form) for form in known.files]
    archive = archive_of(known)
    (folder / known.name).mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.move(path, folder / known.name / path.name)
    known = replace(known, archive=archive)
    write_card(known)
    return known


def write_card(known: Trained) -> None:
    """Writes card.json into the weights' folder, at once."""
    with tempfile.TemporaryDirectory(dir=known.folder, prefix=".packing") as temporary:
        path = Path(temporary) / CARD
        path.write_text(json.dumps(known.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        os.replace(path, known.folder / path.name)


def file_facts(path: Path) -> File:
    """Name, checksum and size of a file to be shipped.

    Raises:
        InputError: if it is too large.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InputError(f"{path.name} has {size:,} bytes and a shipped file at most {MOST_BYTES:,}; ship a smaller network")
    return File(path.name, checksum(path), size)


def _options(recipe: Recipe, spec: str, run: Path) -> dict[str, Any]:
    """The options that `zoo.build` needs beside the card's facts and the weights to make the network again: plain data."""
    arguments = recipe_runner.last_arguments(recipe, spec, run)
    published = {key: arguments.get(key) for key in ("weights", "encoder_weights")}
    arguments = {key: value for key, value in arguments.items() if key not in GIVEN_BY_CARD}
    arguments = completed_options(registry.get(recipe.model), arguments, **published)
    try:
        return json.loads(json.dumps(arguments))
    except TypeError as error:
        raise InputError(
            f"{recipe.name}: build={arguments} cannot be shipped ({error}); give numbers, words and lists"
        ) from error


def _pack(
    finished: _Finished, trained: keras.Model, tools: FileTools, folder: Path, say: Callable[[str], None]
) -> Trained:
    """Every file in a folder, each measured as it will be read."""
    recipe, test = finished.recipe, finished.test
    meaning = model_output(trained)
    paths = {WEIGHTS: folder / "weights.npz"}
    write_arrays(trained, paths[WEIGHTS])
    file_facts(paths[WEIGHTS])  # what is too large to ship need not be measured
    shape = trained.inputs[0].shape[1:]
    if registry.get(recipe.model).fixed_size:  # it may have learnt at another size than it is scored at
        shape = (*recipe.size, shape[-1])
    model = shipped_network(recipe.name, meaning.labels, meaning.palette, finished.options, shape)
    read_arrays(model, paths[WEIGHTS])
    say(f"{WEIGHTS}: on {test.name}")
    stretched = recipe.overlap is None and tasks.get(meaning.task).stretches
    measured = [_score(WEIGHTS, zoo.evaluate(model, test, size=recipe.size if stretched else None), finished)]
    for form in recipe.forms:
        score, files = _converted(model, form, folder, finished, tools, say)
        measured.append(score)
        if form in recipe.shipped:
            paths |= files
    return Trained(
        name=recipe.name,
        model=recipe.model,
        task=meaning.task,
        options=finished.options,
        labels=meaning.labels,
        palette=meaning.palette,
        channels=shape[-1],
        input_size=recipe.size,
        parameters=parameters(model),
        source=recipe.source,
        license=recipe.license,
        recipe=recipe.name,
        training=finished.facts,
        files={form: file_facts(path) for form, path in paths.items()},
        measured=tuple(measured),
        folder=folder,
        overlap=recipe.overlap,
    )


def _converted(
    model: keras.Model, form: str, folder: Path, finished: _Finished, tools: FileTools, say: Callable[[str], None]
) -> tuple[Score, dict[str, Path]]:
    """The scores of a form, and its files by their forms, which are written into the folder and tell them."""
    recipe, test, path = finished.recipe, finished.test, folder / f"{form}.tflite"
    say(f"{form}: converting, on {test.name}")
    tools.convert(model, path, form, finished.training, recipe)
    score = _score(form, zoo.evaluate(tools.open(path, recipe.overlap), test), finished)
    files = {each.stem: each for each in (path, *folder.glob(f"{form}.*.tflite"))}  # and what it goes on from
    for each in files.values():
        tools.describe(each, _description(score, recipe.license, recipe.overlap))
    return score, files


def _score(form: str, evaluation: Any, finished: _Finished) -> Score:
    results = evaluation.results
    units = {score.name: score.unit for score in results if score.unit != SHARE}
    lower = tuple(score.name for score in results if not score.higher_is_better)
    return Score(form, finished.test.name, evaluation.images, finished.recipe.size, evaluation.scores, units, lower)


def _description(score: Score, license: str, overlap: int | None) -> dict[str, Any]:
    """The entries of a converted file's card: its score, the licence of the data it learnt from, and in what tiles it sees."""
    results = [result.to_dict() for result in score.results]
    scores = {score.dataset: {"images": score.images, "size": list(score.size), "scores": results}}
    tiles = {} if overlap is None else {"overlap": overlap}
    return {"scores": scores, "license": f"{license} (of the data)", **tiles}
