// Follows a phone that is being added, and changes the page in place: the
// link with its QR code is shown only once, so the page must not be loaded anew.
import { countdown } from "./countdown.js";

const page = document.querySelector("[data-enrolment]");
const pollWait = 2000; // milliseconds

let source = null;
let asking = false;

const final = () => page.dataset.state === "done" || page.dataset.state === "expired";

function show({ state, number, heard, device }) {
  if (!state) return;
  if (device) for (const out of page.querySelectorAll("[data-device]")) out.textContent = device;
  if (number) {
    const digits = document.getElementById("match-number");
    digits.textContent = number;
    digits.parentElement.querySelector(".heard").textContent = heard;
  }
  page.dataset.state = state;
  document.body.dataset.state = state;
  for (const section of page.querySelectorAll("[data-when]")) {
    section.hidden = section.dataset.when !== state;
  }
  if (final()) source?.close();
}

async function ask() {
  if (asking || final()) return;
  asking = true;
  try {
    const answer = await fetch(page.dataset.stateUrl, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) show(await answer.json());
    else if (answer.status === 401 || answer.status === 404) location.reload(); // signed out elsewhere, or taken back
  } catch {
    // No network for the moment: the next poll asks again.
  }
  asking = false;
}

async function poll() {
  await ask();
  if (!final()) setTimeout(poll, pollWait);
}

if (page?.dataset.stateUrl) {
  countdown(page.querySelector("[data-countdown]"), ask);
  if (page.dataset.eventsUrl) {
    source = new EventSource(page.dataset.eventsUrl);
    source.addEventListener("state", ask);
  }
  poll();
}
