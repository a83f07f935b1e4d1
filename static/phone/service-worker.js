// The service worker: keeps the shell of the app for when there is no network,
// and shows what a push says. It holds no key and sends nothing.
//
// The service writes its version of the static files in place of the word
// between the underscores below, so a new version is a new worker with a new cache.

const version = "__VERSION__";
const cacheName = `latchkey-phone-${version}`;
const assets = `/static/${version}/`;
const shell = "/phone";
const icon = "/static/icons/phone-192.png";

// A test compares this list with the folder.
const files = [
  "app.js",
  "camera.js",
  "clock.js",
  "codes.js",
  "dom.js",
  "events.js",
  "failure.js",
  "key.js",
  "link.js",
  "phone.css",
  "phone.js",
  "platform.js",
  "protocol.js",
  "push.js",
  "scan.js",
  "screen.js",
  "screens/codes.js",
  "screens/enrol.js",
  "screens/explain.js",
  "screens/menu.js",
  "screens/offline.js",
  "screens/outcome.js",
  "screens/recent.js",
  "screens/remove.js",
  "screens/request.js",
  "screens/unlock.js",
  "screens/unsupported.js",
  "store.js",
  "time.js",
  "unlock.js",
  "words.js",
];

self.addEventListener("install", (event) => {
  event.waitUntil(install());
});

async function install() {
  const cache = await caches.open(cacheName);
  await cache.addAll([...files.map((file) => `${assets}phone/${file}`), icon, "/phone/manifest.webmanifest"]);
  await keepShell(await fetch(shell, { cache: "no-store", credentials: "omit" }));
  await self.skipWaiting();
}

/** keepShell stores the page unless it comes from another version, whose modules we do not have. */
async function keepShell(response) {
  if (!response.ok || response.redirected) return;
  const text = await response.clone().text();
  if (text.includes(assets)) await (await caches.open(cacheName)).put(shell, response);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(activate());
});

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith("latchkey-phone-") && name !== cacheName) await caches.delete(name);
  }
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && (url.pathname === "/phone" || url.pathname === "/phone/")) {
    event.respondWith(page(event));
  } else if (url.pathname.startsWith(assets) || url.pathname === icon || url.pathname === "/phone/manifest.webmanifest") {
    event.respondWith(file(request));
  }
  // All else, the protocol above all, goes to the network untouched.
});

/** page asks the network first, so that a new version arrives; the kept shell serves when there is none. */
async function page(event) {
  try {
    const response = await fetch(event.request);
    event.waitUntil(keepShell(response.clone()));
    return response;
  } catch (failure) {
    const kept = await caches.match(shell);
    if (kept) return kept;
    throw failure;
  }
}

/** file serves from the cache: under a version nothing ever changes. */
async function file(request) {
  return (await caches.match(request, { cacheName })) ?? fetch(request);
}

// What a notification of a request says: its push tells which one it is about and no more.
// A notice brings its own words, and where its reader takes back what it tells of.
const words = {
  title: "Is this you?",
  body: "A request is waiting for your answer.",
};

self.addEventListener("push", (event) => {
  event.waitUntil(wake(event.data));
});

/** wake shows the notification, which browsers demand of every push, and tells the open app. */
async function wake(data) {
  let said = {};
  try {
    said = data?.json() ?? {};
  } catch {
    // An empty or odd push still means: look.
  }
  if (said.title) {
    const link = /^\/not-me\/[a-z2-7]+$/.test(said.link) ? said.link : "";
    await self.registration.showNotification(said.title, {
      body: said.text,
      tag: link || said.text,
      icon,
      badge: icon,
      requireInteraction: true,
      data: { link },
    });
    return;
  }
  for (const client of await apps()) client.postMessage({ kind: "refresh", request: said.request });
  await self.registration.showNotification(words.title, {
    body: words.body,
    tag: said.request || "request", // one notification for a request, however often it is told
    icon,
    badge: icon,
    requireInteraction: true,
  });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.link));
});

async function open(link) {
  if (link) return self.clients.openWindow(link);
  const [client] = await apps();
  if (!client) return self.clients.openWindow(shell);
  client.postMessage({ kind: "refresh" });
  return client.focus();
}

async function apps() {
  const clients = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return clients.filter(({ url }) => /^\/phone\/?$/.test(new URL(url).pathname));
}
