// Files of one network that differ only in recipe or input size are one choice with switches.
import type { Entry } from './catalogue';

export interface Family {
  title: string;
  variants: Entry[];
}

/** The usual order of recipes, from the exact to the small; others come behind. */
const RECIPES = ['float32', 'float16', 'dynamic', 'int8'];

function key({ card }: Entry): string | null {
  if (!card) return null;
  const outputs = card.outputs.map(({ name, kind, labels, activation }) => [name, kind, labels, activation]);
  return JSON.stringify([card.name, card.task, outputs]);
}

export function recipeOf(entry: Entry): string {
  return entry.card?.recipe ?? '';
}

/** Width × height of the input, as people write it; empty while nothing is known of the file. */
export function sizeOf(entry: Entry): string {
  const size = entry.card?.inputs[0].size;
  return size ? `${size[1]} × ${size[0]}` : '';
}

function differs(one: Entry, other: Entry): boolean {
  return recipeOf(one) !== recipeOf(other) || sizeOf(one) !== sizeOf(other);
}

function stem(entry: Entry): string {
  return entry.file.replace(/\.tflite$/i, '');
}

/** The entries in the order given, those of one network together. Two files with the same recipe and size stay two choices. */
export function families(entries: readonly Entry[]): Family[] {
  const result: (Family & { key: string | null })[] = [];
  for (const entry of entries) {
    const own = key(entry);
    const home = result.find((family) => own !== null && family.key === own && family.variants.every((other) => differs(other, entry)));
    if (home) home.variants.push(entry);
    else result.push({ key: own, title: entry.card?.name || stem(entry), variants: [entry] });
  }
  const counts = new Map<string, number>();
  for (const { title } of result) counts.set(title, (counts.get(title) ?? 0) + 1);
  // Networks of one name are told apart by their files.
  return result.map(({ title, variants }) => ({ title: counts.get(title)! > 1 ? stem(variants[0]) : title, variants }));
}

function area(entry: Entry): number {
  const size = entry.card?.inputs[0].size;
  return size ? size[0] * size[1] : 0;
}

function rank(entry: Entry): number {
  const at = RECIPES.indexOf(recipeOf(entry));
  return at < 0 ? RECIPES.length : at;
}

function unique(values: string[]): string[] {
  return [...new Set(values)];
}

export function recipesIn({ variants }: Family): string[] {
  return unique([...variants].sort((a, b) => rank(a) - rank(b)).map(recipeOf));
}

export function sizesIn({ variants }: Family): string[] {
  return unique([...variants].sort((a, b) => area(a) - area(b)).map(sizeOf));
}

/** The variant with this recipe, of the size in use where there is one. */
export function withRecipe(family: Family, recipe: string, current: Entry): Entry {
  const fitting = family.variants.filter((entry) => recipeOf(entry) === recipe);
  return fitting.find((entry) => sizeOf(entry) === sizeOf(current)) ?? fitting[0];
}

/** The variant of this size, with the recipe in use where there is one. */
export function withSize(family: Family, size: string, current: Entry): Entry {
  const fitting = family.variants.filter((entry) => sizeOf(entry) === size);
  return fitting.find((entry) => recipeOf(entry) === recipeOf(current)) ?? fitting[0];
}
