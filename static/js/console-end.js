// Warns before the console closes. How long it stays open comes from the service
// in seconds, so that a wrong clock here does no harm; other windows may have
// kept it open meanwhile, so the service is asked before anything is said.
import { words } from "./countdown.js";

const dialog = document.getElementById("console-end");
const warnAt = 120; // seconds before the end

function watch() {
  const out = dialog.querySelector("[data-left]");
  const { stayHref } = dialog.dataset;
  let end = 0; // milliseconds, by the clock here
  let forGood = false;
  let understood = false; // and not to be said again
  let timer = 0;

  const left = () => Math.max(0, Math.ceil((end - Date.now()) / 1000));

  function arm(seconds, good) {
    end = Date.now() + 1000 * seconds;
    if (good !== forGood) understood = false;
    forGood = good;
    for (const part of dialog.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== (good ? "for-good" : "idle");
    tick();
  }

  function later(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(tick, milliseconds);
  }

  // ask gives what the service says, or null when it cannot be reached. A console
  // that has closed has no seconds left; an ordinary page says no more than that
  // it is open.
  async function ask(href) {
    try {
      const answer = await fetch(href, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) return answer.status === 401 ? { ends_in: 0, for_good: forGood } : null;
      return stayHref ? await answer.json() : { ends_in: Number(dialog.dataset.endsIn), for_good: forGood };
    } catch {
      return null;
    }
  }

  const peek = async () => (stayHref ? ask(`${stayHref}/state`) : { ends_in: left(), for_good: forGood });

  async function tick() {
    clearTimeout(timer);
    if (left() === 0) return over();
    if (left() > warnAt) {
      if (dialog.open) dialog.close();
      return later(Math.min(1000 * (left() - warnAt), 60_000));
    }
    if (!dialog.open && !understood) {
      const now = await peek();
      if (now && now.ends_in > warnAt) return arm(now.ends_in, now.for_good);
      if (!dialog.open) dialog.showModal();
    }
    out.textContent = words(left(), dialog.dataset);
    later(1000);
  }

  async function over() {
    const now = await peek();
    if (!now) return later(5000); // no network: what is on the page may still be copied
    if (now.ends_in > 0) return arm(now.ends_in, now.for_good);
    // A page that answered a form has no address of its own: go to the one it stands on.
    const [navigation] = performance.getEntriesByType("navigation");
    const own = !(navigation?.responseStatus >= 400);
    location.replace(own ? location.pathname + location.search : location.pathname.replace(/\/[^/]*$/, ""));
  }

  async function stay() {
    const now = await ask(stayHref || location.pathname + location.search);
    if (now) arm(now.ends_in, now.for_good);
  }

  function put() {
    understood = true;
    dialog.close();
    tick();
  }

  dialog.querySelector("[data-stay]").addEventListener("click", stay);
  dialog.querySelector("[data-close]").addEventListener("click", put);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (forGood) put();
    else stay();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
  addEventListener("pageshow", (event) => { if (event.persisted) tick(); });
  arm(Number(dialog.dataset.endsIn), "forGood" in dialog.dataset);
}

if (dialog) watch();
