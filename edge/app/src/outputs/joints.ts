// Joints: the named points of one thing, as of a body, each with a score; and the bones between them.
import { decoded } from '../joints/decoding';
import { csv, quoted } from '../model/csv';
import { css, type Colour } from '../model/palette';
import { labelOf, type OutputSpec } from '../model/spec';
import { sheet, type Answer, type Kind, type LegendRow, type Size, type Speech } from './kind';

/** x, y in pixels, score. */
const COLUMNS = 3;

export interface JointAnswer extends Answer, Size {
  /** Three numbers a joint; NaN where one is left out. */
  rows: Float32Array<ArrayBuffer>;
}

interface Joint {
  index: number;
  x: number;
  y: number;
  score: number;
}

const NAME = 'joints';
const SURE = 0.3;
/** Of the picture's longer side: joints of two networks that are no farther apart are the same. */
const SAME = 0.05;
const PLAIN: Colour = [120, 230, 90];

const WORDS = {
  en: {
    kind: 'Places of joints',
    view: 'Joints',
    save: 'Save joints',
    legend: 'Joints',
    none: 'No joint is found.',
    joints: '{count} of {all} joints: {list}.',
    joint: '{label} {score}, {x} from the left, {y} from the top',
    summary: 'Picture with {count} of {all} joints found. {list}.',
    agreement: 'Both models place {share} of the joints alike.',
  },
  de: {
    kind: 'Orte von Gelenken',
    view: 'Gelenke',
    save: 'Gelenke sichern',
    legend: 'Gelenke',
    none: 'Kein Gelenk gefunden.',
    joints: '{count} von {all} Gelenken: {list}.',
    joint: '{label} {score}, {x} von links, {y} von oben',
    summary: 'Bild mit {count} von {all} gefundenen Gelenken. {list}.',
    agreement: 'Beide Modelle setzen {share} der Gelenke gleich.',
  },
};

/** Those that are there, in the network's order. */
function jointsOf({ rows }: JointAnswer): Joint[] {
  const all = Array.from({ length: rows.length / COLUMNS }, (_, index) => {
    const [x, y, score] = rows.subarray(index * COLUMNS, (index + 1) * COLUMNS);
    return { index, x, y, score };
  });
  return all.filter(({ x }) => !Number.isNaN(x));
}

function colourOf(spec: OutputSpec, index: number): Colour {
  return spec.palette[index] ?? PLAIN;
}

/** The pairs of joints that are joined; whatever else the file says is left aside. */
function bonesOf({ options }: OutputSpec): [number, number][] {
  const pairs = Array.isArray(options.bones) ? options.bones : [];
  return pairs.filter((pair): pair is [number, number] => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isInteger));
}

