// How the next token is drawn from what a network says of it, as `zoo.outputs.decoding` does it.

export interface Sampling {
  /** That scores are divided by; 0 takes the likeliest token, of equals the first. */
  temperature: number;
  /** The fewest of the likeliest tokens that have this share together are drawn from; 1 for all. */
  nucleus: number;
}

export type Random = () => number;

/** Numbers from 0 to 1 that the seed decides (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A token, drawn by its chance. The scores are logits, or logarithms of probabilities: only their differences count. */
export function choose(scores: ArrayLike<number>, { temperature, nucleus }: Sampling, random: Random): number {
  const order = Array.from(scores, (_, index) => index).sort((a, b) => scores[b] - scores[a] || a - b);
  if (temperature === 0) return order[0];
  const weights = order.map((index) => Math.exp((scores[index] - scores[order[0]]) / temperature));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let kept = 0;
  let share = 0;
  while (kept < weights.length && share < nucleus) share += weights[kept++] / whole;
  let point = random() * share * whole;
  for (let rank = 0; rank < kept; rank++) {
    point -= weights[rank];
    if (point < 0) return order[rank];
  }
  return order[kept - 1];
}
