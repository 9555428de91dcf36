// The models to choose from: those in models.json and those that the visitor adds.
import { cardFrom, readCard, type Card } from './card';

export interface Entry {
  id: string;
  file: string;
  /** An address relative to the page, or the bytes of a visitor's own file. */
  source: string | Blob;
  bytes: number;
  card: Card | null;
}

export interface Catalogue {
  models: Entry[];
  samples: { name: string; url: string }[];
}

interface Listed {
  file: string;
  url: string;
  bytes: number;
  card: unknown;
}

export async function fetchCatalogue(): Promise<Catalogue> {
  const response = await fetch('models.json');
  if (!response.ok) return { models: [], samples: [] };
  const listed = (await response.json()) as { models: Listed[]; samples: { name: string; url: string }[] };
  const models = listed.models.map(({ file, url, bytes, card }) => ({ id: url, file, source: url, bytes, card: cardFrom(card) }));
  return { models, samples: listed.samples };
}

let added = 0;

export async function ownEntry(file: File): Promise<Entry> {
  const card = await readCard(new Uint8Array(await file.arrayBuffer()));
  return { id: `own-${++added}`, file: file.name, source: file, bytes: file.size, card };
}
