// A sentence read as a whole, as the row of a grey picture, a word a pixel; what is said of it are shares of classes.
import type { Card } from '../model/card';
import type { Answer } from '../outputs/kind';
import type { NetworkId } from '../protocol';
import { readsOf, rowOf, vocabularyOf } from '../text/reading';
import type { Network } from './network';

export class Judge {
  readonly id: NetworkId;
  readonly card: Card;

  constructor(private readonly network: Network) {
    this.id = network.id;
    this.card = network.card;
  }

  delete(): void {
    this.network.delete();
  }

  async judge(text: string): Promise<Answer> {
    const [spec] = this.card.outputs;
    const row = rowOf(vocabularyOf(spec).encode(text), readsOf(spec), vocabularyOf(spec).encode('<end>')[0]);
    return (await this.network.answer([row], 0, null)).answer;
  }
}
