// Sentence: words one after the other, each said behind the words before it, and where the network looked for each.
import type { Card } from '../model/card';
import type { Colour } from '../model/palette';
import { softmax } from '../model/softmax';
import { labelOf, type OutputSpec } from '../model/spec';
import { Vocabulary } from '../text/vocabulary';
import { canvasOf, type Answer, type Kind } from './kind';

export interface SentenceAnswer extends Answer {
  /** The numbers of its words, without the end. */
  words: number[];
  /** How likely each word was behind those before it. */
  shares: number[];
  /** Of each word how much the network looked at each place, row by row; none where it looks once. */
  looks: Float32Array<ArrayBuffer>[];
  /** [rows, columns] of these places. */
  grid: [number, number];
}

const NAME = 'sentence';
const END = '<end>';
/** Marks that are no words. */
const MARKS: ReadonlySet<string> = new Set(['<padding>', '<start>', END]);
/** The output of a step that says where it looked. */
export const ATTENTION = 'attention';
const BAR: Colour = [31, 107, 78];
const GLOW: Colour = [255, 214, 64];

const WORDS = {
  en: {
    kind: 'A sentence',
    view: 'Where it looked',
    save: 'Save sentence',
    legend: 'In words',
    nothing: 'The network says nothing.',
    agreement: 'Both models say the same word at {share} of the places.',
  },
  de: {
    kind: 'Ein Satz',
    view: 'Wohin es sah',
    save: 'Satz sichern',
    legend: 'In Worten',
    nothing: 'Das Netz sagt nichts.',
    agreement: 'Beide Modelle sagen an {share} der Stellen dasselbe Wort.',
  },
};

/** The meaning of sentences that a file of one word says: the scores', of all words. */
export function sentenceSpec({ outputs: [spec, ...others] }: Card): OutputSpec {
  return { ...spec, kind: NAME, options: { ...spec.options, looks: others.some(({ name }) => name === ATTENTION) } };
}


/** A decoded answer with where each word looked, maps of `grid` places. */
export function withLooks(answer: Answer, looks: readonly Float32Array[], grid: [number, number]): SentenceAnswer {
  const said = answer as SentenceAnswer;
  return { ...said, looks: looks.slice(0, said.words.length).map((look) => new Float32Array(look)), grid };
}

/** A word of an answer has a number for the legend that no other word at another place has. */
function numberOf(place: number, word: number, spec: OutputSpec): number {
  return place * spec.labels.length + word;
}

function textOf({ words }: SentenceAnswer, spec: OutputSpec): string {
  const vocabulary = new Vocabulary(spec.labels);
  const said = words.filter((word) => !MARKS.has(labelOf(spec, word)));
  return said.map((word, place) => vocabulary.text(word, place === 0)).join('');
}

export default {
  name: NAME,
  gives: NAME,
  opaque: false,
  decode({ data, shape }, spec) {
    const count = shape[shape.length - 1];
    const [words, shares]: [number[], number[]] = [[], []];
    const end = spec.labels.indexOf(END);
    for (let at = 0; at + count <= data.length; at += count) {
      const scores = Array.from(data.slice(at, at + count));
      const word = scores.indexOf(Math.max(...scores));
      if (word === end) break;
      words.push(word);
      shares.push(softmax(scores)[word]);
    }
    return { kind: NAME, words, shares, looks: [], grid: [0, 0] };
  },
  transfer: ({ looks }) => looks.map(({ buffer }) => buffer),
  agreement({ words }, other) {
    const longest = Math.max(words.length, other.words.length);
    return longest > 0 ? words.filter((word, place) => word === other.words[place]).length / longest : 1;
  },
  views: (spec) => (spec.options.looks ? ['overlay', 'split', 'mask'] : []),
  /** All at first: a press on a word shows where the network looked for it. */
  hidden: (spec) => (spec.options.looks ? Array.from({ length: Number(spec.options.length) * spec.labels.length }, (_, index) => index) : []),
  paint({ words, looks, grid: [rows, columns] }, spec, { hidden }) {
    const shown = looks.filter((_, place) => !hidden.has(numberOf(place, words[place], spec)));
    if (shown.length === 0 || rows * columns === 0) return null;
    const image = new ImageData(columns, rows);
    const greatest = Math.max(...shown.map((look) => Math.max(...look)));
    for (let at = 0; at < rows * columns; at++) {
      const heat = Math.max(...shown.map((look) => look[at])) / greatest;
      image.data.set([...GLOW, 255 * heat], 4 * at);
    }
    return canvasOf(image);
  },
  legend(answer, spec, _beside, speech) {
    const rows = answer.words.map((word, place) => ({
      index: numberOf(place, word, spec),
      label: labelOf(spec, word),
      colour: BAR,
      share: answer.shares[place],
      text: speech.percent(answer.shares[place]),
    }));
    return { rows, pressable: answer.looks.length > 0, rest: '', note: textOf(answer, spec), figure: null };
  },
  file: async (answer, spec) => ({ blob: new Blob([`${textOf(answer, spec)}\n`], { type: 'text/plain' }), ending: 'sentence.txt' }),
  names(_, speech) {
    const [kind, view, save, legend] = (['kind', 'view', 'save', 'legend'] as const).map((key) => speech.phrase(WORDS, key));
    return { kind, view, save, legend };
  },
  summary: (answer, spec, speech) => textOf(answer, spec) || speech.phrase(WORDS, 'nothing'),
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement) }),
} satisfies Kind<SentenceAnswer>;
