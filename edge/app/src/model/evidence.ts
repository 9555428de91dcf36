// What the operators before an output say of its numbers: `edge/evidence.py` in Python, by the same table.
import rules from '../../../evidence.json';
import { Bounds, FREE, united } from './bounds';
import { producer, type Graph, type Operator } from './graph';
import { CHANNELS_FIRST, CHANNELS_LAST } from './layout';

type Ends = { low?: number; high?: number; total?: number };

function boundsByName(table: Record<string, Ends>): ReadonlyMap<string, Bounds> {
  return new Map(Object.entries(table).map(([name, { low, high, total }]) => [name, new Bounds(low, high, total ?? null)]));
}

const RETYPES = new Set(rules.retypes);
const RESHAPES = new Set(rules.reshapes);
const MOVES = new Set([...rules.retypes, ...rules.reshapes, ...rules.resizes, ...rules.moves]);
const SELECTS = new Set(rules.selects);
const COMPARES = new Set(rules.compares);
const INDEXED = new Set([...rules.retypes, ...rules.reshapes, ...rules.indexed]);
const TURNED = new Set([...rules.retypes, ...rules.resizes, ...rules.turned]);
const FIXED = boundsByName(rules.bounds);
const FUSED = boundsByName(rules.fused);
/** Operators that are looked back over. */
const DEEPEST = 64;

/** The order of axes that a TRANSPOSE gives, where it turns channels. */
export function turnedTo(order: readonly number[]): string {
  return { '0,3,1,2': CHANNELS_FIRST, '0,2,3,1': CHANNELS_LAST }[order.join()] ?? '';
}

/** A graph, asked about its outputs. */
export class Evidence {
  private readonly known = new Map<number, Bounds | null>();

  constructor(private readonly graph: Graph) {}

  /** The bounds of a tensor's values; null where they can't be told. */
  bounds(tensor: number): Bounds | null {
    const known = this.known.get(tensor);
    if (known !== undefined) return known;
    this.known.set(tensor, null); // of a graph that goes round in circles nothing is known
    const bounds = this.computed(tensor);
    this.known.set(tensor, bounds);
    return bounds;
  }

  /** How many classes a tensor of class indices tells apart; null for what is none. */
  classes(tensor: number): number | null {
    for (let depth = 0; depth < DEEPEST; depth++) {
      const maker = producer(this.graph, tensor);
      if (!maker) return null;
      if (maker.name === 'ARG_MAX') {
        const { signature } = this.graph.tensors[maker.inputs[0]];
        const [axis] = this.constant(maker.inputs[1]);
        return (axis === undefined ? null : signature.at(axis)) ?? null;
      }
      if (maker.name === 'TOPK_V2' && tensor === maker.outputs[1]) return this.graph.tensors[maker.inputs[0]].signature.at(-1) ?? null;
      if (COMPARES.has(maker.name) || this.isChoice(maker) || this.isRounded(maker)) return 2;
      // A table of other numbers for the classes.
      if (maker.name === 'GATHER' && this.constant(maker.inputs[0]).length) return Math.max(...this.constant(maker.inputs[0])) + 1;
      if (!INDEXED.has(maker.name)) return null;
      [tensor] = maker.inputs;
    }
    return null;
  }

  /** The order of axes that the last TRANSPOSE before an output gave it; empty where there is none. */
  turned(tensor: number): string {
    for (let depth = 0; depth < DEEPEST; depth++) {
      const maker = producer(this.graph, tensor);
      if (!maker || RESHAPES.has(maker.name)) return '';
      if (maker.name === 'TRANSPOSE') return turnedTo(this.constant(maker.inputs[1]));
      if (!TURNED.has(maker.name)) return '';
      [tensor] = maker.inputs;
    }
    return '';
  }

  private computed(tensor: number): Bounds | null {
    const maker = producer(this.graph, tensor);
    if (!maker) {
      const { values } = this.graph.tensors[tensor];
      return values.length ? new Bounds(Math.min(...values), Math.max(...values)) : null;
    }
    const limits = FUSED.get(maker.fused);
    const bounds = maker.fused === 'NONE' || limits ? this.of(maker) : null;
    return bounds && limits ? bounds.cut(limits) : bounds;
  }

