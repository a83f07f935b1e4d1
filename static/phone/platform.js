// What this device is and can do. The service decides which platforms may hold
// a phone; this only tells it, honestly, what the browser says of itself.

/** platform is the protocol's word: ios, android or desktop. */
export function platform() {
  const agent = navigator.userAgent;
  if (/iPhone|iPad|iPod/.test(agent)) return "ios";
  if (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1) return "ios"; // an iPad that poses as a Mac
  if (/Android/.test(agent) || navigator.userAgentData?.platform === "Android") return "android";
  return "desktop";
}

/** usable says whether the browser has what a phone needs: keys (secure pages only) and a place for them. */
export const usable = () => Boolean(globalThis.isSecureContext && globalThis.crypto?.subtle && globalThis.indexedDB);

/** installed says whether the app runs in a window of its own. */
export const installed = () => matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

let offer = null;

/** watchInstall keeps the browser's offer to install for when the person wants it. */
export function watchInstall(changed) {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = event;
    changed();
  });
  addEventListener("appinstalled", () => {
    offer = null;
    changed();
  });
}

export const installable = () => offer !== null;

/** install shows the browser's own question; it can be asked once. */
export async function install() {
  const asked = offer;
  offer = null;
  await asked?.prompt();
}

/** keepStorage asks the browser not to clear the key when space gets short. */
export async function keepStorage() {
  try {
    await navigator.storage?.persist?.();
  } catch {
    // A lost key means enrolling again, nothing worse.
  }
}
