// Starts the phone and decides which screen comes when. Screens ask it to go
// somewhere (app.home, app.go); it alone lets a request interrupt them.

import { announce, show } from "./screen.js";
import { listen } from "./events.js";
import { codeIn } from "./codes.js";
import { tokenIn } from "./link.js";
import { Phone } from "./phone.js";
import { usable, watchInstall } from "./platform.js";
import { notifyHere, registerWorker, subscribe } from "./push.js";
import { look } from "./unlock.js";
import { words } from "./words.js";
import { addCodeScreen, codesScreen, removeCodeScreen } from "./screens/codes.js";
import { enrolScreen } from "./screens/enrol.js";
import { explainScreen } from "./screens/explain.js";
import { menuScreen } from "./screens/menu.js";
import { offlineScreen } from "./screens/offline.js";
import { outcomeScreen } from "./screens/outcome.js";
import { recentScreen } from "./screens/recent.js";
import { removeScreen } from "./screens/remove.js";
import { requestScreen } from "./screens/request.js";
import { unlockScreen } from "./screens/unlock.js";
import { unsupportedScreen } from "./screens/unsupported.js";

const pollWait = 15_000; // milliseconds; the floor under stream and push

const screens = {
  addCode: addCodeScreen,
  codes: codesScreen,
  enrol: enrolScreen,
  explain: explainScreen,
  menu: menuScreen,
  offline: offlineScreen,
  outcome: outcomeScreen,
  recent: recentScreen,
  remove: removeScreen,
  removeCode: removeCodeScreen,
  request: requestScreen,
  unlock: unlockScreen,
  unsupported: unsupportedScreen,
};

// Screens on which nothing is being typed or read that must not be lost. Of the
// outcomes, those that ask nothing more of the person.
const interruptible = ["menu", "recent", "offline", "explain", "remove", "codes"];
const passing = ["approved", "gone", "decided", "expired"];

const publicUrl = document.documentElement.dataset.publicUrl || location.origin;

let going = 0; // counts calls of go, of which the last one wins
let at = ""; // the screen that is shown, or is being made
let open = false; // to a request, whenever one comes
let drawn = ""; // the accounts as the menu shows them

const app = {
  phone: new Phone(publicUrl),
  announce,

  /** go shows a screen; what it needs to know comes in about. */
  async go(name, about = {}) {
    const mine = ++going;
    at = name;
    open = interruptible.includes(name) || (name === "outcome" && passing.includes(about.outcome));
    const screen = await screens[name](app, about);
    if (mine !== going) return screen.leave?.(); // somebody went elsewhere meanwhile
    drawn = JSON.stringify(app.phone.accounts);
    show(screen);
    // What came in while the screen was made found nobody to interrupt.
    if (open && app.phone.requests.length > 0) await app.home();
  },

  /** home goes to what matters most now. */
  home() {
    const { phone } = app;
    if (phone.requests.length > 0) return app.go("request", { request: phone.requests[0] });
    if (phone.offline) return app.go("offline");
    return app.go(phone.accounts.length > 0 ? "menu" : "enrol");
  },

  /** refresh asks the service anew, quietly: what fails shows as offline. */
  async refresh() {
    try {
      await app.phone.syncRequests();
    } catch {
      // The next poll asks again.
    }
  },

  /** catchUp is for moments after which anything may have changed. */
  async catchUp() {
    if (document.visibilityState !== "visible") return;
    stream?.hurry();
    try {
      await app.phone.syncAccounts();
      await app.phone.syncRequests();
    } catch {
      // Shows as offline, or comes right with the next poll.
    }
  },
};

let stream = null;
let streamFor = "";

/** follow keeps one stream open for the device that this phone is now. */
function follow() {
  const id = app.phone.alive ? app.phone.device.deviceId : "";
  if (id === streamFor) return;
  stream?.stop();
  streamFor = id;
  stream = id ? listen(app.phone.device, app.refresh) : null;
  if (id) subscribe(app.phone.device);
}

let told = new Set();

/** changed reacts to the phone: a request comes first, then being offline, then the screen's own update. */
function changed() {
  const { phone } = app;
  follow();
  const fresh = phone.requests.filter(({ id }) => !told.has(id));
  told = new Set(phone.requests.map(({ id }) => id));
  for (const request of fresh) {
    notifyHere(words.request.arrived(request.tenant_name), words.request.title[request.kind] ?? words.request.title.other, request.id);
  }
  if (!open) return;
  if (phone.requests.length > 0) app.home();
  else if (at === "menu" && phone.offline) app.home();
  else if (at === "offline" && !phone.offline) app.home();
  else if (at === "menu") redrawMenu();
}

/** redrawMenu shows the menu again only when it would look different, and keeps the focus where it was. */
async function redrawMenu() {
  if (drawn === JSON.stringify(app.phone.accounts)) return;
  const { action, account } = document.activeElement?.dataset ?? {};
  await app.go("menu");
  if (action) {
    document.querySelector(`[data-action="${CSS.escape(action)}"]${account ? `[data-account="${CSS.escape(account)}"]` : ""}`)?.focus();
  }
}

function openLink() {
  const token = tokenIn(location.hash);
  const found = codeIn(location.hash);
  if (token) app.go("enrol", { token });
  else if (found) app.go("codes", { found });
  return token !== "" || found !== null;
}

async function start() {
  watchInstall(() => at === "menu" && app.go("menu"));
  if (!usable()) return app.go("unsupported", { reason: words.unsupported.browser });
  registerWorker(app.refresh);
  await look();
  try {
    await app.phone.load();
  } catch (failure) {
    console.error(failure);
    return app.go("unsupported", { reason: words.unsupported.browser });
  }
  app.phone.addEventListener("change", changed);
  addEventListener("hashchange", openLink);
  addEventListener("online", app.catchUp);
  addEventListener("offline", app.refresh);
  addEventListener("focus", app.refresh);
  addEventListener("pageshow", (event) => event.persisted && app.catchUp());
  document.addEventListener("visibilitychange", app.catchUp);
  setInterval(app.refresh, pollWait);
  if (!openLink()) app.home();
  follow();
  await app.catchUp();
}

start();
