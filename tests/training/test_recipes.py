"""Recipes and shipped weights: a toy of two stages is trained, packed and used by its name, and then damaged."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import training_toys
from command import says

import edge
import zoo
import zoo.data
from converters.tflite import file as tflite_file
from edge.tflite_file import read_card
from zoo import recipes
from zoo.cli import main
from zoo.errors import InputError
from zoo.pretrained import catalog
from zoo.recipes import Recipe, Stage
from zoo.training import Result, callback, checkpoints, recipe_runner, trainer

TOY = str(Path(__file__).parents[1] / "support" / "unet_toy.py")
NAME, DATA = "unet.toy", "scenes:count=32,size=32"
FACTS = {"data": "scenes:", "source": "scenes", "license": "none", "size": (32, 32), "train": {"epochs": 1}}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The toy recipe's finished run."""
    folder = tmp_path_factory.mktemp("run")
    recipe_runner.run(recipes.get(TOY), None, folder)
    return folder


def of_147(stage, context, build, seed) -> keras.Model:
    """A network of 147 parameters in the place of the toy recipe's, which is traced in no time."""
    earlier = context.earlier.get("first")
    return training_toys.network(classes=6, seed=seed) if earlier is None else zoo.load(earlier / "model.keras")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The run of that network which nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe_runner, "_model", of_147)
        recipe_runner.run(recipes.get(TOY), None, folder)
    return folder


def check_same_end(whole: Path, broken: Path, how: object) -> None:
    """Of both stages: weights, and all that a checkpoint keeps."""
    for stage in ("first", "."):
        states = [checkpoints.Checkpoints(folder / stage).load().arrays for folder in (whole, broken)]
        weights = [zoo.load(folder / stage / "model.keras").get_weights() for folder in (whole, broken)]
        ends = [state | dict(enumerate(own)) for state, own in zip(states, weights, strict=True)]
        assert ends[0].keys() == ends[1].keys() and len(ends[0]) > 20
        for name, expected in ends[0].items():
            np.testing.assert_array_equal(ends[1][name], expected, err_msg=f"{stage}, {name}, {how}")


