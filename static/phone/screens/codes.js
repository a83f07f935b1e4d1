// Codes that sign in with no network, and adding one.

import { cameraPart } from "../camera.js";
import { codeAt, keep, leftAt, readCode, stepAt } from "../codes.js";
import { now } from "../clock.js";
import { busy, button, el, field, problem } from "../dom.js";
import { forgetCode, loadCodes, saveCode } from "../store.js";
import { words } from "../words.js";

/** codesScreen lists the codes; about.found is one that a link brought, to be asked for. */
export async function codesScreen(app, { found }) {
  if (found) return confirmCode(app, found);
  const text = words.codes;
  const list = await codeList(app);
  return {
    name: "codes",
    title: text.title,
    content: [
      list ? list.root : el("p", {}, text.none),
      el(
        "div",
        { class: "stack" },
        button(text.add, "add-code", () => app.go("addCode"), { class: list ? null : "primary" }),
        button(words.common.back, "back", () => app.home(), { class: "quiet" }),
      ),
    ],
    leave: list?.stop,
  };
}

/** codeList shows every code with the time that it has left, or is null when there is none. */
export async function codeList(app, level = "h2") {
  const codes = await loadCodes();
  if (codes.length === 0) return null;
  const cards = codes.map((code) => card(app, code, level));
  const draw = () => cards.forEach(({ draw }) => draw());
  draw();
  const ticking = setInterval(draw, 1000);
  return { root: el("ul", { class: "accounts codes" }, cards.map(({ root }) => el("li", {}, root))), stop: () => clearInterval(ticking) };
}

function card(app, code, level) {
  const text = words.codes;
  const shown = el("output", { class: "code", "data-code": "", "aria-live": "off" });
  const life = el("progress", { max: String(code.period), "aria-label": text.left });
  const remove = button(text.remove, "remove-code", () => app.go("removeCode", { code }), { class: "quiet-danger", "aria-label": text.removeLong(name(code)) });
  let step = -1;
  const draw = async () => {
    const at = now();
    life.value = leftAt(code.period, at) / 1000;
    if (step === stepAt(code.period, at)) return;
    step = stepAt(code.period, at);
    const made = await codeAt(code, at);
    shown.textContent = `${made.slice(0, made.length / 2)} ${made.slice(made.length / 2)}`;
  };
  const heading = el(level, {}, code.issuer || text.unnamed, " ", code.user && el("small", {}, code.user));
  return { root: el("article", { "data-code-of": code.id }, heading, shown, life, el("div", { class: "acts" }, remove)), draw };
}

const name = ({ issuer, user }) => [issuer || words.codes.unnamed, user].filter(Boolean).join(", ");

/** addCodeScreen asks for the QR code or the key. */
export async function addCodeScreen(app) {
  const text = words.codes;
  const typed = field({ id: "code-key", label: text.keyLabel, hint: text.keyHint, autocomplete: "off", autocapitalize: "characters", spellcheck: "false" });
  const camera = await cameraPart(readCode, (found) => app.go("codes", { found }), text.scanFailed);
  const form = el("form", { novalidate: true }, typed.root, el("button", { class: camera ? null : "primary" }, words.common.next));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = readCode(typed.input.value);
    if (found) return app.go("codes", { found });
    typed.fail(text.keyWrong);
    typed.input.focus();
  });
  return {
    name: "add-code",
    title: text.addTitle,
    content: [el("p", {}, text.how), camera?.root, form, button(words.common.cancel, "cancel", () => app.go("codes"), { class: "quiet" })],
    leave: camera?.stop,
  };
}

/** confirmCode asks before a code is kept: a link may come from anybody. */
function confirmCode(app, found) {
  const text = words.codes;
  const trouble = problem();
  const add = button(text.keep, "keep-code", (event) =>
    busy(event.currentTarget, async () => {
      try {
        await saveCode(await keep(found));
      } catch {
        return trouble.say(text.notKept);
      }
      history.replaceState(null, "", location.pathname); // the link carries the secret
      await app.go("codes");
      app.announce(text.kept);
    }), { class: "primary" });
  return {
    name: "keep-code",
    title: text.keepTitle,
    content: [
      el("p", { class: "lead" }, name(found)),
      el("p", {}, text.keepText),
      trouble.root,
      el("div", { class: "stack" }, add, button(words.common.cancel, "cancel", () => {
        history.replaceState(null, "", location.pathname);
        app.go("codes");
      }, { class: "quiet" })),
    ],
  };
}

/** removeCodeScreen asks before a code goes: on this phone it cannot be undone. */
export function removeCodeScreen(app, { code }) {
  const text = words.codes;
  const confirm = button(text.remove, "remove-code", (event) =>
    busy(event.currentTarget, async () => {
      await forgetCode(code.id);
      await app.go("codes");
      app.announce(text.removed);
    }), { class: "danger" });
  return {
    name: "remove-code",
    title: text.removeTitle,
    content: [
      el("p", {}, text.removeText(name(code))),
      el("div", { class: "stack" }, confirm, button(words.common.cancel, "back", () => app.go("codes"), { class: "quiet" })),
    ],
  };
}
