// Resampling as Python's side does it, so that a picture gives the same mask here and there.

interface Taps {
  first: Int32Array;
  count: Int32Array;
  /** `stride` weights for each output position in units of 2^-22, as Pillow has them; the unused ones zero. */
  weights: Int32Array;
  stride: number;
}

const WEIGHT_BITS = 22;
const WEIGHT_ONE = 2 ** WEIGHT_BITS;
const HALF = WEIGHT_ONE / 2;

/** A triangle filter, widened when shrinking: bilinear resampling with antialiasing (Pillow's BILINEAR). */
function triangleTaps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const taps = { first: new Int32Array(to), count: new Int32Array(to), weights: new Int32Array(to * stride), stride };
  const plain = new Float64Array(stride);
  for (let at = 0; at < to; at++) {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / support));
      plain[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k++) taps.weights[at * stride + k] = Math.round((plain[k] / sum) * WEIGHT_ONE);
    taps.first[at] = first;
    taps.count[at] = count;
  }
  return taps;
}

/** RGBA bytes in, RGB bytes out, rounded after each of the two passes, halves upwards: in whole numbers, as Pillow does it. */
export function resizeRgb(rgba: Uint8ClampedArray, width: number, height: number, toWidth: number, toHeight: number): Uint8Array<ArrayBuffer> {
  const across = triangleTaps(width, toWidth);
  const rows = new Uint8ClampedArray(height * toWidth * 3);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++, out += 3) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let at = (y * width + across.first[x]) * 4;
      for (let k = x * across.stride, end = k + across.count[x]; k < end; k++, at += 4) {
        const weight = across.weights[k];
        r += Math.imul(rgba[at], weight);
        g += Math.imul(rgba[at + 1], weight);
        b += Math.imul(rgba[at + 2], weight);
      }
      rows[out] = r >> WEIGHT_BITS;
      rows[out + 1] = g >> WEIGHT_BITS;
      rows[out + 2] = b >> WEIGHT_BITS;
    }
  }
  const down = triangleTaps(height, toHeight);
  const line = toWidth * 3;
  const resized = new Uint8ClampedArray(toHeight * line);
  const sums = new Int32Array(line);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(HALF);
    for (let k = 0; k < down.count[y]; k++) {
      const weight = down.weights[y * down.stride + k];
      const start = (down.first[y] + k) * line;
      for (let i = 0; i < line; i++) sums[i] += Math.imul(rows[start + i], weight);
    }
    for (let i = 0; i < line; i++) resized[y * line + i] = sums[i] >> WEIGHT_BITS;
  }
  return new Uint8Array(resized.buffer);
}

export interface Grid {
  data: ArrayLike<number>;
  width: number;
  height: number;
  channels: number;
}

/** One side of an enlargement. */
export interface Axis {
  low: Int32Array;
  high: Int32Array;
  part: Float32Array;
}

/** For each output position its two neighbours in the grid and the share of the second: half-pixel centres, edges clamped. */
export function neighbours(length: number, to: number): Axis {
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

/** Where the pixels begin that lie behind each cell of an axis; one more for the end. */
function begins(low: Int32Array, length: number): Int32Array {
  const first = new Int32Array(length + 1).fill(low.length);
  for (let at = low.length - 1; at >= 0; at--) first[low[at]] = at;
  for (let cell = length - 1; cell >= 0; cell--) first[cell] = Math.min(first[cell], first[cell + 1]);
  return first;
}

/**
 * The class of each of width×height pixels: the grid's scores, bilinearly enlarged, then their maximum.
 * Where four neighbours agree on the class, every mixture of them does, so only the borders between classes are computed;
 * all else is the row above it, or one fill.
 */
export function enlargeScores(grid: Grid, width: number, height: number): Uint8Array<ArrayBuffer> {
  const { data, channels } = grid;
  const best = winners(grid);
  const across = neighbours(grid.width, width);
  const down = neighbours(grid.height, height);
  const first = begins(across.low, grid.width);
  const classes = new Uint8Array(width * height);
  const mixed: number[] = [];
  for (let y = 0, out = 0; y < height; y++, out += width) {
    const top = down.low[y] * grid.width;
    const bottom = down.high[y] * grid.width;
    if (y > 0 && down.low[y] === down.low[y - 1]) {
      classes.copyWithin(out, out - width, out);
    } else {
      mixed.length = 0;
      for (let cell = 0; cell < grid.width; cell++) {
        if (first[cell] === first[cell + 1]) continue;
        const beside = Math.min(cell + 1, grid.width - 1);
        const winner = best[top + cell];
        const agreed = winner === best[top + beside] && winner === best[bottom + cell] && winner === best[bottom + beside];
        if (agreed) classes.fill(winner, out + first[cell], out + first[cell + 1]);
        else mixed.push(cell);
      }
    }
    const v = down.part[y];
    for (const cell of mixed) {
      const beside = Math.min(cell + 1, grid.width - 1);
      const [a, b, c, d] = [(top + cell) * channels, (top + beside) * channels, (bottom + cell) * channels, (bottom + beside) * channels];
      for (let x = first[cell]; x < first[cell + 1]; x++) {
        const u = across.part[x];
        let winner = best[top + cell];
        let highest = -Infinity;
        for (let k = 0; k < channels; k++) {
          const upper = data[a + k] * (1 - u) + data[b + k] * u;
          const lower = data[c + k] * (1 - u) + data[d + k] * u;
          const score = upper * (1 - v) + lower * v;
          if (score > highest) {
            highest = score;
            winner = k;
          }
        }
        classes[out + x] = winner;
      }
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
