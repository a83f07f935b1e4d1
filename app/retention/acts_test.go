package retention_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/retention"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

func (h *archives) now() retention.Keeping {
	h.T.Helper()
	k, err := h.keeps.Of(h.T.Context(), h.Alder.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	return k
}

// months tries to keep the classes for so long.
func (h *archives) months(signins, administration int) (approval.Outcome, error) {
	return h.try(h.security, retention.KindChange, retention.Change{Months: retention.Months{SignIns: signins, Administration: administration}, Version: h.now().Version})
}

func (h *archives) approve(out approval.Outcome, by user.User) error {
	return h.approvals.Approve(h.T.Context(), h.Alder.ID, out.RequestID, by.ID, approval.Given{})
}

// TestToKeepForLessTimeTakesTwo, and a day; to keep for longer takes one.
func TestToKeepForLessTimeTakesTwo(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 4)
		h.later(7)
		out, err := h.months(6, 0)
		if err != nil || !out.Waits() || h.now().Version != 0 {
			t.Fatalf("= %+v, %v", out, err)
		}
		if err := h.approve(out, h.security); !errors.Is(err, fault.Forbidden) {
			t.Errorf("one's own is approved: %v", err)
		}
		if err := h.approve(out, h.second); err != nil {
			t.Fatal(err)
		}
		k := h.now()
		if k.SignIns != 6 || k.Version != 1 || k.ChangedBy != h.security.ID {
			t.Fatalf("it is %+v", k)
		}
		text := h.Text("SELECT e.record FROM audit_events e WHERE e.tenant_id = ? AND e.action = ?", h.Alder.ID, audit.RetentionChanged)
		if !strings.Contains(text, `"keep_signins":"0 → 6"`) || !strings.Contains(text, h.second.ID) {
			t.Errorf("the event is %s", text)
		}
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != 4 {
			t.Error("it was dropped on the same day")
		}
		h.Clock.Forward(retention.GraceLife)
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != 0 {
			t.Error("it was not dropped on the next day")
		}
		if out, err := h.months(12, 0); err != nil || out.Waits() {
			t.Errorf("longer = %+v, %v", out, err)
		}
		if out, err := h.months(0, 0); err != nil || out.Waits() {
			t.Errorf("for ever = %+v, %v", out, err)
		}
		if out, err := h.months(0, 240); err != nil || !out.Waits() {
			t.Errorf("an end = %+v, %v", out, err)
		}
	})
}

func TestTheBoundsOfMonths(t *testing.T) {
	each(t, func(h *archives) {
		for _, row := range []struct {
			signins, administration int
			wrong                   string
		}{
			{2, 0, "signins"},
			{241, 0, "signins"},
			{-1, 0, "signins"},
			{3, 12, "administration"},
			{0, 241, "administration"},
			{0, 0, "signins"}, // as it is
		} {
			_, err := h.months(row.signins, row.administration)
			if !errors.Is(err, fault.Invalid) || fault.Of(err).Fields[row.wrong] == "" {
				t.Errorf("%d and %d: %v", row.signins, row.administration, err)
			}
		}
		for _, months := range [][2]int{{3, 13}, {240, 240}} {
			if out, err := h.months(months[0], months[1]); err != nil || !out.Waits() {
				t.Errorf("%v: %+v, %v", months, out, err)
			}
		}
		_, err := h.try(h.security, retention.KindChange, retention.Change{Months: retention.Months{SignIns: 12}, Version: 7})
		if !errors.Is(err, fault.Conflict) {
			t.Errorf("with another version = %v", err)
		}
	})
}

// TestWhoMaySayHowLong: whoever sets up integrations, and nobody else.
func TestWhoMaySayHowLong(t *testing.T) {
	each(t, func(h *archives) {
		h.keep(h.Alder, 12, 24)
		for _, role := range []access.Role{access.RoleTenantAdministrator, access.RoleAuditor, access.RoleHelpdeskLead, access.RoleHelpdesk} {
			who := h.Admin(h.Alder, string(role), role)
			for kind, parameters := range map[approval.Kind]any{
				retention.KindChange: retention.Change{Months: retention.Months{SignIns: 3, Administration: 13}, Version: 1}, retention.KindHold: struct{}{}, retention.KindRelease: retention.Release{Hold: "none"},
			} {
				if _, err := h.try(who, kind, parameters); !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.NotFound) {
					t.Errorf("%s as %s: %v", kind, role, err)
				}
			}
		}
		if k := h.now(); k.SignIns != 12 || k.Holds != 0 {
			t.Errorf("it is %+v", k)
		}
	})
}

