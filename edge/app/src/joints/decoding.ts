// Joint decoding: from maps of heat, or coordinates, to places and scores, as zoo/outputs/joint_decoding.py says it; what the
// options of a spec are stands there.
import type { RawOutput } from '../outputs/kind';

export type Options = Readonly<Record<string, unknown>>;

/** Two numbers a joint, x and y in shares of the picture's sides, and one. */
export interface Places {
  places: Float64Array;
  scores: Float64Array;
}

interface Maps {
  data: ArrayLike<number>;
  rows: number;
  columns: number;
  joints: number;
}

interface Cell {
  row: number;
  column: number;
  heat: number;
}

const DECODINGS = ['quarter', 'argmax', 'soft_argmax'];
const SHARPNESS = 30;
const QUARTER = 0.25;

function heatAt({ data, columns, joints }: Maps, row: number, column: number, joint: number): number {
  return data[(row * columns + column) * joints + joint];
}

/** The hottest cell of a joint's map, the first one of several. */
function hottest(maps: Maps, joint: number): Cell {
  let best: Cell = { row: 0, column: 0, heat: -Infinity };
  for (let row = 0; row < maps.rows; row++) {
    for (let column = 0; column < maps.columns; column++) {
      const heat = heatAt(maps, row, column, joint);
      if (heat > best.heat) best = { row, column, heat };
    }
  }
  return best;
}

function slope(after: number, before: number): number {
  return Math.sign(after - before) || 0; // of NaN too
}

/** Towards which neighbour it is hotter: 1, −1, or 0 at an edge and where both are as hot. */
function slopes(maps: Maps, { row, column }: Cell, joint: number): [number, number] {
  const across = column > 0 && column < maps.columns - 1;
  const down = row > 0 && row < maps.rows - 1;
  const x = across ? slope(heatAt(maps, row, column + 1, joint), heatAt(maps, row, column - 1, joint)) : 0;
  const y = down ? slope(heatAt(maps, row + 1, column, joint), heatAt(maps, row - 1, column, joint)) : 0;
  return [x, y];
}

/** The mean of all cells' middles, weighed by the softmax of the heat. */
function meanPlace(maps: Maps, peak: Cell, joint: number, sharpness: number): [number, number] {
  let [sum, x, y] = [0, 0, 0];
  for (let row = 0; row < maps.rows; row++) {
    for (let column = 0; column < maps.columns; column++) {
      const weight = Math.exp(sharpness * (heatAt(maps, row, column, joint) - peak.heat));
      [sum, x, y] = [sum + weight, x + weight * (column + 0.5), y + weight * (row + 0.5)];
    }
  }
  return [x / sum, y / sum];
}

function fromMaps(maps: Maps, options: Options): Places {
  const how = options.decode ?? DECODINGS[0];
  if (typeof how !== 'string' || !DECODINGS.includes(how)) throw new RangeError(`joints are not decoded by ${String(how)}`);
  const sharpness = typeof options.sharpness === 'number' ? options.sharpness : SHARPNESS;
  const answer: Places = { places: new Float64Array(2 * maps.joints), scores: new Float64Array(maps.joints) };
  for (let joint = 0; joint < maps.joints; joint++) {
    const peak = hottest(maps, joint);
    const shift = how === 'quarter' ? slopes(maps, peak, joint) : [0, 0];
    const [x, y] =
      how === 'soft_argmax'
        ? meanPlace(maps, peak, joint, sharpness)
        : [peak.column + 0.5 + QUARTER * shift[0], peak.row + 0.5 + QUARTER * shift[1]];
    answer.places.set([x / maps.columns, y / maps.rows], 2 * joint);
    answer.scores[joint] = Math.min(Math.max(peak.heat, 0), 1);
  }
  return answer;
}

/** Places and scores from [1, h, w, K] or [1, 2K]; null for what is neither. */
export function decoded({ data, shape }: RawOutput, options: Options): Places | null {
  const [, rows, columns, joints] = shape;
  if (shape.length === 4) return fromMaps({ data, rows, columns, joints }, options);
  if (shape.length !== 2 || rows % 2 !== 0) return null;
  return { places: Float64Array.from(data, (value) => value + 0.5), scores: new Float64Array(rows / 2).fill(1) };
}
