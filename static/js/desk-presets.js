// The reasons of the desk by their keys: a digit chooses one, Enter gives it. One that
// takes a ticket has the browser ask for it before anything is sent.
const reasons = document.querySelector("[data-presets]");
if (reasons) {
  const form = reasons.closest("form");
  const ticket = form.querySelector("input[name=ticket]");
  const ask = () => { ticket.required = Boolean(reasons.querySelector("input:checked")?.hasAttribute("data-ticket")); };
  reasons.addEventListener("change", ask);
  ask();
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=radio]):not([type=checkbox]), select, textarea, [contenteditable]");
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || typing || document.querySelector("dialog[open]")) return;
    const reason = /^[0-9]$/.test(event.key) && reasons.querySelector(`input[data-key="${event.key}"]`);
    if (!reason) return;
    event.preventDefault();
    reason.checked = true;
    reason.focus();
    ask();
  });
}
