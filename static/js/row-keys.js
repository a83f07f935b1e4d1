// A list of links by the keyboard: J and K, or the arrow keys, go from row to row, and Enter
// opens the one that is chosen, as a link does anyway. In fields the keys are letters.
const table = document.querySelector("[data-row-keys]");
const links = table ? [...table.querySelectorAll("[data-row-link]")] : [];
const hint = document.querySelector("[data-row-keys-hint]");
if (hint) hint.hidden = false;
const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable], [role=listbox]");
  const step = steps[event.key];
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || typing || !step || links.length === 0) return;
  const at = links.indexOf(document.activeElement);
  if (at < 0 && event.key.length > 1) return; // it scrolls, until a row is chosen
  event.preventDefault();
  links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1)].focus();
});
