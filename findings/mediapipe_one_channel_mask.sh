#!/usr/bin/env bash
# MediaPipe's ImageSegmenter writes 0 on the object and 255 on the rest for a network of one sigmoid channel
#
# Tool:     MediaPipe 1.2.3, ImageSegmenter with output_category_mask=True. Date: 2026-11-28.
# Expected: 1 on the object and 0 elsewhere, as for the same object from a softmax of two channels (background, object),
#           and as binary masks are commonly written.
# Seen:     0 where the channel's confidence is high and 255 where it is low. The confidence mask is right.
# Reading:  the file has one class, whose number is 0, and 255 stands for "none of them". Consistent, but the opposite of
#           the two-channel mask, and `mask > 0` selects exactly the background.
# Matters:  salient objects, matting, roads and lesions have one channel. Take the confidence mask and a threshold.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    mediapipe==1.2.3 numpy==2.4.6 flatbuffers==25.12.19

cat >"$folder/program.py" <<'END'
import sys
from importlib.metadata import version
from typing import Any

import flatbuffers
import mediapipe
import numpy as np
from mediapipe.tasks.metadata import image_segmenter_metadata_schema_py_generated as segmenter
from mediapipe.tasks.metadata import metadata_schema_py_generated as about
from mediapipe.tasks.metadata import schema_py_generated as tflite

SIDE = 16


def pack(table: Any, mark: bytes) -> np.ndarray:
    builder = flatbuffers.Builder()
    builder.Finish(table.Pack(builder), mark)
    return np.frombuffer(bytes(builder.Output()), np.uint8)


def metadata(activation: int) -> np.ndarray:
    """An image of 0 to 255 in, scores out, and what is to be done to them."""
    image = about.TensorMetadataT(
        name="image",
        content=about.ContentT(
            contentPropertiesType=about.ContentProperties.ImageProperties,
            contentProperties=about.ImagePropertiesT(colorSpace=about.ColorSpaceType.RGB),
        ),
        processUnits=[
            about.ProcessUnitT(
                optionsType=about.ProcessUnitOptions.NormalizationOptions,
                options=about.NormalizationOptionsT(mean=[0.0], std=[1.0]),
            )
        ],
        stats=about.StatsT(max=[255.0], min=[0.0]),
    )
    scores = about.TensorMetadataT(
        name="scores",
        content=about.ContentT(
            contentPropertiesType=about.ContentProperties.FeatureProperties,
            contentProperties=about.FeaturePropertiesT(),
        ),
    )
    options = pack(segmenter.ImageSegmenterOptionsT(activation=activation, minParserVersion="1.0.0"), b"V001")
    graph = about.SubGraphMetadataT(
        inputTensorMetadata=[image],
        outputTensorMetadata=[scores],
        customMetadata=[about.CustomMetadataT(name="SEGMENTER_METADATA", data=options)],
    )
    return pack(about.ModelMetadataT(subgraphMetadata=[graph], minParserVersion="1.5.0"), b"M001")


def network(weights: np.ndarray, bias: np.ndarray, activation: int) -> bytes:
    """A .tflite file of one 1×1 convolution from RGB to logits."""
    channels = len(bias)
    rows = [
        ("image", [1, SIDE, SIDE, 3], 0),
        ("weights", list(weights.shape), 1),
        ("bias", [channels], 2),
        ("scores", [1, SIDE, SIDE, channels], 0),
    ]
    code = tflite.BuiltinOperator.CONV_2D
    operator = tflite.OperatorT(
        opcodeIndex=0,
        inputs=[0, 1, 2],
        outputs=[3],
        builtinOptionsType=tflite.BuiltinOptions.Conv2DOptions,
        builtinOptions=tflite.Conv2DOptionsT(padding=tflite.Padding.VALID, strideW=1, strideH=1),
    )
    contents = [np.frombuffer(array.tobytes(), np.uint8) for array in (weights, bias)] + [metadata(activation)]
    model = tflite.ModelT(
        version=3,
        operatorCodes=[tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=1)],
        subgraphs=[
            tflite.SubGraphT(
                name="main",
                tensors=[tflite.TensorT(name=name, shape=shape, buffer=at) for name, shape, at in rows],
                inputs=[0],
                outputs=[3],
                operators=[operator],
            )
        ],
        buffers=[tflite.BufferT(), *(tflite.BufferT(data=array) for array in contents)],
        metadata=[tflite.MetadataT(name="TFLITE_METADATA", buffer=3)],
    )
    return pack(model, b"TFL3").tobytes()


def masks(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The last channel's confidence and the category mask of a picture, black on the left and white on the right."""
    vision = mediapipe.tasks.vision
    options = vision.ImageSegmenterOptions(
        mediapipe.tasks.BaseOptions(model_asset_buffer=content),
        output_confidence_masks=True,
        output_category_mask=True,
    )
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[:, SIDE // 2 :] = 255
    with vision.ImageSegmenter.create_from_options(options) as task:
        result = task.segment(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture))
        confidence = result.confidence_masks[-1].numpy_view().squeeze().copy()
        return confidence, result.category_mask.numpy_view().squeeze().copy()


white = np.full((1, 1, 1, 3), 1 / 32, np.float32)  # the object is what is white: logits from -12 to 12
activation = segmenter.Activation
files = {
    "one channel, sigmoid": network(white, np.array([-12], np.float32), activation.SIGMOID),
    "two channels, softmax": network(
        np.concatenate([-white, white]), np.array([12, -12], np.float32), activation.SOFTMAX
    ),
}
print(*(f"{name} {version(name)}" for name in ("mediapipe", "numpy")), sep=", ")
as_noted = True
for (name, content), record in zip(files.items(), ((255, 0), (0, 1)), strict=True):
    confidence, mask = masks(content)
    left, right = mask[:, : SIDE // 2], mask[:, SIDE // 2 :]
    print(f"{name}: confidence {confidence[0, 0]:.2f} left, {confidence[0, -1]:.2f} right;", end=" ")
    print(f"mask expected 0 left, 1 right; seen {np.unique(left)} left, {np.unique(right)} right")
    as_noted = as_noted and ((left == record[0]).all() and (right == record[1]).all() and confidence[0, -1] > 0.9)
if not as_noted:
    sys.exit("changed: the category masks have other numbers")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
