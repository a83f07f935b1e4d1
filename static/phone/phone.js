// The phone itself: its key, its accounts and what waits for an answer, kept in
// step with the service. Screens read it and call its verbs; it knows no screen.
//
// It says "change" when anything a screen shows may have changed.

import * as store from "./store.js";
import * as service from "./protocol.js";
import { makeKey } from "./key.js";

/** unknown: the service does not know this device any more. A proof that it did not like says another code. */
const unknown = (failure) => failure instanceof service.Refusal && failure.status === 401 && failure.code === "unknown_device";

export class Phone extends EventTarget {
  device = null; // {privateKey, publicKey, deviceId, publicUrl}
  accounts = [];
  requests = [];
  offline = false; // the last call got no answer

  #settled = new Set(); // requests answered here, which a late list may still carry
  #reading = null;
  #next = null;

  /** A phone of the service that calls itself publicUrl, whatever name the page was opened under. */
  constructor(publicUrl) {
    super();
    this.publicUrl = publicUrl.replace(/\/$/, "");
  }

  /** enrolled: there is a key and the service knows it. */
  get enrolled() {
    return Boolean(this.device?.deviceId);
  }

  /** alive: the service knows the key for some account still. */
  get alive() {
    return this.enrolled && this.accounts.some(({ ended }) => !ended);
  }

  async load() {
    this.device = (await store.loadDevice()) ?? null;
    this.accounts = await store.loadAccounts();
  }

  /**
   * enrol adds the account of an enrolment link. One key serves all accounts of
   * the phone; it is stored before the service hears of it, so that no account
   * can be bound to a key that was lost. A phone without a living account
   * begins anew with a fresh key.
   */
  async enrol(token, name, platform, pin) {
    if (!this.device || (this.enrolled && !this.alive)) {
      await store.forgetPhone();
      this.accounts = [];
      this.device = { ...(await makeKey()), deviceId: "", publicUrl: this.publicUrl };
      await store.saveDevice(this.device);
    }
    const answer = await service.enrol(this.device, token, name, platform, pin);
    this.device = { ...this.device, deviceId: answer.device_id, publicUrl: answer.public_url.replace(/\/$/, "") };
    const account = { phone_sign_in: false, registered: false, ...answer.account };
    await store.saveDevice(this.device);
    await store.saveAccount(account);
    this.accounts = [...this.accounts.filter(({ id }) => id !== account.id), account];
    this.#changed();
    return account;
  }

  /** syncAccounts takes over what the service says of our accounts. */
  async syncAccounts() {
    if (!this.enrolled) return;
    let listed;
    try {
      listed = await this.#heard(service.accounts(this.device));
    } catch (failure) {
      // Nothing is deleted here, because the person should read why.
      if (!unknown(failure)) throw failure;
      listed = [];
    }
    const known = new Map(listed.map((account) => [account.id, account]));
    this.accounts = [
      ...this.accounts.map((account) =>
        known.has(account.id) ? { ...known.get(account.id), ended: false } : { ...account, ended: true, phone_sign_in: false },
      ),
      ...listed.filter(({ id }) => !this.accounts.some((account) => account.id === id)),
    ];
    this.requests = this.requests.filter((request) => this.accountOf(request));
    for (const account of this.accounts) await store.saveAccount(account);
    this.#changed();
  }