function drawSkeleton(context: OffscreenCanvasRenderingContext2D, joints: readonly Joint[], spec: OutputSpec, { width, height }: Size): void {
  const line = Math.max(2, Math.round(Math.max(width, height) / 150));
  const byIndex = new Map(joints.map((joint) => [joint.index, joint]));
  context.lineCap = 'round';
  context.lineWidth = line;
  for (const [one, other] of bonesOf(spec)) {
    const [from, to] = [byIndex.get(one), byIndex.get(other)];
    if (!from || !to) continue;
    context.strokeStyle = css(colourOf(spec, other));
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
  context.lineWidth = Math.max(1, line / 2);
  context.strokeStyle = '#000';
  for (const { index, x, y } of joints) {
    context.fillStyle = css(colourOf(spec, index));
    context.beginPath();
    context.arc(x, y, 1.5 * line, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

function rowsOf(answer: JointAnswer, spec: OutputSpec, beside: JointAnswer | null, speech: Speech): LegendRow[] {
  const others = new Map((beside ? jointsOf(beside) : []).map((joint) => [joint.index, joint.score]));
  return jointsOf(answer).map(({ index, score }) => {
    const scores = beside ? [score, others.get(index) ?? 0] : [score];
    const text = scores.map((one) => speech.percent(one)).join(' | ');
    return { index, label: labelOf(spec, index), colour: colourOf(spec, index), share: score, text };
  });
}

/** Every joint in words. */
function listed(answer: JointAnswer, spec: OutputSpec, speech: Speech): string {
  const phrases = jointsOf(answer).map(({ index, x, y, score }) => {
    const [left, top] = [x, y].map((value) => speech.number(Math.round(value)));
    return speech.phrase(WORDS, 'joint', { label: labelOf(spec, index), score: speech.percent(score), x: left, y: top });
  });
  return phrases.join('; ');
}

function told(answer: JointAnswer, spec: OutputSpec, key: 'joints' | 'summary', speech: Speech): string {
  const list = listed(answer, spec, speech);
  const [count, all] = [jointsOf(answer).length, answer.rows.length / COLUMNS].map((value) => speech.number(value));
  return list ? speech.phrase(WORDS, key, { count, all, list }) : speech.phrase(WORDS, 'none');
}

function table(answer: JointAnswer, spec: OutputSpec): Blob {
  const lines = jointsOf(answer).map(({ index, x, y, score }) => {
    return [quoted(labelOf(spec, index)), x.toFixed(2), y.toFixed(2), Number(score.toPrecision(6))].join(',');
  });
  return csv('name,x,y,score', lines);
}

/** The share of the joints that either is sure of which both have at the same place. */
function agreementOf(one: JointAnswer, other: JointAnswer): number | null {
  if (one.rows.length !== other.rows.length) return null;
  const [left, right] = [one, other].map((answer) => new Map(jointsOf(answer).map((joint) => [joint.index, joint])));
  const sure = [...Array(one.rows.length / COLUMNS).keys()].filter((index) => {
    return Math.max(left.get(index)?.score ?? 0, right.get(index)?.score ?? 0) >= SURE;
  });
  const same = sure.filter((index) => {
    const [a, b] = [left.get(index), right.get(index)];
    return a && b && Math.hypot(a.x - b.x, a.y - b.y) <= SAME * Math.max(one.width, one.height);
  });
  return sure.length > 0 ? same.length / sure.length : 1;
}

export default {
  name: NAME,
  gives: 'joints',
  opaque: true,
  decode(output, spec, { width, height }) {
    const found = decoded(output, spec.options);
    if (!found || (spec.labels.length > 0 && found.scores.length !== spec.labels.length)) {
      throw new RangeError(`[${output.shape}]: joints are [1, height, width, joints] or [1, 2 · joints], one a label`);
    }
    const rows = new Float32Array(found.scores.length * COLUMNS);
    found.scores.forEach((score, index) => {
      rows.set([found.places[2 * index] * width, found.places[2 * index + 1] * height, score], index * COLUMNS);
    });
    return { kind: NAME, rows, width, height };
  },
  transfer: ({ rows }) => [rows.buffer],
  above(answer, least) {
    const rows = answer.rows.slice();
    for (let at = 0; at < rows.length; at += COLUMNS) if (!(rows[at + 2] >= least)) rows.fill(NaN, at, at + COLUMNS);
    return { ...answer, rows };
  },
  agreement: agreementOf,
  views: () => ['overlay', 'split', 'mask'],
  hidden: () => [],
  paint(answer, spec, { view, hidden }) {
    const canvas = sheet(answer, view);
    const shown = jointsOf(answer).filter(({ index }) => !hidden.has(index));
    drawSkeleton(canvas.getContext('2d')!, shown, spec, answer);
    return canvas;
  },
  legend(answer, spec, beside, speech) {
    const rows = rowsOf(answer, spec, beside, speech);
    return { rows, pressable: true, rest: '', note: told(answer, spec, 'joints', speech), figure: null };
  },
  file: async (answer, spec) => ({ blob: table(answer, spec), ending: 'joints.csv' }),
  names(_, speech) {
    const [kind, view, save, legend] = (['kind', 'view', 'save', 'legend'] as const).map((key) => speech.phrase(WORDS, key));
    return { kind, view, save, legend };
  },
  summary: (answer, spec, speech) => told(answer, spec, 'summary', speech),
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement) }),
} satisfies Kind<JointAnswer>;
