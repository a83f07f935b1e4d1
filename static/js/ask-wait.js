// Waits until an agent takes a request: by server-sent events at once, by polling where those
// do not get through. Whether one that is taken is closed it asks now and then. The page
// itself shows what came of it.
const { attempt, state } = document.body.dataset;
const here = `/signin/${encodeURIComponent(attempt)}/ask`;
const pollWait = 5000; // milliseconds
const slowWait = 30000; // where a stream has nothing to tell, or has ended for good

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
  }, !source || source.readyState === EventSource.CLOSED ? slowWait : pollWait);
}

if (state === "waits") {
  source = new EventSource(`${here}/events`);
  source.addEventListener("state", (event) => settle(event.data.trim()));
  source.addEventListener("error", poll);
} else poll();

// A page that comes back from the history shows what was, not what is.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(here);
});
