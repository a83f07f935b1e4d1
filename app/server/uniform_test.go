package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/passkey/passkeytest"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/totp"
)

// Who is behind a name shows in nothing that a claimant can see (product.md §1,
// 6). The names are of one length and one shape.
var claimants = []claimant{
	{"somebody with a phone", "user1@alder.example"},
	{"nobody", "user0@alder.example"},
	{"somebody locked", "user2@alder.example"},
	{"somebody without a phone, with an app", "user3@alder.example"},
	{"somebody who left their only phone", "user4@alder.example"},
	{"somebody disabled", "user5@alder.example"},
	{"an administrator with a phone", "admin@alder.example"},
}

type claimant struct{ who, name string }

// claim sets up what the claimants are, and gives their authenticator apps.
func (w *world) claim(t testing.TB) (apps []*app) {
	t.Helper()
	w.passcodeFor(t, w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, firstSecurity), "user1@alder.example")
	w.withPhone(t, "user1@alder.example")
	w.withPhone(t, "user2@alder.example")
	ph, _ := w.withPhone(t, "user4@alder.example")
	ph.call(t, http.MethodDelete, "/devices/self", nil).want(t, http.StatusNoContent)
	w.withPhone(t, "user5@alder.example")
	w.withPhone(t, "admin@alder.example")
	for _, name := range []string{"user3@alder.example", "admin@alder.example"} {
		a, _ := w.withApp(t, name)
		apps = append(apps, a)
	}
	w.withSheet(t, "user2@alder.example")
	w.withSheet(t, "user3@alder.example")
	w.withPasskey(t, "user1@alder.example")
	w.withPasskey(t, "user5@alder.example")
	for name, number := range map[string]string{"user1@alder.example": mobile, "user2@alder.example": "+4915112345679", "user5@alder.example": "+4915112345680"} {
		w.withBackup(t, name, number, "sms")
		w.forward(t, 11*time.Minute)
	}
	w.withBackup(t, "user2@alder.example", office, "voice")
	w.lock(t, "user2@alder.example")
	w.act(t, "UPDATE users SET state = 'disabled' WHERE name = 'user5@alder.example'")
	w.forward(t, 11*time.Minute)
	return apps
}

