"""Every loss against scikit-learn or its definition in plain numpy, with an ignore label."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, label
from sklearn.metrics import log_loss

from zoo import losses
from zoo.errors import InputError

CLASSES, IGNORE = 4, 255
EVERY_LOSS = [
    losses.SegmentationCrossEntropy(IGNORE),
    losses.SegmentationCrossEntropy(IGNORE, class_weights=[1, 2, 0.5, 3], label_smoothing=0.1),
    losses.FocalLoss(IGNORE, gamma=2, class_weights=[1, 2, 0.5, 3]),
    losses.FocalLoss(IGNORE, gamma=0.5),
    losses.HardPixelCrossEntropy(IGNORE, threshold=0.5, least=0.25),
    losses.DiceLoss(IGNORE),
    losses.LovaszSoftmax(IGNORE),
    losses.WeightedSum([losses.SegmentationCrossEntropy(IGNORE), losses.DiceLoss(IGNORE)], [1, 0.5]),
    losses.BoundaryLoss(IGNORE),
    losses.WeightedSum([losses.BoundaryLoss(IGNORE), losses.DiceLoss(IGNORE), losses.BoundaryLoss(IGNORE)]),
    losses.BorderWeightedCrossEntropy(IGNORE, class_weights=[1, 2, 0.5, 1]),
]
every_loss = pytest.mark.parametrize("loss", EVERY_LOSS, ids=lambda loss: loss.__class__.__name__)


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    """Targets 2×5×6 with ignored pixels and class 3 in none of them; logits of some size."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, CLASSES - 1, (2, 5, 6))
    target[rng.random(target.shape) < 0.3] = IGNORE
    return target.astype(np.uint8), rng.normal(0, 2, (2, 5, 6, CLASSES)).astype(np.float32)


