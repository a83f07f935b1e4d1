package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/callercheck"
	"latchkey/app/feature"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/store"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// rule makes a rule the one of alder for a feature.
func (w *world) rule(t testing.TB, f feature.Feature, r feature.Rule) {
	t.Helper()
	tenantID, _ := w.person(t, "user1@alder.example")
	if err := w.DB.Act(t.Context(), func(tx *store.Tx) error { return feature.Store(tx, tenantID, f, r, 1) }); err != nil {
		t.Fatal(err)
	}
}

// newcomer makes a user of alder who has the password of everybody and nothing else.
func (w *world) newcomer(t testing.TB, name string) {
	t.Helper()
	tenantID, _ := w.person(t, "user1@alder.example")
	var hash string
	w.one(t, &hash, "SELECT password_hash FROM users WHERE name = 'user1@alder.example'")
	err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
		_, err := user.Create(tx, tenantID, name, name, hash, audit.Service, audit.Origin{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// proved sets by what the sessions of somebody were proved.
func (w *world) proved(t testing.TB, name, by string) {
	t.Helper()
	w.act(t, "UPDATE sessions SET proved_by = ? WHERE user_id = (SELECT id FROM users WHERE name = ?)", by, name)
}

// gate is a feature as somebody meets it who has all that it is about.
type gate struct {
	offered func() bool            // on pages that are the same for everybody
	own     func() bool            // on pages of their own
	acts    func() bool            // something that only begins now
	begun   map[string]func() bool // what was begun while the feature was on, ended
	kept    func() bool            // besides, what there was stays while it is off
	lacks   map[string]string      // parts that it has not, of pages, acts and redemptions, and why
}

// gates has a gate for each feature. Name and other are two people who have nothing yet.
var gates = map[feature.Feature]func(t *testing.T, w *world, n int, name, other string) gate{
	feature.PhoneSignIn: func(t *testing.T, w *world, _ int, name, other string) gate {
		ph, own := w.withPhone(t, name)
		pc := w.browser(t)
		attempt := pc.askPhone(t, name)
		ph.approves(t, pc, attempt)
		waiting := w.browser(t)
		asked := waiting.askPhone(t, name)
		r, shown := ph.asks(t), number(waiting.get(t, asked))
		token := w.browser(t).signIn(t, other).invite(t)
		w.proved(t, name, "phone")
		return gate{
			offered: helps(t, w, "phone"), own: says(t, own, "/me/phones"), acts: works(own, t, http.StatusOK, "/me/phones"),
			begun: map[string]func() bool{
				"a sign-in that was approved": works(pc, t, http.StatusSeeOther, attempt+"/finish"),
				"a request on the phone": func() bool {
					a := ph.answers(t, r, "approve", shown)
					a.is(t, http.StatusOK, http.StatusGone)
					return a.status == http.StatusOK
				},
				"a link for the next phone": func() bool { return w.newPhone(t).enrol(t, token).status == http.StatusCreated },
			},
		}
	},
	feature.Passkeys: func(t *testing.T, w *world, _ int, name, other string) gate {
		k, own := w.withPasskey(t, name)
		pc := w.browser(t)
		attempt := pc.byPasskey(t, name)
		asked := optionsOf(t, pc.get(t, attempt))
		theirs := w.browser(t).signIn(t, other)
		options := optionsOf(t, theirs.get(t, "/me/passkeys/new").want(t, http.StatusOK))
		return gate{
			offered: helps(t, w, "passkey"), own: says(t, own, "/me/passkeys"),
			acts: func() bool { return own.get(t, "/me/passkeys/new").status == http.StatusOK },
			begun: map[string]func() bool{
				"a sign-in": func() bool {
					return pc.post(t, attempt+"/verify", "credential", k.Sign(t, asked)).status == http.StatusSeeOther
				},
				"a passkey that was being made": func() bool {
					next := passkeytest.New(t, theirs.base)
					return theirs.post(t, "/me/passkeys", "name", "Laptop", "credential", next.Make(t, options)).status == http.StatusSeeOther
				},
			},
		}
	},
	feature.TOTP: func(t *testing.T, w *world, _ int, name, other string) gate {
		a, own := w.withApp(t, name)
		w.forward(t, totp.Period)
		pc := w.browser(t)
		attempt := pc.byCode(t, name)
		theirs := w.browser(t).signIn(t, other)
		next := theirs.setUpApp(t)
		next.w = w
		return gate{
			offered: helps(t, w, "totp"), own: says(t, own, "/me/totp"), acts: works(own, t, http.StatusSeeOther, "/me/totp"),
			begun: map[string]func() bool{
				"a sign-in": func() bool {
					return pc.post(t, attempt+"/verify", "code", a.code(t, 0)).status == http.StatusSeeOther
				},
				"an app that was being set up": func() bool {
					return theirs.post(t, next.path, "code", next.code(t, 0)).status == http.StatusSeeOther
				},
			},
		}
	},
	feature.PrintedCodes: func(t *testing.T, w *world, _ int, name, other string) gate {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		_, papers := admin.printsBatch(t, w, other)
		admin.handsTo(t, w, papers[0])
		theirs := w.browser(t).signIn(t, other)
		theirs.get(t, "/me/codes").want(t, http.StatusOK)
		sheet, own := w.withSheet(t, name)
		pc := w.browser(t)
		attempt, asked := pc.byPrintedCode(t, name)
		return gate{
			offered: helps(t, w, "printed_code"), own: says(t, own, "/me/codes"), acts: works(own, t, http.StatusOK, "/me/codes"),
			begun: map[string]func() bool{
				"a sign-in":                   works(pc, t, http.StatusSeeOther, attempt+"/verify", "code", sheet.codes[asked]),
				"a sheet that is handed over": works(theirs, t, http.StatusSeeOther, "/me/codes/confirm", "code", papers[0].codes["1"]),
			},
		}
	},
	feature.BackupPhones: backup("sms", "+491511234%04d"),
	feature.SMS:          backup("sms", "+491511235%04d"),
	feature.Voice:        backup("voice", "+49309018%04d"),
	feature.StaticPasscode: func(t *testing.T, w *world, _ int, name, other string) gate {
		admin, security := w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, firstSecurity)
		code := w.passcodeFor(t, admin, security, name)
		pc := w.browser(t)
		attempt := pc.begin(t, name)
		pc.post(t, attempt+"/method", "method", "static_passcode").want(t, http.StatusSeeOther)
		_, id := w.person(t, other)
		admin.get(t, "/admin/alder/users/"+id).want(t, http.StatusOK)
		return gate{
			offered: helps(t, w, "static_passcode"),
			acts:    works(admin, t, http.StatusSeeOther, "/admin/alder/users/"+id+"/passcodes", "hours", "24", "reason", "a test"),
			begun:   map[string]func() bool{"a sign-in": works(pc, t, http.StatusSeeOther, attempt+"/verify", "code", code)},
		}
	},
	feature.Bypass: func(t *testing.T, w *world, _ int, name, other string) gate {
		desk := w.browser(t).signIn(t, deskOf)
		_, code := desk.bypassFor(t, w, deskOf, name)
		pc := w.browser(t)
		attempt := pc.begin(t, name)
		pc.post(t, attempt+"/method", "method", "bypass").want(t, http.StatusSeeOther)
		return gate{
			offered: helps(t, w, "bypass"),
			acts:    func() bool { return desk.gives(t, w, deskOf, other).status == http.StatusSeeOther },
			begun:   map[string]func() bool{"a sign-in": works(pc, t, http.StatusSeeOther, attempt+"/verify", "code", code)},
		}
	},
	feature.TrustedBrowsers: func(t *testing.T, w *world, _ int, name, _ string) gate {
		own := w.browser(t)
		if own.stay(t, name).trust() == nil {
			t.Fatal("the browser is not trusted")
		}
		attempt := own.begin(t, name)
		return gate{
			offered: func() bool {
				b := w.browser(t)
				return strings.Contains(b.get(t, b.begin(t, name)).body, "It counts as known")
			},
			own:  says(t, own, "/me/sessions"),
			acts: func() bool { return w.browser(t).stay(t, name).trust() != nil },
			begun: map[string]func() bool{"a sign-in in a trusted browser": func() bool {
				a := own.post(t, attempt+"/verify", "password", passwordOfAll, "stay", "yes").want(t, http.StatusSeeOther)
				attempt = own.begin(t, name) // for the next time: the trust alone is at stake
				return a.trust() != nil
			}},
		}
	},
	feature.CallerCheck: func(t *testing.T, w *world, _ int, name, other string) gate {
		ph, _ := w.withPhone(t, name)
		w.withPhone(t, other)
		desk := w.browser(t).signIn(t, deskOfAlder)
		_, id := w.person(t, name)
		_, another := w.person(t, other)
		tenantID, agent := w.person(t, deskOfAlder)
		page := "/admin/alder/users/"
		desk.get(t, page+id).want(t, http.StatusOK)
		check := desk.post(t, page+id+"/caller-checks", "via", "phone").want(t, http.StatusSeeOther).location()
		ph.vouches(t, desk, check)
		return gate{
			own:  func() bool { return strings.Contains(desk.get(t, page+another).body, `name="via" value="phone"`) },
			acts: works(desk, t, http.StatusSeeOther, page+another+"/caller-checks", "via", "phone"),
			begun: map[string]func() bool{"a proof": func() (had bool) {
				// Of the same act, so that it can be asked for twice.
				err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
					_, err := callercheck.Spend(tx, tenantID, check[strings.LastIndex(check, "/")+1:], id, agent, "an act")
					return err
				})
				return err == nil
			}},
		}
	},
	feature.OutageMode: func(t *testing.T, w *world, n int, name, other string) gate {
		w.promote(t, name, access.RoleSecurityAdministrator)
		w.promote(t, other, access.RoleSecurityAdministrator)
		asks, approves := w.browser(t).signIn(t, name), w.browser(t).signIn(t, other)
		declare := func(minutes string) []string {
			return []string{"failed", "sms", "relaxes", "held_back_ways", "minutes", minutes, "reason", "a test"}
		}
		asks.get(t, outages)
		request := asks.post(t, outages, declare("30")...).want(t, http.StatusSeeOther).location()
		approves.get(t, request).want(t, http.StatusOK)
		return gate{
			own:  func() bool { return !strings.Contains(asks.get(t, outages).want(t, http.StatusOK).body, "outage-off") },
			acts: works(asks, t, http.StatusSeeOther, outages, declare(fmt.Sprint(60+n))...),
			begun: map[string]func() bool{"what waits for approval": func() bool {
				began := approves.post(t, request+"/approve", "reason", "").status == http.StatusSeeOther
				w.act(t, "UPDATE outages SET ended_at = ends_at, ending = 'hand'") // for the next one
				return began
			}},
		}
	},
	feature.TypedNumberMatch:     typedGate,
	feature.RegistrationCampaign: campaignGate,
	feature.Applications:         applicationsGate,
	feature.SelfServiceRecovery: func(t *testing.T, w *world, _ int, name, other string) gate {
		ph, own := w.withPhone(t, name)
		w.withApp(t, name) // so that the phone would not be all that they have
		w.proved(t, name, "pwd")
		lost, theirs := w.withPhone(t, other)
		a, _ := w.withApp(t, other)
		w.proved(t, other, "pwd")
		theirs.post(t, "/me/phones/"+lost.account+"/revoke", "lost", "yes").want(t, http.StatusSeeOther)
		w.forward(t, totp.Period)
		theirs.proveByCode(t, a, lostPage)
		token := theirs.invite(t)
		return gate{
			offered: func() bool {
				b := w.browser(t)
				return strings.Contains(b.get(t, b.begin(t, "nobody@alder.example")+"/help").body, lostPage)
			},
			own: says(t, own, lostPage),
			acts: func() bool {
				return own.post(t, "/me/phones/"+ph.account+"/revoke", "lost", "yes").location() == lostPage+"?done=revoked"
			},
			begun: map[string]func() bool{
				"a link for the phone after the lost one": func() bool { return w.newPhone(t).enrol(t, token).status == http.StatusCreated },
			},
		}
	},
}

