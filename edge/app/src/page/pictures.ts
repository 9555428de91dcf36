// Pictures and models from files, the clipboard and drops.

/** Pictures with a longer side are reduced when opened, in pixels: canvases and phones have limits. */
const LONGEST_SIDE = 2048;

export class UnreadablePicture extends Error {}

export function copyAll(pictures: readonly ImageBitmap[]): Promise<ImageBitmap[]> {
  return Promise.all(pictures.map((picture) => createImageBitmap(picture)));
}

export function closeAll(pictures: readonly ImageBitmap[]): void {
  for (const picture of pictures) picture.close();
}

/** A picture that is to be opened; it may still be on its way. */
export interface PictureFile {
  name: string;
  source: Blob | Promise<Blob>;
}

export async function openPicture({ name, source }: PictureFile): Promise<ImageBitmap> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(await source);
  } catch {
    throw new UnreadablePicture(name);
  }
  const longest = Math.max(bitmap.width, bitmap.height);
  if (longest <= LONGEST_SIDE) return bitmap;
  const scale = LONGEST_SIDE / longest;
  const size = { resizeWidth: Math.round(bitmap.width * scale), resizeHeight: Math.round(bitmap.height * scale) };
  const reduced = await createImageBitmap(bitmap, { ...size, resizeQuality: 'high' });
  bitmap.close();
  return reduced;
}

export interface Receivers {
  pictures(files: PictureFile[]): void;
  /** A model, with the file that looks for it where that came with it. */
  model(file: File, encoder: File | null): void;
}

const ENCODER = '.encoder.tflite';

function isModel(file: File): boolean {
  return file.name.toLowerCase().endsWith('.tflite');
}

function isEncoder(file: File): boolean {
  return file.name.toLowerCase().endsWith(ENCODER);
}

/** Models with their encoders; an encoder that came alone is a model of its own. */
function paired(files: readonly File[]): [File, File | null][] {
  const encoderOf = (file: File) => files.find((other) => isEncoder(other) && other.name.slice(0, -ENCODER.length) === file.name.slice(0, -'.tflite'.length)) ?? null;
  const pairs = files.filter((file) => !isEncoder(file)).map((file): [File, File | null] => [file, encoderOf(file)]);
  const taken = pairs.map(([, encoder]) => encoder);
  return [...pairs, ...files.filter((file) => isEncoder(file) && !taken.includes(file)).map((file): [File, null] => [file, null])];
}

/** Hands over what comes together; pictures by name, for film frames have numbers. */
export function receiveFiles(files: Iterable<File>, receivers: Receivers): void {
  const pictures: PictureFile[] = [];
  for (const [file, encoder] of paired([...files].filter(isModel))) receivers.model(file, encoder);
  for (const file of files) {
    if (!isModel(file)) pictures.push({ name: file.name, source: file });
  }
  const order = new Intl.Collator('en', { numeric: true });
  if (pictures.length > 0) receivers.pictures(pictures.sort((one, other) => order.compare(one.name, other.name)));
}

/** Lets the whole page receive drops and pasted pictures; `target` shows that something hovers. */
export function acceptDrops(target: HTMLElement, receivers: Receivers): void {
  let depth = 0;
  const hover = (change: number) => {
    depth = Math.max(0, depth + change);
    target.classList.toggle('hovered', depth > 0);
  };
  document.addEventListener('dragenter', () => hover(1));
  document.addEventListener('dragleave', () => hover(-1));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    hover(-depth);
    receiveFiles(event.dataTransfer?.files ?? [], receivers);
  });
  document.addEventListener('paste', (event) => {
    const files = event.clipboardData?.files ?? ([] as File[]);
    if (files.length === 0) return;
    event.preventDefault();
    receiveFiles(files, receivers);
  });
}