// steps is a whole sign-in of a claimant who knows nothing, answer by answer. No code of
// the apps is typed by chance.
func (w *world) steps(t testing.TB, name string, apps []*app) []answer {
	t.Helper()
	var all []answer
	look := func(a answer) answer { all = append(all, a); return a }
	b := w.browser(t)
	look(b.get(t, "/signin"))
	attempt := look(b.post(t, "/signin", "identifier", name)).location()
	look(b.get(t, attempt))
	look(b.get(t, attempt+"/state"))
	look(b.get(t, attempt+"/help"))
	look(b.post(t, attempt+"/verify", "password", "wrong"))
	look(b.post(t, attempt+"/finish"))
	look(b.post(t, attempt+"/method", "method", "none"))
	look(b.post(t, attempt+"/method", "method", "phone"))
	look(b.get(t, attempt))
	look(b.get(t, attempt+"/state"))
	look(b.get(t, attempt+"/help"))
	look(b.post(t, attempt+"/verify", "password", passwordOfAll)) // not the way now
	look(b.post(t, attempt+"/finish"))

	// The phone is the way from now on; a second browser finds it busy.
	other := w.browser(t)
	held := look(other.post(t, "/signin", "identifier", name)).location()
	look(other.get(t, held))
	look(other.get(t, held+"/state"))
	look(other.get(t, held+"/help"))
	look(other.post(t, held+"/finish"))

	// The helpdesk is asked, whoever asks.
	asking := w.browser(t)
	ask := look(asking.post(t, "/signin", "identifier", name)).location()
	look(asking.get(t, ask+"/help"))
	look(asking.get(t, ask+"/ask"))
	look(asking.get(t, ask+"/ask/state"))
	look(asking.post(t, ask+"/ask", "cause", "eaten", "words", " "))
	look(asking.post(t, ask+"/ask", "cause", "lost", "words", "Left on the bus"))
	look(asking.get(t, ask+"/ask"))
	look(asking.get(t, ask+"/ask/state"))
	if err := w.Cases.TakeIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.act(t, "UPDATE cases SET owner_id = (SELECT id FROM users WHERE name = 'desk@alder.example')")
	look(asking.get(t, ask+"/ask"))
	look(asking.get(t, ask+"/ask/state"))
	look(asking.post(t, ask+"/ask", "cause", "lost", "words", "Again"))
	look(asking.post(t, look(asking.post(t, "/signin", "identifier", name)).location()+"/ask", "cause", "lost", "words", "Again"))
	look(asking.get(t, look(asking.post(t, "/signin", "identifier", name)).location()+"/ask"))

	// A code of an app, whoever has one.
	app := w.browser(t)
	coded := look(app.post(t, "/signin", "identifier", name)).location()
	look(app.post(t, coded+"/method", "method", "totp"))
	look(app.get(t, coded))
	look(app.get(t, coded+"/help"))
	look(app.post(t, coded+"/verify", "code", wrongAppCode(t, apps...)))
	look(app.post(t, coded+"/verify", "code", ""))
	look(app.post(t, coded+"/verify", "password", "wrong"))
	look(app.post(t, coded+"/finish"))
	look(app.get(t, coded))
	look(app.post(t, coded+"/method", "method", "phone"))

	// A printed code, whoever has one.
	paper := w.browser(t)
	sheet := look(paper.post(t, "/signin", "identifier", name)).location()
	look(paper.post(t, sheet+"/method", "method", "printed_code"))
	look(paper.get(t, sheet))
	look(paper.get(t, sheet+"/help"))
	look(paper.post(t, sheet+"/verify", "code", "7777-7777-7777-7777"))
	look(paper.post(t, sheet+"/verify", "code", ""))
	look(paper.post(t, sheet+"/finish"))
	look(paper.post(t, sheet+"/method", "method", "password"))
	look(paper.post(t, sheet+"/method", "method", "printed_code"))
	look(paper.get(t, sheet))
	look(paper.post(t, sheet+"/method", "method", "phone"))

	// A passkey, whoever has one.
	keyed := w.browser(t)
	asked := look(keyed.post(t, "/signin", "identifier", name)).location()
	look(keyed.post(t, asked+"/method", "method", "passkey"))
	signed := passkeytest.New(t, "https://id.example.org").Sign(t, optionsOf(t, look(keyed.get(t, asked))))
	look(keyed.get(t, asked+"/help"))
	look(keyed.post(t, asked+"/verify", "credential", signed))
	look(keyed.post(t, asked+"/verify", "credential", "{}"))
	look(keyed.post(t, asked+"/verify", "password", "wrong"))
	look(keyed.get(t, asked))
	look(keyed.post(t, asked+"/method", "method", "phone"))

	// Codes that are sent, to whoever has a number: three, and no more for a while.
	sent := w.browser(t)
	coming := look(sent.post(t, "/signin", "identifier", name)).location()
	for _, way := range []string{"sms", "voice"} {
		look(sent.post(t, coming+"/method", "method", way))
		look(sent.get(t, coming))
		look(sent.get(t, coming+"/help"))
		look(sent.post(t, coming+"/verify", "code", "12345x"))
		look(sent.post(t, coming+"/verify", "password", "wrong"))
		look(sent.post(t, coming+"/finish"))
	}
	for range 2 {
		look(sent.post(t, coming+"/method", "method", "voice", "phone", "one of somebody"))
	}
	look(sent.get(t, coming))
	look(sent.post(t, coming+"/method", "method", "phone"))

	// A static passcode, for whoever was given one.
	boxed := w.browser(t)
	given := look(boxed.post(t, "/signin", "identifier", name)).location()
	look(boxed.post(t, given+"/method", "method", "static_passcode"))
	look(boxed.get(t, given))
	look(boxed.get(t, given+"/help"))
	look(boxed.post(t, given+"/verify", "code", "ABCDE-FGHJK-MNPQR-STVWX"))
	look(boxed.post(t, given+"/verify", "password", "wrong"))
	look(boxed.post(t, given+"/finish"))
	look(boxed.post(t, given+"/method", "method", "phone"))

	// The request lapses; two more, and the phone is left alone.
	w.forward(t, 2*time.Minute)
	look(b.get(t, attempt))
	look(b.get(t, attempt+"/state"))
	for range 3 {
		attempt = look(b.post(t, "/signin", "identifier", name)).location()
		look(b.get(t, attempt))
		look(b.get(t, attempt+"/state"))
		w.forward(t, 2*time.Minute)
	}
	look(b.post(t, attempt+"/method", "method", "password"))
	look(b.get(t, attempt))
	for range 6 {
		look(b.post(t, attempt+"/verify", "password", "wrong"))
	}
	look(b.get(t, attempt))

	// Ten wrong passwords pause that way.
	attempt = look(b.post(t, "/signin", "identifier", name)).location()
	look(b.get(t, attempt))
	for range 5 {
		look(b.post(t, attempt+"/verify", "password", "wrong"))
	}
	w.forward(t, 15*time.Minute)
	look(b.get(t, attempt))
	return all
}

