// Signing in with a passkey: by the button, and on the page that asks for the name
// also from the list of names that the browser offers there.
import { sign, supported } from "./passkey.js";

const form = document.querySelector("form[data-passkey]");
const button = form.querySelector("[data-passkey-go]");
const said = form.querySelector("[data-passkey-said]");
const any = form.dataset.passkey === "any";
let waiting = null; // for a passkey from the list of names

function say(words) {
  said.textContent = words ?? "";
  said.hidden = !words;
}

function send(answer) {
  form.elements.credential.value = answer;
  form.requestSubmit();
}

const options = () => JSON.parse(form.dataset.options);

async function offer() {
  if (!any || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const mine = new AbortController();
  waiting = mine;
  try {
    send(await sign(options(), { mediation: "conditional", signal: mine.signal }));
  } catch {
    // Nobody chose one, or the button was quicker.
  }
}

// What is to be signed is good for a time, and once. A page that stands open longer,
// or comes back from the history, asks for something new.
async function renew() {
  try {
    const page = await fetch("/signin", { headers: { Accept: "text/html" }, cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("form[data-passkey]");
    if (fresh && !button.disabled) {
      form.dataset.options = fresh.dataset.options;
      waiting?.abort();
      offer();
    }
  } catch {
    // No network for the moment: the next time will do.
  }
}

// submit does without a button, so that Enter in another form never comes here.
button.addEventListener("click", async (event) => {
  event.preventDefault();
  waiting?.abort();
  say("");
  button.disabled = true;
  try {
    send(await sign(options()));
  } catch {
    say(form.dataset.failed);
    button.disabled = false;
    offer();
  }
});

if (supported) {
  button.hidden = false;
  if (!any && said.hidden) button.focus();
  offer();
  if (form.dataset.life) setInterval(renew, Number(form.dataset.life) * 800);
} else if (!any) {
  say(form.dataset.unsupported);
}

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (!any) return location.replace(`/signin/${encodeURIComponent(document.body.dataset.attempt)}`);
  button.disabled = false;
  renew();
});
