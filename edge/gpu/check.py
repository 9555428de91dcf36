"""The GPU gate: does a `.tflite` file run whole on LiteRT's real GPU accelerator, and with the CPU's numbers?

TensorFlow's own check has been a stub since 2.18 and finds everything compatible (tensorflow#77042), and the accelerator's
`is_fully_accelerated` said True with ops left on the CPU. So the file is compiled for the GPU alone, in a process that may
crash, and run on samples: some graphs are silently wrong there while fully delegated. Where a graph chooses between values
that tie but for rounding, the CPU computes on with the GPU's choice (`edge.gpu.agreed_choices`), and the report says how often.
What goes wrong on values that samples need not show is provoked (`edge.gpu.provocations`). It runs with float32 enforced and
without, so that what float16 cannot hold is told from what is miscomputed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edge.errors import AcceleratorError, InputError
from edge.gpu import vulkan
from edge.gpu.agreed_choices import Reference, reference
from edge.gpu.layers import layer_of, result_names
from edge.gpu.patterns import DYNAMIC, Caution, advice, half_overflow, instead_of, scan, suspects
from edge.gpu.provocations import Provocation, provoke
from edge.gpu.remote import PRECISIONS, Remote, refusal, unsupported
from edge.gpu.rules.registry import CRASH, OVERFLOW, REFUSED
from edge.gpu.samples import Samples, feeds_of
from edge.graph import Graph, Operator, read_graph
from edge.overrides import Overrides
from edge.tflite_file import Card, read_card
from zoo import outputs
from zoo.outputs import Comparison
from zoo.outputs.layout import arranged
from zoo.outputs.near_ties import tie_count
from zoo.outputs.spec import Bound
from zoo.outputs.tolerances import OF_GPU

REASONS = ("whole and equal", "not whole", "wrong numbers", "float32 alone", "crashed", "no driver", "inconclusive")
_REHEARSED = "float16 on the CPU"
_DYNAMIC_SIZES = "dynamic-sized"  # in the words of a runtime that meets a tensor whose size only a run tells


@dataclass(frozen=True)
class Unsupported:
    """An op that the accelerator refused: why in its own words, how many nodes have it, where, and what to write."""

    op: str
    why: str
    count: int
    layers: tuple[str, ...]
    advice: str


@dataclass(frozen=True)
class GpuVerdict:
    """The verdict of the gate. `reason` is one of REASONS and `detail` one sentence on it.

    `whole` is None where it could not be tried. `comparisons` are those of the outputs with the CPU's, by precision; one of
    "float16 on the CPU" is a rehearsal. "float32 alone" is what is right with float32 enforced and wrong without. `samples`
    says what the numbers were measured on. `cautions` are known bad patterns, float16 overflows and what could not be
    checked: reasons to look, no verdict. `half` tells whether the reduced precision was a different computation here; where
    it is False, float16 is untested but for a rehearsal; None where one precision alone was tried. `suspect` is the operator
    that a known pattern lays a crash on, as "QUANTIZE of layer image".
    """

    path: Path
    reason: str
    detail: str
    whole: bool | None
    unsupported: tuple[Unsupported, ...] = ()
    comparisons: Mapping[str, tuple[Comparison, ...]] = field(default_factory=dict)
    cautions: tuple[Caution, ...] = ()
    samples: str = ""
    adapter: str = ""
    half: bool | None = None
    compile_ms: float | None = None
    log: str = ""
    suspect: str = ""

    @property
    def ok(self) -> bool:
        """Whether the file may be shipped for the GPU: whole, and equal."""
        return self.reason == "whole and equal"

    @property
    def faulty(self) -> bool:
        """Whether something is wrong with the file on the GPU; not so where nothing could be told."""
        return not self.ok and self.reason not in ("no driver", "inconclusive")

    def report(self) -> str:
        """The verdict in plain text, several lines."""
        lines = [f"{self.path.name}: {self.reason}. {self.detail}"]
        for entry in self.unsupported:
            lines.append(f"  {entry.op} ×{entry.count}: {entry.why} At {_some(entry.layers)}. Instead: {entry.advice}.")
        for precision, comparisons in self.comparisons.items():
            lines += [f"  {precision}, {entry}; {entry.reason}" for entry in comparisons]
        if self.half is False:
            tested = "was rehearsed on the CPU" if _REHEARSED in self.comparisons else "is untested here"
            lines.append(f"  This driver computed the reduced precision in float32 as well: float16 {tested}.")
        for caution in self.cautions:
            where = f" at {_some(caution.tensors)}" if caution.tensors else ""
            lines.append(f"  Caution: {caution.what}{where}. Instead: {caution.advice}.")
        if self.samples:
            lines.append(f"  Samples: {self.samples}. GPU: {self.adapter or 'none'}.")
        return "\n".join(lines)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def gpu_check(
    path: str | Path,
    samples: Samples | None = None,
    *,
    input_range: tuple[Bound, Bound] | None = None,
    output: str | None = None,
    labels: Sequence[str] | None = None,
    timeout: float = 300.0,
    precisions: Sequence[str] = PRECISIONS,
    rehearse: bool = False,
) -> GpuVerdict:
    """Whether the file at `path` runs whole on the GPU, and with the CPU's numbers on `samples`.

    `samples` are pictures (uint8 H×W×3 of any size, of several frames lists of them), or float32 arrays h×w×c or 1×h×w×c in the
    model's own range; of a file of several inputs dicts by their names, lists of as many arrays in the graph's order, or one
    dict of arrays that hold an item a sample. None takes seeded structured pictures: enough to catch a wrong graph, but not
    what the model meets, and the verdict says so. `input_range`, `output` and `labels` are as in `edge.Runner`; `precisions`
    those of the GPU to try, "float32" and "reduced", for each of which the file is compiled anew. `rehearse` computes in
    float16 on the CPU too, as is done anyway where values are seen that it cannot hold. A file of any size is not whole on a
    GPU. Raises InputError for a file that is missing, damaged or does not run on the CPU, and samples that do not fit.
    """
    if not precisions or set(precisions) - set(PRECISIONS):
        raise InputError(f"precisions={precisions!r} was given; expected one or more of {', '.join(PRECISIONS)}")
    path = Path(path)
    graph = read_graph(path)
    card = Overrides(input_range, None, output, labels).over(read_card(path, graph), graph)
    if any(tensor.open for tensor in graph.inputs):  # compiled at the 1×1 that it holds, it would pass, and mean nothing
        return GpuVerdict(path, "not whole", f"It takes any size: {DYNAMIC}.", False, cautions=scan(graph))
    feeds, description = feeds_of(graph, card, samples)
    base = GpuVerdict(path, "no driver", "", None, cautions=scan(graph), samples=description)
    if vulkan.driver() is None:
        return replace(base, detail=f"No Vulkan driver was found; {vulkan.HOW_TO}.")
    with Remote(path, "cpu", timeout=timeout) as cpu:
        expected = [cpu.run(feed) for feed in feeds]
        base = replace(base, cautions=base.cautions + _overflows(cpu, graph, feeds[0]))
    answers: dict[str, list[list[np.ndarray]]] = {}
    precision = precisions[0]
    try:
        with Remote(path, "gpu", precision=precision, timeout=timeout) as gpu:
            base = replace(base, adapter=gpu.adapter, compile_ms=gpu.load_ms)
            answers[precision] = [gpu.run(feed) for feed in feeds]
            for precision in precisions[1:]:
                gpu.open(path, precision=precision)
                answers[precision] = [gpu.run(feed) for feed in feeds]
    except AcceleratorError as error:
        return _refusal(base, graph, error, precision)
    for precision in precisions:
        agreed = reference(path, graph, feeds, expected, answers[precision], precision, timeout)
        comparisons = _comparisons(graph, card, agreed, answers[precision], precision)
        base = replace(base, comparisons={**base.comparisons, precision: comparisons})
        if agreed.caution is not None and agreed.caution not in base.cautions:
            base = replace(base, cautions=(*base.cautions, agreed.caution))
    half = _differ(*answers.values()) if len(answers) > 1 else None
    verdict = _judge(replace(base, whole=True, half=half))
    if verdict.reason in ("whole and equal", "inconclusive"):
        verdict = _provoked(verdict, provoke(path, timeout))
    foreseen = half is False and any(caution.kind == OVERFLOW and caution.tensors for caution in verdict.cautions)
    if rehearse or foreseen:
        verdict = _rehearsed(verdict, graph, card, feeds, Reference(expected, 0), timeout)
    return verdict


def _differ(some: list[list[np.ndarray]], others: list[list[np.ndarray]]) -> bool:
    """Whether two precisions were two computations: any bit of any answer."""
    pairs = (pair for one, other in zip(some, others, strict=True) for pair in zip(one, other, strict=True))
    return any(not np.array_equal(*pair) for pair in pairs)


def _provoked(verdict: GpuVerdict, wrong: tuple[Provocation, ...]) -> GpuVerdict:
    """The verdict after what samples did not show."""
    if not wrong:
        return verdict
    detail = f"All ops are delegated, and right on these samples. But {wrong[0]}."
    return replace(verdict, reason="wrong numbers", detail=detail)


def _rehearsed(
    verdict: GpuVerdict, graph: Graph, card: Card, feeds: list[list[np.ndarray]], expected: Reference, timeout: float
) -> GpuVerdict:
    """The verdict with what float16 makes of the samples on the CPU; as it was where the file does not run so."""
    try:
        with Remote(verdict.path, "cpu", precision="reduced", timeout=timeout) as cpu:
            answers = [cpu.run(feed) for feed in feeds]
    except InputError:
        return verdict
    rows = _comparisons(graph, card, expected, answers, "reduced")
    verdict = replace(verdict, comparisons={**verdict.comparisons, _REHEARSED: rows})
    wrong = next((row for row in rows if row.passed is False), None)
    if wrong is None:
        return verdict
    detail = f"{verdict.detail} In float16, rehearsed on the CPU, not so: {wrong.output}, {wrong.reason}{_overflown(verdict)}."
    return replace(verdict, detail=detail)


def _overflown(verdict: GpuVerdict) -> str:
    cause = next((caution for caution in verdict.cautions if caution.kind == OVERFLOW and caution.tensors), None)
    return f"; {cause.what}" if cause else "; by rounding, for no value overflows"


def _comparisons(
    graph: Graph, card: Card, agreed: Reference, got: list[list[np.ndarray]], precision: str
) -> tuple[Comparison, ...]:
    """Each output over all samples, in the card's order and by its own kind."""
    tolerance, rows = OF_GPU[precision, graph.rounded], []
    for spec, place in zip(card.outputs, card.read, strict=True):
        tensor = graph.outputs[place]
        sides = [
            np.concatenate([arranged(tensor.real(sample[place]), spec.layout, card.size) for sample in side])
            for side in (agreed.outputs, got)
        ]
        rows.append(outputs.kind(spec).compare(*sides, spec, tolerance, agreed.otherwise))
    return tuple(rows)


