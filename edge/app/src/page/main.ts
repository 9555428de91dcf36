// The page: binds the markup to the session.
import { fetchCatalogue, ownEntry } from '../model/catalogue';
import { kindOf } from '../outputs';
import type { View } from '../outputs/kind';
import type { AcceleratorChoice, Precision } from '../protocol';
import { Asking } from './asking';
import type { Background, BackgroundStyle } from './background';
import { byId, make } from './dom';
import { Legend } from './legend';
import { Models } from './models';
import { Notice } from './notice';
import { goOffline, offerInstall, type NotOffline } from './offline';
import { framesNote, showPair } from './pair';
import { acceptDrops, openPicture, receiveFiles, type Receivers } from './pictures';
import { Reading } from './reading';
import { findSamples, type Sample } from './samples';
import { save } from './saving';
import { Session } from './session';
import { Speed } from './speed';
import { Stage } from './stage';
import { startTheme } from './theme';
import { Writing } from './writing';
import { nextLanguage, number, onLanguage, say, speech, startWords, type Word } from './words';

const MEASURED_FRAMES = 50;
const VIEWS: View[] = ['overlay', 'split', 'beside', 'mask', 'background'];
/** Pictures that are kept when several are opened, at least: the next model may look at two. Of a film, at most. */
const KEPT_PICTURES = 2;
const LONGEST_FILM = 100;
const FALLBACK_WORDS: Record<string, Word> = { 'no-api': 'whyNoApi', 'no-adapter': 'whyNoAdapter', refused: 'whyRefused' };
const ACCELERATOR_NAMES = { webgpu: 'WebGPU', wasm: 'WebAssembly' };

const stage = new Stage();
const legend = new Legend();
const models = new Models();
const speed = new Speed();
const notice = new Notice();
const least = byId<HTMLInputElement>('least');
const session = new Session({ stage, legend, models, speed, notice }, least.valueAsNumber / 100);
const writing = new Writing(session, notice);
const asking = new Asking(session, notice);
const reading = new Reading(session, legend, notice);

const receivers: Receivers = {
  pictures: (files) => void session.showPictures(files.slice(0, session.networks.watches ? LONGEST_FILM : Math.max(KEPT_PICTURES, session.frames))),
  model: (file, encoder) => void addModel(file, encoder),
};

async function addModel(file: File, encoder: File | null): Promise<void> {
  const entry = await ownEntry(file, encoder);
  models.add([entry]);
  await session.use(entry);
}

function press(id: string, action: () => unknown): void {
  byId(id).addEventListener('click', () => void action());
}

function chooseFiles(id: string): void {
  const input = byId<HTMLInputElement>(id);
  input.addEventListener('change', () => {
    receiveFiles(input.files ?? [], receivers);
    input.value = '';
  });
}

function setView(view: View): void {
  stage.setView(view);
  byId<HTMLInputElement>(`view-${view}`).checked = true;
  byId('background-row').hidden = view !== 'background';
  showOpacity();
  showPair(session, stage);
}

/** There is something to choose where the picture shines through. */
function showOpacity(): void {
  const { spec } = session;
  const solid = stage.view !== 'overlay' && stage.view !== 'split';
  byId('opacity-row').hidden = solid || (spec !== null && kindOf(spec).opaque);
}

function bindViews(): void {
  for (const view of VIEWS) byId(`view-${view}`).addEventListener('change', () => setView(view));
  const opacity = byId<HTMLInputElement>('opacity');
  opacity.addEventListener('input', () => stage.setOpacity(Number(opacity.value) / 100));
  least.addEventListener('input', () => {
    session.presentation.setLeast(least.valueAsNumber / 100);
    update();
  });
  const background: Background = { style: 'blur', colour: byId<HTMLInputElement>('background-colour').value, picture: null };
  const change = (style: BackgroundStyle) => {
    background.style = style;
    byId<HTMLInputElement>(`background-${style}-choice`).checked = true;
    stage.setBackground({ ...background });
  };
  byId('background-blur-choice').addEventListener('change', () => change('blur'));
  byId('background-colour-choice').addEventListener('change', () => change('colour'));
  const file = byId<HTMLInputElement>('background-file');
  byId('background-picture-choice').addEventListener('change', () => (background.picture ? change('picture') : file.click()));
  byId<HTMLInputElement>('background-colour').addEventListener('input', (event) => {
    background.colour = (event.target as HTMLInputElement).value;
    change('colour');
  });
  file.addEventListener('change', async () => {
    if (!file.files?.[0]) return;
    background.picture = await openPicture({ name: file.files[0].name, source: file.files[0] });
    change('picture');
  });
}

