// Class scores: a number for each class, of every pixel or of the whole picture.
import { softmax } from '../model/softmax';
import type { OutputSpec } from '../model/spec';
import { enlargeScores } from '../pixels/resize';
import { answersInClasses, ofPixels, type ClassAnswer } from './class_map';
import type { Kind, RawOutput } from './kind';

const NAME = 'class_scores';
/** Values that do not say whether they end in a softmax, and whose sum is as near to 1 as this, are shares of one whole. */
const NEARLY = 0.05;

/** Where a single score, that of the second of two classes, tips. */
function threshold(spec: OutputSpec): number {
  return spec.activation === 'linear' ? 0 : 0.5;
}

/** A single score a pixel, as two classes that meet at the threshold; exactly there it is the first one. */
function asTwoClasses(data: RawOutput['data'], limit: number): Float32Array {
  const scores = new Float32Array(data.length * 2);
  for (let i = 0; i < data.length; i++) {
    scores[2 * i] = limit;
    scores[2 * i + 1] = data[i];
  }
  return scores;
}

function probabilities(data: RawOutput['data'], spec: OutputSpec): number[] {
  const scores = Array.from(data);
  if (scores.length === 1) {
    const second = spec.activation === 'linear' ? 1 / (1 + Math.exp(-scores[0])) : scores[0];
    return [1 - second, second];
  }
  const sum = scores.reduce((total, score) => total + score, 0);
  const shares = spec.activation !== 'linear' || (scores.every((score) => score >= 0) && Math.abs(sum - 1) < NEARLY);
  if (shares) return scores.map((score) => score / (sum || 1));
  return softmax(scores);
}

export default {
  ...answersInClasses,
  name: NAME,
  decode({ data, shape }, spec, picture) {
    if (spec.scale === null) return { kind: NAME, probabilities: probabilities(data, spec) };
    const [, height, width, channels = 1] = shape;
    const grid =
      channels === 1
        ? { data: asTwoClasses(data, threshold(spec)), channels: 2, width, height }
        : { data, channels, width, height };
    return ofPixels(NAME, enlargeScores(grid, picture.width, picture.height), picture);
  },
} satisfies Kind<ClassAnswer>;