var variable = regexp.MustCompile(`^(X-Request-Id|Date|Set-Cookie|Location|Content-Length|Retry-After)$`)

// passkeysNamed is what a page asks a passkey for: a challenge and, whoever asks,
// one or more that may sign.
var passkeysNamed = regexp.MustCompile(`&#34;challenge&#34;:&#34;[\w-]{96}&#34;|&#34;allowCredentials&#34;:\[(\{&#34;type&#34;:&#34;public-key&#34;,&#34;id&#34;:&#34;[\w-]+&#34;(,&#34;transports&#34;:\[[a-z,&#34;]+\])?\},?)+\],`)

// codeAsked is the number of the printed code that a page asks for: one for each name.
var codeAsked = regexp.MustCompile(`(<span id="code-number">|[Cc]ode number )[1-9][0-9]?`)

// caseNumber is a number that whoever asks the helpdesk is given: the next one.
var caseNumber = regexp.MustCompile(`\bC-1[0-9]{3}\b`)

var attemptMark = regexp.MustCompile(`\b(nowhere|[a-z2-7]{10})-[a-z2-7]{26}\b`)

// seen is an answer as far as it may not depend on who is behind a name.
func seen(a answer, name string) string {
	a.body = caseNumber.ReplaceAllString(codeAsked.ReplaceAllString(a.body, "${1}NUMBER"), "CASE")
	a.body = passkeysNamed.ReplaceAllString(strings.NewReplacer(name, "NAME", url.QueryEscape(name), "NAME").Replace(a.body), "CHALLENGE PASSKEYS ")
	var b strings.Builder
	fmt.Fprintln(&b, attemptMark.ReplaceAllString(a.asked, "ATTEMPT"), a.status)
	for _, name := range slices.Sorted(keys(a.header)) {
		values := a.header.Values(name)
		if variable.MatchString(name) {
			values = []string{fmt.Sprint(len(values))} // there or not
		}
		fmt.Fprintln(&b, name, values)
	}
	for _, c := range a.cookies() {
		fmt.Fprintln(&b, c.Name, len(c.Value), c.MaxAge)
	}
	b.WriteString(attemptMark.ReplaceAllString(a.location(), "ATTEMPT") + "\n" + plainBody(a))
	return b.String()
}

func keys(h http.Header) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

// eachQuiet runs a story on both databases without background work, which would
// send a held request between two steps of one name and not of another. It begins in the
// morning, for a time of another day reads otherwise.
func eachQuiet(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
			w.forward(t, w.now().UTC().Truncate(24*time.Hour).Add(30*time.Hour).Sub(w.now()))
			story(t, w)
		})
	}
}

