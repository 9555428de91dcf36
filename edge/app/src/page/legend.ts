// The list of classes beside the picture: colour, share, and a press hides one. For classifiers: the likeliest labels.
import type { Card } from '../model/card';
import { css } from '../model/palette';
import type { Answer, SegmentationAnswer } from '../protocol';
import { byId, make } from './dom';
import { onLanguage, percent, say } from './words';

const BACKGROUND_NAMES = new Set(['background', 'hintergrund', '_background_']);
const LIKELIEST = 5;

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
  private rows = new Map<number, Row>();
  private hidden = new Set<number>();
  onHidden: (hidden: ReadonlySet<number>) => void = () => {};

  constructor() {
    this.showAll.addEventListener('click', () => this.setHidden(new Set()));
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
    this.rows.clear();
    this.list.replaceChildren();
    this.update();
  }

  setModel(card: Card): void {
    this.clear();
    this.card = card;
    const background = card.labels.findIndex((label) => BACKGROUND_NAMES.has(label.toLowerCase()));
    this.setHidden(new Set(background >= 0 ? [background] : []));
  }

  setAnswer(answer: Answer): void {
    this.answer = answer;
    this.update();
  }

  /** The answer in words, for those who do not see the picture. */
  summary(): string {
    const { card, answer } = this;
    if (!card || !answer) return '';
    if (answer.kind === 'classification') {
      return say('answerClassification', { classes: this.likeliest(answer.probabilities).map((row) => row.text).join(', ') });
    }
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
    if (!answer || !card) return;
    const shares = new Map<number, number>();
    if (answer.kind === 'segmentation') {
      for (const index of this.present(answer)) shares.set(index, answer.counts[index] / (answer.width * answer.height));
    } else {
      for (const { index, share } of this.likeliest(answer.probabilities)) shares.set(index, share);
    }
    this.place(shares, card, answer.kind === 'segmentation');
    const others = card.labels.length - shares.size;
    if (answer.kind === 'segmentation' && card.source !== 'tensors' && others > 0) this.rest.textContent = say('others', { count: others });
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
      const text = percent(share);
      row.share.textContent = text;
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
