// Nearness of words: which of those that are known somebody may have meant.

/** How many letters must be put in, left out or exchanged to make one word of the other. */
function edits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const exchanged = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, exchanged));
    }
    row = next;
  }
  return row[other.length];
}

/** The `count` words nearest to one, the nearest first. */
export function nearest(word: string, words: readonly string[], count: number): string[] {
  const distances = words.map((known) => ({ known, distance: edits(word, known) / Math.max(word.length, known.length) }));
  return distances.sort((one, other) => one.distance - other.distance).slice(0, count).map(({ known }) => known);
}
