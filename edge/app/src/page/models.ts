// The list of models and the card of the chosen one.
import type { Entry } from '../model/catalogue';
import type { InputRange } from '../model/card';
import type { Loaded } from '../protocol';
import { byId, make } from './dom';
import { bytes, milliseconds, number, onLanguage, say, type Word } from './words';

const TASK_WORDS: Record<string, Word> = { segmentation: 'taskSegmentation', classification: 'taskClassification' };
const RANGES: { label: string; range: InputRange }[] = [
  { label: '0 … 255', range: [0, 255] },
  { label: '0 … 1', range: [0, 1] },
  { label: '−1 … 1', range: [-1, 1] },
];
const HASH_LENGTH = 12;

export function titleOf(entry: Entry): string {
  return entry.card?.name || entry.file.replace(/\.tflite$/i, '');
}

function describe(value: unknown): string {
  if (typeof value === 'number') return number(value, Number.isInteger(value) ? 0 : 3);
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([key, inner]) => `${key} ${describe(inner)}`)
      .join(', ');
  }
  return String(value);
}

export class Models {
  private list = byId('models');
  private details = byId<HTMLDListElement>('card');
  private note = byId('card-note');
  private rangeRow = byId('range-row');
  private range = byId<HTMLSelectElement>('range');
  private entries: Entry[] = [];
  private chosen: Entry | null = null;
  private loaded: Loaded | null = null;
  onChoose: (entry: Entry) => void = () => {};
  onRange: (range: InputRange) => void = () => {};

  constructor() {
    for (const [index, { label }] of RANGES.entries()) this.range.append(make('option', { value: String(index), textContent: label }));
    this.range.addEventListener('change', () => this.onRange(RANGES[Number(this.range.value)].range));
    onLanguage(() => this.draw());
  }

  add(entries: Entry[]): void {
    this.entries.push(...entries);
    this.draw();
  }

  choose(entry: Entry): void {
    this.chosen = entry;
    this.loaded = null;
    this.draw();
  }

  setLoaded(loaded: Loaded): void {
    this.loaded = loaded;
    if (this.chosen && !this.chosen.card) this.chosen.card = loaded.card;
    this.range.value = '0';
    this.draw();
  }

  private draw(): void {
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(...this.entries.map((entry) => this.option(entry)));
    if (focused) this.list.querySelector<HTMLInputElement>('input:checked')?.focus();
    this.drawCard();
  }

  private option(entry: Entry): HTMLElement {
    const input = make('input', { type: 'radio', name: 'model', checked: entry === this.chosen });
    input.addEventListener('change', () => this.onChoose(entry));
    const { card } = entry;
    const facts = [card?.recipe, card ? `${card.inputSize[1]} × ${card.inputSize[0]}` : '', bytes(entry.bytes)];
    const name = make('span', { className: 'model-name', textContent: titleOf(entry) });
    const about = make('span', { className: 'model-facts', textContent: facts.filter(Boolean).join(' · ') });
    return make('label', { className: 'model' }, input, make('span', { className: 'model-mark' }), name, about);
  }

  private drawCard(): void {
    const card = this.loaded?.card ?? this.chosen?.card ?? null;
    this.note.hidden = card?.source !== 'tensors';
    this.rangeRow.hidden = card?.inputRange !== null;
    this.details.replaceChildren();
    if (!card || !this.chosen) return;
    this.row('task', card.task in TASK_WORDS ? say(TASK_WORDS[card.task]) : card.task);
    this.row('classes', number(card.labels.length));
    this.row('input', `${card.inputSize[1]} × ${card.inputSize[0]} · ${card.io}`);
    this.row('recipe', card.recipe);
    this.row('size', bytes(this.chosen.bytes));
    for (const [key, value] of Object.entries(card.scores)) this.term(key, describe(value));
    this.provenance(card.provenance);
    this.row('licence', card.licence ?? '');
    if (this.loaded) this.row('compiled', milliseconds(this.loaded.compileMs));
  }

  private provenance(provenance: Record<string, unknown>): void {
    const { calibration, weights_sha256: hash, ...tools } = provenance;
    if (typeof calibration === 'object' && calibration !== null && 'count' in calibration) {
      this.row('calibration', say('calibrationPictures', { count: Number(calibration.count) }));
    }
    const versions = Object.entries(tools).filter(([, value]) => typeof value === 'string');
    this.row('madeWith', versions.map(([tool, version]) => `${tool} ${version}`).join(', '));
    if (typeof hash === 'string') this.row('weights', hash.slice(0, HASH_LENGTH));
  }

  private row(word: Word, value: string): void {
    if (value) this.term(say(word), value);
  }

  private term(term: string, value: string): void {
    this.details.append(make('div', {}, make('dt', { textContent: term }), make('dd', { textContent: value })));
  }
}
