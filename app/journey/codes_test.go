package journey

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"latchkey/app/store"
)

// The phone takes the key from the page, shows its codes, and with no signal one
// of them signs its user in.
func TestCodesOfThePhoneSignInWithNoSignal(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user9@alder.example"
	p, phone := h.ready(name)
	p.Open(h.URL + "/me/totp")
	p.look("totp-none")
	p.Follow("form[action='/me/totp'] button")
	p.provesBy(phone)
	p.WaitForURL("/me/totp")
	p.Follow("form[action='/me/totp'] button")
	p.look("totp-new-with-phone")
	link := p.Attribute("a[href^='/phone#codes=']", "href")

	phone.act("codes")
	phone.at("codes", "")
	phone.look("codes-none")
	phone.act("add-code")
	phone.at("add-code", "")
	phone.Fill("#code-key", "not a key at all")
	phone.Click("main form button")
	phone.WaitForText("#code-key-error", "no key")
	phone.look("codes-add")
	phone.Fill("#code-key", p.Text("#totp-seed"))
	phone.Click("main form button")
	phone.at("keep-code", "")
	phone.act("cancel")
	phone.at("codes", "")
	if phone.Has("[data-code]") {
		t.Error("a code is kept that nobody wanted")
	}

	// The link of the page says whose code it is.
	phone.Open(h.URL + link)
	phone.at("keep-code", "")
	phone.WaitForText("main .lead", "Alder Health, "+name)
	phone.look("codes-keep")
	phone.act("keep-code")
	phone.at("codes", "")
	if strings.Contains(phone.URL(), "secret") {
		t.Errorf("the secret stays in the address: %s", phone.URL())
	}
	phone.WaitForText("article h2", "Alder Health")
	p.Fill("[name=code]", phone.code())
	p.Follow("form[action^='/me/totp/new/'] button.primary")
	p.WaitForText(".row-head", "Ready")
	p.look("totp-one")
	p.Click("#remove-totp summary")
	p.WaitFor("dialog[open] button.danger")
	p.look("totp-remove")
	p.Reload()
	p.out()

	// Another day, in the cellar.
	h.later(2 * time.Minute)
	phone.Open(h.URL + "/phone")
	phone.at("menu", "")
	phone.WaitUntil(`import(new URL("clock.js", document.querySelector("script[type=module]").src)).then(({ now }) => now() - Date.now() > 60000)`) // it has heard how late it is
	phone.WaitForServiceWorker()
	phone.Offline(true)
	phone.at("offline", "")
	phone.look("offline-codes")
	p.name(name)
	p.Follow(helpLink)
	p.Follow("form:has([value=totp]) button")
	p.look("code")
	p.Fill("[name=code]", "not it")
	p.Follow(primary)
	p.WaitFor("[name=code][aria-invalid=true]")
	p.look("code-wrong")
	p.Fill("[name=code]", phone.code())
	p.Follow(primary)
	p.signedIn(name)

	// What was taken out shows no more codes, also after a look around.
	phone.Offline(false)
	phone.at("menu", "")
	phone.act("codes")
	phone.at("codes", "")
	phone.look("codes")
	phone.act("remove-code")
	phone.at("remove-code", "")
	phone.look("codes-remove")
	phone.act("remove-code")
	phone.at("codes", "")
	phone.WaitForText("main", "needs no network")
	phone.Reload()
	phone.at("menu", "")
	phone.act("codes")
	phone.at("codes", "")
	if phone.Has("[data-code]") {
		t.Error("a code is there that was removed")
	}
}

// code reads the code that the phone shows, once it does.
func (p *handset) code() string {
	p.t.Helper()
	p.WaitUntil(`/^\d{3} \d{3}$/.test(document.querySelector("[data-code]")?.textContent)`)
	return p.Text("[data-code]")
}