def _judge(verdict: GpuVerdict) -> GpuVerdict:
    entries = [(precision, entry) for precision, rows in verdict.comparisons.items() for entry in rows]
    wrong = [(precision, entry) for precision, entry in entries if entry.passed is False]
    proven = [entry for _, entry in entries if entry.passed]
    if wrong and "float32" in verdict.comparisons and all(precision != "float32" for precision, _ in wrong):
        worst = wrong[0][1]
        detail = (
            f"All ops are delegated, and with float32 enforced the numbers are the CPU's. Without, not so: {worst.output},"
            f" {worst.reason}{_overflown(verdict)}."
        )
        return replace(verdict, reason="float32 alone", detail=detail)
    if wrong:
        precision, worst = max(wrong, key=lambda row: row[1].measures.get("largest", np.inf))
        detail = (
            f"All ops are delegated, but {worst.output} differs from the CPU at {precision} precision: it is"
            f" {worst.reason}{_ties(verdict)}."
        )
        return replace(verdict, reason="wrong numbers", detail=detail)
    if not proven:
        detail = f"All ops are delegated, but {entries[0][1].reason}; give samples on which the model says more."
        return replace(verdict, reason="inconclusive", detail=detail)
    largest = max((entry.measures["largest"] for entry in proven if "largest" in entry.measures), default=None)
    error = "the classes are the CPU's" if largest is None else f"the largest difference is {largest:.2g} of an output's range"
    return replace(verdict, reason="whole and equal", detail=f"All ops are delegated; {error}{_ties(verdict)}.")


