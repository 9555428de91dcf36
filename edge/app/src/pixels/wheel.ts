// Vectors as colours, by the Middlebury wheel: hue is the direction, saturation the length.
// Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011.
import type { Colour } from '../model/palette';

/** How many steps of the wheel lie between one pure colour and the next: red, yellow, green, cyan, blue, magenta. */
const STEPS = [15, 6, 4, 11, 13, 6];
const CORNERS: Colour[] = [
  [255, 0, 0],
  [255, 255, 0],
  [0, 255, 0],
  [0, 255, 255],
  [0, 0, 255],
  [255, 0, 255],
];

const WHEEL: Colour[] = STEPS.flatMap((steps, corner) => {
  const [from, to] = [CORNERS[corner], CORNERS[(corner + 1) % CORNERS.length]];
  const mixed = (channel: number, step: number) => Math.floor(from[channel] + ((to[channel] - from[channel]) * step) / steps);
  return Array.from({ length: steps }, (_, step) => [mixed(0, step), mixed(1, step), mixed(2, step)] as const);
});

/**
 * Writes the colour of the vector (u to the right, v downwards; length 1 is full colour, 0 white) at `at` of `rgba`.
 * Longer vectors than 1 are darkened.
 */
export function paintVector(rgba: Uint8ClampedArray, at: number, u: number, v: number): void {
  const length = Math.hypot(u, v);
  const position = ((Math.atan2(-v, -u) / Math.PI + 1) / 2) * (WHEEL.length - 1);
  const first = Math.min(WHEEL.length - 1, Math.floor(position));
  const part = position - first;
  const [before, after] = [WHEEL[first], WHEEL[(first + 1) % WHEEL.length]];
  for (let channel = 0; channel < 3; channel++) {
    const pure = (before[channel] * (1 - part) + after[channel] * part) / 255;
    rgba[at + channel] = Math.floor(255 * (length <= 1 ? 1 - length * (1 - pure) : pure * 0.75));
  }
  rgba[at + 3] = 255;
}

/** The wheel itself, `side` pixels wide, transparent outside. */
export function wheelImage(side: number): ImageData {
  const image = new ImageData(side, side);
  for (let y = 0, at = 0; y < side; y++) {
    for (let x = 0; x < side; x++, at += 4) {
      const [u, v] = [((x + 0.5) / side) * 2 - 1, ((y + 0.5) / side) * 2 - 1];
      if (Math.hypot(u, v) <= 1) paintVector(image.data, at, u, v);
    }
  }
  return image;
}
