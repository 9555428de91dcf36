// The models to choose from: those in models.json and those that the visitor adds.
import { cardFrom, readCard, type Card } from './card';

export interface Entry {
  id: string;
  file: string;
  /** An address relative to the page, or the bytes of a visitor's own file. */
  source: string | Blob;
  /** The same of the file that looks at a picture before this one's first step; null where there is none. */
  encoder: string | Blob | null;
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
  encoder?: string;
  bytes: number;
  card: unknown;
}

export async function fetchCatalogue(): Promise<Catalogue> {
  const response = await fetch('models.json');
  if (!response.ok) return { models: [], samples: [] };
  const listed = (await response.json()) as { models: Listed[]; samples: { name: string; url: string }[] };
  const models = listed.models.map(({ file, url, encoder, bytes, card }) => ({
    id: url,
    file,
    source: url,
    encoder: encoder ?? null,
    bytes,
    card: cardFrom(card),
  }));
  return { models, samples: listed.samples };
}

let added = 0;

export async function ownEntry(file: File, encoder: File | null): Promise<Entry> {
  const card = await readCard(new Uint8Array(await file.arrayBuffer()));
  return { id: `own-${++added}`, file: file.name, source: file, encoder, bytes: file.size, card };
}