// typedGate is the gate of the typed number.
func typedGate(t *testing.T, w *world, _ int, name, other string) gate {
	mine, _ := w.withPhone(t, name)
	theirs, _ := w.withPhone(t, other)
	typed := func(ph *phone, name string) func() bool {
		return func() bool {
			w.act(t, "DELETE FROM prompts")
			w.browser(t).askPhone(t, name)
			return ph.asks(t).Mode == "type2"
		}
	}
	return gate{
		own: typed(mine, name), acts: typed(theirs, other),
		lacks: map[string]string{"redemption": "what the phone was asked stays as it was asked; see TestSomeTypeTheNumber"},
	}
}

// backup gives the gate of a channel of backup phones.
func backup(channel, numbers string) func(t *testing.T, w *world, n int, name, other string) gate {
	return func(t *testing.T, w *world, n int, name, other string) gate {
		mine, next, third := fmt.Sprintf(numbers, 3*n), fmt.Sprintf(numbers, 3*n+1), fmt.Sprintf(numbers, 3*n+2)
		own := w.withBackup(t, name, mine, channel)
		pc := w.browser(t)
		attempt := pc.begin(t, name)
		pc.post(t, attempt+"/method", "method", channel).want(t, http.StatusSeeOther)
		code := w.codeTo(t, mine)
		theirs := w.browser(t).signIn(t, other)
		page := theirs.post(t, "/me/backup-phones", "number", next, "channel", channel).want(t, http.StatusSeeOther).location()
		return gate{
			offered: helps(t, w, channel),
			own:     func() bool { return strings.Contains(own.get(t, "/me/backup-phones").body, `value="`+channel+`"`) },
			acts:    works(own, t, http.StatusSeeOther, "/me/backup-phones", "number", third, "channel", channel),
			begun: map[string]func() bool{
				"a sign-in":                      works(pc, t, http.StatusSeeOther, attempt+"/verify", "code", code),
				"a number that waits for a code": func() bool { return theirs.post(t, page, "code", w.codeTo(t, next)).status == http.StatusSeeOther },
			},
		}
	}
}

