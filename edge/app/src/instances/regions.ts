// Boxes with masks in them, laid on a picture: the coding "regions" of instances, as zoo/outputs/instance_regions.py says it.
import { candidates } from '../boxes/codings';
import { select } from '../boxes/selection';
import { isPair, type OutputSpec } from '../model/spec';
import type { RawOutput, Size } from '../outputs/kind';
import { enlargeValues } from '../pixels/resize';

const SIDES = 4;

/** Objects that boxes became, as an answer of the kind has them. */
export interface Laid {
  numbers: Int32Array<ArrayBuffer>;
  labels: Int32Array<ArrayBuffer>;
  scores: Float32Array<ArrayBuffer>;
}

export function byRegions(spec: OutputSpec): boolean {
  return spec.options.coding === 'regions';
}

/** To the nearest whole number, halves to the even one. */
function rounded(value: number): number {
  const whole = Math.round(value);
  return whole - value === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
}

/** The rows' first `count` numbers, which are of the box. */
function boxRows({ data }: RawOutput, stride: number, count: number): RawOutput {
  const rows = data.length / stride;
  const own = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) own.set(data.subarray(row * stride, row * stride + count), row * count);
  return { data: own, shape: [1, rows, count] };
}

/** The objects in a picture of that size, the best on top; some may be covered wholly. */
export function laid(output: RawOutput, spec: OutputSpec, { width, height }: Size): Laid {
  const { mask } = spec.options;
  if (!isPair(mask)) throw new RangeError(`masks of ${String(mask)}; expected their height and width`);
  const [stride, ends, size] = [output.shape[output.shape.length - 1], SIDES + spec.labels.length, mask[0] * mask[1]];
  if (stride !== ends + size) throw new RangeError(`${stride} numbers a region; classes and masks have ${ends + size}`);
  const options = { ...spec.options, coding: 'corners' };
  const { boxes, labels, scores, rows } = select(candidates(boxRows(output, stride, ends), options), options);
  const numbers = new Int32Array(width * height);
  for (const place of labels.map((_, index) => index).sort((a, b) => scores[a] - scores[b])) {
    const [x0, y0, x1, y1] = Array.from(boxes.subarray(place * SIDES, place * SIDES + SIDES), (edge, side) => {
      const most = side % 2 === 0 ? width : height;
      return Math.min(Math.max(rounded(edge * most), 0), most);
    });
    if (x1 <= x0 || y1 <= y0) continue;
    const from = rows[place] * stride + ends;
    const grid = { data: output.data.slice(from, from + size), height: mask[0], width: mask[1], channels: 1 };
    const inside = enlargeValues(grid, x1 - x0, y1 - y0);
    for (let y = y0, at = 0; y < y1; y++) for (let x = x0; x < x1; x++, at++) if (inside[at] >= 0) numbers[y * width + x] = place + 1;
  }
  return { numbers, labels: Int32Array.from(labels), scores: Float32Array.from(scores) };
}
