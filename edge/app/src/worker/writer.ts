// Texts written on from a prompt, by a file of one step.
import type { Card } from '../model/card';
import type { NetworkId } from '../protocol';
import { choose, randomOf, type Random, type Sampling } from '../text/sampling';
import { Vocabulary } from '../text/vocabulary';
import type { Given, Stepper } from './stepper';

/** What is read where there is no prompt. */
const START = '\n';

export class Writer {
  private readonly vocabulary: Vocabulary;
  private states: Given = new Map();
  private scores: Float32Array | null = null;
  private random: Random = randomOf(0);
  private written = 0;

  constructor(
    readonly id: NetworkId,
    readonly card: Card,
    private readonly steps: Stepper,
  ) {
    this.vocabulary = new Vocabulary(card.outputs[0].labels);
  }

  delete(): void {
    this.steps.delete();
  }

  /** Reads a prompt from the beginning of a text on; without one, the end of a line that comes before it. */
  async read(prompt: string, seed: number): Promise<void> {
    const tokens = this.vocabulary.encode(prompt || START);
    this.states = this.steps.zeros();
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
    const { outputs, next } = await this.steps.step(token, this.states);
    this.scores = outputs.get(this.card.outputs[0].name)!;
    this.states = next;
  }
}
