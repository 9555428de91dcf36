#!/usr/bin/env bash
# Pillow reads three valid pictures as something else: a GIF of grey values, and two 16-bit TIFFs
#
# Tool:     Pillow 13.0.0. Date: 2026-11-28.
# Expected: np.asarray(Image.open(...)) gives the values that were stored, or an error.
# Seen:     - a grey mask of 0, 1 and 255 (255: not labelled), saved as GIF, comes back as palette indices 0, 1, 2;
#             convert("L") gives the values;
#           - an uncompressed TIFF of 3 × 16 bits with separate planes (PlanarConfiguration 2) is read with colours mixed up,
#             as if pixels lay interleaved; with 8 bits, or interleaved, it is right;
#           - a 16-bit TIFF whose 0 is white (PhotometricInterpretation 0) is not inverted; the same in 8 bits is.
# Matters:  255 that becomes class 2 trains a network on the borders it should ignore, and the score never says so.
#           Scientific cameras, microscopes and scanners write 16-bit TIFFs in planes and with white as 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: pillow==13.0.0 numpy==2.4.6

cat >"$folder/program.py" <<'END'
import io
import struct
import sys
from importlib.metadata import version

import numpy as np
from PIL import Image

INTERLEAVED, PLANES = 1, 2
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2


def tiff(pixels: np.ndarray, photometric: int, layout: int = INTERLEAVED) -> bytes:
    """An uncompressed little-endian TIFF of H×W or H×W×3, one strip for each plane."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    strips = [pixels[..., c] for c in range(channels)] if layout == PLANES else [pixels]
    strips = [strip.astype(pixels.dtype.newbyteorder("<")).tobytes() for strip in strips]
    entries = 10
    extra = 8 + 2 + 12 * entries + 4
    data = extra + 64
    offsets = [data + sum(len(strip) for strip in strips[:at]) for at in range(len(strips))]
    tags = [
        (256, "H", [width]),
        (257, "H", [height]),
        (258, "H", [8 * pixels.dtype.itemsize] * channels),
        (259, "H", [1]),
        (262, "H", [photometric]),
        (273, "I", offsets),
        (277, "H", [channels]),
        (278, "H", [height]),
        (279, "I", [len(strip) for strip in strips]),
        (284, "H", [layout]),
    ]
    directory, far = struct.pack("<H", entries), b""
    for tag, kind, values in tags:
        entry = struct.pack(f"<{len(values)}{kind}", *values)
        if len(entry) > 4:
            entry, far = struct.pack("<I", extra + len(far)), far + entry
        directory += struct.pack("<HHI", tag, 3 if kind == "H" else 4, len(values)) + entry.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + far.ljust(64, b"\0") + b"".join(strips)


def read(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def distance(answer: np.ndarray, right: np.ndarray) -> int:
    return int(np.abs(answer.astype(int) - right.astype(int)).max())


print(f"pillow {version('pillow')}, numpy {version('numpy')}")
checks = {}

mask = np.zeros((8, 8), np.uint8)
mask[2:4], mask[6:] = 1, 255
stream = io.BytesIO()
Image.fromarray(mask).save(stream, "GIF")
picture = Image.open(io.BytesIO(stream.getvalue()))
values, grey = np.unique(np.asarray(picture)).tolist(), np.unique(np.asarray(picture.convert("L"))).tolist()
print(f"GIF of a grey mask: expected [0, 1, 255], seen {values} (mode {picture.mode}); by convert('L') {grey}")
checks["GIF"] = values == [0, 1, 2] and grey == [0, 1, 255]

ramp = np.linspace(0, 65535, 16).astype(np.uint16)
colours = np.stack([np.tile(ramp, (16, 1)), np.tile(ramp[:, None], (1, 16)), np.full((16, 16), 12800, np.uint16)], -1)
high = (colours >> 8).astype(np.uint8)
for bits, pixels in ((8, high), (16, colours)):
    off = [distance(read(tiff(pixels, RGB, layout)), high) for layout in (INTERLEAVED, PLANES)]
    print(
        f"TIFF RGB, {bits} bits: expected the high bytes (difference 0), seen {off[0]} interleaved, {off[1]} in planes"
    )
    checks[f"RGB, {bits} bits"] = off[0] == 0 and (off[1] == 0) == (bits == 8)

for bits, pixels in ((8, high[..., 0]), (16, colours[..., 0])):
    largest = int(np.iinfo(pixels.dtype).max)
    answer = read(tiff(pixels, WHITE_IS_ZERO))
    rows = [values[0, [0, 5, 15]].tolist() for values in (largest - pixels, answer)]
    print(f"TIFF grey, {bits} bits, 0 is white: expected {rows[0]}, seen {rows[1]}")
    checks[f"white is 0, {bits} bits"] = distance(answer, pixels if bits == 16 else largest - pixels) == 0
    checks[f"black is 0, {bits} bits"] = distance(read(tiff(pixels, BLACK_IS_ZERO)), pixels) == 0

changes = [name for name, same in checks.items() if not same]
if changes:
    sys.exit(f"changed: {', '.join(changes)}")
END
date -I
"$folder/venv/bin/python" "$folder/program.py"
