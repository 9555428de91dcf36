// What a model says of itself: `densezoo.json` inside the file, or, for other people's files, what the tensors' shapes let one guess.
import { readEntry } from './archive';
import { vocPalette, type Colour } from './palette';

export type Head = 'logits' | 'probabilities' | 'classes';

export type Bound = number | number[];

/** What of the input stands for a picture's 0 and 255: a number, or one a channel. densezoo's own files take 0 and 255. */
export type InputRange = readonly [Bound, Bound];

/** Taken where neither the file nor the visitor tells. */
export const USUAL_RANGE: InputRange = [0, 255];

export interface Card {
  /** Where the fields come from: densezoo.json, standard TFLite metadata, or the tensors alone. */
  source: 'densezoo.json' | 'TFLite metadata' | 'tensors';
  name: string;
  task: string;
  head: Head;
  labels: string[];
  palette: Colour[];
  /** [height, width] in pixels. */
  inputSize: [number, number];
  /** Null when the file does not tell. */
  inputRange: InputRange | null;
  recipe: string;
  io: string;
  licence: string | null;
  provenance: Record<string, unknown>;
  scores: Record<string, unknown>;
}

export interface TensorShape {
  shape: number[];
  dtype: string;
}

const ENTRY = 'densezoo.json';
const FORMAT = 1;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTriple(value: unknown): value is Colour {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
}

function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isFinite(part));
}

function isBound(value: unknown): value is Bound {
  return Number.isFinite(value) || (Array.isArray(value) && value.length === 3 && value.every((part) => Number.isFinite(part)));
}

function isRange(value: unknown): value is InputRange {
  return Array.isArray(value) && value.length === 2 && value.every(isBound);
}

/** The card in a parsed `densezoo.json`, or null if it is of another format or lacks what the app must know. */
export function cardFrom(data: unknown): Card | null {
  if (!isRecord(data) || data.format !== FORMAT || typeof data.task !== 'string') return null;
  const input = isRecord(data.input) ? data.input : {};
  if (!isPair(input.size)) return null;
  const labels = Array.isArray(data.labels) ? data.labels.map(String) : [];
  const palette = Array.isArray(data.palette) ? data.palette.filter(isTriple) : [];
  return {
    source: data.source === 'TFLite metadata' || data.source === 'tensors' ? data.source : 'densezoo.json',
    name: typeof data.name === 'string' ? data.name : '',
    task: data.task,
    head: data.head === 'classes' || data.head === 'probabilities' ? data.head : 'logits',
    labels,
    palette: [...palette, ...vocPalette(labels.length).slice(palette.length)],
    inputSize: input.size,
    inputRange: isRange(input.range) ? input.range : null,
    recipe: typeof data.recipe === 'string' ? data.recipe : '',
    io: typeof data.io === 'string' ? data.io : 'float32',
    licence: typeof data.licence === 'string' && data.licence ? data.licence : null,
    provenance: isRecord(data.provenance) ? data.provenance : {},
    scores: isRecord(data.scores) ? data.scores : {},
  };
}

export async function readCard(file: Uint8Array<ArrayBuffer>): Promise<Card | null> {
  const entry = await readEntry(file, ENTRY);
  if (!entry) return null;
  try {
    return cardFrom(JSON.parse(new TextDecoder().decode(entry)));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A card for a file that carries none, or null when its tensors are not one picture in and one answer out. */
export function guessCard(name: string, input: TensorShape, output: TensorShape): Card | null {
  if (input.shape.length !== 4 || input.shape[3] !== 3) return null;
  const [, height, width] = input.shape;
  const last = output.shape[output.shape.length - 1];
  let task: string;
  let head: Head;
  let classes: number;
  if (output.shape.length === 4) {
    task = 'segmentation';
    // A single channel is taken as the probability of the foreground.
    head = last === 1 ? 'probabilities' : 'logits';
    classes = Math.max(last, 2);
  } else if (output.shape.length === 3 && output.dtype !== 'float32') {
    task = 'segmentation';
    head = 'classes';
    classes = 256;
  } else if (output.shape.length === 2) {
    task = 'classification';
    head = 'logits';
    classes = last;
  } else {
    return null;
  }
  const labels = Array.from({ length: classes }, (_, index) => String(index));
  if (output.shape.length === 4 && last === 1) labels.splice(0, 2, 'background', 'foreground');
  return {
    source: 'tensors',
    name,
    task,
    head,
    labels,
    palette: vocPalette(classes),
    inputSize: [height, width],
    inputRange: null,
    recipe: '',
    io: input.dtype,
    licence: null,
    provenance: {},
    scores: {},
  };
}
