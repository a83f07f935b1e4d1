// Buttons that copy the text of another element.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const word = button.querySelector("[data-copy-word]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text);
        word.textContent = "Copied";
      } catch {
        word.textContent = "Not copied";
      }
      setTimeout(() => { word.textContent = "Copy"; }, 2500);
    });
  }
}
