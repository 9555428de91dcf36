// Choices: how likely each of the answers that were given beside a question is to be the right one.
import { csv } from '../model/csv';
import { softmax } from '../model/softmax';
import type { Colour } from '../model/palette';
import type { Answer, Kind, Speech } from './kind';

export interface Choice extends Answer {
  /** Of each given answer, in their order; sum 1. */
  probabilities: number[];
  /** The answers in words; none where nobody said them. */
  given: readonly string[];
}

const NAME = 'choices';
const BAR: Colour = [31, 107, 78];

const WORDS = {
  en: {
    kind: 'A choice among given answers',
    view: 'Choice',
    save: 'Save choice',
    answers: 'Answers',
    answer: 'Answer {place}',
    summary: '{answer} is the likeliest: {share}',
    agreement: 'Both models agree on the answer by {share}.',
  },
  de: {
    kind: 'Eine Wahl unter vorgegebenen Antworten',
    view: 'Wahl',
    save: 'Wahl sichern',
    answers: 'Antworten',
    answer: 'Antwort {place}',
    summary: '{answer} ist am wahrscheinlichsten: {share}',
    agreement: 'Beide Modelle sind sich über die Antwort zu {share} einig.',
  },
};

/** A decoded answer with the words of what was to choose from. */
export function withGiven(answer: Answer, given: readonly string[]): Choice {
  return { ...(answer as Choice), given };
}

function labelAt({ given }: Choice, index: number, speech: Speech): string {
  return given[index] ?? speech.phrase(WORDS, 'answer', { place: index + 1 });
}

export default {
  name: NAME,
  gives: NAME,
  opaque: false,
  decode({ data }, spec) {
    const scores = Array.from(data);
    return { kind: NAME, probabilities: spec.activation === 'linear' ? softmax(scores) : scores, given: [] };
  },
  transfer: () => [],
  agreement: (one, other) => one.probabilities.reduce((sum, share, index) => sum + Math.min(share, other.probabilities[index] ?? 0), 0),
  views: () => [],
  hidden: () => [],
  paint: () => null,
  legend: (answer, _, beside, speech) => ({
    rows: answer.probabilities.map((share, index) => ({
      index,
      label: labelAt(answer, index, speech),
      colour: BAR,
      share,
      text: [answer, beside].filter((each) => each !== null).map((each) => speech.percent(each.probabilities[index])).join(' · '),
    })),
    pressable: false,
    rest: '',
    note: '',
    figure: null,
  }),
  async file(answer) {
    return { blob: csv('answer,probability', answer.probabilities.map((share, index) => `${index + 1},${share}`)), ending: 'choices.csv' };
  },
  names: (_, speech) => ({
    kind: speech.phrase(WORDS, 'kind'),
    view: speech.phrase(WORDS, 'view'),
    save: speech.phrase(WORDS, 'save'),
    legend: speech.phrase(WORDS, 'answers'),
  }),
  summary: (answer, _, speech) => {
    const shares = answer.probabilities.map((share, index) => ({ share, label: labelAt(answer, index, speech) }));
    const [best, ...others] = shares.sort((one, other) => other.share - one.share);
    const first = speech.phrase(WORDS, 'summary', { answer: best.label, share: speech.percent(best.share) });
    return `${first}. ${others.map(({ label, share }) => `${label}: ${speech.percent(share)}`).join(', ')}`;
  },
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement) }),
} satisfies Kind<Choice>;
