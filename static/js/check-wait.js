// Waits for the answer to a caller check, or for somebody's word.
import { countdown } from "./countdown.js";
import { waiting } from "./wait.js";

const { check: here, checkState: state } = document.querySelector("[data-check]").dataset;
const wait = waiting(here, state, { often: 2000 }); // milliseconds

if (state === "pending") {
  countdown(document.querySelector("[data-countdown]"), () => setTimeout(wait.ask, 500));
  wait.listen();
}
