// One compiled file with its card: pixels in, an answer about the picture out.
import { Tensor, type CompiledModel, type TensorDetails } from '@litertjs/core';
import type { Card } from '../model/card';
import { arranged, CHANNELS_FIRST } from '../model/layout';
import { USUAL_RANGE, type Bound, type InputRange, type InputSpec, type OutputSpec } from '../model/spec';
import { kindOf } from '../outputs';
import type { RawOutput } from '../outputs/kind';
import type { Tensor as StoredTensor } from '../model/graph';
import { resizeRgb } from '../pixels/resize';
import { part, spans, withinReason, type Pixels } from '../pixels/tiles';
import type { NetworkId, Outcome } from '../protocol';
import type { Given } from './stepper';

type Input = Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** What goes in beside a picture where nothing does. */
const ALONE: Given = new Map();

/** The model's input that takes the card's first one, a picture: files do not keep inputs in the card's order. */
export function pictureOf(model: CompiledModel, { inputs: [, ...others] }: Card): TensorDetails {
  const details = model.getInputDetails();
  return details.find((each) => !others.some(({ name }) => name === each.name)) ?? details[0];
}

/** One of the card's outputs, and the tensor that holds it, as the model counts them. */
export interface BoundOutput {
  spec: OutputSpec;
  tensor: number;
}

/** The names of the model's outputs do not tell which is which. */
export class UnmatchedOutputs extends Error {}

/**
 * The card's outputs with their tensors, by name: the order in a file is its converter's, not the network's. What is left
 * over on both sides can belong together only where it is one of each, or where the file has no names at all.
 */
export function bindOutputs(specs: readonly OutputSpec[], names: readonly string[]): BoundOutput[] {
  if (names.every((name) => name === '')) return specs.slice(0, names.length).map((spec, tensor) => ({ spec, tensor }));
  const tensors = specs.map((spec) => names.indexOf(spec.name));
  const free = names.map((_, index) => index).filter((index) => !tensors.includes(index));
  const unnamed = tensors.filter((tensor) => tensor < 0).length;
  if (unnamed > 1 || (unnamed === 1 && free.length !== 1)) {
    throw new UnmatchedOutputs(`${specs.map((spec) => spec.name).join(', ')} ≠ ${names.join(', ')}`);
  }
  return specs.map((spec, index) => ({ spec, tensor: tensors[index] < 0 ? free[0] : tensors[index] }));
}

/** The bound of a channel; files that give one a channel may give fewer than there are. */
function boundOf(bound: Bound, channel: number): number {
  return Array.isArray(bound) ? (bound[channel] ?? bound[0]) : bound;
}

/** The picture in ITU-R 601 luma, as Pillow rounds it, as RGBA. */
function grey(rgba: Uint8ClampedArray): Uint8ClampedArray {
  const luma = new Uint8ClampedArray(rgba.length);
  for (let i = 0; i < rgba.length; i += 4) {
    const value = (rgba[i] * 19595 + rgba[i + 1] * 38470 + rgba[i + 2] * 7471 + 0x8000) >> 16;
    luma[i] = luma[i + 1] = luma[i + 2] = value;
    luma[i + 3] = 255;
  }
  return luma;
}

/** Stored values as real ones, where the tensor is quantized. */
function real(data: RawOutput['data'], { scale, zeroPoint }: StoredTensor): RawOutput['data'] {
  return scale && !(data instanceof Float32Array) ? Float32Array.from(data, (value) => (value - zeroPoint) * scale) : data;
}

export class Network {
  private readonly input: InputSpec;
  private readonly size: [number, number];
  private readonly picture: TensorDetails;

  constructor(
    readonly id: NetworkId,
    readonly card: Card,
    private readonly outputs: readonly BoundOutput[],
    private readonly model: CompiledModel,
    /** The model's outputs as the file holds them, in its order. */
    private readonly stored: readonly StoredTensor[],
  ) {
    this.input = card.inputs[0];
    this.picture = pictureOf(model, card);
    const { shape } = this.picture;
    this.size = [shape[this.input.layout.indexOf('H')], shape[this.input.layout.indexOf('W')]];
  }

  delete(): void {
    this.model.delete();
  }

  spec(output: number): OutputSpec {
    return this.outputs[output].spec;
  }

  /** What output `output` says of the first picture; a network of several frames gets the last one again where they are too few. */
  answer(pictures: readonly ImageData[], output: number, range: InputRange | null): Promise<Outcome> {
    return this.answerBeside(ALONE, pictures, output, range);
  }

  /** The same with what goes in beside the pictures, by the names of the inputs. */
  async answerBeside(given: Given, pictures: readonly ImageData[], output: number, range: InputRange | null): Promise<Outcome> {
    const began = performance.now();
    const { spec, tensor } = this.outputs[output];
    const { overlap } = this.card;
    const bounds = range ?? this.input.range ?? USUAL_RANGE;
    const input = overlap === null ? this.fill(pictures, bounds) : null;
    const prepared = performance.now();
    const raw = input ? await this.infer(input, tensor, given) : await this.inTiles(given, pictures, bounds, tensor, spec.scale ?? 1, overlap ?? 0);
    const ran = performance.now();
    const answer = kindOf(spec).decode(arranged(raw, spec.layout, this.size), spec, pictures[0]);
    return { answer, timings: { prepare: prepared - began, run: ran - prepared, finish: performance.now() - ran } };
  }

