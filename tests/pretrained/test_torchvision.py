"""Weights of torchvision and timm in our networks: the same weights in, the same numbers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from command import says
from PIL import Image
from torchvision_models import randomized, their_answer, torchvision_models

import zoo
import zoo.weights
from zoo.analysis.model_card import table
from zoo.errors import InputError
from zoo.models.blocks.normalization import STATISTICS
from zoo.pretrained import torch_names, torchvision
from zoo.pretrained.imagenet import class_names
from zoo.pretrained.torch_files import read_state

IMAGENET, SYMMETRIC = STATISTICS["imagenet"], STATISTICS["symmetric"]
SMALL_TOP = {"fc": ((7, 32), (1, 32))}
SHALLOW = {"depths": (1, 1, 1, 1)}
NO_START = {"weights": None, "init_weights": False}


def dense(inputs: int, classes: int, *places: int) -> Any:
    """A top as AlexNet's and VGG's, narrow, with its dense layers at these places."""
    from torch import nn

    layers: list[nn.Module] = [nn.ReLU() for _ in range(places[-1] + 1)]
    for place, (before, after) in zip(places, ((inputs, 32), (32, 32), (32, classes)), strict=True):
        layers[place] = nn.Linear(before, after)
    layers[places[0] - 1 if places[0] else 1] = nn.Identity() if places[0] else nn.ReLU()
    return nn.Sequential(*layers)


def alexnet(models: Any) -> Any:
    import torch

    with torch.device("meta"):
        network = models.alexnet()
    network.classifier = dense(256 * 6 * 6, 7, 1, 4, 6)
    return network.to_empty(device="cpu")


def vgg(models: Any, name: str) -> Any:
    import torch

    with torch.device("meta"):
        network = getattr(models, name)()
    network.classifier = dense(512 * 7 * 7, 7, 0, 3, 6)
    return network.to_empty(device="cpu")


def shallow_resnet(models: Any, **options: Any) -> Any:
    resnet = models.resnet
    return resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=7, **options)


def shallow_fcn(models: Any) -> Any:
    """A segmenter on a dilated ResNet of four blocks, of torchvision's own parts."""
    backbone = shallow_resnet(models, replace_stride_with_dilation=[False, True, True])
    body = models._utils.IntermediateLayerGetter(backbone, {"layer4": "out"})
    return models.segmentation.fcn.FCN(body, models.segmentation.fcn.FCNHead(2048, 5))


def light(models: Any, name: str) -> Any:
    return getattr(models.segmentation, name)(weights=None, weights_backbone=None, num_classes=5)


# name: their network, ours and its options, the side of the images, their normalisation
Case = tuple[Callable[[Any], Any], str, Mapping[str, Any], int, tuple[Any, Any]]
CASES: dict[str, Case] = {
    "alexnet": (alexnet, "alexnet", {"fc": ((6, 32), (1, 32))}, 224, IMAGENET),
    "vgg16_bn": (lambda models: vgg(models, "vgg16_bn"), "vgg16", SMALL_TOP, 224, IMAGENET),
    "googlenet": (lambda models: models.googlenet(num_classes=7, **NO_START), "googlenet", {}, 64, SYMMETRIC),
    "resnet18": (lambda models: models.resnet18(num_classes=7), "resnet18", {}, 64, IMAGENET),
    "densenet": (lambda models: models.DenseNet(32, (1, 1, 1, 1), num_classes=7), "densenet121", SHALLOW, 64, IMAGENET),
    "mobilenet_v2": (lambda models: models.mobilenet_v2(num_classes=7), "mobilenet_v2", {}, 64, IMAGENET),
    "mobilenet_v3": (lambda models: models.mobilenet_v3_small(num_classes=7), "mobilenet_v3_small", {}, 64, IMAGENET),
    "efficientnet": (lambda models: models.efficientnet_b0(num_classes=7), "efficientnet_b0", {}, 64, IMAGENET),
    "fcn": (shallow_fcn, "fcn_resnet50", {"encoder_options": SHALLOW}, 65, IMAGENET),
    "deeplab": (
        lambda models: light(models, "deeplabv3_mobilenet_v3_large"), "deeplab_v3_mobilenet_v3", {}, 96, IMAGENET,
    ),
    "lraspp": (lambda models: light(models, "lraspp_mobilenet_v3_large"), "lraspp", {}, 96, IMAGENET),
}  # fmt: skip


