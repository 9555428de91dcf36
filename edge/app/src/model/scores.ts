// What a file scored, on which data: `scores` of densezoo.json.
import { isPair, isRecord, textOf } from './spec';

export interface Score {
  name: string;
  value: number;
  /** "share" for 0–1, shown as per cent; "" for a plain number; else the unit itself, as "px" or "dB". */
  unit: string;
}

export interface Scored {
  /** The data set; empty where the file does not say. */
  data: string;
  images: number | null;
  /** [height, width] that pictures were resized to. */
  size: [number, number] | null;
  /** The headline first. */
  scores: Score[];
}

/** Keys beside the scores of format 1, where each score was a key of its own. */
const FACTS: ReadonlySet<string> = new Set(['images', 'size', 'scores']);

function listed(entry: unknown): Score[] {
  if (!isRecord(entry) || typeof entry.name !== 'string' || !Number.isFinite(entry.value)) return [];
  return [{ name: entry.name, value: entry.value as number, unit: textOf(entry.unit) }];
}

function inOwnKeys(record: Record<string, unknown>): Score[] {
  const entries = Object.entries(record).filter(([key, value]) => !FACTS.has(key) && Number.isFinite(value));
  return entries.map(([name, value]) => ({ name, value: value as number, unit: 'share' }));
}

/** The scores by data set; numbers outside any data set are plain ones of no data. */
export function scoresFrom(data: unknown): Scored[] {
  if (!isRecord(data)) return [];
  return Object.entries(data).flatMap(([key, value]): Scored[] => {
    if (Number.isFinite(value)) return [{ data: '', images: null, size: null, scores: [{ name: key, value: value as number, unit: '' }] }];
    if (!isRecord(value)) return [];
    const scores = Array.isArray(value.scores) ? value.scores.flatMap(listed) : inOwnKeys(value);
    const images = Number.isFinite(value.images) ? (value.images as number) : null;
    return scores.length > 0 ? [{ data: key, images, size: isPair(value.size) ? value.size : null, scores }] : [];
  });
}