// helps says whether the help at the sign-in offers a way, to whoever it is.
func helps(t *testing.T, w *world, way string) func() bool {
	return func() bool {
		b := w.browser(t)
		return strings.Contains(b.get(t, b.begin(t, "nobody@alder.example")+"/help").want(t, http.StatusOK).body, `name="method" value="`+way+`"`)
	}
}

// says says whether a page does without a word that something is turned off.
func says(t *testing.T, b *browser, path string) func() bool {
	return func() bool {
		page := b.get(t, path).want(t, http.StatusOK).body
		return !strings.Contains(page, "our organisation has turned this") && !strings.Contains(page, "Turned off by your organisation")
	}
}

// works says whether a form is taken.
func works(b *browser, t *testing.T, status int, path string, pairs ...string) func() bool {
	return func() bool { return b.post(t, path, pairs...).status == status }
}

// TestEveryFeatureGatesWhatItIsAbout: turned off by the tenant, for somebody, or by the platform
// it is neither offered nor begun nor brought to an end; what was bound stays, and on
// again it works, and so does what was begun.
func TestEveryFeatureGatesWhatItIsAbout(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		w.carry(t)
		w.act(t, "UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
		tenantID, _ := w.person(t, "user1@alder.example")
		w.act(t, "INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'outside','Outside',?)", tenantID, w.now())
		n := 0
		for _, e := range feature.Catalogue {
			build := gates[e.Feature]
			if build == nil {
				t.Errorf("%s gates nothing", e.Feature)
				continue
			}
			for _, off := range []string{"tenant", "person", "platform"} {
				n++
				name, other := fmt.Sprintf("gated%d@alder.example", 2*n), fmt.Sprintf("gated%d@alder.example", 2*n+1)
				w.newcomer(t, name)
				w.newcomer(t, other)
				t.Run(string(e.Feature)+" off by "+off, func(t *testing.T) {
					if e.Starts == feature.Off {
						w.rule(t, e.Feature, feature.Rule{Stage: feature.Everyone})
						defer w.rule(t, e.Feature, feature.Rule{Stage: feature.Off})
					}
					g := build(t, w, n, name, other)
					for part, there := range map[string]bool{"page": g.offered != nil || g.own != nil, "act": g.acts != nil, "redemption": len(g.begun) > 0} {
						if there == (g.lacks[part] != "") {
							t.Errorf("of the %s nothing is tried, and nothing says why", part)
						}
					}
					check := func(on bool) {
						t.Helper()
						for what, pages := range map[string]func() bool{"offered to everybody": g.offered, "on their own page": g.own} {
							shown := on || off == "person" && what == "offered to everybody" // else the page would tell who is in a group
							if pages != nil && pages() != shown {
								t.Errorf("%s is %t while it is %t", what, !shown, on)
							}
						}
					}
					check(true)
					turn := func(on bool) {
						t.Helper()
						r := feature.Rule{Stage: feature.Everyone}
						switch {
						case off == "platform":
							share := 0
							if on {
								share = 100
							}
							if err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
								return feature.Release(tx, e.Feature, []feature.Cell{{Region: "eu", Ring: "early", Share: share}})
							}); err != nil {
								t.Fatal(err)
							}
							return
						case !on && off == "tenant":
							r.Stage = feature.Off
						case !on:
							r.Exclude = []string{"outside"}
							for _, who := range []string{name, other} {
								w.act(t, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, 'outside', id, name FROM users WHERE name = ?", who)
							}
						}
						w.rule(t, e.Feature, r)
					}
					turn(false)
					check(false)
					if g.acts() {
						t.Error("the act is taken")
					}
					for what, ends := range g.begun {
						if ends() {
							t.Errorf("%s comes to its end", what)
						}
					}
					if g.kept != nil && !g.kept() {
						t.Error("what there was is gone")
					}
					turn(true)
					check(true)
					for what, ends := range g.begun {
						if !ends() {
							t.Errorf("on again, %s does not go on", what)
						}
					}
					if !g.acts() {
						t.Error("on again, the act is not taken")
					}
				})
			}
		}
	})
}

