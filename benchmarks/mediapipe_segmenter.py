"""MediaPipe's ImageSegmenter as one contestant of answers.py: runs where MediaPipe is installed, and nothing else.

    python mediapipe_segmenter.py FILE.tflite PICTURE.npy …

For each line `INDEX` that comes in, a picture goes from uint8 H×W×3 to its class map once, and a line goes out: the seconds
that the processor took.
"""

from __future__ import annotations

import sys
import time

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import ImageSegmenter, ImageSegmenterOptions


def main(file: str, *pictures: str) -> None:
    """Answers until the input ends."""
    images = [np.load(path) for path in pictures]
    options = ImageSegmenterOptions(
        base_options=BaseOptions(model_asset_path=file), output_category_mask=True, output_confidence_masks=False
    )
    with ImageSegmenter.create_from_options(options) as segmenter:
        for line in sys.stdin:
            began = time.process_time()
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=images[int(line)])
            answer = segmenter.segment(image).category_mask.numpy_view()
            seconds = time.process_time() - began
            assert answer.shape[:2] == images[int(line)].shape[:2]
            print(seconds, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
