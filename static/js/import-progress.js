// Follows an import that is being carried out, and shows the page anew at its end.
const part = document.querySelector("[data-import-state]");
const bar = part.querySelector("progress");
const said = part.querySelector("[data-said]");
const pause = 1000; // milliseconds

async function ask() {
  try {
    const answer = await fetch(part.dataset.importState, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) {
      const now = await answer.json();
      bar.value = now.done;
      if (said.textContent !== now.said) said.textContent = now.said;
      if (now.state !== document.body.dataset.state) return location.replace(location.href);
    } else if (answer.status === 401) {
      return location.replace(location.href); // the console has closed meanwhile
    }
  } catch {
    // No network for the moment: it goes on without us.
  }
  setTimeout(ask, pause);
}
setTimeout(ask, pause / 2);
