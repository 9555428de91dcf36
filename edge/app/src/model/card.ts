// What a model says of itself: `densezoo.json` inside the file, or, for other people's files, what tensors and operators let one guess.
import { guessInput, guessOutput } from '../outputs/guess';
import { readEntry } from './archive';
import { specsOfFormat1 } from './format1';
import type { Graph } from './graph';
import { scoresFrom, type Scored } from './scores';
import { inputFrom, isCount, isRecord, outputFrom, textOf, type InputSpec, type OutputSpec } from './spec';

const SOURCES = ['densezoo.json', 'TFLite metadata', 'tensors'] as const;

export interface Card {
  /** Where the fields come from: densezoo.json, standard TFLite metadata, or the tensors alone. */
  source: (typeof SOURCES)[number];
  name: string;
  /** What the network was made for, in words for people; nothing hangs on it. */
  task: string;
  inputs: InputSpec[];
  outputs: OutputSpec[];
  recipe: string;
  io: string;
  license: string;
  description: string;
  provenance: Record<string, unknown>;
  scores: Scored[];
  /** Pixels that tiles of the model's size share, in which it sees a picture; null where pictures are resized. */
  overlap: number | null;
}

const ENTRY = 'densezoo.json';

type Specs = Pick<Card, 'inputs' | 'outputs'>;

function specsOfFormat2(data: Record<string, unknown>): Specs | null {
  if (!Array.isArray(data.inputs) || !Array.isArray(data.outputs)) return null;
  const inputs = data.inputs.map(inputFrom).filter((spec) => spec !== null);
  const outputs = data.outputs.map(outputFrom).filter((spec) => spec !== null);
  const whole = inputs.length === data.inputs.length && outputs.length === data.outputs.length;
  return whole && inputs.length > 0 && outputs.length > 0 ? { inputs, outputs } : null;
}

/** How each format that there ever was says what goes in and what comes out. */
const FORMATS: Record<number, (data: Record<string, unknown>) => Specs | null> = {
  1: (data) => {
    const specs = specsOfFormat1(data);
    return specs && { inputs: [specs.input], outputs: [specs.output] };
  },
  2: specsOfFormat2,
};

/** The card in a parsed `densezoo.json`, or null if it is of another format or lacks what the app must know. */
export function cardFrom(data: unknown): Card | null {
  if (!isRecord(data)) return null;
  const specs = FORMATS[Number(data.format)]?.(data);
  if (!specs) return null;
  return {
    ...specs,
    source: SOURCES.find((source) => source === data.source) ?? 'densezoo.json',
    name: textOf(data.name),
    task: textOf(data.task),
    recipe: textOf(data.recipe),
    io: textOf(data.io, 'float32'),
    license: textOf(data.license) || textOf(data.licence),
    description: textOf(data.description),
    provenance: isRecord(data.provenance) ? data.provenance : {},
    scores: scoresFrom(data.scores),
    overlap: isCount(data.overlap) ? data.overlap : null,
  };
}

export async function readCard(file: Uint8Array<ArrayBuffer>): Promise<Card | null> {
  const entry = await readEntry(file, ENTRY);
  if (!entry) return null;
  try {
    return cardFrom(JSON.parse(new TextDecoder().decode(entry)));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A card for a file that carries none, or null when it is not one picture in, or what comes out is no answer that can be told. */
export function guessCard(name: string, graph: Graph, input: number, output: number): Card | null {
  const image = guessInput(graph, graph.tensors[input]);
  const answer = image && guessOutput(graph, graph.tensors[output], image);
  if (!answer) return null;
  return {
    source: 'tensors',
    name,
    task: '',
    inputs: [image],
    outputs: [answer],
    recipe: '',
    io: graph.tensors[input].dtype,
    license: '',
    description: '',
    provenance: {},
    scores: [],
    overlap: null,
  };
}
