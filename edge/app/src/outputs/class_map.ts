// Class map: the index of one class, for every pixel or for the whole picture. What answers in classes share is here.
import { csv, quoted } from '../model/csv';
import type { Colour } from '../model/palette';
import { labelOf, type OutputSpec } from '../model/spec';
import { enlargeClasses } from '../pixels/resize';
import { canvasOf, png, type Answer, type Kind, type LegendRow, type Look, type Size, type Speech, type View } from './kind';

/** The class of each pixel, row by row. */
export interface PixelClasses extends Answer, Size {
  classes: Uint8Array<ArrayBuffer>;
  /** Pixels of each class. */
  counts: number[];
}

/** How likely each class is for the whole picture; sum 1. */
export interface PictureClasses extends Answer {
  probabilities: number[];
}

export type ClassAnswer = PixelClasses | PictureClasses;

const MOST_CLASSES = 256; // that a byte a pixel holds
const LIKELIEST = 5;
const BACKGROUND_NAMES = new Set(['background', 'hintergrund', '_background_']);
/** The class that the background view keeps. */
const SUBJECT = /^(person|people|human|foreground|vordergrund|pedestrian)$/i;
/** Behind hidden classes where the picture does not show. */
const UNSEEN: Colour = [38, 43, 40];
const UNKNOWN: Colour = [128, 128, 128];
const SOLID = 255;

const WORDS = {
  en: {
    ofPixels: 'A class for each pixel',
    ofPicture: 'Classes for the picture',
    mask: 'Mask',
    saveMask: 'Save mask',
    saveClasses: 'Save classes',
    classes: 'Classes',
    likely: 'Most likely',
    others: '{count} more classes, not in this picture',
    pixelsSummary: 'Picture with mask. {classes}',
    pictureSummary: 'Picture. Most likely {classes}',
    agreement: 'Both models say the same on {share} of the picture.',
  },
  de: {
    ofPixels: 'Eine Klasse je Pixel',
    ofPicture: 'Klassen des Bildes',
    mask: 'Maske',
    saveMask: 'Maske sichern',
    saveClasses: 'Klassen sichern',
    classes: 'Klassen',
    likely: 'Am wahrscheinlichsten',
    others: '{count} weitere Klassen, nicht in diesem Bild',
    pixelsSummary: 'Bild mit Maske. {classes}',
    pictureSummary: 'Bild. Am wahrscheinlichsten {classes}',
    agreement: 'Beide Modelle sagen auf {share} des Bildes dasselbe.',
  },
};

export function ofPixels(kind: string, classes: Uint8Array<ArrayBuffer>, { width, height }: Size): PixelClasses {
  const counts = new Array<number>(MOST_CLASSES).fill(0);
  for (let i = 0; i < classes.length; i++) counts[classes[i]]++;
  return { kind, classes, width, height, counts };
}

function isOfPixels(answer: ClassAnswer): answer is PixelClasses {
  return 'classes' in answer;
}

function backgroundOf(spec: OutputSpec): number {
  return spec.labels.findIndex((label) => BACKGROUND_NAMES.has(label.toLowerCase()));
}

function subjectOf(spec: OutputSpec): number {
  return spec.labels.findIndex((label) => SUBJECT.test(label));
}

/** The classes that the picture has, the largest first. */
function present({ counts }: PixelClasses): number[] {
  const indices = counts.map((_, index) => index).filter((index) => counts[index] > 0);
  return indices.sort((a, b) => counts[b] - counts[a]);
}

function likeliest({ probabilities }: PictureClasses): number[] {
  const order = probabilities.map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a]);
  return order.slice(0, LIKELIEST);
}

/** The share of class `index`: of the picture, or of certainty. */
function shareOf(answer: ClassAnswer, index: number): number {
  return isOfPixels(answer) ? answer.counts[index] / (answer.width * answer.height) : (answer.probabilities[index] ?? 0);
}

function packed([r, g, b]: Colour, alpha: number): number {
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0; // as little-endian memory holds RGBA
}

