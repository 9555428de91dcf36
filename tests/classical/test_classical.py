"""Classical segmentation: pictures whose regions are known, how regions come to classes, bad input, the command line."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from command import says
from PIL import Image

import zoo
from zoo import classical
from zoo.classical import naming, normalised_cut, random_field
from zoo.classical.colours import lab
from zoo.data import Dataset, Sample
from zoo.errors import InputError

NAMES = [name for name in classical.names() if classical.get(name).task == "segmentation"]
GROUND, FIGURE = (60, 70, 110), (200, 150, 60)


def disc(noise: float = 8, size: tuple[int, int] = (61, 83), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A disc right of the middle, and which pixels are in it."""
    rows, columns = np.indices(size)
    inside = (rows - 30) ** 2 + (columns - 47) ** 2 < 18**2
    colours = np.where(inside[..., None], FIGURE, GROUND)
    noisy = colours + np.random.default_rng(seed).normal(0, noise, colours.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), inside


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def test_all_seven_are_there() -> None:
    assert NAMES == [
        "grabcut", "kmeans", "level_set", "normalised_cut", "random_field", "region_growing", "threshold"
    ]  # fmt: skip


class TestEachMethod:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("noise", [0, 8])
    def test_finds_a_disc(self, name: str, noise: float) -> None:
        image, inside = disc(noise)
        least = 0.85 if name == "normalised_cut" else 0.97  # superpixels of 17 pixels' area follow an outline less closely
        assert iou(classical.open(name)(image) == 1, inside) > least

    @pytest.mark.parametrize("name", NAMES)
    def test_gives_the_same_twice(self, name: str) -> None:
        image, _ = disc(30)
        segmenter = classical.open(name)
        np.testing.assert_array_equal(segmenter.regions(image), segmenter.regions(image))

    @pytest.mark.parametrize("name", NAMES)
    def test_takes_a_picture_of_one_colour(self, name: str) -> None:
        image = np.full((40, 50, 3), 120, np.uint8)
        regions = classical.open(name).regions(image)
        assert regions.shape == (40, 50) and regions.dtype == np.uint8

    @pytest.mark.parametrize("name", NAMES)
    def test_leaves_the_picture_alone(self, name: str) -> None:
        image, _ = disc()
        before = image.copy()
        image.setflags(write=False)  # as a data set's samples are
        classical.open(name)(image)
        np.testing.assert_array_equal(image, before)

    @pytest.mark.parametrize("name", NAMES)
    def test_says_what_it_is(self, name: str) -> None:
        method = classical.get(name)
        assert str(method.paper.year) in method.text and "It assumes" in method.text
        assert method.described.keys() == method.defaults.keys()

    @pytest.mark.parametrize("name", ["kmeans", "random_field", "normalised_cut"])
    def test_gives_as_many_regions_as_asked(self, name: str) -> None:
        image, _ = disc(30)
        assert classical.open(f"{name}:regions=4").regions(image).max() == 3

    def test_shrinks_a_large_picture_and_answers_at_its_size(self) -> None:
        image, inside = disc()
        large = np.asarray(Image.fromarray(image).resize((830, 610), Image.Resampling.BICUBIC))
        found = classical.open("kmeans:side=83")(large)
        truth = inside.repeat(10, axis=0).repeat(10, axis=1)
        assert found.shape == (610, 830) and iou(found == 1, truth) > 0.95


def test_the_random_field_smooths_what_kmeans_leaves_in_pieces() -> None:
    image, inside = disc(50)
    rough, smooth = (iou(classical.open(name)(image) == 1, inside) for name in ("kmeans", "random_field"))
    assert rough < 0.9 and smooth > 0.95


def test_the_random_field_s_costs_are_those_of_gaussians() -> None:
    image, inside = disc(30)
    colours = lab(image).astype(np.float64)
    costs = random_field.appearance(colours, inside.astype(np.int64), 3)
    for region, own in enumerate((colours[~inside], colours[inside])):
        covariance = np.cov(own.T, bias=True) + random_field.NOISE**2 * np.eye(3)
        away = colours - own.mean(axis=0)
        squares = np.einsum("hwi,ij,hwj->hw", away, np.linalg.inv(covariance), away)
        np.testing.assert_allclose(costs[region], 0.5 * (squares + np.log(np.linalg.det(covariance))), rtol=1e-5, atol=1e-4)
    assert np.isinf(costs[2]).all(), "a region without pixels takes none"


def test_a_turn_of_the_random_field_never_costs_more() -> None:
    image, _ = disc(60)
    labels = np.random.default_rng(0).integers(0, 3, image.shape[:2])
    costs = random_field.appearance(lab(image).astype(np.float64), labels, 3)
    energies = [random_field.energy(labels, costs, 1.5)]
    for _ in range(4):
        labels = random_field.turn(labels, costs, 1.5)
        energies.append(random_field.energy(labels, costs, 1.5))
    assert energies[1] < energies[0] and all(b <= a for a, b in itertools.pairwise(energies))