function bindSpeed(): void {
  const accelerator = byId<HTMLSelectElement>('accelerator-choice');
  accelerator.addEventListener('change', () => void session.chooseAccelerator(accelerator.value as AcceleratorChoice));
  const precision = byId<HTMLSelectElement>('precision');
  precision.addEventListener('change', () => void session.choosePrecision(precision.value as Precision));
  const button = byId<HTMLButtonElement>('measure');
  const label = () => (button.textContent = say('measure', { count: MEASURED_FRAMES }));
  button.addEventListener('click', async () => {
    button.disabled = true;
    await session.measure(MEASURED_FRAMES, (done) => {
      button.textContent = say('measuring', { done: number(done), count: MEASURED_FRAMES });
    });
    label();
    button.disabled = false;
  });
  onLanguage(label);
  label();
  press('export', () => {
    const { backend, loaded } = session;
    const model = { file: session.entry?.file, bytes: loaded?.bytes, compileMs: loaded?.compileMs, card: loaded?.card };
    const beside = session.loadedBeside && { file: session.beside?.file, card: session.loadedBeside.card, runMs: session.ran.beside };
    const report = JSON.stringify({ ...speed.report(model, backend), beside, agreement: session.agreement }, null, 2);
    save(new Blob([report], { type: 'application/json' }), 'densezoo-speed.json');
  });
}

function bindSources(): void {
  for (const id of ['open-file', 'model-file']) chooseFiles(id);
  press('open', () => byId('open-file').click());
  press('welcome-open', () => byId('open-file').click());
  press('add-model', () => byId('model-file').click());
  press('camera', () => session.toggleCamera());
  press('welcome-camera', () => session.toggleCamera());
  press('flip', () => session.flipCamera());
  press('freeze', () => session.toggleFreeze());
  press('save-view', saveView);
  press('save-mask', saveAnswer);
  acceptDrops(byId('stage'), receivers);
}

async function saveView(): Promise<void> {
  const blob = await stage.toBlob();
  if (stage.frame) save(blob, 'densezoo-picture.png');
}

async function saveAnswer(): Promise<void> {
  const file = await stage.main.file();
  if (file) save(file.blob, `densezoo-${file.ending}`);
}

