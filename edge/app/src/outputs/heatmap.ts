// Heat map: how much of something is at each pixel, as of saliency or of joints; one map, or one a label. The coldest is clear.
import { csv, quoted } from '../model/csv';
import type { Colour } from '../model/palette';
import { labelOf, type OutputSpec } from '../model/spec';
import { enlargeValues } from '../pixels/resize';
import { canvasOf, png, type Answer, type Kind, type LegendRow, type Size, type Speech } from './kind';

/** The hottest pixel of a map. */
interface Peak {
  x: number;
  y: number;
  heat: number;
}

export interface HeatAnswer extends Answer, Size {
  /** From 0 to 1, row by row, the maps of a pixel side by side. */
  heat: Float32Array<ArrayBuffer>;
  /** One a map. */
  peaks: Peak[];
  /** The maps as colours; how opaque, by their share of the hottest place. */
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

const NAME = 'heatmap';
const SOLID = 255;
/** Colours of a single map from its coldest to its hottest, evenly spaced; between them they are mixed. */
const RAMP: Colour[] = [
  [0, 0, 4],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
];

const WORDS = {
  en: {
    kind: 'Heat of each pixel',
    view: 'Heat',
    saveMap: 'Save heat',
    savePlaces: 'Save places',
    legend: 'Heat',
    ramp: 'Colours from cold to hot',
    note: 'Hottest {x} pixels from the left and {y} from the top.',
    noteNamed: 'The hottest place of each map, with its heat.',
    summary: 'Picture with heat. {places}',
    place: '{label} {x} from the left, {y} from the top',
    hottest: 'Hottest',
    agreement: 'The heat of both models correlates by {correlation}.',
  },
  de: {
    kind: 'Wärme jedes Pixels',
    view: 'Wärme',
    saveMap: 'Wärme sichern',
    savePlaces: 'Orte sichern',
    legend: 'Wärme',
    ramp: 'Farben von kalt bis heiß',
    note: 'Am heißesten {x} Pixel von links und {y} von oben.',
    noteNamed: 'Der heißeste Ort jeder Karte und seine Wärme.',
    summary: 'Bild mit Wärme. {places}',
    place: '{label} {x} von links, {y} von oben',
    hottest: 'Am heißesten',
    agreement: 'Die Wärme beider Modelle korreliert mit {correlation}.',
  },
};

function logistic(value: number): number {
  return Math.tanh(value / 2) / 2 + 0.5;
}

/** The ramp's colour at a share of 0–1. */
function paintHeat(rgba: Uint8ClampedArray, at: number, share: number): void {
  const position = share * (RAMP.length - 1);
  const first = Math.min(RAMP.length - 2, Math.floor(position));
  const part = position - first;
  for (let k = 0; k < 3; k++) rgba[at + k] = RAMP[first][k] * (1 - part) + RAMP[first + 1][k] * part;
}

function peaksOf(heat: Float32Array, channels: number, width: number): Peak[] {
  return Array.from({ length: channels }, (_, channel) => {
    let best = channel;
    for (let at = channel; at < heat.length; at += channels) if (heat[at] > heat[best]) best = at;
    const pixel = (best - channel) / channels;
    return { x: pixel % width, y: Math.floor(pixel / width), heat: heat[best] };
  });
}

/** Each pixel by the label of its hottest map, or a single map by the ramp. */
function coloursOf(heat: Float32Array, channels: number, hottest: number, palette: readonly Colour[]): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray((heat.length / channels) * 4);
  const scale = hottest > 0 ? 1 / hottest : 0;
  for (let at = 0, out = 0; at < heat.length; at += channels, out += 4) {
    let best = 0;
    for (let k = 1; k < channels; k++) if (heat[at + k] > heat[at + best]) best = k;
    const share = Math.max(0, heat[at + best] * scale);
    if (channels > 1 && palette.length > 0) rgba.set(palette[best], out);
    else paintHeat(rgba, out, share);
    rgba[out + 3] = share * SOLID;
  }
  return rgba;
}

function rampImage(side: number): ImageData {
  const image = new ImageData(side, side);
  for (let at = 0; at < image.data.length; at += 4) {
    paintHeat(image.data, at, (((at / 4) % side) + 0.5) / side);
    image.data[at + 3] = SOLID;
  }
  return image;
}

function rowsOf(answer: HeatAnswer, spec: OutputSpec, beside: HeatAnswer | null, speech: Speech): LegendRow[] {
  if (answer.peaks.length === 1) return [];
  return answer.peaks.map(({ heat }, index) => {
    const heats = beside ? [heat, beside.peaks[index].heat] : [heat];
    const text = heats.map((one) => speech.percent(one)).join(' | ');
    return { index, label: labelOf(spec, index), colour: spec.palette[index] ?? RAMP[2], share: heat, text };
  });
}

