// Installing, working without a network, and the isolation that WebAssembly threads need.
import { byId } from './dom';
import type { Word } from './words';

const RELOADED = 'densezoo.isolated';
const PATIENCE_MS = 4000;

interface InstallPrompt extends Event {
  prompt(): Promise<void>;
}

/** Why a page has no service worker, for its user. */
export interface NotOffline {
  word: Word;
  detail: string;
}

export function offerInstall(): void {
  const button = byId<HTMLButtonElement>('install');
  let prompt: InstallPrompt | null = null;
  window.addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    prompt = event as InstallPrompt;
    button.hidden = false;
  });
  window.addEventListener('appinstalled', () => (button.hidden = true));
  button.addEventListener('click', () => void prompt?.prompt());
}

function controlled(workers: ServiceWorkerContainer): Promise<void> {
  if (workers.controller) return Promise.resolve();
  return new Promise((resolve) => {
    workers.addEventListener('controllerchange', () => resolve(), { once: true });
    setTimeout(resolve, PATIENCE_MS);
  });
}

/**
 * Resolves once the service worker sees this page's requests, so that what is fetched from now on is kept for offline use.
 * Where the host sends no COOP and COEP headers, the service worker adds them: that takes one reload. Gives the reason where the
 * browser takes no service worker.
 */
export async function goOffline(): Promise<NotOffline | null> {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers) return { word: window.isSecureContext ? 'offlineRefused' : 'offlineInsecure', detail: 'no service worker' };
  try {
    await workers.register('service-worker.js');
  } catch (error) {
    // A certificate that the user let pass is good enough for a page and its camera, but never for a service worker.
    const untrusted = error instanceof DOMException && error.name === 'SecurityError' && location.protocol === 'https:';
    return { word: untrusted ? 'offlineCertificate' : 'offlineRefused', detail: String(error) };
  }
  await controlled(workers);
  if (workers.controller && !window.crossOriginIsolated && !sessionStorage.getItem(RELOADED)) {
    sessionStorage.setItem(RELOADED, 'yes');
    location.reload();
    await new Promise(() => {});
  }
  return null;
}
