// Image: a picture out, as of restoration and super-resolution, `scale` times as large as the one that went in.
import { enlargeValues } from '../pixels/resize';
import { canvasOf, png, type Answer, type Kind, type Size } from './kind';

export interface ImageAnswer extends Answer, Size {
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

const NAME = 'image';
const BRIGHTEST = 255;
/** Pixels of an answer. Phones draw no larger canvas; a larger answer is made smaller, in the same proportions. */
const MOST_PIXELS = 4096 * 4096;

const WORDS = {
  en: {
    kind: 'A picture',
    view: 'Result',
    save: 'Save result',
    legend: 'Result',
    note: '{width} × {height} pixels',
    noteScaled: '{width} × {height} pixels, {scale} times the picture along each side',
    summary: 'The picture as the network makes it, {width} × {height} pixels.',
    agreement: 'Both pictures are alike to {ratio} dB (PSNR).',
    equal: 'Both pictures are the same.',
  },
  de: {
    kind: 'Ein Bild',
    view: 'Ergebnis',
    save: 'Ergebnis sichern',
    legend: 'Ergebnis',
    note: '{width} × {height} Pixel',
    noteScaled: '{width} × {height} Pixel, das {scale}-Fache des Bildes an jeder Seite',
    summary: 'Das Bild, wie das Netz es macht, {width} × {height} Pixel.',
    agreement: 'Beide Bilder gleichen sich auf {ratio} dB (PSNR).',
    equal: 'Beide Bilder sind gleich.',
  },
};

/** The picture's size times `scale`, or as much of it as can be drawn. */
function sizeOf(picture: Size, scale: number): Size {
  const factor = Math.min(scale, Math.sqrt(MOST_PIXELS / (picture.width * picture.height)));
  return { width: Math.max(1, Math.floor(picture.width * factor)), height: Math.max(1, Math.floor(picture.height * factor)) };
}

export default {
  name: NAME,
  gives: 'picture',
  opaque: true,
  decode({ data, shape }, spec, picture) {
    const [, rows, columns, channels] = shape;
    if (shape.length !== 4 || (channels !== 1 && channels !== 3)) {
      throw new RangeError(`[${shape}]: a picture is [1, height, width, 1 or 3]`);
    }
    const { width, height } = sizeOf(picture, spec.scale ?? 1);
    const values = enlargeValues({ data, channels, width: columns, height: rows }, width, height);
    const [low, high] = spec.range ?? [0, BRIGHTEST];
    const rgba = new Uint8ClampedArray(width * height * 4).fill(BRIGHTEST);
    const factor = BRIGHTEST / (high - low);
    // Such an array rounds and cuts off by itself. Grey is repeated.
    for (let i = 0, out = 0; i < values.length; i += channels, out += 4) {
      for (let k = 0; k < 3; k++) rgba[out + k] = (values[i + (k % channels)] - low) * factor;
    }
    return { kind: NAME, rgba, width, height };
  },
  transfer: ({ rgba }) => [rgba.buffer],
  /** Peak signal-to-noise ratio in decibels; infinite for the same picture twice. */
  agreement({ rgba }, other) {
    let sum = 0;
    for (let i = 0; i < rgba.length; i++) sum += (rgba[i] - other.rgba[i]) ** 2;
    // Every fourth value is the opacity, and never differs.
    const error = sum / ((rgba.length * 3) / 4);
    return error > 0 ? 10 * Math.log10(BRIGHTEST ** 2 / error) : Infinity;
  },
  views: () => ['split', 'beside', 'mask'],
  hidden: () => [],
  paint: ({ rgba, width, height }) => canvasOf(new ImageData(rgba, width, height)),
  legend({ width, height }, spec, _beside, speech) {
    const scale = spec.scale ?? 1;
    const note = speech.phrase(WORDS, scale === 1 ? 'note' : 'noteScaled', { width, height, scale });
    return { rows: [], pressable: false, rest: '', note, figure: null };
  },
  file: async ({ rgba, width, height }) => ({ blob: await png(new ImageData(rgba, width, height)), ending: 'image.png' }),
  names(_, speech) {
    const [kind, view, save, legend] = (['kind', 'view', 'save', 'legend'] as const).map((key) => speech.phrase(WORDS, key));
    return { kind, view, save, legend };
  },
  summary: ({ width, height }, _, speech) => speech.phrase(WORDS, 'summary', { width, height }),
  agreementText(ratio, _, speech) {
    return Number.isFinite(ratio) ? speech.phrase(WORDS, 'agreement', { ratio: speech.number(ratio, 1) }) : speech.phrase(WORDS, 'equal');
  },
} satisfies Kind<ImageAnswer>;
