// What to tell a person when a call failed and the screen has nothing better to say.

import { Refusal, Unreachable } from "./protocol.js";
import { wait } from "./time.js";
import { words } from "./words.js";

export function explanation(failure) {
  if (failure instanceof Unreachable) return words.common.noAnswer;
  if (failure instanceof Refusal) {
    if (failure.status === 429) return words.common.throttled(wait(failure.retryAfter));
    return failure.message || words.common.unexpected;
  }
  console.error(failure); // a defect of ours; say as much as a person can use
  return words.common.unexpected;
}