func TestEveryNameIsAnsweredAlike(t *testing.T) {
	eachQuiet(t, func(t *testing.T, w *world) {
		apps := w.claim(t)
		var first []answer
		for _, c := range claimants {
			all := w.steps(t, c.name, apps)
			if first == nil {
				first = all
				continue
			}
			for i, a := range all {
				if got, want := seen(a, c.name), seen(first[i], claimants[0].name); got != want {
					t.Errorf("step %d, %s (instead of %s):\n%s", i, c.who, claimants[0].who, difference(got, want))
				}
			}
		}
		// What was walked through is what it was meant to be.
		statuses := map[int]int{}
		for _, a := range first {
			statuses[a.status]++
		}
		for _, status := range []int{200, 303, 401, 422, 429} {
			if statuses[status] == 0 {
				t.Errorf("no step was answered with %d: %v", status, statuses)
			}
		}
	})
}

// TestARightSecretOfWhoIsLockedReadsLikeAWrongOne of somebody who is not, by every way
// that one can be right by: words, headers and cookies.
func TestARightSecretOfWhoIsLockedReadsLikeAWrongOne(t *testing.T) {
	eachQuiet(t, func(t *testing.T, w *world) {
		const open, locked = "user1@alder.example", "user2@alder.example"
		passcode := w.passcodeFor(t, w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, firstSecurity), locked)
		a, _ := w.withApp(t, locked)
		sheet, _ := w.withSheet(t, locked)
		w.withSheet(t, open)
		k, _ := w.withPasskey(t, locked)
		w.withPasskey(t, open)
		stranger := passkeytest.New(t, "https://id.example.org")
		// What is right is what a lock comes after: it is not what was wrong with it.
		w.forward(t, totp.Period)
		b := w.browser(t)
		b.post(t, b.byCode(t, locked)+"/verify", "code", a.code(t, 0)).want(t, http.StatusSeeOther)
		w.forward(t, totp.Period)
		w.lock(t, locked)
		for _, row := range []struct {
			way          string
			right, wrong func(page answer) []string
		}{
			{"password", func(answer) []string { return []string{"password", passwordOfAll} }, func(answer) []string { return []string{"password", "wrong"} }},
			{"totp", func(answer) []string { return []string{"code", a.code(t, 0)} }, func(answer) []string { return []string{"code", "000000"} }},
			{"printed_code", func(page answer) []string { return []string{"code", sheet.codes[first(askedMark, page)]} }, func(answer) []string { return []string{"code", "7777-7777-7777-7777"} }},
			{"static_passcode", func(answer) []string { return []string{"code", passcode} }, func(answer) []string { return []string{"code", "ABCDE-FGHJK-MNPQR-STVWX"} }},
			{"passkey", func(page answer) []string { return []string{"credential", k.Sign(t, optionsOf(t, page))} }, func(page answer) []string { return []string{"credential", stranger.Sign(t, optionsOf(t, page))} }},
		} {
			tries := func(name string, form func(answer) []string) string {
				pc := w.browser(t)
				attempt := pc.begin(t, name)
				pc.post(t, attempt+"/method", "method", row.way).want(t, http.StatusSeeOther)
				page := pc.get(t, attempt).want(t, http.StatusOK)
				said := seen(pc.post(t, attempt+"/verify", form(page)...).want(t, http.StatusUnauthorized), name)
				if pc.signedIn(t) {
					t.Errorf("by %s %s is signed in", row.way, name)
				}
				return said
			}
			if got, want := tries(locked, row.right), tries(open, row.wrong); got != want {
				t.Errorf("by %s:\n%s", row.way, difference(got, want))
			}
		}
	})
}

// difference gives the lines in which two texts differ.
func difference(got, want string) string {
	var b strings.Builder
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			fmt.Fprintf(&b, "  got  %.300s\n", line)
			if i < len(lines) {
				fmt.Fprintf(&b, "  want %.300s\n", lines[i])
			}
		}
	}
	return b.String()
}

