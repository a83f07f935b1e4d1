// A request: who asks, from where, how long it waits; then the number; then the
// PIN. "It is not me" is on the screen from the first moment to the last, and
// neither it nor Deny asks for the PIN: a refusal opens nothing, and whoever
// finds a request that is not theirs must be able to say so at once.
//
// Tests find: stages "number", "pin" and "report" in data-stage. A button that
// sends an answer carries its decision in data-action; on the stage "number"
// that is "deny" alone.

import { busy, button, el, field, problem } from "../dom.js";
import { now } from "../clock.js";
import { explanation } from "../failure.js";
import { Refusal } from "../protocol.js";
import { announce, show } from "../screen.js";
import { minutesLeft, when } from "../time.js";
import { signOver } from "../unlock.js";
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

/** send hands the answer in and shows what became of it, or tells failed why the request is still open. */
function send(app, request, decision, number, pin, failed, unlock) {
  return async () => {
    sending.add(request.id);
    try {
      const outcome = await app.phone.answer(request, decision, number, pin?.value, unlock);
      await app.go("outcome", { request, outcome });
    } catch (failure) {
      failed(failure);
    } finally {
      sending.delete(request.id);
    }
  };
}

function stage(request, name, rest) {
  return { name: "request", data: { stage: name, request: request.id, kind: request.kind, mode: request.mode }, ...rest };
}

function numberStage(app, request) {
  const text = words.request;
  const bar = el("progress", { max: "1", value: "1", "aria-label": text.leftLabel });
  const left = el("span", { class: "left" });
  const trouble = problem();
  const approve = (number) => show(pinStage(app, request, number));
  return stage(request, "number", {
    title: request.binds ? text.title.binds : request.person ? text.title.vouch : (text.title[request.kind] ?? text.title.other),
    content: [
      request.kind === "test" && el("p", {}, text.test),
      request.act && act(request),
      !request.act && facts(request),
      el("div", { class: "life" }, bar, left),
      trouble.root,
      request.mode === "pick3" ? pick(request, approve) : type(request, approve),
      request.act && facts(request),
      refusals(reportButton(app, request), denyButton(app, request, text.deny, trouble)),
    ],
    leave: watch(app, request, (milliseconds, life) => {
      bar.value = Math.max(0, Math.min(1, milliseconds / life));
      left.textContent = text.left(minutesLeft(milliseconds));
    }),
  });
}

/** act shows what is to be approved: it comes before the number, because it is what the number is for. */
function act(request) {
  const text = words.request;
  if (request.kind === "caller_check") return check(request);
  const changes = (Array.isArray(request.difference) ? request.difference : []).map(({ field, before, after }) => [field, text.change(before, after)]);
  const rows = [...changes, [text.requester, request.requester], [text.reason, request.reason], [text.ticket, request.ticket]];
  return el("section", { class: "act", "aria-label": text.what }, el("h2", {}, request.act), list(rows));
}

/** check shows who at the helpdesk asks, in as few lines as it takes: the numbers must stay in sight. The title says what. */
function check(request) {
  const text = words.request;
  const rows = [
    [text.person, request.person],
    [text.requester, request.requester, request.role && `· ${request.role}`],
    [text.case, [request.case, request.ticket].filter(Boolean).join(" · ")],
    [text.agentCode, request.agent_code && el("strong", { class: "agent-code", "data-agent-code": "" }, request.agent_code)],
  ];
  return el("section", { class: "act", "aria-label": text.whatAsked }, list(rows), request.binds && el("p", { class: "hint" }, text.bindsText), request.agent_code && el("p", { class: "hint" }, text.agentCodeHow));
}

const list = (rows) =>
  el("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([term, value, remark]) => el("div", {}, el("dt", {}, term), el("dd", {}, value, remark && " ", remark))));

function facts(request) {
  const text = words.request;
  const test = request.kind === "test"; // asked for by this phone itself
  const desk = request.kind === "caller_check"; // by no browser of this person
  const rows = [
    [text.tenant, request.tenant_name],
    [text.user, request.user],
    [text.application, !test && request.application],
    [text.browser, !test && !desk && request.browser, request.new_browser && el("strong", { class: "new-browser" }, text.newBrowser)],
    [text.place, !test && !desk && text.placed(request.place, request.ip)],
    [text.time, !test && when(request.created_at)],
  ];
  return list(rows);
}

function pick(request, approve) {
  const text = words.request;
  return el(
    "div",
    { role: "group", "aria-labelledby": "number-label" },
    el("p", { id: "number-label", class: "ask" }, request.binds ? text.pickBinds : request.kind === "caller_check" ? text.pickCaller : text.pick),
    el("div", { class: "numbers" }, request.numbers.map((number) => el("button", { type: "button", class: "number", "data-number": number, on: { click: () => approve(number) } }, number))),
  );
}

function type(request, approve) {
  const text = words.request;
  const digits = digitsOf[request.mode] ?? 6;
  const number = field({
    id: "typed-number",
    label: (request.binds ? text.typeBinds : request.kind === "caller_check" ? text.typeCaller : text.type)(digits),
    inputmode: "numeric",
    autocomplete: "off",
    maxlength: String(digits),
    class: "digits",
  });
  const form = el("form", { novalidate: true }, number.root, el("button", { class: "primary", "data-action": "next" }, words.common.next));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = number.input.value.trim();
    if (new RegExp(`^\\d{${digits}}$`).test(typed)) return approve(typed);
    number.fail(text.typeWrong(digits));
    number.input.focus();
  });
  return form;
}

