// What phone sign-in means, before it is turned on; and the question whether to
// move the phone when another organisation holds it.

import { busy, button, el, notice, problem } from "../dom.js";
import { explanation } from "../failure.js";
import { words } from "../words.js";

export function explainScreen(app, { account, holder }) {
  const text = words.explain;
  const trouble = problem();
  const turnOn = (move) => (event) =>
    busy(event.currentTarget, async () => {
      try {
        await app.phone.enable(account, move);
      } catch (failure) {
        if (failure.code === "registered_elsewhere") return app.go("explain", { account, holder: failure.tenantName || text.another });
        return trouble.say(explanation(failure));
      }
      await app.home();
      app.announce(words.menu.turnedOn(account.tenant_name));
    });
  const who = el("p", { class: "lead" }, text.account(account.user, account.tenant_name));
  const back = button(holder ? text.keep : words.common.back, "back", () => app.home(), { class: "quiet" });
  const content = holder
    ? [who, notice("warning", el("p", {}, text.elsewhere(holder, account.tenant_name))), trouble.root, el("div", { class: "stack" }, button(text.move, "move", turnOn(true), { class: "primary" }), back)]
    : [
        who,
        el("ul", { class: "points" }, text.points.map((point) => el("li", {}, point))),
        !account.registered && notice("warning", el("p", { "data-warning": "unregistered" }, text.unregistered(account.tenant_name))),
        trouble.root,
        el("div", { class: "stack" }, button(words.common.next, "continue", turnOn(false), { class: "primary" }), back),
      ];
  return { name: "explain", title: text.title, data: holder ? { step: "move" } : {}, content };
}
