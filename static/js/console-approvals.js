// Keeps the count of approvals beside their place in the navigation, while the
// page is in sight: a page that nobody sees must not take one of the few streams
// that a browser and we allow.

const link = document.querySelector("[data-live]");
const badge = link?.querySelector(".badge");
const changed = document.querySelector("[data-live-changed]");
const shown = badge?.textContent.trim() || "0"; // when the page was written

let source = null;

function show(count) {
  badge.textContent = count;
  badge.hidden = count === "0";
  if (changed) changed.hidden = count === shown;
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(link.dataset.live);
  source.addEventListener("count", (event) => show(event.data.trim()));
  source.addEventListener("error", () => {
    // Refused, and not only cut off: the next look at the page tries again.
    if (source?.readyState === EventSource.CLOSED) source = null;
  });
}

function rest() {
  source?.close();
  source = null;
}

if (link) {
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
}
