package policyfile_test

import (
	"errors"
	"flag"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/policy"
	"latchkey/app/policyfile"
	"latchkey/app/replay"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/settings"
	"latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

type office struct {
	*signintest.House
	files           *policyfile.Service
	approvals       *approval.Service
	security, admin user.User
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	signintest.Each(t, func(h *signintest.House) {
		o := &office{House: h}
		o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Performers: map[approval.Kind]approval.Performer{}}
		roles := &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: o.approvals}
		ways, open, chosen := &policy.Service{DB: h.DB, Roles: roles}, &rollout.Service{DB: h.DB, Roles: roles}, &settings.Service{DB: h.DB}
		for _, performers := range []map[approval.Kind]approval.Performer{ways.Performers(), open.Performers(), chosen.Performers()} {
			maps.Copy(o.approvals.Performers, performers)
		}
		o.files = &policyfile.Service{DB: h.DB, Rules: h.Rules, Approvals: o.approvals, Policy: ways, Rollout: open, Settings: chosen}
		o.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
		o.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		for _, name := range []string{"pilot", "field"} {
			h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", h.Alder.ID, "id-"+name, name, h.Clock.Now())
		}
		story(o)
	})
}

func (o *office) export() string {
	o.T.Helper()
	f, err := o.files.Export(o.T.Context(), o.Alder.ID, o.Alder.Slug)
	if err != nil {
		o.T.Fatal(err)
	}
	text, err := f.Text()
	if err != nil {
		o.T.Fatal(err)
	}
	return string(text)
}

func (o *office) parse(text string) policyfile.File {
	o.T.Helper()
	f, err := policyfile.Parse([]byte(text))
	if err != nil {
		o.T.Fatalf("%v\n%s", err, text)
	}
	return f
}

func (o *office) apply(by user.User, text string) ([]policyfile.Done, error) {
	return o.files.Apply(o.T.Context(), o.Alder.ID, by.ID, o.parse(text), "a test", "CHG-1")
}

// some is a file that changes a bit of everything, and loosens nothing.
const some = `
format: 1
tenant: alder
ways_in:
  sms: {uses: [second_factor], groups: [field, pilot]}
order: strongest
limits: {tries_most: 5}
features:
  passkeys: {stage: percentage, percentage: 25, include: [pilot], exclude: [field]}
  trusted_browsers: {stage: "off"}
campaign: {skips: 1}
`

// TestWhatIsExportedChangesNothing: what was written down, read again, comes to no act,
// before and after a file has changed a bit of everything.
func TestWhatIsExportedChangesNothing(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		still := func(when string) string {
			text := o.export()
			if steps, err := o.files.Plan(ctx, o.Alder.ID, o.admin.ID, o.parse(text)); err != nil || len(steps) != 0 {
				t.Errorf("%s what is exported changes %+v, %v", when, steps, err)
			}
			if done, err := o.apply(o.admin, text); err != nil || len(done) != 0 {
				t.Errorf("%s to apply it does %+v, %v", when, done, err)
			}
			return text
		}
		before := still("at first")
		steps, err := o.files.Plan(ctx, o.Alder.ID, "", o.parse(some))
		if err != nil || len(steps) != 4 {
			t.Fatalf("the plan is %+v, %v; want four acts", steps, err)
		}
		if o.export() != before {
			t.Error("a plan changed something")
		}
		done, err := o.apply(o.admin, some)
		if err != nil || len(done) != 4 || slices.ContainsFunc(done, func(d policyfile.Done) bool { return d.Waits() }) {
			t.Fatalf("applied: %+v, %v", done, err)
		}
		after := still("changed")
		golden := filepath.Join("testdata", "alder.yaml")
		if *update {
			if err := os.WriteFile(golden, []byte(after), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || string(want) != after {
			t.Errorf("%v; the export is\n%s", err, after)
		}
		if _, err := o.apply(o.admin, some); err != nil {
			t.Errorf("a second time = %v", err)
		}
		for action, n := range map[audit.Action]int{audit.PolicyChanged: 1, audit.RolloutChanged: 2, audit.CampaignChanged: 1} {
			if got := o.Count("SELECT count(*) FROM audit_events WHERE action = ? AND actor_id = ? AND reason = 'a test'", action, o.admin.ID); got != n {
				t.Errorf("%d events of %s in the administrator's name, want %d", got, action, n)
			}
		}
	})
}