@pytest.fixture(scope="module")
def packed(run: Path, tmp_path_factory) -> Path:
    """The folder of what was packed from it."""
    folder = tmp_path_factory.mktemp("shipped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["zoo", "recipes", "pack", TOY, str(run), "--out", str(folder)])
        with pytest.raises(SystemExit) as stop:
            main()
    assert not stop.value.code
    return folder


@pytest.fixture
def shipped(packed: Path, tmp_path, monkeypatch) -> Path:
    """A copy of it that may be damaged, where `zoo.build` looks."""
    folder = tmp_path / "trained"
    shutil.copytree(packed, folder)
    monkeypatch.setenv(catalog.ELSEWHERE, str(folder))
    return folder


class TestRecipe:
    def test_a_run_has_its_stages_in_folders_and_is_as_recorded(self, run: Path) -> None:
        assert (run / "first" / "model.keras").is_file() and (run / "model.keras").is_file()
        facts = recipe_runner.check(recipes.get(TOY), DATA, run)
        assert facts["epochs"] == 4 and facts["best"]["epoch"] > 2, "of both stages"
        assert facts["best"]["metric"] == "val_miou" and "cores" in facts["hardware"]
        assert facts["versions"]["keras"] == keras.__version__

    def test_a_later_stage_begins_where_the_earlier_one_ended(self, run: Path) -> None:
        given, _ = recipe_runner._context(recipes.get(TOY).stages[1], DATA, {"first": run / "first"})
        begun = zoo.build("unet", **recipe_runner.arguments(recipes.get(TOY).stages[1], given))
        for ours, theirs in zip(begun.get_weights(), zoo.load(run / "first" / "model.keras").get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)

    def test_stopped_by_the_clock_after_each_epoch_it_ends_as_uninterrupted(self, whole: Path, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(recipe_runner, "_model", of_147)
        # A second goes by whenever the clock is looked at: after an epoch none is left.
        monkeypatch.setattr(callback, "time", SimpleNamespace(monotonic=itertools.count(0.0).__next__))
        calls = [recipe_runner.run(recipes.get(TOY), None, tmp_path, max_seconds=1e-3) for _ in range(3)]
        epochs = [(result.folder.name == "first", len(result.rows)) for result in calls]
        assert epochs == [(True, 1), (False, 1), (False, 2)]  # the second call ends the first stage and begins the other
        assert calls[-1].folder == tmp_path and calls[-1].stopped is None
        check_same_end(whole, tmp_path, "a call an epoch")

    def test_interrupted_ten_times_at_random_moments_it_ends_as_uninterrupted(self, whole: Path, tmp_path, monkeypatch) -> None:
        """A moment is a random one of those that `_Interrupter` counts: inside an epoch, or in the middle of a checkpoint."""
        monkeypatch.setattr(recipe_runner, "_model", of_147)
        recipe, met = recipes.get(TOY), []
        for moment in np.random.default_rng(58).integers(1, 11, 10).tolist():
            with pytest.MonkeyPatch.context() as patch:
                interrupter = _Interrupter(patch, moment)
                with pytest.raises(KeyboardInterrupt):
                    recipe_runner.run(recipe, None, tmp_path)
            met.append((any(tmp_path.glob("checkpoint-*.npz")), interrupter.kind))
        assert {kind for _, kind in met} == {"a batch", "a checkpoint", "the log", "validation"}, met
        assert {last_stage for last_stage, _ in met} == {False, True}, met
        recipe_runner.run(recipe, None, tmp_path)
        check_same_end(whole, tmp_path, met)

    def test_other_settings_may_be_tried(self, tmp_path, monkeypatch, capsys) -> None:
        asked = {}

        def record(recipe, data, folder, **told):
            asked.update(told)
            return Result([], None, "stopped", folder, 0.0)

        monkeypatch.setattr(recipe_runner, "run", record)
        said = ("--epochs", 1, "--batch-size", 3, "--minutes", 2, "--encoder-weights", "imagenet")
        assert says(monkeypatch, capsys, "train", "--recipe", TOY, "--out", tmp_path, *said)[0] == 0
        assert asked["settings"] == {"epochs": 1, "batch_size": 3} and asked["build"] == {"encoder_weights": "imagenet"}
        assert asked["max_seconds"] == 120

    def test_a_run_of_other_settings_is_not_packed(self, run: Path) -> None:
        recipe = recipes.get(TOY)
        longer = replace(recipe, train=lambda given: {**recipe.train(given), "epochs": 3, "size": (48, 32)})
        with pytest.raises(InputError, match=r"epochs was 2, is 3; size was \[32, 32\], is \[48, 32\] in the recipe"):
            recipe_runner.check(longer, DATA, run)

    def test_an_unfinished_run_is_not_packed(self, run: Path, tmp_path) -> None:
        copy = tmp_path / "copy"
        shutil.copytree(run, copy)
        (copy / "model.keras").unlink()
        with pytest.raises(InputError, match=r"no model\.keras"):
            recipe_runner.check(recipes.get(TOY), DATA, copy)
        shutil.copy(run / "model.keras", copy)
        (copy / "checkpoint-00002.npz").unlink()
        with pytest.raises(InputError, match="1 of 2 epochs"):
            recipe_runner.check(recipes.get(TOY), DATA, copy)
        with pytest.raises(InputError, match=r"data were 32 samples .* are 16 of"):
            recipe_runner.check(recipes.get(TOY), "scenes:count=16,size=32", run)

    def test_a_recipe_is_found_by_its_file_alone(self, tmp_path, monkeypatch, capsys) -> None:
        shutil.copy(TOY, tmp_path)
        monkeypatch.setattr(recipes, "__path__", [str(tmp_path)])
        try:
            assert recipes.names() == [NAME] and recipes.get(NAME).source == recipes.get(TOY).source
            assert "scenes, made by a program" in says(monkeypatch, capsys, "recipes")[1]
            assert "zoo train --recipe" in says(monkeypatch, capsys, "recipes", "show", NAME)[1]
        finally:
            sys.modules.pop("zoo.recipes.unet_toy", None)

    def test_a_file_is_named_after_its_weights(self, tmp_path) -> None:
        shutil.copy(TOY, tmp_path / "toy.py")
        with pytest.raises(InputError, match=r"unet\.toy belongs in unet_toy\.py"):
            recipes.get(str(tmp_path / "toy.py"))

    def test_every_recipe_says_its_command_and_leaves_its_scores_to_the_card(self) -> None:
        for name in recipes.names():
            text = recipes.text(name)
            assert f"zoo train --recipe {name}" in text and f"zoo recipes pack {name}" in text, name
            assert "minutes" in text or "hours" in text, f"{name}: the docstring does not state how long it took"
            if catalog.is_name(name):
                assert set(catalog.get(name).headline[1]) >= {"weights", "int8"}
                assert "float16" not in text, f"{name}: scores by form are in card.json alone"


class TestShipped:
    def test_build_gives_the_trained_network(self, shipped: Path, run: Path) -> None:
        model = zoo.build(NAME)
        assert model.name == NAME and zoo.output_spec(model).labels == zoo.data.open(DATA).classes
        ends = zoo.load(run / "model.keras").get_weights()
        for ours, theirs in zip(model.get_weights(), ends, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2**-11, atol=2**-25)  # float16's, and exact where it is float32
            assert theirs.ndim > 1 or (ours == theirs).all()

    def test_head_and_size_are_the_callers(self, shipped: Path) -> None:
        model = zoo.build(NAME, output="class_map", input_shape=(48, 64, 3), palette=[(1, 2, 3)] * 6)
        assert model.output_shape == (None, 48, 64) and zoo.output_spec(model).palette[0] == (1, 2, 3)
        assert zoo.build(NAME, classes=6, width=0.0625).output_shape[-1] == 6

    def test_the_scores_come_again_from_what_is_shipped(self, shipped: Path, monkeypatch, capsys, tmp_path) -> None:
        known = catalog.get(NAME)
        for subject, form in ((NAME, "weights"), (f"{NAME}:int8", "int8")):
            out = tmp_path / f"{form}.json"
            status, _, told = says(monkeypatch, capsys, "evaluate", subject, "--data", DATA, "--out", out)
            assert status == 0, told
            assert json.loads(out.read_text())["scores"]["miou"] == pytest.approx(known.score(form).scores["miou"], abs=1e-3)

    def test_packing_again_gives_the_same_bytes(self, run: Path, packed: Path, tmp_path, monkeypatch, capsys) -> None:
        assert says(monkeypatch, capsys, "recipes", "pack", TOY, run, "--out", tmp_path)[0] == 0
        assert [p.name for p in tmp_path.iterdir()] == [p.name for p in packed.iterdir()] == [NAME]
        assert sorted(p.name for p in (tmp_path / NAME).iterdir()) == sorted(p.name for p in (packed / NAME).iterdir())
        for path in (packed / NAME).iterdir():
            assert path.read_bytes() == (tmp_path / NAME / path.name).read_bytes(), path.name

    def test_a_file_tells_its_scores(self, shipped: Path, monkeypatch, capsys) -> None:
        known = catalog.get(NAME)
        card = read_card(known.path("int8"))
        score, (data_set, entry) = known.score("int8"), next(iter(card.scores.items()))
        assert (data_set, entry["images"]) == ("scenes/test", score.images)
        assert {each["name"]: each["value"] for each in entry["scores"]} == score.scores
        assert card.license == f"{known.license} (of the data)"
        sealed = known.path("int8").read_bytes()
        tflite_file.amend(known.folder / known.files["int8"].name, {"scores": {}})
        with pytest.raises(InputError, match="damaged"):
            known.path("int8")
        (known.folder / known.files["int8"].name).write_bytes(sealed)
        document = (shipped / NAME / "card.json").read_text()
        for word in ("write-scores", "inscribe"):  # the latter is its name of 0.1
            assert says(monkeypatch, capsys, "recipes", word, NAME)[0] == 0
            assert known.path("int8").read_bytes() == sealed and (shipped / NAME / "card.json").read_text() == document

    def test_converting_again_gives_the_same_bytes_and_other_settings_others(self, shipped: Path, monkeypatch, capsys) -> None:
        files = {path.name: path.read_bytes() for path in (shipped / NAME).iterdir()}
        assert says(monkeypatch, capsys, "recipes", "convert", TOY)[0] == 0
        assert {path.name: path.read_bytes() for path in (shipped / NAME).iterdir()} == files
        recipe = replace(recipes.get(TOY), quantization={"correct_bias": False})
        monkeypatch.setattr(recipes, "get", lambda _: recipe)
        assert says(monkeypatch, capsys, "recipes", "convert", TOY)[0] == 0
        known = catalog.get(NAME)
        assert known.path("int8").read_bytes() != files[known.files["int8"].name]
        assert known.path().read_bytes() == files[known.files["weights"].name]
        assert read_card(known.path("int8")).results == {"scenes/test": tuple(known.score("int8").results)}

        rounded = {"epochs": 1, "batch_size": 8, "size": (32, 32), "verbose": 0, "tensorboard": False}
        monkeypatch.setattr(recipes, "get", lambda _: replace(recipe, rounded=rounded))
        before = known.path("int8").read_bytes()
        assert says(monkeypatch, capsys, "recipes", "convert", TOY)[0] == 0
        assert catalog.get(NAME).path("int8").read_bytes() != before, "it has learnt on with its rounding"
        assert known.path().read_bytes() == files[known.files["weights"].name], "and the weights have not"

    def test_shipped_weights_stand_for_a_stage_whose_run_is_gone(self, shipped: Path, run: Path, tmp_path, monkeypatch, capsys):
        recipe, again = recipes.get(TOY), tmp_path / "again"
        assert says(monkeypatch, capsys, "recipes", "take-over", TOY, str(again), "--stage", "first")[0] == 0
        for file in filter(Path.is_file, run.iterdir()):  # as the last stage leaves it
            shutil.copy(file, again)
        facts, known = recipe_runner.check(recipe, DATA, again), catalog.get(NAME)
        assert facts["epochs"] == known.training["epochs"] + 2 and facts["seconds"] >= known.training["seconds"]
        begun = recipe_runner.last_arguments(recipe, DATA, again)["weights"]
        np.testing.assert_array_equal(zoo.load(begun).get_weights()[0], zoo.build(NAME).get_weights()[0])
        for stage, message in (("first", "already"), ("second", "earlier stage")):
            with pytest.raises(InputError, match=message):
                recipe_runner.take_over(recipe, stage, again)

    def test_scores_of_other_data_are_added_to_a_file(self, shipped: Path, monkeypatch, capsys, tmp_path) -> None:
        own, asked = tmp_path / "own.tflite", ("--data", "scenes:count=4,size=32,seed=5", "--split", "val", "--record")
        shutil.copy(catalog.find(f"{NAME}:int8"), own)
        before = edge.Runner(own)(zoo.data.open(DATA)[0].image)
        assert says(monkeypatch, capsys, "evaluate", own, *asked, "--out", tmp_path / "s.json")[0] == 0
        results, found = read_card(own).results, json.loads((tmp_path / "s.json").read_text())
        assert set(results) == {"scenes/test", "scenes/val"}
        assert [score.to_dict() for score in results["scenes/val"]] == found["results"]
        np.testing.assert_array_equal(edge.Runner(own)(zoo.data.open(DATA)[0].image), before)
        for subject in (f"{NAME}:int8", catalog.find(f"{NAME}:int8"), NAME):
            status, _, told = says(monkeypatch, capsys, "evaluate", subject, *asked)
            assert status == 2 and "--record" in told, told

    def test_list_and_card(self, shipped: Path, monkeypatch, capsys) -> None:
        assert NAME in says(monkeypatch, capsys, "list", "--weights", "--names")[1].split()
        shown = says(monkeypatch, capsys, "list", "--weights", "unet.*")[1]
        assert "scenes/test" in shown and "Apache-2.0" in shown and "122k" in shown
        shown = says(monkeypatch, capsys, "card", NAME)[1]
        score = 100 * catalog.get(NAME).score("int8").scores["miou"]
        assert f"mIoU {score:.1f}" in shown and "made by a program" in shown and "121,750 trainable" in shown
        facts = json.loads(says(monkeypatch, capsys, "card", NAME, "--json")[1])
        assert facts["classes"] == 6 and facts["weights_facts"]["training"]["epochs"] == 4
        assert NAME in zoo.card("unet").trained
        assert "unet" in zoo.list_models(weights=True) and "deconvnet" in zoo.list_models(weights=False)

    def test_convert_and_predict(self, shipped: Path, monkeypatch, capsys, tmp_path) -> None:
        from PIL import Image

        monkeypatch.chdir(tmp_path)
        assert says(monkeypatch, capsys, "convert", NAME)[0] == 0
        Image.fromarray(zoo.data.open(DATA, "test")[0].image).save("one.png")
        for subject in (NAME, f"{NAME}:int8", f"{NAME}_float32.tflite"):
            status, shown, told = says(monkeypatch, capsys, "predict", subject, "one.png")
            assert status == 0 and "background" in shown, told

    def test_no_kernel_is_written_beyond_float16(self, tmp_path) -> None:
        from zoo.pretrained import weights_io

        model = zoo.build("unet", classes=2, width=0.0625)
        kernel, bias = model.get_layer("score").weights
        kernel.assign(np.full(kernel.shape, 1e5))
        bias.assign([1e-7, 70000.25])
        weights_io.write_arrays(model, tmp_path / "w.npz")
        other = zoo.build("unet", classes=2, width=0.0625)
        weights_io.read_arrays(other, tmp_path / "w.npz")
        for ours, theirs in zip(other.get_layer("score").weights, (kernel, bias), strict=True):
            np.testing.assert_array_equal(ours, theirs)


class _Interrupter:
    """Presses Ctrl-C at the so-many-th moment that it counts: the end of a batch, validation, the log, half a checkpoint."""

    def __init__(self, patch: pytest.MonkeyPatch, moment: int) -> None:
        self.left, self.kind = moment, ""
        for owner, name, kind in (
            (callback.RunCallback, "on_train_batch_end", "a batch"),
            (trainer, "score", "validation"),
            (callback, "write_csv", "the log"),
        ):
            patch.setattr(owner, name, self._counted(getattr(owner, name), kind))
        write_whole = checkpoints.write_whole
        patch.setattr(checkpoints, "write_whole", lambda path, write: write_whole(path, self._torn(write)))

    def _due(self, kind: str) -> bool:
        self.left -= 1
        if self.left == 0:
            self.kind = kind
        return self.left == 0

    def _counted(self, original, kind: str):
        def counted(*args, **kwargs):
            if self._due(kind):
                raise KeyboardInterrupt
            return original(*args, **kwargs)

        return counted

    def _torn(self, write):
        def torn(file) -> None:
            if self._due("a checkpoint"):
                whole = io.BytesIO()
                write(whole)
                file.write(whole.getvalue()[: whole.tell() // 2])
                raise KeyboardInterrupt
            write(file)

        return torn


def damaged(folder: Path, what: str) -> None:
    path = folder / NAME / "weights.npz"
    if what == "missing":
        path.unlink()
    elif what == "cut short":
        path.write_bytes(path.read_bytes()[:-100])
    elif what == "one bit":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif what == "another network's":
        facts = json.loads((folder / NAME / "card.json").read_text())
        facts["options"] = {"width": 0.125}
        (folder / NAME / "card.json").write_text(json.dumps(facts))
    else:
        (folder / NAME / "card.json").write_text("{")


@pytest.mark.parametrize(
    "what, expected",
    [
        ("missing", r"missing; restore it.*zoo train --recipe unet\.toy"),
        ("cut short", r"damaged: its SHA-256.*restore it"),
        ("one bit", "damaged: its SHA-256"),
        ("another network's", "does not fit unet.toy: .* arrays that differ"),
        ("no json", "json is damaged .*restore it"),
    ],
)
def test_damage_is_told(shipped: Path, what: str, expected: str) -> None:
    damaged(shipped, what)
    with pytest.raises(InputError, match=expected):
        zoo.build(NAME)


BAD = {
    "an unknown tag": (lambda: zoo.build("unet.tag"), "unknown weights 'unet.tag'"),
    "other classes": (lambda: zoo.build(NAME, classes=3), "tells 6 classes apart"),
    "other names": (lambda: zoo.build(NAME, classes=list("abcdef")), "tells 6 classes apart"),
    "another width": (lambda: zoo.build(NAME, width=0.5), r"trained with width=0\.0625"),
    "an encoder": (lambda: zoo.build(NAME, encoder="vgg16"), "trained with encoder=its default"),
    "other weights": (lambda: zoo.build(NAME, weights="x.keras"), "comes with its weights"),
    "an unknown form": (lambda: catalog.find(f"{NAME}:int9"), "did you mean int8"),
    "an unknown recipe": (lambda: recipes.get("unet.nothing"), "unknown recipe 'unet.nothing'"),
    "no recipe file": (lambda: recipes.get("nowhere.py"), r"no recipe file nowhere\.py"),
    "a file without a recipe": (lambda: recipes.get(__file__), "defines no RECIPE"),
    "data of another kind": (lambda: recipes.get(TOY).spec("camvid:there"), "learns from scenes, and 'camvid:there'"),
    "no data": (lambda: Recipe("a.b", **{**FACTS, "data": "camvid"}).spec(None), "--data camvid:PATH"),
    "a name without a tag": (lambda: Recipe("unet", **FACTS), r"NETWORK\.TAG"),
    "scored on what it chose by": (lambda: Recipe("a.b", scored="val", **FACTS), "chosen by"),
    "shipped and not scored": (lambda: Recipe("a.b", forms=("int8",), shipped=("float16",), **FACTS), "not all among"),
    "two stages of one name": (
        lambda: Recipe("a.b", before=(Stage("s", "unet", {}), Stage("s", "unet", {})), **FACTS),
        "a name of its own",
    ),
}


@pytest.mark.parametrize("call, expected", BAD.values(), ids=BAD.keys())
def test_bad_input_is_told(shipped: Path, call, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        call()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["train", "--recipe", "unet.nothing", "--out", "x"], "unknown recipe"),
        (["train", "--recipe", TOY, "--out", "x", "--encoder", "vgg16"], "--encoder is for"),
        (["train", "unet", "--recipe", TOY, "--out", "x"], "name is for"),
        (["train", "--recipe", TOY, "--data", "camvid:there", "--out", "x"], "learns from scenes"),
        (["recipes", "pack", TOY, "nowhere"], "model.keras"),
        (["list", "--weights", "--mobile"], "--weights"),
        (["evaluate", "unet.toi", "--data", "scenes"], "did you mean unet.toy"),
        (["card", "unet.toi"], "did you mean unet.toy"),
        (["benchmark", f"{NAME}:float16"], "unknown form"),
    ],
)
def test_bad_input_is_one_line(
    shipped: Path, monkeypatch, capsys, tmp_path, arguments: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, told = says(monkeypatch, capsys, *arguments)
    lines = [line for line in told.splitlines() if line.startswith("zoo: ")]
    assert status == 2 and len(lines) == 1 and expected in lines[0], told
    assert [path.name for path in tmp_path.iterdir()] == ["trained"], "bad input leaves nothing behind"


# What the zoo itself ships. Only its own folder counts here.
SHIPPED = sorted(path.parent.name for path in catalog.FOLDER.glob("*/card.json"))
# Kind of data → folder of `shared`.
PLACES = {
    "camvid": "camvid", "ccp_clothing": "ccp", "ccp_person": "ccp", "isbi": "isbi_em", "noise": "sr", "nuclei": "nuclei",
    "nuclei_instances": "nuclei", "osie": "osie", "sr": "sr",
}  # fmt: skip


def test_what_is_shipped_is_light() -> None:
    sizes = [path.stat().st_size for path in catalog.FOLDER.glob("*.*/*")]
    assert all(size <= catalog.MOST_BYTES for size in sizes) and sum(sizes) <= 50 * 10**6


def test_the_list_shows_whole_names_at_eighty_columns(monkeypatch, capsys) -> None:
    monkeypatch.setattr("command.COLUMNS", 80)
    shown = says(monkeypatch, capsys, "list", "--weights")[1]
    assert set(SHIPPED) <= set(shown.split()) and "…" not in shown, shown


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_set_is_whole(name: str) -> None:
    known = catalog.get(name)
    for form in known.files:
        path = known.path(form)
        if form != catalog.WEIGHTS:
            score = known.score(form)
            (dataset, results), *others = read_card(path).results.items()
            theirs, ours = ([one.to_dict() for one in each] for each in (results, score.results))  # nan is not nan
            assert (dataset, theirs, others) == (score.dataset, ours, []), "run zoo recipes write-scores"
    assert recipes.get(known.recipe).name == name
    model = zoo.build(name)
    assert sum(np.prod(v.shape) for v in model.trainable_variables) == known.parameters
    assert {score.dataset.rpartition("/")[2] for score in known.measured} == {recipes.get(name).scored}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_card_s_figures_come_again(name: str, shared: Path) -> None:
    known, recipe = catalog.get(name), recipes.get(name)
    if recipe.data not in PLACES:
        pytest.skip(f"no folder of shared data for {recipe.data}")
    test = zoo.data.open(recipe.spec(f"{recipe.data}:{shared / 'data' / PLACES[recipe.data]}"), recipe.scored)
    metric, values = known.headline
    found = zoo.evaluate(zoo.build(name), test, size=known.input_size if known.overlap is None else None).scores[metric]
    assert found == pytest.approx(values["weights"], abs=1e-3)
    for form in recipe.shipped:
        found = zoo.evaluate(edge.Runner(known.path(form)), test).scores[metric]
        assert found == pytest.approx(values[form], abs=1e-3), form
