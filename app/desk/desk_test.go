package desk_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/desk"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is where two tenant administrators of alder say what their desk may do.
type office struct {
	*House
	desk          *desk.Service
	approvals     *approval.Service
	admin, second user.User
}

func offices(t *testing.T, story func(t *testing.T, o *office)) {
	t.Helper()
	Each(t, func(h *House) {
		o := &office{House: h, desk: &desk.Service{DB: h.DB}}
		o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: maps.Clone(o.desk.Performers())}
		o.admin, o.second = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.Admin(h.Alder, "second", access.RoleTenantAdministrator)
		story(h.T, o)
	})
}

func (o *office) now() desk.Desk {
	o.T.Helper()
	now, err := o.desk.Of(o.T.Context(), o.Alder.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return now
}

func (o *office) try(kind approval.Kind, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: o.Alder.ID, ActorID: o.admin.ID, Reason: "for a story"}
	return o.approvals.Submit(o.T.Context(), act.With(parameters))
}

// rules tries to change the rules, from those of now.
func (o *office) rules(to func(r *desk.Rules)) (approval.Outcome, error) {
	now := o.now()
	next := now.Rules
	next.Kinds, next.Deliveries, next.Ways, next.Privileged = slices.Clone(next.Kinds), slices.Clone(next.Deliveries), slices.Clone(next.Ways), slices.Clone(next.Privileged)
	to(&next)
	return o.try(desk.KindChange, desk.Change{Rules: next, Version: now.Version()})
}

func (o *office) does(out approval.Outcome, err error) {
	o.T.Helper()
	if err != nil || out.Waits() {
		o.T.Fatalf("= %+v, %v; want it done", out, err)
	}
}

// reason tries to set one, as the last.
func (o *office) reason(r desk.Reason, was string, place int) (approval.Outcome, error) {
	return o.try(desk.KindSet, desk.ReasonChange{Reason: r, Was: was, Place: place, Version: o.now().Reasons.Version()})
}

func (o *office) remove(code string) (approval.Outcome, error) {
	return o.try(desk.KindRemove, desk.ReasonChange{Reason: desk.Reason{Code: code}, Version: o.now().Reasons.Version()})
}

func (o *office) codes() string {
	var all []string
	for _, r := range o.now().Reasons {
		all = append(all, r.Code)
	}
	return strings.Join(all, " ")
}

// TestWhatIsMoreTakesTwo: each ceiling down at once, and up with a second person.
func TestWhatIsMoreTakesTwo(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		for claim, row := range map[string][2]func(r *desk.Rules){
			"minutes":              {func(r *desk.Rules) { r.Minutes = 60 }, func(r *desk.Rules) { r.Minutes = 61 }},
			"uses":                 {func(r *desk.Rules) { r.Uses = 1 }, func(r *desk.Rules) { r.Uses = 2 }},
			"a kind":               {func(r *desk.Rules) { r.Kinds = []string{"pass_code"} }, func(r *desk.Rules) { r.Kinds = desk.Kinds }},
			"codes read out":       {func(r *desk.Rules) { r.Deliveries = desk.Deliveries[:2] }, func(r *desk.Rules) { r.Deliveries = desk.Deliveries }},
			"a delivery":           {func(r *desk.Rules) { r.Deliveries = desk.Deliveries[1:2] }, func(r *desk.Rules) { r.Deliveries = desk.Deliveries[:2] }},
			"a way":                {func(r *desk.Rules) { r.Ways = desk.Ways[:2] }, func(r *desk.Rules) { r.Ways = desk.Ways }},
			"a way for roles":      {func(r *desk.Rules) { r.Privileged = desk.Ways[:1] }, func(r *desk.Rules) { r.Privileged = desk.Ways[:2] }},
			"reasons of one's own": {func(r *desk.Rules) { r.OwnReasons = false }, func(r *desk.Rules) { r.OwnReasons = true }},
			"another form":         {func(r *desk.Rules) { r.Pattern, r.Example = "INC-[0-9]+", "INC-1" }, func(r *desk.Rules) { r.Pattern, r.Example = "[A-Z]+-[0-9]+", "INC-1" }},
			"no form":              {func(r *desk.Rules) { r.Pattern, r.Example = "INC-[0-9]+", "INC-1" }, func(r *desk.Rules) { r.Pattern = "" }},
		} {
			o.Set("UPDATE tenants SET bypass_minutes = 480, bypass_uses = 5, bypass_read_out = TRUE, bypass_kinds = 'pass_code,skip', bypass_deliveries = 'second_channel,split', check_ways = 'phone,backup_phone,manager', check_ways_privileged = 'phone,backup_phone,manager', own_reasons = TRUE, ticket_pattern = '', ticket_example = ''")
			o.does(o.rules(row[0]))
			lower := o.now().Version()
			out, err := o.rules(row[1])
			if err != nil || !out.Waits() || o.now().Version() != lower {
				t.Errorf("%s: %+v, %v; want it to wait", claim, out, err)
				continue
			}
			if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.second.ID, approval.Given{}); err != nil || o.now().Version() == lower {
				t.Errorf("%s, approved: %v", claim, err)
			}
		}
	})
}

