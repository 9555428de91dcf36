// The panel of networks that are asked about a picture: a question and the answers to choose from, in words that they know.
import type { Card } from '../model/card';
import type { Loaded } from '../protocol';
import { choicesOf, isAsked, numbersOf, UnfitText, wordsOf, type Asked, type Unfit } from '../text/asked';
import { nearest } from '../text/nearness';
import { byId, make } from './dom';
import { explain } from './failures';
import type { Notice } from './notice';
import type { Session } from './session';
import { number, onLanguage, say } from './words';

/** What is asked at first, where the network knows the words. */
const BEGINNINGS: readonly Asked[] = [
  { question: 'what is the largest thing ?', answers: ['box', 'disk', 'ring', 'star', 'triangle'] },
  { question: 'what is in the picture ?', answers: ['person', 'car', 'dog', 'cat', 'chair', 'bottle'] },
];
const NONE: Asked = { question: '', answers: [] };
/** Known words that are offered in the place of one that is not. */
const OFFERED = 3;

function fits(card: Card, asked: Asked): boolean {
  try {
    return numbersOf(card, asked).size > 0;
  } catch (error) {
    if (error instanceof UnfitText) return false;
    throw error;
  }
}

export class Asking {
  private panel = byId<HTMLFormElement>('asking');
  private question = byId<HTMLInputElement>('question');
  private list = byId('answers');
  private answers: HTMLInputElement[] = [];
  /** The networks that are there, as they were looked at last; and what those take that are asked. */
  private networks: readonly (Loaded | null)[] = [];
  private cards: Card[] = [];

  constructor(
    private session: Session,
    private notice: Notice,
  ) {
    this.panel.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.ask();
    });
    onLanguage(() => this.label());
  }

  /** Shows the panel while a network is there that is asked, with a question that it understands. */
  update(): void {
    const { loaded, loadedBeside, networks } = this.session;
    if (loaded === null || (loaded === this.networks[0] && loadedBeside === this.networks[1])) return;
    this.networks = [loaded, loadedBeside];
    this.cards = [loaded, loadedBeside].map((each) => each?.card).filter((card) => card !== undefined && isAsked(card)) as Card[];
    this.panel.hidden = this.cards.length === 0;
    if (this.cards.length === 0) return;
    const count = choicesOf(this.cards[0]);
    const tries = [this.asked, ...BEGINNINGS].map(({ question, answers }) => ({ question, answers: answers.slice(0, count) }));
    const fitting = tries.find((asked) => this.cards.every((card) => fits(card, asked))) ?? null;
    this.fill(fitting ?? NONE, count);
    networks.asked = fitting;
  }

  /** What stands in the fields. */
  private get asked(): Asked {
    return { question: this.question.value, answers: this.answers.map(({ value }) => value.trim()) };
  }

  private fill({ question, answers }: Asked, count: number): void {
    const words = this.words();
    this.question.value = question;
    this.answers = Array.from({ length: count }, (_, place) => {
      const field = make('input', { type: 'text', value: answers[place] ?? '', autocomplete: 'off', spellcheck: false });
      field.setAttribute('list', 'known-words');
      return field;
    });
    this.list.replaceChildren(...this.answers);
    byId('known-words').replaceChildren(...words.map((value) => make('option', { value })));
    byId('known').textContent = words.join(' · ');
    this.mark(null);
    this.label();
  }

  private words(): string[] {
    const [first, ...others] = this.cards.map(wordsOf);
    return first.filter((word) => others.every((words) => words.includes(word)));
  }

  private label(): void {
    for (const [place, field] of this.answers.entries()) field.setAttribute('aria-label', say('answerPlace', { place: place + 1 }));
    if (this.cards.length > 0) byId('known-title').textContent = say('knownWords', { count: number(this.words().length) });
  }

  private async ask(): Promise<void> {
    const { asked, notice, session } = this;
    try {
      for (const card of this.cards) numbersOf(card, asked);
    } catch (error) {
      if (!(error instanceof UnfitText)) throw error;
      return this.refuse(error.unfit);
    }
    this.mark(null);
    notice.clear();
    session.networks.asked = asked;
    if (session.asked === 0) return notice.warn('askPicture');
    try {
      await session.again();
    } catch (error) {
      const { word, values } = explain(error);
      notice.warn(word, values);
    }
  }

  /** Says why a text cannot be asked, and goes to its field. */
  private refuse(unfit: Unfit): void {
    this.mark(unfit.place);
    if (unfit.why === 'unknown') {
      const [known, quoted] = [this.words(), unfit.words.map((word) => say('quoted', { word })).join(', ')];
      const near = new Set(unfit.words.flatMap((word) => nearest(word, known, OFFERED)));
      this.notice.warn('askUnknown', { words: quoted, known: [...near].join(', ') });
    } else if (unfit.why === 'long') this.notice.warn('askLong', { text: unfit.text, count: unfit.count, most: unfit.most });
    else this.notice.warn('askEmpty', { count: this.answers.length });
  }

  private mark(wrong: number | null): void {
    for (const [place, field] of [this.question, ...this.answers].entries()) {
      field.removeAttribute('aria-invalid');
      if (place !== wrong) continue;
      field.setAttribute('aria-invalid', 'true');
      field.focus();
    }
  }
}
