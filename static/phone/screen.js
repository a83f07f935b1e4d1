// One screen at a time in <main>. A change of screen moves the focus to its
// heading, so that a screen reader starts there and a keyboard goes on from there.

import { el } from "./dom.js";
import { words } from "./words.js";

const main = document.querySelector("main");
const status = document.querySelector("#status");

let leave = () => {};

/**
 * show replaces the screen.
 *   name     what stands in data-screen
 *   title    the heading and the window's title
 *   content  elements below the heading
 *   data     further data attributes
 *   focus    an element to focus instead of the heading
 *   leave    called when another screen comes
 */
export function show({ name, title, content, data = {}, focus, leave: next = () => {} }) {
  leave();
  leave = next;
  quiet();
  const heading = el("h1", { tabindex: "-1" }, title);
  for (const key of Object.keys(main.dataset)) delete main.dataset[key];
  Object.assign(main.dataset, data, { screen: name });
  main.replaceChildren(heading, ...content.filter(Boolean));
  document.title = `${title} · ${words.app}`;
  scrollTo(0, 0);
  (focus ?? heading).focus({ preventScroll: !focus });
}

const shown = 8000; // milliseconds

let speaking;

/** announce says something to screen readers and shows it to everybody, for a while or until another screen comes. */
export function announce(text) {
  quiet(); // so that the same text twice is said twice
  speaking = setTimeout(() => {
    status.textContent = text;
    speaking = setTimeout(quiet, shown);
  }, 50);
}

function quiet() {
  clearTimeout(speaking);
  status.textContent = "";
}