// TestEveryNameWaitsAlike: what the waiting page is told, and when.
func TestEveryNameWaitsAlike(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.claim(t)
		waiting := make([]*stream, len(claimants))
		held := make([]*stream, len(claimants))
		for i, c := range claimants {
			b, other := w.browser(t), w.browser(t)
			waiting[i] = b.watch(t, b.askPhone(t, c.name))
			held[i] = other.watch(t, other.begin(t, c.name))
		}
		for i, c := range claimants {
			if got := waiting[i].next(late); got != "state pending" {
				t.Errorf("%s: %q, want pending", c.who, got)
			}
			held[i].says(t, "state held", "(ended)")
		}
		w.forward(t, 2*time.Minute)
		for _, s := range waiting {
			s.says(t, "state expired", "(ended)")
		}
	})
}

// counting counts the statements of every pool. The program must be quiet.
type counting struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *counting) attach(t testing.TB, db *store.DB) {
	t.Helper()
	db.Watch(func(statement string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if first := firstWord.FindString(statement); first != "SELECT concat_ws" { // the roles are read anew every ten seconds, whoever comes
			c.seen[first]++
		}
	})
}

var firstWord = regexp.MustCompile(`^\s*\w+( \w+)*`)

// of does something and gives the work that it made.
func (c *counting) of(do func()) string {
	c.mu.Lock()
	c.seen = map[string]int{}
	c.mu.Unlock()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	// Nothing but argon2 takes as much as 19 MiB.
	const oneHash = 19 << 20
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%v and %d passwords hashed", c.seen, (after.TotalAlloc-before.TotalAlloc)/oneHash)
}

