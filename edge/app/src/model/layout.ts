// Layout: which axis of a tensor holds what, in the letters of `zoo.outputs.layout` in Python: N batch, H rows, W columns,
// P positions row by row, C channels, 1 an axis of one, c the only channel, which has no axis.

export const CHANNELS_LAST = 'NHWC';
export const CHANNELS_FIRST = 'NCHW';
const ORDER = 'NHWPC';

export type Sides = readonly [height: number, width: number];

interface Values<Data> {
  data: Data;
  shape: number[];
}

type Numeric = Float32Array | Int32Array | Uint8Array;

/** Whether rows and columns may lie over a picture of that size: of its proportions but for what strides round off. */
export function isGrid(sides: Sides, size: Sides): boolean {
  if (Math.min(...sides) < Math.min(2, ...size)) return false;
  const least = Math.max(...sides.map((side, axis) => (side - 1) / size[axis]));
  const most = Math.min(...sides.map((side, axis) => (side + 1) / size[axis]));
  return least < most;
}

function grid(positions: number, size: Sides): Sides {
  const factor = Math.sqrt(positions / (size[0] * size[1]));
  const [rows, columns] = size.map((side) => Math.max(1, Math.round(side * factor)));
  if (rows * columns !== positions) throw new RangeError(`${positions} positions are no rows and columns of ${size[0]} × ${size[1]}`);
  return [rows, columns];
}

/** A tensor in the order that kinds expect: [N, H, W, C], [N, H, W] of indices or [N, C] of whole pictures. */
export function arranged<Data extends Numeric>({ data, shape }: Values<Data>, layout: string, size: Sides): Values<Data> {
  const letters = layout.replace('c', '');
  if (!layout) return { data, shape };
  if (shape.length !== letters.length) throw new RangeError(`[${shape}]: its layout is ${layout}`);
  const axes = [...letters].map((letter, axis) => ({ letter, side: shape[axis], step: shape.slice(axis + 1).reduce((all, side) => all * side, 1) }));
  const kept = axes.filter(({ letter }) => letter !== '1').sort((a, b) => ORDER.indexOf(a.letter) - ORDER.indexOf(b.letter));
  const result = data.slice() as Data;
  const counters = kept.map(() => 0);
  for (let to = 0, from = 0; to < result.length; to++) {
    result[to] = data[from];
    for (let axis = kept.length - 1; axis >= 0; axis--) {
      from += kept[axis].step;
      if (++counters[axis] < kept[axis].side) break;
      from -= kept[axis].step * kept[axis].side;
      counters[axis] = 0;
    }
  }
  const sides = kept.flatMap(({ letter, side }) => (letter === 'P' ? grid(side, size) : [side]));
  return { data: result, shape: [...(letters.includes('N') ? [] : [1]), ...sides, ...(layout.includes('c') ? [1] : [])] };
}