  /** The raw output for pictures of any size, put together from those of their tiles. */
  private async inTiles(
    given: Given,
    pictures: readonly Pixels[],
    range: InputRange,
    output: number,
    scale: number,
    overlap: number,
  ): Promise<RawOutput> {
    const [tileHeight, tileWidth] = this.size;
    const shown = pictures.map(withinReason);
    const { width, height } = shown[0];
    const columns = spans(Math.max(width, tileWidth), tileWidth, overlap);
    let whole = new Float32Array();
    let channels = 0;
    for (const row of spans(Math.max(height, tileHeight), tileHeight, overlap)) {
      for (const column of columns) {
        const parts = shown.map((picture) => part(picture, row.start, column.start, tileHeight, tileWidth));
        const { data, shape } = await this.infer(this.fill(parts, range), output, given);
        channels = shape[3];
        if (whole.length === 0) whole = new Float32Array(height * scale * width * scale * channels);
        const [rows, across] = [Math.min(tileHeight, height - row.start) * scale, Math.min(tileWidth, width - column.start) * scale];
        for (let y = 0; y < rows; y++) {
          const weight = row.weights[Math.floor(y / scale)];
          let from = y * tileWidth * scale * channels;
          let to = ((row.start * scale + y) * width * scale + column.start * scale) * channels;
          for (let x = 0; x < across; x++) {
            const share = weight * column.weights[Math.floor(x / scale)];
            for (let k = 0; k < channels; k++) whole[to++] += data[from++] * share;
          }
        }
      }
    }
    return { data: whole, shape: [1, height * scale, width * scale, channels] };
  }

  /** The pictures along the channels, at the model's size, their values moved into the model's range. */
  private fill(pictures: readonly Pixels[], range: InputRange): Input {
    const { channels, frames } = this.input;
    const [height, width] = this.size;
    const { dtype } = this.picture;
    const bytes = dtype !== 'float32'; // whole numbers that hold a picture's 0–255
    const Values = bytes ? (dtype === 'int32' ? Int32Array : Uint8Array) : Float32Array;
    const input = new Values(height * width * channels);
    for (let frame = 0; frame < frames; frame++) {
      this.fillFrame(input, pictures[Math.min(frame, pictures.length - 1)], frame, bytes ? USUAL_RANGE : range);
    }
    return input;
  }

  /** Like Python's, it does not keep the aspect ratio. */
  private fillFrame(input: Input, { data, width, height }: Pixels, frame: number, [low, high]: InputRange): void {
    const { channels, frames } = this.input;
    const own = channels / frames;
    const pixels = resizeRgb(own === 1 ? grey(data) : data, width, height, this.size[1], this.size[0]);
    for (let channel = 0; channel < own; channel++) {
      const [first, last] = [boundOf(low, channel), boundOf(high, channel)];
      const step = (last - first) / 255; // exactly 1 where bytes go in as they are
      const place = frame * own + channel;
      const [start, stride] = this.input.layout === CHANNELS_FIRST ? [place * this.size[0] * this.size[1], 1] : [place, channels];
      for (let at = channel, to = start; at < pixels.length; at += 3, to += stride) input[to] = pixels[at] * step + first;
    }
  }

  /** All outputs of the card for these pictures, by name. */
  async everything(pictures: readonly ImageData[], range: InputRange | null): Promise<Map<string, Float32Array>> {
    const results = await this.run(this.fill(pictures, range ?? this.input.range ?? USUAL_RANGE), this.outputs.map(({ tensor }) => tensor));
    return new Map(this.outputs.map(({ spec }, index) => [spec.name, Float32Array.from(results[index].data)]));
  }

  private async infer(input: Input, output: number, given: Given): Promise<RawOutput> {
    return (await this.run(input, [output], given))[0];
  }

  private async run(input: Input, wanted: readonly number[], given: Given = ALONE): Promise<RawOutput[]> {
    const { model } = this;
    const values = (name: string) => (name === this.picture.name ? input : given.get(name)!.slice());
    const tensors = model.getInputDetails().map(({ name, shape }) => new Tensor(values(name), Array.from(shape)));
    try {
      const outputs = await model.run(tensors);
      try {
        const results: RawOutput[] = [];
        for (const output of wanted) {
          const data = real((await outputs[output].data()) as RawOutput['data'], this.stored[output]);
          results.push({ data, shape: Array.from(model.getOutputDetails()[output].shape) });
        }
        return results;
      } finally {
        for (const each of outputs) each.delete();
      }
    } finally {
      for (const each of tensors) each.delete();
    }
  }
}