function coloured(answer: PixelClasses, colourOf: (index: number) => number): ImageData {
  const colours = Uint32Array.from({ length: MOST_CLASSES }, (_, index) => colourOf(index));
  const image = new ImageData(answer.width, answer.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colours[answer.classes[i]];
  return image;
}

function paint(answer: ClassAnswer, spec: OutputSpec, { view, hidden }: Look): OffscreenCanvas | null {
  if (!isOfPixels(answer)) return null;
  if (view === 'background') {
    const subject = subjectOf(spec);
    return canvasOf(coloured(answer, (index) => (index === subject ? packed([255, 255, 255], SOLID) : 0)));
  }
  const absent = packed(UNSEEN, view === 'overlay' || view === 'split' ? 0 : SOLID);
  const shown = (index: number) => packed(spec.palette[index] ?? [255, 255, 255], SOLID);
  return canvasOf(coloured(answer, (index) => (hidden.has(index) ? absent : shown(index))));
}

function rowsOf(answer: ClassAnswer, spec: OutputSpec, beside: ClassAnswer | null, speech: Speech): LegendRow[] {
  const order = isOfPixels(answer) ? present(answer) : likeliest(answer);
  const others = beside && isOfPixels(beside) ? present(beside).filter((index) => !order.includes(index)) : [];
  return [...order, ...others].map((index) => {
    const share = shareOf(answer, index);
    const texts = beside ? [share, shareOf(beside, index)] : [share];
    const text = texts.map((one) => speech.percent(one)).join(' | ');
    return { index, label: labelOf(spec, index), colour: spec.palette[index] ?? UNKNOWN, share, text };
  });
}

function table(answer: PictureClasses, spec: OutputSpec): Blob {
  const lines = answer.probabilities.map((share, index) => `${quoted(labelOf(spec, index))},${Number(share.toPrecision(6))}`);
  return csv('class,probability', lines);
}

/** All that answers in classes have in common, wherever the classes come from. */
export const answersInClasses: Omit<Kind<ClassAnswer>, 'name' | 'decode'> = {
  gives: 'classes',
  opaque: false,
  transfer: (answer) => (isOfPixels(answer) ? [answer.classes.buffer] : []),
  agreement(one, other) {
    if (!isOfPixels(one) || !isOfPixels(other)) return null;
    let same = 0;
    for (let i = 0; i < one.classes.length; i++) same += Number(one.classes[i] === other.classes[i]);
    return same / one.classes.length;
  },
  views(spec): View[] {
    if (spec.scale === null) return [];
    return ['overlay', 'split', 'mask', ...(subjectOf(spec) >= 0 ? (['background'] as const) : [])];
  },
  hidden: (spec) => (spec.scale === null ? [] : [backgroundOf(spec)].filter((index) => index >= 0)),
  paint,
  legend(answer, spec, beside, speech) {
    const rows = rowsOf(answer, spec, beside, speech);
    const others = isOfPixels(answer) ? spec.labels.length - rows.length : 0;
    const rest = others > 0 ? speech.phrase(WORDS, 'others', { count: others }) : '';
    return { rows, pressable: isOfPixels(answer), rest, note: '', figure: null };
  },
  async file(answer, spec) {
    if (!isOfPixels(answer)) return { blob: table(answer, spec), ending: 'classes.csv' };
    return { blob: await png(coloured(answer, (index) => packed(spec.palette[index] ?? [255, 255, 255], SOLID))), ending: 'mask.png' };
  },
  names(spec, speech) {
    const whole = spec.scale === null;
    return {
      kind: speech.phrase(WORDS, whole ? 'ofPicture' : 'ofPixels'),
      view: speech.phrase(WORDS, 'mask'),
      save: speech.phrase(WORDS, whole ? 'saveClasses' : 'saveMask'),
      legend: speech.phrase(WORDS, whole ? 'likely' : 'classes'),
    };
  },
  summary(answer, spec, speech) {
    const order = isOfPixels(answer) ? present(answer) : likeliest(answer);
    const classes = order.map((index) => `${labelOf(spec, index)} ${speech.percent(shareOf(answer, index))}`).join(', ');
    return speech.phrase(WORDS, isOfPixels(answer) ? 'pixelsSummary' : 'pictureSummary', { classes });
  },
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement, 1) }),
};

const NAME = 'class_map';

export default {
  ...answersInClasses,
  name: NAME,
  decode({ data, shape }, spec, picture) {
    if (spec.scale === null) {
      const length = Math.max(spec.labels.length, data[0] + 1);
      return { kind: NAME, probabilities: Array.from({ length }, (_, index) => Number(index === data[0])) };
    }
    const [, height, width] = shape;
    return ofPixels(NAME, enlargeClasses({ data, channels: 1, width, height }, picture.width, picture.height), picture);
  },
} satisfies Kind<ClassAnswer>;
