package cases_test

import (
	"testing"

	"latchkey/app/cases"
	"latchkey/app/fault"
)

// TestACaseRemembersItsReason of the organisation: where it is opened, and where it is
// closed, whether or not anything was given under it.
func TestACaseRemembersItsReason(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Set("UPDATE tenants SET desk_reasons = ? WHERE id = ?", `[{"code":"bus","words":"Left on the bus"},{"code":"theft","words":"Stolen","ticket":true}]`, d.Alder.ID)
		because := func(of cases.Of) string {
			return d.Text("SELECT reason_code || ': ' || reason_words FROM cases WHERE id = ?", of.Case)
		}
		opening := cases.NewOpening("lost", "")
		opening.Reason = "bus"
		d.must(d.act(d.agent, cases.KindOpen, d.nurse, cases.WithoutWords, opening))
		of := cases.Of{Case: opening.ID}
		if got := because(of); got != "bus: Left on the bus" {
			t.Errorf("opened for %q", got)
		}
		if w := d.whole(of, d.agent); w.ReasonCode != "bus" || w.Words != "" {
			t.Errorf("the case is %+v", w.Case)
		}
		other := cases.NewOpening("lost", "")
		for reason, code := range map[string]string{"gone": "desk.reason_gone", "theft": "desk.ticket_needed"} {
			other.Reason = reason
			field := map[string]string{"gone": "reason_code", "theft": "ticket"}[reason]
			wantField(t, reason, d.act(d.agent, cases.KindOpen, d.porter, "lost it", other), field, code)
		}
		// It closes with one: its words are the reason that a phone which still signs in takes.
		_, phone := d.PhoneOf(d.nurse)
		d.must(d.act(d.agent, cases.KindLink, d.nurse, cases.WithoutWords, cases.Link{Of: of, Device: phone.AccountID}))
		wantField(t, "closed without words", d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, cases.Moving{Of: of}), "reason", "case.device_active")
		d.Set("UPDATE cases SET reason_code = '', reason_words = ''")
		d.must(d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, cases.Moving{Of: of, Reason: "bus"}))
		if got := because(of); got != "bus: Left on the bus" || d.Text("SELECT ending FROM cases WHERE id = ?", of.Case) != "Left on the bus" {
			t.Errorf("closed for %q", got)
		}
	})
}

// TestACaseSaysForWhomItWaits, for as long as it does.
func TestACaseSaysForWhomItWaits(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		of := d.opened(d.nurse, "")
		waits := func() string { return d.Text("SELECT state || ' ' || waits_for FROM cases WHERE id = ?", of.Case) }
		wantField(t, "for nobody there is", d.act(d.agent, cases.KindWait, d.nurse, cases.WithoutWords, cases.Moving{Of: of, For: "godot"}), "for", "case.for")
		d.must(d.act(d.agent, cases.KindWait, d.nurse, cases.WithoutWords, cases.Moving{Of: of, For: "delivery"}))
		if got := waits(); got != "waiting delivery" {
			t.Errorf("it is %q", got)
		}
		page, err := d.cases.Board(t.Context(), d.Rules.Standing(d.lead.TenantID, d.lead.ID), cases.Filter{}, cases.Position{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].WaitsFor != "delivery" {
			t.Errorf("the board has %+v, %v", page.Rows, err)
		}
		d.must(d.act(d.agent, cases.KindResume, d.nurse, cases.WithoutWords, of))
		if got := waits(); got != "open " {
			t.Errorf("gone on with it is %q", got)
		}
		d.must(d.act(d.agent, cases.KindWait, d.nurse, cases.WithoutWords, of))
		if got := waits(); got != "waiting " {
			t.Errorf("without a word it is %q", got)
		}
	})
}

// wantField says that a field is wrong, and nothing else.
func wantField(t *testing.T, what string, err error, field, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || len(f.Fields) != 1 || f.Fields[field] != code {
		t.Errorf("%s = %v, want %s: %s", what, err, field, code)
	}
}
