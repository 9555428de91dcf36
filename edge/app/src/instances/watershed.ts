// Connected parts of a map, and their growth over a landscape, to the last pixel what zoo/outputs/watershed.py computes.
import type { Size } from '../outputs/kind';
import { neighbours } from '../pixels/resize';

export interface Parts {
  /** Numbers of parts from 1, by their first pixels row by row; 0 is of no part. */
  numbers: Int32Array<ArrayBuffer>;
  count: number;
}

/** The root of a place in a forest whose roots are their own parents; what was walked over is hung to it. */
function rootOf(parents: Int32Array, place: number): number {
  let root = place;
  while (parents[root] !== root) root = parents[root];
  for (let at = place; parents[at] !== root; ) [at, parents[at]] = [parents[at], root];
  return root;
}

/** The parts of equal values that hang together over edges; 0 is of no part. */
export function connectedParts(values: Uint8Array, { width, height }: Size): Parts {
  const parents = Int32Array.from({ length: values.length }, (_, place) => place);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (values[at] === 0) continue;
      for (const other of [x > 0 ? at - 1 : at, y > 0 ? at - width : at]) {
        if (values[other] !== values[at]) continue;
        const [one, two] = [rootOf(parents, at), rootOf(parents, other)];
        parents[Math.max(one, two)] = Math.min(one, two);
      }
    }
  }
  const numbers = new Int32Array(values.length);
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    if (values[at] === 0) continue;
    const root = rootOf(parents, at);
    numbers[at] = root === at ? ++count : numbers[root];
  }
  return { numbers, count };
}

/** Places in a heap, the lowest first, of equally low ones the oldest. */
class Heap {
  private readonly places: number[] = [];
  private readonly values: number[] = [];
  private readonly ages: number[] = [];

  get size(): number {
    return this.places.length;
  }

  push(value: number, place: number, age: number): void {
    let at = this.places.length;
    this.set(at, value, place, age);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  pop(): number {
    const [first] = this.places;
    this.swap(0, this.places.length - 1);
    for (const column of [this.places, this.values, this.ages]) column.pop();
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < this.size && this.before(left, least)) least = left;
      if (right < this.size && this.before(right, least)) least = right;
      if (least === at) return first;
      this.swap(at, least);
      at = least;
    }
  }

  private before(one: number, other: number): boolean {
    return this.values[one] < this.values[other] || (this.values[one] === this.values[other] && this.ages[one] < this.ages[other]);
  }

  private set(at: number, value: number, place: number, age: number): void {
    [this.values[at], this.places[at], this.ages[at]] = [value, place, age];
  }

  private swap(one: number, other: number): void {
    const [value, place, age] = [this.values[one], this.places[one], this.ages[one]];
    this.set(one, this.values[other], this.places[other], this.ages[other]);
    this.set(other, value, place, age);
  }
}

/** The places beside one over edges, in the order above, left, right, below. */
function beside(at: number, { width, height }: Size): number[] {
  const [x, y] = [at % width, Math.floor(at / width)];
  const places: number[] = [];
  if (y > 0) places.push(at - width);
  if (x > 0) places.push(at - 1);
  if (x + 1 < width) places.push(at + 1);
  if (y + 1 < height) places.push(at + width);
  return places;
}

/** Parts grown in place by a watershed: the lowest pixel beside any part joins it, until none is left within. */
export function flood(numbers: Int32Array, landscape: Float32Array, within: Uint8Array, size: Size): void {
  const free = Uint8Array.from(within, (value, at) => Number(value > 0 && numbers[at] === 0));
  const heap = new Heap();
  let age = 0;
  for (let at = 0; at < numbers.length; at++) {
    if (numbers[at] > 0 && beside(at, size).some((place) => free[place] > 0)) heap.push(landscape[at], at, age++);
  }
  while (heap.size > 0) {
    const at = heap.pop();
    for (const place of beside(at, size)) {
      if (free[place] === 0) continue;
      free[place] = 0;
      numbers[place] = numbers[at];
      heap.push(landscape[place], place, age++);
    }
  }
}

/** The number of most weight among four; of equal weights the first. */
function heaviest(four: readonly number[], weights: readonly number[]): number {
  let [best, most] = [four[0], -1];
  for (const number of four) {
    let total = 0;
    for (let k = 0; k < four.length; k++) total += four[k] === number ? weights[k] : 0;
    if (total > most) [best, most] = [number, total];
  }
  return best;
}

/** A map of numbers at another size: each pixel has the number of most weight, as bilinear resizing weighs, of its neighbours. */
export function enlargeNumbers(numbers: Int32Array<ArrayBuffer>, from: Size, to: Size): Int32Array<ArrayBuffer> {
  if (from.width === to.width && from.height === to.height) return numbers;
  const [down, across] = [neighbours(from.height, to.height), neighbours(from.width, to.width)];
  const result = new Int32Array(to.width * to.height);
  for (let y = 0, out = 0; y < to.height; y++) {
    const [above, below, v] = [down.low[y] * from.width, down.high[y] * from.width, down.part[y]];
    for (let x = 0; x < to.width; x++, out++) {
      const [left, right, u] = [across.low[x], across.high[x], across.part[x]];
      const first = numbers[above + left];
      result[out] = first;
      const four = [first, numbers[above + right], numbers[below + left], numbers[below + right]];
      if (four.every((number) => number === first)) continue;
      result[out] = heaviest(four, [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u]);
    }
  }
  return result;
}
