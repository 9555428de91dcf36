// What the page and the inference worker say to each other.
import type { Card, InputRange } from './model/card';

export type AcceleratorChoice = 'auto' | 'webgpu' | 'wasm';
export type Accelerator = 'webgpu' | 'wasm';
export type Precision = 'fp32' | 'fp16';

/** Why the accelerator is not WebGPU although nobody asked for that; null when it is as asked. */
export type Fallback = 'no-api' | 'no-adapter' | 'refused' | null;

export interface Backend {
  accelerator: Accelerator;
  fallback: Fallback;
  /** WebAssembly threads; 1 when threads are not to be had. */
  threads: number;
  /** What the browser tells of the GPU; empty on WebAssembly. */
  device: string;
}

/** Milliseconds a frame spent in each stage. */
export interface Timings {
  capture: number;
  prepare: number;
  run: number;
  finish: number;
  draw: number;
}

export interface SegmentationAnswer {
  kind: 'segmentation';
  /** Class of each pixel of the picture, row by row. */
  classes: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
  /** Pixels of each class. */
  counts: number[];
}

export interface ClassificationAnswer {
  kind: 'classification';
  /** Sum 1. */
  probabilities: number[];
}

/** A vector for each pixel, as colours: of optical flow, in pixels of the picture. */
export interface FieldAnswer {
  kind: 'field';
  rgba: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
  /** The longest vector; the wheel's full colour. */
  longest: number;
}

export type Answer = SegmentationAnswer | ClassificationAnswer | FieldAnswer;

/** Where a network's answer is shown: a second one may stand beside the main one. */
export type Place = 'main' | 'beside';

export type Request =
  | { type: 'start'; id: number; choice: AcceleratorChoice; wasm: string; threads: boolean }
  | { type: 'load'; id: number; place: Place; name: string; source: string | ArrayBuffer; card: Card | null; precision: Precision }
  | { type: 'unload'; id: number; place: Place }
  | { type: 'frame'; id: number; bitmap: ImageBitmap; range: InputRange | null };

export interface Loaded {
  card: Card;
  bytes: number;
  compileMs: number;
  /** False when the GPU left part of the graph to the CPU. */
  whole: boolean;
}

/** What one network says of a picture, and what that cost. */
export interface Seen {
  answer: Answer;
  timings: Pick<Timings, 'prepare' | 'run' | 'finish'>;
}

export interface Framed extends Seen {
  bitmap: ImageBitmap;
  beside: Seen | null;
  /** The share of pixels on which both networks agree; null without a second one of the same classes. */
  agreement: number | null;
  /** Bytes of WebAssembly memory, which grows and never shrinks. */
  memory: number;
}

export type Failure = 'start' | 'fetch' | 'not-a-model' | 'input-type' | 'shape' | 'compile' | 'run';

export type Reply =
  | { type: 'started'; id: number; backend: Backend }
  | { type: 'loaded'; id: number; loaded: Loaded }
  | { type: 'unloaded'; id: number }
  | { type: 'framed'; id: number; framed: Framed }
  | { type: 'failed'; id: number; failure: Failure; detail: string };
