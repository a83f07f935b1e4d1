// What the phone remembers between two runs, in IndexedDB, the only storage of
// a browser that takes a non-extractable key. The PIN is never in it.
//
//   device    one record "self": privateKey, publicKey, deviceId, publicUrl
//   accounts  by id: tenant, tenant_name, user, phone_sign_in, registered, ended
//   recent    by request id: what was asked, what became of it
//   codes     by id: issuer, user, digits, period, key

const name = "latchkey-phone";
const version = 2; // raise it and add a step to upgrade; never change a step that has shipped

const recentAtMost = 50;

let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion < 1) {
        request.result.createObjectStore("device");
        request.result.createObjectStore("accounts", { keyPath: "id" });
        request.result.createObjectStore("recent", { keyPath: "id" });
      }
      if (oldVersion < 2) request.result.createObjectStore("codes", { keyPath: "id" });
    };
    request.onsuccess = () => {
      // A newer version of the app in another tab may change the stores.
      request.result.onversionchange = () => {
        request.result.close();
        opened = undefined;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opened = undefined;
      reject(request.error);
    };
  });
  return opened;
}

/** act runs work on the stores in one transaction and gives what its request found. */
async function act(stores, mode, work) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(stores, mode);
    const request = work(...[stores].flat().map((store) => transaction.objectStore(store)));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export const loadDevice = () => act("device", "readonly", (device) => device.get("self"));
export const saveDevice = (device) => act("device", "readwrite", (store) => store.put(device, "self"));

export const loadAccounts = () => act("accounts", "readonly", (accounts) => accounts.getAll());
export const saveAccount = (account) => act("accounts", "readwrite", (accounts) => accounts.put(account));
export const forgetAccount = (id) => act("accounts", "readwrite", (accounts) => accounts.delete(id));

/** loadCodes lists the codes by their names. */
export async function loadCodes() {
  const all = await act("codes", "readonly", (codes) => codes.getAll());
  return all.sort((a, b) => `${a.issuer} ${a.user}`.localeCompare(`${b.issuer} ${b.user}`));
}
export const saveCode = (code) => act("codes", "readwrite", (codes) => codes.put(code));
export const forgetCode = (id) => act("codes", "readwrite", (codes) => codes.delete(id));

/** forgetPhone removes the key and every account; the recent list and the codes stay. */
export const forgetPhone = () =>
  act(["device", "accounts"], "readwrite", (device, accounts) => {
    device.clear();
    accounts.clear();
  });

/** loadRecent lists what happened, newest first. */
export async function loadRecent() {
  const all = await act("recent", "readonly", (recent) => recent.getAll());
  return all.sort((a, b) => b.at - a.at);
}

/** remember adds to the recent list and lets the oldest go. */
export async function remember(entry) {
  await act("recent", "readwrite", (recent) => recent.put(entry));
  const old = (await loadRecent()).slice(recentAtMost);
  if (old.length > 0) await act("recent", "readwrite", (recent) => old.forEach(({ id }) => recent.delete(id)));
}
