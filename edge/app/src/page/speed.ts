// The speed panel: what a frame costs, stage by stage, on this device.
import type { Backend, Timings } from '../protocol';
import { Chart, STAGES } from './chart';
import { byId, make } from './dom';
import { bytes, milliseconds, number, onLanguage, say } from './words';

const KEPT = 600;
const AVERAGED = 30;
const REDRAW_MS = 250;

interface Measured {
  at: number;
  timings: Timings;
}

function total(timings: Timings): number {
  return STAGES.reduce((sum, stage) => sum + timings[stage], 0);
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export class Speed {
  private chart = new Chart(byId<HTMLCanvasElement>('chart'));
  private records: Measured[] = [];
  private longTasks = 0;
  private lastDrawn = 0;
  private memory = 0;
  private result = '';

  constructor() {
    if (PerformanceObserver.supportedEntryTypes.includes('longtask')) {
      new PerformanceObserver((list) => (this.longTasks += list.getEntries().length)).observe({ entryTypes: ['longtask'] });
    }
    onLanguage(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(byId('chart'));
  }

  clear(): void {
    this.records = [];
    this.result = '';
    this.draw();
    this.lastDrawn = 0; // what comes first is shown at once
  }

  add(timings: Timings, memory: number): void {
    this.memory = memory;
    this.records.push({ at: performance.now(), timings });
    if (this.records.length > KEPT) this.records.shift();
    if (performance.now() - this.lastDrawn > REDRAW_MS) this.draw();
  }

  /** Frames a second over the last ones; 0 unless frames come one after the other. */
  framesPerSecond(): number {
    const recent = this.records.slice(-AVERAGED);
    if (recent.length < 3) return 0;
    const seconds = (recent[recent.length - 1].at - recent[0].at) / 1000;
    return (recent.length - 1) / seconds;
  }

  /** Median and 95th percentile in ms of the last `count` frames. */
  conclude(count: number): void {
    const totals = this.records.slice(-count).map(({ timings }) => total(timings));
    this.result = say('median', { value: milliseconds(quantile(totals, 0.5)), p95: milliseconds(quantile(totals, 0.95)) });
    this.draw();
  }

  draw(): void {
    this.lastDrawn = performance.now();
    const timings = this.records.map((record) => record.timings);
    const recent = timings.slice(-AVERAGED);
    const mean = (stage: keyof Timings) => recent.reduce((sum, frame) => sum + frame[stage], 0) / (recent.length || 1);
    const whole = STAGES.reduce((sum, stage) => sum + mean(stage), 0);
    byId('fps').textContent = recent.length > 2 ? number(this.framesPerSecond(), 1) : '–';
    byId('frame-ms').textContent = recent.length > 0 ? milliseconds(whole) : '–';
    byId('stages').replaceChildren(
      ...STAGES.map((stage) => {
        const key = make('span', { className: `key key-${stage}` });
        const value = recent.length > 0 ? milliseconds(mean(stage)) : '–';
        return make('div', {}, make('dt', {}, key, say(stage)), make('dd', { textContent: value }));
      }),
    );
    byId('measured').textContent = this.result;
    byId('memory').textContent = this.memory > 0 ? say('memory', { size: bytes(this.memory) }) : '';
    byId('long-tasks').textContent = say('longTasks', { count: this.longTasks });
    const last = timings[timings.length - 1];
    const words = last && STAGES.map((stage) => `${say(stage)} ${number(last[stage], 1)}`).join(', ');
    const chart = byId('chart');
    chart.setAttribute('aria-label', last ? say('chartNow', { total: number(total(last), 1), stages: words }) : say('chart'));
    this.chart.draw(timings);
  }

  report(model: object, backend: Backend | null): object {
    const totals = this.records.map(({ timings }) => total(timings));
    const measured = totals.length > 0 ? { median: quantile(totals, 0.5), p95: quantile(totals, 0.95) } : null;
    return {
      made: new Date().toISOString(),
      browser: navigator.userAgent,
      cores: navigator.hardwareConcurrency,
      backend,
      model,
      milliseconds: measured,
      framesPerSecond: this.framesPerSecond(),
      longTasks: this.longTasks,
      memoryBytes: this.memory,
      frames: this.records.map(({ timings }) => timings),
    };
  }
}
