// Keeps the count of approvals beside their place in the navigation, while the
// page is in sight: a page that nobody sees must not take one of the few streams
// that a browser and we allow.

const link = document.querySelector("[data-live]");
const badge = link?.querySelector(".badge");
const changed = document.querySelector("[data-live-changed]");
const shown = badge?.textContent.trim() || "0"; // when the page was written

const firstWait = 2000; // milliseconds, doubled each time, up to a minute

let source = null;
let wait = firstWait;
let timer = 0;

function show(count) {
  badge.textContent = count;
  badge.hidden = count === "0";
  if (changed) changed.hidden = count === shown;
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(link.dataset.live);
  source.addEventListener("count", (event) => {
    wait = firstWait;
    show(event.data.trim());
  });
  source.addEventListener("error", () => {
    // Refused, and not only cut off: a browser comes back by itself after the latter alone.
    if (source?.readyState !== EventSource.CLOSED) return;
    source = null;
    timer = setTimeout(listen, wait);
    wait = Math.min(2 * wait, 60_000);
  });
}

function rest() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

if (link) {
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
}
