// Questions in words beside a picture, with the answers to choose from, as `edge.ask` reads them.
import type { Card } from '../model/card';
import type { InputSpec } from '../model/spec';
import { Vocabulary } from './vocabulary';

/** A question and the answers that are given with it. */
export interface Asked {
  question: string;
  answers: readonly string[];
}

/** What stops a text from being asked. */
export type Unfit =
  | { why: 'empty'; place: number }
  | { why: 'long'; place: number; text: string; count: number; most: number }
  | { why: 'unknown'; place: number; words: readonly string[] };

/** A text that the network cannot be asked; `place`: 0 is the question, from 1 on the answers. */
export class UnfitText extends Error {
  constructor(readonly unfit: Unfit) {
    super(JSON.stringify(unfit));
  }
}

/** What fills up a line of words. */
const NOTHING = 0;

/** The inputs that a question and its answers go into, a line of words each; null where a file takes anything else. */
function linesOf({ inputs, outputs }: Card): { question: InputSpec; answers: InputSpec } | null {
  const [picture, ...texts] = inputs;
  const fits = texts.every(({ layout, feedback, size, channels }) => !layout && !feedback && size !== null && channels === 1);
  const [question, answers] = ['question', 'answers'].map((name) => texts.find((input) => input.name === name));
  if (!picture.layout || texts.length !== 2 || !fits || !question || !answers) return null;
  return question.size![0] === 1 && outputs[0].labels.length > 0 ? { question, answers } : null;
}

/** Whether the network is asked something in words about a picture. */
export function isAsked(card: Card): boolean {
  return linesOf(card) !== null;
}

/** How many answers it chooses among; 0 of a network that is asked nothing. */
export function choicesOf(card: Card): number {
  return linesOf(card)?.answers.size![0] ?? 0;
}

/** The words that texts can be written in, without marks as `<padding>`. */
export function wordsOf(card: Card): string[] {
  return card.outputs[0].labels.filter((word) => !/^<\w+>$/.test(word));
}

/**
 * The numbers for the inputs beside the picture, by name: a question stands at the end of its line, an answer at the beginning.
 *
 * @throws UnfitText for no words, too many of them and such as the network does not know.
 */
export function numbersOf(card: Card, { question, answers }: Asked): Map<string, Float32Array> {
  const lines = linesOf(card)!;
  const vocabulary = new Vocabulary(card.outputs[0].labels);
  const [count, each] = lines.answers.size!;
  const length = lines.question.size![1];
  const first = new Float32Array(length).fill(NOTHING);
  const numbers = numbersIn(vocabulary, question, length, 0);
  first.set(numbers, length - numbers.length);
  const others = new Float32Array(count * each).fill(NOTHING);
  for (let at = 0; at < count; at++) others.set(numbersIn(vocabulary, answers[at] ?? '', each, at + 1), at * each);
  return new Map([
    [lines.question.name, first],
    [lines.answers.name, others],
  ]);
}

function numbersIn(vocabulary: Vocabulary, text: string, most: number, place: number): number[] {
  const words = vocabulary.unknown(text);
  if (words.length > 0) throw new UnfitText({ why: 'unknown', place, words });
  const numbers = vocabulary.encode(text);
  if (numbers.length === 0) throw new UnfitText({ why: 'empty', place });
  if (numbers.length > most) throw new UnfitText({ why: 'long', place, text, count: numbers.length, most });
  return numbers;
}