def test_the_normalised_cut_is_the_least_of_all_along_the_eigenvector_and_what_it_says() -> None:
    """Two cliques of 4 and 5 nodes joined by one weak edge."""
    weights = np.zeros((9, 9))
    weights[:4, :4], weights[4:, 4:], weights[0, 4], weights[4, 0] = 1, 1, 0.1, 0.1
    cost, side = normalised_cut.best_split(weights)
    assert sorted({tuple(np.flatnonzero(side)), tuple(np.flatnonzero(~side))}) == [(0, 1, 2, 3), (4, 5, 6, 7, 8)]
    assert cost == pytest.approx(0.1 / 16.1 + 0.1 / 25.1)


class TestNaming:
    def test_ground_is_what_the_border_has_more_of(self) -> None:
        regions = np.zeros((10, 12), int)
        regions[3:, 3:8] = 7  # a figure cut off by the frame below
        assert naming.figure_of(regions).sum() == 7 * 5
        np.testing.assert_array_equal(naming.figure_of(7 - regions), naming.figure_of(regions))

    def test_of_two_regions_one_is_figure(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(50):
            regions = rng.random((9, 11)) < rng.uniform(0.2, 0.8)
            assert set(np.unique(naming.figure_of(regions.astype(int)))) == {0, 1}

    def test_regions_are_numbered_ground_first_then_by_size(self) -> None:
        regions = np.full((10, 10), 40)
        regions[2:4, 2:4], regions[5:9, 5:9] = 9, 30
        numbered = naming.ground_first(regions)
        assert [numbered[0, 0], numbered[6, 6], numbered[2, 2]] == [0, 1, 2]

    def test_majority_is_by_scored_pixels(self) -> None:
        regions = np.array([[0, 0, 0, 1, 1, 2]])
        target = np.array([[1, 2, 2, 255, 1, 255]])
        np.testing.assert_array_equal(naming.majority(regions, target, 3, 255), [[2, 2, 2, 1, 1, 0]])

    def test_majority_is_the_best_that_regions_can_do(self) -> None:
        rng = np.random.default_rng(1)
        regions, target = rng.integers(0, 4, (8, 8)), rng.integers(0, 3, (8, 8))
        best = (naming.majority(regions, target, 3, None) == target).mean()
        others = [(rng.integers(0, 3, 4)[regions] == target).mean() for _ in range(200)]
        assert best == max([best, *others])


class Discs(Dataset):
    """Discs on a ground; with three classes the left half of the ground is another class, and the first row is ignored."""

    name, palette, ignore = "discs", ((0, 0, 0), (255, 0, 0), (0, 255, 0)), 255

    def __init__(self, classes: int = 2, count: int = 3) -> None:
        self.classes, self._count = ("ground", "disc", "left")[:classes], count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        image, inside = disc(seed=self.position(index))
        target = inside.astype(np.uint8)
        if len(self.classes) == 3:
            target[:, :10] = 2
            image[:, :10] = (90, 200, 90)
        target[0] = 255
        return Sample(image, target, f"disc {index}")


class TestScores:
    def test_of_two_classes_do_not_look_at_the_truth(self) -> None:
        found = classical.evaluate(classical.open("kmeans"), Discs(2), progress=False)
        assert found.model == "kmeans:regions=2" and found.images == 3 and found.scores["miou"] > 0.97

    def test_are_those_of_zoo_evaluate(self) -> None:
        for classes in (2, 3):
            found = classical.evaluate(classical.open("kmeans"), Discs(classes), progress=False)
            same = zoo.evaluate(classical.open("kmeans"), Discs(classes), progress=False)
            np.testing.assert_array_equal(found.metrics[0].matrix.counts, same.metrics[0].matrix.counts)
            assert found.model == same.model

    def test_of_more_classes_are_an_upper_bound_and_say_so(self) -> None:
        found = classical.evaluate(classical.open("kmeans"), Discs(3), progress=False)
        assert found.model == "kmeans:regions=3 (upper bound: the truth names its 3.0 regions an image by majority)"
        assert found.scores["miou"] > 0.97
        fewer = classical.evaluate(classical.open("kmeans:regions=2"), Discs(3), progress=False)
        assert fewer.scores["miou"] < 0.8, "two regions cannot be three classes"

    def test_more_regions_can_only_raise_the_bound(self) -> None:
        scores = [
            classical.evaluate(classical.open(f"kmeans:regions={n}"), Discs(2), oracle=True, progress=False).scores
            for n in (2, 30)
        ]
        assert scores[1]["pixel_accuracy"] >= scores[0]["pixel_accuracy"]


BAD = {
    "an unknown method": (lambda: classical.open("grabkut"), "did you mean grabcut"),
    "an unknown parameter": (lambda: classical.open("kmeans:k=3"), "unknown parameter of kmeans 'k'"),
    "a word for a number": (lambda: classical.open("kmeans:regions=many"), "not a whole number"),
    "no value": (lambda: classical.open("kmeans:regions"), "PARAMETER=VALUE"),
    "a parameter twice": (lambda: classical.open("kmeans:seed=1,seed=2"), "each once"),
    "a parameter out of range": (lambda: classical.open("kmeans:regions=1")(disc()[0]), "regions=1: expected 2 or more"),
    "a margin of nothing": (lambda: classical.open("grabcut:margin=0")(disc()[0]), "margin=0"),
    "not a number at all": (lambda: classical.open("level_set:length=nan")(disc()[0]), "length=nan"),
    "an unknown grey": (lambda: classical.open("threshold:grey_from=red")(disc()[0]), "unknown grey 'red'"),
    "a side too small": (lambda: classical.open("kmeans:side=3")(disc()[0]), "side=3"),
    "floats": (lambda: classical.open("kmeans")(disc()[0] / 255), "float64"),
    "a grey picture": (lambda: classical.open("kmeans")(disc()[0][..., 0]), r"H×W×3"),
    "a tiny picture": (lambda: classical.open("kmeans")(np.zeros((5, 99, 3), np.uint8)), "16×16"),
    "a network's name": (lambda: zoo.build("grabcut"), "grabcut is no network"),
    "a card of a network's kind": (lambda: zoo.card("kmeans"), "kmeans is no network"),
    "no samples": (lambda: classical.evaluate(classical.open("kmeans"), Discs(2, 0)), "0 samples"),
}


@pytest.mark.parametrize("call, expected", BAD.values(), ids=BAD.keys())
def test_bad_input_is_told(call, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        call()


@pytest.fixture
def zoo_says(monkeypatch, capsys, tmp_path):
    """`zoo …` in this process, in an empty folder: (status, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        return says(monkeypatch, capsys, *arguments)

    return run


class TestCommandLine:
    def test_list_shows_them_apart_from_networks(self, zoo_says) -> None:
        assert zoo_says("list", "--classical", "--names")[1].split() == classical.names()
        assert not {"grabcut", "kmeans"} & set(zoo_says("list", "--names")[1].split())
        assert "Rother 2004" in zoo_says("list")[1] and "Rother 2004" not in zoo_says("list", "--mobile")[1]
        assert "Rother" not in zoo_says("list", "--task", "classification")[1]

    def test_card(self, zoo_says) -> None:
        _, shown, _ = zoo_says("card", "grabcut")
        assert "Rother" in shown and "margin" in shown and "It assumes" in shown
        facts = json.loads(zoo_says("card", "kmeans", "--json")[1])
        assert (facts["kind"], facts["trainable"], facts["parameters"]["regions"]["default"]) == ("classical", 0, 2)

    def test_evaluate(self, zoo_says, tmp_path: Path) -> None:
        status, shown, _ = zoo_says("evaluate", "kmeans", "--data", "scenes:count=20,size=48", "--limit", 2, "-o", "s.json")
        assert status == 0 and "upper bound" in shown and "triangle" in shown
        scores = json.loads((tmp_path / "s.json").read_text())
        assert scores["images"] == 2 and "upper bound" in scores["model"] and 0 < scores["scores"]["miou"] <= 1

    def test_predict_draws_as_for_a_network(self, zoo_says, tmp_path: Path) -> None:
        image, inside = disc(0)
        Image.fromarray(image).save(tmp_path / "disc.png")
        assert "figure" in zoo_says("predict", "grabcut", "disc.png")[1]
        assert zoo_says("predict", "kmeans:regions=3", "disc.png", "--out", "three")[0] == 0
        mask = np.asarray(Image.open(tmp_path / "predictions" / "disc_mask.png"))
        assert iou(mask == 1, inside) > 0.97
        assert Image.open(tmp_path / "three" / "disc_overlay.png").size == (83, 61)

    @pytest.mark.parametrize(
        "arguments, expected",
        [
            (["evaluate", "grabkut", "--data", "scenes"], "did you mean grabcut"),
            (["evaluate", "kmeans:k=3", "--data", "scenes"], "unknown parameter"),
            (["evaluate", "grabcut", "--data", "scenes", "--size", "64"], "side="),
            (["evaluate", "fcn8s", "--data", "scenes"], "network without weights"),
            (["evaluate", "nowhere.keras", "--data", "scenes", "--oracle"], "--oracle"),
            (["train", "grabcut", "--data", "scenes", "--out", "x"], "no network"),
            (["convert", "grabcut"], "grabcut"),
            (["list", "--classical", "--mobile"], "--classical"),
            (["list", "grabkut"], "grabcut"),
        ],
    )
    def test_bad_input_is_one_line(self, zoo_says, arguments: list[str], expected: str) -> None:
        status, _, told = zoo_says(*arguments)
        lines = [line for line in told.splitlines() if line.startswith("zoo: ")]
        assert status == 2 and len(lines) == 1 and expected in lines[0], told
