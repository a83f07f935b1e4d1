package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/feature"
	"latchkey/app/release"
	"latchkey/app/server"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// shares is the form of the shares of a feature: a third everywhere, and more pairs.
func shares(pairs ...string) []string {
	for _, region := range tenant.Regions {
		for _, ring := range tenant.Rings {
			pairs = append(pairs, "share."+region+"."+ring, "33")
		}
	}
	return pairs
}

// TestAReleaseOnItsPage walks it: shares, a count first, a stop, and back.
func TestAReleaseOnItsPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		const page = "/operator/releases/passkeys"
		if a := b.get(t, "/operator/releases").want(t, http.StatusOK); strings.Count(a.body, ">Everywhere<") != len(feature.Catalogue) || !strings.Contains(a.body, "2 of 2") {
			t.Errorf("the list says %s", excerpt(a.body))
		}
		form := func(alder string, pairs ...string) []string {
			all := shares(pairs...)
			for i := range all {
				if all[i] == "33" {
					all[i] = "100"
				}
				if i > 0 && all[i-1] == "share.eu.early" {
					all[i] = alder
				}
			}
			return all
		}
		offered := func() bool {
			pc := w.browser(t)
			return strings.Contains(pc.get(t, pc.begin(t, "user1@alder.example")+"/help").body, `name="method" value="passkey"`)
		}
		b.get(t, page).want(t, http.StatusOK)
		if a := b.post(t, page, form("101", "version", "0", "reason", "")...).want(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, `value="101"`) || !strings.Contains(a.body, "from 0 to 100") || !strings.Contains(a.body, "Say why") {
			t.Errorf("the form comes back as %s", excerpt(a.body))
		}
		if a := b.post(t, page, form("0", "version", "0", "reason", "", "preview", "yes")...).want(t, http.StatusOK); !strings.Contains(a.body, "1 of 2 organisations would have it: 0 more than now, and 1 fewer") {
			t.Errorf("the count says %s", excerpt(a.body))
		}
		if !offered() {
			t.Error("to count first takes it away")
		}
		b.post(t, page, form("0", "version", "0", "reason", "a pause for some")...).want(t, http.StatusSeeOther)
		if offered() {
			t.Error("what is not released is offered")
		}
		b.post(t, page, form("50", "version", "0", "reason", "over an older one")...).is(t, http.StatusConflict)
		b.post(t, page+"/stop", "reason", "").is(t, http.StatusUnprocessableEntity)
		b.post(t, page+"/stop", "version", "0", "reason", "broken").want(t, http.StatusSeeOther) // whatever the version
		a := b.get(t, page).want(t, http.StatusOK)
		for _, said := range []string{">Stopped<", "0 of 2 organisations have it", "Early in Europe: 100 % → 0 %", "a pause for some", "Stopped everywhere", operatorName} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page does not say %q", said)
			}
		}
		b.post(t, page+"/restore", "version", "2", "to", "0", "reason", "as before").want(t, http.StatusSeeOther)
		if offered() {
			t.Error("a restored version lets it go on")
		}
		b.post(t, page+"/restore", "version", "3", "to", "9", "reason", "none such").is(t, http.StatusNotFound)
		b.post(t, page+"/resume", "version", "3", "reason", "mended").want(t, http.StatusSeeOther)
		if !offered() {
			t.Error("it does not go on")
		}
		b.get(t, "/operator/releases/nothing").is(t, http.StatusNotFound)
		b.post(t, "/operator/releases/nothing/stop", "reason", "none such").is(t, http.StatusNotFound)
		var events, versions int
		w.one(t, &events, "SELECT count(*) FROM audit_events WHERE action IN (?,?,?) AND tenant_id = 'platform'", audit.ReleaseChanged, audit.ReleaseStopped, audit.ReleaseResumed)
		w.one(t, &versions, "SELECT count(*) FROM release_versions")
		if events != 4 || versions != 4 {
			t.Errorf("%d events and %d versions, want four of each", events, versions)
		}
	})
}

