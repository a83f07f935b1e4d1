// Shows events of the audit as they come in, above the list, from the moment that its reader
// asks for it and while the page is in sight.

const button = document.querySelector("[data-audit-live]");
const place = document.querySelector("[data-audit-new]");
const row = document.querySelector("[data-audit-row]");
const most = 200; // events that stay on the page

let source = null;

function show(e) {
  const line = row.content.cloneNode(true);
  const link = line.querySelector("[data-what]");
  link.textContent = e.what;
  link.href = e.href;
  const at = line.querySelector("[data-at]");
  at.dateTime = e.at;
  at.textContent = e.when;
  for (const name of ["who", "whom", "why"]) line.querySelector(`[data-${name}]`).textContent = e[name];
  const outcome = line.querySelector("[data-outcome]");
  outcome.textContent = e.outcome;
  if (e.tone) outcome.classList.add(e.tone);
  const list = place.querySelector("ul");
  list.prepend(line);
  while (list.children.length > most) list.lastElementChild.remove();
}

function watch(on) {
  source?.close();
  source = null;
  button.setAttribute("aria-pressed", String(on));
  if (!on || document.hidden) return;
  place.hidden = false;
  source = new EventSource(button.dataset.auditLive);
  source.addEventListener("event", (e) => show(JSON.parse(e.data)));
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) watch(false); // refused: the reader may press again
  });
}

if (button) {
  button.hidden = false;
  const wanted = () => button.getAttribute("aria-pressed") === "true";
  button.addEventListener("click", () => watch(!wanted()));
  document.addEventListener("visibilitychange", () => wanted() && watch(true));
  addEventListener("pagehide", () => source?.close());
}