// TestRulesThatAreNone come back with their fields.
func TestRulesThatAreNone(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		for claim, row := range map[string]struct {
			to     func(r *desk.Rules)
			fields string
		}{
			"too few minutes":              {func(r *desk.Rules) { r.Minutes = 9 }, "bypass_minutes"},
			"too many minutes":             {func(r *desk.Rules) { r.Minutes = 481 }, "bypass_minutes"},
			"no use":                       {func(r *desk.Rules) { r.Uses = 0 }, "bypass_uses"},
			"too many uses":                {func(r *desk.Rules) { r.Uses = 6 }, "bypass_uses"},
			"no kind":                      {func(r *desk.Rules) { r.Kinds = []string{"made_up"} }, "desk_kinds"},
			"codes that go nowhere":        {func(r *desk.Rules) { r.Deliveries = nil }, "desk_deliveries"},
			"no way":                       {func(r *desk.Rules) { r.Ways = nil }, "desk_ways"},
			"a bad form":                   {func(r *desk.Rules) { r.Pattern, r.Example = "INC-[", "INC-1" }, "ticket_pattern"},
			"an example of another":        {func(r *desk.Rules) { r.Pattern, r.Example = "INC-[0-9]+", "CHG-1" }, "ticket_example"},
			"an example that is no ticket": {func(r *desk.Rules) { r.Pattern, r.Example = ".*", "a b" }, "ticket_example"},
			"a form without an example":    {func(r *desk.Rules) { r.Pattern = "INC-[0-9]*" }, "ticket_example"},
		} {
			_, err := o.rules(row.to)
			f := fault.Of(err)
			if !errors.Is(err, fault.Invalid) || strings.Join(slices.Sorted(maps.Keys(f.Fields)), " ") != row.fields {
				t.Errorf("%s = %v, %+v; want %s", claim, err, f, row.fields)
			}
		}
		// The edges do.
		for claim, to := range map[string]func(r *desk.Rules){
			"the fewest minutes": func(r *desk.Rules) { r.Minutes = 10 }, "one use": func(r *desk.Rules) { r.Uses = 1 }, "skips alone, and nothing that is delivered": func(r *desk.Rules) { r.Kinds, r.Deliveries = []string{"skip"}, nil },
			"nobody with a role": func(r *desk.Rules) { r.Privileged = nil },
		} {
			if out, err := o.rules(to); err != nil || out.Waits() {
				t.Errorf("%s = %+v, %v", claim, out, err)
			}
		}
		_, err := o.rules(func(*desk.Rules) {})
		WantCode(t, "the same", err, "settings.same")
		_, err = o.try(desk.KindChange, desk.Change{Rules: desk.Rules{Minutes: 10, Uses: 1, Kinds: desk.Kinds[:1], Deliveries: desk.Deliveries, Ways: desk.Ways[:1]}, Version: "of before"})
		WantCode(t, "by a page of before", err, "settings.changed_meanwhile")
		if n := o.Count("SELECT count(*) FROM audit_events WHERE action = ?", audit.DeskChanged); n != 4 {
			t.Errorf("%d changes are in the audit, want 4", n)
		}
	})
}

