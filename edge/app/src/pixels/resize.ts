// Resampling as Python's side does it, so that a picture gives the same mask here and there.

interface Taps {
  first: Int32Array;
  count: Int32Array;
  /** `stride` weights for each output position, the unused ones zero. */
  weights: Float64Array;
  stride: number;
}

/** A triangle filter, widened when shrinking: bilinear resampling with antialiasing (Pillow's BILINEAR). */
function triangleTaps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const taps = { first: new Int32Array(to), count: new Int32Array(to), weights: new Float64Array(to * stride), stride };
  for (let at = 0; at < to; at++) {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / support));
      taps.weights[at * stride + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k++) taps.weights[at * stride + k] /= sum;
    taps.first[at] = first;
    taps.count[at] = count;
  }
  return taps;
}

/** RGBA bytes in, RGB bytes out, rounded after each of the two passes, halves upwards. */
export function resizeRgb(rgba: Uint8ClampedArray, width: number, height: number, toWidth: number, toHeight: number): Uint8Array<ArrayBuffer> {
  const across = triangleTaps(width, toWidth);
  // Arrays of bytes cut off what is behind the point: with a half added, they round.
  const rows = new Uint8Array(height * toWidth * 3);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++, out += 3) {
      let r = 0.5;
      let g = 0.5;
      let b = 0.5;
      let at = (y * width + across.first[x]) * 4;
      for (let k = x * across.stride, end = k + across.count[x]; k < end; k++, at += 4) {
        const weight = across.weights[k];
        r += rgba[at] * weight;
        g += rgba[at + 1] * weight;
        b += rgba[at + 2] * weight;
      }
      rows[out] = r;
      rows[out + 1] = g;
      rows[out + 2] = b;
    }
  }
  const down = triangleTaps(height, toHeight);
  const line = toWidth * 3;
  const resized = new Uint8Array(toHeight * line);
  const sums = new Float64Array(line);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(0.5);
    for (let k = 0; k < down.count[y]; k++) {
      const weight = down.weights[y * down.stride + k];
      const start = (down.first[y] + k) * line;
      for (let i = 0; i < line; i++) sums[i] += rows[start + i] * weight;
    }
    resized.set(sums, y * line);
  }
  return resized;
}

export interface Grid {
  data: ArrayLike<number>;
  width: number;
  height: number;
  channels: number;
}

interface Axis {
  low: Int32Array;
  high: Int32Array;
  part: Float32Array;
}

/** For each output position its two neighbours in the grid and the share of the second: half-pixel centres, edges clamped. */
function neighbours(length: number, to: number): Axis {
  const axis = { low: new Int32Array(to), high: new Int32Array(to), part: new Float32Array(to) };
  for (let at = 0; at < to; at++) {
    const position = Math.min(Math.max(((at + 0.5) * length) / to - 0.5, 0), length - 1);
    const low = Math.floor(position);
    axis.low[at] = low;
    axis.high[at] = Math.min(low + 1, length - 1);
    axis.part[at] = position - low;
  }
  return axis;
}

function winners({ data, width, height, channels }: Grid): Uint8Array {
  const best = new Uint8Array(width * height);
  for (let cell = 0, at = 0; cell < best.length; cell++, at += channels) {
    let winner = 0;
    for (let c = 1; c < channels; c++) if (data[at + c] > data[at + winner]) winner = c;
    best[cell] = winner;
  }
  return best;
}

/**
 * The class of each of width×height pixels: the grid's scores, bilinearly enlarged, then their maximum.
 * Where four neighbours agree on the class, every mixture of them does, so only the borders between classes are computed.
 */
export function enlargeScores(grid: Grid, width: number, height: number): Uint8Array<ArrayBuffer> {
  const { data, channels } = grid;
  const best = winners(grid);
  const across = neighbours(grid.width, width);
  const down = neighbours(grid.height, height);
  const classes = new Uint8Array(width * height);
  for (let y = 0, out = 0; y < height; y++) {
    const top = down.low[y] * grid.width;
    const bottom = down.high[y] * grid.width;
    const v = down.part[y];
    for (let x = 0; x < width; x++, out++) {
      const a = top + across.low[x];
      const b = top + across.high[x];
      const c = bottom + across.low[x];
      const d = bottom + across.high[x];
      let winner = best[a];
      if (winner !== best[b] || winner !== best[c] || winner !== best[d]) {
        const u = across.part[x];
        let highest = -Infinity;
        for (let k = 0; k < channels; k++) {
          const upper = data[a * channels + k] * (1 - u) + data[b * channels + k] * u;
          const lower = data[c * channels + k] * (1 - u) + data[d * channels + k] * u;
          const score = upper * (1 - v) + lower * v;
          if (score > highest) {
            highest = score;
            winner = k;
          }
        }
      }
      classes[out] = winner;
    }
  }
  return classes;
}

/** The class of each of width×height pixels, taken from the nearest cell of a grid of classes. */
export function enlargeClasses(grid: Grid, width: number, height: number): Uint8Array<ArrayBuffer> {
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor(((x + 0.5) * grid.width) / width));
  const classes = new Uint8Array(width * height);
  for (let y = 0, out = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * grid.height) / height) * grid.width;
    for (let x = 0; x < width; x++, out++) classes[out] = grid.data[row + columns[x]];
  }
  return classes;
}

/** All channels of a grid, bilinearly enlarged to width×height pixels. */
export function enlargeValues({ data, channels, ...grid }: Grid, width: number, height: number): Float32Array<ArrayBuffer> {
  const across = neighbours(grid.width, width);
  const down = neighbours(grid.height, height);
  const values = new Float32Array(width * height * channels);
  for (let y = 0, out = 0; y < height; y++) {
    const top = down.low[y] * grid.width;
    const bottom = down.high[y] * grid.width;
    const v = down.part[y];
    for (let x = 0; x < width; x++) {
      const [left, right, u] = [across.low[x], across.high[x], across.part[x]];
      for (let k = 0; k < channels; k++, out++) {
        const upper = data[(top + left) * channels + k] * (1 - u) + data[(top + right) * channels + k] * u;
        const lower = data[(bottom + left) * channels + k] * (1 - u) + data[(bottom + right) * channels + k] * u;
        values[out] = upper * (1 - v) + lower * v;
      }
    }
  }
  return values;
}
