// The names on the pictures and how near they are: of both models, or of what is before and after.
import { kindOf } from '../outputs';
import type { Place } from '../protocol';
import { byId } from './dom';
import { differenceOf } from './models';
import type { Session } from './session';
import type { Stage } from './stage';
import { milliseconds, say, speech } from './words';

/** The name over a picture when there are two models. */
function caption(session: Session, place: Place): string {
  const [entry, other] = place === 'main' ? [session.entry, session.beside] : [session.beside, session.entry];
  const ran = session.ran[place];
  return entry ? differenceOf(entry, other) + (ran > 0 ? ` · ${milliseconds(ran)}` : '') : '';
}

export function showPair(session: Session, stage: Stage): void {
  const paired = session.loadedBeside !== null;
  const [one, other] = paired ? [caption(session, 'main'), caption(session, 'beside')] : [say('before'), say('after')];
  const captions = paired || stage.view === 'beside' ? [one, other] : ['', ''];
  byId('before').textContent = one;
  byId('after').textContent = other;
  byId('caption').textContent = captions[0];
  byId('caption-beside').textContent = captions[1];
  const { agreement, spec } = session;
  byId('agreement').textContent = agreement === null || !spec ? '' : kindOf(spec).agreementText(agreement, spec, speech);
}

/** What is shown of a network that looks at several pictures at once; empty where it looks at one, and has one. */
export function framesNote(session: Session, stage: Stage): string {
  const count = session.frames;
  const names = session.pictureNames.slice(0, count).join(' → ');
  if (!session.loaded || !stage.frame) return '';
  if (session.networks.watches) return session.camera.open ? say('watchesCamera') : say('watchesPictures', { count: stage.frames.length });
  if (session.camera.open || names === '') return count > 1 ? say('framesOfCamera', { count }) : '';
  if (count === 1) return stage.frames.length > 1 ? say('framesUnused', { count: stage.frames.length }) : '';
  return stage.frames.length > 1 ? say('framesOfPictures', { count, names }) : say('framesAlike', { count });
}
