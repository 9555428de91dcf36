// Tokens: how likely each token of a vocabulary is to come next behind a text.
import { csv, quoted } from '../model/csv';
import { softmax } from '../model/softmax';
import { labelOf, type OutputSpec } from '../model/spec';
import type { Colour } from '../model/palette';
import type { Answer, Kind } from './kind';

export interface NextToken extends Answer {
  /** Of each token to come next; sum 1. */
  probabilities: number[];
}

const NAME = 'tokens';
const LIKELIEST = 5;
const BAR: Colour = [31, 107, 78];

const WORDS = {
  en: {
    kind: 'The next token of a text',
    view: 'Tokens',
    save: 'Save tokens',
    likely: 'Most likely next',
    summary: 'Most likely next: {tokens}',
    agreement: 'Both models agree on the next token by {share}.',
  },
  de: {
    kind: 'Das nächste Zeichen eines Textes',
    view: 'Zeichen',
    save: 'Zeichen sichern',
    likely: 'Am wahrscheinlichsten als Nächstes',
    summary: 'Am wahrscheinlichsten als Nächstes: {tokens}',
    agreement: 'Beide Modelle sind sich über das nächste Zeichen zu {share} einig.',
  },
};

function likeliest({ probabilities }: NextToken): number[] {
  const order = probabilities.map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a]);
  return order.slice(0, LIKELIEST);
}

/** A token as people can see it: an end of a line and a blank have signs. */
function shown(spec: OutputSpec, index: number): string {
  return labelOf(spec, index).replace('\n', '⏎').replace(/^ $/, '␣');
}

export default {
  name: NAME,
  gives: NAME,
  opaque: false,
  decode({ data, shape }, spec) {
    const scores = Array.from(data.slice(-shape[shape.length - 1]));
    return { kind: NAME, probabilities: spec.activation === 'linear' ? softmax(scores) : scores };
  },
  transfer: () => [],
  agreement: (one, other) => one.probabilities.reduce((sum, share, index) => sum + Math.min(share, other.probabilities[index] ?? 0), 0),
  views: () => [],
  hidden: () => [],
  paint: () => null,
  legend: (answer, spec, beside, speech) => ({
    rows: likeliest(answer).map((index) => ({
      index,
      label: shown(spec, index),
      colour: BAR,
      share: answer.probabilities[index],
      text: [answer, beside].filter((each) => each !== null).map((each) => speech.percent(each.probabilities[index])).join(' · '),
    })),
    pressable: false,
    rest: '',
    note: '',
    figure: null,
  }),
  async file(answer, spec) {
    const rows = answer.probabilities.map((share, index) => `${quoted(labelOf(spec, index))},${share}`);
    return { blob: csv('token,probability', rows), ending: 'tokens.csv' };
  },
  names: (_, speech) => ({
    kind: speech.phrase(WORDS, 'kind'),
    view: speech.phrase(WORDS, 'view'),
    save: speech.phrase(WORDS, 'save'),
    legend: speech.phrase(WORDS, 'likely'),
  }),
  summary: (answer, spec, speech) =>
    speech.phrase(WORDS, 'summary', {
      tokens: likeliest(answer).map((index) => `${shown(spec, index)} ${speech.percent(answer.probabilities[index])}`).join(', '),
    }),
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement) }),
} satisfies Kind<NextToken>;
