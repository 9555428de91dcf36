// What stands beside the picture: a row for each thing that the network tells apart, a press hides one; or what its colours mean.
import type { Card } from '../model/card';
import { css, type Colour } from '../model/palette';
import type { OutputSpec } from '../model/spec';
import { kindOf } from '../outputs';
import type { Answer, Legend as Content, LegendRow } from '../outputs/kind';
import { byId, make } from './dom';
import { onLanguage, say, speech } from './words';

/** A colour without any channel as bright as this, of 255, is hard to see in the dark theme. */
const DEEP = 72;

interface Row {
  button: HTMLButtonElement;
  bar: HTMLElement;
  share: HTMLElement;
  label: HTMLElement;
  last: LegendRow;
}

export class Legend {
  private list = byId<HTMLUListElement>('legend');
  private empty = byId('legend-empty');
  private rest = byId('legend-rest');
  private showAll = byId<HTMLButtonElement>('show-all');
  private figure = byId<HTMLCanvasElement>('figure');
  private spec: OutputSpec | null = null;
  /** Whether the names of what is told apart are the file's own. */
  private named = false;
  private answer: Answer | null = null;
  private beside: Answer | null = null;
  private rows = new Map<number, Row>();
  private hidden = new Set<number>();
  onHidden: (hidden: ReadonlySet<number>) => void = () => {};

  constructor() {
    this.showAll.addEventListener('click', () => this.setHidden(new Set()));
    onLanguage(() => this.rebuild());
  }

  /** No model and no answer: what the last ones said is no longer true. */
  clear(): void {
    this.spec = null;
    this.answer = null;
    this.beside = null;
    this.rebuild();
  }

  setSpec(spec: OutputSpec, card: Card): void {
    this.clear();
    this.spec = spec;
    this.named = card.source !== 'tensors';
    this.setHidden(new Set(kindOf(spec).hidden(spec)));
  }

  /** `beside`: what a second network says of the same things. */
  setAnswer(answer: Answer, beside: Answer | null): void {
    this.answer = answer;
    this.beside = beside;
    this.update();
  }

  /** The answer in words, for those who do not see the picture. */
  summary(): string {
    const { answer, spec } = this;
    return answer && spec ? kindOf(spec).summary(answer, spec, speech) : '';
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

  private rebuild(): void {
    this.rows.clear();
    this.list.replaceChildren();
    this.figure.dataset.drawn = '';
    this.update();
  }

  private update(): void {
    const { answer, beside, spec } = this;
    const content = answer && spec && kindOf(spec).legend(answer, spec, beside, speech);
    this.empty.hidden = content !== null;
    this.showAll.hidden = this.hidden.size === 0 || !content?.pressable;
    byId('legend-title').textContent = spec ? kindOf(spec).names(spec, speech).legend : say('answer');
    this.drawFigure(content);
    this.rest.textContent = content && this.named ? content.rest : '';
    if (content) this.place(content);
  }

  private drawFigure(content: Content | null): void {
    const figure = content?.figure ?? null;
    byId('figure-row').hidden = !content?.note;
    byId('figure-text').textContent = content?.note ?? '';
    this.figure.hidden = figure === null;
    if (!figure || this.figure.dataset.drawn === figure.label) return;
    this.figure.dataset.drawn = figure.label;
    this.figure.setAttribute('aria-label', figure.label);
    this.figure.getContext('2d')!.putImageData(figure.draw(this.figure.width), 0, 0);
  }

  /** Updates rows in place: a list that is built anew with every camera frame could not be pressed. */
  private place({ rows, pressable }: Content): void {
    const wanted = new Map(rows.map((row) => [row.index, row]));
    for (const [index, { button, last }] of this.rows) {
      if (wanted.has(index)) continue;
      // What has just left the camera's view keeps its place for as long as someone's focus is on it.
      if (document.activeElement === button) wanted.set(index, { ...last, share: 0, text: speech.percent(0) });
      else {
        button.parentElement?.remove();
        this.rows.delete(index);
      }
    }
    let position = 0;
    for (const content of wanted.values()) {
      const row = this.rows.get(content.index) ?? this.row(content);
      const item = row.button.parentElement!;
      if (this.list.children[position] !== item && document.activeElement !== row.button) {
        this.list.insertBefore(item, this.list.children[position] ?? null);
      }
      position++;
      row.last = content;
      row.label.textContent = content.label;
      row.share.textContent = content.text;
      row.bar.style.width = `${(content.share * 100).toFixed(1)}%`;
      row.button.disabled = !pressable;
      row.button.setAttribute('aria-pressed', String(!this.hidden.has(content.index)));
      row.button.title = pressable ? say('hideClass') : '';
    }
  }

  private row(content: LegendRow): Row {
    const swatch = make('span', { className: 'swatch' });
    const bar = make('span', { className: 'share-bar' });
    const colour: Colour = content.colour;
    swatch.style.backgroundColor = css(colour);
    bar.style.backgroundColor = swatch.style.backgroundColor;
    bar.classList.toggle('deep', Math.max(...colour) < DEEP);
    const share = make('span', { className: 'share' });
    const label = make('span', { className: 'label', textContent: content.label });
    const button = make('button', { type: 'button' }, swatch, label, share, make('span', { className: 'share-track' }, bar));
    button.addEventListener('click', () => this.toggle(content.index));
    this.list.append(make('li', {}, button));
    const row = { button, bar, share, label, last: content };
    this.rows.set(content.index, row);
    return row;
  }
}