// TestReasonsStandInTheirOrder: made, moved, changed and removed, each under its own code.
func TestReasonsStandInTheirOrder(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		lost, flat, broken := desk.Reason{Code: "lost", Words: "Phone lost", Minutes: 60, Kind: "pass_code", Delivery: "split"}, desk.Reason{Code: "flat", Words: "Battery is flat"}, desk.Reason{Code: "broken", Words: "Phone broken"}
		o.does(o.reason(lost, "", 0))
		o.does(o.reason(flat, "", 0))
		o.does(o.reason(broken, "", 1))
		if got := o.codes(); got != "broken lost flat" {
			t.Errorf("they stand as %s", got)
		}
		o.does(o.reason(flat, "flat", 1))
		o.does(o.reason(broken, "broken", 3))
		if got := o.codes(); got != "flat lost broken" {
			t.Errorf("moved, they stand as %s", got)
		}
		flat.Words = "No battery"
		o.does(o.reason(flat, "flat", 1))
		if r, _ := o.now().Reasons.Of("flat"); r.Words != "No battery" {
			t.Errorf("changed, it is %+v", r)
		}
		_, err := o.reason(flat, "flat", 1)
		WantCode(t, "the same", err, "settings.same")
		version := o.now().Reasons.Version()
		flat.Words = "Battery is flat"
		o.does(o.reason(flat, "flat", 1))
		_, err = o.try(desk.KindRemove, desk.ReasonChange{Reason: desk.Reason{Code: "flat"}, Version: version})
		WantCode(t, "removed by a page of before", err, "settings.changed_meanwhile")
		version = o.now().Reasons.Version()
		o.does(o.remove("lost"))
		if _, err := o.remove("lost"); !errors.Is(err, fault.NotFound) {
			t.Errorf("removed twice = %v", err)
		}
		if _, err := o.reason(lost, "lost", 1); !errors.Is(err, fault.NotFound) {
			t.Errorf("changed when it is removed = %v", err)
		}
		_, err = o.try(desk.KindSet, desk.ReasonChange{Reason: lost, Version: version})
		WantCode(t, "by a page of before", err, "settings.changed_meanwhile")
		other, err := o.desk.Of(t.Context(), o.Birch.ID)
		if err != nil || len(other.Reasons) != 0 {
			t.Errorf("another organisation has %v, %v", other.Reasons, err)
		}
	})
}

