// A sentence about a picture: an encoder looks once, then words are said one after the other, the likeliest each.
import type { Card } from '../model/card';
import type { InputRange, OutputSpec } from '../model/spec';
import { ATTENTION, sentenceSpec, withLooks } from '../outputs/sentence';
import { kindOf } from '../outputs';
import type { NetworkId, Outcome } from '../protocol';
import type { Network } from './network';
import type { Given, Stepper } from './stepper';

/** The encoder gives something else than the steps go on from. */
export class WrongEncoder extends Error {}

export class Captioner {
  readonly card: Card;
  private readonly meaning: OutputSpec;
  private readonly answerName: string;

  constructor(
    readonly id: NetworkId,
    card: Card,
    private readonly encoder: Network,
    private readonly words: Stepper,
  ) {
    this.meaning = sentenceSpec(card);
    this.answerName = card.outputs[0].name;
    this.card = { ...card, inputs: encoder.card.inputs, outputs: [this.meaning] };
  }

  delete(): void {
    this.encoder.delete();
    this.words.delete();
  }

  spec(): OutputSpec {
    return this.meaning;
  }

  async answer(pictures: readonly ImageData[], _output: number, range: InputRange | null): Promise<Outcome> {
    const began = performance.now();
    const seen = await this.encoder.everything(pictures, range);
    this.check(seen);
    const looked = performance.now();
    const [start, length] = [Number(this.meaning.options.start), Number(this.meaning.options.length)];
    const end = this.meaning.labels.indexOf('<end>');
    const rows: number[] = [];
    const looks: Float32Array[] = [];
    let [word, given]: [number, Given] = [start, seen];
    for (let place = 0; place < length && (place === 0 || word !== end); place++) {
      const { outputs, next } = await this.words.step(word, given);
      const scores = outputs.get(this.answerName)!;
      word = scores.indexOf(Math.max(...scores));
      given = next;
      rows.push(...scores);
      if (outputs.has(ATTENTION)) looks.push(outputs.get(ATTENTION)!);
    }
    const ran = performance.now();
    const columns = this.meaning.labels.length;
    const raw = { data: Float32Array.from(rows), shape: [1, rows.length / columns, columns] };
    const [, height = 0, width = 0] = this.words.gives(ATTENTION);
    const answer = withLooks(kindOf(this.meaning).decode(raw, this.meaning, pictures[0]), looks, [height, width]);
    return { answer, timings: { prepare: looked - began, run: ran - looked, finish: performance.now() - ran } };
  }

  private check(seen: Given): void {
    for (const [name, size] of this.words.takes) {
      const given = seen.get(name)?.length ?? 0;
      if (given !== size) throw new WrongEncoder(`${name}: ${given} ≠ ${size}`);
    }
  }
}
