package journey

import (
	"testing"
	"time"

	"latchkey/app/store"
)

// at sets a field of a moment, in UTC.
func (p *pc) at(selector string, moment time.Time) {
	p.t.Helper()
	p.day(selector, moment.UTC().Format("2006-01-02T15:04"))
}

// until loads a page again until it has something, or has it no more: the program sweeps
// every second.
func (p *pc) until(selector string, has bool) {
	p.t.Helper()
	for range 100 {
		if p.Has(selector) == has {
			return
		}
		time.Sleep(100 * time.Millisecond)
		p.Reload()
	}
	p.t.Fatalf("%s: that the page has %s is not %t", p.URL(), selector, has)
}

// cancels takes back what waits for its time.
func (p *pc) cancels(name string) {
	p.t.Helper()
	p.Click("#unschedule > summary")
	p.WaitForText("dialog[open]", "Take back what waits?")
	p.look(name)
	p.Fill("dialog[open] input[name=reason]", "Not this week")
	p.Follow("dialog[open] .acts button:not([type=button])")
	p.WaitForText(".flash", "Nothing changes by itself any more")
	if p.Has("#schedule") {
		p.t.Error("it waits still")
	}
}

// An administrator puts a change off, takes it back, puts it off again, and it is made
// while they look on.
func TestAChangeOfAFeatureIsPutOff(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/rollout/passkeys")
	later := func(starts time.Duration) {
		p.Click("[name=stage][value=percentage]")
		p.Fill("#percentage", "25")
		p.at("#starts_at", h.DB.Now().Add(starts))
		p.at("#ends_at", h.DB.Now().Add(starts+24*time.Hour))
		p.Fill("#reason", "When the desk is there")
		p.Follow("#main form button.primary")
	}
	later(-time.Hour)
	p.WaitForText("#starts_at-error", "lies ahead")
	p.look("rollout-schedule-wrong")
	later(10 * time.Minute)
	p.WaitForText(".flash", "when its time comes")
	p.WaitForText("#schedule", "This will be open to “A percentage, 25 %”")
	p.WaitForText("#schedule", "And goes back")
	p.WaitForText("dl.facts", "Everyone") // until then
	p.look("rollout-scheduled")
	p.Open(h.URL + "/admin/alder/rollout")
	p.WaitForText("tbody", "Passkeys")
	p.look("rollout-scheduled-in-list")
	p.Open(h.URL + "/admin/alder/rollout/passkeys")
	p.cancels("rollout-unschedule")

	later(10 * time.Minute)
	p.WaitForText(".flash", "when its time comes")
	h.later(11 * time.Minute)
	p.Open(h.URL + "/admin/alder/rollout/passkeys")
	p.until("ol.rows li:nth-child(1)", true)
	p.WaitForText("dl.facts", "A percentage, 25 %")
	p.WaitForText("#schedule", "This goes back to “Everyone”")
	p.WaitForText("ol.rows", "When the desk is there")
	p.look("rollout-holds")
}

// An operator does so with a release.
func TestAReleaseIsPutOff(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("operator@latchkey.example")
	p.WaitForText("main", "Operator console")
	p.Open(h.URL + "/operator/releases/passkeys")
	later := func(starts time.Duration) {
		p.Fill("[name='share.eu.stable']", "25")
		p.at("#starts_at", h.DB.Now().Add(starts))
		p.Fill("#reason", "After the weekend")
		p.Follow("section form button.primary")
	}
	later(-time.Hour)
	p.WaitForText("#starts_at-error", "lies ahead")
	p.look("operator-release-schedule-wrong")
	later(48 * time.Hour)
	p.WaitForText(".flash", "when its time comes")
	p.WaitForText("#schedule", "These shares will hold, Stable in Europe 25 %")
	p.WaitForText("#schedule", "After the weekend")
	p.look("operator-release-scheduled")
	p.cancels("operator-release-unschedule")

	later(10 * time.Minute)
	p.WaitForText("#schedule", "These shares will hold")
	h.later(11 * time.Minute)
	p.Open(h.URL + "/operator/releases/passkeys")
	p.until("#schedule", false)
	p.WaitForText("main", "Stable in Europe: 100 % → 25 %")
	p.look("operator-release-changed-at-its-time")
}