// TestSomeTypeTheNumber: whoever has the feature types it, whatever their organisation
// has for everybody, and never fewer digits than that.
func TestSomeTypeTheNumber(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		pilot := w.group(t, "alder", "pilot")
		in, _ := w.withPhone(t, name)
		out, _ := w.withPhone(t, "user30@alder.example")
		mode := func(ph *phone, name string) (string, *browser, string) {
			t.Helper()
			w.act(t, "DELETE FROM prompts")
			b := w.browser(t)
			attempt := b.askPhone(t, name)
			return ph.asks(t).Mode, b, attempt
		}
		before, b, attempt := mode(in, name)
		if before != "pick3" {
			t.Fatalf("before it is %s", before)
		}
		w.rule(t, feature.TypedNumberMatch, feature.Rule{Stage: feature.Pilot, Include: []string{pilot}})
		in.approves(t, b, attempt) // what the phone was asked stays as it was asked
		b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
		if is, _, _ := mode(out, "user30@alder.example"); is != "pick3" {
			t.Errorf("somebody else is asked by %s", is)
		}
		is, b, attempt := mode(in, name)
		if is != "type2" {
			t.Errorf("it is %s", is)
		}
		in.approves(t, b, attempt)
		w.act(t, "UPDATE tenants SET match_mode = 'type6'")
		if is, _, _ := mode(in, name); is != "type6" {
			t.Errorf("where everybody types six digits it is %s", is)
		}
		w.act(t, "UPDATE tenants SET match_mode = 'pick3'")
		w.rule(t, feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone})
		w.rule(t, feature.TypedNumberMatch, feature.Rule{Stage: feature.Off})
		if is, _, _ := mode(in, name); is != "pick3" {
			t.Errorf("off again it is %s", is)
		}
	})
}

// TestNoMessageGoesToWhomItIsTurnedOffFor: their name is shown what everybody's is, and
// nothing is sent.
func TestNoMessageGoesToWhomItIsTurnedOffFor(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		w.withBackup(t, name, mobile, "sms")
		ask := func() string {
			t.Helper()
			w.act(t, "DELETE FROM code_times")
			w.act(t, "DELETE FROM outbox")
			b := w.browser(t)
			b.post(t, b.begin(t, name)+"/method", "method", "sms").want(t, http.StatusSeeOther)
			return w.codeTo(t, mobile)
		}
		w.rule(t, feature.BackupPhones, feature.Rule{Stage: feature.Everyone, Exclude: []string{w.group(t, "alder", "pilot")}})
		if ask() != "" {
			t.Error("a code is sent")
		}
		w.rule(t, feature.BackupPhones, feature.Rule{Stage: feature.Everyone, Exclude: []string{w.group(t, "alder", "field")}})
		if ask() == "" {
			t.Error("on again, no code is sent")
		}
	})
}