// TestAFileIsNoWayAround: each act is asked for like any other, and nothing is done of a
// file that has one that cannot be.
func TestAFileIsNoWayAround(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		desk := o.Admin(o.Alder, "desk", access.RoleHelpdesk)
		before := o.export()
		nothing := func(claim string, by user.User, text string, kind error) {
			t.Helper()
			done, err := o.apply(by, text)
			if len(done) != 0 || !errors.Is(err, kind) {
				t.Errorf("%s: did %d acts, %v; want %v", claim, len(done), err, kind)
			}
			if o.export() != before {
				t.Fatalf("%s: something has changed", claim)
			}
		}
		nothing("the helpdesk", desk, some, fault.Forbidden)
		nothing("somebody without a role", o.User(o.Alder, "user1"), some, fault.Forbidden)
		nothing("an administrator elsewhere", o.Admin(o.Birch, "admin", access.RoleTenantAdministrator), some, fault.Forbidden)
		nothing("the phone alone", o.admin, strings.Replace(some, "ways_in:", "ways_in:\n  password: {uses: []}\n  passkey: {uses: []}\n  totp: {uses: []}\n  printed_code: {uses: []}", 1), fault.Invalid)
		nothing("a number beyond its limits", o.admin, strings.Replace(some, "tries_most: 5", "tries_most: 500", 1), fault.Invalid)
		nothing("more than all", o.admin, strings.Replace(some, "percentage: 25", "percentage: 250", 1), fault.Invalid)
		nothing("a campaign of too many skips", o.admin, strings.Replace(some, "skips: 1", "skips: 9", 1), fault.Invalid)
		if done, err := o.apply(o.admin, strings.Replace(some, "[pilot]", "[nobody]", 1)); err == nil || len(done) != 0 || !strings.Contains(err.Error(), "nobody") {
			t.Errorf("a group that is none: %+v, %v", done, err)
		}
		o.Lock(o.admin)
		nothing("an administrator who is locked", o.admin, some, fault.Forbidden)
	})
}

// TestWhatLoosensWaits: a second person approves it, once, as the file asked for it.
func TestWhatLoosensWaits(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		if _, err := o.apply(o.admin, some); err != nil {
			t.Fatal(err)
		}
		looser := "format: 1\ntenant: alder\nfeatures: {trusted_browsers: {stage: everyone}}\ncampaign: {snooze_days: 14}\n"
		steps, err := o.files.Plan(ctx, o.Alder.ID, "", o.parse(looser))
		if err != nil || len(steps) != 2 || !steps[0].FourEyes || !steps[1].FourEyes {
			t.Fatalf("the plan is %+v, %v", steps, err)
		}
		done, err := o.apply(o.admin, looser)
		if err != nil || len(done) != 2 || !done[0].Waits() || !done[1].Waits() {
			t.Fatalf("applied: %+v, %v", done, err)
		}
		if _, err := o.apply(o.admin, looser); err == nil || fault.Of(err).Code != "approval.waits_already" {
			t.Errorf("asked for again = %v", err)
		}
		for _, d := range done {
			if err := o.approvals.Approve(ctx, o.Alder.ID, d.RequestID, o.security.ID, approval.Given{Reason: "yes"}); err != nil {
				t.Errorf("%s approved = %v", d.Act.Kind, err)
			}
		}
		if steps, err := o.files.Plan(ctx, o.Alder.ID, "", o.parse(looser)); err != nil || len(steps) != 0 {
			t.Errorf("approved, %+v is left, %v", steps, err)
		}
	})
}

