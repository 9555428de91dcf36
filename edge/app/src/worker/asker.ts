// A network that is asked in words about a picture: question and answers go in beside it, each answer's share comes out.
import type { Card } from '../model/card';
import type { InputRange, OutputSpec } from '../model/spec';
import { withGiven } from '../outputs/choices';
import type { NetworkId, Outcome, Question } from '../protocol';
import { numbersOf } from '../text/asked';
import type { Network } from './network';

export class Asker {
  readonly id: NetworkId;
  readonly card: Card;

  constructor(private readonly network: Network) {
    this.id = network.id;
    this.card = network.card;
  }

  delete(): void {
    this.network.delete();
  }

  spec(output: number): OutputSpec {
    return this.network.spec(output);
  }

  async answer(pictures: readonly ImageData[], output: number, range: InputRange | null, { asked }: Question): Promise<Outcome> {
    const said = asked ?? { question: '', answers: [] };
    const outcome = await this.network.answerBeside(numbersOf(this.card, said), pictures, output, range);
    return { ...outcome, answer: withGiven(outcome.answer, said.answers) };
  }
}