// TestReasonsThatAreNone: what is wrong with each stands beside its field.
func TestReasonsThatAreNone(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		o.does(o.rules(func(r *desk.Rules) {
			r.Minutes, r.Uses, r.Kinds, r.Deliveries = 60, 1, []string{"pass_code"}, []string{"split"}
		}))
		o.does(o.reason(desk.Reason{Code: "lost", Words: "Phone lost"}, "", 0))
		for claim, row := range map[string]struct {
			r      desk.Reason
			fields string
		}{
			"nothing":                  {desk.Reason{}, "code words"},
			"a code of large ones":     {desk.Reason{Code: "Lost", Words: "x"}, "code"},
			"a code that leads away":   {desk.Reason{Code: "../x", Words: "x"}, "code"},
			"a code too long":          {desk.Reason{Code: strings.Repeat("a", 33), Words: "x"}, "code"},
			"the code of the form":     {desk.Reason{Code: "new", Words: "x"}, "code"},
			"a code that is taken":     {desk.Reason{Code: "lost", Words: "x"}, "code"},
			"words too long":           {desk.Reason{Code: "x", Words: strings.Repeat("ä", 81)}, "words"},
			"words of two lines":       {desk.Reason{Code: "x", Words: "a\nb"}, "words"},
			"words that are taken":     {desk.Reason{Code: "x", Words: "phone LOST"}, "words"},
			"minutes below":            {desk.Reason{Code: "x", Words: "x", Minutes: 9}, "minutes"},
			"minutes over the ceiling": {desk.Reason{Code: "x", Words: "x", Minutes: 61}, "minutes"},
			"uses over the ceiling":    {desk.Reason{Code: "x", Words: "x", Uses: 2}, "uses"},
			"a kind that is not given": {desk.Reason{Code: "x", Words: "x", Kind: "skip"}, "kind"},
			"a delivery that is not":   {desk.Reason{Code: "x", Words: "x", Delivery: "read_out"}, "delivery"},
			"a delivery of a skip":     {desk.Reason{Code: "x", Words: "x", Kind: "skip", Delivery: "split"}, "delivery kind"},
		} {
			_, err := o.reason(row.r, "", 0)
			f := fault.Of(err)
			if !errors.Is(err, fault.Invalid) || strings.Join(slices.Sorted(maps.Keys(f.Fields)), " ") != row.fields {
				t.Errorf("%s = %v, %+v; want %s", claim, err, f, row.fields)
			}
		}
		o.does(o.reason(desk.Reason{Code: strings.Repeat("a", 32), Words: strings.Repeat("ä", 80), Minutes: 60, Uses: 1, Kind: "pass_code", Delivery: "split"}, "", 0))
		for i := range desk.ReasonsMost - 2 {
			o.does(o.reason(desk.Reason{Code: "r" + string(rune('a'+i)), Words: "Reason " + string(rune('a'+i))}, "", 0))
		}
		_, err := o.reason(desk.Reason{Code: "more", Words: "One more"}, "", 0)
		WantCode(t, "one too many", err, "desk.reasons_many")
	})
}

// TestATicketLessTakesTwo: where none was possible without one, or by a reason that took
// one.
func TestATicketLessTakesTwo(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		waits := func(claim string, want bool) func(approval.Outcome, error) {
			return func(out approval.Outcome, err error) {
				t.Helper()
				if err != nil || out.Waits() != want {
					t.Errorf("%s = %+v, %v; want it to wait: %t", claim, out, err, want)
				}
			}
		}
		with := desk.Reason{Code: "lost", Words: "Phone lost", Ticket: true}
		waits("one with a ticket", false)(o.reason(with, "", 0))
		without := with
		without.Ticket = false
		waits("the same without", true)(o.reason(without, "lost", 1))
		waits("another one without, beside words of one's own", false)(o.reason(desk.Reason{Code: "flat", Words: "Flat"}, "", 0))
		waits("it goes, to be made again without", true)(o.remove("lost"))
		renamed := without
		renamed.Code = "lost2"
		waits("under another code without", true)(o.reason(renamed, "lost", 1))
		renamed.Ticket = true
		waits("under another code with", false)(o.reason(renamed, "lost", 1))
		waits("under its own", false)(o.reason(with, "lost2", 1))
		waits("that one with", false)(o.reason(desk.Reason{Code: "flat", Words: "Flat", Ticket: true}, "flat", 2))
		waits("no words of one's own", false)(o.rules(func(r *desk.Rules) { r.OwnReasons = false }))
		waits("another one without, where all take one", true)(o.reason(desk.Reason{Code: "other", Words: "Other"}, "", 0))
		waits("one of two goes", false)(o.remove("flat"))
		waits("the last one goes, and words of one's own come back", true)(o.remove("lost"))
	})
}

// TestTwoChangeTheListAtOnce: one of them does.
func TestTwoChangeTheListAtOnce(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		version := o.now().Reasons.Version()
		results := make([]error, 8)
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() {
				_, results[i] = o.try(desk.KindSet, desk.ReasonChange{Reason: desk.Reason{Code: "r" + string(rune('a'+i)), Words: "Reason " + string(rune('a'+i))}, Version: version})
			})
		}
		all.Wait()
		done := 0
		for _, err := range results {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, fault.Conflict):
				t.Errorf("one that came too late = %v", err)
			}
		}
		if done != 1 || len(o.now().Reasons) != 1 {
			t.Errorf("%d of 8 at once did it, and there are %d", done, len(o.now().Reasons))
		}
	})
}
