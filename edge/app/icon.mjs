// The app's icon as PNG bytes: a small landscape read as a grid of classes. Drawn here so that no binary lies in the repository.
import { deflateSync } from 'node:zlib';

const COLOURS = {
  ground: [18, 58, 44],
  sky: [150, 196, 214],
  sun: [246, 196, 83],
  hill: [63, 143, 104],
  grove: [31, 107, 78],
  path: [236, 140, 104],
};
// One letter a cell: Sky, sUn, Hill, Grove, Path.
const GRID = ['SSSSSS', 'SSSUUS', 'SHSUUS', 'HHHSSG', 'HHPGGG', 'HPPPGG'];
const LETTERS = { S: 'sky', U: 'sun', H: 'hill', G: 'grove', P: 'path' };
const SAMPLES = 3;

/** PNG's checksum, which Node has from 20.15 on only; Debian 12 brings 18. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function inRoundedSquare(x, y, low, high, radius) {
  if (x < low || y < low || x > high || y > high) return false;
  const dx = Math.max(low + radius - x, x - (high - radius), 0);
  const dy = Math.max(low + radius - y, y - (high - radius), 0);
  return dx * dx + dy * dy <= radius * radius;
}

function colourAt(x, y, bleed) {
  if (!bleed && !inRoundedSquare(x, y, 0, 1, 0.22)) return null;
  const margin = bleed ? 0.22 : 0.16;
  const cell = (1 - 2 * margin) / GRID.length;
  const column = Math.floor((x - margin) / cell);
  const row = Math.floor((y - margin) / cell);
  const letter = GRID[row]?.[column];
  if (!letter) return COLOURS.ground;
  const u = (x - margin) / cell - column;
  const v = (y - margin) / cell - row;
  return inRoundedSquare(u, v, 0.06, 0.94, 0.2) ? COLOURS[LETTERS[letter]] : COLOURS.ground;
}

function pixel(column, row, size, bleed) {
  const sum = [0, 0, 0, 0];
  for (let i = 0; i < SAMPLES * SAMPLES; i++) {
    const x = (column + ((i % SAMPLES) + 0.5) / SAMPLES) / size;
    const y = (row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES) / size;
    const colour = colourAt(x, y, bleed);
    if (!colour) continue;
    for (let c = 0; c < 3; c++) sum[c] += colour[c];
    sum[3] += 1;
  }
  const n = sum[3] || 1;
  return [sum[0] / n, sum[1] / n, sum[2] / n, (255 * sum[3]) / (SAMPLES * SAMPLES)].map(Math.round);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

export function drawIcon(size, { bleed }) {
  const rows = Buffer.alloc(size * (1 + 4 * size));
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      rows.set(pixel(column, row, size, bleed), row * (1 + 4 * size) + 1 + 4 * column);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8); // 8 bits a channel, RGBA
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
