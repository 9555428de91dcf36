"""U-Net as one writes it in PyTorch, trained as one trains there: the other side of `throughput.py --torch`.

The network of zoo/models/segmentation/unet.py, layer by layer, with that one's weights; under torch.compile, in channels_last,
AdamW fused, under autocast where the precision is not float32, its batches made by as many threads as ours. It works in a
process of its own, where Keras, which makes the batches, runs on PyTorch too and takes no memory of an accelerator from its
rival.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

Round = Callable[[int], float]  # number of the round → seconds
CHANNELS = (64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Told:
    """What `throughput.py` gives all its contestants."""

    data: str
    count: int  # samples of it
    size: tuple[int, int]
    batch: int
    precision: str
    rate: float
    decay: float
    clipnorm: float


@contextmanager
def torch_unet(weights: list[np.ndarray], told: Told, images: np.ndarray) -> Iterator[tuple[np.ndarray, Round]]:
    """The process while it runs: its answer to some images before it learns, and the round that it trains for."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, weights, told, images), daemon=True)
    process.start()
    theirs.close()

    def ask(number: int) -> float:
        ours.send(number)
        return ours.recv()

    try:
        yield ours.recv(), ask
    finally:
        with suppress(OSError):  # of a process that has ended by itself
            ours.send(None)
        process.join()


def _work(connection: Connection, weights: list[np.ndarray], told: Told, images: np.ndarray) -> None:
    """In the other process: answers once, then trains for a round and says its seconds for each number, until None comes."""
    os.environ["KERAS_BACKEND"] = "torch"  # before anything here imports Keras
    import torch

    network = filled(unet(weights[0].shape[2], weights[-1].shape[0]), weights)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device, memory_format=torch.channels_last)
    with torch.no_grad():
        connection.send(network.eval()(_placed(images, device)).permute(0, 2, 3, 1).cpu().numpy())
    round_of = _trainer(network.train(), device, told)
    for number in iter(connection.recv, None):
        connection.send(round_of(number))


def _placed(images: np.ndarray, device: str) -> torch.Tensor:
    """N×H×W×C of 0–255 as PyTorch sees it: a view, for channels_last is how they lie."""
    import torch

    return torch.from_numpy(images).to(device, non_blocking=True).permute(0, 3, 1, 2) / 127.5 - 1


def _trainer(network: torch.nn.Module, device: str, told: Told) -> Round:
    import torch
    from rows import First

    import zoo.data
    from zoo.training.prefetch import threads

    data = First(zoo.data.open(told.data), told.count)
    batches = zoo.data.Batches(data, told.batch, size=told.size, augment=zoo.data.Augment())
    optimizer = torch.optim.AdamW(network.parameters(), told.rate, weight_decay=told.decay, fused=True)
    low = None if told.precision == "float32" else getattr(torch, told.precision)
    scaler = torch.amp.GradScaler(device, enabled=low is torch.float16)

    @torch.compile
    def loss_of(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, low, enabled=low is not None):
            logits = network(images)
        return torch.nn.functional.cross_entropy(logits.float(), targets, ignore_index=batches.ignore)

    def train(number: int) -> float:
        began, total = time.perf_counter(), torch.zeros((), device=device)
        with ThreadPoolExecutor(threads(None)) as pool:  # ahead of the step, as tf.data does for ours with one thread too
            for images, targets in pool.map(lambda index: batches.batch(number, index), range(len(batches))):
                loss = loss_of(_placed(images, device), torch.from_numpy(targets).to(device).long())
                optimizer.zero_grad()
                scaler.scale(loss).backward()
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(network.parameters(), told.clipnorm)
                scaler.step(optimizer)
                scaler.update()
                total += loss.detach()
        float(total)  # waits for the device
        return time.perf_counter() - began

    return train


def unet(inputs: int, classes: int, widths: Sequence[int] = CHANNELS) -> torch.nn.Module:
    """The network with PyTorch's own random weights; its modules lie in the order of the Keras one's."""
    import torch
    from torch import nn

    def two(inputs: int, outputs: int) -> nn.Sequential:
        first, second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList(two(*pair) for pair in zip((inputs, *widths), widths, strict=False))
            pairs = [*zip(widths[::-1], widths[-2::-1], strict=False)]
            self.up = nn.ModuleList(
                nn.ModuleList((nn.ConvTranspose2d(deep, n, 2, stride=2), two(2 * n, n))) for deep, n in pairs
            )
            self.score = nn.Conv2d(widths[0], classes, 1)
            self.dropout = nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            skips: list[Any] = []
            for scale, convolutions in enumerate(self.down, start=1):
                x = convolutions(nn.functional.max_pool2d(skips[-1], 2, ceil_mode=True) if skips else x)
                skips.append(x := self.dropout(x) if scale >= 4 else x)
            for (upwards, convolutions), skip in zip(self.up, skips[-2::-1], strict=True):
                x = nn.functional.relu(upwards(x))[:, :, : skip.shape[2], : skip.shape[3]]
                x = convolutions(torch.cat((skip, x), dim=1))
            return self.score(x)

    return UNet()


def filled(network: torch.nn.Module, weights: Sequence[np.ndarray]) -> torch.nn.Module:
    """A network with the weights of the Keras one, in that one's order."""
    import torch

    # Keras has height, width, in, out; PyTorch out, in, height, width; transposed convolutions have out before in there, too.
    given = [np.transpose(array, (3, 2, 0, 1)) if array.ndim == 4 else array for array in weights]
    with torch.no_grad():
        for parameter, array in zip(network.parameters(), given, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)).reshape(parameter.shape))
    return network