// The vectors of RFC 6238, appendix B, and what else comes as a key or a link, by
// the very modules of the app.
func TestThePhoneMakesCodesByTheBook(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	phone := h.handset()
	phone.Open(h.URL + "/phone")
	phone.at("enrol", "")
	const secrets = `{ SHA1: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", SHA256: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA", SHA512: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA" }`
	got := Eval[string](phone.Tab, `(async () => {
		const { codeAt, keep, readCode } = await import(new URL("codes.js", document.querySelector("script[type=module]").src));
		const secrets = `+secrets+`;
		const lines = [];
		for (const at of [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]) {
			for (const algorithm of Object.keys(secrets)) {
				const kept = await keep(readCode("otpauth://totp/Alder:user?digits=8&algorithm=" + algorithm + "&secret=" + secrets[algorithm]));
				lines.push(await codeAt(kept, at * 1000));
				if (kept.key.extractable) lines.push("the key comes out");
			}
		}
		return lines.join(" ");
	})()`)
	const want = "94287082 46119246 90693936 07081804 68084774 25091201 14050471 67062674 99943326 89005924 91819424 93441116 69279037 90698825 38618901 65353130 77737706 47863826"
	if got != want {
		t.Errorf("codes %s\nwant  %s", got, want)
	}
	read := Eval[[]string](phone.Tab, `(async () => {
		const { readCode } = await import(new URL("codes.js", document.querySelector("script[type=module]").src));
		const key = "JBSWY3DPEHPK3PXP";
		return [
			key, "jbsw y3dp-ehpk 3pxp", key + "====", "JBSWY3DP", "JBSWY3DPEHPK3PX1", "", "otpauth://totp/a?secret=" + key,
			"otpauth://totp/Alder%20Health:user%2B1%40alder.example?secret=" + key + "&issuer=Alder%20Health", "otpauth://hotp/a?secret=" + key,
			"otpauth://totp/a?secret=!" , "otpauth://totp/a?secret=" + key + "&digits=5", "otpauth://totp/a?secret=" + key + "&period=1",
			"otpauth://totp/a?secret=" + key + "&algorithm=MD5", "https://id.example/phone#codes=" + encodeURIComponent("otpauth://totp/a?secret=" + key),
			"https://id.example/phone#codes=javascript:alert(1)", "https://id.example/phone#codes=%", "https://id.example/phone#enrol=x", "otpauth://totp/%?secret=" + key,
		].map(readCode).map((c) => c === null ? "-" : [c.issuer, c.user, c.secret.length, c.digits, c.period].join("|"));
	})()`)
	for i, want := range []string{
		"||10|6|30", "||10|6|30", "||10|6|30", "-", "-", "-", "|a|10|6|30", "Alder Health|user+1@alder.example|10|6|30", "-",
		"-", "-", "-", "-", "|a|10|6|30", "-", "-", "-", "||10|6|30",
	} {
		if read[i] != want {
			t.Errorf("%d is read as %s, want %s", i, read[i], want)
		}
	}
}

// seen plays a camera and what is seen through it. Chromium has no reader of QR codes
// here; the screens are the real ones, and so is the stream.
const seen = `globalThis.BarcodeDetector = class {
	static getSupportedFormats() { return Promise.resolve(["qr_code"]); }
	detect() { (window.looked ??= []).push(window.seen); return Promise.resolve(window.seen ? [{ rawValue: window.seen }] : []); }
};
window.streams = [];
navigator.mediaDevices.getUserMedia = async () => {
	if (window.refused) throw new DOMException("", "NotAllowedError");
	const canvas = document.createElement("canvas");
	const pen = canvas.getContext("2d");
	if (!window.dark) setInterval(() => pen.fillRect(0, 0, 9, 9), 20); // a picture comes when something is drawn
	streams.push(canvas.captureStream());
	return streams.at(-1);
};`

// The camera reads the code that stands on the page, passes over what is none, and
// says so when it may not look. Stopped or done, it is off.
func TestTheCameraReadsCodes(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("user10@alder.example")
	phone := h.handset()
	call(phone.Tab, "script", page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: seen})
	phone.Open(h.URL + "/phone")
	phone.at("enrol", "[data-step=link]")
	set := func(name, value string) { Eval[bool](phone.Tab, `(window.`+name+` = `+value+`, true)`) }
	set("refused", "true")
	phone.act("scan")
	phone.WaitForText("main [role=alert]", "camera cannot be used")
	phone.look("camera-refused")
	set("refused", "false")

	// Nothing comes from it, and it is stopped all the same.
	set("dark", "true")
	off := func() {
		t.Helper()
		phone.WaitUntil("streams.every((stream) => stream.getTracks().every((track) => track.readyState === 'ended'))")
	}
	phone.act("scan")
	phone.WaitFor(".camera:not([hidden]) video")
	phone.WaitUntil("streams.length === 1")
	phone.look("camera")
	phone.act("scan-stop")
	phone.WaitGone(".camera:not([hidden])")
	off()
	set("dark", "false")

	set("seen", quote("https://elsewhere.example/menu"))
	phone.act("scan")
	phone.WaitUntil("window.looked?.includes(seen)")
	phone.act("scan-stop")
	phone.WaitGone(".camera:not([hidden])")
	off()
	if !phone.Has("main[data-screen=enrol][data-step=link]") {
		t.Error("a code of something else leads on")
	}
	set("seen", quote(p.link()))
	phone.act("scan")
	phone.at("enrol", "[data-step=set-up]")
	off()
	phone.act("other-link")
	phone.at("enrol", "[data-step=link]")

	p.Open(h.URL + "/me/totp")
	p.Follow("form[action='/me/totp'] button")
	phone.act("codes")
	phone.at("codes", "")
	phone.act("add-code")
	phone.at("add-code", "")
	set("seen", `decodeURIComponent(`+quote(strings.TrimPrefix(p.Attribute("a[href^='/phone#codes=']", "href"), "/phone#codes="))+`)`)
	phone.act("scan")
	phone.at("keep-code", "")
	phone.WaitForText("main .lead", "user10@alder.example")
	off()

	// Whoever goes away from the screen takes the camera along.
	phone.act("cancel")
	phone.act("add-code")
	phone.at("add-code", "")
	set("seen", `""`)
	phone.act("scan")
	phone.WaitFor(".camera:not([hidden]) video")
	phone.WaitUntil("streams.at(-1).active")
	phone.act("cancel")
	phone.at("codes", "")
	off()
}
