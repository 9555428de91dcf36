export type Colour = readonly [number, number, number];

/** PASCAL VOC's colour map: bit i of a channel, from the top, is bit 3i (+ channel) of the class index. */
export function vocPalette(length: number): Colour[] {
  return Array.from({ length }, (_, index) => {
    const colour = [0, 0, 0];
    for (let bit = 7, rest = index; rest > 0; bit--, rest >>= 3) {
      for (let channel = 0; channel < 3; channel++) colour[channel] |= ((rest >> channel) & 1) << bit;
    }
    return [colour[0], colour[1], colour[2]] as const;
  });
}

/** 0–1, as WCAG defines it; tells whether black or white text reads better on the colour. */
export function luminance(colour: Colour): number {
  const [r, g, b] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function css([r, g, b]: Colour): string {
  return `rgb(${r} ${g} ${b})`;
}
