// The service's clock. A proof is good for 300 s around its time and a request
// lives 120 s, while phones may be set wrong by hours; so every time that is
// signed or counted down comes from here and not from the phone.

let offset = 0; // milliseconds that the service is ahead of this phone

/** now is the service's time in milliseconds since 1970, as well as we know it. */
export const now = () => Date.now() + offset;

/** seconds is now in whole seconds, as JWS claims want it. */
export const seconds = () => Math.floor(now() / 1000);

/**
 * observe learns from the Date of an answer whose request left at sentAt, and
 * returns by how many milliseconds our idea of the time has moved.
 */
export function observe(response, sentAt) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return 0;
  const received = Date.now();
  const middle = sentAt + (received - sentAt) / 2;
  const before = offset;
  offset = date + 500 - middle; // Date is cut to whole seconds: half a second is the mean loss
  if (Math.abs(offset) < 2000) offset = 0;
  return Math.abs(offset - before);
}
