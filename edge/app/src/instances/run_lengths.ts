// Run lengths: masks as COCO writes them, compressed, column by column; how, zoo/outputs/run_lengths.py says.
import type { Size } from '../outputs/kind';

const BITS = 5;
const MORE = 32;
const SIGN = 16;
const FIRST = 48;

function written(number: number): string {
  let [text, value] = ['', number];
  for (;;) {
    const group = value & (MORE - 1);
    value >>= BITS;
    const more = value !== ((group & SIGN) > 0 ? -1 : 0);
    text += String.fromCharCode(FIRST + (group | (more ? MORE : 0)));
    if (!more) return text;
  }
}

/** The pixels of one number in a map. */
export function runLengths(numbers: Int32Array, number: number, { width, height }: Size): string {
  const lengths: number[] = [];
  let [inside, length] = [false, 0];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const here = numbers[y * width + x] === number;
      if (here !== inside) {
        lengths.push(length);
        [inside, length] = [here, 0];
      }
      length++;
    }
  }
  lengths.push(length);
  return lengths.map((value, place) => written(place > 2 ? value - lengths[place - 2] : value)).join('');
}
