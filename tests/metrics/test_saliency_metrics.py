"""Saliency scores against their published definitions, scikit-learn, SciPy, and OSIE's figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo.data
from zoo.data import Dataset, Fixations, Sample
from zoo.errors import InputError
from zoo.metrics.saliency import SaliencyScores, area

SIZE = (40, 56)


class Gaze(Dataset):
    """A few pictures of noise with points here and there."""

    name, task, target = "gaze", "saliency", Fixations

    def __init__(self, count: int = 4) -> None:
        rng = np.random.default_rng(0)
        middles = rng.uniform((10, 10), (46, 30), (count, 2))
        points = [np.clip(rng.normal(middle, 6, (30, 2)), 0, (55.9, 39.9)) for middle in middles]
        self.samples = [
            Sample(rng.integers(0, 256, (*SIZE, 3), np.uint8), Fixations(each, SIZE, (3, 3)), str(index))
            for index, each in enumerate(points)
        ]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[self.position(index)]


GAZE = Gaze()
HEAT = np.random.default_rng(1).random(SIZE) ** 2


def scores(heat: np.ndarray, target: Fixations = GAZE[0].target, data: Dataset = GAZE) -> dict[str, float]:
    metric = SaliencyScores(data)
    metric.update(target, heat)
    return {score.name: score.value for score in metric.scores()}


def benchmark_judd(heat: np.ndarray, fixated: np.ndarray) -> float:
    """The benchmark's AUC_Judd, step by step: a threshold at each fixated value, trapezoids between."""
    values = np.sort(heat[fixated])[::-1]
    hits, alarms = [0.0], [0.0]
    for number, value in enumerate(values, start=1):
        above = (heat >= value).sum()
        hits.append(number / len(values))
        alarms.append((above - number) / (heat.size - len(values)))
    return float(np.trapezoid([*hits, 1], [*alarms, 1]))


def benchmark_drawn(heat: np.ndarray, fixated: np.ndarray, others: np.ndarray, draws: int, step: float) -> float:
    """The benchmark's AUC_Borji and AUC_shuffled: as many negatives as fixations are drawn, again and again."""
    rng, areas, positives = np.random.default_rng(2), [], heat[fixated]
    for _ in range(draws):
        negatives = rng.choice(others, len(positives))
        thresholds = np.arange(0, max(positives.max(), negatives.max()), step)[::-1]
        hits = [0, *((positives[:, None] >= thresholds).mean(axis=0)), 1]
        alarms = [0, *((negatives[:, None] >= thresholds).mean(axis=0)), 1]
        areas.append(np.trapezoid(hits, alarms))
    return float(np.mean(areas))


def test_areas_are_the_benchmarks_but_for_its_draws_and_steps() -> None:
    target = GAZE[0].target
    fixated = target.counts() > 0
    elsewhere = np.concatenate([GAZE[index].target.values for index in (1, 2, 3)]).astype(int)
    everywhere, shuffled = HEAT.ravel(), HEAT[elsewhere[:, 1], elsewhere[:, 0]]
    result = scores(HEAT)
    assert 0 <= benchmark_judd(HEAT, fixated) - result["auc_judd"] <= 0.5 / fixated.sum() + 1e-9
    assert result["auc_borji"] == pytest.approx(benchmark_drawn(HEAT, fixated, everywhere, 400, 1e-3), abs=6e-3)
    assert result["auc_shuffled"] == pytest.approx(benchmark_drawn(HEAT, fixated, shuffled, 400, 1e-3), abs=6e-3)


def test_areas_are_scikit_learns() -> None:
    curve = pytest.importorskip("sklearn.metrics").roc_auc_score
    rng = np.random.default_rng(3)
    for heat in (HEAT, np.rint(4 * HEAT)):  # many ties too
        fixated = GAZE[0].target.counts() > 0
        assert scores(heat)["auc_judd"] == pytest.approx(curve(fixated.ravel(), heat.ravel()), abs=1e-12)
        positives, negatives = rng.choice(heat.ravel(), 30), rng.choice(heat.ravel(), 50)
        truth = [1] * 30 + [0] * 50
        assert area(positives, np.sort(negatives)) == pytest.approx(curve(truth, [*positives, *negatives]), abs=1e-12)


