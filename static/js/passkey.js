// What is the same wherever a passkey is made or asked for: the server's JSON and
// the browser's bytes, turned into each other. Browsers that can do it themselves
// are few yet.
export const supported = Boolean(window.PublicKeyCredential && navigator.credentials?.get);

function bytes(text) {
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

function common(credential) {
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
  };
}

// sign has something signed, and gives what the server checks. It throws when the
// person or the browser did not want to.
export async function sign(options, more = {}) {
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: known(options.allowCredentials) };
  const credential = await navigator.credentials.get({ publicKey, ...more });
  const { authenticatorData, clientDataJSON, signature, userHandle } = credential.response;
  return JSON.stringify({
    ...common(credential),
    response: {
      authenticatorData: text(authenticatorData), clientDataJSON: text(clientDataJSON), signature: text(signature),
      userHandle: userHandle?.byteLength ? text(userHandle) : undefined,
    },
  });
}

// make makes a passkey, and gives what the server keeps of it.
export async function make(options) {
  const publicKey = {
    ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
  };
  const credential = await navigator.credentials.create({ publicKey });
  const { response } = credential;
  return JSON.stringify({
    ...common(credential),
    response: {
      attestationObject: text(response.attestationObject), clientDataJSON: text(response.clientDataJSON),
      transports: response.getTransports?.() ?? [],
    },
  });
}
