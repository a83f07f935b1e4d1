package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/app/feature"
	"latchkey/app/ramp"
)

// rampPlan is one as it is stored: everyone, in two ways, so that nobody loses anything.
const rampPlan = `{"steps":[{"rule":{"stage":"everyone"},"stay":3600000000000},{"rule":{"stage":"percentage","percentage":100},"stay":3600000000000}],"guard":{"window":1800000000000,"sample":20,"failure":10,"bypass":5},"hours":{}}`

// rampOf makes a ramp of a feature in alder that is in a state, at the first of its two
// steps, and gives its id.
func (w *world) rampOf(t *testing.T, f feature.Feature, state ramp.State) string {
	t.Helper()
	id := "ramp-" + string(f)
	w.act(t, `INSERT INTO rollouts (tenant_id, feature, stage, share, version, changed_at) SELECT id, ?, 'everyone', 0, 1, ? FROM tenants WHERE slug = 'alder'
		ON CONFLICT (tenant_id, feature) DO UPDATE SET version = 1, stage = 'everyone'`, string(f), w.now())
	w.act(t, `INSERT INTO ramps (tenant_id, id, feature, state, plan, before, step, version, turn, entered_at, look_at, day_tries, day_failed, day_sign_ins, day_bypassed, reason, ticket, begun_by, approved_by, begun_at)
		SELECT id, ?, ?, ?, ?, '{"stage":"off"}', 0, 1, 1, ?, ?, 0, 0, 0, 0, 'a test', '', (SELECT u.id FROM users u WHERE u.tenant_id = tenants.id AND u.name = 'admin@alder.example'), '', ? FROM tenants WHERE slug = 'alder'`, id, string(f), string(state),
		rampPlan,
		w.now(), w.now().Add(time.Hour), w.now())
	return id
}

// rampForm is the form of a ramp of two steps, five percent and everyone, with other
// values and more.
func rampForm(pairs ...string) []string {
	all := []string{
		"stage_1", "percentage", "percentage_1", "5", "hours_1", "1", "minutes_1", "0", "sample_1", "0", "stage_2", "everyone", "hours_2", "2", "minutes_2", "30", "sample_2", "0",
		"window", "30", "sample", "20", "failure", "10", "bypass", "5", "zone", "UTC",
	}
next:
	for i := 0; i < len(pairs); i += 2 {
		for j := 0; j < len(all); j += 2 {
			if all[j] == pairs[i] {
				all[j+1] = pairs[i+1]
				continue next
			}
		}
		all = append(all, pairs[i], pairs[i+1])
	}
	return all
}

// actsOnRamps prepares what is done to ramps, each to one of its own.
func actsOnRamps(t *testing.T, w *world, admin *browser) (acts []doing) {
	t.Helper()
	const rollout, route = "/admin/alder/rollout/", "POST /admin/:tenant/rollout/:feature/ramp"
	do := func(route, path string, pairs ...string) {
		acts = append(acts, doing{route, func() answer { return admin.post(t, path, pairs...) }, http.StatusSeeOther})
	}
	w.act(t, `INSERT INTO rollout_schedules (tenant_id, feature, id, state, rule, before, version, at, loosens, reason, ticket, made_by, approved_by, made_at)
		SELECT id, 'trusted_browsers', 'schedule-1', 'waits', '{"stage":"off"}', '{"stage":"everyone"}', 0, ?, FALSE, '', '', '', '', ? FROM tenants WHERE slug = 'alder'`, w.now().Add(time.Hour), w.now())
	do("POST /admin/:tenant/rollout/:feature/schedule/:schedule/cancel", rollout+"trusted_browsers/schedule/schedule-1/cancel", "reason", "a test")
	do(route, rollout+"totp/ramp", rampForm("version", "0", "reason", "a test")...)
	do(route+"/:ramp/change", rollout+"printed_codes/ramp/"+w.rampOf(t, feature.PrintedCodes, ramp.Running)+"/change", rampForm("turn", "1", "stage_2", "percentage", "percentage_2", "50", "reason", "a test")...)
	do(route+"/:ramp/pause", rollout+"phone_sign_in/ramp/"+w.rampOf(t, feature.PhoneSignIn, ramp.Running)+"/pause", "reason", "a test")
	do(route+"/:ramp/resume", rollout+"self_service_recovery/ramp/"+w.rampOf(t, feature.SelfServiceRecovery, ramp.Halted)+"/resume", "reason", "a test")
	do(route+"/:ramp/next", rollout+"voice/ramp/"+w.rampOf(t, feature.Voice, ramp.Running)+"/next", "step", "1", "reason", "a test")
	do(route+"/:ramp/cancel", rollout+"openid_applications/ramp/"+w.rampOf(t, feature.Applications, ramp.Paused)+"/cancel", "reason", "a test")
	return acts
}

