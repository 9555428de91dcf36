// The list of classes beside the picture: colour, share, and a press hides one. For classifiers: the likeliest labels.
import type { Card } from '../model/card';
import { css } from '../model/palette';
import { wheelImage } from '../model/wheel';
import type { Answer, SegmentationAnswer } from '../protocol';
import { byId, make } from './dom';
import { number, onLanguage, percent, say } from './words';

const BACKGROUND_NAMES = new Set(['background', 'hintergrund', '_background_']);
/** A colour without any channel as bright as this, of 255, is hard to see in the dark theme. */
const DEEP = 72;
const LIKELIEST = 5;

/** The class that is what the others stand before, or -1. */
export function backgroundOf(card: Card): number {
  return card.labels.findIndex((label) => BACKGROUND_NAMES.has(label.toLowerCase()));
}

interface Row {
  button: HTMLButtonElement;
  bar: HTMLElement;
  share: HTMLElement;
}

export class Legend {
  private list = byId<HTMLUListElement>('legend');
  private empty = byId('legend-empty');
  private rest = byId('legend-rest');
  private showAll = byId<HTMLButtonElement>('show-all');
  private card: Card | null = null;
  private answer: Answer | null = null;
  private beside: Answer | null = null;
  private wheel = byId<HTMLCanvasElement>('wheel');
  private rows = new Map<number, Row>();
  private hidden = new Set<number>();
  onHidden: (hidden: ReadonlySet<number>) => void = () => {};

  constructor() {
    this.showAll.addEventListener('click', () => this.setHidden(new Set()));
    this.wheel.getContext('2d')!.putImageData(wheelImage(this.wheel.width), 0, 0);
    onLanguage(() => {
      this.rows.clear();
      this.list.replaceChildren();
      this.update();
    });
  }

  /** No model and no answer: what the last ones said is no longer true. */
  clear(): void {
    this.card = null;
    this.answer = null;
    this.beside = null;
    this.rows.clear();
    this.list.replaceChildren();
    this.update();
  }

  setModel(card: Card): void {
    this.clear();
    this.card = card;
    const background = backgroundOf(card);
    this.setHidden(new Set(background >= 0 ? [background] : []));
  }

  /** `beside`: what a second network of the same classes says. */
  setAnswer(answer: Answer, beside: Answer | null): void {
    this.answer = answer;
    this.beside = beside;
    this.update();
  }

  /** The answer in words, for those who do not see the picture. */
  summary(): string {
    const { card, answer } = this;
    if (!card || !answer) return '';
    if (answer.kind === 'classification') {
      return say('answerClassification', { classes: this.likeliest(answer.probabilities).map((row) => row.text).join(', ') });
    }
    if (answer.kind === 'field') return say('answerFlow', { longest: number(answer.longest, 1) });
    const total = answer.width * answer.height;
    const classes = this.present(answer).map((index) => `${card.labels[index] ?? index} ${percent(answer.counts[index] / total)}`);
    return say('answerSegmentation', { classes: classes.join(', ') });
  }

  private setHidden(hidden: Set<number>): void {
    this.hidden = hidden;
    this.onHidden(hidden);
    this.update();
  }

