// Vector field: (dx, dy) in pixels of every pixel. Drawn by the Middlebury wheel: hue is the direction, saturation the length.
import { enlargeValues } from '../pixels/resize';
import { paintVector, wheelImage } from '../pixels/wheel';
import { canvasOf, type Answer, type Kind, type Size } from './kind';

export interface VectorAnswer extends Answer, Size {
  /** (dx to the right, dy downwards) row by row, in pixels of the picture. */
  vectors: Float32Array<ArrayBuffer>;
  /** The vectors as colours. */
  rgba: Uint8ClampedArray<ArrayBuffer>;
  /** The longest vector; the wheel's full colour. */
  longest: number;
}

const NAME = 'vector_field';
const FLO_TAG = 202021.25; // the first four bytes of a .flo file, "PIEH" read as a float32
const FLO_HEADER = 12;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

const WORDS = {
  en: {
    kind: 'A vector for each pixel',
    view: 'Flow',
    save: 'Save vectors',
    legend: 'Movement',
    wheel: 'Colour wheel of directions',
    note: 'The colour tells where things move, its strength how far: full colour is {longest} pixels.',
    summary: 'Picture with movement, up to {longest} pixels.',
    agreement: 'The vectors of both models end {distance} pixels apart on average.',
  },
  de: {
    kind: 'Ein Vektor je Pixel',
    view: 'Fluss',
    save: 'Vektoren sichern',
    legend: 'Bewegung',
    wheel: 'Farbkreis der Richtungen',
    note: 'Die Farbe sagt, wohin sich etwas bewegt, ihre Kraft, wie weit: Volle Farbe sind {longest} Pixel.',
    summary: 'Bild mit Bewegung, bis zu {longest} Pixel.',
    agreement: 'Die Vektoren beider Modelle enden im Mittel {distance} Pixel auseinander.',
  },
};

function colours(vectors: Float32Array, longest: number): Uint8ClampedArray<ArrayBuffer> {
  const scale = longest > 0 ? 1 / longest : 0;
  const rgba = new Uint8ClampedArray(vectors.length * 2);
  for (let i = 0; i < vectors.length; i += 2) {
    // Rounding may not push the longest vector over the wheel's rim.
    const over = Math.max(1, Math.hypot(vectors[i] * scale, vectors[i + 1] * scale));
    paintVector(rgba, i * 2, (vectors[i] * scale) / over, (vectors[i + 1] * scale) / over);
  }
  return rgba;
}

/** Middlebury's format: tag, width, height, then (dx, dy) row by row, all little-endian. */
function flo({ vectors, width, height }: VectorAnswer): Blob {
  const bytes = new DataView(new ArrayBuffer(FLO_HEADER + vectors.length * BYTES));
  bytes.setFloat32(0, FLO_TAG, true);
  bytes.setInt32(4, width, true);
  bytes.setInt32(8, height, true);
  vectors.forEach((value, index) => bytes.setFloat32(FLO_HEADER + index * BYTES, value, true));
  return new Blob([bytes.buffer], { type: 'application/octet-stream' });
}

export default {
  name: NAME,
  gives: 'vectors',
  opaque: false,
  decode({ data, shape }, spec, { width, height }) {
    const [, rows, columns, channels] = shape;
    if (shape.length !== 4 || channels !== 2) throw new RangeError(`[${shape}]: a vector field is [1, height, width, 2]`);
    const vectors = enlargeValues({ data, channels, width: columns, height: rows }, width, height);
    // A vector grows with the picture that it lies in.
    const scale = spec.scale ?? 1;
    const [across, down] = [(width * scale) / columns, (height * scale) / rows];
    let longest = 0;
    for (let i = 0; i < vectors.length; i += 2) {
      vectors[i] *= across;
      vectors[i + 1] *= down;
      longest = Math.max(longest, Math.hypot(vectors[i], vectors[i + 1]));
    }
    return { kind: NAME, vectors, rgba: colours(vectors, longest), width, height, longest };
  },
  transfer: ({ vectors, rgba }) => [vectors.buffer, rgba.buffer],
  agreement({ vectors }, other) {
    let distance = 0;
    for (let i = 0; i < vectors.length; i += 2) {
      distance += Math.hypot(vectors[i] - other.vectors[i], vectors[i + 1] - other.vectors[i + 1]);
    }
    return distance / (vectors.length / 2);
  },
  views: () => ['overlay', 'split', 'mask'],
  hidden: () => [],
  paint: ({ rgba, width, height }) => canvasOf(new ImageData(rgba, width, height)),
  legend({ longest }, _spec, _beside, speech) {
    const note = speech.phrase(WORDS, 'note', { longest: speech.number(longest, 1) });
    return { rows: [], pressable: false, rest: '', note, figure: { label: speech.phrase(WORDS, 'wheel'), draw: wheelImage } };
  },
  file: async (answer) => ({ blob: flo(answer), ending: 'vectors.flo' }),
  names(_, speech) {
    const [kind, view, save, legend] = (['kind', 'view', 'save', 'legend'] as const).map((key) => speech.phrase(WORDS, key));
    return { kind, view, save, legend };
  },
  summary: ({ longest }, _, speech) => speech.phrase(WORDS, 'summary', { longest: speech.number(longest, 1) }),
  agreementText: (distance, _, speech) => speech.phrase(WORDS, 'agreement', { distance: speech.number(distance, 2) }),
} satisfies Kind<VectorAnswer>;