func TestAHoldKeepsEverything(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 4)
		h.happen(h.Birch, 4)
		h.later(5)
		h.keep(h.Alder, 3, 13)
		h.keep(h.Birch, 3, 13)
		for range 2 {
			if out, err := h.try(h.second, retention.KindHold, struct{}{}); err != nil || out.Waits() {
				t.Fatalf("= %+v, %v", out, err)
			}
		}
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != 4 || h.left(h.Birch, audit.SignInFinished) != 0 {
			t.Fatal("the hold keeps another one's, or nothing")
		}
		standing, ended, err := h.keeps.Holds(t.Context(), h.Alder.ID)
		if err != nil || len(standing) != 2 || len(ended) != 0 || standing[0].Reason != "for a story" {
			t.Fatalf("the holds are %+v, %+v, %v", standing, ended, err)
		}
		for i, hold := range standing {
			out, err := h.try(h.security, retention.KindRelease, retention.Release{Hold: hold.ID})
			if err != nil || !out.Waits() {
				t.Fatalf("= %+v, %v", out, err)
			}
			h.Clock.Forward(time.Hour)
			h.round()
			if h.now().Holds != 2-i {
				t.Fatal("one person ended it")
			}
			if err := h.approve(out, h.second); err != nil {
				t.Fatal(err)
			}
			if _, err := h.try(h.security, retention.KindRelease, retention.Release{Hold: hold.ID}); !errors.Is(err, fault.Conflict) {
				t.Errorf("ended twice: %v", err)
			}
			h.Clock.Forward(time.Hour)
			h.round()
			if h.left(h.Alder, audit.SignInFinished) != 4 {
				t.Fatal("it was dropped under the other hold, or at once")
			}
		}
		h.Clock.Forward(retention.GraceLife)
		h.round()
		if h.left(h.Alder, audit.SignInFinished) != 0 || h.Events(audit.RetentionHeld) != 2 || h.Events(audit.RetentionReleased) != 2 {
			t.Error("without a hold nothing was dropped, or nothing says that there was one")
		}
		if _, err := h.try(h.security, retention.KindRelease, retention.Release{Hold: "nothing"}); !errors.Is(err, fault.NotFound) {
			t.Errorf("one that there is not: %v", err)
		}
	})
}

// TestAHoldThatComesInBetween: whatever a replica has archived, it asks once more under the
// lock that whoever begins a hold waits for.
func TestAHoldThatComesInBetween(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 4)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		errs := AtOnce(4, func(i int) error {
			if i > 0 {
				return h.replica().Round(t.Context())
			}
			_, err := h.try(h.second, retention.KindHold, struct{}{})
			return err
		})
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		drops := len(h.drops(h.Alder))
		if (h.left(h.Alder, audit.SignInFinished) == 0) != (drops == 1) || h.files() != drops {
			t.Errorf("%d drops, %d files, %d events", drops, h.files(), h.left(h.Alder, audit.SignInFinished))
		}
		h.Clock.Forward(time.Hour)
		h.round()
		if len(h.drops(h.Alder)) != drops {
			t.Error("something was dropped under a hold")
		}
		h.seal()
		h.whole(h.Alder)
	})
}

// TestNoAuditNoAct: what cannot be recorded has not happened.
func TestNoAuditNoAct(t *testing.T) {
	each(t, func(h *archives) {
		h.happen(h.Alder, 4)
		h.later(5)
		h.keep(h.Alder, 3, 0)
		err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
			return tx.Exec("UPDATE audit_keeping SET version = 1").Error
		})
		if err != nil {
			t.Fatal(err)
		}
		restore := h.unwritable()
		if err := h.keeps.Round(t.Context()); err == nil {
			t.Error("a round without an audit goes well")
		}
		if _, err := h.try(h.second, retention.KindHold, struct{}{}); err == nil {
			t.Error("a hold without an audit goes well")
		}
		restore()
		if h.left(h.Alder, audit.SignInFinished) != 4 || len(h.drops(h.Alder)) != 0 || h.now().Holds != 0 {
			t.Error("something happened all the same")
		}
		h.Clock.Forward(time.Hour)
		h.round()
		h.seal()
		if r := h.whole(h.Alder); r.Dropped == 0 {
			t.Errorf("afterwards it is %+v", r)
		}
	})
}

// unwritable lets no event be written until it is put back.
func (h *archives) unwritable() (restore func()) {
	h.T.Helper()
	run := func(statements ...string) {
		for _, statement := range statements {
			if _, err := h.DB.Pool().ExecContext(h.T.Context(), statement); err != nil {
				h.T.Fatal(err)
			}
		}
	}
	if h.DB.Dialect == store.Postgres {
		run("CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$", "CREATE TRIGGER no_more BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION no_more()")
		return func() { run("DROP TRIGGER no_more ON audit_events", "DROP FUNCTION no_more") }
	}
	run("CREATE TRIGGER no_more BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	return func() { run("DROP TRIGGER no_more") }
}
