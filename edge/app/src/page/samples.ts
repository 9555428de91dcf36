// Sample pictures: those that came with the models, else three drawn here.

import { UnreadablePicture } from './pictures';

export interface Sample {
  name: string;
  thumbnail: string;
  open(): Promise<Blob>;
}

type Draw = (context: OffscreenCanvasRenderingContext2D, width: number, height: number) => void;

function wash(context: OffscreenCanvasRenderingContext2D, stops: string[], x1: number, y1: number): CanvasGradient {
  const gradient = context.createLinearGradient(0, 0, x1, y1);
  stops.forEach((colour, index) => gradient.addColorStop(index / (stops.length - 1), colour));
  return gradient;
}

function ridge(context: OffscreenCanvasRenderingContext2D, width: number, height: number, base: number, swing: number, colour: string) {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width; x += 4) {
    const t = x / width;
    const lift = Math.sin(t * 5.1 + base * 9) * 0.6 + Math.sin(t * 11.7 + base * 4) * 0.25 + Math.sin(t * 23 + base) * 0.1;
    context.lineTo(x, height * (base + swing * lift));
  }
  context.lineTo(width, height);
  context.fill();
}

const hills: Draw = (context, width, height) => {
  context.fillStyle = wash(context, ['#7fb3d5', '#cfe3ea', '#f8e4c5'], 0, height * 0.7);
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#ffd98a';
  context.beginPath();
  context.arc(width * 0.72, height * 0.3, height * 0.09, 0, 7);
  context.fill();
  ridge(context, width, height, 0.52, 0.09, '#8fb0ab');
  ridge(context, width, height, 0.64, 0.08, '#5f9077');
  ridge(context, width, height, 0.78, 0.06, '#35694f');
};

const street: Draw = (context, width, height) => {
  context.fillStyle = wash(context, ['#8ab6d6', '#dfeaf0'], 0, height * 0.6);
  context.fillRect(0, 0, width, height);
  const houses = ['#c98f6d', '#d9c7a3', '#a8685a', '#8c97a1', '#d7b08a'];
  houses.forEach((colour, index) => {
    const x = (width * index) / houses.length;
    const top = height * (0.2 + 0.07 * ((index * 3) % 4));
    context.fillStyle = colour;
    context.fillRect(x, top, width / houses.length, height * 0.66 - top);
    context.fillStyle = '#33424f';
    for (let row = top + 18; row < height * 0.56; row += 34) {
      for (let column = 0; column < 3; column++) context.fillRect(x + 14 + column * 36, row, 17, 20);
    }
  });
  context.fillStyle = '#b5aca0';
  context.fillRect(0, height * 0.64, width, height * 0.08);
  context.fillStyle = '#55595e';
  context.fillRect(0, height * 0.72, width, height * 0.28);
  context.fillStyle = '#e9e4d4';
  for (let x = 12; x < width; x += 96) context.fillRect(x, height * 0.85, 52, 6);
  context.fillStyle = '#b8322a';
  context.beginPath();
  context.roundRect(width * 0.2, height * 0.68, width * 0.24, height * 0.11, 14);
  context.roundRect(width * 0.25, height * 0.61, width * 0.14, height * 0.1, 14);
  context.fill();
  context.fillStyle = '#1f2226';
  for (const x of [0.25, 0.39]) {
    context.beginPath();
    context.arc(width * x, height * 0.79, height * 0.04, 0, 7);
    context.fill();
  }
};

const portrait: Draw = (context, width, height) => {
  context.fillStyle = wash(context, ['#d8cbb8', '#9fb0a5'], width, height);
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#27485c';
  context.beginPath();
  context.ellipse(width * 0.5, height * 1.06, width * 0.3, height * 0.4, 0, 0, 7);
  context.fill();
  context.fillStyle = '#c58c6c';
  context.fillRect(width * 0.45, height * 0.5, width * 0.1, height * 0.2);
  context.fillStyle = '#d69c7a';
  context.beginPath();
  context.ellipse(width * 0.5, height * 0.4, width * 0.115, height * 0.2, 0, 0, 7);
  context.fill();
  context.fillStyle = '#3a2a22';
  context.beginPath();
  context.ellipse(width * 0.5, height * 0.29, width * 0.13, height * 0.13, 0, Math.PI, 0);
  context.fill();
};

const DRAWINGS: [string, Draw][] = [
  ['hills', hills],
  ['street', street],
  ['portrait', portrait],
];
const WIDTH = 640;
const HEIGHT = 480;

async function drawn([name, draw]: [string, Draw]): Promise<Sample> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  draw(canvas.getContext('2d')!, WIDTH, HEIGHT);
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  return { name, thumbnail: URL.createObjectURL(blob), open: async () => blob };
}

async function fetchPicture(name: string, url: string): Promise<Blob> {
  const response = await fetch(url).catch(() => null);
  if (!response?.ok) throw new UnreadablePicture(name);
  return response.blob();
}

function fetched({ name, url }: { name: string; url: string }): Sample {
  return { name, thumbnail: url, open: () => fetchPicture(name, url) };
}

export async function findSamples(listed: { name: string; url: string }[]): Promise<Sample[]> {
  return listed.length > 0 ? listed.map(fetched) : Promise.all(DRAWINGS.map(drawn));
}
