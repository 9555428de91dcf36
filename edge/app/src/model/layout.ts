// Layout: which axis of a tensor holds what, in the letters of `zoo.outputs.layout` in Python: N batch, H rows, W columns,
// P positions row by row, C channels, 1 an axis of one, c the only channel, which has no axis.

export const CHANNELS_LAST = 'NHWC';
export const CHANNELS_FIRST = 'NCHW';
const ORDER = 'NHWPC';
/** Of a flattened map: pixels of the picture a position, and rows, where it is not the picture's own. */
const COARSEST = 8;
const FEWEST = 8;

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

function lies(sides: readonly number[], size: Sides): boolean {
  return isGrid([sides[0], sides[1]], size);
}

function covers(positions: number, size: Sides): boolean {
  let rows: number;
  let columns: number;
  try {
    [rows, columns] = grid(positions, size);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
  // A hundred boxes lie as ten by ten over any square picture; a map that was flattened is finer, and divides it.
  const stride = Math.floor(size[0] / rows);
  const divides = size[0] % rows === 0 && size[1] % columns === 0 && Math.min(...size) > 1;
  return isGrid([rows, columns], size) && divides && (stride === 1 || (stride <= COARSEST && Math.min(rows, columns) >= FEWEST));
}

/** The layouts that scores of that shape may have, the likeliest first. */
export function layoutsOfScores(shape: readonly number[], size: Sides): string[] {
  const batch = shape.length > 1 && shape[0] === 1 ? 'N' : '';
  const rest = shape.slice(batch.length);
  const layouts: string[] = [];
  if (rest.length > 0 && rest.slice(0, -1).every((side) => side === 1)) layouts.push(`${batch}${'1'.repeat(rest.length - 1)}C`);
  if (rest.length === 3 && lies(rest, size)) layouts.push(`${batch}HWC`);
  if (rest.length === 3 && lies(rest.slice(1), size)) layouts.push(`${batch}CHW`);
  if (rest.length === 2 && lies(rest, size)) layouts.push(`${batch}HWc`);
  if (rest.length === 2 && covers(rest[0], size)) layouts.push(`${batch}PC`);
  if (rest.length === 2 && covers(rest[1], size)) layouts.push(`${batch}CP`);
  if (rest.length === 1 && rest[0] === size[0] * size[1]) layouts.push(`${batch}Pc`);
  return layouts;
}

/** The layout that one class index a position, or one of the whole picture, has in a tensor of that shape; null for none. */
export function layoutOfIndices(shape: readonly number[], size: Sides): string | null {
  const letters = shape.map((side, axis) => (axis === 0 && side === 1 ? 'N' : side === 1 ? '1' : ''));
  const sides = shape.filter((_, axis) => !letters[axis]);
  const names = ['', 'P', 'HW'][sides.length];
  if (names === undefined || (sides.length === 1 && !covers(sides[0], size)) || (sides.length === 2 && !lies(sides, size))) return null;
  let next = 0;
  return letters.map((letter) => letter || names[next++]).join('');
}

/** Whether it has a value for each position. */
export function isDense(layout: string): boolean {
  return layout.includes('P') || layout.includes('H');
}

/** The number of channels of a tensor of that layout. */
export function channelsOf(layout: string, shape: readonly number[]): number {
  return layout.includes('c') ? 1 : layout.includes('C') ? shape[layout.indexOf('C')] : 0;
}
