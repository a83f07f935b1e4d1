// The button beside a password that shows what is being typed.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  const { show, showWhat, hide, hideWhat } = button.dataset;
  button.hidden = false;
  button.setAttribute("aria-label", showWhat);
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    button.textContent = shown ? show : hide;
    button.setAttribute("aria-label", shown ? showWhat : hideWhat);
    input.focus();
  });
  // A secret is never sent from a field that browsers remember as text.
  input.form?.addEventListener("submit", () => { input.type = "password"; });
}
