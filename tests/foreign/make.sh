#!/usr/bin/env bash
# Makes the files of this folder anew: small networks of PyTorch by litert-torch, and over ONNX by onnx2tf.
# Outside CI: two environments, some minutes. tests/support/foreign_files.py says what each file means.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/torch" && python3 -m venv "$work/onnx"
"$work/torch/bin/pip" install --quiet litert-torch==0.10.0 torch==2.13.0 onnx==1.19.1
"$work/onnx/bin/pip" install --quiet onnx2tf==1.29.24 onnx==1.19.1 tensorflow==2.19.0 tf_keras==2.19.0
cd "$work"
"$work/torch/bin/python" - "$here" <<'PYTHON'
import sys

import litert_torch
import torch
from torch import nn

HEIGHT, WIDTH = 32, 48


class Segmenter(nn.Module):
    """Scores of classes, ended in one of four ways; with `coarse`, computed at half the size."""

    def __init__(self, classes, end=None, coarse=False):
        super().__init__()
        self.features, self.scores = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, classes, 1)
        self.end, self.coarse = end, coarse
        nn.init.normal_(self.scores.weight)
        if classes == 1:
            nn.init.constant_(self.scores.bias, -0.4)  # as often above 0 as below

    def forward(self, image):
        x = torch.relu(self.features(image - 0.5))
        if self.coarse:
            x = nn.functional.interpolate(nn.functional.max_pool2d(x, 2), scale_factor=2, mode="bilinear")
        x = self.scores(x)
        if self.end == "argmax":
            return x.argmax(1)
        return torch.softmax(x, 1) if self.end == "softmax" else torch.sigmoid(x) if self.end == "sigmoid" else x


class Classifier(nn.Module):
    """Probabilities of ten classes."""

    def __init__(self):
        super().__init__()
        self.features, self.scores = nn.Conv2d(3, 8, 3, stride=2), nn.Linear(8, 10)

    def forward(self, image):
        return torch.softmax(self.scores(torch.relu(self.features(image)).mean((2, 3))), -1)


torch.manual_seed(0)
planes, pixels = torch.rand(1, 3, HEIGHT, WIDTH), torch.rand(1, HEIGHT, WIDTH, 3)
networks = {
    "logits": Segmenter(4),
    "softmax": Segmenter(4, "softmax"),
    "sigmoid": Segmenter(1, "sigmoid", coarse=True),
    "argmax": Segmenter(4, "argmax"),
    "classifier": Classifier(),
}
for name, network in networks.items():
    litert_torch.convert(network.eval(), (planes,)).export(f"{sys.argv[1]}/litert_torch_{name}.tflite")
    torch.onnx.export(network, planes, f"{name}.onnx", input_names=["image"], output_names=["out"], dynamo=False)
last = litert_torch.to_channel_last_io(Segmenter(4, coarse=True), args=[0], outputs=[0])
litert_torch.convert(last.eval(), (pixels,)).export(f"{sys.argv[1]}/litert_torch_channels_last.tflite")
PYTHON
# onnx2tf looks for pictures to calibrate on under this name, and else fetches some.
"$work/onnx/bin/python" -c "
import numpy as np
np.save('calibration_image_sample_data_20x128x128x3_float32.npy', np.random.default_rng(0).random((20, 128, 128, 3), np.float32))"
export PATH="$work/onnx/bin:$PATH"
for name in logits softmax sigmoid argmax classifier; do
  onnx2tf -i "$name.onnx" -o "$name" -oiqt -n >"$name.log" 2>&1 || { tail -5 "$name.log"; exit 1; }
done
for file in logits_{float32,dynamic_range_quant,full_integer_quant} softmax_{float16,integer_quant} \
  sigmoid_{float32,integer_quant} argmax_float32 classifier_{float32,full_integer_quant}; do
  cp "${file%%_*}/$file.tflite" "$here/onnx2tf_$file.tflite"
done
