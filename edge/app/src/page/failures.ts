// What can go wrong, in the page's words.
import type { Failure } from '../protocol';
import { CameraError } from './camera';
import { InferenceError } from './inference';
import { UnreadablePicture } from './pictures';
import type { Word } from './words';

const FAILURES: Record<Failure, Word> = {
  start: 'failStart',
  fetch: 'failFetch',
  'not-a-model': 'failNotAModel',
  'input-type': 'failInputType',
  shape: 'failShape',
  size: 'failSize',
  kind: 'failKind',
  outputs: 'failOutputs',
  compile: 'failCompile',
  run: 'failRun',
  stale: 'failRun',
  token: 'failToken',
  encoder: 'failEncoder',
};

export interface Explanation {
  word: Word;
  values: Record<string, string>;
}

/** What to tell the visitor of an error; one that no visitor can cause is thrown on. */
export function explain(error: unknown): Explanation {
  if (error instanceof CameraError) return { word: error.word, values: {} };
  if (error instanceof UnreadablePicture) return { word: 'pictureUnreadable', values: { name: error.message } };
  if (error instanceof InferenceError) return { word: FAILURES[error.failure], values: { detail: error.detail } };
  throw error;
}
