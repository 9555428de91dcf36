// The list of models with their switches, the choice of a second one, and the card of the chosen one.
import type { Entry } from '../model/catalogue';
import { families, recipesIn, recipeOf, sizeOf, sizesIn, withRecipe, withSize, type Family } from '../model/family';
import type { Card } from '../model/card';
import type { Score, Scored } from '../model/scores';
import type { InputRange, OutputSpec } from '../model/spec';
import { isKnown, kindOf } from '../outputs';
import type { Loaded } from '../protocol';
import { byId, make } from './dom';
import { bytes, milliseconds, number, onLanguage, percent, say, speech, type Word } from './words';

/** As people write them. */
const SCORE_NAMES: Record<string, string> = { miou: 'mIoU', psnr: 'PSNR', ssim: 'SSIM', epe: 'EPE', ap50: 'AP50', ap: 'AP' };
const RANGES: { label: string; range: InputRange }[] = [
  { label: '0 … 255', range: [0, 255] },
  { label: '0 … 1', range: [0, 1] },
  { label: '−1 … 1', range: [-1, 1] },
];
const HASH_LENGTH = 12;

export function titleOf(entry: Entry): string {
  return entry.card?.name || entry.file.replace(/\.tflite$/i, '');
}

function partsOf(entry: Entry): string[] {
  return [titleOf(entry), recipeOf(entry), sizeOf(entry)];
}

/** The entry in full, where it stands among others of its name. */
function longTitleOf(entry: Entry): string {
  return partsOf(entry).filter(Boolean).join(' · ');
}

/** What tells the entry from the other one. */
export function differenceOf(entry: Entry, other: Entry | null): string {
  const parts = partsOf(entry);
  const others = other ? partsOf(other) : [];
  return parts.filter((part, index) => part && part !== others[index]).join(' · ') || parts[0];
}

function nameOf(score: Score): string {
  return SCORE_NAMES[score.name] ?? score.name.replaceAll('_', ' ');
}

/** A value as its unit asks: per cent of shares, else the number with its unit behind it. */
function valueOf({ value, unit }: Score): string {
  const digits = Number.isInteger(value) ? 0 : unit ? 2 : 3;
  return unit === 'share' ? percent(value, 1) : `${number(value, digits)} ${unit}`.trim();
}

/** The score that counts on these data; those beside it come without their place. */
function scoredTexts({ data, images, size, scores }: Scored): string[] {
  const [headline, ...others] = scores;
  const values = { score: nameOf(headline), value: valueOf(headline), data: size ? `${data} (${size[1]} × ${size[0]})` : data };
  const first = images === null ? say('scoredOn', values) : say('scoredOnPictures', { ...values, count: number(images) });
  return [first, others.map((score) => `${nameOf(score)} ${valueOf(score)}`).join(', ')];
}

function inputText({ inputs, io }: Card): string {
  const [{ size, frames, channels }] = inputs;
  const sides = size ? `${size[1]} × ${size[0]}` : '';
  const pictures = frames > 1 ? say('framesIn', { count: frames }) : '';
  return [sides, pictures, channels === frames ? say('grey') : '', io].filter(Boolean).join(' · ');
}

function outputText(spec: OutputSpec, several: boolean): string {
  const kind = isKnown(spec) ? kindOf(spec).names(spec, speech).kind : spec.kind;
  return several ? `${spec.name}: ${kind}` : kind;
}

/** Free text of a file, as a heading has it. */
function titled(text: string): string {
  return text && text[0].toUpperCase() + text.slice(1).replaceAll('_', ' ');
}

export class Models {
  private list = byId('models');
  private details = byId<HTMLDListElement>('card');
  private note = byId('card-note');
  private rangeRow = byId('range-row');
  private range = byId<HTMLSelectElement>('range');
  private besideList = byId<HTMLSelectElement>('beside');
  private entries: Entry[] = [];
  private families: Family[] = [];
  private beside: Entry | null = null;
  private chosen: Entry | null = null;
  private loaded: Loaded | null = null;
  onChoose: (entry: Entry) => void = () => {};
  onBeside: (entry: Entry | null) => void = () => {};
  onRange: (range: InputRange) => void = () => {};

