// Waits for the answer of the phone. An approved attempt is finished, any other change is
// shown by the page itself. A request that was held is sent as soon as it may be, so a page
// that says so looks for its number.
import { countdown } from "./countdown.js";
import { waiting } from "./wait.js";

const { attempt, state } = document.body.dataset;
const finish = document.getElementById("finish");
const wait = waiting(`/signin/${encodeURIComponent(attempt)}`, state, { often: state === "held" ? 5000 : 2000, shows: finishes }); // milliseconds

function finishes(next) {
  if (next !== "approved" || !finish) return false;
  document.body.dataset.state = next;
  const words = document.querySelector("[data-wait-words]");
  if (words) words.textContent = words.dataset.approved;
  finish.requestSubmit();
  return true;
}

if (state === "approved") {
  finish.requestSubmit();
} else if (state === "held") {
  wait.poll();
} else if (state === "pending") {
  countdown(document.querySelector("[data-countdown]"), () => setTimeout(wait.ask, 500));
  wait.listen();
}
