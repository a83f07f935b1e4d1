// Said plainly: not on this platform, and what to do instead.

import { button, el } from "../dom.js";
import { words } from "../words.js";

export function unsupportedScreen(app, { reason }) {
  const text = words.unsupported;
  const toPlatform = reason !== text.browser;
  return {
    name: "unsupported",
    title: text.title,
    content: [
      el("p", {}, reason || text.platform),
      toPlatform && el("p", {}, text.instead),
      app.phone.accounts.length > 0 && button(text.back, "back", () => app.home()),
    ],
  };
}
