// A task knows how its model's output becomes an answer about the picture. A new task is one more entry of TASKS.
import type { Card } from '../model/card';
import type { Answer } from '../protocol';
import { paintVector } from '../model/wheel';
import { enlargeClasses, enlargeScores, enlargeValues, type Grid } from './resize';

export interface Output {
  data: Float32Array | Int32Array | Uint8Array;
  shape: number[];
}

type Task = (output: Output, card: Card, width: number, height: number) => Answer;

/** A single score per pixel, as two classes that meet at `threshold`; exactly there it is background, the first one. */
function asTwoClasses(data: ArrayLike<number>, threshold: number): Float32Array {
  const scores = new Float32Array(data.length * 2);
  for (let i = 0; i < data.length; i++) {
    scores[2 * i] = threshold;
    scores[2 * i + 1] = data[i];
  }
  return scores;
}

const segmentation: Task = (output, card, width, height) => {
  const [, gridHeight, gridWidth, depth = 1] = output.shape;
  const size = { width: gridWidth, height: gridHeight };
  let classes: Uint8Array<ArrayBuffer>;
  if (card.head === 'classes') {
    classes = enlargeClasses({ data: output.data, channels: 1, ...size }, width, height);
  } else if (depth === 1) {
    const data = asTwoClasses(output.data, card.head === 'probabilities' ? 0.5 : 0);
    classes = enlargeScores({ data, channels: 2, ...size }, width, height);
  } else {
    const grid: Grid = { data: output.data, channels: depth, ...size };
    classes = enlargeScores(grid, width, height);
  }
  const counts = new Array<number>(256).fill(0);
  for (let i = 0; i < classes.length; i++) counts[classes[i]]++;
  return { kind: 'segmentation', classes, width, height, counts };
};

const classification: Task = (output, card) => {
  if (card.head === 'classes') {
    return { kind: 'classification', probabilities: card.labels.map((_, index) => Number(index === output.data[0])) };
  }
  const scores = Array.from(output.data);
  const sum = scores.reduce((total, score) => total + score, 0);
  // Other people's files do not say whether they end in a softmax; values that are shares of one whole did.
  const shares = card.head === 'probabilities' || (scores.every((score) => score >= 0) && Math.abs(sum - 1) < 0.05);
  if (shares) return { kind: 'classification', probabilities: scores.map((score) => score / (sum || 1)) };
  const highest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const powers = scores.map((score) => Math.exp(score - highest));
  const total = powers.reduce((all, power) => all + power, 0);
  return { kind: 'classification', probabilities: powers.map((power) => power / total) };
};

/** Vectors in pixels of the model's input become vectors in pixels of the picture, then colours. */
const flow: Task = (output, card, width, height) => {
  const [, gridHeight, gridWidth] = output.shape;
  const vectors = enlargeValues({ data: output.data, channels: 2, width: gridWidth, height: gridHeight }, width, height);
  const [across, down] = [width / card.inputSize[1], height / card.inputSize[0]];
  let longest = 0;
  for (let i = 0; i < vectors.length; i += 2) {
    vectors[i] *= across;
    vectors[i + 1] *= down;
    longest = Math.max(longest, Math.hypot(vectors[i], vectors[i + 1]));
  }
  const scale = longest > 0 ? 1 / longest : 0;
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < vectors.length; i += 2) {
    // Rounding may not push the longest vector over the wheel's rim.
    const over = Math.max(1, Math.hypot(vectors[i] * scale, vectors[i + 1] * scale));
    paintVector(rgba, i * 2, (vectors[i] * scale) / over, (vectors[i + 1] * scale) / over);
  }
  return { kind: 'field', rgba, width, height, longest };
};

export const TASKS: Readonly<Record<string, Task>> = { segmentation, classification, flow };

