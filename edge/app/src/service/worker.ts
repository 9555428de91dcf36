// Keeps the app for offline use, and adds the headers that make it cross-origin isolated on hosts that send none.
export {};

declare const self: ServiceWorkerGlobalScope;
declare const BUILD: string;
declare const SHELL: string[];

const CACHE = `densezoo-${BUILD}`;
/** Models outlive an update of the app. */
const MODELS = 'densezoo-models';
const PATIENCE_MS = 3000;

const root = new URL('./', self.location.href);

function isolated(response: Response): Response {
  if (response.type === 'opaque' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function isModel(url: URL): boolean {
  return url.pathname.startsWith(`${root.pathname}models/`);
}

/** The WebAssembly of one build, and a model with its content's hash in its address, never change. */
function isFixed(url: URL): boolean {
  return url.pathname.startsWith(`${root.pathname}wasm/`) || (isModel(url) && url.searchParams.has('v'));
}

async function fetchAndKeep(request: Request, cache: Cache, key: Request | string): Promise<Response> {
  const response = await fetch(request);
  if (response.ok) await cache.put(key, response.clone());
  return response;
}

async function dropOldVersions(cache: Cache, url: URL): Promise<void> {
  for (const key of await cache.keys()) {
    const other = new URL(key.url);
    if (other.pathname === url.pathname && other.search !== url.search) await cache.delete(key);
  }
}

function patience(): Promise<never> {
  return new Promise((_, reject) => setTimeout(() => reject(new Error('the network is too slow')), PATIENCE_MS));
}

async function respond(request: Request, url: URL): Promise<Response> {
  const cache = await caches.open(isModel(url) ? MODELS : CACHE);
  const key = request.mode === 'navigate' ? new URL('index.html', root).href : request.url;
  const kept = await cache.match(key);
  if (kept && isFixed(url)) return isolated(kept);
  const fetched = fetchAndKeep(request, cache, key);
  if (!kept) {
    const response = await fetched;
    if (isModel(url)) await dropOldVersions(cache, url);
    return isolated(response);
  }
  try {
    return isolated(await Promise.race([fetched, patience()]));
  } catch {
    return isolated(kept);
  }
}

self.addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(SHELL.map((name) => new Request(new URL(name, root).href, { cache: 'reload' })));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener('activate', (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('densezoo-') && name !== CACHE && name !== MODELS) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return;
  event.respondWith(respond(event.request, url));
});
