// Asks before an account goes: on this phone it cannot be undone.

import { busy, button, el, problem } from "../dom.js";
import { explanation } from "../failure.js";
import { words } from "../words.js";

export function removeScreen(app, { account }) {
  const text = words.remove;
  const trouble = problem();
  const confirm = button(text.confirm, "remove", (event) =>
    busy(event.currentTarget, async () => {
      try {
        await app.phone.remove(account);
      } catch (failure) {
        return trouble.say(explanation(failure));
      }
      await app.home();
      app.announce(words.menu.removed(account.tenant_name));
    }), { class: "danger" });
  return {
    name: "remove",
    title: text.title,
    content: [
      el("p", {}, text.text(account.user, account.tenant_name)),
      app.phone.accounts.length === 1 && el("p", {}, text.last),
      trouble.root,
      el("div", { class: "stack" }, confirm, button(words.common.cancel, "back", () => app.home(), { class: "quiet" })),
    ],
  };
}
