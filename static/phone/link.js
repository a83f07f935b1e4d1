// Enrolment links, {public url}/phone#enrol={token}. The token stands in the
// fragment, which browsers send to nobody.

/** tokenIn gives the token of a fragment, or "". */
export function tokenIn(hash) {
  const found = /^#enrol=([\w.~-]+)$/.exec(hash);
  return found ? found[1] : "";
}

/**
 * readLink reads what was pasted or scanned: {token} for a link of this
 * service (publicUrl), {elsewhere: URL} for one of another, null for anything else.
 */
export function readLink(text, publicUrl) {
  let link;
  try {
    link = new URL(text.trim());
  } catch {
    return null;
  }
  const token = tokenIn(link.hash);
  if (!token || !/\/phone\/?$/.test(link.pathname)) return null;
  if (link.protocol !== "https:" && link.protocol !== "http:") return null;
  if (![location.origin, new URL(publicUrl).origin].includes(link.origin)) return { elsewhere: link };
  return { token };
}
