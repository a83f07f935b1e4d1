// Codes of an authenticator app (RFC 6238), made on the phone with no network.
// The secret comes from the QR code or the key on the page where codes are set up,
// becomes a key that cannot be taken out again, and is not kept in any other form.

const algorithms = { SHA1: "SHA-1", SHA256: "SHA-256", SHA512: "SHA-512" };

/**
 * readCode reads what was scanned, pasted or typed: an otpauth link (Key Uri Format), a
 * link to this app that carries one, or a key alone. It gives issuer, user, secret,
 * hash, digits and period, or null.
 */
export function readCode(text) {
  text = text.trim();
  const key = /^[A-Za-z2-7][A-Za-z2-7\s-]*=*$/.test(text) ? bytesOf(text) : null;
  if (key) return { issuer: "", user: "", secret: key, hash: "SHA-1", digits: 6, period: 30 };
  let link;
  try {
    link = new URL(text);
  } catch {
    return null;
  }
  if (link.protocol !== "otpauth:") return link.hash ? codeIn(link.hash) : null;
  return readLink(link);
}

/** codeIn reads the fragment of a link to this app, #codes={otpauth link}, or gives null. */
export function codeIn(hash) {
  const found = /^#codes=(.+)$/.exec(hash);
  if (!found) return null;
  try {
    const link = new URL(decodeURIComponent(found[1]));
    return link.protocol === "otpauth:" ? readLink(link) : null;
  } catch {
    return null;
  }
}

function readLink(link) {
  // Browsers differ in whether "totp" is the host or the beginning of the path.
  const [, kind, label] = /^\/*([^/]+)\/(.*)$/.exec(link.href.slice("otpauth:".length).split("?")[0]) ?? [];
  const asked = link.searchParams;
  const secret = bytesOf(asked.get("secret") ?? "");
  const hash = algorithms[(asked.get("algorithm") ?? "SHA1").toUpperCase()];
  const digits = Number(asked.get("digits") ?? 6);
  const period = Number(asked.get("period") ?? 30);
  if (kind?.toLowerCase() !== "totp" || !secret || !hash || ![6, 7, 8].includes(digits) || !(period >= 15 && period <= 120)) return null;
  const [issuer, user] = named(label);
  return { issuer: asked.get("issuer")?.trim() || issuer, user, secret, hash, digits, period };
}

/** named parts a label, "Issuer:user" or "user". */
function named(label) {
  let text;
  try {
    text = decodeURIComponent(label);
  } catch {
    return ["", ""];
  }
  const at = text.indexOf(":");
  return at < 0 ? ["", text.trim()] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const leastBytes = 10; // 80 bits; a shorter key is a typing mistake

/** bytesOf reads base32 (RFC 4648 §6), with the spaces in which people are shown it, or gives null. */
function bytesOf(text) {
  const letters = text.toUpperCase().replace(/[\s-]/g, "").replace(/=+$/, "");
  const bytes = [];
  let bits = 0;
  let held = 0;
  for (const letter of letters) {
    const value = alphabet.indexOf(letter);
    if (value < 0) return null;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  return bytes.length < leastBytes ? null : new Uint8Array(bytes);
}

/** keep makes of what readCode gave what can be stored; the secret does not come out of it again. */
export async function keep({ issuer, user, secret, hash, digits, period }) {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
  secret.fill(0);
  return { id: crypto.randomUUID(), issuer, user, digits, period, key };
}

/** codeAt gives the code of a moment, in milliseconds since 1970 (RFC 4226 §5.3). */
export async function codeAt({ key, digits, period }, at) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(stepAt(period, at)));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter));
  const offset = mac.getUint8(mac.byteLength - 1) & 0xf;
  return String((mac.getUint32(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, "0");
}

/** stepAt is the number of periods since 1970. */
export const stepAt = (period, at) => Math.floor(at / 1000 / period);

/** leftAt is for how many milliseconds the code of a moment is good. */
export const leftAt = (period, at) => period * 1000 - (at % (period * 1000));
