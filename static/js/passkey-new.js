// Makes a passkey when its form is sent, and sends what came of it with its name.
import { make, supported } from "./passkey.js";

const form = document.querySelector("form[data-passkey-new]");
const button = form.querySelector("[data-passkey-go]");
const said = form.querySelector("[data-passkey-said]");

function say(words) {
  said.textContent = words ?? "";
  said.hidden = !words;
}

form.addEventListener("submit", async (event) => {
  if (form.elements.credential.value) return;
  event.preventDefault();
  say("");
  button.disabled = true;
  try {
    form.elements.credential.value = await make(JSON.parse(form.dataset.options));
    form.requestSubmit();
  } catch (error) {
    say(error.name === "InvalidStateError" ? form.dataset.already : form.dataset.failed);
    button.disabled = false;
  }
});

if (supported) button.hidden = false;
else say(form.dataset.unsupported);