func TestWhatAFileCannotBe(t *testing.T) {
	begin := "format: 1\ntenant: alder\n"
	for claim, text := range map[string]string{
		"nothing":                       "",
		"no format":                     "tenant: alder\n",
		"a format of tomorrow":          "format: 2\ntenant: alder\n",
		"no tenant":                     "format: 1\n",
		"a key that is none":            begin + "colour: green\n",
		"a key of a way that is none":   begin + "ways_in: {totp: {uses: [], hours: 2}}\n",
		"a way that is none":            begin + "ways_in: {telepathy: {uses: []}}\n",
		"a use that is none":            begin + "ways_in: {totp: {uses: [always]}}\n",
		"a use that a way has not":      begin + "ways_in: {sms: {uses: [recovery]}}\n",
		"an order that is none":         begin + "order: alphabet\n",
		"a limit that is none":          begin + "limits: {luck: 7}\n",
		"a limit that is no number":     begin + "limits: {tries_most: few}\n",
		"a feature that is none":        begin + "features: {teleport: {stage: off}}\n",
		"a feature without a stage":     begin + "features: {totp: }\n",
		"a stage that is none":          begin + "features: {totp: {stage: most}}\n",
		"a key that stands there twice": begin + "order: habit\norder: strongest\n",
		"a way that stands there twice": begin + "ways_in:\n  totp: {uses: []}\n  totp: {uses: [sign_in]}\n",
		"a second document":             begin + "---\n" + begin,
		"a list":                        "- format: 1\n",
		"too much":                      begin + "# " + strings.Repeat("x", policyfile.SizeMost),
		"no YAML":                       "\x00{{{",
	} {
		if f, err := policyfile.Parse([]byte(text)); err == nil {
			t.Errorf("%s was taken: %+v", claim, f)
		}
	}
	if f, err := policyfile.Parse([]byte(some)); err != nil || f.Features[feature.Passkeys].Percentage != 25 || f.Campaign.SnoozeDays != nil {
		t.Errorf("a good one is %+v, %v", f, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(some))
	f.Add([]byte("format: 1\ntenant: a\nfeatures: &x {totp: {stage: everyone}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := policyfile.Parse(text)
		if err != nil {
			return
		}
		again, err := file.Text()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policyfile.Parse(again); err != nil {
			t.Errorf("what was read is not read when it is written: %v\n%s", err, again)
		}
	})
}

// TestAFileWaitsForItsReplay: where rules change only after a replay, a file changes them
// only after one, and what needs none it changes.
func TestAFileWaitsForItsReplay(t *testing.T) {
	each(t, func(o *office) {
		const file = "format: 1\ntenant: alder\nfeatures:\n  passkeys: {stage: percentage, percentage: 25}\n"
		o.Set("UPDATE tenants SET replay_first = TRUE WHERE id = ?", o.Alder.ID)
		if _, err := o.apply(o.admin, file); fault.Of(err) == nil || fault.Of(err).Code != "replay.needed" {
			o.T.Errorf("without one: %v", err)
		}
		if done, err := o.apply(o.admin, "format: 1\ntenant: alder\ncampaign: {skips: 1}\n"); err != nil || len(done) != 1 {
			o.T.Errorf("the campaign: %v", err)
		}
		replays := replay.New(o.DB, slog.New(slog.DiscardHandler))
		draft := rollout.Draft{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Percentage, Share: 25}}
		if _, err := replays.Begin(o.T.Context(), o.Alder.ID, o.admin.ID, replay.Range{Days: replay.FreshDays, Most: replay.FreshMost}, draft.Put, audit.Origin{}); err != nil {
			o.T.Fatal(err)
		}
		if _, err := o.apply(o.admin, file); fault.Of(err) == nil || fault.Of(err).Code != "replay.unfinished" {
			o.T.Errorf("while it runs: %v", err)
		}
		if err := replays.TakeUp(o.T.Context()); err != nil {
			o.T.Fatal(err)
		}
		if done, err := o.apply(o.admin, file); err != nil || len(done) != 1 {
			o.T.Errorf("after it: %v", err)
		}
	})
}