  /**
   * syncRequests fetches what waits for an answer, one fetch at a time. Who asks
   * while one is under way gets the next, because the present one may have been
   * answered before what they heard of was there.
   */
  syncRequests() {
    if (!this.#reading) {
      this.#reading = this.#readRequests().finally(() => (this.#reading = null));
      return this.#reading;
    }
    this.#next ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.syncRequests();
      });
    return this.#next;
  }

  async #readRequests() {
    if (!this.alive) return;
    let listed;
    try {
      listed = await this.#heard(service.requests(this.device));
    } catch (failure) {
      if (unknown(failure)) await this.syncAccounts();
      throw failure;
    }
    // An account that this phone has not heard of yet, or no more.
    if (listed.some((request) => !this.accountOf(request))) await this.syncAccounts();
    this.requests = listed.filter((request) => !this.#settled.has(request.id) && this.accountOf(request));
    this.#changed();
  }

  /** accountOf finds for whom a request is. */
  accountOf(request) {
    const live = this.accounts.filter(({ ended }) => !ended);
    return (
      live.find(({ id }) => id === request.account_id) ??
      live.find(({ tenant, user }) => tenant === request.tenant && user === request.user)
    );
  }

  async enable(account, move) {
    await this.#heard(service.enable(this.device, account.id, move));
    await this.syncAccounts();
  }

  async disable(account) {
    await this.#heard(service.disable(this.device, account.id));
    await this.syncAccounts();
  }

  /** beginUnlock gives what to make for unlocking an account without its PIN; setUnlock takes what was made. */
  beginUnlock(account, pin) {
    return this.#heard(service.beginUnlock(this.device, account.id, pin));
  }

  async setUnlock(account, made) {
    await this.#heard(service.setUnlock(this.device, account.id, made));
    await this.syncAccounts();
  }

  async endUnlock(account) {
    await this.#heard(service.endUnlock(this.device, account.id));
    await this.syncAccounts();
  }

  /** test asks for a test request; false when the service has none. */
  async test(account) {
    try {
      await this.#heard(service.test(this.device, account.id));
    } catch (failure) {
      if (failure instanceof service.Refusal && [404, 405].includes(failure.status)) return false;
      throw failure;
    }
    await this.syncRequests();
    return true;
  }

  /** remove ends an account, and with the last one the key. */
  async remove(account) {
    const others = this.accounts.filter(({ id }) => id !== account.id);
    const last = others.every(({ ended }) => ended);
    if (!account.ended) {
      try {
        await this.#heard(service.remove(this.device, last ? "" : account.id));
      } catch (failure) {
        // Already unknown there: then it only has to go here.
        if (!(failure instanceof service.Refusal) || ![401, 404].includes(failure.status)) throw failure;
      }
    }
    await store.forgetAccount(account.id);
    this.accounts = others;
    if (others.length === 0) {
      await store.forgetPhone();
      this.device = null;
      this.requests = [];
    }
    this.#changed();
  }

  /**
   * answer sends what the person decided and returns the outcome, a word of
   * words.outcome. It throws what leaves the request open: a wrong PIN, a face or
   * finger that was not seen, no network, too many tries.
   */
  async answer(request, decision, number, pin, unlock) {
    let outcome;
    try {
      const account = this.accountOf(request);
      const { state } = await this.#heard(service.answer(this.device, account?.id, request, decision, number, pin, unlock));
      outcome = state === "denied" && decision === "approve" ? "wrong_number" : state;
    } catch (failure) {
      const final = { 404: "refused", 409: "decided", 410: "expired" }[failure.status];
      if (!final) throw failure;
      outcome = final;
    }
    await this.settle(request, outcome);
    return outcome;
  }

  /** settle notes what became of a request and takes it off the list. */
  async settle(request, outcome) {
    this.#settled.add(request.id);
    this.requests = this.requests.filter(({ id }) => id !== request.id);
    const { id, kind, tenant_name, user, application, browser, place, ip, created_at } = request;
    await store.remember({ id, kind, tenant_name, user, application, browser, place, ip, created_at, outcome, at: Date.now() });
    this.#changed();
  }

  /** #heard watches calls for whether there is a network. */
  async #heard(call) {
    try {
      const answer = await call;
      this.#online(true);
      return answer;
    } catch (failure) {
      this.#online(!(failure instanceof service.Unreachable));
      throw failure;
    }
  }

  #online(online) {
    if (this.offline !== online) return;
    this.offline = !online;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
