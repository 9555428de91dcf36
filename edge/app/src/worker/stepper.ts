// A compiled file of one step: a token, or what is seen of a frame, and what goes with it go in, scores and what goes with the next
// one come out.
import { Tensor, type CompiledModel } from '@litertjs/core';
import type { Card } from '../model/card';

/** What goes with a token beside it, by the names of the inputs. */
export type Given = ReadonlyMap<string, Float32Array>;

/** Whether a card is that of one step: behind the token come states, each fed by an output of the step before. */
export function isStep(card: Card): boolean {
  return card.inputs.slice(1).some(({ feedback }) => feedback !== '');
}

/** Whether each step goes on from what another file, its encoder, sees of a frame. */
export function isWatching(card: Card): boolean {
  return isStep(card) && card.inputs[0].layout === '';
}

/** Whether its first step begins with what another file, its encoder, makes of a picture. */
export function isBegun(card: Card): boolean {
  return isStep(card) && Number.isInteger(card.outputs[0].options.start);
}

export class Stepper {
  private readonly shapes: ReadonlyMap<string, number[]>;

  constructor(
    private readonly card: Card,
    private readonly model: CompiledModel,
  ) {
    this.shapes = new Map(model.getInputDetails().map(({ name, shape }) => [name, Array.from(shape)]));
  }

  delete(): void {
    this.model.delete();
  }

  /** The name of what each step is given from outside. */
  get first(): string {
    return this.card.inputs[0].name;
  }

  /** How many numbers an input takes; 0 where there is none of that name. */
  sizeOf(name: string): number {
    return this.shapes.get(name)?.reduce((product, side) => product * side, 1) ?? 0;
  }

  /** The names of what goes with a token, and of each how many numbers. */
  get takes(): ReadonlyMap<string, number> {
    return new Map(this.card.inputs.slice(1).map(({ name }) => [name, this.sizeOf(name)]));
  }

  /** The shape of an output; without sides where there is none of that name. */
  gives(name: string): number[] {
    return Array.from(this.model.getOutputDetails().find((each) => each.name === name)?.shape ?? []);
  }

  /** States before a text: zeros. */
  zeros(): Given {
    return new Map([...this.takes].map(([name, size]) => [name, new Float32Array(size)]));
  }

  /** All outputs of a step by name, and what goes with the next one: behind a token, or what is seen of a frame. */
  async step(taken: number | Float32Array, given: Given): Promise<{ outputs: Given; next: Given }> {
    const [first, ...others] = this.card.inputs;
    const values = typeof taken === 'number' ? Float32Array.of(taken) : taken.slice();
    const inputs: Record<string, Tensor> = { [first.name]: new Tensor(values, this.shapes.get(first.name)!) };
    for (const { name } of others) inputs[name] = new Tensor(given.get(name)!.slice(), this.shapes.get(name)!);
    try {
      const results = await this.model.run(inputs);
      try {
        const outputs = new Map<string, Float32Array>();
        for (const [name, tensor] of Object.entries(results)) outputs.set(name, (await tensor.data()) as Float32Array);
        return { outputs, next: new Map(others.map(({ name, feedback }) => [name, (feedback ? outputs : given).get(feedback || name)!])) };
      } finally {
        for (const each of Object.values(results)) each.delete();
      }
    } finally {
      for (const each of Object.values(inputs)) each.delete();
    }
  }
}
