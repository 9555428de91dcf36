// One compiled file with its card: pixels in, an answer about the picture out.
import { Tensor, type CompiledModel } from '@litertjs/core';
import { USUAL_RANGE, type Card, type InputRange } from '../model/card';
import type { Seen } from '../protocol';
import { resizeRgb } from './resize';
import { TASKS, type Output } from './tasks';

type Input = Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

export class Network {
  constructor(
    readonly card: Card,
    private model: CompiledModel,
  ) {}

  delete(): void {
    this.model.delete();
  }

  async see(picture: ImageData, range: InputRange | null): Promise<Seen> {
    const began = performance.now();
    const input = this.fill(picture, range ?? this.card.inputRange ?? USUAL_RANGE);
    const prepared = performance.now();
    const output = await this.infer(input);
    const ran = performance.now();
    const answer = TASKS[this.card.task](output, this.card, picture.width, picture.height);
    return { answer, timings: { prepare: prepared - began, run: ran - prepared, finish: performance.now() - ran } };
  }

  /** The picture at the model's size, its values moved into the model's range. Like Python, it does not keep the aspect ratio. */
  private fill({ data, width, height }: ImageData, [low, high]: InputRange): Input {
    const [inputHeight, inputWidth] = this.card.inputSize;
    const pixels = resizeRgb(data, width, height, inputWidth, inputHeight);
    if (this.model.getInputDetails()[0].dtype === 'uint8') return new Uint8Array(pixels.buffer);
    const input = new Float32Array(pixels.length);
    for (let channel = 0; channel < 3; channel++) {
      const first = Array.isArray(low) ? low[channel] : low;
      const last = Array.isArray(high) ? high[channel] : high;
      for (let at = channel; at < input.length; at += 3) input[at] = (pixels[at] / 255) * (last - first) + first;
    }
    return input;
  }

  private async infer(input: Input): Promise<Output> {
    const { model } = this;
    const tensor = new Tensor(input, Array.from(model.getInputDetails()[0].shape));
    try {
      const outputs = await model.run(tensor);
      try {
        return { data: await outputs[0].data(), shape: Array.from(model.getOutputDetails()[0].shape) };
      } finally {
        for (const output of outputs) output.delete();
      }
    } finally {
      tensor.delete();
    }
  }
}
