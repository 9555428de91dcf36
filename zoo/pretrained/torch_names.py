"""PyTorch's names of our layers: a family of networks a function, from the modules of a state dict to layers of ours.

torchvision's names, and timm's where these are others. A module that no rule knows has no layer; whoever copies weights sees
to it that every layer of ours gets some. "features." and "backbone." in front are no part of a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

Names = dict[str, str]  # module of theirs → layer of ours
Family = Callable[[Iterable[str]], Names]
_PREFIX = re.compile(r"^(features|backbone)\.")
_BLOCK = re.compile(r"(?:(\d+)\.)?(\d+)\.(?:conv|block)\.(.+)")  # torchvision: stage where there are stages, block, module
_TIMM_BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.(.+)")
_TIMM_ORDER = ("conv_pw", "conv_dw", "conv_pwl")  # of an inverted residual; the first block has conv_dw, conv_pw
_SQUEEZE = {"fc1": "se_reduce", "fc2": "se_expand", "conv_reduce": "se_reduce", "conv_expand": "se_expand"}
_PARTS = ("expand", "depthwise", "project")  # of our blocks; the first block of a network may have no expansion


def resnet(modules: Iterable[str]) -> Names:
    """ResNet and what its blocks are of: "layer1.0.conv1", "layer1.0.downsample.0"."""
    plain = {"conv1": "stem", "bn1": "stem_bn", "fc": "fc"}

    def block(match: re.Match[str]) -> str:
        stage, index, part, number = match.groups()
        name = f"stage{stage}_block{int(index) + 1}"
        shortcut = "_shortcut_bn" if number == "1" else "_shortcut"
        return name + {"conv": f"_conv{number}", "bn": f"_conv{number}_bn", "downsample.": shortcut}[part]

    return _translated(modules, plain, {r"layer(\d)\.(\d+)\.(conv|bn|downsample\.)(\d)": block})


def densenet(modules: Iterable[str]) -> Names:
    """DenseNet: "denseblock1.denselayer1.norm1", or "norm.1" as in the published files."""
    plain = {"conv0": "stem", "norm0": "stem_bn", "norm5": "block4_bn", "classifier": "fc"}
    kinds = {"norm": "bn", "conv": "conv"}
    return _translated(modules, plain, {
        r"denseblock(\d)\.denselayer(\d+)\.(norm|conv)\.?(\d)": lambda m: f"block{m[1]}_layer{m[2]}_{m[4]}_{kinds[m[3]]}",
        r"transition(\d)\.norm": lambda m: f"block{m[1]}_bn",
        r"transition(\d)\.conv": lambda m: f"transition{m[1]}",
    })  # fmt: skip


def alexnet(modules: Iterable[str]) -> Names:
    """AlexNet of 2014: convolutions and dense layers by their place in a Sequential."""
    convolutions = {str(place): f"conv{number}" for number, place in enumerate((0, 3, 6, 8, 10), start=1)}
    return _translated(modules, convolutions | {f"classifier.{place}": f"fc{n}" for n, place in enumerate((1, 4, 6), start=6)})


def vgg(modules: Iterable[str]) -> Names:
    """VGG, with and without batch normalisation: a stage ends where one more place is taken, by its pooling."""
    modules = list(modules)
    tops = ("classifier.0", "classifier.3", "classifier.6"), ("pre_logits.fc1", "pre_logits.fc2", "head.fc")
    names = {module: f"fc{number}" for top in tops for number, module in enumerate(top, start=6) if module in modules}
    places = sorted(int(place) for place in map(_stripped, modules) if place.isdigit())
    normalized = 1 in places  # right behind the first convolution
    convolutions = places[::2] if normalized else places
    stage, number, before = 1, 0, None
    for place in convolutions:
        if before is not None and place - before > (3 if normalized else 2):
            stage, number = stage + 1, 0
        number, before = number + 1, place
        names[f"features.{place}"] = f"conv{stage}_{number}"
        if normalized:
            names[f"features.{place + 1}"] = f"conv{stage}_{number}_bn"
    return names


def googlenet(modules: Iterable[str]) -> Names:
    """GoogLeNet: "inception3a.branch2.0.conv"; its auxiliary classifiers stay out."""
    branches = {
        "1": "1x1", "2.0": "3x3_reduce", "2.1": "3x3", "3.0": "5x5_reduce", "3.1": "5x5", "4.1": "pool_project",
    }  # fmt: skip
    stem = {"1": "conv1", "2": "conv2_reduce", "3": "conv2"}
    end = {"conv": "", "bn": "_bn"}
    return _translated(modules, {"fc": "fc"}, {
        r"inception(\d\w)\.branch([\d.]+)\.(conv|bn)": lambda m: f"inception_{m[1]}_{branches[m[2]]}{end[m[3]]}",
        r"conv(\d)\.(conv|bn)": lambda m: stem[m[1]] + end[m[2]],
    })  # fmt: skip


def inverted_residuals(modules: Iterable[str]) -> Names:
    """MobileNetV2 and V3, EfficientNet: blocks in order, in each convolutions and normalisations in order."""
    modules = list(modules)
    names: Names = {}
    blocks: dict[tuple[int, int], dict[str, str]] = {}  # by place: what a module is called inside → the module
    for module in modules:
        match = _TIMM_BLOCK.fullmatch(module) or _BLOCK.fullmatch(_stripped(module))
        if match and not module.startswith("classifier."):
            blocks.setdefault((int(match[1] or 0), int(match[2])), {})[match[3]] = module
    timm = any(module.startswith("blocks.") for module in modules)
    last = timm and {"conv", "bn1"} == set(blocks.get(max(blocks, default=(0, 0)), ()))  # how timm's MobileNetV3 ends
    if last:
        inside = blocks.pop(max(blocks))
        names |= {inside["conv"]: "last", inside["bn1"]: "last_bn"}
    for number, place in enumerate(sorted(blocks)):
        names |= _block(f"block{number}", blocks[place], timm)
    if timm:
        head = {"conv_head": "hidden"} if last else {"conv_head": "last", "bn2": "last_bn"}
        return names | _translated(modules, {"conv_stem": "stem", "bn1": "stem_bn", "classifier": "fc", **head})
    outside = [m for m in modules if re.fullmatch(r"\d+\.[01]", _stripped(m))]  # stem and last: a convolution, normalisation
    ends = sorted({int(_stripped(module).partition(".")[0]) for module in outside})
    for index, name in zip((*ends[:1], *ends[1:][-1:]), ("stem", "last"), strict=False):
        names |= _translated(modules, {f"{index}.0": name, f"{index}.1": f"{name}_bn"})
    return names | _translated(
        modules, {"classifier.0": "hidden", "classifier.3": "fc"} if "classifier.3" in modules else {"classifier.1": "fc"}
    )


def _block(name: str, inside: Mapping[str, str], timm: bool) -> Names:
    """One inverted residual: its convolutions are expansion, depthwise and projection, counted from the end."""
    ends = {module: part.rpartition(".")[2] for part, module in inside.items()}
    squeezes = {module: _SQUEEZE[end] for module, end in ends.items() if end in _SQUEEZE}
    rest = [part for part, module in inside.items() if module not in squeezes]
    if timm:
        convolutions = [part for part in _TIMM_ORDER if part in rest]
        if "conv_pwl" not in rest:
            convolutions.reverse()  # depthwise first
        norms = sorted(part for part in rest if part.startswith("bn"))
    else:  # each convolution stands right before its normalisation
        ordered = sorted(rest, key=lambda part: tuple(map(int, part.split("."))))
        convolutions, norms = ordered[::2], ordered[1::2]
    parts = _PARTS[-len(convolutions) :] if convolutions else ()
    ours = {inside[part]: f"{name}_{ours}" for part, ours in zip(convolutions, parts, strict=False)}
    ours |= {inside[part]: f"{name}_{ours}_bn" for part, ours in zip(norms, parts, strict=False)}
    return ours | {module: f"{name}_{part}" for module, part in squeezes.items()}


FCN_HEAD = {"classifier.0": "head", "classifier.1": "head_bn", "classifier.4": "score"}
LRASPP_HEAD = {
    "classifier.cbr.0": "project",
    "classifier.cbr.1": "project_bn",
    "classifier.scale.1": "gate",
    "classifier.low_classifier": "score_s8",
    "classifier.high_classifier": "score",
}


def deeplab_head(rates: Iterable[int]) -> Names:
    """The pyramid and what stands behind it; our branches are named after their rates."""
    branches = ["aspp_1x1", *(f"aspp_rate{rate}" for rate in rates)]
    names = {}
    for number, branch in enumerate(branches):
        names |= _with_norm(f"classifier.0.convs.{number}", branch)
    names |= _with_norm(f"classifier.0.convs.{len(branches)}", "aspp_image", first=1)
    names |= _with_norm("classifier.0.project", "aspp_project")
    return names | _with_norm("classifier", "refine", first=1) | {"classifier.4": "score"}


def _with_norm(prefix: str, name: str, first: int = 0) -> Names:
    return {f"{prefix}.{first}": name, f"{prefix}.{first + 1}": f"{name}_bn"}


def _stripped(module: str) -> str:
    return _PREFIX.sub("", module)


def _translated(
    modules: Iterable[str],
    plain: Mapping[str, str],
    patterns: Mapping[str, Callable[[re.Match[str]], str]] | None = None,
) -> Names:
    """Modules whose name, without what stands in front of all, is a key of `plain` or matches one of the patterns."""
    names = {}
    for module in modules:
        name = _stripped(module)
        if name in plain:
            names[module] = plain[name]
        for pattern, ours in (patterns or {}).items():
            if match := re.fullmatch(pattern, name):
                names[module] = ours(match)
    return names
