// What the page has to say: an alert that stays until it is closed, and a line of status that is read out.
import { byId } from './dom';
import { onLanguage, say, type Word } from './words';

type Said = { word: Word; values: Record<string, string | number> } | null;

export class Notice {
  private box = byId('notice');
  private alert: Said = null;
  private status: Said = null;

  constructor() {
    byId('notice-close').addEventListener('click', () => this.clear());
    onLanguage(() => this.draw());
  }

  warn(word: Word, values: Record<string, string | number> = {}): void {
    this.alert = { word, values };
    this.draw();
  }

  clear(): void {
    this.alert = null;
    this.draw();
  }

  /** Shown over the picture while something takes its time; null when it is done. */
  busy(word: Word | null, values: Record<string, string | number> = {}): void {
    if (!word && !this.status) return;
    this.status = word && { word, values };
    this.draw();
  }

  private draw(): void {
    this.box.hidden = this.alert === null;
    byId('notice-text').textContent = this.alert ? say(this.alert.word, this.alert.values) : '';
    byId('busy').hidden = this.status === null;
    byId('busy-text').textContent = this.status ? say(this.status.word, this.status.values) : '';
  }
}