def _ties(verdict: GpuVerdict) -> str:
    most = max(entry.chosen_otherwise for rows in verdict.comparisons.values() for entry in rows)
    return f", with {tie_count(most)}" if most else ""


def _refusal(verdict: GpuVerdict, graph: Graph, error: AcceleratorError, precision: str) -> GpuVerdict:
    log = error.log[-20_000:]
    if error.reason == "no driver":
        return replace(verdict, reason="no driver", detail=f"{error}.", log=log)
    if error.reason == "not whole":
        refused = _unsupported(graph, error.log)
        counted = sum(entry.count for entry in refused)
        names = ", ".join(f"{entry.op} at {entry.layers[0]}" if entry.layers else entry.op for entry in refused[:3])
        counts = f"{counted} of {len(graph.operators)} ops are not supported: {names}."
        detail = counts if refused else _unnamed(graph, error.log)
        return replace(verdict, reason="not whole", detail=detail, whole=False, unsupported=refused, log=log)
    hint, suspect = "", next(suspects(graph, CRASH), None)
    if suspect is not None:
        operator = graph.operators[suspect.place]
        where = f"{operator.name} of layer {layer_of(graph, operator)}"
        verdict = replace(verdict, suspect=where)
        hint = f" A known cause is in the file: {suspect.rule.what}, at {where} first."
    return replace(verdict, reason="crashed", detail=f"At {precision} precision: {error}.{hint}", log=log)


