package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/passkey/passkeytest"
	"latchkey/app/server"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/totp"
)

// canary is a secret that was sown, and must come up nowhere.
type canary struct {
	what  string
	forms [][]byte // its text, as it is and as programs write bytes
	alone bool     // within a longer number or a digest, or behind a point, it is a part of that or of a time
}

// sow makes a canary of a secret. Digits stand for themselves alone.
func sow(what, secret string) canary {
	if strings.Trim(secret, "0123456789") == "" {
		return canary{what: what, forms: [][]byte{[]byte(secret)}, alone: true}
	}
	c := canary{what: what}
	for _, form := range []string{
		secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	} {
		c.forms = append(c.forms, []byte(strings.TrimRight(form, "=")))
	}
	return c
}

// in says whether a text has it.
func (c canary) in(text []byte) bool {
	return slices.ContainsFunc(c.forms, func(form []byte) bool {
		for at := 0; ; at++ {
			i := bytes.Index(text[at:], form)
			if i < 0 {
				return false
			}
			at += i
			before, behind := text[:at], text[at+len(form):]
			if !c.alone || !digest(text, at, at+len(form)) && (len(before) == 0 || !strings.ContainsRune("0123456789.", rune(before[len(before)-1]))) && (len(behind) == 0 || behind[0] < '0' || behind[0] > '9') {
				return true
			}
		}
	})
}

// digest says whether a part of a text stands within a digest, as text: any six digits
// do by chance, sooner or later.
func digest(text []byte, from, to int) bool {
	hexadecimal := func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }
	for from > 0 && hexadecimal(text[from-1]) {
		from--
	}
	for to < len(text) && hexadecimal(text[to]) {
		to++
	}
	return to-from >= 32
}

// written is a log.
type written struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *written) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *written) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.all.Bytes())
}

// dump is the whole database as who copies it has it: every row as text, and of
// SQLite the bytes of its files as well, with what was deleted in them.
func (w *world) dump(t testing.TB) []byte {
	t.Helper()
	var all bytes.Buffer
	if w.DB.Dialect == store.Postgres {
		var tables []string
		if err := w.DB.View(t.Context()).All(&tables, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"); err != nil || len(tables) < 15 {
			t.Fatalf("tables %v: %v", tables, err)
		}
		for _, table := range tables {
			var rows []string
			if err := w.DB.View(t.Context()).All(&rows, "SELECT CAST(r AS text) FROM "+table+" r"); err != nil {
				t.Fatal(err)
			}
			all.WriteString(table + "\n" + strings.Join(rows, "\n") + "\n")
		}
		return all.Bytes()
	}
	for table, rows := range w.standing(t) {
		all.WriteString(table + "\n" + strings.Join(rows, "\n") + "\n")
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(w.DB.DSN, "file:"), "?")
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no file of the database at %q", w.DB.DSN)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.Bytes()
}

// session gives the secret part of the cookie of the session of a browser.
func (b *browser) session(t testing.TB) string {
	t.Helper()
	for _, c := range b.client.Jar.Cookies(b.at(t)) {
		if c.Name == "latchkey_session" {
			_, token, _ := strings.Cut(c.Value, ".")
			return token
		}
	}
	t.Fatal("there is no session")
	return ""
}

