// Instances: objects side by side, told apart, each with its class, its score and its pixels.
import { exponential } from '../boxes/codings';
import { byRegions, laid } from '../instances/regions';
import { runLengths } from '../instances/run_lengths';
import { connectedParts, enlargeNumbers, flood, type Parts } from '../instances/watershed';
import { vocPalette, type Colour } from '../model/palette';
import { labelOf, type OutputSpec } from '../model/spec';
import { canvasOf, type Answer, type Kind, type LegendRow, type RawOutput, type Size, type Speech } from './kind';

export interface InstanceAnswer extends Answer, Size {
  /** Of each pixel its object, from 1; 0 is the ground. */
  numbers: Int32Array<ArrayBuffer>;
  /** One class an object. */
  labels: Int32Array<ArrayBuffer>;
  /** 0–1, one an object. */
  scores: Float32Array<ArrayBuffer>;
}

const NAME = 'instances';
const DEFAULTS = { sure: 0.8, least: 8, threshold: 0 };
/** Channels beside those of the insides: the ground, which is the first, and the outline, the last. */
const OTHERS = 2;
/** What stands for scores that are no numbers. */
const NEVER = -1e30;
/** Objects are the same from this overlap on, where two networks are compared. */
const SAME = 0.5;
const FILLED = 0.45;
const SOLID = 255;
const COLOURS = vocPalette(256);

const WORDS = {
  en: {
    kind: 'Objects one by one',
    view: 'Objects',
    save: 'Save objects',
    legend: 'Objects',
    none: 'Nothing is found.',
    note: '{count} objects, half of them of {area} pixels or more.',
    summary: 'Picture with {count} objects. {list}.',
    agreement: 'Both models agree on {share} of the objects.',
  },
  de: {
    kind: 'Gegenstände einzeln',
    view: 'Gegenstände',
    save: 'Gegenstände sichern',
    legend: 'Gegenstände',
    none: 'Nichts gefunden.',
    note: '{count} Gegenstände, die Hälfte von {area} Pixeln oder mehr.',
    summary: 'Bild mit {count} Gegenständen. {list}.',
    agreement: 'Beide Modelle stimmen in {share} der Gegenstände überein.',
  },
};

function optionOf(spec: OutputSpec, name: keyof typeof DEFAULTS): number {
  const value = spec.options[name];
  return typeof value === 'number' ? value : DEFAULTS[name];
}

/** The probability of the best of some scores, which begin at `from`. */
function shareOf(data: Float32Array, from: number, count: number, best: number, linear: boolean): number {
  if (!linear) return data[from + best];
  const most = data[from + best];
  let total = 0;
  for (let k = 0; k < count; k++) total += exponential(data[from + k] - most);
  return exponential(0) / total;
}

/** What of the objects 1 … n stays, numbered from 1 anew. */
function kept(answer: InstanceAnswer, stays: (place: number) => boolean): InstanceAnswer {
  const places = Array.from(answer.labels.keys()).filter(stays);
  if (places.length === answer.labels.length) return answer;
  const again = new Int32Array(answer.labels.length + 1);
  places.forEach((place, index) => (again[place + 1] = index + 1));
  return {
    ...answer,
    numbers: answer.numbers.map((number) => again[number]),
    labels: Int32Array.from(places, (place) => answer.labels[place]),
    scores: Float32Array.from(places, (place) => answer.scores[place]),
  };
}

function areasOf({ numbers, labels }: InstanceAnswer): Int32Array {
  return countsOf(numbers, labels.length).subarray(1);
}

/** What has a pixel. */
function visible(answer: InstanceAnswer): InstanceAnswer {
  const areas = areasOf(answer);
  return kept(answer, (place) => areas[place] > 0);
}

function countsOf(numbers: Int32Array, count: number): Int32Array {
  const counts = new Int32Array(count + 1);
  for (let i = 0; i < numbers.length; i++) counts[numbers[i]]++;
  return counts;
}

/** What objects grow from: connected parts of what is surely inside, and insides that have no such pixel. */
function seedsOf(inside: Uint8Array, shares: Float64Array, spec: OutputSpec, size: Size): Parts {
  const [sure, least] = [optionOf(spec, 'sure'), optionOf(spec, 'least')];
  const core = connectedParts(inside.map((value, at) => (shares[at] >= sure ? value : 0)), size);
  const coreSizes = countsOf(core.numbers, core.count);
  const whole = connectedParts(inside, size);
  const wholeSizes = countsOf(whole.numbers, whole.count);
  const isSeed = (at: number) => core.numbers[at] > 0 && coreSizes[core.numbers[at]] >= least;
  const taken = Uint8Array.from(wholeSizes, (count) => Number(count < least));
  for (let at = 0; at < inside.length; at++) if (isSeed(at)) taken[whole.numbers[at]] = 1;
  return connectedParts(inside.map((value, at) => (isSeed(at) || taken[whole.numbers[at]] === 0 ? value : 0)), size);
}

