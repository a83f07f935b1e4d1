// The account menu: what is on this phone and what can be done with it.

import { busy, button, el, notice } from "../dom.js";
import { explanation } from "../failure.js";
import { install, installable, installed, platform } from "../platform.js";
import { askForPush, pushState } from "../push.js";
import { words } from "../words.js";

export function menuScreen(app) {
  const text = words.menu;
  return {
    name: "menu",
    title: text.title,
    content: [
      el("p", { class: "waiting" }, text.waiting),
      el("ul", { class: "accounts" }, app.phone.accounts.map((account) => el("li", {}, card(app, account)))),
      wakeUp(app),
      el(
        "div",
        { class: "stack" },
        button(text.recent, "recent", () => app.go("recent")),
        button(text.add, "add", () => app.go("enrol")),
        installable() && button(text.install, "install", async () => {
          await install();
          app.go("menu");
        }),
      ),
    ],
  };
}

function card(app, account) {
  const text = words.menu;
  const id = `account-${account.id}`;
  const props = { "data-account": account.id, "aria-describedby": id };
  const remove = button(text.remove, "remove", () => app.go("remove", { account }), { ...props, class: "quiet" });
  const heading = el("h2", { id }, account.tenant_name, " ", el("small", {}, account.user));
  if (account.ended) return el("article", { "data-account": account.id }, heading, notice("warning", text.ended), remove);
  const act = account.phone_sign_in
    ? button(text.turnOff, "turn-off", (event) => turnOff(app, account, event.currentTarget), props)
    : button(text.enable, "enable", () => app.go("explain", { account }), { ...props, class: "primary" });
  return el(
    "article",
    { "data-account": account.id },
    heading,
    el("p", { class: account.phone_sign_in ? "state state-on" : "state" }, account.phone_sign_in ? text.on : text.off),
    act,
    remove,
  );
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

/** wakeUp offers notifications, or says how an iPhone gets them. */
function wakeUp(app) {
  const text = words.menu;
  if (platform() === "ios" && !installed()) return el("p", { class: "hint" }, text.installIos);
  if (pushState() !== "ask" || !app.phone.enrolled) return null;
  return el(
    "div",
    { class: "stack" },
    button(text.notify, "notify", async () => {
      await askForPush(app.phone.device);
      app.go("menu");
    }, { "aria-describedby": "notify-why" }),
    el("p", { class: "hint", id: "notify-why" }, text.notifyWhy),
  );
}
