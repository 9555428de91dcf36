// A picture in overlapping tiles, and their outputs put together, as `zoo.outputs.tiles` does it in Python.
import { resizeRgb } from './resize';

/** Pixels; tiles start at multiples of it. */
const GRID = 32;
/** Pixels of a picture that is seen in tiles: more than a visitor waits for. What is larger is made smaller before. */
const MOST_PIXELS = 1024 * 1024;

/** A picture's pixels, as of ImageData. */
export interface Pixels {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** Where a tile begins along one axis, and the weight of each of its pixels; the weights of all tiles add up to 1. */
export interface Span {
  start: number;
  weights: Float64Array;
}

/** 0 up to a quarter of the overlap, 1 from three quarters on. */
function fade(depth: number, overlap: number): number {
  return Math.min(1, Math.max(0, (depth - overlap / 4) / Math.max(overlap / 2, 1e-9)));
}

/** The tiles along one axis of `pixels`, `tile` or more. */
export function spans(pixels: number, tile: number, overlap: number): Span[] {
  const step = Math.max(GRID, Math.floor((tile - overlap) / GRID) * GRID);
  const last = pixels - tile;
  const starts = [];
  for (let start = 0; start < last; start += step) starts.push(start);
  starts.push(last);
  const total = new Float64Array(pixels);
  const found = starts.map((start) => {
    const weights = new Float64Array(tile);
    for (let at = 0; at < tile; at++) {
      const rise = start > 0 ? fade(at + 0.5, overlap) : 1;
      const fall = start < last ? fade(tile - at - 0.5, overlap) : 1;
      weights[at] = Math.min(rise, fall);
      total[start + at] += weights[at];
    }
    return { start, weights };
  });
  for (const { start, weights } of found) for (let at = 0; at < tile; at++) weights[at] /= total[start + at];
  return found;
}

/** The place in 0…count − 1 that a place beyond the end mirrors. */
function mirrored(at: number, count: number): number {
  const turned = at % (2 * count);
  return turned < count ? turned : 2 * count - 1 - turned;
}

/** A part of a picture, which is mirrored beyond its right and lower edge. */
export function part(picture: Pixels, top: number, left: number, height: number, width: number): Pixels {
  const source = new Uint32Array(picture.data.buffer, picture.data.byteOffset, picture.width * picture.height);
  const pixels = new Uint32Array(height * width);
  for (let y = 0, to = 0; y < height; y++) {
    const row = mirrored(top + y, picture.height) * picture.width;
    for (let x = 0; x < width; x++, to++) pixels[to] = source[row + mirrored(left + x, picture.width)];
  }
  return { data: new Uint8ClampedArray(pixels.buffer), width, height };
}

/** The picture, or a smaller one of its proportions where it has too many pixels. */
export function withinReason(picture: Pixels): Pixels {
  const factor = Math.sqrt(MOST_PIXELS / (picture.width * picture.height));
  if (factor >= 1) return picture;
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.floor(side * factor)));
  const rgb = resizeRgb(picture.data, picture.width, picture.height, width, height);
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) data.set(rgb.subarray(from, from + 3), to);
  return { data, width, height };
}
