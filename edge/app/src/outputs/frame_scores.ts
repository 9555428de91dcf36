// Frame scores: what happens in each frame of a film.
import { csv, quoted } from '../model/csv';
import { softmax } from '../model/softmax';
import { labelOf } from '../model/spec';
import type { Answer, Kind } from './kind';

export interface FrameAnswer extends Answer {
  /** Of each frame the shares of the classes; sum 1. */
  frames: number[][];
  /** How many frames came before the first of them, and are no longer shown. */
  before: number;
  /** Whether there are more to come. */
  goesOn: boolean;
}

/** Frames of a film that goes on, of which so many are shown. */
const LATEST = 8;

const NAME = 'frame_scores';

const WORDS = {
  en: {
    kind: 'What happens in every frame',
    view: 'Frames',
    save: 'Save frames',
    legend: 'Frame by frame',
    frame: 'Frame {place}: {label}',
    now: 'Now: {label}',
    agreement: 'Both models agree on the frames by {share}.',
  },
  de: {
    kind: 'Was in jedem Bild geschieht',
    view: 'Bilder',
    save: 'Bilder sichern',
    legend: 'Bild für Bild',
    frame: 'Bild {place}: {label}',
    now: 'Jetzt: {label}',
    agreement: 'Beide Modelle sind sich über die Bilder zu {share} einig.',
  },
};

/** What was said of the frames before, and of those that follow them. */
export function joined(said: Answer | null, answer: Answer, goesOn: boolean): FrameAnswer {
  const [old, { frames }] = [said as FrameAnswer | null, answer as FrameAnswer];
  const all = [...(old?.frames ?? []), ...frames];
  const gone = goesOn ? Math.max(0, all.length - LATEST) : 0;
  return { kind: NAME, frames: all.slice(gone), before: (old?.before ?? 0) + gone, goesOn };
}

function best(shares: readonly number[]): number {
  return shares.indexOf(Math.max(...shares));
}

export default {
  name: NAME,
  gives: NAME,
  opaque: false,
  decode({ data, shape }, spec) {
    const classes = shape[shape.length - 1];
    const frames = Array.from({ length: data.length / classes }, (_, at) => Array.from(data.slice(at * classes, (at + 1) * classes)));
    const shares = spec.activation === 'linear' ? frames.map((scores) => softmax(scores)) : frames;
    return { kind: NAME, frames: shares, before: 0, goesOn: false };
  },
  transfer: () => [],
  agreement: (one, other) => one.frames.filter((shares, at) => best(shares) === best(other.frames[at] ?? [])).length / one.frames.length,
  views: () => [],
  hidden: () => [],
  paint: () => null,
  legend: (answer, spec, beside, speech) => ({
    rows: answer.frames.map((shares, at) => ({
      index: answer.before + at,
      label: speech.phrase(WORDS, 'frame', { place: answer.before + at + 1, label: labelOf(spec, best(shares)) }),
      colour: spec.palette[best(shares)] ?? [31, 107, 78],
      share: Math.max(...shares),
      text: [shares, ...(beside?.frames[at] ? [beside.frames[at]] : [])].map((each) => speech.percent(each[best(shares)])).join(' · '),
    })),
    pressable: false,
    rest: '',
    note: answer.goesOn ? speech.phrase(WORDS, 'now', { label: labelOf(spec, best(answer.frames[answer.frames.length - 1])) }) : '',
    figure: null,
  }),
  async file(answer, spec) {
    const rows = answer.frames.map((shares, at) => `${answer.before + at + 1},${quoted(labelOf(spec, best(shares)))},${Math.max(...shares)}`);
    return { blob: csv('frame,class,probability', rows), ending: 'frames.csv' };
  },
  names: (_, speech) => ({
    kind: speech.phrase(WORDS, 'kind'),
    view: speech.phrase(WORDS, 'view'),
    save: speech.phrase(WORDS, 'save'),
    legend: speech.phrase(WORDS, 'legend'),
  }),
  summary: (answer, spec, speech) =>
    answer.frames.map((shares, at) => speech.phrase(WORDS, 'frame', { place: answer.before + at + 1, label: labelOf(spec, best(shares)) })).join(', '),
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement) }),
} satisfies Kind<FrameAnswer>;
