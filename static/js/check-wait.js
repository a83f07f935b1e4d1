// Waits for the answer to a caller check: by server-sent events at once, by polling
// where those do not get through. Whatever comes of it is shown by the page itself.
import { countdown } from "./countdown.js";

const head = document.querySelector("[data-check]");
const { check: here, checkState: state } = head.dataset;
const pollWait = 2000; // milliseconds

let over = false;
let source = null;
let timer = 0;

function settle(next) {
  if (over || !next || next === state) return;
  over = true;
  source?.close();
  clearTimeout(timer);
  location.replace(here);
}

async function ask() {
  try {
    const answer = await fetch(`${here}/state`, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) settle((await answer.json()).state);
    else if (answer.status === 401 || answer.status === 404) settle("gone");
  } catch {
    // No network for the moment: the next poll asks again.
  }
}

function poll() {
  if (over || timer) return;
  timer = setTimeout(async () => {
    timer = 0;
    await ask();
    if (source?.readyState !== EventSource.OPEN) poll();
  }, pollWait);
}

if (state === "pending") {
  countdown(document.querySelector("[data-countdown]"), () => setTimeout(ask, 500));
  source = new EventSource(`${here}/events`);
  source.addEventListener("state", (event) => settle(event.data.trim()));
  source.addEventListener("error", poll);
}

// A page that comes back from the history shows what was, not what is.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(here);
});
