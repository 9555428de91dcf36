// The panel of networks that write texts: a prompt goes in, and they write on until they are stopped.
import type { Loaded } from '../protocol';
import { byId } from './dom';
import { explain } from './failures';
import type { Notice } from './notice';
import type { Session } from './session';
import { onLanguage, say } from './words';

/** Tokens that are asked for at a time: between them the page can stop the network. */
const PART = 8;
const LONGEST = 2000;
/** The fewest tokens that have this share together are drawn from. */
const NUCLEUS = 0.95;

export class Writing {
  private panel = byId('writing');
  private prompt = byId<HTMLTextAreaElement>('prompt');
  private temperature = byId<HTMLInputElement>('temperature');
  private button = byId<HTMLButtonElement>('write');
  private written = byId('written');
  private network: Loaded | null = null;
  /** Counts the texts; one that another has taken the place of is not written on. */
  private text = 0;
  private running = false;

  constructor(
    private session: Session,
    private notice: Notice,
  ) {
    this.button.addEventListener('click', () => void (this.running ? this.stop() : this.write()));
    onLanguage(() => this.label());
  }

  /** Shows the panel in the stage's place while a network that writes is there. */
  update(): void {
    const { loaded } = this.session;
    if (loaded !== null && loaded !== this.network) {
      this.network = loaded;
      this.stop();
      this.show('');
    }
    const use = this.network?.use ?? 'look';
    this.panel.hidden = use !== 'write';
    byId('stage').hidden = use === 'write' || use === 'read';
  }

  private async write(): Promise<void> {
    const { session, network } = this;
    if (network?.use !== 'write') return;
    const text = ++this.text;
    const sampling = { temperature: Number(this.temperature.value), nucleus: NUCLEUS };
    const order = { network: network.id, count: PART, sampling, seed: text };
    this.notice.clear();
    this.run(true);
    let shown = this.prompt.value;
    this.show(shown);
    try {
      let prompt: string | null = shown;
      for (let count = 0; count < LONGEST && text === this.text; count += PART) {
        const part = await session.networks.write({ ...order, prompt });
        if (text !== this.text || part === '') break;
        prompt = null;
        this.show((shown += part));
      }
    } catch (error) {
      if (text === this.text) this.fail(error);
    }
    if (text === this.text) this.run(false);
  }

  private fail(error: unknown): void {
    const { word, values } = explain(error);
    this.notice.warn(word, values);
  }

  private stop(): void {
    this.text++;
    this.run(false);
  }

  private run(running: boolean): void {
    this.running = running;
    this.panel.dataset.running = String(running);
    this.label();
  }

  private label(): void {
    this.button.textContent = say(this.running ? 'writeStop' : 'write');
  }

  private show(text: string): void {
    this.written.textContent = text;
    this.written.scrollTop = this.written.scrollHeight;
    byId('writing-empty').hidden = text !== '';
  }
}