// TestAStopReachesEveryReplica: open sign-ins, their streams, what waits on the phone and
// sessions that the feature made end there as they do here, from the moment that the
// operator is answered; streams are told by the stop, and not before it stands.
func TestAStopReachesEveryReplica(t *testing.T) {
	one := onPostgres(t)
	two := one.beside(t)
	const name = "user1@alder.example"
	ph, _ := one.withPhone(t, name)
	made := one.browser(t).byPhone(t, ph, name)
	b := one.browser(t)
	attempt := b.askPhone(t, name)
	r, shown := ph.asks(t), number(b.get(t, attempt))
	here, there := b.watch(t, attempt), b.on(two).watch(t, attempt)
	for _, waiting := range []*stream{here, there} {
		waiting.says(t, "state pending")
	}
	var stops int
	one.one(t, &stops, "SELECT count(*) FROM audit_events WHERE action = ?", audit.ReleaseStopped)
	if event := here.next(0); stops != 0 || !strings.HasPrefix(event, "(nothing") {
		t.Errorf("before it is stopped there are %d stops, and a stream says %q", stops, event)
	}
	op := one.operator(t)
	op.post(t, "/operator/releases/phone_sign_in/stop", "reason", "a test").want(t, http.StatusSeeOther)
	// Whoever asks now is told so by either, whether or not its streams have heard of it.
	for _, w := range []*world{two, one} {
		if made.on(w).signedIn(t) {
			t.Error("a session that a phone made goes on")
		}
		if strings.Contains(b.on(w).get(t, attempt+"/help").body, `name="method" value="phone"`) {
			t.Error("it is offered")
		}
		if got := b.on(w).state(t, attempt); got != "expired" {
			t.Errorf("polling says %q", got)
		}
		var open []asked
		if ph.on(w).call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &open); len(open) != 0 {
			t.Errorf("the phone shows %d requests", len(open))
		}
		ph.on(w).answers(t, r, "approve", shown).is(t, http.StatusGone)
		b.on(w).post(t, attempt+"/finish").is(t, http.StatusUnauthorized)
		b.on(w).get(t, attempt).is(t, http.StatusSeeOther)
	}
	for _, waiting := range []*stream{here, there} {
		for _, want := range []string{"state expired", "(ended)"} {
			if got := waiting.next(time.Minute); got != want {
				t.Fatalf("%s: event %q, want %q", waiting.answer.asked, got, want)
			}
		}
	}
	one.one(t, &stops, "SELECT count(*) FROM audit_events e JOIN release_gates g ON g.feature = 'phone_sign_in' AND g.region = 'eu' AND g.ring = 'early' AND g.way = 0 AND g.part = 1 WHERE e.action = ? AND g.share = 0", audit.ReleaseStopped)
	if stops != 1 {
		t.Errorf("%d stops stand with their gate", stops)
	}
	op.on(two).post(t, "/operator/releases/phone_sign_in/resume", "version", "1", "reason", "mended").want(t, http.StatusSeeOther)
	ph.approves(t, b.on(two), attempt)
	b.on(one).post(t, attempt+"/finish").want(t, http.StatusSeeOther)
}

