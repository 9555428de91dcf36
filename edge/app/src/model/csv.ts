// Tables as files.

/** A cell of free text. */
export function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

export function csv(header: string, lines: readonly string[]): Blob {
  return new Blob([`${[header, ...lines].join('\n')}\n`], { type: 'text/csv' });
}