// TestNoSecretComesUp: one of every kind is used, as it should be and wrongly; then
// nothing that is kept, shown or told has it.
func TestNoSecretComesUp(t *testing.T) {
	for _, dialect := range storetest.Breadth(t) {
		t.Run(string(dialect), func(t *testing.T) {
			log := &written{}
			figures := servertest.FreeAddress(t)
			w := newWorld(t, servertest.Logged(t, dialect, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), func(s *server.Settings) {
				s.MetricsListen = figures
			}), &atomic.Int64{})
			canaries := w.sowAll(t)

			look := func(where string, text []byte) {
				t.Helper()
				for _, c := range canaries {
					if c.in(text) {
						t.Errorf("%s has %s", where, c.what)
					}
				}
			}
			pages := 0
			_, userID := w.person(t, "user1@alder.example")
			for _, name := range []string{"security@alder.example", "admin@alder.example", "desk@alder.example", "auditor@alder.example", "user1@alder.example"} {
				b := w.browser(t)
				attempt := b.begin(t, name)
				b.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
				password := passwordOfAll
				if name == "user1@alder.example" {
					password = newPassword
				}
				b.post(t, attempt+"/verify", "password", password).want(t, http.StatusSeeOther)
				for _, r := range w.Site.Routes() {
					path := strings.NewReplacer(":tenant", "alder", ":user", userID).Replace(r.Path)
					if r.Method != http.MethodGet || strings.Contains(path, ":") || strings.HasSuffix(path, "/live") || strings.HasSuffix(path, "/events") {
						continue
					}
					for _, accept := range []string{"text/html", "application/json"} {
						a := b.get(t, path, "Accept", accept)
						look("for "+name+" the page "+path+" as "+accept, []byte(a.body+fmt.Sprint(a.header["Location"])))
						if a.status == http.StatusOK {
							pages++
						}
					}
				}
			}
			if pages < 60 {
				t.Errorf("%d pages were looked at; there are more", pages)
			}
			measured, err := http.Get("http://" + figures + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer measured.Body.Close()
			var told bytes.Buffer
			if _, err := told.ReadFrom(measured.Body); err != nil || !strings.Contains(told.String(), "latchkey_requests_total") {
				t.Fatalf("metrics: %v", err)
			}
			look("what Prometheus is told", told.Bytes())
			lines := log.bytes()
			if bytes.Count(lines, []byte("\n")) < 5 {
				t.Errorf("the log says %q", lines)
			}
			look("the log", lines)
			dump := w.dump(t)
			if !bytes.Contains(dump, []byte("user1@alder.example")) {
				t.Fatal("the dump has nobody's name")
			}
			look("the dump of the database", dump)
		})
	}
}

const newPassword = "canary number one sings at night"

