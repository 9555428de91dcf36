// Presentation: an answer on the stage and in words beside it, of which only what is sure enough is shown.
import { kindOf } from '../outputs';
import type { Answer } from '../outputs/kind';
import type { Framed, Place } from '../protocol';
import type { Legend } from './legend';
import type { Networks } from './networks';
import type { Stage } from './stage';

export class Presentation {
  /** What the networks last said, whole. */
  private last: Framed | null = null;

  /** `least`: the least score of what is shown, of kinds whose answers are a matter of degree. */
  constructor(
    private stage: Stage,
    private legend: Legend,
    private networks: Networks,
    private least: number,
  ) {}

  show(framed: Framed): void {
    this.last = framed;
    const sure = this.sureOf('main', framed.answer);
    const beside = framed.beside && this.sureOf('beside', framed.beside.answer);
    this.stage.show(framed.frames, sure, beside);
    this.legend.setAnswer(sure, this.networks.comparable ? beside : null);
  }

  /** Shows the answer that is there once more, and those to come, by another least score. */
  setLeast(least: number): void {
    this.least = least;
    if (this.last && this.stage.shown && this.stage.frames === this.last.frames) this.show(this.last);
  }

  private sureOf(place: Place, answer: Answer): Answer {
    const spec = this.networks.spec(place);
    const kind = spec && kindOf(spec);
    return kind?.above ? kind.above(answer, this.least) : answer;
  }
}