  constructor() {
    for (const [index, { label }] of RANGES.entries()) this.range.append(make('option', { value: String(index), textContent: label }));
    this.range.addEventListener('change', () => this.onRange(RANGES[Number(this.range.value)].range));
    this.besideList.addEventListener('change', () => this.onBeside(this.entries[Number(this.besideList.value)] ?? null));
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

  chooseBeside(entry: Entry | null): void {
    this.beside = entry;
    this.draw();
  }

  setLoaded(loaded: Loaded): void {
    this.loaded = loaded;
    if (this.chosen && !this.chosen.card) this.chosen.card = loaded.card;
    this.range.value = '0';
    this.draw();
  }

  private draw(): void {
    this.families = families(this.entries);
    // The list is built anew; whoever moves through it by keyboard must not lose their place.
    const focused = this.list.contains(document.activeElement) ? (document.activeElement as HTMLInputElement).name : '';
    this.list.replaceChildren(...this.families.map((family) => this.choice(family)));
    if (focused) this.list.querySelector<HTMLInputElement>(`input[name="${focused}"]:checked`)?.focus();
    this.drawBeside();
    this.drawCard();
  }

  private drawBeside(): void {
    const options = this.entries.map((entry, index) => make('option', { value: String(index), textContent: longTitleOf(entry) }));
    this.besideList.replaceChildren(make('option', { value: '-1', textContent: say('besideNone') }), ...options);
    this.besideList.value = this.beside ? String(this.entries.indexOf(this.beside)) : '-1';
    byId('beside-row').hidden = this.entries.length < 2;
  }

  private choice(family: Family): HTMLElement {
    const { chosen } = this;
    const current = chosen && family.variants.includes(chosen) ? chosen : null;
    const shown = current ?? family.variants[0];
    const input = make('input', { type: 'radio', name: 'model', checked: current !== null });
    input.addEventListener('change', () => this.onChoose(shown));
    const [recipes, sizes] = [recipesIn(family), sizesIn(family)];
    const facts = current || family.variants.length === 1
      ? [recipeOf(shown), sizeOf(shown), bytes(shown.bytes)]
      : [recipes.join(', '), sizes.join(', ')];
    const name = make('span', { className: 'model-name', textContent: family.title });
    const about = make('span', { className: 'model-facts', textContent: facts.filter(Boolean).join(' · ') });
    const label = make('label', { className: 'model' }, input, make('span', { className: 'model-mark' }), name, about);
    if (!current) return label;
    const switches = [
      this.switch('recipe', 'recipe', recipes, recipeOf(current), (recipe) => withRecipe(family, recipe, current)),
      this.switch('resolution', 'resolution', sizes, sizeOf(current), (size) => withSize(family, size, current)),
    ].filter((row) => row !== null);
    return switches.length > 0 ? make('div', { className: 'family' }, label, ...switches) : label;
  }

  /** A row of alternatives, or null when there is but one. */
  private switch(name: string, word: Word, values: string[], current: string, find: (value: string) => Entry): HTMLElement | null {
    if (values.length < 2) return null;
    const options = values.map((value) => {
      const input = make('input', { type: 'radio', name, checked: value === current });
      input.addEventListener('change', () => this.onChoose(find(value)));
      return make('label', {}, input, make('span', { textContent: value }));
    });
    const title = make('legend', { className: 'unseen', textContent: say(word) });
    return make('fieldset', { className: 'segments switch' }, title, ...options);
  }

  private drawCard(): void {
    const card = this.loaded?.card ?? this.chosen?.card ?? null;
    this.note.hidden = card?.source !== 'tensors';
    this.rangeRow.hidden = card?.inputs[0].range !== null;
    this.details.replaceChildren();
    if (!card || !this.chosen) return;
    this.row('task', titled(card.task));
    this.row('description', card.description);
    this.row('gives', ...card.outputs.map((spec) => outputText(spec, card.outputs.length > 1)));
    const [{ labels }] = card.outputs;
    if (labels.length > 0) this.row('classes', number(labels.length));
    this.row('input', inputText(card));
    this.row('recipe', card.recipe);
    this.row('size', bytes(this.chosen.bytes));
    for (const scored of card.scores) {
      if (scored.data) this.row('scored', ...scoredTexts(scored));
      else for (const score of scored.scores) this.term(nameOf(score), valueOf(score));
    }
    this.provenance(card.provenance);
    this.row('license', card.license);
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

  private row(word: Word, ...values: string[]): void {
    this.term(say(word), ...values);
  }

  private term(term: string, ...values: string[]): void {
    const details = values.filter(Boolean).map((textContent) => make('dd', { textContent }));
    if (details.length > 0) this.details.append(make('div', {}, make('dt', { textContent: term }), ...details));
  }
}
