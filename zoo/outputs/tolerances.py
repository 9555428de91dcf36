"""Tolerances of a file against its model, by recipe, and of a GPU against the CPU, by precision: one table for all."""

from __future__ import annotations

from zoo.outputs.comparison import Tolerance


def _matched(share: float) -> dict[str, float]:
    """The share of sure things that must be there, whether boxes, masks or joints say where."""
    return {"matched_boxes": share, "matched_instances": share, "matched_joints": share}


# A file against its Keras model: the root mean square error over the spread, the mean recall of the classes, the share of sure
# boxes, masks or joints that are there, and by how much mIoU may fall where labels are at hand (1 = 100 points).
# Measured on two cores with XNNPACK, as relative error / agreement. FCN-8s on MobileNetV2 0.35 trained on scenes (mIoU 0.88),
# on scenes: float32 3e-7 / 1.0, float16 5e-4 / 0.9999, dynamic 0.014 / 0.998, int8 0.032 / 0.992, mIoU 0.0019 lower; on
# photographs, which it never saw: 7e-7 / 1.0, 1.4e-3 / 0.997, 0.020 / 0.987, 0.069 / 0.872. Untrained but normalised it is
# chaotic (float16 0.013, int8 0.39): an int8 file of such a network fails here, and rightly. Broken on purpose, a small
# network moves by 0.35 with a padding off by one pixel, by 1.3 with swapped channels, by 0.12 to 0.48 when the scale of a
# single output channel is off by two and by 0.56 to 1.4 when all of a layer's are: tests/converters/test_parity.py.
# int16x8 has int8's weights and hardly any other error: the tests' small network 0.007 / 0.995, unet_lite.ccp on photographs of
# CCP's test split 0.032 / 0.997. Half of what int8 is allowed leaves room for that. There, with rounded weights alone,
# weights8 0.006 / 0.9995 and weights4 0.164 / 0.986, mIoU 0.013 lower.
OF_RECIPE: dict[str, Tolerance] = {
    "float32": Tolerance({"relative": 1e-4, "agreement": 0.999, "miou_loss": 0.001, **_matched(0.99)}),
    "float16": Tolerance({"relative": 2e-2, "agreement": 0.98, "miou_loss": 0.002, **_matched(0.97)}),
    "dynamic": Tolerance({"relative": 0.10, "agreement": 0.93, "miou_loss": 0.01, **_matched(0.9)}),
    "weights8": Tolerance({"relative": 0.05, "agreement": 0.95, "miou_loss": 0.005, **_matched(0.95)}),
    "weights4": Tolerance({"relative": 0.22, "agreement": 0.80, "miou_loss": 0.03, **_matched(0.7)}),
    "int8": Tolerance({"relative": 0.10, "agreement": 0.85, "miou_loss": 0.01, **_matched(0.85)}),
    "int16x8": Tolerance({"relative": 0.05, "agreement": 0.95, "miou_loss": 0.005, **_matched(0.95)}),
}

# The GPU against the CPU, by precision and whether the CPU computes with integers: the largest error over the range of the
# values, their cosine, the mean intersection over union of the classes, and the shares of sure boxes and joints that are there.
# Measured (SwiftShader, ai-edge-litert 2.3.0) over about 150 right graphs and two peers, each bound with room to spare;
# the wrong graphs found had errors of 0.9 and more. See tests/edge/test_gpu_check.py, which breaks models on purpose.
#   float32: up to 2e-4 (sin; else 1e-5), cosine above 0.999999.
#   reduced: float16 has 11 bits, 5e-4 a step, and a hundred layers add up; no device here computes in it (not measured).
#   quantized: the GPU computes int8 graphs in float and rounds at the marks: single steps differ and carry on. Up to 0.08,
#   cosine 0.995 (mobilenet_v2_1.0_224_quant), union 0.914 (an untrained FCN-8s, full of near ties).
OF_GPU: dict[tuple[str, bool], Tolerance] = {
    ("float32", False): Tolerance({"largest": 1e-3, "cosine": 0.9999, "iou": 0.99, **_matched(0.99)}),
    ("reduced", False): Tolerance({"largest": 5e-2, "cosine": 0.999, "iou": 0.97, **_matched(0.97)}),
    ("float32", True): Tolerance({"largest": 0.25, "cosine": 0.98, "iou": 0.85, **_matched(0.85)}),
    ("reduced", True): Tolerance({"largest": 0.30, "cosine": 0.97, "iou": 0.83, **_matched(0.83)}),
}