  private of(maker: Operator): Bounds | null {
    const { name, inputs } = maker;
    const fixed = FIXED.get(name);
    if (fixed) return fixed;
    if (MOVES.has(name)) return this.bounds(inputs[0]);
    if (SELECTS.has(name)) return this.bounds(name === 'SPLIT' ? inputs[inputs.length - 1] : inputs[0])?.mixed() ?? null;
    switch (name) {
      case 'ADD':
      case 'ADD_N':
        return this.added(maker);
      case 'SUB':
        return this.subtracted(maker);
      case 'MUL':
        return this.multiplied(maker);
      case 'DIV': {
        const [source, divisor] = [this.bounds(inputs[0]), this.scalar(inputs[1])];
        return source && divisor ? source.scaled(1 / divisor) : null;
      }
      case 'SUM':
        return this.bounds(inputs[0])?.free ? FREE : null;
      case 'CONCATENATION':
      case 'PACK': {
        const several = this.all(maker);
        return several && united(several);
      }
      case 'MAXIMUM':
      case 'MINIMUM': {
        const choose = name === 'MAXIMUM' ? Math.max : Math.min;
        const several = this.all(maker);
        return several && new Bounds(choose(...several.map(({ low }) => low)), choose(...several.map(({ high }) => high)));
      }
      case 'DEPTHWISE_CONV_2D':
      case 'TRANSPOSE_CONV':
        // A fixed filter over probabilities, as one that enlarges them, gives no logits; over anything else it does.
        return this.bounds(inputs[name === 'TRANSPOSE_CONV' ? 2 : 0])?.unit ? null : FREE;
      default:
        return null;
    }
  }

  private all({ inputs }: Operator): Bounds[] | null {
    const several = inputs.map((index) => this.bounds(index));
    return several.length && several.every((bounds) => bounds !== null) ? several : null;
  }

  private added(maker: Operator): Bounds | null {
    if (this.isFreeWithConstant(maker)) return FREE;
    const several = this.all(maker);
    return several && several.slice(1).reduce((total, bounds, place) => {
      const offset = this.scalar(maker.inputs[place + 1]);
      return offset === null ? total.plus(bounds) : total.scaled(1, offset);
    }, several[0]);
  }

  private subtracted(maker: Operator): Bounds | null {
    if (this.isFreeWithConstant(maker)) return FREE;
    const several = this.all(maker);
    return several && several[0].plus(several[1].scaled(-1));
  }

  private multiplied(maker: Operator): Bounds | null {
    if (this.isFreeWithConstant(maker)) return FREE;
    const several = this.all(maker);
    const factor = this.scalar(maker.inputs[1]);
    return several && (factor === null ? several[0].times(several[1]) : several[0].scaled(factor));
  }

  /** Whether all inputs but constants are unbounded: whatever the constants are, so is the result. */
  private isFreeWithConstant({ inputs }: Operator): boolean {
    const computed = inputs.filter((index) => !this.isConstant(index));
    return computed.length > 0 && computed.every((index) => this.bounds(index)?.free);
  }

  private isConstant(tensor: number): boolean {
    const maker = producer(this.graph, tensor);
    return maker && RETYPES.has(maker.name) ? this.isConstant(maker.inputs[0]) : this.graph.tensors[tensor].constant;
  }

  /** A constant's values, read through a DEQUANTIZE, as half-precision files have them. */
  private constant(tensor: number): number[] {
    const maker = producer(this.graph, tensor);
    return maker && RETYPES.has(maker.name) ? this.constant(maker.inputs[0]) : (this.graph.tensors[tensor]?.values ?? []);
  }

  /** A constant's only value, of several equal ones too. */
  private scalar(tensor: number): number | null {
    const values = new Set(this.constant(tensor));
    return values.size === 1 ? [...values][0] : null;
  }

  /** Whether it is 1 here and 0 there. */
  private isChoice({ name, inputs }: Operator): boolean {
    if (name !== 'SELECT' && name !== 'SELECT_V2') return false;
    const ends = inputs.slice(1).map((index) => this.scalar(index));
    return ends.includes(0) && ends.includes(1);
  }

  private isRounded({ name, inputs }: Operator): boolean {
    return name === 'ROUND' && this.bounds(inputs[0])?.mixed().activation(1) === 'sigmoid';
  }
}
