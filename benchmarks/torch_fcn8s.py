"""FCN-8s on VGG-16 as one writes it in PyTorch: the other side of `gpu_kit.py`, beside `torch_unet.py`.

The network of zoo/models/segmentation/fcn.py with padding="same", layer by layer, for sides that 32 divides; its modules lie in
the order of the Keras one's weights, so that `torch_unet.filled` puts them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and convolutions of each stage


def fcn8s(inputs: int, classes: int, stages: Sequence[tuple[int, int]] = VGG16, hidden: int = 4096) -> torch.nn.Module:
    """The network with PyTorch's own random weights.

    Args:
        inputs: channels of the image, its mean subtracted.
        classes: channels of the answer.
        stages: channels and convolutions of each of the encoder's stages.
        hidden: channels of the two layers that were fully connected.
    """
    from torch import nn

    def up(factor: int) -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(classes, classes, 2 * factor, factor, factor // 2, bias=False)

    class FCN8s(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages, before = nn.ModuleList(), inputs
            for channels, depth in stages:
                layers: list[nn.Module] = []
                for _ in range(depth):
                    layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
                    before = channels
                self.stages.append(nn.Sequential(*layers, nn.MaxPool2d(2)))
            fc6, fc7 = nn.Conv2d(before, hidden, 7, padding=3), nn.Conv2d(hidden, hidden, 1)
            self.hidden = nn.Sequential(fc6, nn.ReLU(), nn.Dropout(0.5), fc7, nn.ReLU(), nn.Dropout(0.5))
            self.score = nn.Conv2d(hidden, classes, 1)
            self.upscore_s16 = up(2)
            self.score_s16 = nn.Conv2d(stages[3][0], classes, 1)
            self.upscore_s8 = up(2)
            self.score_s8 = nn.Conv2d(stages[2][0], classes, 1)
            self.upscore_x8 = up(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            maps = []
            for stage in self.stages:
                maps.append(x := stage(x))
            x = self.upscore_s16(self.score(self.hidden(x))) + self.score_s16(maps[3])
            return self.upscore_x8(self.upscore_s8(x) + self.score_s8(maps[2]))

    return FCN8s()