  private toggle(index: number): void {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(index)) hidden.add(index);
    this.setHidden(hidden);
  }

  private present(answer: SegmentationAnswer): number[] {
    const indices = answer.counts.map((_, index) => index).filter((index) => answer.counts[index] > 0);
    return indices.sort((a, b) => answer.counts[b] - answer.counts[a]);
  }

  private likeliest(probabilities: number[]): { index: number; text: string; share: number }[] {
    return probabilities
      .map((share, index) => ({ index, share, text: `${this.card?.labels[index] ?? index} ${percent(share)}` }))
      .sort((a, b) => b.share - a.share)
      .slice(0, LIKELIEST);
  }

  private update(): void {
    const { answer, card } = this;
    this.empty.hidden = answer !== null;
    this.showAll.hidden = this.hidden.size === 0 || answer?.kind !== 'segmentation';
    this.rest.textContent = '';
    this.drawWheel();
    if (!answer || !card) return;
    this.place(this.shares(answer), card, answer.kind === 'segmentation');
    if (answer.kind !== 'segmentation' || card.source === 'tensors') return;
    const others = card.labels.length - this.rows.size;
    if (others > 0) this.rest.textContent = say('others', { count: others });
  }

  private drawWheel(): void {
    const { answer } = this;
    byId('wheel-figure').hidden = answer?.kind !== 'field';
    byId('wheel-text').textContent = answer?.kind === 'field' ? say('wheelText', { longest: number(answer.longest, 1) }) : '';
    const titles = { field: 'movement', classification: 'likely', segmentation: 'classes' } as const;
    byId('classes-title').textContent = say(titles[answer?.kind ?? 'segmentation']);
  }

  /** What to list, in order: of segmentations the share of each class, of classifications the likeliest. */
  private shares(answer: Answer): Map<number, number> {
    const shares = new Map<number, number>();
    if (answer.kind === 'segmentation') {
      for (const index of this.present(answer)) shares.set(index, answer.counts[index] / (answer.width * answer.height));
      if (this.beside?.kind === 'segmentation') {
        for (const index of this.present(this.beside)) if (!shares.has(index)) shares.set(index, 0);
      }
    } else if (answer.kind === 'classification') {
      for (const { index, share } of this.likeliest(answer.probabilities)) shares.set(index, share);
    }
    return shares;
  }

  private shareText(index: number, share: number): string {
    const { beside } = this;
    if (beside?.kind === 'segmentation') return `${percent(share)} | ${percent(beside.counts[index] / (beside.width * beside.height))}`;
    if (beside?.kind === 'classification') return `${percent(share)} | ${percent(beside.probabilities[index])}`;
    return percent(share);
  }

  /** Updates rows in place: a list that is built anew with every camera frame could not be pressed. */
  private place(shares: Map<number, number>, card: Card, pressable: boolean): void {
    for (const [index, row] of this.rows) {
      if (shares.has(index)) continue;
      // A class that has just left the camera's view keeps its place for as long as someone's focus is on it.
      if (document.activeElement === row.button) shares.set(index, 0);
      else {
        row.button.parentElement?.remove();
        this.rows.delete(index);
      }
    }
    let position = 0;
    for (const [index, share] of shares) {
      const row = this.rows.get(index) ?? this.row(index, card);
      const item = row.button.parentElement!;
      if (this.list.children[position] !== item && document.activeElement !== row.button) {
        this.list.insertBefore(item, this.list.children[position] ?? null);
      }
      position++;
      row.share.textContent = this.shareText(index, share);
      row.bar.style.width = `${(share * 100).toFixed(1)}%`;
      row.button.disabled = !pressable;
      row.button.setAttribute('aria-pressed', String(!this.hidden.has(index)));
      row.button.title = pressable ? say('hideClass') : '';
    }
  }

  private row(index: number, card: Card): Row {
    const swatch = make('span', { className: 'swatch' });
    const bar = make('span', { className: 'share-bar' });
    swatch.style.backgroundColor = css(card.palette[index] ?? [128, 128, 128]);
    bar.style.backgroundColor = swatch.style.backgroundColor;
    bar.classList.toggle('deep', Math.max(...(card.palette[index] ?? [128])) < DEEP);
    const share = make('span', { className: 'share' });
    const label = make('span', { className: 'label', textContent: card.labels[index] ?? String(index) });
    const button = make('button', { type: 'button' }, swatch, label, share, make('span', { className: 'share-track' }, bar));
    button.addEventListener('click', () => this.toggle(index));
    this.list.append(make('li', {}, button));
    const row = { button, bar, share };
    this.rows.set(index, row);
    return row;
  }
}
