// Waits until the page at an address would show something else than the state it was
// written in: by server-sent events at once, by polling where those do not get through.
// What came of it the page itself shows.

// waiting begins nothing by itself: listen and poll do, and ask looks once. Seldom is how
// long a poll waits where no stream is tried again, often where one may come back; shows
// may take the place of loading the page.
export function waiting(here, state, { often, seldom = often, shows = () => false }) {
  let over = false;
  let source = null;
  let timer = 0;

  function settle(next) {
    if (over || !next || next === state) return;
    over = true;
    source?.close();
    clearTimeout(timer);
    if (!shows(next)) location.replace(here);
  }

  async function ask() {
    try {
      const answer = await fetch(`${here}/state`, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok) settle((await answer.json()).state);
      else if (answer.status === 401 || answer.status === 404) settle("gone");
    } catch {
      // No network for the moment: the next poll asks again.
    }
  }

  function poll() {
    if (over || timer) return;
    timer = setTimeout(async () => {
      timer = 0;
      await ask();
      if (source?.readyState !== EventSource.OPEN) poll();
    }, !source || source.readyState === EventSource.CLOSED ? seldom : often);
  }

  function listen() {
    source = new EventSource(`${here}/events`);
    source.addEventListener("state", (event) => settle(event.data.trim()));
    source.addEventListener("error", poll);
  }

  // A page that comes back from the history shows what was, not what is.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.replace(here);
  });

  return { ask, poll, listen };
}
