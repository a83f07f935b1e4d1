// Unlocking with what the phone has for it, a face or a finger, in place of the
// PIN. What is signed is the answer itself, so it is for this one and no other.

import { base64url, fromBase64url } from "./key.js";

const bytesOf = (buffer) => base64url(new Uint8Array(buffer));

let can = false;

/** unlockable says whether this phone has a face or finger check that a page may ask for, once look has looked. */
export const unlockable = () => can;

export async function look() {
  try {
    can = Boolean(await globalThis.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable());
  } catch {
    can = false; // then the PIN it is
  }
}

const common = (credential) => ({
  id: credential.id,
  rawId: bytesOf(credential.rawId),
  type: credential.type,
  clientExtensionResults: {},
});

/** make makes what the service asks for in options; it throws when the person does not want to. */
export async function make(options) {
  const publicKey = { ...options, challenge: fromBase64url(options.challenge), user: { ...options.user, id: fromBase64url(options.user.id) }, excludeCredentials: [] };
  const credential = await navigator.credentials.create({ publicKey });
  const { attestationObject, clientDataJSON } = credential.response;
  return { ...common(credential), response: { attestationObject: bytesOf(attestationObject), clientDataJSON: bytesOf(clientDataJSON) } };
}

/** signOver has the phone sign the fingerprint of an answer, once it has seen who holds it. */
export async function signOver(answer, id) {
  const challenge = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(answer));
  const allowCredentials = [{ type: "public-key", id: fromBase64url(id), transports: ["internal"] }];
  const credential = await navigator.credentials.get({ publicKey: { challenge, allowCredentials, userVerification: "required" } });
  const { authenticatorData, clientDataJSON, signature } = credential.response;
  return { ...common(credential), response: { authenticatorData: bytesOf(authenticatorData), clientDataJSON: bytesOf(clientDataJSON), signature: bytesOf(signature) } };
}
