// The phone protocol, version 1: one function for each call. Nothing here knows
// of screens or storage. Each call proves the key (RFC 9449); the first enrolment,
// which has no device id yet, leaves kid out.

import { observe, seconds } from "./clock.js";
import { randomId, sign } from "./key.js";

const prefix = "/phone/api/v1";
const callWait = 15_000; // milliseconds

/** Refusal is an answer of the service other than success. */
export class Refusal extends Error {
  constructor(status, body, retryAfter) {
    super(typeof body.message === "string" ? body.message : "");
    this.status = status;
    this.code = typeof body.error === "string" ? body.error : "";
    this.fields = body.fields && typeof body.fields === "object" ? body.fields : {}; // by field, what is wrong with it
    this.tenantName = typeof body.tenant_name === "string" ? body.tenant_name : "";
    this.retryAfter = retryAfter; // seconds, 0 when none was named
  }
}

/** Unreachable says that no answer came: no network, or no service. */
export class Unreachable extends Error {}

/**
 * proof is the DPoP header for one call. The address is the public one and
 * without query, whatever name this page was opened under.
 */
async function proof(device, method, path) {
  const header = { typ: "dpop+jwt", alg: "ES256", kid: device.deviceId || undefined, jwk: device.publicKey };
  const claims = { jti: randomId(), htm: method, htu: device.publicUrl + prefix + path, iat: seconds() };
  return sign(device.privateKey, header, claims);
}

/** send makes one call and returns the response, with our clock set by it. */
async function send(device, method, path, { query = "", body, signal, accept = "application/json" } = {}) {
  const headers = { Accept: accept, DPoP: await proof(device, method, path) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sentAt = Date.now();
  let response;
  try {
    response = await fetch(prefix + path + query, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "omit", // the key is who we are; a session of this browser is somebody else's business
      redirect: "error",
    });
  } catch (cause) {
    throw new Unreachable("no answer", { cause });
  }
  const moved = observe(response, sentAt);
  if (response.ok) return { response, moved };
  let answer = {};
  try {
    answer = (await response.json()) ?? {};
  } catch {
    // Not JSON, say from a proxy: the status says enough.
  }
  const refusal = new Refusal(response.status, answer, Number(response.headers.get("Retry-After")) || 0);
  refusal.moved = moved;
  throw refusal;
}

/** call sends, and sends again once when all that was wrong may have been our clock. */
async function call(device, method, path, options = {}) {
  const bounded = () => ({ ...options, signal: AbortSignal.timeout(callWait) });
  let response;
  try {
    ({ response } = await send(device, method, path, bounded()));
  } catch (failure) {
    const early = failure instanceof Refusal && failure.status === 401 && failure.moved > 60_000;
    if (!early || options.once) throw failure;
    ({ response } = await send(device, method, path, bounded()));
  }
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (cause) {
    // The answer broke off, or a page of somebody else's stands in between.
    throw new Unreachable("half an answer", { cause });
  }
}

const part = encodeURIComponent;

/** enrol trades the token of a link for a device id and an account. */
export const enrol = (device, token, name, platform, pin) =>
  call(device, "POST", "/enrolments", { body: { token, name, platform, public_key: device.publicKey, pin } });

export const accounts = (device) => call(device, "GET", "/accounts");
export const requests = (device) => call(device, "GET", "/requests");

/** enable registers the phone with the organisation of the account; move takes it from another. */
export const enable = (device, account, move) =>
  call(device, "PUT", `/accounts/${part(account)}/phone-sign-in`, { query: move ? "?move=true" : "" });
export const disable = (device, account) => call(device, "DELETE", `/accounts/${part(account)}/phone-sign-in`);

/** test asks for a request of kind "test". */
export const test = (device, account) => call(device, "POST", `/accounts/${part(account)}/test`);

/** beginUnlock trades the PIN for what to make; setUnlock hands that in, and then it unlocks the account too. */
export const beginUnlock = (device, account, pin) => call(device, "POST", `/accounts/${part(account)}/unlock`, { body: { pin }, once: true });
export const setUnlock = (device, account, credential) => call(device, "PUT", `/accounts/${part(account)}/unlock`, { body: { credential } });
export const endUnlock = (device, account) => call(device, "DELETE", `/accounts/${part(account)}/unlock`);

/** remove ends one account of this phone, or without an account the whole device. */
export const remove = (device, account) =>
  call(device, "DELETE", "/devices/self", { query: account ? `?account=${part(account)}` : "" });

/**
 * answer signs what the person decided about a request and sends it. The number
 * goes along with an approval only: a refusal proves nothing by it. So does the
 * act that was shown, of a request that asks for one. What unlocks the phone for
 * it is the PIN, or unlock: a function that has the answer itself signed.
 */
export async function answer(device, account, request, decision, number, pin, unlock) {
  const claims = {
    iss: device.deviceId,
    aud: device.publicUrl,
    sub: account,
    jti: request.id,
    nonce: request.nonce,
    tenant: request.tenant,
    decision,
    ...(decision === "approve" ? { number } : {}),
    ...(decision === "approve" && request.act_hash ? { act: request.act_hash } : {}),
    iat: seconds(),
  };
  const signed = await sign(device.privateKey, { alg: "ES256", kid: device.deviceId, typ: "JWT" }, claims);
  // Sent once only: a second try would count a wrong PIN twice.
  const body = unlock ? { answer: signed, unlock: await unlock(signed) } : { answer: signed, pin };
  return call(device, "POST", `/requests/${part(request.id)}/answer`, { body, once: true });
}

export const pushKey = (device) => call(device, "GET", "/push-key");
export const putPush = (device, subscription) => call(device, "PUT", "/push", { body: subscription });

/** events opens the stream; the caller reads it and ends it by signal. */
export const events = (device, signal) => send(device, "GET", "/events", { signal, accept: "text/event-stream" });
