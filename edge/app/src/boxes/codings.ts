// Box codings: how the numbers of a network's last map become boxes and scores, as zoo/outputs/box_codings.py says it; what the
// options of a spec are stands there. The same additions, products and quotients in the same order, so that both have the same bits.
import type { RawOutput } from '../outputs/kind';
import { isPair } from '../model/spec';

export interface Candidates {
  /** x0, y0, x1, y1 of each, as shares of the picture's sides. */
  boxes: Float64Array;
  /** One a class for each. */
  scores: Float64Array;
  classes: number;
}

export type Options = Readonly<Record<string, unknown>>;

const SIDES = 4;
const LN2_HIGH = 0.69314718036912381649;
const LN2_LOW = 1.90821492927058770002e-10;
const TERMS = 13;
const FARTHEST = 80;

/** e to the power of a value, to the last bit what Python's kind computes; Math.exp is each browser's own. */
export function exponential(value: number): number {
  if (Number.isNaN(value)) return NaN;
  const clipped = Math.min(Math.max(value, -FARTHEST), FARTHEST);
  const power = Math.floor(clipped / Math.LN2 + 0.5);
  const rest = clipped - power * LN2_HIGH - power * LN2_LOW;
  let total = 1;
  for (let term = TERMS; term > 0; term--) total = 1 + (total * rest) / term;
  return total * 2 ** power;
}

function sigmoid(value: number): number {
  return 1 / (1 + exponential(-value));
}

/** Over the classes, the first of which is the background and is left out. */
function softmax(values: ArrayLike<number>, from: number, count: number, into: Float64Array, to: number): void {
  let most = -Infinity;
  for (let k = 0; k < count; k++) most = Math.max(most, values[from + k]);
  let total = 0;
  const powers = Array.from({ length: count }, (_, k) => exponential(values[from + k] - most));
  for (const power of powers) total += power;
  for (let k = 1; k < count; k++) into[to + k - 1] = powers[k] / total;
}

/** Scores of `count` numbers a row, read from `first` of rows `stride` long. */
function scoresOf(data: ArrayLike<number>, rows: number, stride: number, first: number, options: Options): { scores: Float64Array; classes: number } {
  const name = options.scores ?? 'sigmoid';
  const count = stride - first;
  const classes = name === 'softmax' ? count - 1 : count;
  const scores = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const from = row * stride + first;
    if (name === 'softmax') softmax(data, from, count, scores, row * classes);
    else for (let k = 0; k < count; k++) scores[row * classes + k] = name === 'shares' ? data[from + k] : sigmoid(data[from + k]);
  }
  if (name !== 'softmax' && name !== 'shares' && name !== 'sigmoid') throw new RangeError(`scores of boxes ${String(name)}`);
  return { scores, classes };
}

type Grid = [number, number];

/** The rows and columns of the levels. */
function gridsOf(shape: readonly number[], options: Options): Grid[] {
  const given = Array.isArray(options.grids) ? options.grids.filter(isPair) : [];
  if (given.length > 0) return given;
  if (shape.length === 4) return [[shape[1], shape[2]]];
  throw new RangeError(`boxes of [${shape}], and nothing says how their positions lie`);
}

function rowsIn(grids: readonly Grid[], each: (level: number) => number): number {
  return grids.reduce((sum, [rows, columns], level) => sum + rows * columns * each(level), 0);
}

function checked(length: number, rows: number, shape: readonly number[]): number {
  if (rows === 0 || length % rows !== 0) throw new RangeError(`boxes of [${shape}]; the grids have ${rows} rows`);
  return length / rows;
}

/** Calls `visit` with each position: its row among all, its middle, and its level's grid. */
function eachPosition(grids: readonly Grid[], visit: (row: number, x: number, y: number, level: number) => void): void {
  let row = 0;
  grids.forEach(([rows, columns], level) => {
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) visit(row++, (x + 0.5) / columns, (y + 0.5) / rows, level);
  });
}

