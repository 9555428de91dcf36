// What goes into a file that does not describe itself and what comes out, from its tensors and operators: `edge/guess.py` in Python.
import rules from '../../../evidence.json';
import { Evidence, turnedTo } from '../model/evidence';
import { readers, type Graph, type Tensor } from '../model/graph';
import { channelsOf, CHANNELS_FIRST, CHANNELS_LAST, isDense, layoutOfIndices, layoutsOfScores, type Sides } from '../model/layout';
import { paletteFor, type InputSpec, type OutputSpec } from '../model/spec';

/** Channels of one picture. */
const COLOURS = [1, 3];
const ELEMENTWISE = new Set(rules.elementwise);
/** Of a map of indices that comes from nobody knows what: as many as a byte holds. */
const MOST_CLASSES = 256;
/** The classes of a single channel. */
const SINGLE = ['background', 'foreground'];

function specOf(kind: string, channels: number, layout: string): OutputSpec {
  const labels = channels === 1 ? SINGLE : Array.from({ length: channels }, (_, index) => String(index));
  const scale = isDense(layout) ? 1 : null;
  const facts = { activation: 'linear', unit: '', range: null, options: {} } as const;
  return { name: 'answer', kind, channels, labels, palette: paletteFor(labels.length), ...facts, scale, layout };
}

/** The order of axes that the first operators on a tensor bring it into; empty where they leave it. */
function turnedBy(graph: Graph, tensor: number, depth = 0): string {
  for (const { name, inputs, outputs } of readers(graph, tensor)) {
    const ahead =
      name === 'TRANSPOSE' && inputs[0] === tensor
        ? turnedTo(graph.tensors[inputs[1]].values)
        : ELEMENTWISE.has(name) && depth < ELEMENTWISE.size
          ? turnedBy(graph, outputs[0], depth + 1)
          : '';
    if (ahead) return ahead;
  }
  return '';
}

/** A picture, grey or in colours, or null where none goes in. */
export function guessInput(graph: Graph, tensor: Tensor): InputSpec | null {
  const shape = tensor.signature;
  if (shape.length !== 4) return null;
  const turned = turnedBy(graph, tensor.index);
  const first = COLOURS.includes(shape[1]) && !COLOURS.includes(shape[3]) && shape[3] > 4;
  // Axes that are turned to have the channels last had them first.
  const layout = turned ? (turned === CHANNELS_LAST ? CHANNELS_FIRST : CHANNELS_LAST) : first ? CHANNELS_FIRST : CHANNELS_LAST;
  const [height, width, channels] = ['H', 'W', 'C'].map((letter) => shape[layout.indexOf(letter)]);
  if (!COLOURS.includes(channels)) return null;
  return { name: 'image', size: [height, width], channels, range: null, frames: 1, layout, feedback: '' };
}

/** Scores of classes or their indices, or null where what the numbers mean can't be told. */
export function guessOutput(graph: Graph, tensor: Tensor, image: InputSpec): OutputSpec | null {
  const evidence = new Evidence(graph);
  const { dtype, signature: shape } = tensor;
  const size: Sides = image.size!;
  const classes = evidence.classes(tensor.index);
  if (classes !== null || dtype === 'int32' || dtype === 'int64') {
    const layout = layoutOfIndices(shape, size);
    if (layout === null || (classes === null && !isDense(layout))) return null;
    return { ...specOf('class_map', classes ?? MOST_CLASSES, layout), activation: 'argmax' };
  }
  if (dtype === 'bool' || ((dtype === 'uint8' || dtype === 'int8') && !tensor.scale)) return null;
  const layouts = preferred(layoutsOfScores(shape, size), evidence.turned(tensor.index), image.layout);
  const [layout] = layouts;
  const bounds = evidence.bounds(tensor.index);
  if (layout === undefined || bounds === null) return null;
  const channels = channelsOf(layout, shape);
  const activation = bounds.activation(channels);
  const either = isDense(layout) !== isDense(layouts[layouts.length - 1]); // a class a pixel, or as many classes as pixels
  if (activation === null || (either && activation !== 'softmax')) return null;
  return { ...specOf('class_scores', channels, layout), activation };
}

/** The layouts in another order: first the one that the graph itself turned the axes to, then the input's own. */
function preferred(layouts: readonly string[], turned: string, own: string): string[] {
  const rank = (layout: string) => {
    const first = layout.endsWith('CHW');
    return 2 * Number(turned !== '' && first !== (turned === CHANNELS_FIRST)) + Number(first !== (own === CHANNELS_FIRST));
  };
  return [...layouts].sort((one, other) => rank(one) - rank(other));
}
