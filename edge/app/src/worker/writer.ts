// A compiled file of one step of a text: a token and states go in, scores of the token to come and states come out.
import { Tensor, type CompiledModel } from '@litertjs/core';
import type { Card } from '../model/card';
import type { NetworkId } from '../protocol';
import { choose, randomOf, type Random, type Sampling } from '../text/sampling';
import { Vocabulary } from '../text/vocabulary';

/** What is read where there is no prompt. */
const START = '\n';

/** Whether a card is that of one step: behind the token come states, each fed by an output of the step before. */
export function isStep(card: Card): boolean {
  const states = card.inputs.slice(1);
  return states.length > 0 && states.every(({ feedback }) => feedback !== '');
}

export class Writer {
  private readonly vocabulary: Vocabulary;
  private states = new Map<string, Float32Array>();
  private scores: Float32Array | null = null;
  private random: Random = randomOf(0);
  private written = 0;

  constructor(
    readonly id: NetworkId,
    readonly card: Card,
    private readonly model: CompiledModel,
  ) {
    this.vocabulary = new Vocabulary(card.outputs[0].labels);
  }

  delete(): void {
    this.model.delete();
  }

  /** Reads a prompt from the beginning of a text on; without one, the end of a line that comes before it. */
  async read(prompt: string, seed: number): Promise<void> {
    const tokens = this.vocabulary.encode(prompt || START);
    this.states = new Map(this.card.inputs.slice(1).map(({ name, channels }) => [name, new Float32Array(channels)]));
    [this.scores, this.random, this.written] = [null, randomOf(seed), tokens.length];
    for (const token of tokens) await this.step(token);
  }

  /** So many tokens more behind what was read and written; nothing where nothing was read. */
  async write(count: number, sampling: Sampling): Promise<string> {
    let text = '';
    for (let left = count; left > 0 && this.scores; left--) {
      const token = choose(this.scores, sampling, this.random);
      text += this.vocabulary.text(token, this.written++ === 0);
      await this.step(token);
    }
    return text;
  }

  private async step(token: number): Promise<void> {
    const [first, ...states] = this.card.inputs;
    const inputs: Record<string, Tensor> = { [first.name]: new Tensor(Float32Array.of(token), [1, 1, 1, 1]) };
    for (const { name, channels } of states) inputs[name] = new Tensor(this.states.get(name)!.slice(), [1, channels]);
    try {
      const outputs = await this.model.run(inputs);
      try {
        this.scores = (await outputs[this.card.outputs[0].name].data()) as Float32Array;
        for (const { name, feedback } of states) this.states.set(name, (await outputs[feedback].data()) as Float32Array);
      } finally {
        for (const each of Object.values(outputs)) each.delete();
      }
    } finally {
      for (const each of Object.values(inputs)) each.delete();
    }
  }
}
