// The kinds there are, by name.
import { KINDS } from 'densezoo:kinds';
import type { OutputSpec } from '../model/spec';
import type { Kind } from './kind';

const BY_NAME: ReadonlyMap<string, Kind> = new Map(KINDS.map((kind) => [kind.name, kind]));

export function isKnown(spec: OutputSpec): boolean {
  return BY_NAME.has(spec.kind);
}

/** The kind of that name, which is known. */
export function kindNamed(name: string): Kind {
  const kind = BY_NAME.get(name);
  if (!kind) throw new Error(`no kind of output is called ${name}; known are ${[...BY_NAME.keys()].join(', ')}`);
  return kind;
}

/** The kind of an output that `isKnown`. */
export function kindOf(spec: OutputSpec): Kind {
  return kindNamed(spec.kind);
}

/** Whether two outputs say the same sort of thing about the same things, so that their answers can be compared. */
export function alike(one: OutputSpec, other: OutputSpec): boolean {
  const sense = (spec: OutputSpec) => JSON.stringify([kindOf(spec).gives, spec.labels, spec.unit, spec.scale]);
  return sense(one) === sense(other);
}
