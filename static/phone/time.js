// Times as people read them: relative and exact, local, with the zone.

import { el } from "./dom.js";
import { now } from "./clock.js";
import { words } from "./words.js";

const exact = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const exactDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** when shows an instant, given as milliseconds or as RFC 3339. */
export function when(instant) {
  const at = new Date(instant);
  const ago = Math.round((now() - at) / 1000);
  const far = ago >= 86_400;
  let near;
  if (ago < 60) near = relative.format(-Math.max(0, ago), "second");
  else if (ago < 3600) near = relative.format(-Math.round(ago / 60), "minute");
  else if (!far) near = relative.format(-Math.round(ago / 3600), "hour");
  else near = relative.format(-Math.round(ago / 86_400), "day");
  return el("time", { datetime: at.toISOString() }, `${near} (${(far ? exactDay : exact).format(at)})`);
}

/** minutesLeft writes milliseconds as 1:42. */
export function minutesLeft(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** wait says a number of seconds, as a refusal names it. */
export function wait(seconds) {
  if (!seconds) return words.common.aWhile;
  return seconds < 90 ? words.common.seconds(seconds) : words.common.minutes(Math.ceil(seconds / 60));
}
