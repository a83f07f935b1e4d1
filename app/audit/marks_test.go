package audit_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"latchkey/app/audit"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/migrations"
)

// everyKind is an event of each action, with parties, outcomes and reasons of each kind.
func everyKind() (all []audit.Event) {
	parties := []audit.Party{audit.User("u1"), audit.User("u2"), audit.Operator("u3"), audit.Claimant("u1"), audit.Service, audit.Device("d1")}
	targets := []audit.Party{audit.User("u1"), audit.Prompt("p1"), audit.Attempt("a1"), audit.Session("s1"), audit.Device("d1"), audit.Tenant("t1"), {Kind: audit.KindCase, ID: "c1"}, {}}
	outcomes := []audit.Outcome{"", audit.Success, audit.Failure, audit.Denied}
	reasons := []string{"", "signin.password_wrong", "lost the phone", "signin", "a..b", ".a", "a.", "Ä.b", "a.b c", "one.two.three", "a1.b", "a_b.c_d"}
	for i, action := range audit.Actions() {
		e := audit.Event{
			TenantID: "alder", Action: action, Actor: parties[i%len(parties)], Target: targets[i%len(targets)], Outcome: outcomes[i/2%len(outcomes)],
			Reason: reasons[i%len(reasons)], Subject: []string{"u1", "u2", ""}[i/6%3], Origin: audit.Origin{IP: []string{"192.0.2.7", "2001:db8::1", ""}[i/3%3], Browser: "firefox/linux"},
		}
		if i%7 == 0 { // nothing in it, not even where it came from
			e.Origin = audit.Origin{}
		}
		all = append(all, e)
	}
	return all
}

// marks are the marks of the events that are kept, and those that each has to have.
func marks(t *testing.T, db *store.DB) (are, want []string) {
	t.Helper()
	if err := db.View(t.Context()).All(&are, "SELECT e.id || w.word FROM audit_words w JOIN audit_events e ON e.tenant_id = w.tenant_id AND e.occurred_at = w.occurred_at AND e.id = w.event_id WHERE w.word LIKE ':%'"); err != nil {
		t.Fatal(err)
	}
	for _, k := range kept(t, db) {
		for _, mark := range k.Marks() {
			want = append(want, k.ID+mark)
		}
	}
	slices.Sort(are)
	slices.Sort(want)
	return are, want
}

func same(t *testing.T, db *store.DB, claim string) {
	t.Helper()
	are, want := marks(t, db)
	for _, mark := range are {
		if !slices.Contains(want, mark) {
			t.Errorf("%s there is %s", claim, mark)
		}
	}
	for _, mark := range want {
		if !slices.Contains(are, mark) {
			t.Errorf("%s there is no %s", claim, mark)
		}
	}
}

// TestEachEventHasItsMarks, whether it is recorded alone or with others; and they are those of
// its columns, as a statement asks them.
func TestEachEventHasItsMarks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		record(t, db, everyKind()...)
		clock.Forward(1)
		if err := db.Act(t.Context(), func(tx *store.Tx) error { return audit.RecordAll(tx, everyKind()) }); err != nil {
			t.Fatal(err)
		}
		same(t, db, "as recorded")
		for mark, is := range map[string]string{
			audit.MarkOfDesk:                            audit.OfDesk,
			audit.MarkOfActor("u1"):                     "actor_id = 'u1' AND actor_kind IN ('user', 'operator') AND actor_id <> subject_id",
			audit.MarkOfActor("u3"):                     "actor_id = 'u3' AND actor_kind IN ('user', 'operator') AND actor_id <> subject_id",
			audit.MarkOfTarget("c1"):                    "target_id = 'c1' AND target_kind NOT IN ('user', 'prompt', 'attempt', 'session', 'device')",
			audit.MarkOfTarget("u1"):                    "1 = 0",
			audit.MarkOfOutcome(audit.Denied):           "outcome = 'denied'",
			audit.MarkOfOutcome(audit.Failure):          "outcome = 'failure'",
			audit.MarkOfOutcome(audit.Success):          "1 = 0",
			audit.MarkOfReason("signin.password_wrong"): "reason = 'signin.password_wrong'",
			audit.MarkOfReason("one.two.three"):         "reason = 'one.two.three'",
			audit.MarkOfReason("lost the phone"):        "1 = 0",
			audit.MarkOfReason("a..b"):                  "1 = 0",
		} {
			want := count(t, db, "SELECT count(*) FROM audit_events WHERE action <> 'phone_code.sent' AND ("+is+")")
			if got := count(t, db, "SELECT count(*) FROM audit_words w JOIN audit_events e ON e.tenant_id = w.tenant_id AND e.occurred_at = w.occurred_at AND e.id = w.event_id WHERE e.action <> 'phone_code.sent' AND w.word = ?", mark); got != want || want == 0 && is != "1 = 0" {
				t.Errorf("%d events have %s, want %d", got, mark, want)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM audit_words WHERE word = 'phone'"); n == 0 {
			t.Error("no event is found by what somebody typed")
		}
	})
}

