// Keeps the event stream open. EventSource cannot send the DPoP header, so this
// reads the stream by fetch. An event is a hint only: whoever hears it fetches
// the requests, signed, and a slow poll catches what a lost stream did not say.

import { events, Refusal } from "./protocol.js";

const firstWait = 1_000; // milliseconds, doubled for each failure
const longestWait = 30_000;
const silence = 60_000; // the service writes a comment every 15 to 25 s; longer means a dead line

/** listen calls heard for each event until the returned function is called. */
export function listen(device, heard) {
  let stopped = false;
  let line = new AbortController();
  let wake = () => {};

  async function read() {
    line = new AbortController();
    let watchdog = setTimeout(() => line.abort(), silence);
    try {
      const { response } = await events(device, line.signal);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      let event = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => line.abort(), silence);
        wait = firstWait;
        const lines = (rest + value).split(/\r?\n/);
        rest = lines.pop();
        for (const text of lines) {
          if (text.startsWith("event:")) event = text.slice(6).trim();
          else if (text === "") {
            if (event) heard(event);
            event = "";
          }
        }
      }
    } finally {
      clearTimeout(watchdog);
      line.abort();
    }
  }

  let wait = firstWait;
  (async () => {
    while (!stopped) {
      try {
        await read();
      } catch (failure) {
        // Whatever it was: the poll says what is true, we only try again. But of
        // a phone that is none any more its person should hear now.
        if (failure instanceof Refusal && failure.status === 401) heard("refused");
      }
      if (stopped) return;
      const pause = wait * (0.5 + Math.random()); // spread, so that a restarted service is not stormed
      wait = Math.min(wait * 2, longestWait);
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, pause);
      });
    }
  })();

  return {
    /** hurry ends a pause at once, say when the network is back. */
    hurry: () => wake(),
    stop() {
      stopped = true;
      line.abort();
      wake();
    },
  };
}
