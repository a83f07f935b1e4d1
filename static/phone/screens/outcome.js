// What became of a request, in one word and one sentence.

import { button, el } from "../dom.js";
import { words } from "../words.js";

export function outcomeScreen(app, { request, outcome }) {
  const passed = request.kind === "test" && outcome === "approved";
  const own = { approval: words.outcomeOfAct, caller_check: words.outcomeOfCheck }[request.kind];
  const [title, text] = own?.[outcome] ?? (words.outcome[passed ? "approvedTest" : outcome] ?? words.outcome.refused);
  return {
    name: "outcome",
    title,
    data: { outcome, kind: request.kind },
    content: [
      el("p", { class: "lead" }, text),
      el("p", { class: "hint" }, words.menu.withUser(request.user, request.tenant_name)),
      button(words.common.done, "done", () => app.home(), { class: "primary" }),
    ],
  };
}