def test_scores_are_their_definitions() -> None:
    target = GAZE[1].target
    density, (columns, rows) = target.density().astype(float), target.values.astype(int).T
    result = scores(HEAT[..., None], target)
    assert result["nss"] == pytest.approx(((HEAT - HEAT.mean()) / HEAT.std())[rows, columns].mean())
    assert result["cc"] == pytest.approx(np.corrcoef(HEAT.ravel(), density.ravel())[0, 1])
    p, q = HEAT / HEAT.sum(), density / density.sum()
    assert result["kl"] == pytest.approx((q * np.log(q / p, where=q > 0, out=np.zeros_like(q))).sum(), rel=1e-6)
    p, q = ((values - values.min()) / (values - values.min()).sum() for values in (HEAT, density))
    assert result["similarity"] == pytest.approx(np.minimum(p, q).sum())


def test_the_best_answer_the_middle_and_none() -> None:
    target = GAZE[2].target
    best, flat = scores(target.density(), target), scores(np.full(SIZE, 0.3), target)
    assert (best["cc"], best["similarity"]) == (pytest.approx(1), pytest.approx(1)) and abs(best["kl"]) < 1e-6
    assert best["nss"] > 2 and min(best[name] for name in ("auc_judd", "auc_borji", "auc_shuffled")) > 0.8
    assert (flat["nss"], flat["cc"]) == (0, 0)
    assert {flat[name] for name in ("auc_judd", "auc_borji", "auc_shuffled")} == {0.5}
    nss, kl = (next(score for score in SaliencyScores(GAZE).scores() if score.name == name) for name in ("nss", "kl"))
    assert nss.unit == "σ" and nss.higher_is_better and not kl.higher_is_better and np.isnan(nss.value)


def test_pictures_are_averaged_and_parts_merged() -> None:
    whole, parts = SaliencyScores(GAZE), [SaliencyScores(GAZE) for _ in "ab"]
    for index, sample in enumerate(GAZE):
        whole.update(sample.target, HEAT)
        parts[index % 2].update(sample.target, HEAT)
    whole.update(Fixations([], SIZE, (3, 3)), HEAT)  # nobody looked: nothing to score
    merged = parts[0].merge(parts[1])
    assert [s.value for s in merged.scores()] == pytest.approx([s.value for s in whole.scores()])
    each = [scores(HEAT, sample.target)["nss"] for sample in GAZE]
    assert whole.scores()[0].value == pytest.approx(np.mean(each))
    alone = Gaze(1)
    assert np.isnan(scores(HEAT, alone[0].target, alone)["auc_shuffled"]), "of one picture there are no others"
    with pytest.raises(InputError, match="one map of the picture's size"):
        whole.update(GAZE[0].target, HEAT[:, 1:])
    with pytest.raises(InputError, match="scored against Fixations"):
        whole.update(HEAT, HEAT)


def test_osie_has_the_figures_that_it_is_published_with_here(shared: Path) -> None:
    """The middle 0.80 NSS; the map of subjects 0–7 scored on subjects 8–14, 3.49."""
    folder = shared / "data" / "osie"
    data = zoo.data.open(f"osie:{folder}", "test")
    assert [len(zoo.data.open(f"osie:{folder}", split)) for split in ("train", "val", "trainval")] == [500, 100, 600]
    with np.load(folder / "subjects.npz") as file:
        subjects = {stem: file[stem] for stem in file.files}
    rows, columns = (np.indices((300, 400)) + 0.5) / np.array([300, 400])[:, None, None]
    middle = np.exp(-((columns - 0.5) ** 2 + (rows - 0.5) ** 2) / (2 * 0.25**2))
    standard, centre, people = (middle - middle.mean()) / middle.std(), [], []
    for sample in data:
        x, y = sample.target.values.astype(int).T
        centre.append(standard[y, x].mean())
        first = subjects[sample.name] < 8
        density = Fixations(sample.target.values[first], sample.target.picture, sample.target.spread).density()
        people.append(((density - density.mean()) / density.std())[y[~first], x[~first]].mean())
    assert np.mean(centre) == pytest.approx(0.80, abs=0.005)
    assert np.mean(people) == pytest.approx(3.49, abs=0.005)