def flat(target: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that count: labels P and float64 probabilities P×classes."""
    keep = target != IGNORE
    logits = logits[keep].astype(np.float64)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return target[keep].astype(int), exponents / exponents.sum(axis=1, keepdims=True)


def right(label: np.ndarray, chance: np.ndarray) -> np.ndarray:
    return chance[np.arange(len(label)), label]


def value(loss, target, logits) -> float:
    target = losses.prepared(loss, np.asarray(target), logits.shape[-1])
    return float(keras.ops.convert_to_numpy(loss(target, logits)))


def gradient(loss, target, logits) -> np.ndarray:
    """d loss / d logits, by whatever backend runs."""
    target = losses.prepared(loss, np.asarray(target), logits.shape[-1])
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: loss(target, x))(logits))
    tf = pytest.importorskip("tensorflow")
    x = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = loss(target, x)
    return tape.gradient(out, x).numpy()


def test_cross_entropy_is_scikit_learns_log_loss(batch):
    label, chance = flat(*batch)
    assert value(losses.SegmentationCrossEntropy(IGNORE), *batch) == pytest.approx(
        log_loss(label, chance, labels=range(CLASSES)), abs=1e-6
    )


def test_cross_entropy_with_class_weights_is_the_weighted_mean(batch):
    weights = np.array([1, 2, 0.5, 3])
    label, chance = flat(*batch)
    loss = losses.SegmentationCrossEntropy(IGNORE, class_weights=weights)
    expected = log_loss(label, chance, labels=range(CLASSES), sample_weight=weights[label])
    assert value(loss, *batch) == pytest.approx(expected, abs=1e-6)
    doubled = losses.SegmentationCrossEntropy(IGNORE, class_weights=2 * weights)
    assert value(doubled, *batch) == pytest.approx(expected, abs=1e-6)
    assert value(losses.SegmentationCrossEntropy(IGNORE), *batch) != pytest.approx(expected, abs=1e-3)


def test_label_smoothing_is_cross_entropy_with_a_smoothed_target(batch):
    label, chance = flat(*batch)
    smooth = 0.9 * np.eye(CLASSES)[label] + 0.1 / CLASSES
    expected = -(smooth * np.log(chance)).sum(axis=1).mean()
    loss = losses.SegmentationCrossEntropy(IGNORE, label_smoothing=0.1)
    assert value(loss, *batch) == pytest.approx(expected, abs=1e-6)


def test_label_smoothing_with_class_weights_follows_pytorch(batch):
    weights = np.array([1, 2, 0.5, 3])
    label, chance = flat(*batch)
    surprise = -np.log(chance)
    total = weights[label].sum()
    hard = (weights[label] * right(label, surprise)).sum() / total
    smooth = (surprise * weights).sum() / CLASSES / total
    loss = losses.SegmentationCrossEntropy(IGNORE, class_weights=weights, label_smoothing=0.2)
    assert value(loss, *batch) == pytest.approx(0.8 * hard + 0.2 * smooth, abs=1e-6)


def test_cross_entropy_takes_classification_targets():
    logits, label = np.random.default_rng(1).normal(size=(7, CLASSES)).astype(np.float32), np.arange(7) % CLASSES
    got = value(losses.SegmentationCrossEntropy(None), label, logits)
    assert got == pytest.approx(log_loss(*flat(label, logits), labels=range(CLASSES)), abs=1e-6)


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_focal_loss_is_its_formula(batch, gamma):
    label, chance = flat(*batch)
    p = right(label, chance)
    expected = ((1 - p) ** gamma * -np.log(p)).mean()
    assert value(losses.FocalLoss(IGNORE, gamma=gamma), *batch) == pytest.approx(expected, abs=1e-6)


def test_hard_pixels_are_those_below_the_threshold(batch):
    label, chance = flat(*batch)
    p = right(label, chance)
    expected = -np.log(p[p <= 0.5]).mean()
    got = value(losses.HardPixelCrossEntropy(IGNORE, threshold=0.5, least=0.01), *batch)
    assert got == pytest.approx(expected, abs=1e-6)


def test_at_least_a_share_of_the_pixels_is_hard(batch):
    label, chance = flat(*batch)
    worst = np.sort(-np.log(right(label, chance)))[::-1]
    kept = int(np.ceil(0.25 * len(worst)))
    got = value(losses.HardPixelCrossEntropy(IGNORE, threshold=1e-6, least=0.25), *batch)
    assert got == pytest.approx(worst[:kept].mean(), abs=1e-6)


def test_dice_is_its_formula_over_the_classes_present(batch):
    label, chance = flat(*batch)
    truth = np.eye(CLASSES)[label]
    dice = (2 * (truth * chance).sum(0) + 1) / (truth.sum(0) + chance.sum(0) + 1)
    expected = (1 - dice)[truth.sum(0) > 0].mean()
    assert value(losses.DiceLoss(IGNORE), *batch) == pytest.approx(expected, abs=1e-6)


def test_lovasz_is_the_extension_of_the_jaccard_loss(batch):
    label, chance = flat(*batch)
    per_class = []
    for c in np.unique(label):
        truth = label == c
        errors = np.abs(truth - chance[:, c])
        order = np.argsort(-errors)

        def jaccard_loss(wrong: np.ndarray, truth: np.ndarray = truth) -> float:  # of the set of pixels that are wrong
            return wrong.sum() / (truth | wrong).sum()

        sets = [np.isin(np.arange(len(label)), order[: k + 1]) for k in range(len(label))]
        steps = np.diff([0, *(jaccard_loss(wrong) for wrong in sets)])
        per_class.append((errors[order] * steps).sum())
    assert value(losses.LovaszSoftmax(IGNORE), *batch) == pytest.approx(np.mean(per_class), abs=1e-5)


def test_lovasz_of_hard_errors_is_one_minus_iou():
    target = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    predicted = np.array([0, 0, 1, 1, 1, 0, 1, 0])
    logits = 100 * np.eye(2, dtype=np.float32)[predicted]
    iou = [3 / 5, 3 / 5]
    assert value(losses.LovaszSoftmax(None), target, logits) == pytest.approx(1 - np.mean(iou), abs=1e-6)


def test_boundary_loss_is_its_formula(batch):
    """Distances by looking at every pair of pixels; an ignored pixel is near to nobody."""
    target, logits = batch
    total, count = 0.0, 0
    for mask, map_ in zip(target, logits, strict=True):
        keep = mask != IGNORE
        places, (label, chance) = np.argwhere(keep), flat(mask, map_)
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
        for c in np.unique(label):
            of_class = label == c
            outside, inside = apart[:, of_class].min(axis=1), apart[:, ~of_class].min(axis=1)
            total += (chance[:, c] * np.where(of_class, 1 - inside, outside)).sum()
        count += keep.sum()
    assert value(losses.BoundaryLoss(IGNORE), *batch) == pytest.approx(total / count / CLASSES, abs=1e-5)


def test_without_ignored_pixels_distances_are_the_authors():
    """Kervadec's one_hot2dist: distance to the class outside, minus (distance to the rest - 1) inside."""
    target = np.kron(np.random.default_rng(0).integers(0, 3, (4, 6)), np.ones((5, 7), int))
    got = losses.BoundaryLoss(None).prepare(target[None], 4)[0]
    np.testing.assert_array_equal(got[..., 0], target)
    for c in range(3):
        inside = target == c
        expected = distance_transform_edt(~inside) * ~inside - (distance_transform_edt(inside) - 1) * inside
        np.testing.assert_allclose(got[..., 1 + c], expected, atol=1e-5)
    assert not got[..., 4].any()  # in no pixel
    assert not losses.BoundaryLoss(None).prepare(np.ones((1, 5, 5), int), 4)[..., 1:].any()  # fills the picture


def test_boundary_loss_of_the_target_itself_is_lowest():
    target = np.zeros((1, 12, 12), int)
    target[:, 3:9, 3:9] = 1
    answers = [np.roll(target, shift, axis=1) for shift in range(4)]
    found = [value(losses.BoundaryLoss(None), target, 100 * np.eye(2, dtype=np.float32)[each]) for each in answers]
    assert found == sorted(found) and found[0] < 0


@pytest.mark.parametrize("loss", [losses.BoundaryLoss(IGNORE), losses.BorderWeightedCrossEntropy(IGNORE)])
def test_masks_that_were_not_prepared_are_refused(loss, batch):
    with pytest.raises(InputError, match=r"loss\.prepare\(masks, classes\)"):
        loss(*batch)


def test_border_weights_are_the_papers_equation():
    """Every pixel's distance to every object by looking at all pairs of pixels."""
    rng = np.random.default_rng(1)
    target = np.zeros((1, 24, 30), int)
    for top, left in ((2, 3), (2, 11), (10, 4), (11, 14), (3, 22)):
        target[0, top : top + int(rng.integers(4, 8)), left : left + int(rng.integers(4, 7))] = 1
    target[0, -1] = IGNORE
    weights = losses.BorderWeightedCrossEntropy(IGNORE, class_weights=[0.5, 2], sigma=3).prepare(target, 2)[0]
    np.testing.assert_array_equal(weights[..., 0], target[0])
    parts, count = label(target[0] == 1)
    assert count == 5
    pixels = np.argwhere(np.ones_like(target[0]))
    apart = [np.linalg.norm(pixels[:, None] - np.argwhere(parts == n)[None], axis=-1).min(axis=1) for n in range(1, count + 1)]
    first, second = np.sort(apart, axis=0)[:2].reshape(2, *target[0].shape)
    border = 10 * np.exp(-((first + second) ** 2) / (2 * 3**2))
    expected = np.where(target[0] == 1, 2, 0.5 + border)
    known = target[0] != IGNORE
    np.testing.assert_allclose(weights[known, 1], expected[known], atol=1e-5)
    np.testing.assert_array_equal(weights[..., 1], weights[..., 2])
    assert weights[known, 1].max() > 5


def test_border_weighted_loss_is_the_weighted_mean(batch):
    target, logits = batch
    loss = losses.BorderWeightedCrossEntropy(IGNORE, sigma=2)
    weights, total, weight = loss.prepare(target, CLASSES)[..., 1], 0.0, 0.0
    for mask, map_, own in zip(target, logits, weights, strict=True):
        kept = own[mask != IGNORE]
        total += (-np.log(right(*flat(mask, map_))) * kept).sum()
        weight += kept.sum()
    assert value(loss, *batch) == pytest.approx(total / weight, abs=1e-5)
    plain = losses.BorderWeightedCrossEntropy(IGNORE, w0=0)
    assert value(plain, *batch) == pytest.approx(value(losses.SegmentationCrossEntropy(IGNORE), *batch), abs=1e-6)


def test_one_sum_holds_one_kind_of_prepared_targets():
    with pytest.raises(InputError, match="BorderWeightedCrossEntropy and BoundaryLoss each make something else"):
        losses.WeightedSum([losses.BoundaryLoss(), losses.BorderWeightedCrossEntropy()])


def test_one_hot_targets_are_refused(batch):
    with pytest.raises(InputError, match="4 channels for 4 classes; class indices are expected"):
        losses.DiceLoss(IGNORE)(np.ones_like(batch[1]), batch[1])


def test_weighted_sum_adds(batch):
    parts = losses.SegmentationCrossEntropy(IGNORE), losses.DiceLoss(IGNORE)
    both = losses.WeightedSum(parts, [2, 0.5])
    assert value(both, *batch) == pytest.approx(2 * value(parts[0], *batch) + 0.5 * value(parts[1], *batch), abs=1e-5)


@every_loss
def test_what_stands_at_an_ignored_pixel_changes_nothing(loss, batch):
    target, logits = batch
    other = np.where((target == IGNORE)[..., None], 50 * np.random.default_rng(2).normal(size=logits.shape), logits)
    assert value(loss, target, other.astype(np.float32)) == pytest.approx(value(loss, target, logits), abs=1e-6)
    assert not gradient(loss, target, logits)[target == IGNORE].any()


@every_loss
def test_a_batch_that_is_all_ignored_is_exactly_zero(loss, batch):
    _, logits = batch
    target = np.full(logits.shape[:-1], IGNORE)
    assert value(loss, target, logits) == 0.0
    slope = gradient(loss, target, logits)
    assert np.isfinite(slope).all()
    assert not slope.any()


@every_loss
def test_gradient_is_finite_and_points_downhill(loss, batch):
    target, logits = batch
    slope = gradient(loss, target, 10 * logits)
    assert np.isfinite(slope).all()
    step = logits - 0.5 * gradient(loss, target, logits)
    assert value(loss, target, step) < value(loss, target, logits)


@every_loss
def test_a_target_that_is_no_class_is_nan(loss, batch):
    target, logits = batch
    target[0, 0, 0] = CLASSES
    assert np.isnan(value(loss, target, logits))


@every_loss
def test_half_precision_logits_are_measured_in_float32(loss, batch):
    target, logits = batch
    half = keras.ops.cast(logits, "float16")
    got = loss(losses.prepared(loss, target, CLASSES), half)
    assert keras.backend.standardize_dtype(got.dtype) == "float32"
    exact = value(loss, target, keras.ops.convert_to_numpy(half).astype(np.float32))
    assert value(loss, target, half) == pytest.approx(exact, abs=1e-6)


@every_loss
def test_a_loss_survives_serialisation(loss, batch):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss)
    assert value(again, *batch) == value(loss, *batch)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.SegmentationCrossEntropy(class_weights=[1, -1]), "class_weights"),
        (lambda: losses.SegmentationCrossEntropy(class_weights=[1, np.nan]), "class_weights"),
        (lambda: losses.SegmentationCrossEntropy(label_smoothing=1), "label_smoothing=1"),
        (lambda: losses.FocalLoss(gamma=-1), "gamma=-1"),
        (lambda: losses.HardPixelCrossEntropy(least=0), "least=0"),
        (lambda: losses.WeightedSum([]), "at least one"),
        (lambda: losses.BorderWeightedCrossEntropy(sigma=0), "sigma=0"),
        (
            lambda: losses.BorderWeightedCrossEntropy(class_weights=[1, 1]).prepare(np.zeros((1, 4, 4), int), 3),
            "2 class weights",
        ),
        (
            lambda: losses.SegmentationCrossEntropy(class_weights=[1, 1])(np.zeros(3), np.zeros((3, 4))),
            "2 class weights",
        ),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


