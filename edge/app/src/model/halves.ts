// Layers that are slow on WebAssembly: those that keep their kernel in 16 bits and their bias in 32, or the other way round. There
// LiteRT.js computes them without XNNPACK, many times slower (benchmarks/web_forms.py); with both in 16 bits they cost nothing.
import { producer, type Graph } from './graph';

/** The places of kernel and bias among a layer's inputs. */
const [KERNEL, BIAS] = [1, 2];
const LAYERS = ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'];

/** Whether a tensor is widened from 16 bits. */
function widened(graph: Graph, tensor: number): boolean {
  const operator = producer(graph, tensor);
  return operator?.name === 'DEQUANTIZE' && graph.tensors[operator.inputs[0]].dtype === 'float16';
}

/** Whether a graph has such a layer. */
export function mixesHalves(graph: Graph): boolean {
  return graph.operators.some(({ name, inputs }) => {
    if (!LAYERS.includes(name) || (inputs[BIAS] ?? -1) < 0) return false;
    return widened(graph, inputs[KERNEL]) !== widened(graph, inputs[BIAS]);
  });
}
