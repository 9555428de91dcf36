// A sentence said anew, as in another language: an encoder reads it once, then words are said one after the other.
import type { Card } from '../model/card';
import type { OutputSpec } from '../model/spec';
import type { NetworkId } from '../protocol';
import { readsOf, rowOf } from '../text/reading';
import { choose, randomOf, type Random, type Sampling } from '../text/sampling';
import { Vocabulary } from '../text/vocabulary';
import type { Network } from './network';
import type { Given, Stepper } from './stepper';

const END = '<end>';

export class Translator {
  private readonly vocabulary: Vocabulary;
  private readonly answer: OutputSpec;
  private given: Given = new Map();
  private word = 0;
  private said = 0;
  private random: Random = randomOf(0);

  constructor(
    readonly id: NetworkId,
    readonly card: Card,
    private readonly encoder: Network,
    private readonly words: Stepper,
  ) {
    this.answer = card.outputs[0];
    this.vocabulary = new Vocabulary(this.answer.labels);
    this.said = Number(this.answer.options.length);
  }

  delete(): void {
    this.encoder.delete();
    this.words.delete();
  }

  /** Reads a sentence; what is said of it follows by `write`. */
  async read(prompt: string, seed: number): Promise<void> {
    const row = rowOf(this.vocabulary.encode(prompt), readsOf(this.answer), this.answer.labels.indexOf(END));
    this.given = await this.encoder.everything([row], null);
    [this.word, this.said, this.random] = [Number(this.answer.options.start), 0, randomOf(seed)];
  }

  /** So many words more, in a line of their own; nothing behind the end. */
  async write(count: number, sampling: Sampling): Promise<string> {
    let text = '';
    for (let left = count; left > 0 && this.said < Number(this.answer.options.length); left--) {
      const { outputs, next } = await this.words.step(this.word, this.given);
      this.word = choose(outputs.get(this.answer.name)!, sampling, this.random);
      this.given = next;
      if (this.answer.labels[this.word] === END) this.said = Infinity;
      else text += (this.said === 0 ? '\n' : '') + this.vocabulary.text(this.word, this.said++ === 0);
    }
    return text;
  }
}
