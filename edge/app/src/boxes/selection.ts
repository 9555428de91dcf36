// Box selection: which of a network's candidates are its answer, as zoo/outputs/box_selection.py says it; what the options of a
// spec are stands there. Where scores are equal, what comes first in the network's output wins, here as there.
import { exponential, type Candidates, type Options } from './codings';

/** Chosen boxes, the best first. */
export interface Selection {
  /** x0, y0, x1, y1 of each, as shares of the picture's sides. */
  boxes: Float64Array;
  labels: number[];
  scores: number[];
  /** The candidates that they were. */
  rows: number[];
}

const SIDES = 4;
const DEFAULTS = { threshold: 0.05, candidates: 1000, overlap: 0.5, most: 300 };
const LEAST = 2.2250738585072014e-308;

function optionOf(options: Options, name: keyof typeof DEFAULTS): number {
  return typeof options[name] === 'number' ? options[name] : DEFAULTS[name];
}

/** The part of the boxes that lies in the picture. */
function clipped(boxes: Float64Array): Float64Array {
  return boxes.map((edge) => Math.min(Math.max(edge, 0), 1));
}

function areaAt(boxes: ArrayLike<number>, at: number): number {
  return (boxes[at + 2] - boxes[at]) * (boxes[at + 3] - boxes[at + 1]);
}

/** The intersection over union of two boxes, which begin at `one` and `other`. */
export function overlapOf(boxes: ArrayLike<number>, one: number, others: ArrayLike<number>, other: number): number {
  const width = Math.min(boxes[one + 2], others[other + 2]) - Math.max(boxes[one], others[other]);
  const height = Math.min(boxes[one + 3], others[other + 3]) - Math.max(boxes[one + 1], others[other + 1]);
  const shared = Math.max(width, 0) * Math.max(height, 0);
  const whole = areaAt(boxes, one) + areaAt(others, other) - shared;
  return shared / (whole > 0 ? whole : 1);
}

/** The pairs of box and class of the best scores, before any suppression; boxes without an area are none. */
function best({ boxes, scores, classes }: Candidates, options: Options): Selection {
  const least = Math.max(optionOf(options, 'threshold'), LEAST);
  const places: number[] = [];
  for (let place = 0; place < scores.length; place++) {
    if (!(scores[place] >= least)) continue;
    const at = Math.floor(place / classes) * SIDES;
    if (boxes[at + 2] > boxes[at] && boxes[at + 3] > boxes[at + 1]) places.push(place);
  }
  places.sort((a, b) => scores[b] - scores[a] || a - b);
  return picked(places.slice(0, optionOf(options, 'candidates')), (place) => Math.floor(place / classes) * SIDES, boxes, {
    label: (place) => place % classes,
    score: (place) => scores[place],
    row: (place) => Math.floor(place / classes),
  });
}

interface Facts {
  label(place: number): number;
  score(place: number): number;
  row(place: number): number;
}

function picked(places: readonly number[], at: (place: number) => number, boxes: Float64Array, { label, score, row }: Facts): Selection {
  const chosen = new Float64Array(places.length * SIDES);
  places.forEach((place, index) => chosen.set(boxes.subarray(at(place), at(place) + SIDES), index * SIDES));
  return { boxes: chosen, labels: places.map(label), scores: places.map(score), rows: places.map(row) };
}

/** The pairs at these places, of these scores. */
function at(pairs: Selection, places: readonly number[], scores: ArrayLike<number>): Selection {
  return picked(places, (place) => place * SIDES, pairs.boxes, {
    label: (place) => pairs.labels[place],
    score: (place) => scores[place],
    row: (place) => pairs.rows[place],
  });
}

/** From the best on, each takes those of its class away that overlap it more. */
function suppressed(pairs: Selection, overlap: number, most: number): number[] {
  const { boxes, labels } = pairs;
  const gone = new Uint8Array(labels.length);
  const chosen: number[] = [];
  for (let place = 0; place < labels.length && chosen.length < most; place++) {
    if (gone[place]) continue;
    chosen.push(place);
    for (let other = place + 1; other < labels.length; other++) {
      if (labels[other] === labels[place] && overlapOf(boxes, place * SIDES, boxes, other * SIDES) > overlap) gone[other] = 1;
    }
  }
  return chosen;
}

/** In the order of scores that fall with the overlap of better ones of their class. */
function softly(pairs: Selection, deviation: number, threshold: number, most: number): Selection {
  const { boxes, labels } = pairs;
  const scores = Float64Array.from(pairs.scores);
  const left = new Uint8Array(labels.length).fill(1);
  const chosen: number[] = [];
  while (chosen.length < most) {
    let place = -1;
    for (let each = 0; each < labels.length; each++) if (left[each] && (place < 0 || scores[each] > scores[place])) place = each;
    if (place < 0 || scores[place] < threshold) break;
    chosen.push(place);
    left[place] = 0;
    for (let other = 0; other < labels.length; other++) {
      if (!left[other] || labels[other] !== labels[place]) continue;
      const share = overlapOf(boxes, place * SIDES, boxes, other * SIDES);
      scores[other] *= exponential(-(share * share) / deviation);
    }
  }
  return at(pairs, chosen, scores);
}

/** The answer among candidates. */
export function select(candidates: Candidates, options: Options): Selection {
  const pairs = best({ ...candidates, boxes: clipped(candidates.boxes) }, options);
  const most = optionOf(options, 'most');
  if (typeof options.soft === 'number') return softly(pairs, options.soft, optionOf(options, 'threshold'), most);
  return at(pairs, suppressed(pairs, optionOf(options, 'overlap'), most), pairs.scores);
}