class Pictures:
    """Targets only."""

    name, classes, ignore = "pictures", ("a", "b", "c", "never"), IGNORE

    def __init__(self, *targets):
        self.targets = targets

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        from types import SimpleNamespace

        return SimpleNamespace(target=np.array(self.targets[index], np.uint8), name=f"picture {index}")


def test_class_weights_by_median_frequency():
    data = Pictures([[0, 0, 0, 1]], [[0, 2, 255, 255]])
    frequency = np.array([4 / 6, 1 / 4, 1 / 2])  # of the pixels of the images that hold the class
    expected = np.median(frequency) / frequency
    np.testing.assert_allclose(losses.class_weights_from(data, "median"), [*expected, 1])
    np.testing.assert_allclose(losses.class_weights_from(data), [*np.sqrt(expected), 1])
    share = np.array([4, 1, 1]) / 6
    np.testing.assert_allclose(losses.class_weights_from(data, "enet"), [*(1 / np.log(1.02 + share)), 1])


def test_class_weights_need_a_known_rule_and_a_pixel():
    with pytest.raises(InputError, match="sqrt_median"):
        losses.class_weights_from(Pictures([[0]]), "sqrt_medain")
    with pytest.raises(InputError, match="no pixel"):
        losses.class_weights_from(Pictures([[255, 255]]))
    with pytest.raises(InputError, match="picture 0: holds class 9"):
        losses.class_weights_from(Pictures([[9, 0]]))
