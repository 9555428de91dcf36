// Pictures and models from files, the clipboard and drops.

/** Pictures with a longer side are reduced when opened, in pixels: canvases and phones have limits. */
const LONGEST_SIDE = 2048;

export class UnreadablePicture extends Error {}

export async function openPicture(source: Blob, name: string): Promise<ImageBitmap> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source);
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
  picture(file: Blob, name: string): void;
  model(file: File): void;
}

function isModel(file: File): boolean {
  return file.name.toLowerCase().endsWith('.tflite');
}

export function receiveFiles(files: Iterable<File>, receivers: Receivers): void {
  let pictureTaken = false;
  for (const file of files) {
    if (isModel(file)) receivers.model(file);
    else if (!pictureTaken) {
      pictureTaken = true;
      receivers.picture(file, file.name);
    }
  }
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