// TestARampOnItsPages walks it: the form with its proposal, a look, the beginning, what
// the page says, and every act.
func TestARampOnItsPages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/rollout/passkeys"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		a := admin.get(t, page).want(t, http.StatusOK)
		if !strings.Contains(a.body, `href="`+page+`/ramp"`) {
			t.Error("no ramp can be begun")
		}
		a = admin.get(t, page+"/ramp").want(t, http.StatusOK)
		for _, said := range []string{`name="stage_1"`, `name="percentage_2" type="text" value="5"`, `name="percentage_3" type="text" value="25"`, `name="percentage_4" type="text" value="100"`, `name="stage_6"`} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the form lacks %s", said)
			}
		}
		admin.get(t, "/admin/alder/rollout/teleport/ramp").want(t, http.StatusNotFound)
		admin.post(t, page, "stage", "off", "version", "0", "reason", "we begin").want(t, http.StatusSeeOther)

		look := admin.post(t, page+"/ramp", rampForm("version", "1", "do", "preview")...).want(t, http.StatusSeeOther).location()
		at, err := url.Parse(look)
		if err != nil {
			t.Fatal(err)
		}
		if a := admin.get(t, at.RequestURI()).want(t, http.StatusOK); !strings.Contains(a.body, "what the last step would do") || !strings.Contains(a.body, `name="hours_2" type="text" value="2"`) {
			t.Error("the look at the last step is none, or forgets what was typed")
		}
		if a := admin.post(t, page+"/ramp", rampForm("version", "1", "reason", "")...).want(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, `value="30"`) {
			t.Error("what was typed is gone")
		}
		if a := admin.post(t, page+"/ramp", rampForm("version", "1", "reason", "a test", "percentage_1", "half")...).want(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, `id="percentage_1-error"`) || !strings.Contains(a.body, `value="half"`) {
			t.Error("a percentage that is no number is not shown beside its field")
		}
		admin.post(t, page+"/ramp", rampForm("version", "7", "reason", "a test")...).want(t, http.StatusConflict)
		if to := admin.post(t, page+"/ramp", rampForm("version", "1", "reason", "Passkeys for all")...).want(t, http.StatusSeeOther).location(); !strings.HasSuffix(to, "done=ramp_begun") {
			t.Fatalf("it leads to %s", to)
		}
		a = admin.get(t, page).want(t, http.StatusOK)
		for _, said := range []string{"A percentage, 5 %", `aria-current="step"`, "Halts above", "Passkeys for all", "Under way", "2 h 30 min"} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page lacks %q", said)
			}
		}
		if a := admin.get(t, "/admin/alder/rollout").want(t, http.StatusOK); !strings.Contains(a.body, "Step 1 of 2") {
			t.Error("the list does not say what is under way")
		}
		var id string
		w.one(t, &id, "SELECT id FROM ramps WHERE feature = 'passkeys'")
		for _, row := range []struct {
			act, says string
			pairs     []string
			status    int
		}{
			{"pause", "Say why", nil, 422},
			{"pause", "", []string{"reason", "lunch"}, 303},
			{"pause", "", []string{"reason", "again"}, 409},
			{"resume", "", []string{"reason", "back"}, 303},
			{"next", "", []string{"step", "0", "reason", "which?"}, 409},
			{"next", "", []string{"step", "1", "reason", "go"}, 303},
			{"next", "", []string{"step", "2", "reason", "go"}, 409},
			{"cancel", "", []string{"reason", "enough"}, 303},
			{"cancel", "", []string{"reason", "enough"}, 409},
		} {
			a := admin.post(t, page+"/ramp/"+id+"/"+row.act, row.pairs...)
			if !a.is(t, row.status) {
				t.Errorf("%s with %v says %s", row.act, row.pairs, excerpt(a.body))
			}
		}
		admin.post(t, page+"/ramp/nowhere/cancel", "reason", "a test").want(t, http.StatusNotFound)
		admin.post(t, "/admin/alder/rollout/totp/ramp/"+id+"/cancel", "reason", "of another feature").want(t, http.StatusNotFound)
		if a := admin.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, "Cancelled") || !strings.Contains(a.body, "Everyone") {
			t.Error("the page does not say that it is cancelled")
		}
	})
}