def _unnamed(graph: Graph, log: str) -> str:
    """What there is to say where the accelerator refuses a file and names no operator."""
    if _DYNAMIC_SIZES in log:
        return f"Dynamic sizes: {DYNAMIC}."
    words = f"The accelerator names no operator ({refusal(log) or 'nor says why'})"
    suspect = next(suspects(graph, REFUSED), None)
    if suspect is None:
        return f"{words}; zoo gpu-check --bisect looks for it."
    operator = graph.operators[suspect.place]
    where = f"{operator.name} of layer {layer_of(graph, operator)}"
    instead = advice(graph, operator, REFUSED)
    return f"{words}. Known is: {suspect.rule.what}, at {where}. Instead: {instead}."


def _unsupported(graph: Graph, log: str) -> tuple[Unsupported, ...]:
    reasons: dict[str, list[str]] = {}
    for op, why in unsupported(log):
        reasons.setdefault(op, []).append(why)
    result = []
    for op, whys in reasons.items():
        nodes = [operator for operator in graph.operators if operator.name == op]
        # The log often ends in the tensor's name: then only those nodes are meant, not every one of that op.
        meant = [node for node in nodes if any(_mentions(why, graph, node) for why in whys)] or nodes
        why = "; ".join(why for why, _ in Counter(whys).most_common(3))
        instead = advice(graph, meant[0], REFUSED) if meant else instead_of(op)
        result.append(Unsupported(op, why.rstrip(".") + ".", max(len(meant), 1), result_names(graph, meant), instead))
    return tuple(result)


def _mentions(why: str, graph: Graph, node: Operator) -> bool:
    names = {graph.tensors[index].name for index in (*node.inputs, *node.outputs) if index >= 0}
    return any(name and (why.endswith(" " + name) or f'"{name}"' in why) for name in names)


def _overflows(cpu: Remote, graph: Graph, feed: list[np.ndarray]) -> tuple[Caution, ...]:
    """Cautions on float16, from the activations of a sample; none for graphs whose activations are integers."""
    if graph.quantized:
        return ()
    try:
        cpu.open(cpu.path, keep_all=True)
        return half_overflow(graph, cpu.ranges(feed))
    except InputError as error:
        # The built-in kernels lack some ops that XNNPACK has. The verdict stands without this.
        why = str(error).removeprefix(str(cpu.path.resolve())).strip()[:120]
        return (Caution(OVERFLOW, f"float16's range was not checked (the file {why})", "check on the device", ()),)
