// A kind says what an output's numbers mean: how they become an answer about the picture, and how that is shown, put in
// words, compared and saved. Each file of this folder beside this one and index.ts is one kind, its default export; build.mjs
// finds them, so that a new kind is a new file and nothing else.
import type { Colour } from '../model/palette';
import type { OutputSpec } from '../model/spec';

/** What a network says of a picture; only its kind knows what else is in it. */
export interface Answer {
  kind: string;
}

/** What a model gives, with the batch's axis. */
export interface RawOutput {
  data: Float32Array | Int32Array | Uint8Array;
  shape: number[];
}

export interface Size {
  width: number;
  height: number;
}

/** The ways to look at an answer; each kind offers some of them. */
export type View = 'overlay' | 'split' | 'beside' | 'mask' | 'background';

/** What of an answer is painted. */
export interface Look {
  view: View;
  hidden: ReadonlySet<number>;
}

export type Language = 'en' | 'de';

/** A kind's own words, by language and key; both languages have the same keys. */
export type Words<Key extends string> = Readonly<Record<Language, Readonly<Record<Key, string>>>>;

/** The page's language, as a kind needs it: the worker, which has none, never asks for words. */
export interface Speech {
  /** The words at `key`, `{name}` replaced by `values.name`. */
  phrase<Key extends string>(words: Words<Key>, key: NoInfer<Key>, values?: Record<string, string | number>): string;
  number(value: number, digits?: number): string;
  percent(share: number, digits?: number): string;
}

export interface LegendRow {
  /** What the row hides when it is pressed; of classes, the class. */
  index: number;
  label: string;
  colour: Colour;
  /** 0–1, the length of its bar. */
  share: number;
  /** The share in words, of both answers where there are two. */
  text: string;
}

/** What stands beside the picture. */
export interface Legend {
  rows: LegendRow[];
  /** Whether a press on a row hides it in the picture. */
  pressable: boolean;
  /** How many rows the network knows and this picture lacks, in words. */
  rest: string;
  /** A line about the answer as a whole. */
  note: string;
  /** A drawing that explains the colours. */
  figure: { label: string; draw(side: number): ImageData } | null;
}

/** What people call a kind and its parts. */
export interface Names {
  /** What the network gives. */
  kind: string;
  /** The view of the answer alone. */
  view: string;
  /** The button that saves the answer. */
  save: string;
  /** The heading of the legend. */
  legend: string;
}

export interface Kind<A extends Answer = Answer> {
  /** As densezoo.json writes it. */
  readonly name: string;
  /** What its answers are. Those of two kinds that give the same can be compared. */
  readonly gives: string;
  /** Whether the answer covers the picture, which then does not shine through. */
  readonly opaque: boolean;

  /** The answer to a picture of that size, from the raw output. Runs in the worker. */
  decode(output: RawOutput, spec: OutputSpec, picture: Size): A;
  /** What of the answer moves to the page instead of being copied. */
  transfer(answer: A): Transferable[];
  /** The answer without what is less sure than `least`, a share of 1; kinds whose answers are no matter of degree have none. */
  above?(answer: A, least: number): A;
  /** How near two answers to one picture are, in the kind's own measure; null where that cannot be said. Runs in the worker. */
  agreement(one: A, other: A): number | null;

  /** The views that suit it, the best one first; none where there is nothing to look at. */
  views(spec: OutputSpec): View[];
  /** The rows of the legend that are hidden at first. */
  hidden(spec: OutputSpec): number[];
  /** The answer as a picture of its own size, transparent where it says nothing; null where there is nothing to look at. */
  paint(answer: A, spec: OutputSpec, look: Look): OffscreenCanvas | null;
  /** What stands beside the picture; `beside` is what a second network of the same spec says. */
  legend(answer: A, spec: OutputSpec, beside: A | null, speech: Speech): Legend;
  /** The answer as a file, and the end of its name. */
  file(answer: A, spec: OutputSpec): Promise<{ blob: Blob; ending: string }>;

  names(spec: OutputSpec, speech: Speech): Names;
  /** The answer in a sentence, for those who do not see the picture. */
  summary(answer: A, spec: OutputSpec, speech: Speech): string;
  /** What `agreement` says, in a sentence. */
  agreementText(agreement: number, spec: OutputSpec, speech: Speech): string;
}

export function canvasOf(image: ImageData): OffscreenCanvas {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

export function png(image: ImageData): Promise<Blob> {
  return canvasOf(image).convertToBlob({ type: 'image/png' });
}

/** An empty canvas for lines over a picture of that size; black where they are looked at alone. */
export function sheet({ width, height }: Size, view: View): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  if (view === 'mask') canvas.getContext('2d')!.fillRect(0, 0, width, height);
  return canvas;
}