function bindKeys(): void {
  const keys: Record<string, () => unknown> = {
    o: () => byId('open-file').click(),
    c: () => session.toggleCamera(),
    s: saveView,
    ' ': () => session.toggleFreeze(),
    '[': () => nudgeOpacity(-10),
    ']': () => nudgeOpacity(10),
  };
  VIEWS.forEach((_, index) => (keys[String(index + 1)] = () => setView(offeredViews()[index] ?? stage.view)));
  document.addEventListener('keydown', (event) => {
    const free = !(event.target as Element).closest('input, select, textarea, button, a, [role="slider"]');
    if (!free || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function nudgeOpacity(change: number): void {
  const opacity = byId<HTMLInputElement>('opacity');
  opacity.valueAsNumber += change;
  stage.setOpacity(opacity.valueAsNumber / 100);
}

function showSample(sample: Sample): Promise<void> {
  return session.showPictures([{ name: sample.name, source: sample.open() }]);
}

function showSamples(samples: Sample[]): void {
  const items = samples.map((sample) => {
    const picture = make('img', { src: sample.thumbnail, alt: '', width: 96, height: 72 });
    const button = make('button', { type: 'button', className: 'sample' }, picture);
    button.setAttribute('aria-label', `${say('sample')}: ${sample.name}`);
    button.addEventListener('click', () => void showSample(sample));
    return make('li', {}, button);
  });
  byId('samples').replaceChildren(...items);
}

function showBackend(): void {
  const { backend } = session;
  byId('accelerator').hidden = !backend;
  if (!backend) return;
  const threads = make('span', { className: 'chip-detail', textContent: ` · ${say('threads', { count: backend.threads })}` });
  byId('accelerator').replaceChildren(ACCELERATOR_NAMES[backend.accelerator], ...(backend.threads > 1 ? [threads] : []));
}

let described = '';
let notOffline: NotOffline | null = null;

/** The picture in words for screen readers; while the camera runs, only its last still is described. */
function describePicture(): void {
  const words = session.camera.open && !session.frozen ? '' : legend.summary();
  if (words === described) return;
  described = words;
  stage.canvas.setAttribute('aria-label', words || say('viewer'));
  byId('spoken').textContent = words;
}

function update(): void {
  const { backend, camera, frozen, loaded } = session;
  const shown = stage.frame !== null;
  document.documentElement.dataset.accelerator = backend?.accelerator ?? '';
  showBackend();
  byId('device').textContent = backend?.device ?? '';
  const why = backend?.fallback;
  byId('fallback').textContent = why ? say(FALLBACK_WORDS[why]) : '';
  byId('precision-row').hidden = backend?.accelerator !== 'webgpu';
  byId('welcome').hidden = shown;
  writing.update();
  asking.update();
  reading.update();
  byId('camera-label').textContent = say(camera.open ? 'cameraStop' : 'camera');
  byId('camera').classList.toggle('active', camera.open);
  byId('freeze-label').textContent = say(frozen ? 'unfreeze' : 'freeze');
  byId('freeze').hidden = !camera.open;
  byId('freeze').setAttribute('aria-pressed', String(frozen));
  if (!camera.open) byId('flip').hidden = true;
  byId<HTMLButtonElement>('save-view').disabled = !shown;
  byId<HTMLButtonElement>('save-mask').disabled = stage.shown === null;
  showChoices();
  showPair(session, stage);
  // What came through the service worker is kept; the model is the last to come.
  const kept = loaded !== null && Boolean((navigator.serviceWorker as ServiceWorkerContainer | undefined)?.controller);
  byId('offline').hidden = !kept && !notOffline;
  byId('offline').textContent = notOffline ? say(notOffline.word, { detail: notOffline.detail }) : say('offline');
  const rate = speed.framesPerSecond();
  byId('live').hidden = !camera.open || frozen;
  byId('live').textContent = rate > 0 ? `${number(rate, rate < 10 ? 1 : 0)} fps` : '';
  describePicture();
}

/** The views that the answer offers, in their order on the page; before there is a model, those of the page's markup. */
function offeredViews(): View[] {
  return VIEWS.filter((view) => !byId(`view-${view}-item`).hidden);
}

/** What can be chosen for this answer: its views, by its own names, and the other outputs of its model. */
function showChoices(): void {
  const { loaded, spec } = session;
  if (spec) {
    const kind = kindOf(spec);
    const [views, names] = [kind.views(spec), kind.names(spec, speech)];
    for (const view of VIEWS) byId(`view-${view}-item`).hidden = !views.includes(view);
    byId('view-row').hidden = views.length === 0;
    if (views.length > 0 && !views.includes(stage.view)) setView(views[0]);
    byId('view-mask-label').textContent = names.view;
    byId('save-mask-label').textContent = names.save;
  }
  byId('least-row').hidden = spec === null || !kindOf(spec).above;
  showOpacity();
  showOutputs(loaded?.card.outputs.map((output) => output.name) ?? []);
  const note = framesNote(session, stage);
  if (byId('frames-note').textContent !== note) byId('frames-note').textContent = note;
  byId('source-row').hidden = byId('outputs').hidden && !note;
}

/** A switch where the model has several outputs, built anew only when they are others. */
function showOutputs(names: string[]): void {
  const row = byId('outputs');
  row.hidden = names.length < 2;
  const described = `${document.documentElement.lang} ${names.join('\n')}`;
  if (row.dataset.names !== described) {
    row.dataset.names = described;
    const options = names.map((name, index) => {
      const input = make('input', { type: 'radio', name: 'output', value: String(index) });
      input.addEventListener('change', () => void session.chooseOutput(index));
      return make('label', {}, input, make('span', { textContent: name.replaceAll('_', ' ') }));
    });
    row.replaceChildren(make('legend', { className: 'unseen', textContent: say('output') }), ...options);
  }
  const current = row.querySelectorAll('input')[session.output];
  if (current) current.checked = true;
}

async function offerFlip(): Promise<void> {
  if (session.camera.open) byId('flip').hidden = !(await session.camera.several());
}

function pixelsOf(frame: ImageBitmap): { width: number; height: number; rgba: Uint8ClampedArray } {
  const { width, height } = frame;
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  context.drawImage(frame, 0, 0);
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}

/** For automated tests and the curious, as the others are: the pictures as the network got them, and its answer. */
function inspect(): object | null {
  const { shown } = stage;
  if (!shown) return null;
  const frames = shown.frames.map(pixelsOf);
  return { ...frames[0], frames, answer: shown.answer, beside: shown.beside };
}

async function begin(): Promise<void> {
  startWords();
  startTheme(byId('theme'));
  press('language', nextLanguage);
  onLanguage(() => {
    described = '';
    update();
  });
  bindSources();
  bindViews();
  bindSpeed();
  bindKeys();
  offerInstall();
  legend.onHidden = (hidden) => session.setHidden(hidden);
  models.onChoose = (entry) => void session.use(entry);
  models.onBeside = (entry) => void session.compare(entry);
  models.onRange = (range) => void session.chooseRange(range);
  session.onChange = update;
  byId('camera').addEventListener('click', () => setTimeout(() => void offerFlip(), 1500));
  setView('overlay');
  const repeat = (count: number) => session.measure(count, () => {}, Infinity);
  Object.assign(window, { densezoo: { inspect, repeat, asked: () => session.asked, settled: () => session.settled } });
  notOffline = await goOffline();
  update();
  const catalogue = await fetchCatalogue();
  models.add(catalogue.models);
  const samples = await findSamples(catalogue.samples);
  showSamples(samples);
  onLanguage(() => showSamples(samples));
  if (catalogue.models.length === 0) notice.warn('noModels');
  else await session.use(catalogue.models[0]);
  // Pictures that came with the model suit it: begin with one.
  if (catalogue.samples.length > 0 && session.asked === 0 && session.loaded) await showSample(samples[0]);
}

void begin();
