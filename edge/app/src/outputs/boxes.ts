// Boxes: where things are and of what class, chosen from what a network says of every place it looked at.
import { candidates } from '../boxes/codings';
import { overlapOf, select } from '../boxes/selection';
import { csv, quoted } from '../model/csv';
import { css, vocPalette, type Colour } from '../model/palette';
import { labelOf, type OutputSpec } from '../model/spec';
import { sheet, type Answer, type Kind, type LegendRow, type Size, type Speech } from './kind';

/** x0, y0, x1, y1 in pixels, class, score. */
const COLUMNS = 6;

export interface BoxAnswer extends Answer, Size {
  /** Six numbers a box, the best first. */
  rows: Float32Array<ArrayBuffer>;
}

interface Box {
  edges: [number, number, number, number];
  label: number;
  score: number;
}

const NAME = 'boxes';
/** Boxes are the same from this overlap on, where two networks are compared. */
const SAME = 0.5;
const SURE = 0.3;
const LIGHT = 380;

const WORDS = {
  en: {
    kind: 'Boxes around things',
    view: 'Boxes',
    save: 'Save boxes',
    legend: 'Things',
    none: 'Nothing is found.',
    things: '{count} things: {list}.',
    thing: '{label} {score}, {x} from the left, {y} from the top, {width} × {height}',
    summary: 'Picture with {count} things found. {list}.',
    agreement: 'Both models agree on {share} of the boxes.',
  },
  de: {
    kind: 'Rahmen um Dinge',
    view: 'Rahmen',
    save: 'Rahmen sichern',
    legend: 'Dinge',
    none: 'Nichts gefunden.',
    things: '{count} Dinge: {list}.',
    thing: '{label} {score}, {x} von links, {y} von oben, {width} × {height}',
    summary: 'Bild mit {count} gefundenen Dingen. {list}.',
    agreement: 'Beide Modelle stimmen in {share} der Rahmen überein.',
  },
};

function boxesOf({ rows }: BoxAnswer): Box[] {
  return Array.from({ length: rows.length / COLUMNS }, (_, index) => {
    const [x0, y0, x1, y1, label, score] = rows.subarray(index * COLUMNS, (index + 1) * COLUMNS);
    return { edges: [x0, y0, x1, y1], label, score };
  });
}

/** The class's colour; black, VOC's background, would not be seen. */
function colourOf(spec: OutputSpec, label: number): Colour {
  const colour = spec.palette[label] ?? vocPalette(256)[label % 256];
  return colour.some((part) => part > 0) ? colour : vocPalette(256)[(label + 1) % 256];
}

function outline(context: OffscreenCanvasRenderingContext2D, box: Box, spec: OutputSpec, { width, height }: Size): void {
  const line = Math.max(2, Math.round(Math.max(width, height) / 250));
  const text = Math.max(11, Math.round(Math.max(width, height) / 40));
  const [x0, y0, x1, y1] = box.edges.map(Math.round); // whole pixels, so that lines are sharp
  const colour = colourOf(spec, box.label);
  context.lineWidth = line;
  context.strokeStyle = context.fillStyle = css(colour);
  context.strokeRect(x0 + line / 2, y0 + line / 2, Math.max(x1 - x0 - line, 1), Math.max(y1 - y0 - line, 1));
  context.font = `${text}px sans-serif`;
  context.textBaseline = 'top';
  const words = `${labelOf(spec, box.label)} ${Math.round(100 * box.score)} %`;
  context.fillRect(x0, y0, context.measureText(words).width + 2 * line, text + 2 * line);
  context.fillStyle = colour[0] + colour[1] + colour[2] > LIGHT ? '#000' : '#fff';
  context.fillText(words, x0 + line, y0 + line);
}

/** The classes that are there, those of most boxes first. */
function rowsOf(answer: BoxAnswer, spec: OutputSpec, beside: BoxAnswer | null, speech: Speech): LegendRow[] {
  const [own, others] = [boxesOf(answer), beside ? boxesOf(beside) : []];
  const count = (boxes: Box[], label: number) => boxes.filter((box) => box.label === label).length;
  const labels = [...new Set([...own, ...others].map((box) => box.label))];
  labels.sort((a, b) => count(own, b) - count(own, a) || a - b);
  return labels.map((label) => {
    const counts = beside ? [count(own, label), count(others, label)] : [count(own, label)];
    const share = Math.max(0, ...own.filter((box) => box.label === label).map((box) => box.score));
    const text = counts.map((one) => speech.number(one)).join(' | ');
    return { index: label, label: labelOf(spec, label), colour: colourOf(spec, label), share, text };
  });
}

