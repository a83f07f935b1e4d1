// The key of this phone and what is signed with it. The private half is made
// non-extractable: neither this code nor anything injected into it can read the
// key, only use it while the app runs.

const curve = { name: "ECDSA", namedCurve: "P-256" };
const text = new TextEncoder();

/** makeKey gives a new pair with its public JWK: what store.js keeps as the device. */
export async function makeKey() {
  const pair = await crypto.subtle.generateKey(curve, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { privateKey: pair.privateKey, publicKey: { kty, crv, x, y } };
}

/** sign is the compact JWS (RFC 7515, ES256) of header and claims. */
export async function sign(privateKey, header, claims) {
  const signed = `${base64url(text.encode(JSON.stringify(header)))}.${base64url(text.encode(JSON.stringify(claims)))}`;
  // WebCrypto gives r and s side by side, 32 bytes each, as RFC 7518 §3.4 wants them.
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, text.encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/** randomId is 128 bits for a jti. */
export const randomId = () => base64url(crypto.getRandomValues(new Uint8Array(16)));

/** base64url without padding. */
export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** fromBase64url is the way back; a push key needs it. */
export function fromBase64url(encoded) {
  return Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
