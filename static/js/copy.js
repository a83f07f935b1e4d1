// Buttons that copy the text of another element.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const word = button.querySelector("[data-copy-word]");
    const name = word.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text);
        word.textContent = button.dataset.copied;
      } catch {
        word.textContent = button.dataset.copyFailed;
      }
      setTimeout(() => { word.textContent = name; }, 2500);
    });
  }
}