/** Every box in words. */
function listed(answer: BoxAnswer, spec: OutputSpec, speech: Speech): string {
  const told = boxesOf(answer).map(({ edges: [x0, y0, x1, y1], label, score }) => {
    const [x, y, width, height] = [x0, y0, x1 - x0, y1 - y0].map((value) => speech.number(Math.round(value)));
    return speech.phrase(WORDS, 'thing', { label: labelOf(spec, label), score: speech.percent(score), x, y, width, height });
  });
  return told.join('; ');
}

function table(answer: BoxAnswer, spec: OutputSpec): Blob {
  const lines = boxesOf(answer).map(({ edges, label, score }) => {
    return [quoted(labelOf(spec, label)), Number(score.toPrecision(6)), ...edges.map((edge) => edge.toFixed(2))].join(',');
  });
  return csv('class,score,x0,y0,x1,y1', lines);
}

/** The share of the boxes of both, of those that are sure, that the other has too. */
function agreementOf(one: BoxAnswer, other: BoxAnswer): number {
  const [left, right] = [one, other].map((answer) => boxesOf(answer).filter((box) => box.score >= SURE));
  const free = new Set(right);
  let matched = 0;
  for (const box of left) {
    const match = [...free].find((each) => each.label === box.label && overlapOf(box.edges, 0, each.edges, 0) > SAME);
    if (!match) continue;
    free.delete(match);
    matched++;
  }
  return left.length + right.length > 0 ? (2 * matched) / (left.length + right.length) : 1;
}

export default {
  name: NAME,
  gives: 'boxes',
  opaque: true,
  decode(output, spec, { width, height }) {
    const { boxes, labels, scores } = select(candidates(output, spec.options), spec.options);
    const rows = new Float32Array(labels.length * COLUMNS);
    labels.forEach((label, index) => {
      const [x0, y0, x1, y1] = boxes.subarray(index * 4, index * 4 + 4);
      rows.set([x0 * width, y0 * height, x1 * width, y1 * height, label, scores[index]], index * COLUMNS);
    });
    return { kind: NAME, rows, width, height };
  },
  transfer: ({ rows }) => [rows.buffer],
  above(answer, least) {
    const sure = boxesOf(answer).filter((box) => box.score >= least).length;
    return { ...answer, rows: answer.rows.slice(0, sure * COLUMNS) };
  },
  agreement: agreementOf,
  views: () => ['overlay', 'split', 'mask'],
  hidden: () => [],
  paint(answer, spec, { view, hidden }) {
    const canvas = sheet(answer, view);
    const shown = boxesOf(answer).filter((box) => !hidden.has(box.label));
    for (const box of shown.reverse()) outline(canvas.getContext('2d')!, box, spec, answer);
    return canvas;
  },
  legend(answer, spec, beside, speech) {
    const rows = rowsOf(answer, spec, beside, speech);
    const list = listed(answer, spec, speech);
    const count = speech.number(answer.rows.length / COLUMNS);
    const note = list ? speech.phrase(WORDS, 'things', { count, list }) : speech.phrase(WORDS, 'none');
    return { rows, pressable: true, rest: '', note, figure: null };
  },
  file: async (answer, spec) => ({ blob: table(answer, spec), ending: 'boxes.csv' }),
  names(_, speech) {
    const [kind, view, save, legend] = (['kind', 'view', 'save', 'legend'] as const).map((key) => speech.phrase(WORDS, key));
    return { kind, view, save, legend };
  },
  summary(answer, spec, speech) {
    const list = listed(answer, spec, speech);
    const count = speech.number(answer.rows.length / COLUMNS);
    return list ? speech.phrase(WORDS, 'summary', { count, list }) : speech.phrase(WORDS, 'none');
  },
  agreementText: (agreement, _, speech) => speech.phrase(WORDS, 'agreement', { share: speech.percent(agreement) }),
} satisfies Kind<BoxAnswer>;
