// Adding this phone: first a link (opened, pasted or scanned), then a name and
// a PIN, then the test prompt.

import { cameraPart } from "../camera.js";
import { busy, button, el, field, problem } from "../dom.js";
import { explanation } from "../failure.js";
import { readLink } from "../link.js";
import { keepStorage, platform } from "../platform.js";
import { words } from "../words.js";

export function enrolScreen(app, { token }) {
  return token ? setUp(app, token) : findLink(app);
}

/** findLink asks for the link when the app was opened without one. */
async function findLink(app) {
  const text = words.enrol;
  const link = field({ id: "enrol-link", label: text.pasteLabel, hint: text.pasteHint, inputmode: "url", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const elsewhere = el("p", { hidden: true });
  const camera = await cameraPart((value) => readLink(value, app.phone.publicUrl)?.token, (token) => app.go("enrol", { token }), text.scanFailed);
  const form = el("form", { novalidate: true }, link.root, elsewhere, el("button", { class: camera ? null : "primary" }, words.common.next));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const read = readLink(link.input.value, app.phone.publicUrl);
    elsewhere.hidden = !read?.elsewhere;
    if (read?.token) return app.go("enrol", { token: read.token });
    if (read?.elsewhere) {
      elsewhere.replaceChildren(text.elsewhere(read.elsewhere.host), " ", el("a", { href: read.elsewhere.href, rel: "noreferrer" }, read.elsewhere.origin));
    } else {
      link.fail(text.pasteWrong);
    }
    link.input.focus();
  });
  return {
    name: "enrol",
    title: text.title,
    data: { step: "link" },
    content: [
      el("p", {}, text.how),
      camera?.root,
      form,
      app.phone.accounts.length === 0 && button(words.menu.codes, "codes", () => app.go("codes"), { class: "quiet" }),
      app.phone.accounts.length > 0 && button(words.common.cancel, "cancel", () => app.home(), { class: "quiet" }),
    ],
    leave: camera?.stop,
  };
}

/** setUp asks for name and PIN and trades the token for an account. */
function setUp(app, token) {
  const text = words.enrol;
  const kind = platform();
  const name = field({ id: "enrol-name", label: text.nameLabel, hint: text.nameHint, value: text.nameFor[kind], maxlength: "60", autocomplete: "off", required: true });
  const digits = { type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "16", required: true };
  const pin = field({ id: "enrol-pin", label: text.pinLabel, hint: text.pinHint, ...digits });
  const again = field({ id: "enrol-pin-again", label: text.pinAgainLabel, ...digits });
  const trouble = problem();
  const submit = el("button", { id: "enrol-submit", class: "primary" }, text.submit);
  const form = el("form", { novalidate: true }, trouble.root, name.root, pin.root, again.root, submit);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trouble.say("");
    name.fail(name.input.value.trim() ? "" : text.nameMissing);
    pin.fail(/^\d{6,16}$/.test(pin.input.value) ? "" : text.pinShort);
    again.fail(again.input.value === pin.input.value ? "" : text.pinDiffers);
    if (focusWrong(form)) return;
    busy(submit, async () => {
      let account;
      try {
        account = await app.phone.enrol(token, name.input.value.trim(), kind, pin.input.value);
      } catch (failure) {
        return refused(app, failure, form, { name, pin }, trouble);
      }
      history.replaceState(null, "", location.pathname); // the token is used up
      keepStorage();
      await testPrompt(app, account);
    });
  });

  return {
    name: "enrol",
    title: text.title,
    data: { step: "set-up" },
    content: [
      el("p", {}, text.setUp),
      form,
      button(text.otherLink, "other-link", () => {
        history.replaceState(null, "", location.pathname);
        app.go("enrol");
      }, { class: "quiet" }),
    ],
  };
}

/** focusWrong goes to the first field that is wrong, if there is one. */
function focusWrong(form) {
  const wrong = form.querySelector("[aria-invalid]");
  wrong?.focus();
  return Boolean(wrong);
}

/** refused says beside each field what the service has against it, and all else above. */
function refused(app, failure, form, fields, trouble) {
  if (failure.code === "platform_not_allowed") return app.go("unsupported", { reason: failure.message });
  for (const [name, text] of Object.entries(failure.fields ?? {})) fields[name]?.fail(String(text));
  if (focusWrong(form)) return;
  const dead = [401, 404, 410].includes(failure.status);
  trouble.say(dead ? words.enrol.linkDead : explanation(failure));
}

/** testPrompt lets the person answer once while the computer still shows the number. */
async function testPrompt(app, account) {
  try {
    await app.phone.test(account);
  } catch {
    // The phone is enrolled all the same; a test request may still come by the stream.
  }
  const request = app.phone.requests.find(({ kind }) => kind === "test");
  return request ? app.go("request", { request }) : app.home();
}