/** refusals stay at the foot of the screen, in sight whatever is above. */
function refusals(...buttons) {
  return el("div", { class: "refusals" }, buttons);
}

const reportButton = (app, request) => button(words.request.report, "not-me", () => show(reportStage(app, request)), { class: "danger" });

function denyButton(app, request, label, trouble) {
  return button(label, "deny", (event) => {
    trouble.say("");
    busy(event.currentTarget, send(app, request, "deny", "", null, (failure) => trouble.say(explanation(failure))));
  });
}

/** Unseen says that the phone did not see a face or finger that it knows. */
class Unseen extends Error {}

/** pinStage asks for what an approval needs beside the key: the PIN, or a face or finger where that is set up. */
function pinStage(app, request, number) {
  const text = words.request;
  const trouble = problem();
  const pin = field({ id: "pin", label: text.pinLabel(request.tenant_name), type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "16", required: true, class: "digits" });
  const { unlock_id: unlockId } = app.phone.accountOf(request) ?? {};
  const face = unlockId && button(text.unlock, "unlock", (event) => {
    trouble.say("");
    const unlock = async (answer) => {
      try {
        return await signOver(answer, unlockId);
      } catch (cause) {
        throw new Unseen("not recognised", { cause });
      }
    };
    busy(event.currentTarget, send(app, request, "approve", number, null, unseen, unlock));
  }, { class: "primary" });
  const submit = el("button", { id: "pin-submit", class: face ? null : "primary", "data-action": "approve" }, text.approve);
  const form = el(
    "form",
    { novalidate: true },
    request.act && el("p", { class: "lead" }, request.act),
    el("p", { class: "given" }, text.approving, " ", el("strong", {}, number)),
    trouble.root,
    face,
    face && el("p", {}, text.orPin),
    pin.root,
    submit,
  );
  const unseen = (failure) => {
    const refused = failure instanceof Refusal && failure.status === 401;
    trouble.say(refused || failure instanceof Unseen ? text.unlockFailed : explanation(failure));
    if (refused) app.phone.syncAccounts().catch(() => {}); // it may be the PIN alone by now
    (refused ? pin.input : face).focus();
  };
  const failed = (failure) => {
    const wrong = failure instanceof Refusal && failure.status === 401;
    if (wrong) pin.fail(text.pinWrong);
    else trouble.say(explanation(failure));
    // One wrong PIN too many switches the account off; the list will say so.
    if (wrong) app.phone.syncAccounts().catch(() => {});
    pin.input.value = "";
    pin.input.focus();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trouble.say("");
    if (!/^\d{6,}$/.test(pin.input.value)) {
      pin.fail(text.pinShort);
      return pin.input.focus();
    }
    busy(submit, send(app, request, "approve", number, pin.input, failed));
  });
  return stage(request, "pin", {
    title: face ? text.unlockTitle : text.pinTitle,
    content: [form, back(app, request), refusals(reportButton(app, request))],
    focus: face || pin.input,
    leave: watch(app, request),
  });
}

/** reportStage says what a report does before it is sent, because it also keeps the next hour's requests away. */
function reportStage(app, request) {
  const text = words.request;
  const trouble = problem();
  const report = button(text.reportSend, "report", (event) => {
    trouble.say("");
    busy(event.currentTarget, send(app, request, "report", "", null, (failure) => trouble.say(explanation(failure))));
  }, { class: "danger" });
  return stage(request, "report", {
    title: text.reportTitle,
    content: [
      el("p", { class: "lead" }, reporting(request)),
      request.act && act(request),
      facts(request),
      trouble.root,
      el("div", { class: "stack" }, report, denyButton(app, request, text.denyOnly, trouble), back(app, request)),
    ],
    leave: watch(app, request),
  });
}

function reporting(request) {
  const text = words.request;
  if (request.binds) return text.reportingBinds;
  if (request.kind === "caller_check") return request.person ? text.reportingVouch : text.reportingCheck;
  return request.act ? text.reportingAct : text.reporting;
}

const back = (app, request) => button(words.common.back, "back", () => show(numberStage(app, request)), { class: "quiet" });
