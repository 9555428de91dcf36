// densezoo.json of format 1, which named one task and one head; no file is written in it any more, every one is read.
// The one place outside src/outputs that knows the name of a task or of a kind.
import { inputFrom, isRecord, outputFrom, type InputSpec, type OutputSpec } from './spec';

/** The kind and the activation that each head stands for. */
const HEADS: Record<string, { kind: string; activation: string }> = {
  logits: { kind: 'class_scores', activation: 'linear' },
  probabilities: { kind: 'class_scores', activation: 'softmax' },
  classes: { kind: 'class_map', activation: 'argmax' },
};
/** The scale that each task's answer has: one a pixel, or one a picture. */
const SCALES: Record<string, number | null> = { segmentation: 1, classification: null };

/** Its only input and output as format 2 has them; null for a task or a head that there was not. */
export function specsOfFormat1(data: Record<string, unknown>): { input: InputSpec; output: OutputSpec } | null {
  const { task, head, labels, palette } = data;
  if (typeof task !== 'string' || !(task in SCALES) || typeof head !== 'string' || !(head in HEADS)) return null;
  const input = isRecord(data.input) ? inputFrom({ ...data.input, frames: 1 }) : null;
  const channels = Array.isArray(labels) ? labels.length : null;
  const output = outputFrom({ ...HEADS[head], labels, palette, channels, scale: SCALES[task] });
  return input && output && { input, output };
}
