// The panel of networks that judge a sentence: it goes in, in words that they know, and the shares of the classes stand beside it.
import type { Loaded } from '../protocol';
import { readsOf, vocabularyOf, wordsOf } from '../text/reading';
import { nearest } from '../text/nearness';
import { byId } from './dom';
import { explain } from './failures';
import type { Legend } from './legend';
import type { Notice } from './notice';
import type { Session } from './session';
import { number, onLanguage, say, type Word } from './words';

/** Known words that are offered in the place of one that is not. */
const OFFERED = 3;

export class Reading {
  private panel = byId<HTMLFormElement>('reading');
  private sentence = byId<HTMLInputElement>('read-text');
  private network: Loaded | null = null;

  constructor(
    private session: Session,
    private legend: Legend,
    private notice: Notice,
  ) {
    this.panel.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.read();
    });
    onLanguage(() => this.label());
  }

  /** Shows the panel while a network that judges sentences is there. */
  update(): void {
    const { loaded } = this.session;
    if (loaded === null || loaded === this.network) return;
    this.network = loaded;
    this.panel.hidden = loaded.use !== 'read';
    this.mark(false);
    this.label();
  }

  private get words(): string[] {
    if (this.network?.use !== 'read') return [];
    return wordsOf(this.network.card.outputs[0]).filter((word) => !/^<\w+>$/.test(word));
  }

  private label(): void {
    const { words } = this;
    byId('readable-title').textContent = say('knownWords', { count: number(words.length) });
    byId('readable').textContent = words.join(' · ');
  }

  private async read(): Promise<void> {
    const { network, notice, session } = this;
    if (network?.use !== 'read') return;
    const text = this.sentence.value;
    const [spec] = network.card.outputs;
    const vocabulary = vocabularyOf(spec);
    const [unknown, most] = [vocabulary.unknown(text), readsOf(spec) - 1];
    if (unknown.length > 0) {
      const near = new Set(unknown.flatMap((word) => nearest(word, this.words, OFFERED)));
      return this.refuse('askUnknown', { words: unknown.map((word) => say('quoted', { word })).join(', '), known: [...near].join(', ') });
    }
    const count = vocabulary.encode(text).length;
    if (count === 0) return this.refuse('readEmpty', {});
    if (count > most) return this.refuse('askLong', { text, count, most });
    this.mark(false);
    notice.clear();
    try {
      const answer = await session.networks.read(text);
      if (network !== session.loaded) return;
      this.legend.setAnswer(answer, null);
      session.onChange();
    } catch (error) {
      const { word, values } = explain(error);
      notice.warn(word, values);
    }
  }

  private refuse(word: Word, values: Record<string, string | number>): void {
    this.mark(true);
    this.sentence.focus();
    this.notice.warn(word, values);
  }

  private mark(wrong: boolean): void {
    if (wrong) this.sentence.setAttribute('aria-invalid', 'true');
    else this.sentence.removeAttribute('aria-invalid');
  }
}
