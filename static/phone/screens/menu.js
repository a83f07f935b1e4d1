// The account menu: what is on this phone and what can be done with it.

import { busy, button, el, notice } from "../dom.js";
import { explanation } from "../failure.js";
import { install, installable, installed, platform } from "../platform.js";
import { askForPush, pushState } from "../push.js";
import { unlockable } from "../unlock.js";
import { words } from "../words.js";

export function menuScreen(app) {
  const text = words.menu;
  return {
    name: "menu",
    title: text.title,
    content: [
      app.phone.alive && el("p", { class: "waiting" }, text.waiting),
      el("ul", { class: "accounts" }, app.phone.accounts.map((account) => el("li", {}, card(app, account)))),
      el(
        "div",
        { class: "rows" },
        button([text.codes, el("small", {}, text.codesWhy)], "codes", () => app.go("codes")),
        button(text.recent, "recent", () => app.go("recent")),
        button(text.add, "add", () => app.go("enrol")),
        notifications(app),
        installable() && button(text.install, "install", async () => {
          await install();
          app.go("menu");
        }),
      ),
      platform() === "ios" && !installed() && el("p", { class: "hint" }, text.installIos),
    ],
  };
}

function card(app, account) {
  const text = words.menu;
  const id = `account-${account.id}`;
  const props = { "data-account": account.id, "aria-describedby": id };
  const remove = button(text.remove, "remove", () => app.go("remove", { account }), { ...props, class: "quiet-danger" });
  const heading = el("h2", { id }, account.tenant_name, " ", el("small", {}, account.user));
  if (account.ended) return el("article", { "data-account": account.id }, heading, notice("warning", text.ended), el("div", { class: "acts" }, remove));
  const on = account.phone_sign_in;
  return el(
    "article",
    { "data-account": account.id },
    heading,
    el("p", { class: on ? "state state-on" : "state" }, on ? text.on : text.off),
    !on && button(text.enable, "enable", () => app.go("explain", { account }), { ...props, class: "primary" }),
    el(
      "div",
      { class: "acts" },
      account.unlock_id
        ? button(text.pinOnly, "end-unlock", (event) => endUnlock(app, account, event.currentTarget), { ...props, class: "quiet", "aria-label": text.pinOnlyLong })
        : unlockable() && button(text.unlock, "unlock", () => app.go("unlock", { account }), { ...props, class: "quiet", "aria-label": text.unlockLong }),
      on && button(text.turnOff, "turn-off", (event) => turnOff(app, account, event.currentTarget), { ...props, class: "quiet", "aria-label": text.turnOffLong }),
      remove,
    ),
  );
}

function endUnlock(app, account, control) {
  return busy(control, async () => {
    let said = words.unlock.off(account.tenant_name);
    try {
      await app.phone.endUnlock(account);
    } catch (failure) {
      said = explanation(failure);
    }
    app.announce(said);
  });
}

function turnOff(app, account, control) {
  return busy(control, async () => {
    let said = words.menu.turnedOff(account.tenant_name);
    try {
      await app.phone.disable(account);
    } catch (failure) {
      said = explanation(failure);
    }
    app.announce(said);
  });
}

/** notifications offers them where the person can be asked. */
function notifications(app) {
  const text = words.menu;
  if ((platform() === "ios" && !installed()) || pushState() !== "ask" || !app.phone.enrolled) return null;
  return button([text.notify, el("small", {}, text.notifyWhy)], "notify", async () => {
    await askForPush(app.phone.device);
    app.go("menu");
  });
}