def images_of(side: int) -> np.ndarray:
    """One image of sixteen flat patches, whose edges fall between pixels of every stride."""
    patches = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    return patches.repeat(side // 4 + 1, axis=1).repeat(side // 4 + 1, axis=2)[:, :side, :side]


@pytest.mark.parametrize("case", CASES)
def test_their_weights_give_their_numbers(case: str, tmp_path: Path) -> None:
    models = torchvision_models()
    import torch

    build, name, options, side, statistics = CASES[case]
    keras.backend.clear_session(free_memory=False)
    network = randomized(build(models))
    torch.save(network.state_dict(), tmp_path / "theirs.pth")
    ours = zoo.build(name, weights=f"torchvision:{tmp_path / 'theirs.pth'}", **options)
    images = images_of(side)
    expected = their_answer(network, images, statistics)
    answer = keras.ops.convert_to_numpy(ours(images, training=False))
    assert answer.shape == expected.shape and expected.std() > 0
    assert len(zoo.output_spec(ours).labels) == expected.shape[-1]
    np.testing.assert_allclose(answer, expected, atol=1e-4 * max(1.0, np.abs(expected).max()))


VARIANTS = (  # of torchvision under our names: of each family the deepest, and what is built of other parts
    "alexnet", "googlenet", "vgg19", "resnet34", "resnet152", "densenet201", "mobilenet_v2", "mobilenet_v3_large",
    "mobilenet_v3_small", "efficientnet_b7",
)  # fmt: skip
OTHER_NETWORKS = {"alexnet": 61_100_840, "googlenet": 6_624_904}  # which torchvision calls so, too


def test_every_variant_is_named_whole() -> None:
    """Each of their tensors has its place in one layer of ours, and there are as many parameters as on our cards."""
    models, cards = torchvision_models(), table()
    import torch

    for name in VARIANTS:
        with torch.device("meta"):
            network = getattr(models, name)(**({**NO_START, "aux_logits": False} if name == "googlenet" else {}))
        modules = dict.fromkeys(tensor.rpartition(".")[0] for tensor in network.state_dict())
        names = torchvision.source(name).family(modules)
        assert names.keys() == modules.keys() and len({*names.values()}) == len(names), name
        count = sum(parameter.numel() for parameter in network.parameters())
        assert count == OTHER_NETWORKS.get(name, cards[name].trainable), name


def test_timms_names_are_those_of_the_same_layers() -> None:
    stem, ends = ["conv_stem", "bn1"], {"conv_stem": "stem", "bn1": "stem_bn", "classifier": "fc"}
    first = [f"blocks.0.0.{part}" for part in ("conv_dw", "bn1", "se.conv_reduce", "se.conv_expand", "conv_pw", "bn2")]
    second = [f"blocks.1.0.{part}" for part in ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3")]
    blocks = {
        "blocks.0.0.conv_dw": "block0_depthwise", "blocks.0.0.bn1": "block0_depthwise_bn",
        "blocks.0.0.se.conv_reduce": "block0_se_reduce", "blocks.0.0.se.conv_expand": "block0_se_expand",
        "blocks.0.0.conv_pw": "block0_project", "blocks.0.0.bn2": "block0_project_bn",
        "blocks.1.0.conv_pw": "block1_expand", "blocks.1.0.bn1": "block1_expand_bn",
        "blocks.1.0.conv_dw": "block1_depthwise", "blocks.1.0.bn2": "block1_depthwise_bn",
        "blocks.1.0.conv_pwl": "block1_project", "blocks.1.0.bn3": "block1_project_bn",
    }  # fmt: skip
    efficientnet = torch_names.inverted_residuals(sorted([*stem, *first, *second, "conv_head", "bn2", "classifier"]))
    assert efficientnet == {**blocks, **ends, "conv_head": "last", "bn2": "last_bn"}
    mobilenet_v3 = torch_names.inverted_residuals(
        sorted([*stem, *first, *second, "blocks.2.0.conv", "blocks.2.0.bn1", "conv_head", "classifier"])
    )
    assert mobilenet_v3 == {
        **blocks, **ends, "blocks.2.0.conv": "last", "blocks.2.0.bn1": "last_bn", "conv_head": "hidden",
    }  # fmt: skip


def save_resnet(path: Path, **options: Any) -> Any:
    network = randomized(shallow_resnet(torchvision_models(), **options))
    import torch

    torch.save({"epoch": 3, "model": {f"module.{name}": value for name, value in network.state_dict().items()}}, path)
    return network


def test_an_encoder_comes_out_of_a_classifiers_file(tmp_path: Path) -> None:
    """Under a decoder with its graph in their form; into a network of another form it is refused."""
    save_resnet(tmp_path / "theirs.pth")
    weights = f"torchvision:{tmp_path / 'theirs.pth'}"
    segmenter = zoo.build("unet", 3, encoder="resnet50", encoder_options=SHALLOW, encoder_weights=weights)
    stem = read_state(tmp_path / "theirs.pth")["conv1.weight"]
    np.testing.assert_array_equal(segmenter.get_layer("stem").get_weights()[0], stem.transpose(2, 3, 1, 0))
    other = zoo.build("unet", 3, encoder="resnet50", encoder_options={**SHALLOW, "statistics": "imagenet_mean"})
    with pytest.raises(InputError, match="'normalise' has scale"):
        zoo.weights.load_encoder(other, "resnet50", weights, **SHALLOW)


def test_classes_are_the_files(tmp_path: Path) -> None:
    save_resnet(tmp_path / "theirs.pth")
    weights = f"torchvision:{tmp_path / 'theirs.pth'}"
    assert len(zoo.output_spec(zoo.build("resnet50", weights=weights, **SHALLOW)).labels) == 7
    with pytest.warns(UserWarning, match="fc stays at random"):
        zoo.build("resnet50", 3, weights=weights, **SHALLOW)
    assert class_names()[:2] == ("tench", "goldfish") and len(class_names()) == 1000


def test_another_network_is_refused_by_a_layer(tmp_path: Path) -> None:
    save_resnet(tmp_path / "theirs.pth")
    weights = f"torchvision:{tmp_path / 'theirs.pth'}"
    with pytest.raises(InputError, match="no weights for 'stage1_block2_conv1'"):
        zoo.build("resnet50", weights=weights, depths=(2, 1, 1, 1))
    with pytest.raises(InputError, match="unknown encoder with PyTorch weights 'seresnet50'"):
        zoo.build("seresnet50", weights=weights)
    with pytest.raises(InputError, match=r"zoo\.build"):
        zoo.weights.load_weights(zoo.build("resnet50", **SHALLOW), weights)


def test_the_command_makes_a_phones_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """PyTorch weights and a folder of pictures in, an int8 file and its report out."""
    network = randomized(torchvision_models().mobilenet_v3_small(num_classes=7))
    import torch

    torch.save(network.state_dict(), tmp_path / "theirs.pth")
    for number, picture in enumerate(np.random.default_rng(0).integers(0, 256, (3, 50, 60, 3), np.uint8)):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    options = ("--quantize", "int8", "--size", "64", "--calibration", tmp_path, "--out", tmp_path / "small.tflite")
    weights = f"torchvision:{tmp_path / 'theirs.pth'}"
    status, out, err = says(monkeypatch, capsys, "convert", "mobilenet_v3_small", "--weights", weights, *options)
    assert status == 0, err
    assert (tmp_path / "small.tflite").is_file() and "small.tflite: int8" in out and "cosine" in out
