// A request: who asks, from where, how long it waits; then the number; then the
// PIN. "It is not me" is on the screen from the first moment to the last.
//
// Tests find: stage "number" and stage "pin" in data-stage. On the PIN stage the
// button that sends carries the decision in data-action.

import { busy, button, el, field, problem } from "../dom.js";
import { now } from "../clock.js";
import { explanation } from "../failure.js";
import { Refusal } from "../protocol.js";
import { announce, show } from "../screen.js";
import { minutesLeft, when } from "../time.js";
import { words } from "../words.js";

const digitsOf = { type2: 2, type6: 6 };

export function requestScreen(app, { request }) {
  return numberStage(app, request);
}

/** watch ends the screen when the request is no longer there to be answered. */
function watch(app, request, clock) {
  let over = false;
  const end = async (outcome) => {
    if (over) return;
    over = true;
    await app.phone.settle(request, outcome);
    app.go("outcome", { request, outcome });
  };
  const expires = Date.parse(request.expires_at);
  const life = expires - Date.parse(request.created_at);
  let warned = expires - now() < 30_000;
  const tick = () => {
    const left = expires - now();
    clock?.(left, life);
    if (sending.has(request.id)) return;
    if (left <= 0) return end("expired");
    if (!warned && left < 30_000) {
      warned = true;
      announce(words.request.soon);
    }
  };
  const changed = () => {
    const { requests, offline } = app.phone;
    if (!offline && !sending.has(request.id) && !requests.some(({ id }) => id === request.id)) {
      end(expires > now() ? "gone" : "expired");
    }
  };
  const timer = setInterval(tick, 1000);
  tick();
  app.phone.addEventListener("change", changed);
  return () => {
    over = true;
    clearInterval(timer);
    app.phone.removeEventListener("change", changed);
  };
}

const sending = new Set(); // requests whose answer is under way; their going is no surprise

function numberStage(app, request) {
  const text = words.request;
  const bar = el("progress", { max: "1", value: "1", "aria-label": text.leftLabel });
  const left = el("span", { class: "left" });
  const decide = (decision, number) => show(pinStage(app, request, decision, number));
  return {
    name: "request",
    title: text.title[request.kind] ?? text.title.other,
    data: { stage: "number", request: request.id, kind: request.kind, mode: request.mode },
    content: [
      facts(request),
      el("div", { class: "life" }, bar, left),
      request.mode === "pick3" ? pick(request, decide) : type(request, decide),
      refusals(decide),
    ],
    leave: watch(app, request, (milliseconds, life) => {
      bar.value = Math.max(0, Math.min(1, milliseconds / life));
      left.textContent = text.left(minutesLeft(milliseconds));
    }),
  };
}

function facts(request) {
  const text = words.request;
  const rows = [
    [text.tenant, request.tenant_name],
    [text.user, request.user],
    [text.application, request.application],
    [text.browser, request.browser, request.new_browser && el("strong", { class: "new-browser" }, text.newBrowser)],
    [text.place, request.place || request.ip],
    [text.time, when(request.created_at)],
  ];
  return el("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([term, value, remark]) => el("div", {}, el("dt", {}, term), el("dd", {}, value, remark && " ", remark))));
}

function pick(request, decide) {
  const text = words.request;
  return el(
    "div",
    { role: "group", "aria-labelledby": "number-label" },
    el("p", { id: "number-label", class: "ask" }, request.kind === "caller_check" ? text.pickCaller : text.pick),
    el("div", { class: "numbers" }, request.numbers.map((number) => el("button", { type: "button", class: "number", "data-number": number, on: { click: () => decide("approve", number) } }, number))),
  );
}

function type(request, decide) {
  const text = words.request;
  const digits = digitsOf[request.mode] ?? 6;
  const number = field({
    id: "typed-number",
    label: (request.kind === "caller_check" ? text.typeCaller : text.type)(digits),
    inputmode: "numeric",
    autocomplete: "off",
    maxlength: String(digits),
    class: "digits",
  });
  const form = el("form", { novalidate: true }, number.root, el("button", { class: "primary", "data-action": "approve" }, words.common.next));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = number.input.value.trim();
    if (new RegExp(`^\\d{${digits}}$`).test(typed)) return decide("approve", typed);
    number.fail(text.typeWrong(digits));
    number.input.focus();
  });
  return form;
}

/** refusals stay at the foot of the screen, in sight whatever is above. */
function refusals(decide) {
  const text = words.request;
  return el("div", { class: "refusals" }, button(text.report, "report", () => decide("report"), { class: "danger" }), button(text.deny, "deny", () => decide("deny")));
}

function pinStage(app, request, decision, number) {
  const text = words.request;
  const trouble = problem();
  const pin = field({ id: "pin", label: text.pinLabel(request.tenant_name), type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "32", required: true, class: "digits" });
  const send = el("button", { id: "pin-submit", class: decision === "report" ? "danger" : "primary", "data-action": decision }, text.send[decision]);
  const said = { approve: () => text.approving(number), deny: () => text.denying, report: () => text.reporting }[decision]();
  const form = el("form", { novalidate: true }, el("p", { class: "lead" }, said), trouble.root, pin.root, send);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trouble.say("");
    if (!/^\d{6,}$/.test(pin.input.value)) {
      pin.fail(text.pinShort);
      return pin.input.focus();
    }
    busy(send, async () => {
      sending.add(request.id);
      try {
        const outcome = await app.phone.answer(request, decision, number, pin.input.value);
        await app.go("outcome", { request, outcome });
      } catch (failure) {
        const wrong = failure instanceof Refusal && failure.status === 401;
        if (wrong) pin.fail(text.pinWrong);
        else trouble.say(explanation(failure));
        // One wrong PIN too many switches the account off; the list will say so.
        if (wrong) app.phone.syncAccounts().catch(() => {});
        pin.input.value = "";
        pin.input.focus();
      } finally {
        sending.delete(request.id);
      }
    });
  });

  const back = button(words.common.back, "back", () => show(numberStage(app, request)), { class: "quiet" });
  return {
    name: "request",
    title: text.pinTitle[decision],
    data: { stage: "pin", request: request.id, kind: request.kind, mode: request.mode, decision },
    content: [
      form,
      back,
      decision === "approve" && el("div", { class: "refusals" }, button(text.report, "report", () => show(pinStage(app, request, "report")), { class: "danger" })),
    ],
    focus: pin.input,
    leave: watch(app, request),
  };
}
