// Times are written by the server in UTC. Here they become the reader's own,
// with the zone, and the exact instant stays in the title.
const today = { hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
const day = { day: "numeric", month: "short", ...today };
const year = { year: "numeric", ...day };

function local(at) {
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return at.toLocaleTimeString(undefined, today);
  return at.toLocaleString(undefined, at.getFullYear() === now.getFullYear() ? day : year);
}

for (const time of document.querySelectorAll("time[data-time]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  const exact = time.querySelector(".time-exact") ?? time;
  exact.textContent = local(at);
}