// BenchmarkStop stops a feature while browsers wait at both of two replicas, and says when
// the last of them has been told: from before the operator asks, in milliseconds. The
// goal is one second (product.md §4).
func BenchmarkStop(b *testing.B) {
	for _, waiting := range []int{1, 500} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			one := newWorld(b, servertest.Start(b, store.Postgres, trusting("127.0.0.0/8"), func(s *server.Settings) { s.SignInsPerMinute = 0 }), &atomic.Int64{})
			two := newWorld(b, servertest.Replica(b, one.DB.DSN, one.URL, trusting("127.0.0.0/8")), one.ahead)
			op := one.operator(b)
			version := 0
			var answered, here, there time.Duration
			for b.Loop() {
				b.StopTimer()
				var streams [2][]*stream
				for i := range waiting {
					for at, w := range []*world{one, two} {
						pc := one.browser(b)
						attempt := pc.askPhone(b, fmt.Sprintf("nobody%d.%d.%d@alder.example", version, i, at))
						r := pc.on(w).request(b, http.MethodGet, attempt+"/events", nil, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i%250))
						s := open(b, pc.client, r)
						if event := s.next(time.Minute); event != "state pending" {
							b.Fatalf("%d: %s", s.answer.status, event)
						}
						streams[at] = append(streams[at], s)
					}
				}
				b.StartTimer()
				began := time.Now()
				told := func(streams []*stream, after chan<- time.Duration) {
					for _, s := range streams {
						if event := s.next(time.Minute); event != "state expired" {
							b.Errorf("event %q", event)
						}
					}
					after <- time.Since(began)
				}
				first, second := make(chan time.Duration, 1), make(chan time.Duration, 1)
				go told(streams[0], first)
				go told(streams[1], second)
				op.post(b, "/operator/releases/phone_sign_in/stop", "reason", "a measurement").want(b, http.StatusSeeOther)
				answered += time.Since(began)
				here += <-first
				there += <-second
				b.StopTimer()
				version += 2
				op.post(b, "/operator/releases/phone_sign_in/resume", "version", strconv.Itoa(version-1), "reason", "a measurement").want(b, http.StatusSeeOther)
				b.StartTimer()
			}
			for unit, sum := range map[string]time.Duration{"answered-ms": answered, "told-here-ms": here, "told-there-ms": there} {
				b.ReportMetric(float64(sum.Microseconds())/1000/float64(b.N), unit)
			}
		})
	}
}

// TestReleasesAtOnce: of many with one version one wins, and none shuts the
// operators out.
func TestReleasesAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := &release.Service{DB: w.DB, Hub: w.Hub, Keys: w.Keys}
		_, operatorID := w.person(t, operatorName)
		act := release.Act{Feature: feature.TOTP, Reason: "a test", By: audit.Operator(operatorID)}
		errs := make(chan error, 8)
		for i := range 8 {
			go func() {
				errs <- s.Change(t.Context(), act, []feature.Cell{{Region: "eu", Ring: "early", Share: i * 10}})
			}()
		}
		won := 0
		for range 8 {
			if err := <-errs; err == nil {
				won++
			}
		}
		if d, err := s.Find(t.Context(), feature.TOTP); err != nil || won != 1 || d.Version != 1 || len(d.Versions) != 1 {
			t.Errorf("%d of eight at once won, and the version is %d: %v", won, d.Version, err)
		}
		// The operator has nothing but a phone: to stop phones would be the last thing they did.
		w.act(t, "UPDATE tenants SET no_sign_in = no_sign_in | 1 WHERE id = 'platform'")
		w.act(t, "UPDATE users SET ways = 2 WHERE id = ?", operatorID)
		act.Feature = feature.PhoneSignIn
		if err := s.Stop(t.Context(), act); err == nil || !strings.Contains(err.Error(), "release.operators") {
			t.Errorf("to shut the operators out gives %v", err)
		}
		// Nor does somebody count whose role has ended.
		w.act(t, `INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, ways, created_at)
			VALUES ('platform', 'former', 'former@latchkey.example', '', 'active', 'disabled', '', ?, ?)`, user.WithPasskey, w.now())
		w.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at, ends_at) VALUES ('platform', 'former', 'operator', '', ?, ?)", w.now(), w.now().Add(-time.Hour))
		if err := s.Stop(t.Context(), act); err == nil || !strings.Contains(err.Error(), "release.operators") {
			t.Errorf("to leave one whose role has ended gives %v", err)
		}
		var gates int
		if w.one(t, &gates, "SELECT count(*) FROM release_gates WHERE feature = 'phone_sign_in'"); gates != 0 {
			t.Errorf("it left %d gates", gates)
		}
		w.act(t, "UPDATE role_assignments SET ends_at = ? WHERE user_id = 'former'", w.now().Add(time.Hour))
		if err := s.Stop(t.Context(), act); err != nil {
			t.Errorf("with another one who can sign in: %v", err)
		}
	})
}