/** A single map in grey, its hottest place white. */
function grey({ heat, peaks, width, height }: HeatAnswer): ImageData {
  const image = new ImageData(width, height);
  const scale = peaks[0].heat > 0 ? SOLID / peaks[0].heat : 0;
  for (let i = 0, out = 0; i < heat.length; i++, out += 4) {
    for (let k = 0; k < 3; k++) image.data[out + k] = heat[i] * scale;
    image.data[out + 3] = SOLID;
  }
  return image;
}

function table({ peaks }: HeatAnswer, spec: OutputSpec): Blob {
  const lines = peaks.map(({ x, y, heat }, index) => `${quoted(labelOf(spec, index))},${x},${y},${Number(heat.toPrecision(6))}`);
  return csv('name,x,y,heat', lines);
}

/** Pearson's correlation of one map of both. */
function correlation(one: Float32Array, other: Float32Array, channel: number, channels: number): number {
  const count = one.length / channels;
  let [a, b] = [0, 0];
  for (let i = channel; i < one.length; i += channels) [a, b] = [a + one[i] / count, b + other[i] / count];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = channel; i < one.length; i += channels) {
    const [u, v] = [one[i] - a, other[i] - b];
    [ab, aa, bb] = [ab + u * v, aa + u * u, bb + v * v];
  }
  return aa * bb > 0 ? ab / Math.sqrt(aa * bb) : Number(one.every((value, i) => value === other[i]));
}

export default {
  name: NAME,
  gives: 'heat',
  opaque: false,
  decode({ data, shape }, spec, { width, height }) {
    const [, rows, columns, channels] = shape;
    if (shape.length !== 4 || (spec.labels.length > 0 && channels !== spec.labels.length)) {
      throw new RangeError(`[${shape}]: heat maps are [1, height, width, maps], one map a label`);
    }
    const heat = enlargeValues({ data, channels, width: columns, height: rows }, width, height);
    if (spec.activation === 'linear') for (let i = 0; i < heat.length; i++) heat[i] = logistic(heat[i]);
    const peaks = peaksOf(heat, channels, width);
    const hottest = peaks.reduce((most, peak) => Math.max(most, peak.heat), 0);
    return { kind: NAME, heat, peaks, rgba: coloursOf(heat, channels, hottest, spec.palette), width, height };
  },
  transfer: ({ heat, rgba }) => [heat.buffer, rgba.buffer],
  agreement(one, other) {
    const channels = one.peaks.length;
    if (other.peaks.length !== channels) return null;
    const each = one.peaks.map((_, channel) => correlation(one.heat, other.heat, channel, channels));
    return each.reduce((sum, value) => sum + value, 0) / channels;
  },
  views: () => ['overlay', 'split', 'mask'],
  hidden: () => [],
  paint({ rgba, width, height }, _spec, { view }) {
    const image = new ImageData(rgba.slice(), width, height);
    if (view === 'mask') for (let at = 3; at < rgba.length; at += 4) image.data[at] = SOLID;
    return canvasOf(image);
  },
  legend(answer, spec, beside, speech) {
    const rows = rowsOf(answer, spec, beside, speech);
    const [{ x, y }] = answer.peaks;
    const note = rows.length > 0 ? speech.phrase(WORDS, 'noteNamed') : speech.phrase(WORDS, 'note', { x, y });
    const figure = rows.length > 0 ? null : { label: speech.phrase(WORDS, 'ramp'), draw: rampImage };
    return { rows, pressable: false, rest: '', note, figure };
  },
  async file(answer, spec) {
    if (answer.peaks.length > 1) return { blob: table(answer, spec), ending: 'places.csv' };
    return { blob: await png(grey(answer)), ending: 'heat.png' };
  },
  names(spec, speech) {
    const [kind, view, legend] = (['kind', 'view', 'legend'] as const).map((key) => speech.phrase(WORDS, key));
    return { kind, view, save: speech.phrase(WORDS, spec.labels.length > 1 ? 'savePlaces' : 'saveMap'), legend };
  },
  summary({ peaks }, spec, speech) {
    const hottest = speech.phrase(WORDS, 'hottest');
    const label = (index: number) => (peaks.length > 1 ? labelOf(spec, index) : hottest);
    const places = peaks.map(({ x, y }, index) => speech.phrase(WORDS, 'place', { label: label(index), x, y })).join('; ');
    return speech.phrase(WORDS, 'summary', { places });
  },
  agreementText: (value, _, speech) => speech.phrase(WORDS, 'agreement', { correlation: speech.number(value, 3) }),
} satisfies Kind<HeatAnswer>;