// TestARampGoesOnByTheSweepOfTheProgram: what the server runs takes the steps.
func TestARampGoesOnByTheSweepOfTheProgram(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		id := w.rampOf(t, feature.Passkeys, ramp.Running)
		w.act(t, "UPDATE ramps SET entered_at = ?, look_at = ? WHERE id = ?", w.now().Add(-61*time.Minute), w.now(), id)
		until(t, "the next step", func() bool { // by this sweep, or by one in the background
			if err := w.Ramps.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			var step int
			w.one(t, &step, "SELECT step FROM ramps WHERE id = ?", id)
			return step == 1
		})
	})
}

// TestAChangeForLaterOnItsPage stores one, is told what is wrong with its times, sees it
// waiting and takes it back.
func TestAChangeForLaterOnItsPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/rollout/passkeys"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		soon, then := w.now().Add(time.Hour), w.now().Add(26*time.Hour)
		form := func(starts, ends string, more ...string) []string {
			return append([]string{"stage", "percentage", "percentage", "25", "version", "0", "reason", "next week", "starts_at", starts, "ends_at", ends}, more...)
		}
		for _, row := range []struct{ starts, ends, says string }{
			{"tomorrow", "", "Give a date and a time"},
			{"", "2026-13-45T00:00", "Give a date and a time"},
			{"2001-01-01T10:00", "", "lies ahead"},
			{soon.Format("2006-01-02T15:04"), soon.Add(-30 * time.Minute).Format(time.RFC3339), "after the beginning"},
		} {
			if a := admin.post(t, page, form(row.starts, row.ends)...); !a.is(t, http.StatusUnprocessableEntity) || !strings.Contains(a.body, row.says) {
				t.Errorf("from %q until %q: %s", row.starts, row.ends, excerpt(a.body))
			}
		}
		look := admin.post(t, page, form(soon.Format("2006-01-02T15:04"), "", "do", "preview")...).want(t, http.StatusSeeOther).location()
		if !strings.Contains(look, "starts_at=") {
			t.Errorf("a look forgets when: %s", look)
		}
		if to := admin.post(t, page, form(soon.Format("2006-01-02T15:04"), then.Format(time.RFC3339))...).want(t, http.StatusSeeOther).location(); !strings.HasSuffix(to, "done=scheduled") {
			t.Fatalf("it leads to %s", to)
		}
		a := admin.get(t, page).want(t, http.StatusOK)
		for _, said := range []string{"Waits for its time", "A percentage, 25 %", "And goes back", "next week"} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page lacks %q", said)
			}
		}
		if a := admin.get(t, "/admin/alder/rollout").want(t, http.StatusOK); !strings.Contains(a.body, "Changes later") {
			t.Error("the list does not say that something waits")
		}
		admin.post(t, page+"/ramp", rampForm("version", "0", "reason", "a test")...).want(t, http.StatusConflict)
		var id string
		w.one(t, &id, "SELECT id FROM rollout_schedules")
		admin.post(t, page+"/schedule/nowhere/cancel", "reason", "a test").want(t, http.StatusNotFound)
		admin.post(t, page+"/schedule/"+id+"/cancel", "reason", "").want(t, http.StatusUnprocessableEntity)
		admin.post(t, page+"/schedule/"+id+"/cancel", "reason", "not now").want(t, http.StatusSeeOther)
		if a := admin.get(t, page).want(t, http.StatusOK); strings.Contains(a.body, "Waits for its time") {
			t.Error("it still waits")
		}
		// The sweep of the program makes it.
		admin.post(t, page, form(w.now().Add(2*time.Minute).Format("2006-01-02T15:04:05"), "")...).want(t, http.StatusSeeOther)
		w.act(t, "UPDATE rollout_schedules SET at = ?", w.now())
		if err := w.Rollouts.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := admin.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, "by the schedule") {
			t.Error("the history does not say who made it")
		}
	})
}