// sowAll uses a secret of every way for user1, and what else is secret in Alder.
func (w *world) sowAll(t testing.TB) (all []canary) {
	t.Helper()
	const name, wrongPassword, credential, wrongName = "user1@alder.example", "canary that nobody has as a password", "canary-of-a-credential", "canary-typed-as-a-name"
	note := func(what, secret string) {
		t.Helper()
		if len(secret) < 6 {
			t.Fatalf("%s is %q", what, secret)
		}
		all = append(all, sow(what, secret))
	}
	_, id := w.person(t, name)

	// The password: changed, typed rightly and wrongly, and into the wrong field.
	b := w.browser(t).signIn(t, name)
	b.post(t, "/me/password", "password", newPassword, "password_again", newPassword).want(t, http.StatusSeeOther)
	note("a password", newPassword)
	note("a wrong password", wrongPassword)
	other := w.browser(t)
	attempt := other.begin(t, name)
	other.post(t, attempt+"/verify", "password", wrongPassword).want(t, http.StatusUnauthorized)
	other.post(t, attempt+"/verify", "code", wrongPassword).want(t, http.StatusUnauthorized)
	other.post(t, "/signin", "identifier", wrongName+" "+wrongPassword).want(t, http.StatusUnprocessableEntity)
	other.post(t, attempt+"/verify", "password", newPassword, "stay", "yes").want(t, http.StatusSeeOther)
	note("the token of a session", other.session(t))
	for _, c := range other.client.Jar.Cookies(other.at(t)) {
		if strings.HasPrefix(c.Name, "latchkey_trusted_") {
			note("the token of a trusted browser", c.Value[strings.LastIndex(c.Value, ".")+1:])
		}
	}

	// The app, its codes.
	w.act(t, "UPDATE sessions SET proved_by = 'phone' WHERE user_id = ?", id)
	a := b.setUpApp(t)
	a.w = w
	note("the seed of an app", a.seed.Reveal())
	note("a code of an app", a.code(t, 0))
	b.post(t, a.path, "code", a.code(t, 0)).want(t, http.StatusSeeOther)
	w.forward(t, totp.Period)
	other.post(t, "/signout")
	note("another code of an app", a.code(t, 0))
	other.post(t, other.byCode(t, name)+"/verify", "code", a.code(t, 0)).want(t, http.StatusSeeOther)

	// A sheet of printed codes: one that is used, one that is not, one that is typed wrongly.
	w.act(t, "UPDATE sessions SET proved_by = 'phone', proved_at = ? WHERE user_id = ?", w.DB.Now(), id)
	sheet := printed(t, b.post(t, "/me/codes").want(t, http.StatusOK))
	for number, code := range sheet.codes {
		note("printed code "+number, code)
		note("printed code "+number+" without what parts it", strings.ReplaceAll(code, "-", ""))
	}
	paper := w.browser(t)
	attempt, asked := paper.byPrintedCode(t, name)
	paper.post(t, attempt+"/verify", "code", sheet.codes["9"]).want(t, http.StatusUnauthorized)
	paper.post(t, attempt+"/verify", "code", sheet.codes[asked]).want(t, http.StatusSeeOther)

	// Sheets that an administrator has printed: one in use, one handed over, one not printed yet.
	printer := w.browser(t).signIn(t, "admin@alder.example")
	printer.get(t, "/admin/alder").want(t, http.StatusOK)
	_, papers := printer.printsBatch(t, w, "user7@alder.example", "user8@alder.example")
	for _, p := range papers {
		for number, code := range p.codes {
			note("code "+number+" of a batch", code)
			note("code "+number+" of a batch without what parts it", strings.ReplaceAll(code, "-", ""))
		}
		printer.handsTo(t, w, p)
	}
	for _, row := range w.sealedCodes(t, printer.hasBatch(t, w, "user9@alder.example")) {
		note("a code that is not printed yet", row)
	}
	confirming := w.browser(t).signIn(t, "user7@alder.example")
	confirming.get(t, "/me/codes").want(t, http.StatusOK)
	confirming.post(t, "/me/codes/confirm", "code", papers[0].codes["2"]).want(t, http.StatusUnprocessableEntity)
	confirming.post(t, "/me/codes/confirm", "code", papers[0].codes["1"]).want(t, http.StatusSeeOther)

	// Codes by SMS and by call: to confirm the number, and to sign in.
	w.act(t, "UPDATE sessions SET proved_by = 'phone' WHERE user_id = ?", id)
	w.carry(t)
	for channel, number := range map[string]string{"sms": mobile, "voice": office} {
		page := b.post(t, "/me/backup-phones", "number", number, "channel", channel).want(t, http.StatusSeeOther).location()
		note("a code by "+channel+" to a new number", w.codeTo(t, number))
		b.post(t, page, "code", w.codeTo(t, number)).want(t, http.StatusSeeOther)
		w.forward(t, 11*time.Minute)
		w.act(t, "UPDATE sessions SET proved_by = 'phone', proved_at = ? WHERE user_id = ?", w.DB.Now(), id)
		attempt = other.begin(t, name)
		other.post(t, attempt+"/method", "method", channel).want(t, http.StatusSeeOther)
		note("a code by "+channel, w.codeTo(t, number))
		other.post(t, attempt+"/verify", "code", w.codeTo(t, number)).want(t, http.StatusSeeOther)
	}

	// A code that a caller reads to the helpdesk, and a wrong one.
	desk := w.browser(t).signIn(t, "desk@alder.example")
	desk.get(t, "/admin/alder/users/"+id).want(t, http.StatusOK)
	check := desk.post(t, "/admin/alder/users/"+id+"/caller-checks", "via", "backup_phone").want(t, http.StatusSeeOther).location()
	var sent string
	w.one(t, &sent, "SELECT target FROM outbox ORDER BY created_at DESC, id LIMIT 1")
	read := w.codeToCaller(t, sent)
	note("a code for the helpdesk", read)
	desk.post(t, check+"/verify", "code", wrongCode(read)).want(t, http.StatusUnauthorized)
	desk.post(t, check+"/verify", "code", read).want(t, http.StatusSeeOther)

	// A passkey, and what it signed.
	k := passkeytest.New(t, b.base)
	b.post(t, "/me/passkeys", "name", "Laptop", "credential", k.Make(t, optionsOf(t, b.get(t, "/me/passkeys/new").want(t, http.StatusOK)))).want(t, http.StatusSeeOther)

	// A phone: the link and the PIN.
	token := b.invite(t)
	note("the link of an enrolment", token)
	ph := w.newPhone(t)
	ph.pin = "9182736455463728"
	note("the PIN of a phone", ph.pin)
	ph.enrolled(t, ph.enrol(t, token))

	// A bypass: read out, and in halves.
	desk = w.browser(t).signIn(t, deskOf)
	_, code := desk.bypassFor(t, w, deskOf, name)
	note("a code of a bypass", code)
	note("a code of a bypass without what parts it", strings.ReplaceAll(code, "-", ""))
	note("the link that takes a bypass back", w.disowning(t, name)[len("/not-me/"):])
	w.browser(t).byBypass(t, name, code)
	page := desk.gives(t, w, deskOf, name, "delivery", "split").want(t, http.StatusSeeOther).location()
	half := strings.TrimSpace(first(bypassMark, desk.get(t, page).want(t, http.StatusOK)))
	note("a half of a bypass", half)
	attempt = other.begin(t, name)
	other.post(t, attempt+"/method", "method", "bypass").want(t, http.StatusSeeOther)
	other.post(t, attempt+"/verify", "code", half).want(t, http.StatusUnauthorized)
	w.forward(t, 11*time.Minute)

	// A static passcode.
	admin, security := w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, firstSecurity)
	passcode := w.passcodeFor(t, admin, security, name)
	note("a static passcode", passcode)
	note("a static passcode without what parts it", strings.ReplaceAll(passcode, "-", ""))
	attempt = other.begin(t, name)
	other.post(t, attempt+"/method", "method", "static_passcode").want(t, http.StatusSeeOther)
	other.post(t, attempt+"/verify", "code", passcode).want(t, http.StatusSeeOther)

	// Links: a password, an invitation.
	link := invitationMark.FindString(admin.post(t, "/admin/alder/users/"+id+"/password-link", "reason", "forgotten").want(t, http.StatusOK).body)
	note("the link to set a password", link[strings.LastIndex(link, ".")+1:])
	w.browser(t).get(t, link).want(t, http.StatusOK)
	invited := invitationMark.FindString(admin.post(t, "/admin/alder/users", "name", "new@alder.example", "display_name", "New", "reason", "a test").want(t, http.StatusOK).body)
	note("the link of an invitation", invited[strings.LastIndex(invited, ".")+1:])
	fresh := w.browser(t)
	fresh.get(t, invited).want(t, http.StatusOK)
	fresh.post(t, invited, "password", wrongPassword, "password_again", wrongPassword).want(t, http.StatusSeeOther)

	// What providers are paid with.
	security.post(t, providers+"/mail", "driver", "webhook", "url", "https://mail.example/in", "sender", "id@alder.example", "credential", credential, "version", "0").want(t, http.StatusSeeOther)
	note("the credential of a provider", credential)
	return all
}

// passcodeFor lets somebody have a static passcode, and gives it.
func (w *world) passcodeFor(t testing.TB, admin, security *browser, name string) string {
	t.Helper()
	_, id := w.person(t, name)
	w.act(t, "UPDATE tenants SET no_sign_in = no_sign_in & ~128 WHERE slug = 'alder'")
	admin.get(t, "/admin/alder/users/"+id)
	request := admin.post(t, "/admin/alder/users/"+id+"/passcodes", "hours", "24", "reason", "a test").want(t, http.StatusSeeOther).location()
	security.get(t, request).want(t, http.StatusOK)
	security.post(t, request+"/approve", "reason", "seen").want(t, http.StatusSeeOther)
	const list = "/admin/alder/passcodes"
	show := regexp.MustCompile(list + `/[a-z0-9]+/show`).FindString(security.get(t, list).want(t, http.StatusOK).body)
	code := first(passcodeMark, security.post(t, show).want(t, http.StatusOK))
	if len(code) != 23 {
		t.Fatalf("it is shown as %q", code)
	}
	return code
}