function points({ data, shape }: RawOutput, options: Options): Candidates {
  const grids = gridsOf(shape, options);
  const count = rowsIn(grids, () => 1);
  const stride = checked(data.length, count, shape);
  const boxes = new Float64Array(count * SIDES);
  eachPosition(grids, (row, x, y, level) => {
    const [rows, columns] = grids[level];
    const [from, to] = [row * stride, row * SIDES];
    boxes[to] = x - exponential(data[from]) / columns;
    boxes[to + 1] = y - exponential(data[from + 1]) / rows;
    boxes[to + 2] = x + exponential(data[from + 2]) / columns;
    boxes[to + 3] = y + exponential(data[from + 3]) / rows;
  });
  return { boxes, ...scoresOf(data, count, stride, SIDES, options) };
}

function anchors({ data, shape }: RawOutput, options: Options): Candidates {
  const grids = gridsOf(shape, options);
  const sides = (options.anchors as unknown[][]).map((level) => level.filter(isPair));
  if (sides.length !== grids.length) throw new RangeError(`anchors of ${sides.length} levels and ${grids.length} grids`);
  const variances = Array.isArray(options.variances) ? (options.variances as number[]) : [1, 1, 1, 1];
  const count = rowsIn(grids, (level) => sides[level].length);
  const stride = checked(data.length, count, shape);
  const boxes = new Float64Array(count * SIDES);
  let row = 0;
  eachPosition(grids, (_, x, y, level) => {
    for (const [width, height] of sides[level]) {
      const [from, to] = [row * stride, row++ * SIDES];
      const [centreX, centreY] = [x + data[from] * variances[0] * width, y + data[from + 1] * variances[1] * height];
      const halfWidth = (width * exponential(data[from + 2] * variances[2])) / 2;
      const halfHeight = (height * exponential(data[from + 3] * variances[3])) / 2;
      boxes.set([centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight], to);
    }
  });
  return { boxes, ...scoresOf(data, count, stride, SIDES, options) };
}

function cells({ data, shape }: RawOutput, options: Options): Candidates {
  const grids = gridsOf(shape, options);
  const [[rows, columns]] = grids;
  const each = Number(options.boxes);
  const stride = checked(data.length, rows * columns, shape);
  const classes = stride - each * (SIDES + 1);
  const boxes = new Float64Array(rows * columns * each * SIDES);
  const scores = new Float64Array(rows * columns * each * classes);
  eachPosition(grids, (row, x, y) => {
    for (let box = 0; box < each; box++) {
      const from = row * stride + box * (SIDES + 1);
      const to = row * each + box;
      const [left, top] = [x - 0.5 / columns, y - 0.5 / rows];
      const [centreX, centreY] = [left + data[from] / columns, top + data[from + 1] / rows];
      const [halfWidth, halfHeight] = [(data[from + 2] * data[from + 2]) / 2, (data[from + 3] * data[from + 3]) / 2];
      boxes.set([centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight], to * SIDES);
      for (let k = 0; k < classes; k++) scores[to * classes + k] = data[from + SIDES] * data[row * stride + each * (SIDES + 1) + k];
    }
  });
  return { boxes, scores, classes };
}

function corners({ data, shape }: RawOutput, options: Options): Candidates {
  const stride = shape[shape.length - 1];
  const count = data.length / stride;
  const boxes = new Float64Array(count * SIDES);
  for (let row = 0; row < count; row++) for (let side = 0; side < SIDES; side++) boxes[row * SIDES + side] = data[row * stride + side];
  return { boxes, ...scoresOf(data, count, stride, SIDES, options) };
}

const CODINGS: Record<string, (output: RawOutput, options: Options) => Candidates> = { points, anchors, cells, corners };

/** All boxes that a raw output holds, and the score of each class for each; what is not finite counts for nothing. */
export function candidates(output: RawOutput, options: Options): Candidates {
  const coding = CODINGS[String(options.coding ?? 'points')];
  if (!coding) throw new RangeError(`boxes coded as ${String(options.coding)}`);
  const { boxes, scores, classes } = coding(output, options);
  for (let row = 0; row * SIDES < boxes.length; row++) {
    const own = [boxes.subarray(row * SIDES, (row + 1) * SIDES), scores.subarray(row * classes, (row + 1) * classes)];
    if (!own.every((part) => part.every(Number.isFinite))) for (const part of own) part.fill(0);
  }
  return { boxes, scores, classes };
}