/** What objects grow from, what may be flooded, and how deep each pixel lies for the watershed. */
function insides(output: RawOutput, spec: OutputSpec) {
  const [, height, width, channels] = output.shape;
  if (channels !== spec.labels.length + OTHERS) throw new RangeError(`${channels} channels for ${spec.labels.length} classes`);
  const data = Float32Array.from(output.data, (value) => (Number.isFinite(value) ? value : NEVER));
  const last = channels - 1;
  const [inside, within] = [new Uint8Array(width * height), new Uint8Array(width * height)];
  const landscape = new Float32Array(width * height);
  const shares = new Float64Array(width * height);
  for (let at = 0, from = 0; at < inside.length; at++, from += channels) {
    let [best, deepest] = [0, 1];
    for (let k = 1; k < channels; k++) if (data[from + k] > data[from + best]) best = k;
    for (let k = 2; k < last; k++) if (data[from + k] > data[from + deepest]) deepest = k;
    landscape[at] = data[from + last] - data[from + deepest];
    within[at] = Number(best > 0);
    inside[at] = best === last ? 0 : best;
    if (inside[at] > 0) shares[at] = shareOf(data, from, channels, best, spec.activation === 'linear');
  }
  const { numbers, count } = seedsOf(inside, shares, spec, { width, height });
  const [labels, sizes, sums] = [new Int32Array(count), countsOf(numbers, count), new Float64Array(count)];
  for (let at = 0; at < numbers.length; at++) {
    if (numbers[at] === 0) continue;
    labels[numbers[at] - 1] = inside[at] - 1;
    sums[numbers[at] - 1] += shares[at];
  }
  const scores = Float32Array.from(sums, (sum, place) => sum / sizes[place + 1]);
  const seeds: InstanceAnswer = { kind: NAME, numbers, labels, scores, width, height };
  return { seeds, landscape, within };
}

function edge(numbers: Int32Array, at: number, x: number, y: number, { width, height }: Size): boolean {
  const own = numbers[at];
  return (
    (y > 0 && numbers[at - width] !== own) ||
    (x > 0 && numbers[at - 1] !== own) ||
    (x + 1 < width && numbers[at + 1] !== own) ||
    (y + 1 < height && numbers[at + width] !== own)
  );
}

/** Each object in a colour of its own, its outline in full. */
function coloured(answer: InstanceAnswer, alone: boolean, hidden: ReadonlySet<number>): ImageData {
  const { numbers, labels, width, height } = answer;
  const image = new ImageData(width, height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const number = numbers[at];
      if (alone) image.data[4 * at + 3] = SOLID;
      if (number === 0 || hidden.has(labels[number - 1])) continue;
      image.data.set(COLOURS[((number - 1) % (COLOURS.length - 1)) + 1], 4 * at);
      image.data[4 * at + 3] = alone || edge(numbers, at, x, y, answer) ? SOLID : Math.round(FILLED * SOLID);
    }
  }
  return image;
}

function countOf(answer: InstanceAnswer, label: number): number {
  return answer.labels.reduce((count, each) => count + Number(each === label), 0);
}

/** The classes that are there, those of most objects first. */
function present(answers: readonly InstanceAnswer[]): number[] {
  const [first] = answers;
  const labels = [...new Set(answers.flatMap((answer) => [...answer.labels]))];
  return labels.sort((a, b) => countOf(first, b) - countOf(first, a) || a - b);
}

function rowsOf(answer: InstanceAnswer, spec: OutputSpec, beside: InstanceAnswer | null, speech: Speech): LegendRow[] {
  const answers = beside ? [answer, beside] : [answer];
  const total = Math.max(1, answer.labels.length);
  return present(answers).map((label) => {
    const colour: Colour = spec.palette[label] ?? COLOURS[(label + 1) % COLOURS.length];
    const text = answers.map((one) => speech.number(countOf(one, label))).join(' | ');
    return { index: label, label: labelOf(spec, label), colour, share: countOf(answer, label) / total, text };
  });
}

function listed(answer: InstanceAnswer, spec: OutputSpec, speech: Speech): string {
  return present([answer]).map((label) => `${speech.number(countOf(answer, label))} ${labelOf(spec, label)}`).join(', ');
}

