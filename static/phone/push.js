// Web Push: how the service wakes a phone whose app is closed. A convenience:
// without it the open app hears of requests by its stream and its poll.

import { fromBase64url } from "./key.js";
import { pushKey, putPush } from "./protocol.js";

/** registerWorker starts the service worker for this app and what lies below it. */
export async function registerWorker(heard) {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data?.kind === "refresh") heard();
  });
  try {
    await navigator.serviceWorker.register("/phone/service-worker.js", { scope: "/phone" });
  } catch {
    // Private windows may refuse; the app then only lacks its offline shell and push.
  }
}

/** pushState: "ask" when the person can be asked, "on", "off" when refused, "none" when impossible. */
export function pushState() {
  if (!("PushManager" in globalThis) || !("Notification" in globalThis) || !("serviceWorker" in navigator)) return "none";
  return { default: "ask", granted: "on", denied: "off" }[Notification.permission];
}

/** askForPush asks the person, who has just pressed a button for it, and subscribes. */
export async function askForPush(device) {
  if ((await Notification.requestPermission()) === "granted") await subscribe(device);
}

/**
 * subscribe gives the service our present subscription; browsers renew theirs
 * at will, so it is sent anew at each start. It fails quietly.
 */
export async function subscribe(device) {
  if (pushState() !== "on") return;
  try {
    const worker = await navigator.serviceWorker.ready;
    const { public_key } = await pushKey(device);
    const applicationServerKey = fromBase64url(public_key);
    let subscription = await worker.pushManager.getSubscription();
    if (subscription && !sameKey(subscription.options.applicationServerKey, applicationServerKey)) {
      await subscription.unsubscribe(); // the service has a new key
      subscription = null;
    }
    subscription ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    await putPush(device, subscription.toJSON());
  } catch {
    // No push service, or none on our side: stream and poll remain.
  }
}

function sameKey(buffer, bytes) {
  if (!buffer) return false;
  const other = new Uint8Array(buffer);
  return other.length === bytes.length && other.every((byte, i) => byte === bytes[i]);
}

/** notifyHere shows a request that came in while the app is open but not looked at. */
export async function notifyHere(title, body, id) {
  if (document.visibilityState === "visible" || pushState() !== "on") return;
  const worker = await navigator.serviceWorker.getRegistration("/phone");
  // The same tag as in the service worker, so that a push for it shows once.
  await worker?.showNotification(title, { body, tag: id, icon: "/static/icons/phone-192.png" });
}
