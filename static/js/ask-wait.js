// Waits until an agent takes a request. Where a stream has nothing to tell, or has ended for
// good, it asks now and then: whether one that is taken is closed.
import { waiting } from "./wait.js";

const { attempt, state } = document.body.dataset;
const wait = waiting(`/signin/${encodeURIComponent(attempt)}/ask`, state, { often: 5000, seldom: 30000 }); // milliseconds

if (state === "waits") wait.listen();
else wait.poll();
