// Recent requests as this phone saw them; readable with no network.

import { button, el } from "../dom.js";
import { loadRecent } from "../store.js";
import { when } from "../time.js";
import { words } from "../words.js";

export async function recentScreen(app) {
  return {
    name: "recent",
    title: words.recent.title,
    content: [await recentList(), button(words.common.back, "back", () => app.home(), { class: "quiet" })],
  };
}

/** recentList is the list itself; the offline screen shows it too. */
export async function recentList() {
  const text = words.recent;
  const entries = await loadRecent();
  if (entries.length === 0) return el("p", { class: "hint" }, text.none);
  return el("ul", { class: "recent" }, entries.map((entry) =>
    el(
      "li",
      { "data-outcome": entry.outcome },
      el("strong", {}, text.outcome[entry.outcome] ?? entry.outcome),
      el("span", {}, text.facts(text.kind[entry.kind] ?? text.kind.other, entry.kind !== "test" && entry.application)),
      el("span", {}, words.menu.withUser(entry.user, entry.tenant_name)),
      el("span", { class: "hint" }, [entry.browser, words.request.placed(entry.place, entry.ip)].filter(Boolean).join(" · ")),
      el("span", { class: "hint" }, when(entry.created_at)),
    )));
}
