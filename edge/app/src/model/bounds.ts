// Between which values an output lies whatever the picture, and what activation that means: `zoo/outputs/bounds.py` in Python.
import type { Activation } from './spec';

/** Factors are stored in half precision and in 8 bits. */
const CLOSE = 1e-3;

function product(one: number, other: number): number {
  return one === 0 || other === 0 ? 0 : one * other; // 0 · ∞ is 0 here: a factor of 0 leaves nothing
}

export class Bounds {
  constructor(
    readonly low = -Infinity,
    readonly high = Infinity,
    /** What the channels of a position add up to; null where that is not known. */
    readonly total: number | null = null,
  ) {}

  scaled(factor: number, offset = 0): Bounds {
    const ends = [this.low, this.high].map((end) => product(factor, end) + offset);
    return new Bounds(Math.min(...ends), Math.max(...ends), this.total === null || offset ? null : this.total * factor);
  }

  plus(other: Bounds): Bounds {
    const total = this.total === null || other.total === null ? null : this.total + other.total;
    return new Bounds(this.low + other.low, this.high + other.high, total);
  }

  times(other: Bounds): Bounds {
    const corners = [this.low, this.high].flatMap((one) => [other.low, other.high].map((two) => product(one, two)));
    return new Bounds(Math.min(...corners), Math.max(...corners));
  }

  /** Those of values of which what lies outside is moved to the end. */
  cut({ low, high }: Bounds): Bounds {
    return new Bounds(Math.min(Math.max(this.low, low), high), Math.max(Math.min(this.high, high), low));
  }

  /** Those of some of the values: what the channels add up to is lost. */
  mixed(): Bounds {
    return new Bounds(this.low, this.high);
  }

  get free(): boolean {
    return this.low === -Infinity && this.high === Infinity;
  }

  get unit(): boolean {
    return this.low > -CLOSE && this.high < 1 + CLOSE;
  }

  /** The activation that scores of so many channels end in; null where it can't be told. */
  activation(channels: number): Activation | null {
    if (this.free) return 'linear';
    if (!this.unit || this.high <= 1 - CLOSE || this.low >= CLOSE) return null;
    return this.total !== null && Math.abs(this.total - 1) < CLOSE && channels > 1 ? 'softmax' : 'sigmoid';
  }
}

export const FREE = new Bounds();

/** The bounds of tensors joined, or of the larger or smaller of them. */
export function united(several: readonly Bounds[]): Bounds {
  return new Bounds(Math.min(...several.map(({ low }) => low)), Math.max(...several.map(({ high }) => high)));
}
