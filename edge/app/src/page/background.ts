// Background blur and replacement: the person stays, what is behind changes.

export type BackgroundStyle = 'blur' | 'colour' | 'picture';

export interface Background {
  style: BackgroundStyle;
  colour: string;
  picture: ImageBitmap | null;
}

/** The person's edge is softened over this share of the picture's longer side. */
const FEATHER = 1 / 320;
const BLUR_STEPS = [4, 12, 24];

function surface(width: number, height: number): OffscreenCanvasRenderingContext2D {
  return new OffscreenCanvas(Math.max(1, Math.round(width)), Math.max(1, Math.round(height))).getContext('2d')!;
}

/** Blur by shrinking and growing: canvas filters are not to be had in every browser. */
function blurred(source: CanvasImageSource, width: number, height: number): OffscreenCanvas {
  let current: CanvasImageSource = source;
  for (const step of [...BLUR_STEPS, ...BLUR_STEPS.slice(0, -1).reverse()]) {
    const smaller = surface(width / step, height / step);
    smaller.imageSmoothingQuality = 'high';
    smaller.drawImage(current, 0, 0, smaller.canvas.width, smaller.canvas.height);
    current = smaller.canvas;
  }
  return current as OffscreenCanvas;
}

function cover(context: CanvasRenderingContext2D, picture: ImageBitmap): void {
  const { width, height } = context.canvas;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

/** Draws `frame` with everything replaced that `subject` (opaque where the person is) leaves out. */
export function drawBackground(
  context: CanvasRenderingContext2D,
  frame: ImageBitmap,
  subject: OffscreenCanvas,
  background: Background,
): void {
  const { width, height } = context.canvas;
  context.globalAlpha = 1;
  if (background.style === 'picture' && background.picture) {
    cover(context, background.picture);
  } else if (background.style === 'colour') {
    context.fillStyle = background.colour;
    context.fillRect(0, 0, width, height);
  } else {
    context.imageSmoothingQuality = 'high';
    context.drawImage(blurred(frame, width, height), 0, 0, width, height);
  }
  const factor = Math.max(1, Math.max(width, height) * FEATHER);
  const soft = surface(width / factor, height / factor);
  soft.imageSmoothingQuality = 'high';
  soft.drawImage(subject, 0, 0, soft.canvas.width, soft.canvas.height);
  const person = surface(width, height);
  person.imageSmoothingQuality = 'high';
  person.drawImage(soft.canvas, 0, 0, width, height);
  person.globalCompositeOperation = 'source-in';
  person.drawImage(frame, 0, 0, width, height);
  context.drawImage(person.canvas, 0, 0);
}
