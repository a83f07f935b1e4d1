// Waits for the answer of the phone: by server-sent events at once, by polling
// where those do not get through. An approved attempt is finished, any other
// change is shown by the page itself. A request that was held is sent as soon as
// it may be, so a page that says so looks for its number.
import { countdown } from "./countdown.js";

const { attempt, state } = document.body.dataset;
const here = `/signin/${encodeURIComponent(attempt)}`;
const finish = document.getElementById("finish");
const pollWait = state === "held" ? 5000 : 2000; // milliseconds

let over = false;
let source = null;
let timer = 0;

function settle(next) {
  if (over || !next || next === state) return;
  over = true;
  source?.close();
  clearTimeout(timer);
  if (next === "approved" && finish) {
    document.body.dataset.state = next;
    const words = document.querySelector("[data-wait-words]");
    if (words) words.textContent = words.dataset.approved;
    finish.requestSubmit();
    return;
  }
  location.replace(here);
}

async function ask() {
  try {
    const answer = await fetch(`${here}/state`, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) settle((await answer.json()).state);
    else if (answer.status === 404) settle("gone");
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

function listen() {
  source = new EventSource(`${here}/events`);
  source.addEventListener("state", (event) => settle(event.data.trim()));
  source.addEventListener("error", poll);
}

if (state === "approved") {
  finish.requestSubmit();
} else if (state === "held") {
  poll();
} else if (state === "pending") {
  countdown(document.querySelector("[data-countdown]"), () => setTimeout(ask, 500));
  listen();
}

// A page that comes back from the history shows what was, not what is.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(here);
});