// TestAReleaseIsChangedAtItsTime walks it on the page: what is wrong with times, what
// waits, the sweeps of replicas at once, and the way back.
func TestAReleaseIsChangedAtItsTime(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.operator(t)
		const page = "/operator/releases/passkeys"
		soon := w.now().Add(time.Hour)
		form := func(version, starts, ends string) []string {
			return shares("version", version, "reason", "next week", "starts_at", starts, "ends_at", ends)
		}
		for _, row := range [][2]string{{"tomorrow", ""}, {"2001-01-01T10:00", ""}, {soon.Format(time.RFC3339), soon.Add(-time.Minute).Format(time.RFC3339)}} {
			b.post(t, page, form("0", row[0], row[1])...).is(t, http.StatusUnprocessableEntity)
		}
		b.post(t, page, form("0", soon.Format(time.RFC3339), soon.Add(time.Hour).Format(time.RFC3339))...).want(t, http.StatusSeeOther)
		b.post(t, page, form("0", soon.Format(time.RFC3339), "")...).is(t, http.StatusConflict)
		if a := b.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, "Waits for its time") || !strings.Contains(a.body, "Nobody has changed it yet") {
			t.Errorf("the page says %s", excerpt(a.body))
		}
		var versions int
		for want := 1; want <= 2; want++ {
			w.act(t, "UPDATE release_schedules SET at = ?", w.now())
			errs := make(chan error, 6)
			for range 6 {
				go func() { errs <- w.Releases.Due(t.Context()) }()
			}
			for range 6 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			if w.one(t, &versions, "SELECT count(*) FROM release_versions WHERE feature = 'passkeys'"); versions != want {
				t.Fatalf("%d versions, want %d", versions, want)
			}
		}
		var cells int
		if w.one(t, &cells, "SELECT count(*) FROM release_cells WHERE feature = 'passkeys'"); cells != 0 {
			t.Errorf("after its end %d cells are not whole", cells)
		}
		// A stop drops what waits; and what waits is taken back.
		b.post(t, page, form("2", soon.Format(time.RFC3339), "")...).want(t, http.StatusSeeOther)
		b.post(t, page+"/stop", "reason", "broken").want(t, http.StatusSeeOther)
		var left, dropped int
		w.one(t, &left, "SELECT count(*) FROM release_schedules")
		if w.one(t, &dropped, "SELECT count(*) FROM audit_events WHERE action = 'release.dropped'"); left != 0 || dropped != 1 {
			t.Errorf("%d wait after a stop, %d events", left, dropped)
		}
		b.post(t, page, form("3", soon.Format(time.RFC3339), "")...).want(t, http.StatusSeeOther)
		var id string
		w.one(t, &id, "SELECT id FROM release_schedules")
		b.post(t, page+"/schedule/"+id+"/cancel", "reason", "").is(t, http.StatusUnprocessableEntity)
		b.post(t, page+"/schedule/"+id+"/cancel", "reason", "not now").want(t, http.StatusSeeOther)
		b.post(t, page+"/schedule/"+id+"/cancel", "reason", "again").is(t, http.StatusNotFound)
		// Whoever made it is no operator any more.
		b.post(t, page, form("3", soon.Format(time.RFC3339), "")...).want(t, http.StatusSeeOther)
		w.act(t, "UPDATE release_schedules SET at = ?, made_by = 'somebody'", w.now())
		if err := w.Releases.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.one(t, &versions, "SELECT count(*) FROM release_versions WHERE feature = 'passkeys'"); versions != 3 {
			t.Errorf("%d versions, want 3", versions)
		}
	})
}