/** x, y, width and height of each object. */
function boxesOf({ numbers, labels, width }: InstanceAnswer): number[][] {
  const ends = Array.from(labels, () => [Infinity, Infinity, 0, 0]);
  for (let at = 0; at < numbers.length; at++) {
    if (numbers[at] === 0) continue;
    const [x, y, end] = [at % width, Math.floor(at / width), ends[numbers[at] - 1]];
    [end[0], end[1], end[2], end[3]] = [Math.min(end[0], x), Math.min(end[1], y), Math.max(end[2], x + 1), Math.max(end[3], y + 1)];
  }
  return ends.map(([x0, y0, x1, y1]) => [x0, y0, x1 - x0, y1 - y0]);
}

/** As COCO's tools read results, and Python's kind writes them. */
function results(answer: InstanceAnswer, spec: OutputSpec): Blob {
  const [areas, boxes] = [areasOf(answer), boxesOf(answer)];
  const annotations = Array.from(answer.labels, (label, place) => ({
    image_id: 'picture',
    category_id: label + 1,
    score: Number(answer.scores[place].toFixed(6)),
    area: areas[place],
    bbox: boxes[place],
    segmentation: { size: [answer.height, answer.width], counts: runLengths(answer.numbers, place + 1, answer) },
  }));
  const categories = spec.labels.map((name, index) => ({ id: index + 1, name }));
  return new Blob([`${JSON.stringify({ categories, annotations }, null, 1)}\n`], { type: 'application/json' });
}

/** The share of the objects of both that the other has too: of its class, and overlapping by half. */
function agreementOf(one: InstanceAnswer, other: InstanceAnswer): number {
  const total = one.labels.length + other.labels.length;
  if (total === 0) return 1;
  const shared = new Map<number, number>();
  const step = other.labels.length + 1;
  for (let at = 0; at < one.numbers.length; at++) {
    const pair = one.numbers[at] * step + other.numbers[at];
    shared.set(pair, (shared.get(pair) ?? 0) + 1);
  }
  const [own, theirs] = [areasOf(one), areasOf(other)];
  let matched = 0;
  for (const [pair, count] of shared) {
    const [a, b] = [Math.floor(pair / step) - 1, (pair % step) - 1];
    if (a < 0 || b < 0 || one.labels[a] !== other.labels[b]) continue;
    if (count / (own[a] + theirs[b] - count) > SAME) matched++; // only one object of each can overlap by more than half
  }
  return (2 * matched) / total;
}

export default {
  name: NAME,
  gives: 'instances',
  opaque: true,
  decode(output, spec, picture) {
    if (byRegions(spec)) return visible({ kind: NAME, ...laid(output, spec, picture), width: picture.width, height: picture.height });
    const { seeds, landscape, within } = insides(output, spec);
    const threshold = Math.fround(optionOf(spec, 'threshold'));
    const sure = kept(seeds, (place) => seeds.scores[place] >= threshold);
    flood(sure.numbers, landscape, within, sure);
    const size = { width: picture.width, height: picture.height };
    return visible({ ...sure, ...size, numbers: enlargeNumbers(sure.numbers, sure, size) });
  },
  transfer: ({ numbers, labels, scores }) => [numbers.buffer, labels.buffer, scores.buffer],
  above: (answer, least) => kept(answer, (place) => answer.scores[place] >= least),
  agreement: agreementOf,
  views: () => ['overlay', 'split', 'mask'],
  hidden: () => [],
  paint: (answer, _spec, { view, hidden }) => canvasOf(coloured(answer, view === 'mask', hidden)),
  legend(answer, spec, beside, speech) {
    const rows = rowsOf(answer, spec, beside, speech);
    const areas = Array.from(areasOf(answer)).sort((a, b) => a - b);
    const count = speech.number(areas.length);
    const area = speech.number(areas[Math.floor(areas.length / 2)] ?? 0);
    const note = areas.length > 0 ? speech.phrase(WORDS, 'note', { count, area }) : speech.phrase(WORDS, 'none');
    return { rows, pressable: true, rest: '', note, figure: null };
  },
  file: async (answer, spec) => ({ blob: results(answer, spec), ending: 'instances.json' }),
  names(_, speech) {
    const [kind, view, save, legend] = (['kind', 'view', 'save', 'legend'] as const).map((key) => speech.phrase(WORDS, key));
    return { kind, view, save, legend };
  },
  summary(answer, spec, speech) {
    const list = listed(answer, spec, speech);
    return list ? speech.phrase(WORDS, 'summary', { count: speech.number(answer.labels.length), list }) : speech.phrase(WORDS, 'none');
  },
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement) }),
} satisfies Kind<InstanceAnswer>;