// TestEveryNameMakesTheSameWork: the time that an answer takes is made of the
// statements sent to the database and of the passwords hashed. They are counted;
// the time itself is only printed, since it decides nothing on a busy machine.
func TestEveryNameMakesTheSameWork(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org", servertest.DearPasswords))
			apps := w.claim(t)
			// One phone takes Web Push.
			w.act(t, "UPDATE devices SET push_subscription = '{}' WHERE user_id = (SELECT id FROM users WHERE name = 'user1@alder.example')")
			const nowhere = "user1@nowhere.example"
			everybody := slices.Concat(claimants, []claimant{{"a name of nowhere", nowhere}})
			carried := regexp.MustCompile("SMS|call|static")
			c := &counting{seen: map[string]int{}}
			c.attach(t, w.DB)
			k, signed := passkeytest.New(t, "https://id.example.org"), map[*browser]string{}
			acts := []struct {
				what string
				do   func(b *browser, name, attempt string)
			}{
				{"the name page", func(b *browser, name, _ string) { b.post(t, "/signin", "identifier", name).want(t, 303) }},
				{"the password page", func(b *browser, _, attempt string) { b.get(t, attempt).want(t, 200) }},
				{"a wrong password", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/verify", "password", "wrong").want(t, 401)
				}},
				{"an end without an answer", func(b *browser, _, attempt string) { b.post(t, attempt+"/finish").want(t, 401) }},
				{"the help page", func(b *browser, _, attempt string) { b.get(t, attempt+"/help").want(t, 200) }},
				{"choosing the phone", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/method", "method", "phone").want(t, 303)
				}},
				{"the number page", func(b *browser, _, attempt string) { b.get(t, attempt).want(t, 200) }},
				{"the state", func(b *browser, _, attempt string) { b.get(t, attempt+"/state").want(t, 200) }},
				{"an end of a request", func(b *browser, _, attempt string) { b.post(t, attempt+"/finish").want(t, 401) }},
				{"choosing a code", func(b *browser, _, attempt string) { b.post(t, attempt+"/method", "method", "totp").want(t, 303) }},
				{"the page of codes", func(b *browser, _, attempt string) { b.get(t, attempt).want(t, 200) }},
				{"a wrong code", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/verify", "code", wrongAppCode(t, apps...)).want(t, 401)
				}},
				{"choosing a printed code", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/method", "method", "printed_code").want(t, 303)
				}},
				{"the page of printed codes", func(b *browser, _, attempt string) { b.get(t, attempt).want(t, 200) }},
				{"a wrong printed code", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/verify", "code", "7777-7777-7777-7777").want(t, 401)
				}},
				{"choosing a passkey", func(b *browser, _, attempt string) { b.post(t, attempt+"/method", "method", "passkey").want(t, 303) }},
				{"the page of passkeys", func(b *browser, name, attempt string) {
					signed[b] = k.Sign(t, optionsOf(t, b.get(t, attempt).want(t, 200)))
				}},
				{"a wrong passkey", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/verify", "credential", signed[b]).want(t, 401)
				}},
				{"choosing an SMS", func(b *browser, _, attempt string) { b.post(t, attempt+"/method", "method", "sms").want(t, 303) }},
				{"the page of an SMS", func(b *browser, _, attempt string) { b.get(t, attempt).want(t, 200) }},
				{"a wrong code by SMS", func(b *browser, _, attempt string) { b.post(t, attempt+"/verify", "code", "12345x").want(t, 401) }},
				{"choosing a call", func(b *browser, _, attempt string) { b.post(t, attempt+"/method", "method", "voice").want(t, 303) }},
				{"a wrong code by a call", func(b *browser, _, attempt string) { b.post(t, attempt+"/verify", "code", "12345x").want(t, 401) }},
				{"choosing a static passcode", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/method", "method", "static_passcode").want(t, 303)
				}},
				{"a wrong static passcode", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/verify", "code", "ABCDE-FGHJK-MNPQR-STVWX").want(t, 401)
				}},
				{"the page to ask the helpdesk", func(b *browser, _, attempt string) { b.get(t, attempt+"/ask").want(t, 200) }},
				{"asking the helpdesk", func(b *browser, _, attempt string) {
					b.post(t, attempt+"/ask", "cause", "lost", "words", "Left on the bus").want(t, 303)
				}},
				{"the page of the request", func(b *browser, _, attempt string) { b.get(t, attempt+"/ask").want(t, 200) }},
				{"its state", func(b *browser, _, attempt string) { b.get(t, attempt+"/ask/state").want(t, 200) }},
				{"the name page again", func(b *browser, name, _ string) { b.post(t, "/signin", "identifier", name).want(t, 303) }},
			}
			done := map[string][]string{}
			took := map[string]map[string][]time.Duration{}
			for round := range 5 {
				for _, one := range everybody {
					b := w.browser(t)
					b.get(t, "/signin")
					w.act(t, "DELETE FROM habits")
					w.act(t, "DELETE FROM throttles")
					w.act(t, "DELETE FROM case_ask_counts")
					attempt := b.post(t, "/signin", "identifier", one.name).location()
					for _, act := range acts {
						if one.name == nowhere && carried.MatchString(act.what) {
							continue // whose carriers and passcodes would it be
						}
						w.act(t, "UPDATE attempts SET failures = 0")
						before := time.Now()
						work := c.of(func() { act.do(b, one.name, attempt) })
						if took[act.what] == nil {
							took[act.what] = map[string][]time.Duration{}
						}
						took[act.what][one.who] = append(took[act.what][one.who], time.Since(before))
						if round == 0 {
							done[act.what] = append(done[act.what], work)
						}
					}
				}
				w.forward(t, 11*time.Minute)
			}
			for _, act := range acts {
				for i, work := range done[act.what] {
					if work != done[act.what][0] {
						t.Errorf("%s of %s makes %s; of %s it makes %s", act.what, everybody[i].who, work, everybody[0].who, done[act.what][0])
					}
				}
				var line strings.Builder
				for _, c := range everybody {
					all := took[act.what][c.who]
					if slices.Sort(all); len(all) == 0 {
						continue
					}
					fmt.Fprintf(&line, "  %s %s", c.who, all[len(all)/2].Round(10*time.Microsecond))
				}
				t.Logf("median of %s:%s", act.what, line.String())
			}
			if got := done["a wrong printed code"][0]; !strings.Contains(got, "1 passwords hashed") {
				t.Errorf("a wrong printed code makes %s, want one hash", got)
			}
			if got := done["a wrong password"][0]; !strings.Contains(got, "1 passwords hashed") {
				t.Errorf("a wrong password makes %s, want one password hashed", got)
			}
		})
	}
}
