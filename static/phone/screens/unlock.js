// Setting up a face or a finger in place of the PIN: the PIN once more, then the
// phone asks for the face or the finger itself.

import { busy, button, el, field, problem } from "../dom.js";
import { explanation } from "../failure.js";
import { Refusal } from "../protocol.js";
import { make } from "../unlock.js";
import { words } from "../words.js";

export function unlockScreen(app, { account }) {
  const text = words.unlock;
  const trouble = problem();
  const pin = field({ id: "pin", label: words.request.pinLabel(account.tenant_name), type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "16", required: true, class: "digits" });
  const submit = el("button", { class: "primary", "data-action": "set-unlock" }, text.submit);
  const form = el("form", { novalidate: true }, el("p", {}, text.how), trouble.root, pin.root, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trouble.say("");
    if (!/^\d{6,}$/.test(pin.input.value)) {
      pin.fail(words.request.pinShort);
      return pin.input.focus();
    }
    busy(submit, () => setUp(app, account, pin, trouble));
  });
  return {
    name: "unlock",
    title: text.title,
    content: [el("p", { class: "lead" }, words.menu.withUser(account.user, account.tenant_name)), form, button(words.common.cancel, "cancel", () => app.home(), { class: "quiet" })],
    focus: pin.input,
  };
}

async function setUp(app, account, pin, trouble) {
  const text = words.unlock;
  let options;
  try {
    options = await app.phone.beginUnlock(account, pin.input.value);
  } catch (failure) {
    if (failure instanceof Refusal && failure.status === 401) pin.fail(words.request.pinWrong);
    else trouble.say(explanation(failure));
    pin.input.value = "";
    return pin.input.focus();
  }
  let made;
  try {
    made = await make(options);
  } catch {
    return trouble.say(text.notMade);
  }
  try {
    await app.phone.setUnlock(account, made);
  } catch (failure) {
    return trouble.say(explanation(failure));
  }
  await app.home();
  app.announce(text.on(account.tenant_name));
}