// TestACodeThatIsHeldBackMakesTheWorkOfOneThatIsSent: nothing tells who has a backup phone.
func TestACodeThatIsHeldBackMakesTheWorkOfOneThatIsSent(t *testing.T) {
	sent := audit.Kept{Action: string(audit.PhoneCodeSent), Outcome: string(audit.Success), ActorKind: audit.KindClaimant, ActorID: "x", TargetKind: audit.KindAttempt, TargetID: "a1"}
	held := sent
	held.Outcome, held.Reason = string(audit.Failure), "backupphone.none"
	if a, b := sent.Marks(), held.Marks(); len(a) != len(b) || len(b) != 2 {
		t.Errorf("one that is sent has %q, one that is held back %q", a, b)
	}
}

// TestNobodyTypesAMark: what somebody types leads to no mark, but finds its words.
func TestNobodyTypesAMark(t *testing.T) {
	for _, mark := range []string{audit.MarkOfDesk, audit.MarkOfActor("u1"), audit.MarkOfReason("signin.password_wrong")} {
		for _, word := range audit.Words(mark) {
			if strings.HasPrefix(word, ":") {
				t.Errorf("%q is typed as %q", mark, word)
			}
		}
	}
}

// TestMarksOfWhatWasBefore: events from before there were marks, and their addresses, are found
// like later ones; and so are those that a replica of the version before writes beside this.
func TestMarksOfWhatWasBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		record(t, db, everyKind()...)
		files, err := fs.Sub(migrations.Files, string(db.Dialect))
		if err != nil {
			t.Fatal(err)
		}
		dialect := map[store.Dialect]goose.Dialect{store.Postgres: goose.DialectPostgres, store.SQLite: goose.DialectSQLite3}[db.Dialect]
		provider, err := goose.NewProvider(dialect, db.Pool(), files)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.DownTo(t.Context(), 63); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, "SELECT count(*) FROM audit_words WHERE word LIKE ':%'"); n != 0 {
			t.Fatalf("%d marks are left", n)
		}
		if _, err := provider.UpTo(t.Context(), 65); err != nil {
			t.Fatal(err)
		}
		same(t, db, "after the step")
		addresses(t, db)
		if db.Dialect == store.SQLite {
			return // one process, of one version
		}
		const before = "tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt"
		clock.Forward(1)
		err = db.Act(t.Context(), func(tx *store.Tx) error {
			return tx.Exec("INSERT INTO audit_events ("+before+") SELECT "+strings.NewReplacer(" id,", " id || '-again',", "occurred_at", "CAST(? AS timestamptz)").Replace(" "+before)+" FROM audit_events", tx.Now).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, db, "of the version before")
		addresses(t, db)
		err = db.Act(t.Context(), func(tx *store.Tx) error {
			return tx.Exec("UPDATE audit_events SET personal = '', salt = '' WHERE personal LIKE '%192.0.2.7%'").Error
		})
		if err != nil || count(t, db, "SELECT count(*) FROM audit_events WHERE address = '192.0.2.7'") != 0 {
			t.Errorf("an address outlives who erased it: %v", err)
		}
	})
}

// addresses wants of each event the address that stands in its personal data.
func addresses(t *testing.T, db *store.DB) {
	t.Helper()
	some := 0
	for _, k := range kept(t, db) {
		want := k.Address
		if k.Address != "" {
			some++
			want = fmt.Sprintf(`"ip":"%s"`, k.Address)
		}
		if !strings.Contains(k.Personal, want) || k.Address == "" && strings.Contains(k.Personal, `"ip"`) {
			t.Errorf("%s of %q has the address %q", k.ID, k.Personal, k.Address)
		}
	}
	if some == 0 {
		t.Error("no event has an address")
	}
}
