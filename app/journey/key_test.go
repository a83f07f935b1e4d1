package journey

import (
	"strings"
	"testing"

	"latchkey/app/store"
)

// kept reads all that the app keeps in IndexedDB, and calls what follows with it
// and with the key.
const kept = `(async (then) => {
	const asked = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = () => reject(request.error); });
	const db = await asked(indexedDB.open("latchkey-phone"));
	const all = {};
	for (const name of db.objectStoreNames) all[name] = await asked(db.transaction(name).objectStore(name).getAll());
	db.close();
	return then(all, all.device[0]);
})`

// What signs for this phone stays in it: nothing in the page can read the private
// half of its key, only sign with it, and the PIN is not kept at all.
func TestTheSigningKeyCannotLeaveThePhone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	_, phone := h.ready("user4@alder.example")

	type key struct {
		Devices                  int
		Type, Name, Curve, Usage string
		Extractable              bool
	}
	found := Eval[key](phone.Tab, kept+`((all, { privateKey: key }) => ({
		Devices: all.device.length, Type: key.type, Name: key.algorithm.name, Curve: key.algorithm.namedCurve,
		Usage: key.usages.join(), Extractable: key.extractable,
	}))`)
	if want := (key{Devices: 1, Type: "private", Name: "ECDSA", Curve: "P-256", Usage: "sign"}); found != want {
		t.Errorf("the key of the phone is %+v, want %+v", found, want)
	}

	ways := Eval[map[string]string](phone.Tab, kept+`(async (all, { privateKey: key }) => {
		const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["wrapKey"]);
		const iv = crypto.getRandomValues(new Uint8Array(12));
		const ways = { wrapped: () => crypto.subtle.wrapKey("jwk", key, wrapping, { name: "AES-GCM", iv }) };
		for (const format of ["pkcs8", "jwk", "raw"]) ways[format] = () => crypto.subtle.exportKey(format, key);
		ways["as text"] = async () => { if (JSON.stringify(key) === "{}") throw new DOMException("", "InvalidAccessError"); };
		const out = {};
		for (const [name, way] of Object.entries(ways)) out[name] = await way().then(() => "it came out", (e) => e.name);
		return out;
	})`)
	if len(ways) != 5 {
		t.Errorf("%d ways were tried, want 5", len(ways))
	}
	for way, became := range ways {
		if became != "InvalidAccessError" {
			t.Errorf("the key exported %s: %s, want InvalidAccessError", way, became)
		}
	}

	// It is the one that the service knows this phone by.
	var stored string
	if _, err := h.DB.View(t.Context()).One(&stored, "SELECT public_key FROM devices WHERE state = 'active'"); err != nil {
		t.Fatal(err)
	}
	x, y, _ := strings.Cut(stored, ".")
	verified := Eval[bool](phone.Tab, kept+`(async (all, { privateKey: key }) => {
		const jwk = { kty: "EC", crv: "P-256", x: `+quote(x)+`, y: `+quote(y)+` };
		const publicKey = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
		const how = { name: "ECDSA", hash: "SHA-256" }, text = new TextEncoder().encode("a text");
		return crypto.subtle.verify(how, publicKey, await crypto.subtle.sign(how, key, text), text);
	})`)
	if !verified {
		t.Error("what the kept key signs is not of the phone that the service knows")
	}

	if text := Eval[string](phone.Tab, kept+`((all) => JSON.stringify([all, { ...localStorage }, { ...sessionStorage }, document.cookie]))`); strings.Contains(text, pin) || strings.Contains(text, `"d":`) {
		t.Errorf("the phone keeps its PIN or a private key: %s", text)
	}
}
