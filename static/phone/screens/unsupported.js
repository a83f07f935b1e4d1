// Said plainly: not on this platform, and what to do instead.

import { button, el } from "../dom.js";
import { words } from "../words.js";

export function unsupportedScreen(app, { reason }) {
  const text = words.unsupported;
  return {
    name: "unsupported",
    title: text.title,
    content: [
      el("p", { class: "lead" }, reason || text.platform),
      app.phone.accounts.length > 0 && button(text.back, "back", () => app.home()),
    ],
  };
}
