// Keeps the door's page in the browser, so that a reload in a Wi-Fi drop shows it with the codes that wait. The program always goes first:
// nobody works with an old page where there is a newer one. Before this text stand the cache's NAME and its FILES.

// Packets of a phone that has left the Wi-Fi are answered by nobody.
const PATIENCE_MS = 2500;

// The page came from the cache, so what it loads comes from there too, of the same version and at once.
let fromCache = false;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method === "GET" && origin === self.location.origin && FILES.includes(pathname)) event.respondWith(answer(pathname));
});

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)));
}

async function answer(path) {
  // A phone that is full keeps nothing, and shows the page all the same.
  const cache = await caches.open(NAME).catch(() => null);
  const kept = await cache?.match(path).catch(() => null);
  const page = path === "/";
  if (!page && fromCache && kept) return kept;
  const fresh = await askProgram(path);
  if (page) fromCache = !fresh;
  if (!fresh) return kept ?? Response.error();
  await cache?.put(path, fresh.clone()).catch(() => null);
  return fresh;
}

async function askProgram(path) {
  try {
    const answered = await fetch(path, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answered.ok) return null;
    const { status, headers } = answered;
    // Read to its end within the patience: half a page is none.
    return new Response(await answered.blob(), { status, headers });
  } catch {
    return null;
  }
}
