// A densezoo .tflite carries a zip archive behind its flatbuffer. Both formats are found from their own end of the file, so
// neither disturbs the other. Only what such an archive needs is read: no encryption, no Zip64, stored or deflated entries.

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_HEADER_LENGTH = 30;
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;
/** No entry of a model's archive comes near this; a larger one is not ours, and is not unpacked. */
const LARGEST_ENTRY = 4 << 20;

function findEnd(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - END_LENGTH - LONGEST_COMMENT);
  for (let at = view.byteLength - END_LENGTH; at >= lowest; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
  return -1;
}

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > LARGEST_ENTRY) throw new RangeError('an entry of the archive is larger than any description of a model');
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of one entry of the zip at the end of `file`, or null when there is no archive or no such entry. */
export async function readEntry(file: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array | null> {
  if (file.byteLength < END_LENGTH) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = findEnd(view);
  if (end < 0) return null;
  const directoryLength = view.getUint32(end + 12, true);
  const directoryStart = end - directoryLength;
  // Offsets count from the file's start or from the archive's: what lies before the archive tells which.
  const shift = directoryStart - view.getUint32(end + 16, true);
  if (directoryStart < 0 || shift < 0) return null;
  const text = new TextDecoder();
  let at = directoryStart;
  while (at + ENTRY_LENGTH <= end && view.getUint32(at, true) === ENTRY_SIGNATURE) {
    const nameLength = view.getUint16(at + 28, true);
    const next = at + ENTRY_LENGTH + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (text.decode(file.subarray(at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength)) === name) {
      const method = view.getUint16(at + 10, true);
      const packedLength = view.getUint32(at + 20, true);
      const local = view.getUint32(at + 42, true) + shift;
      if (local + LOCAL_HEADER_LENGTH > directoryStart) return null;
      const start = local + LOCAL_HEADER_LENGTH + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const packed = file.subarray(start, start + packedLength);
      if (packed.length !== packedLength) return null;
      if (method === STORED) return packed;
      if (method === DEFLATED) return inflate(packed);
      return null;
    }
    at = next;
  }
  return null;
}
