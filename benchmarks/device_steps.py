"""Ceilings of a device, and training steps of two networks beneath them: ours under JAX, PyTorch's under torch.compile.

A step here is forward, backward and AdamW on one batch that lies on the device already: what the network costs, nothing else.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras
    import torch

Row = dict[str, Any]
RATE, DECAY, CLIPNORM = 1e-3, 1e-2, 1.0  # of AdamW: what `zoo.train` takes by default
NETWORKS = ("unet", "fcn8s")
TINY = {  # to rehearse with: options of ours, and arguments of PyTorch's
    "unet": ({"width": 0.125}, {"widths": (8, 16, 32, 64, 128)}),
    "fcn8s": (
        {"encoder_options": {"width": 0.125, "fc": ((7, 32), (1, 32))}},
        {"stages": ((8, 2), (16, 2), (32, 3), (64, 3), (64, 3)), "hidden": 32},
    ),
}
HALF = 2  # bytes of a bfloat16
VISITS = 6  # of every activation in a step: written and read forward, written and read twice backward


@dataclass(frozen=True)
class Load:
    """The load of a step: the size (H, W) of its images, how many, their classes; narrow networks for a rehearsal."""

    size: tuple[int, int]
    batch: int
    classes: int = 21
    tiny: bool = False

    def build(self, name: str) -> keras.Model:
        """Our network for it."""
        import zoo

        return zoo.build(name, self.classes, input_shape=(*self.size, 3), **(TINY[name][0] if self.tiny else {}))

    def macs(self, name: str) -> int:
        """Multiply-accumulates of an answer of that network, without memory for its weights."""
        import zoo
        from zoo.analysis.weightless import weightless

        with weightless():
            return zoo.macs(self.build(name), self.size)


def ceilings(copied: int) -> Row:
    """What the device can do at most: bytes a second of a copy, read and written, and MACs a second of a bfloat16 product.

    Args:
        copied: bytes of the array that is copied.
    """
    import jax
    import jax.numpy as jnp

    from zoo.training.recipe_runner import machine
    from zoo.training.throughput import peak

    source = jnp.zeros(copied // 4, jnp.float32)
    copy = jax.jit(jnp.copy)
    copy(source).block_until_ready()
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        copy(source).block_until_ready()
        seconds.append(time.perf_counter() - began)
    rate = 2 * copied / min(seconds)
    return {"machine": machine(), "bytes_per_second": rate, "bfloat16_macs_per_second": peak("bfloat16")}


def predicted(name: str, load: Load, limits: Row) -> Row:
    """The images a second that a network should reach beneath the ceilings, written down before it runs.

    A step cannot be faster than its arithmetic at the product's rate, nor than its activations' way through memory at the
    copy's; no time of the one is hidden behind the other, which is what a compiler gains or loses against.
    """
    import keras

    import zoo
    from zoo.analysis.weightless import weightless
    from zoo.training.throughput import STEP

    with weightless():
        model = load.build(name)
        outputs = [layer.output for layer in model.layers]
        activations = sum(math.prod(output.shape[1:]) for output in outputs if isinstance(output, keras.KerasTensor))
        work, parameters = zoo.macs(model, load.size), model.count_params()
    arithmetic = STEP * work / limits["bfloat16_macs_per_second"]
    traffic = VISITS * HALF * activations / limits["bytes_per_second"]
    update = 7 * 4 * parameters / limits["bytes_per_second"] / load.batch  # weights, gradients and AdamW's moments
    rate = 1 / (arithmetic + traffic + update)
    return {"network": name, "images_per_second": round(rate, 2), "share_of_product": round(arithmetic * rate, 3)}


def our_steps(name: str, load: Load, steps: int, limits: Row) -> Row:
    """Images a second of our network's training step in bfloat16 under JAX.

    Args:
        name: of the network.
        load: of a step.
        steps: in one program, which is timed three times after a first that compiles.
        limits: of `ceilings`.
    """
    import jax
    import jax.numpy as jnp
    import keras
    from device_training import state_of

    from zoo.losses import SegmentationCrossEntropy
    from zoo.training.mixed_precision import computing_in
    from zoo.training.throughput import STEP

    keras.utils.set_random_seed(0)
    model = load.build(name)
    images, labels = (jnp.asarray(array) for array in batch_of(load))
    with computing_in(model, "bfloat16"):
        model.compile(
            keras.optimizers.AdamW(RATE, weight_decay=DECAY, global_clipnorm=CLIPNORM),
            loss=SegmentationCrossEntropy(),
        )
        model._symbolic_build(data_batch=(images, labels))

        def step(state: Any, _: None) -> tuple[Any, jax.Array]:
            logs, state = model.train_step((*state[:3], [jnp.zeros_like(v) for v in state[3]]), (images, labels))
            return tuple(list(values) for values in state), logs["loss"]

        program = jax.jit(lambda state: jax.lax.scan(step, state, length=steps), donate_argnums=0)
        state, rates = state_of(model), []
        for _ in range(4):
            began = time.perf_counter()
            state, losses = program(state)
            if not np.isfinite(np.asarray(losses)).all():
                raise FloatingPointError(f"{name}: the loss is {np.asarray(losses)[-1]}")
            rates.append(steps * load.batch / (time.perf_counter() - began))
    return _row(name, "densezoo, JAX", rates[1:], STEP * load.macs(name), limits)


def torch_steps(name: str, load: Load, steps: int, limits: Row, compiled: bool) -> Row:
    """The same of PyTorch: channels_last, autocast to bfloat16, fused AdamW, under torch.compile unless it is said otherwise.

    Args:
        name, load, steps, limits: as of `our_steps`.
        compiled: whether torch.compile is used.
    """
    import torch

    from zoo.training.throughput import STEP

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = torch_network(name, load).to(device, memory_format=torch.channels_last).train()
    images, labels = (torch.from_numpy(array).to(device) for array in batch_of(load))
    images = (images - 127.5).permute(0, 3, 1, 2)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY, fused=True)

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            logits = network(images)
        return torch.nn.functional.cross_entropy(logits.float(), labels.long())

    loss_of = torch.compile(loss_of) if compiled else loss_of

    def step() -> torch.Tensor:
        loss = loss_of(images, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIPNORM)
        optimizer.step()
        return loss.detach()

    title = "PyTorch, torch.compile" if compiled else "PyTorch, eager"
    return _row(name, title, _torch_rates(step, steps, load.batch), STEP * load.macs(name), limits)


def _torch_rates(step: Callable[[], torch.Tensor], steps: int, batch: int) -> list[float]:
    for _ in range(min(3, steps)):
        float(step())
    rates = []
    for _ in range(3):
        began = time.perf_counter()
        for _ in range(steps):
            loss = step()
        float(loss)  # waits for the device
        rates.append(steps * batch / (time.perf_counter() - began))
    return rates


def torch_network(name: str, load: Load) -> torch.nn.Module:
    """PyTorch's side of a network of `NETWORKS`."""
    from torch_fcn8s import fcn8s
    from torch_unet import unet

    return {"unet": unet, "fcn8s": fcn8s}[name](3, load.classes, **(TINY[name][1] if load.tiny else {}))


def batch_of(load: Load) -> tuple[np.ndarray, np.ndarray]:
    """Images N×H×W×3 of 0–255 and labels of noise."""
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (load.batch, *load.size, 3)).astype(np.float32)
    return images, generator.integers(0, load.classes, (load.batch, *load.size), dtype=np.int32)


def _row(name: str, title: str, rates: list[float], macs: float, limits: Row) -> Row:
    rate = statistics.median(rates)
    return {
        "network": name,
        "program": title,
        "images_per_second": round(rate, 2),
        "least": round(min(rates), 2),
        "greatest": round(max(rates), 2),
        "share_of_product": round(macs * rate / limits["bfloat16_macs_per_second"], 3),
    }
