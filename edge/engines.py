"""The ways to run a file in this process: LiteRT's interpreter, its compiled model on the GPU, or on the CPU in float16.

All take and give the tensors as the file stores them (quantised ones as integers), in the graph's own order.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edge.errors import InputError
from edge.graph import Graph, read_graph

_FORCE_FLOAT16 = 4  # TFLITE_XNNPACK_DELEGATE_FLAG_FORCE_FP16


def default_threads() -> int:
    """As many as the process may use, at most 4: phones' and laptops' fast cores, beyond which small networks lose."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 4)


class Cpu:
    """LiteRT's interpreter with XNNPACK, or with the built-in kernels, five times slower, where XNNPACK cannot take the
    graph (seen: a transposed convolution of 64×64, stride 32, onto 1024×1024). `keep_all` runs the built-in kernels and
    keeps every activation.

    A file of any size is set up when the first arrays tell it: at the 1×1 that it holds until then, some graphs cannot be.

    Raises InputError for a file that the interpreter refuses (an op it does not have, a graph it cannot allocate).
    """

    def __init__(self, path: str | Path, threads: int | None = None, keep_all: bool = False) -> None:
        self.graph: Graph = read_graph(path)
        self._path, self._threads, self._keep_all = path, threads, keep_all
        shapes = None if any(tensor.open for tensor in self.graph.inputs) else [each.shape for each in self.graph.inputs]
        try:
            self._set_up(shapes)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{path} does not load on the CPU: {_one_line(error)}") from error

    def _set_up(self, shapes: Sequence[tuple[int, ...]] | None) -> None:
        """Loads the file for inputs of these shapes; without shapes loads it only."""
        plain, fast = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.AUTO
        try:
            self._interpreter = self._load(plain if self._keep_all else fast, shapes)
        except RuntimeError as error:
            if self._keep_all or "xnnpack" not in str(error).lower():
                raise
            self._interpreter = self._load(plain, shapes)
        self._shapes = shapes

    def _load(self, kernels: OpResolverType, shapes: Sequence[tuple[int, ...]] | None) -> Interpreter:
        interpreter = Interpreter(
            model_path=str(self._path),
            num_threads=self._threads or default_threads(),
            experimental_op_resolver_type=kernels,
            experimental_preserve_all_tensors=self._keep_all,
        )
        for tensor, shape in zip(self.graph.inputs, shapes or (), strict=bool(shapes)):
            if tensor.shape != shape:
                interpreter.resize_tensor_input(tensor.index, shape, strict=True)
        if shapes is not None:
            interpreter.allocate_tensors()
        return interpreter

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One inference. A dynamic input takes the shape of its array. Raises InputError where the graph cannot."""
        self.times(arrays, 1)
        return [self._interpreter.get_tensor(tensor.index) for tensor in self.graph.outputs]

    def times(self, arrays: Sequence[np.ndarray], repeats: int) -> list[float]:
        """Milliseconds of so many inferences without the writing of inputs and the reading of outputs; else as `run`."""
        taken = []
        try:
            shapes = [tuple(array.shape) for array in arrays]
            if shapes != self._shapes:
                self._set_up(shapes)
            for _ in range(repeats):
                for tensor, array in zip(self.graph.inputs, arrays, strict=True):
                    self._interpreter.set_tensor(tensor.index, array)
                began = time.perf_counter()
                self._interpreter.invoke()
                taken.append(1000 * (time.perf_counter() - began))
        except (RuntimeError, ValueError) as error:
            raise InputError(f"inference failed: {_one_line(error)}") from error
        return taken

    def tensor(self, index: int) -> np.ndarray:
        """An activation of the last inference, by the tensor's index; needs `keep_all`."""
        return self._interpreter.get_tensor(index)


class Compiled:
    """LiteRT's compiled model, made as `how` says; inputs and outputs in the graph's order."""

    def __init__(self, path: str | Path, **how: Any) -> None:
        from ai_edge_litert.compiled_model import CompiledModel

        self.graph: Graph = read_graph(path)
        self._model = CompiledModel.from_file(str(path), **how)
        self._inputs = self._model.create_input_buffers(0)
        self._outputs = self._model.create_output_buffers(0)
        signature = self._model.get_signature_by_index(0)
        key = signature.get("key") or next(iter(self._model.get_signature_list()))
        listed = self._model.get_signature_list()[key]
        ins = self._model.get_input_tensor_details(key)
        outs = self._model.get_output_tensor_details(key)
        # The signature's order is the buffers'; the graph's may be another. The tensors' names tie the two.
        self._feeds = [_position(listed["inputs"], ins, tensor.name) for tensor in self.graph.inputs]
        self._reads = [_position(listed["outputs"], outs, tensor.name) for tensor in self.graph.outputs]
        self._shapes = [tuple(outs[listed["outputs"][position]]["shape"]) for position in self._reads]

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One inference, the outputs read back to the host."""
        for position, array in zip(self._feeds, arrays, strict=True):
            self._inputs[position].write(array)
        self._model.run_by_index(0, self._inputs, self._outputs)
        results = []
        for tensor, position, shape in zip(self.graph.outputs, self._reads, self._shapes, strict=True):
            count = int(np.prod(shape, dtype=np.int64))
            results.append(self._outputs[position].read(count, np.dtype(tensor.dtype)).reshape(shape))
        return results


class Gpu(Compiled):
    """LiteRT's GPU accelerator alone: nothing falls back onto the CPU. Only for a worker process: it may abort.

    `precision` "float32", or "reduced" for whatever the device computes fastest in (float16 where it has it); LiteRT before
    2.3 leaves no choice. Raises RuntimeError, as LiteRT does, for a file that it does not take whole.
    """

    def __init__(self, path: str | Path, precision: str = "float32") -> None:
        # Loading LiteRT's GPU side costs 0.1 s and prints; the CPU's users need none of it.
        from ai_edge_litert import compiled_model
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator

        if not hasattr(compiled_model, "GpuOptions"):
            super().__init__(path, hardware_accel=HardwareAccelerator.GPU)
            return
        gpu = compiled_model.GpuOptions(enforce_f32=precision == "float32")
        options = compiled_model.Options(hardware_accelerators=HardwareAccelerator.GPU, gpu_options=gpu)
        super().__init__(path, options=options)


class HalfCpu(Compiled):
    """The CPU in float16, as far as XNNPACK has it: a rehearsal of a phone's GPU on any machine.

    Where the processor has no such arithmetic XNNPACK does each operation in float32 and rounds what it gives.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        from ai_edge_litert.compiled_model import CpuOptions, Options
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator

        cpu = CpuOptions(num_threads=threads or default_threads(), xnnpack_flags=_FORCE_FLOAT16)
        super().__init__(path, options=Options(hardware_accelerators=HardwareAccelerator.CPU, cpu_options=cpu))


def _position(names: Sequence[str], details: dict, tensor: str) -> int:
    for position, name in enumerate(names):
        if details[name]["name"] == tensor:
            return position
    raise RuntimeError(f"tensor {tensor!r} is not in the model's signature {list(names)}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
