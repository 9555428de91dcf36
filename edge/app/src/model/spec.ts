// What goes into a network and what its numbers mean, as `zoo.outputs` says it in Python and densezoo.json holds it.
import { CHANNELS_LAST } from './layout';
import { vocPalette, type Colour } from './palette';

export type Bound = number | number[];

/** What of the input stands for a picture's 0 and 255: a number, or one a channel. densezoo's own files take 0 and 255. */
export type InputRange = readonly [Bound, Bound];

/** Taken where neither the file nor the visitor tells. */
export const USUAL_RANGE: InputRange = [0, 255];

export interface InputSpec {
  name: string;
  /** [height, width] in pixels; null for any. */
  size: [number, number] | null;
  /** Of the whole tensor: with two RGB frames, 6. */
  channels: number;
  /** Null when the file does not tell. */
  range: InputRange | null;
  /** How many pictures lie along the channels. */
  frames: number;
  /** Which axis is which, as `layout.ts` has it; empty where no picture goes in. */
  layout: string;
  /** Of a state, the output that gives it for the next step; empty for what comes from outside. */
  feedback: string;
}

/** What a model ends in. */
export type Activation = 'linear' | 'softmax' | 'sigmoid' | 'argmax';

export interface OutputSpec {
  name: string;
  /** What the numbers are: the name of one of src/outputs. */
  kind: string;
  channels: number | null;
  /** One a class; empty where there are no classes. */
  labels: string[];
  palette: Colour[];
  activation: Activation;
  /** Of the values, as "px". */
  unit: string;
  range: [number, number] | null;
  /** Pixels of the output per pixel of the input along a side; null for one answer a picture. */
  scale: number | null;
  /** Which axis is which, as `layout.ts` has it; empty for the kind's own order. */
  layout: string;
  /** What else the kind needs to know; each kind checks what it reads. */
  options: Readonly<Record<string, unknown>>;
}

const ACTIVATIONS: readonly string[] = ['linear', 'softmax', 'sigmoid', 'argmax'] satisfies Activation[];

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

function isTriple(value: unknown): value is Colour {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
}

export function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isFinite(part));
}

function isBound(value: unknown): value is Bound {
  return Number.isFinite(value) || (Array.isArray(value) && value.length > 0 && value.every((part) => Number.isFinite(part)));
}

function isRange(value: unknown): value is InputRange {
  return Array.isArray(value) && value.length === 2 && value.every(isBound);
}

/** Whether it is a whole number of 1 or more. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

/** What a class is called; its number, where it has no name. */
export function labelOf(spec: OutputSpec, index: number): string {
  return spec.labels[index] ?? String(index);
}

/** Colours for `count` classes: those that are given, then those of PASCAL VOC. */
export function paletteFor(count: number, known: readonly Colour[] = []): Colour[] {
  return [...known, ...vocPalette(count).slice(known.length)];
}

/** The spec in a part of densezoo.json, or null where it is garbled. */
export function inputFrom(data: unknown): InputSpec | null {
  if (!isRecord(data)) return null;
  const channels = data.channels ?? 3;
  const frames = data.frames ?? 1;
  if (!isCount(channels) || !isCount(frames) || channels % frames !== 0) return null;
  return {
    name: textOf(data.name, 'image'),
    size: isPair(data.size) ? data.size : null,
    channels,
    range: isRange(data.range) ? data.range : null,
    frames,
    layout: textOf(data.layout, CHANNELS_LAST),
    feedback: textOf(data.feedback),
  };
}

/** The spec in a part of densezoo.json, or null where it is garbled. */
export function outputFrom(data: unknown): OutputSpec | null {
  if (!isRecord(data) || typeof data.kind !== 'string') return null;
  const labels = Array.isArray(data.labels) ? data.labels.map(String) : [];
  const activation = textOf(data.activation, 'linear');
  if (!ACTIVATIONS.includes(activation)) return null;
  return {
    name: textOf(data.name, 'answer'),
    kind: data.kind,
    channels: isCount(data.channels) ? data.channels : null,
    labels,
    palette: paletteFor(labels.length, Array.isArray(data.palette) ? data.palette.filter(isTriple) : []),
    activation: activation as Activation,
    unit: textOf(data.unit),
    range: isPair(data.range) ? data.range : null,
    scale: isCount(data.scale) ? data.scale : null,
    layout: textOf(data.layout),
    options: isRecord(data.options) ? data.options : {},
  };
}
