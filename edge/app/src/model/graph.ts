// The graph inside a .tflite file: tensors and operators, read from its flatbuffer as `edge/graph.py` reads them in Python.
import schema from './schema.json';

/** Of a constant that is read along with the graph: axes, factors and shapes, not weights. */
const MOST_VALUES = 64;

export interface Tensor {
  index: number;
  name: string;
  /** With -1 for each side that is open. */
  signature: number[];
  dtype: string;
  constant: boolean;
  /** A small constant's values, real ones where it is quantized; else none. */
  values: number[];
  /** Real = scale × (stored − zeroPoint); 0 where the tensor is not quantized. */
  scale: number;
  zeroPoint: number;
}

export interface Operator {
  name: string;
  inputs: number[];
  outputs: number[];
  /** The activation that is fused into it. */
  fused: string;
}

/** The first subgraph of a file, which is the one that runs. */
export interface Graph {
  tensors: Tensor[];
  operators: Operator[];
  inputs: number[];
  outputs: number[];
  /** What the signature calls inputs and outputs, with their tensors. */
  names: ReadonlyMap<string, number>;
}

const FUSED: Record<string, number | undefined> = schema.fused;
/** Readers of a constant's values, and how many bytes one has. */
const READERS: Record<string, [bytes: number, read: (view: DataView, at: number) => number] | undefined> = {
  float32: [4, (view, at) => view.getFloat32(at, true)],
  float16: [2, (view, at) => half(view.getUint16(at, true))],
  int32: [4, (view, at) => view.getInt32(at, true)],
  int64: [8, (view, at) => Number(view.getBigInt64(at, true))],
  int16: [2, (view, at) => view.getInt16(at, true)],
  int8: [1, (view, at) => view.getInt8(at)],
  uint8: [1, (view, at) => view.getUint8(at)],
  bool: [1, (view, at) => view.getUint8(at)],
};

function half(bits: number): number {
  const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 31 ? (mantissa ? NaN : Infinity) : exponent ? 2 ** (exponent - 25) * (1024 + mantissa) : mantissa * 2 ** -24;
  return bits & 0x8000 ? -size : size;
}

/** One table of a flatbuffer. Fields are asked for by their slot in the schema. */
class TableReader {
  constructor(
    private readonly view: DataView,
    private readonly at: number,
  ) {}

  /** The field's place, or 0 where the table leaves it out. */
  private place(slot: number): number {
    const layout = this.at - this.view.getInt32(this.at, true);
    const offset = slot < this.view.getUint16(layout, true) ? this.view.getUint16(layout + slot, true) : 0;
    return offset && this.at + offset;
  }

  int8(slot: number): number {
    const at = this.place(slot);
    return at && this.view.getInt8(at);
  }

  uint32(slot: number): number {
    const at = this.place(slot);
    return at && this.view.getUint32(at, true);
  }

  uint64(slot: number): number {
    const at = this.place(slot);
    return at && Number(this.view.getBigUint64(at, true));
  }

  table(slot: number): TableReader | null {
    const at = this.place(slot);
    return at ? new TableReader(this.view, at + this.view.getUint32(at, true)) : null;
  }

  /** Where a vector's elements begin, and how many there are. */
  vector(slot: number): { start: number; length: number } {
    const at = this.place(slot);
    if (!at) return { start: 0, length: 0 };
    const start = at + this.view.getUint32(at, true);
    return { start: start + 4, length: this.view.getUint32(start, true) };
  }

  private elements<Element>(slot: number, bytes: number, read: (at: number) => Element): Element[] {
    const { start, length } = this.vector(slot);
    if (start + length * bytes > this.view.byteLength) throw new RangeError('a vector ends behind the file');
    return Array.from({ length }, (_, index) => read(start + index * bytes));
  }

  int32s(slot: number): number[] {
    return this.elements(slot, 4, (at) => this.view.getInt32(at, true));
  }

  int64s(slot: number): number[] {
    return this.elements(slot, 8, (at) => Number(this.view.getBigInt64(at, true)));
  }

  float32s(slot: number): number[] {
    return this.elements(slot, 4, (at) => this.view.getFloat32(at, true));
  }

  tables(slot: number): TableReader[] {
    return this.elements(slot, 4, (at) => new TableReader(this.view, at + this.view.getUint32(at, true)));
  }

  text(slot: number): string {
    const { start, length } = this.vector(slot);
    return new TextDecoder().decode(new Uint8Array(this.view.buffer, this.view.byteOffset + start, length));
  }
}

function operatorName(code: TableReader): string {
  const value = Math.max(code.int8(4), code.uint32(10));
  const name = schema.operators[value] ?? `op ${value}`;
  return name === 'CUSTOM' ? code.text(6) : name;
}

function fusedInto(name: string, operator: TableReader): string {
  const slot = FUSED[name];
  const options = operator.table(12);
  return slot === undefined || options === null ? 'NONE' : (schema.activations[options.int8(slot)] ?? 'NONE');
}

function tensorFrom(view: DataView, table: TableReader, index: number, buffers: TableReader[]): Tensor {
  const shape = table.int32s(4);
  const signature = table.int32s(18);
  const dtype = schema.types[table.int8(6)] ?? '';
  const quantization = table.table(12);
  const scales = quantization?.float32s(8) ?? [];
  const scale = scales.length === 1 ? scales[0] : 0;
  const zeroPoint = scale ? (quantization?.int64s(10)[0] ?? 0) : 0;
  const buffer = buffers[table.uint32(8)];
  const { start, length } = buffer.vector(4);
  const constant = length > 0 || buffer.uint64(6) > 1;
  const [bytes, read] = READERS[dtype] ?? [0, () => NaN];
  const small = length > 0 && bytes > 0 && length <= MOST_VALUES * bytes;
  const stored = small ? Array.from({ length: length / bytes }, (_, place) => read(view, start + place * bytes)) : [];
  const values = scale ? stored.map((value) => (value - zeroPoint) * scale) : stored;
  return { index, name: table.text(10), signature: signature.length ? signature : shape, dtype, constant, values, scale, zeroPoint };
}

/** Name → tensor, by the first signature of the graph that runs. */
function namesIn(model: TableReader): Map<string, number> {
  const own = model.tables(18).find((signature) => signature.uint32(12) === 0);
  const ends = own ? [...own.tables(4), ...own.tables(6)] : [];
  return new Map(ends.map((end) => [end.text(4), end.uint32(6)]));
}

/** The graph of a file, or null where the bytes are no whole one. */
export function readGraph(bytes: Uint8Array<ArrayBuffer>): Graph | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const model = new TableReader(view, view.getUint32(0, true));
    const [subgraph] = model.tables(8);
    const [buffers, names] = [model.tables(12), model.tables(6).map(operatorName)];
    const tensors = subgraph.tables(4).map((table, index) => tensorFrom(view, table, index, buffers));
    const operators = subgraph.tables(10).map((table) => {
      const name = names[table.uint32(4)];
      return { name, inputs: table.int32s(6), outputs: table.int32s(8), fused: fusedInto(name, table) };
    });
    return { tensors, operators, inputs: subgraph.int32s(6), outputs: subgraph.int32s(8), names: namesIn(model) };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return null;
    throw error;
  }
}

/** The operator that writes a tensor, or null for inputs and constants. */
export function producer(graph: Graph, tensor: number): Operator | null {
  return graph.operators.find(({ outputs }) => outputs.includes(tensor)) ?? null;
}

/** The operators that read a tensor. */
export function readers(graph: Graph, tensor: number): Operator[] {
  return graph.operators.filter(({ inputs }) => inputs.includes(tensor));
}
