// With no network the phone still opens, says so, and shows what it knows.

import { busy, button, el } from "../dom.js";
import { words } from "../words.js";
import { codeList } from "./codes.js";
import { recentList } from "./recent.js";

export async function offlineScreen(app) {
  const { codes, offline, menu, recent } = words;
  const list = await codeList(app, "h3");
  return {
    name: "offline",
    title: offline.title,
    content: [
      el("p", {}, offline.text),
      button(offline.retry, "retry", (event) => busy(event.currentTarget, app.catchUp), { class: "primary" }),
      list && el("h2", {}, codes.title),
      list && el("p", { class: "hint" }, offline.codes),
      list?.root,
      el("h2", {}, menu.title),
      el("ul", { class: "accounts" }, app.phone.accounts.map((account) =>
        el("li", {}, el("article", { "data-account": account.id },
          el("h3", {}, account.tenant_name, " ", el("small", {}, account.user)),
          el("p", { class: account.phone_sign_in ? "state state-on" : "state" }, account.phone_sign_in ? menu.on : menu.off))))),
      el("h2", {}, recent.title),
      await recentList(),
    ],
    leave: list?.stop,
  };
}
