// Sentences that are read: which words a network knows, how many it reads, and the row of pixels that they become.
import type { OutputSpec } from '../model/spec';
import { Vocabulary } from './vocabulary';

/** The sentence has more words than are read, or none. */
export class UnfitLength extends Error {}

/** How many words of a sentence are read, its end with them; 0 of a network that looks at pictures. */
export function readsOf({ options }: OutputSpec): number {
  return Number(options.reads ?? 0);
}

/** The words by their numbers: of a network that judges sentences its labels are the classes. */
export function wordsOf({ options, labels }: OutputSpec): readonly string[] {
  return Array.isArray(options.vocabulary) ? options.vocabulary.map(String) : labels;
}

export function vocabularyOf(spec: OutputSpec): Vocabulary {
  return new Vocabulary(wordsOf(spec));
}

/** A row of a grey picture, a word a pixel; behind the end is padding, 0. */
export function rowOf(tokens: readonly number[], reads: number, end: number): ImageData {
  if (tokens.length === 0 || tokens.length >= reads) throw new UnfitLength(`${tokens.length} ≠ 1…${reads - 1}`);
  const row = new Uint8ClampedArray(4 * reads);
  [...tokens, end].forEach((token, place) => row.fill(token, 4 * place, 4 * place + 3));
  return new ImageData(row, reads, 1);
}
