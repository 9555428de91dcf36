// A film watched frame by frame: an encoder looks at each, and a step goes on from what it knew of those before.
import type { Card } from '../model/card';
import type { InputRange, OutputSpec } from '../model/spec';
import { joined } from '../outputs/frame_scores';
import { kindOf } from '../outputs';
import type { Answer } from '../outputs/kind';
import type { NetworkId, Outcome, Question } from '../protocol';
import { WrongEncoder } from './captioner';
import type { Network } from './network';
import type { Given, Stepper } from './stepper';

export class Watcher {
  readonly card: Card;
  private readonly meaning: OutputSpec;
  private states: Given;
  /** What was said of the frames of the film that goes on, and which film that is. */
  private said: Answer | null = null;
  private film = -1;

  constructor(
    readonly id: NetworkId,
    card: Card,
    private readonly encoder: Network,
    private readonly steps: Stepper,
  ) {
    this.meaning = card.outputs[0];
    this.states = steps.zeros();
    this.card = { ...card, inputs: encoder.card.inputs, outputs: [this.meaning] };
  }

  delete(): void {
    this.encoder.delete();
    this.steps.delete();
  }

  spec(): OutputSpec {
    return this.meaning;
  }

  /** What happens in these frames. Those of a film that goes on follow the ones before; others are a film of their own. */
  async answer(frames: readonly ImageData[], _output: number, range: InputRange | null, { picture, goesOn }: Question): Promise<Outcome> {
    if (!goesOn || picture !== this.film) [this.states, this.said] = [this.steps.zeros(), null];
    this.film = picture;
    const times = { prepare: 0, run: 0, finish: 0 };
    for (const frame of frames) {
      const began = performance.now();
      const seen = (await this.encoder.everything([frame], range)).get(this.steps.first);
      if (seen?.length !== this.steps.sizeOf(this.steps.first)) throw new WrongEncoder(`${this.steps.first}: ${seen?.length ?? 0}`);
      const looked = performance.now();
      const { outputs, next } = await this.steps.step(seen, this.states);
      const ran = performance.now();
      const data = outputs.get(this.meaning.name)!;
      const answer = kindOf(this.meaning).decode({ data, shape: [1, 1, 1, data.length] }, this.meaning, frame);
      [this.states, this.said] = [next, joined(this.said, answer, goesOn)];
      times.prepare += looked - began;
      times.run += ran - looked;
      times.finish += performance.now() - ran;
    }
    return { answer: this.said!, timings: times };
  }
}
