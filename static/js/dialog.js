// Acts that ask once more fold open without script. Here they become dialogs.
for (const details of document.querySelectorAll("details[data-confirm]")) {
  const summary = details.querySelector("summary");
  const body = details.querySelector(".confirm-body");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", `${details.id}-title`);
  dialog.append(body);
  details.after(dialog);

  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "quiet";
  cancel.textContent = details.dataset.cancel;
  cancel.addEventListener("click", () => dialog.close());
  body.querySelector(".acts").append(cancel);

  const open = () => {
    dialog.showModal();
    const first = dialog.querySelector("input:not([type=hidden])");
    (first ?? cancel).focus();
    first?.select?.();
  };
  summary.setAttribute("aria-haspopup", "dialog");
  summary.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => summary.focus());
  if (details.open) {
    details.open = false;
    open();
  }
}
