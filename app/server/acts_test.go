package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/desk"
	"latchkey/app/feature"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/place"
)

// doing is an act that was prepared and can be tried again until it succeeds.
type doing struct {
	route string // as in the route table
	do    func() answer
	want  int
}

// everyAct prepares one act for each route that changes something, in an order
// in which all of them succeed.
func everyAct(t *testing.T, w *world) []doing {
	t.Helper()
	const name = "user1@alder.example"
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, pairs...) }
	}
	call := func(ph *phone, method, path string, body any) func() answer {
		return func() answer { return ph.call(t, method, path, body) }
	}
	fresh := func(name string) *browser { b := w.browser(t); b.get(t, "/signin"); return b }

	pc := w.browser(t).signIn(t, name)
	ph := w.newPhone(t)
	ph.enrolled(t, ph.enrol(t, pc.invite(t)))
	second := w.newPhone(t)
	second.enrolled(t, second.enrol(t, pc.invite(t)))
	second.call(t, http.MethodPut, "/accounts/"+second.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
	pc.proveByPhone(t, second, "/me/phones")
	third, token := w.newPhone(t), pc.invite(t)
	elsewhere := w.browser(t).signIn(t, name)
	leaving := w.browser(t).signIn(t, "user2@alder.example")

	choosing, typing, waiting := w.browser(t), w.browser(t), w.browser(t)
	chosen, typed, waited := choosing.begin(t, "user3@alder.example"), typing.begin(t, "user4@alder.example"), waiting.askPhone(t, name)
	r := second.asks(t)
	shown := number(waiting.get(t, waited))

	security, operated := w.browser(t).signIn(t, "security@alder.example"), w.operated(t)

	var session string
	w.one(t, &session, "SELECT id FROM sessions WHERE user_id = (SELECT id FROM users WHERE name = ?) ORDER BY created_at DESC LIMIT 1", name)
	const approver = "user6@alder.example"
	w.promote(t, approver, access.RoleSecurityAdministrator)
	_, approving := w.withPhone(t, approver)
	asking := w.browser(t).signIn(t, firstSecurity)
	decide := func(b *browser, of, act string, pairs ...string) func() answer {
		return form(b, inbox+"/"+w.asksRole(t, firstSecurity, of)+"/"+act, pairs...)
	}
	admin := w.browser(t).signIn(t, "admin@alder.example")
	admin.get(t, "/admin/alder")
	pc.get(t, "/me")
	elsewhere.get(t, "/me")
	leaving.get(t, "/me")
	const tenants = "/operator/tenants"
	field := "/admin/alder/groups/" + w.group(t, "alder", "field")
	brought := admin.bring(t, "name", "brought@alder.example").want(t, http.StatusSeeOther).location()
	office := "/admin/alder/groups/" + w.group(t, "alder", "office")
	_, user21 := w.person(t, "user21@alder.example")
	ward := place.Site{ID: "ward", Name: "Ward", Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
	places, err := place.Named{ward, {ID: "gone", Name: "Gone", Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}}.Text()
	if err != nil {
		t.Fatal(err)
	}
	w.act(t, "UPDATE tenants SET places = ? WHERE slug = 'alder'", places)
	const rota = "/admin/alder/applications/rota"
	for id, state := range map[string]string{"rota": "on", "rota-on": "on", "rota-off": "off"} {
		w.act(t, `INSERT INTO applications (tenant_id, id, name, kind, state, redirect_uris, created_at, changed_by, changed_at)
			SELECT id, ?, ?, 'confidential', ?, 'https://rota.example/callback', ?, '', ? FROM tenants WHERE slug = 'alder'`, id, id, state, w.DB.Now(), w.DB.Now())
	}
	redeems, revokes := w.tokenActs(t)
	w.rule(t, feature.TypedNumberMatch, feature.Rule{Stage: feature.UsersChoice})
	ending := w.browser(t).signIn(t, "user33@alder.example")
	ending.get(t, "/t/alder/end-session").want(t, http.StatusOK)
	w.act(t, "INSERT INTO releases (feature, killed, version, changed_at) VALUES ('registration_campaign', TRUE, 1, ?), ('openid_applications', FALSE, 1, ?)", w.now(), w.now())
	w.act(t, "INSERT INTO release_cells (feature, region, ring, share) VALUES ('openid_applications', 'us', 'stable', 50)")
	w.act(t, `INSERT INTO release_schedules (feature, id, state, cells, before, version, at, reason, made_by, made_at) VALUES ('sms','release-1','waits','null','null',0,?,'','',?)`, w.now().Add(time.Hour), w.now())
	w.act(t, `INSERT INTO outages (tenant_id, id, drill, failed, relaxes, everybody, reason, ticket, requested_by, approved_by, began_at, ends_at)
		SELECT id, 'outage-1', FALSE, 'sms', 1, TRUE, '', '', 'somebody', '', ?, ? FROM tenants WHERE slug = 'birch'`, w.now(), w.now().Add(4*time.Hour))
	w.act(t, `INSERT INTO outages (tenant_id, id, drill, failed, relaxes, everybody, reason, ticket, requested_by, approved_by, began_at, ends_at, ended_at)
		SELECT id, 'outage-2', FALSE, 'sms', 1, TRUE, '', '', 'somebody', '', ?, ?, ? FROM tenants WHERE slug = 'alder'`, w.now(), w.now(), w.now())
	birch := w.browser(t).signIn(t, "security@birch.example")
	birch.get(t, "/admin/birch/outage").want(t, http.StatusOK)
	face := passkeytest.New(t, w.URL).Make(t, ph.beginsUnlock(t))
	acts := []doing{
		{"POST /signin", form(fresh(name), "/signin", "identifier", "user5@alder.example"), http.StatusSeeOther},
		{"POST /signin/:attempt/method", form(choosing, chosen+"/method", "method", "phone"), http.StatusSeeOther},
		{"POST /signin/:attempt/verify", form(typing, typed+"/verify", "password", passwordOfAll), http.StatusSeeOther},
		{"POST " + api + "/requests/:request/answer", func() answer { return second.answers(t, r, "approve", shown) }, http.StatusOK},
		{"POST /signin/:attempt/finish", form(waiting, waited+"/finish"), http.StatusSeeOther},
		{"POST /step-up", form(leaving, "/step-up", "method", "password"), http.StatusSeeOther},
		{"POST /me/phones", form(pc, "/me/phones"), http.StatusOK},
		{"POST " + api + "/enrolments", func() answer { return third.enrol(t, token) }, http.StatusCreated},
		{"POST " + api + "/accounts/:account/test", call(ph, http.MethodPost, "/accounts/"+ph.account+"/test", nil), http.StatusCreated},
		{"PUT " + api + "/accounts/:account/phone-sign-in", call(ph, http.MethodPut, "/accounts/"+ph.account+"/phone-sign-in", nil), http.StatusNoContent},
		{"PUT " + api + "/push", call(ph, http.MethodPut, "/push", map[string]any{
			"endpoint": "https://push.example/1", "keys": map[string]string{"p256dh": encode(must(otherKey(ph.key.Curve).PublicKey.Bytes())), "auth": encode(make([]byte, 16))},
		}), http.StatusNoContent},
		{"DELETE " + api + "/accounts/:account/phone-sign-in", call(ph, http.MethodDelete, "/accounts/"+ph.account+"/phone-sign-in", nil), http.StatusNoContent},
		{"POST /me/phones/:device/rename", form(pc, "/me/phones/"+ph.account+"/rename", "name", "Another name"), http.StatusSeeOther},
		{"POST /me/phones/:device/default", form(pc, "/me/phones/"+second.account+"/default"), http.StatusSeeOther},
		{"POST " + api + "/accounts/:account/unlock", call(ph, http.MethodPost, "/accounts/"+ph.account+"/unlock", map[string]any{"pin": ph.pin}), http.StatusOK},
		{"PUT " + api + "/accounts/:account/unlock", call(ph, http.MethodPut, "/accounts/"+ph.account+"/unlock", map[string]any{"credential": json.RawMessage(face)}), http.StatusNoContent},
		{"DELETE " + api + "/accounts/:account/unlock", call(ph, http.MethodDelete, "/accounts/"+ph.account+"/unlock", nil), http.StatusNoContent},
		{"DELETE " + api + "/devices/self", call(ph, http.MethodDelete, "/devices/self", nil), http.StatusNoContent},
		{"POST /me/phones/:device/revoke", form(pc, "/me/phones/"+second.account+"/revoke"), http.StatusSeeOther},
		{"POST /me/preferences", form(pc, "/me/preferences", "default_way", "phone"), http.StatusSeeOther},
		{"POST /me/preferences/features/:feature", form(pc, "/me/preferences/features/typed_number_match", "on", "yes"), http.StatusSeeOther},
		{"POST /me/sessions/:session/end", form(pc, "/me/sessions/"+session+"/end"), http.StatusSeeOther},
		{"POST /me/sessions/end-others", form(pc, "/me/sessions/end-others"), http.StatusSeeOther},
		{"POST /admin/:tenant/outage/:outage/end", form(birch, "/admin/birch/outage/outage-1/end", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/outage/:outage/sign", form(security, outages+"/outage-2/sign", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/outage", form(security, outages, "failed", "sms", "relaxes", "held_back_ways", "minutes", "60", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/outage/drill", form(security, outages+"/drill", "failed", "push", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings", form(admin, "/admin/alder/settings", "match_mode", "type2", "platforms", "ios", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/desk-hours", form(admin, "/admin/alder/settings/desk-hours", "days", "1", "from", "08:00", "until", "17:00", "zone", "UTC", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/decisions", form(admin, "/admin/alder/settings/decisions", "decision_days", "60", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/helpdesk", form(admin, "/admin/alder/settings/helpdesk", "helpdesk_number", "+49 30 1234", "helpdesk_hours", "7 to 19", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/places/:place/remove", form(admin, "/admin/alder/settings/places/gone/remove", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/places/:place", form(admin, "/admin/alder/settings/places/ward", "name", "Ward", "networks", "203.0.113.0/25", "version", ward.Version(), "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/places", form(admin, "/admin/alder/settings/places", "name", "Office", "networks", "203.0.113.7", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/places/elsewhere", form(admin, "/admin/alder/settings/places/elsewhere", "match_mode_elsewhere", "type2", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/applications", form(security, "/admin/alder/applications", "name", "Board", "kind", "public", "redirects", "https://board.example/callback", "frequency", "0", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/applications/:application", form(security, rota, "name", "Rota", "redirects", "https://rota.example/callback", "frequency", "30", "version", "1", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/applications/:application/off", form(security, rota+"-on/off", "version", "1", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/applications/:application/on", form(security, rota+"-off/on", "version", "1", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/applications/:application/secret", form(security, rota+"/secret", "reason", "a test"), http.StatusOK},
		{"POST /admin/:tenant/applications/:application/delete", form(security, rota+"/delete", "reason", "a test"), http.StatusSeeOther},
		{"POST /t/:tenant/token", redeems, http.StatusOK},
		{"POST /t/:tenant/revoke", revokes, http.StatusOK},
		{"POST /t/:tenant/end-session/confirm", form(ending, "/t/alder/end-session/confirm"), http.StatusSeeOther},
		{"POST " + tenants, form(operated.b, tenants, "tenant_name", "Fir", "tenant_slug", "fir", "domain", "fir.example", "region", "eu", "ring", "early"), http.StatusSeeOther},
		{"POST " + tenants + "/:tenant/change", form(operated.b, tenants+"/birch/change", "tenant_name", "Birch", "region", "eu", "ring", "early", "version", "1"), http.StatusSeeOther},
		{"POST " + tenants + "/:tenant/links", form(operated.b, tenants+"/elm/links"), http.StatusSeeOther},
		{"POST " + tenants + "/:tenant/domains", form(operated.b, tenants+"/elm/domains", "domain", "third.example"), http.StatusSeeOther},
		{"POST " + tenants + "/:tenant/domains/:domain/verify", form(operated.b, tenants+"/elm/domains/elm.example/verify"), http.StatusSeeOther},
		{"POST " + tenants + "/:tenant/domains/:domain/remove", form(operated.b, tenants+"/elm/domains/second.example/remove"), http.StatusSeeOther},
		{"POST /operator/releases/:feature", form(operated.b, "/operator/releases/trusted_browsers", shares("version", "0", "reason", "a test")...), http.StatusSeeOther},
		{"POST /operator/releases/:feature/schedule/:schedule/cancel", form(operated.b, "/operator/releases/sms/schedule/release-1/cancel", "reason", "a test"), http.StatusSeeOther},
		{"POST /operator/releases/:feature/stop", form(operated.b, "/operator/releases/trusted_browsers/stop", "reason", "a test"), http.StatusSeeOther},
		{"POST /operator/releases/:feature/resume", form(operated.b, "/operator/releases/registration_campaign/resume", "version", "1", "reason", "a test"), http.StatusSeeOther},
		{"POST /operator/releases/:feature/restore", form(operated.b, "/operator/releases/openid_applications/restore", "version", "1", "to", "0", "reason", "a test"), http.StatusSeeOther},
		{"POST " + tenants + "/:tenant/suspend", form(operated.b, tenants+"/elm/suspend", "reason", "a test"), http.StatusSeeOther},
		{"POST " + tenants + "/:tenant/resume", form(operated.b, tenants+"/oak/resume", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/grants", form(security, "/admin/alder/settings/grants", "operator", operatorName, "role", "auditor", "hours", "4", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/grants/:grant/end", form(operated.birch, "/admin/birch/settings/grants/"+operated.grant+"/end"), http.StatusSeeOther},
		{"POST /admin/:tenant/approvals/:request/approve", decide(approving, deskOfAlder, "approve"), http.StatusSeeOther},
		{"POST /admin/:tenant/approvals/:request/refuse", decide(approving, "desk2@alder.example", "refuse", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/approvals/:request/withdraw", decide(asking, "lead@alder.example", "withdraw"), http.StatusSeeOther},
		{"POST /admin/:tenant/approvals/:request/phone", decide(approving, "auditor@alder.example", "phone"), http.StatusSeeOther},
		{"POST /signout", form(leaving, "/signout"), http.StatusSeeOther},
		{"POST /admin/:tenant/policy/replay", form(admin, "/admin/alder/policy/replay", "days", "7", "most", "100", "password.sign_in", "on"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/import", func() answer { return admin.bring(t, "name", "new@alder.example") }, http.StatusSeeOther},
		{"POST /admin/:tenant/users/imports/:import/run", form(admin, brought+"/run", "reason", "x", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/groups", form(admin, "/admin/alder/groups", "name", "new", "reason", "x"), http.StatusSeeOther},
		{"POST /admin/:tenant/groups/:group/rename", form(admin, field+"/rename", "name", "fields", "reason", "x"), http.StatusSeeOther},
		{"POST /admin/:tenant/groups/:group/members", form(admin, field+"/members", "name", "user9@alder.example", "reason", "x"), http.StatusSeeOther},
		{"POST /admin/:tenant/groups/:group/members/:user/remove", form(admin, field+"/members/"+user21+"/remove", "reason", "x"), http.StatusSeeOther},
		{"POST /admin/:tenant/groups/:group/role", form(admin, field+"/role", "role", "helpdesk", "reason", "x"), http.StatusSeeOther},
		{"POST /admin/:tenant/groups/:group/delete", form(admin, office+"/delete", "confirmed", "office", "reason", "x"), http.StatusSeeOther},
	}
	acts = append(acts, actsOnApps(t, w, admin)...)
	acts = append(acts, actsOnSheets(t, w, admin)...)
	acts = append(acts, actsOnStock(t, w, admin)...)
	acts = append(acts, actsOnPasskeys(t, w, admin)...)
	acts = append(acts, actsOnPeople(t, w, admin, security)...)
	acts = append(acts, actsOnDesk(t, w, admin)...)
	acts = append(acts, actsOnCases(t, w)...)
	acts = append(acts, actsOnChecks(t, w)...)
	acts = append(acts, actsOnCampaign(t, w, admin)...)
	acts = append(acts, actsOnBackups(t, w)...)
	acts = append(acts, actsOnRoles(t, w, admin, security)...)
	acts = append(acts, actsOnSessions(t, w)...)
	acts = append(acts, actsOnGlass(t, w)...)
	acts = append(acts, actsOnProviders(t, w, security)...) // the last: from then on mails are owed
	acts = append(acts, doing{"POST /admin/:tenant/rollout/:feature", form(admin, "/admin/alder/rollout/passkeys", "stage", "percentage", "percentage", "50", "version", "0", "reason", "a test"), http.StatusSeeOther})
	acts = append(acts, actsOnRamps(t, w, admin)...)
	acts = append(acts, doing{"POST /admin/:tenant/policy", form(admin, "/admin/alder/policy", policyForm("passkey.second_factor")...), http.StatusSeeOther}) // it turns static passcodes off
	w.act(t, "UPDATE sessions SET proved_by = 'phone'")                                                                                                       // as strong as anybody can
	return acts
}

// actsOnApps prepares what is done with authenticator apps.
func actsOnApps(t *testing.T, w *world, admin *browser) []doing {
	t.Helper()
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, pairs...) }
	}
	setting := w.browser(t).signIn(t, "user15@alder.example")
	beginning := w.browser(t).signIn(t, "user16@alder.example")
	begun := beginning.setUpApp(t)
	begun.w = w
	_, removing := w.withApp(t, "user17@alder.example")
	w.withApp(t, "user18@alder.example")
	_, user18 := w.person(t, "user18@alder.example")
	app, _ := w.withApp(t, "user19@alder.example")
	w.act(t, "UPDATE totps SET last_step = 0")
	typing := w.browser(t)
	attempt := typing.begin(t, "user19@alder.example")
	typing.post(t, attempt+"/method", "method", "totp").want(t, http.StatusSeeOther)
	return []doing{
		{"POST /me/password", form(setting, "/me/password", "password", "four words and an owl", "password_again", "four words and an owl"), http.StatusSeeOther},
		{"POST /me/totp", form(setting, "/me/totp"), http.StatusSeeOther},
		{"POST /me/totp/new/:totp", func() answer { return beginning.post(t, begun.path, "code", begun.code(t, 0)) }, http.StatusSeeOther},
		{"POST /me/totp/remove", form(removing, "/me/totp/remove"), http.StatusSeeOther},
		{"POST /signin/:attempt/verify", func() answer { return typing.post(t, attempt+"/verify", "code", app.code(t, 0)) }, http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/totp/revoke", form(admin, "/admin/alder/users/"+user18+"/totp/revoke", "reason", "a test"), http.StatusSeeOther},
	}
}

// actsOnSheets prepares what is done with sheets of printed codes.
func actsOnSheets(t *testing.T, w *world, admin *browser) []doing {
	t.Helper()
	const removed, taken, used = "user28@alder.example", "user29@alder.example", "user30@alder.example"
	making := w.browser(t).signIn(t, "user27@alder.example")
	_, removing := w.withSheet(t, removed)
	w.withSheet(t, taken)
	_, takenID := w.person(t, taken)
	sheet, _ := w.withSheet(t, used)
	typing := w.browser(t)
	attempt, asked := typing.byPrintedCode(t, used)
	return []doing{
		{"POST /me/codes", func() answer { return making.post(t, "/me/codes") }, http.StatusOK},
		{"POST /me/codes/remove", func() answer { return removing.post(t, "/me/codes/remove") }, http.StatusSeeOther},
		{"POST /signin/:attempt/verify", func() answer { return typing.post(t, attempt+"/verify", "code", sheet.codes[asked]) }, http.StatusSeeOther},
		{
			"POST /admin/:tenant/users/:user/codes/revoke",
			func() answer {
				return admin.post(t, "/admin/alder/users/"+takenID+"/codes/revoke", "reason", "a test")
			}, http.StatusSeeOther,
		},
	}
}

// actsOnStock prepares what is done with sheets that are printed for others.
func actsOnStock(t *testing.T, w *world, admin *browser) []doing {
	t.Helper()
	const all = "/admin/alder/code-sheets"
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, pairs...) }
	}
	draft := admin.drawsBatch(t, "user40@alder.example")
	digest := first(digestMark, admin.get(t, draft).want(t, http.StatusOK))
	made := admin.hasBatch(t, w, "user12@alder.example")
	voided := admin.hasBatch(t, w, "user13@alder.example")
	many, _ := admin.printsBatch(t, w, "user31@alder.example", "user32@alder.example")
	_, papers := admin.printsBatch(t, w, "user34@alder.example", "user35@alder.example", "user36@alder.example", "user37@alder.example", "user38@alder.example", "user39@alder.example")
	desk := w.browser(t).signIn(t, deskOfAlder)
	desk.get(t, all).want(t, http.StatusOK)
	given := func(i int) { // to the desk
		admin.post(t, all+"/"+papers[i].id+"/to-agent", "agent", deskOfAlder, "reason", "a test").want(t, http.StatusSeeOther)
	}
	handed := func(i int, name string) *browser {
		given(i)
		desk.post(t, all+"/"+papers[i].id+"/to-user", "reason", "a test").want(t, http.StatusSeeOther)
		b := w.browser(t).signIn(t, name)
		b.get(t, "/me/codes").want(t, http.StatusOK)
		return b
	}
	given(0)
	confirming, losing := handed(1, "user35@alder.example"), handed(2, "user36@alder.example")
	return []doing{
		{"POST /admin/:tenant/code-sheets/batches", form(admin, all+"/batches", "names", "user14@alder.example", "paper", "letter", "instructions", "Keep it dry."), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/batches/:batch/start", form(admin, draft+"/start", "digest", digest, "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/batches/:batch/print", form(admin, made+"/print"), http.StatusOK},
		{"POST /admin/:tenant/code-sheets/batches/:batch/void", form(admin, voided+"/void", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/batches/:batch/hand-over", form(admin, many+"/hand-over", "agent", deskOfAlder, "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/hand-over", form(admin, all+"/hand-over", "sheet", papers[3].id, "agent", deskOfAlder, "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/:sheet/to-agent", form(admin, all+"/"+papers[4].id+"/to-agent", "agent", deskOfAlder, "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/:sheet/to-user", form(desk, all+"/"+papers[0].id+"/to-user", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/:sheet/lost", form(admin, all+"/"+papers[3].id+"/lost", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/:sheet/destroyed", form(admin, all+"/"+papers[4].id+"/destroyed", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/code-sheets/:sheet/void", form(admin, all+"/"+papers[5].id+"/void", "reason", "a test"), http.StatusSeeOther},
		{"POST /me/codes/confirm", form(confirming, "/me/codes/confirm", "code", papers[1].codes["1"]), http.StatusSeeOther},
		{"POST /me/codes/lost", form(losing, "/me/codes/lost", "sheet", papers[2].id), http.StatusSeeOther},
	}
}

// actsOnDesk prepares what is said of the desk.
func actsOnDesk(t *testing.T, w *world, admin *browser) []doing {
	t.Helper()
	tenantID, _ := w.person(t, "user1@alder.example")
	w.act(t, "UPDATE tenants SET desk_reasons = ? WHERE id = ?", desk.Reasons{{Code: "flat", Words: "Battery is flat"}, {Code: "gone", Words: "Gone"}}.Text(), tenantID)
	now, err := desk.Of(w.DB.View(t.Context()), tenantID)
	if err != nil {
		t.Fatal(err)
	}
	last := now.Reasons.Version()
	version := func() string { // of the list as it is; while it cannot be read, as it was
		if now, err := desk.Of(w.DB.View(t.Context()), tenantID); err == nil {
			last = now.Reasons.Version()
		}
		return last
	}
	const list = "/admin/alder/settings/desk"
	form := func(path string, pairs ...string) func() answer {
		return func() answer { return admin.post(t, list+path, append(pairs, "reason", "a test")...) }
	}
	reason := func(path string, pairs ...string) func() answer {
		return func() answer { return form(path, append(pairs, "version", version())...)() }
	}
	return []doing{
		{"POST /admin/:tenant/settings/desk", form("", "bypass_minutes", "400", "bypass_uses", "4", "desk_kinds", "pass_code,skip", "desk_deliveries", "read_out,split",
			"desk_ways", "phone,backup_phone,manager", "desk_privileged", "phone", "own_reasons", "yes", "ticket_pattern", now.Pattern, "ticket_example", now.Example, "version", now.Version()), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/desk/reasons/:reason/remove", reason("/reasons/gone/remove"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/desk/reasons/:reason", reason("/reasons/flat", "code", "flat", "words", "No battery", "minutes", "", "uses", "", "kind", "", "delivery", "", "place", "1"), http.StatusSeeOther},
		{"POST /admin/:tenant/settings/desk/reasons", reason("/reasons", "code", "other", "words", "A new phone", "takes_ticket", "yes", "minutes", "", "uses", "", "kind", "", "delivery", "", "place", "2"), http.StatusSeeOther},
	}
}

// actsOnProviders prepares what is done to who carries messages.
func actsOnProviders(t *testing.T, w *world, security *browser) (acts []doing) {
	t.Helper()
	const list = "/admin/alder/settings/providers"
	tenantID, _ := w.person(t, "user1@alder.example")
	w.act(t, `INSERT INTO outbox (tenant_id, id, kind, target, body, created_at, due_at, expires_at, failed_at) VALUES (?,'unsent','mail','user1@alder.example','{}',?,?,?,?)`,
		tenantID, w.DB.Now(), w.DB.Now(), w.DB.Now(), w.DB.Now())
	form := func(path string, pairs ...string) func() answer {
		return func() answer { return security.post(t, list+path, pairs...) }
	}
	for channel, sender := range map[string]string{"sms": "+15550100", "voice": "+15550100", "mail": "id@alder.example"} {
		w.act(t, "INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,?,'kept','','','','',1,'',?) ON CONFLICT DO NOTHING",
			tenantID, channel, w.DB.Now())
		acts = append(acts,
			doing{"POST /admin/:tenant/settings/providers/" + channel, form("/"+channel, "driver", "webhook", "url", "https://sms.example/take", "sender", sender, "credential", "a shared secret", "version", "1"), http.StatusSeeOther},
			doing{"POST /admin/:tenant/settings/providers/" + channel + "/remove", form("/" + channel + "/remove"), http.StatusSeeOther},
		)
	}
	w.act(t, "INSERT INTO ticket_systems (tenant_id, url, secret, tells, when_down, version, changed_by, changed_at) VALUES (?,'https://tickets.example','','name','pass',1,'',?)", tenantID, w.DB.Now())
	const system = "/admin/alder/settings/ticket-system"
	version := "1"
	ticketing := func(path string, pairs ...string) func() answer {
		return func() answer {
			// As it is; while it cannot be read, as it was.
			_, _ = w.DB.View(t.Context()).One(&version, "SELECT CAST(version AS text) FROM ticket_systems WHERE tenant_id = ?", tenantID)
			return security.post(t, system+path, append(pairs, "version", version)...)
		}
	}
	for id, state := range map[string]string{"siem": "active", "siem-paused": "paused", "siem-renewed": "active"} {
		w.act(t, `INSERT INTO consumers (tenant_id, id, kind, name, form, url, roots, secret, personal, state, first_n, next_n, due_at, version, changed_by, changed_at)
			VALUES (?,?,'webhook',?,'jsonl','http://127.0.0.1:1/in','','',FALSE,?,0,0,?,1,'',?)`, tenantID, id, id, state, w.DB.Now().AddDate(1, 0, 0), w.DB.Now())
	}
	const consumers = "/admin/alder/webhooks"
	receiving := func(path string, pairs ...string) func() answer {
		return func() answer { return security.post(t, consumers+path, pairs...) }
	}
	w.act(t, `INSERT INTO alarms (tenant_id, id, rule, about_kind, about_id, test, count, first_at, last_at, next_n, raised_at) VALUES (?,'loud','not_them','tenant',?,FALSE,3,?,?,0,?)`,
		tenantID, tenantID, w.DB.Now(), w.DB.Now(), w.DB.Now())
	const alarms = "/admin/alder/alarms"
	acts = append(acts,
		doing{"POST /admin/:tenant/alarms/:alarm/acknowledge", func() answer { return security.post(t, alarms+"/loud/acknowledge", "note", "a test") }, http.StatusSeeOther},
		doing{"POST /admin/:tenant/alarms/rules/:rule", func() answer {
			return security.post(t, alarms+"/rules/not_them", "active", "yes", "threshold", "7", "window", "480", "mail", "yes", "consumer", "siem-paused", "version", "0")
		}, http.StatusSeeOther},
		doing{"POST /admin/:tenant/alarms/rules/:rule/test", func() answer { return security.post(t, alarms+"/rules/copied/test") }, http.StatusSeeOther},
	)
	for id, shared := range map[string]bool{"one": false, "two": false, "three": false, "four": true, "five": true} {
		w.act(t, `INSERT INTO audit_views (tenant_id, id, owner_id, name, name_key, filters, shared, version, created_at, changed_at)
			SELECT tenant_id, ?, id, ?, ?, '{"action":"user.locked"}', ?, 1, ?, ? FROM users WHERE tenant_id = ? AND name = ?`, id, "View "+id, "view "+id, shared, w.DB.Now(), w.DB.Now(), tenantID, firstSecurity)
	}
	for id, state := range map[string]string{"draft": "draft", "done": "done"} {
		w.act(t, `INSERT INTO audit_exports (tenant_id, id, state, form, query, many, created_by, created_at)
			SELECT tenant_id, ?, ?, 'csv', '{}', TRUE, id, ? FROM users WHERE tenant_id = ? AND name = ?`, id, state, w.DB.Now(), tenantID, firstSecurity)
	}
	acts = append(acts,
		doing{"POST /admin/:tenant/audit/export", func() answer {
			return security.post(t, "/admin/alder/audit/export", "format", "csv", "action", "tenant.created")
		}, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/views", func() answer {
			return security.post(t, "/admin/alder/audit/views", "name", "Refused lately", "outcome", "denied", "range", "week")
		}, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/views/:view/rename", func() answer {
			return security.post(t, "/admin/alder/audit/views/one/rename", "name", "Renamed", "version", "1")
		}, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/views/:view/filters", func() answer {
			return security.post(t, "/admin/alder/audit/views/two/filters", "q", "203.0.113.7", "version", "1")
		}, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/views/:view/share", func() answer { return security.post(t, "/admin/alder/audit/views/three/share", "version", "1") }, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/views/:view/unshare", func() answer { return security.post(t, "/admin/alder/audit/views/four/unshare") }, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/views/:view/delete", func() answer { return security.post(t, "/admin/alder/audit/views/five/delete", "version", "1") }, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/export/:export/ask", func() answer { return security.post(t, "/admin/alder/audit/export/draft/ask", "reason", "a test") }, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/export/:export/link", func() answer { return security.post(t, "/admin/alder/audit/export/done/link") }, http.StatusSeeOther},
	)
	w.act(t, "INSERT INTO audit_keeping (tenant_id, holds, due_at) VALUES (?,1,?)", tenantID, w.DB.Now())
	w.act(t, "INSERT INTO audit_holds (tenant_id, id, reason, ticket, begun_by, begun_at) VALUES (?,'held','a court','','',?)", tenantID, w.DB.Now())
	const keeping = "/admin/alder/audit/retention"
	acts = append(acts,
		doing{"POST /admin/:tenant/audit/retention", func() answer {
			return security.post(t, keeping, "signins", "12", "administration", "0", "version", "0", "reason", "a test")
		}, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/retention/holds", func() answer { return security.post(t, keeping+"/holds", "reason", "a test of holds") }, http.StatusSeeOther},
		doing{"POST /admin/:tenant/audit/retention/holds/:hold/end", func() answer { return security.post(t, keeping+"/holds/held/end", "reason", "a test") }, http.StatusSeeOther},
	)
	return append(acts,
		doing{"POST /admin/:tenant/webhooks", receiving("", "name", "Another", "kind", "webhook", "url", "https://siem.example/in", "form", "ocsf", "from", "start"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/webhooks/:consumer/test", receiving("/siem/test"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/webhooks/:consumer/pause", receiving("/siem/pause"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/webhooks/:consumer/resume", receiving("/siem-paused/resume"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/webhooks/:consumer/secret", receiving("/siem-renewed/secret", "version", "1"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/webhooks/:consumer/remove", receiving("/siem/remove"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/settings/ticket-system", ticketing("", "url", "https://tickets.example/in", "tells", "id", "when_down", "block"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/settings/ticket-system/secret", ticketing("/secret"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/settings/ticket-system/remove", ticketing("/remove"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/settings/providers/limits", form("/limits", "countries", "DE, FR", "daily", "10"), http.StatusSeeOther},
		doing{"POST /admin/:tenant/settings/providers/messages/:message/again", form("/messages/unsent/again"), http.StatusSeeOther},
	)
}

// actsOnPasskeys prepares what is done with passkeys.
func actsOnPasskeys(t *testing.T, w *world, admin *browser) []doing {
	t.Helper()
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, pairs...) }
	}
	const typing, loose, removed, taken = "user21@alder.example", "user26@alder.example", "user23@alder.example", "user24@alder.example"
	adding := w.browser(t).signIn(t, "user25@alder.example")
	made := passkeytest.New(t, w.URL).Make(t, optionsOf(t, adding.get(t, "/me/passkeys/new").want(t, http.StatusOK)))
	k, _ := w.withPasskey(t, typing)
	named := w.browser(t)
	attempt := named.byPasskey(t, typing)
	signed := k.Sign(t, optionsOf(t, named.get(t, attempt)))
	other, renaming := w.withPasskey(t, loose)
	unnamed := w.browser(t)
	found := other.Sign(t, optionsOf(t, unnamed.get(t, "/signin")))
	_, removing := w.withPasskey(t, removed)
	w.withPasskey(t, taken)
	_, takenID := w.person(t, taken)
	return []doing{
		{"POST /me/passkeys", form(adding, "/me/passkeys", "name", "Laptop", "credential", made), http.StatusSeeOther},
		{"POST /me/passkeys/:passkey/rename", form(renaming, "/me/passkeys/"+w.passkeyOf(t, loose)+"/rename", "name", "Another"), http.StatusSeeOther},
		{"POST /me/passkeys/:passkey/remove", form(removing, "/me/passkeys/"+w.passkeyOf(t, removed)+"/remove"), http.StatusSeeOther},
		{"POST /signin/:attempt/verify", form(named, attempt+"/verify", "credential", signed), http.StatusSeeOther},
		{"POST /passkey", form(unnamed, "/passkey", "credential", found), http.StatusSeeOther},
		{
			"POST /admin/:tenant/users/:user/passkeys/:passkey/revoke",
			form(admin, "/admin/alder/users/"+takenID+"/passkeys/"+w.passkeyOf(t, taken)+"/revoke", "reason", "a test"), http.StatusSeeOther,
		},
	}
}

// actsOnCases prepares what agents do with cases.
func actsOnCases(t *testing.T, w *world) []doing {
	t.Helper()
	desk := w.browser(t).signIn(t, "desk@alder.example")
	tenantID, deskID := w.person(t, "desk@alder.example")
	_, lead := w.person(t, "lead@alder.example")
	for i, at := range []struct{ name, state, owner string }{
		{"noted", "open", deskID},
		{"taken", "open", lead},
		{"handed", "open", deskID},
		{"linked", "open", deskID},
		{"waits", "open", deskID},
		{"resumed", "waiting", deskID},
		{"closed", "open", deskID},
		{"reopened", "closed", deskID},
	} {
		_, person := w.person(t, fmt.Sprintf("user%d@alder.example", 30+i))
		w.act(t, "INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,?,?,?,'lost','',?,?,?,?)",
			tenantID, "case-"+at.name, i+1, person, at.state, at.owner, at.owner, w.DB.Now())
	}
	_, linked := w.person(t, "user33@alder.example")
	w.act(t, `INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, phone_sign_in, created_at)
		VALUES (?,'lost-phone','lost-key',?,'A phone','ios','','','active',FALSE,?)`, tenantID, linked, w.DB.Now())
	desk.get(t, "/admin/alder")
	form := func(path string, pairs ...string) func() answer {
		return func() answer {
			return desk.post(t, "/admin/alder"+path, append(pairs, "reason", "a test", "ticket", "CHG-1")...)
		}
	}
	_, caller := w.person(t, "user38@alder.example")
	w.newcomer(t, "asks1@alder.example")
	w.newcomer(t, "asks2@alder.example")
	asking, signed := w.browser(t), w.browser(t).signIn(t, "asks2@alder.example")
	ask := asking.begin(t, "asks1@alder.example") + "/ask"
	signed.get(t, "/me")
	return []doing{
		{"POST /signin/:attempt/ask", func() answer { return asking.post(t, ask, "cause", "lost", "words", "Left on the bus") }, http.StatusSeeOther},
		{"POST /me/lost-phone/ask", func() answer {
			return signed.post(t, "/me/lost-phone/ask", "cause", "lost", "words", "Left on the bus")
		}, http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/cases", form("/users/"+caller+"/cases", "cause", "lost"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/notes", form("/cases/case-noted/notes"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/take", form("/cases/case-taken/take"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/hand-over", form("/cases/case-handed/hand-over", "to", "admin@alder.example"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/devices", form("/cases/case-linked/devices", "device", "lost-phone"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/wait", form("/cases/case-waits/wait"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/resume", form("/cases/case-resumed/resume"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/close", form("/cases/case-closed/close"), http.StatusSeeOther},
		{"POST /admin/:tenant/cases/:case/reopen", form("/cases/case-reopened/reopen"), http.StatusSeeOther},
	}
}

// actsOnChecks prepares what agents do to know who is on the line.
func actsOnChecks(t *testing.T, w *world) []doing {
	t.Helper()
	for _, name := range []string{"caller1@alder.example", "caller2@alder.example"} {
		w.newcomer(t, name)
		w.withPhone(t, name)
	}
	desk := w.browser(t).signIn(t, "desk2@alder.example")
	_, called := w.person(t, "caller1@alder.example")
	_, other := w.person(t, "caller2@alder.example")
	desk.get(t, "/admin/alder/users/"+other).want(t, http.StatusOK)
	taken := desk.post(t, "/admin/alder/users/"+other+"/caller-checks", "via", "phone").want(t, http.StatusSeeOther).location()
	w.newcomer(t, "caller3@alder.example")
	w.withBackup(t, "caller3@alder.example", "+4915112370001", "sms")
	_, reads := w.person(t, "caller3@alder.example")
	typed := desk.post(t, "/admin/alder/users/"+reads+"/caller-checks", "via", "backup_phone").want(t, http.StatusSeeOther).location()
	code := w.codeToCaller(t, "+4915112370001")
	return []doing{
		{"POST /admin/:tenant/caller-checks/:check/verify", func() answer { return desk.post(t, typed+"/verify", "code", code) }, http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/caller-checks", func() answer {
			return desk.post(t, "/admin/alder/users/"+called+"/caller-checks", "via", "phone", "ticket", "CHG-1", "cause", "lost", "reason", "a test")
		}, http.StatusSeeOther},
		{"POST /admin/:tenant/caller-checks/:check/withdraw", func() answer { return desk.post(t, taken+"/withdraw") }, http.StatusSeeOther},
	}
}

// actsOnRoles prepares what administrators do to roles.
func actsOnRoles(t *testing.T, w *world, admin, security *browser) []doing {
	t.Helper()
	const custom = "/admin/alder/roles/custom"
	_, given := w.person(t, "user13@alder.example")
	_, taken := w.person(t, "user14@alder.example")
	w.promote(t, "user14@alder.example", access.RoleHelpdesk)
	tenantID, _ := w.person(t, "user14@alder.example")
	for _, id := range []string{"changed", "retired"} {
		w.act(t, "INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,?,?,'user.lock','',?,?)",
			tenantID, access.CustomPrefix+id, id, w.DB.Now(), w.DB.Now())
	}
	security.get(t, "/admin/alder")
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, append(pairs, "reason", "a test", "ticket", "CHG-1")...) }
	}
	return []doing{
		{"POST /admin/:tenant/users/:user/role", form(admin, "/admin/alder/users/"+given+"/role", "role", "helpdesk"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/role/take", form(admin, "/admin/alder/users/"+taken+"/role/take"), http.StatusSeeOther},
		{"POST /admin/:tenant/roles/custom", form(security, custom, "name", "Lock keepers", "permissions", "user.lock"), http.StatusSeeOther},
		{"POST /admin/:tenant/roles/custom/:role/change", form(security, custom+"/changed/change", "name", "Other name", "permissions", "user.lock", "version", "1"), http.StatusSeeOther},
		{"POST /admin/:tenant/roles/custom/:role/retire", form(security, custom+"/retired/retire", "version", "1"), http.StatusSeeOther},
	}
}

// actsOnPeople prepares what a tenant administrator does to people, and what
// these do then.
func actsOnPeople(t *testing.T, w *world, admin, security *browser) []doing {
	t.Helper()
	at := func(name string) string {
		_, id := w.person(t, name+"@alder.example")
		return "/admin/alder/users/" + id
	}
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, append(pairs, "reason", "a test", "ticket", "CHG-1")...) }
	}
	invite := func(name string) func() answer {
		return form(admin, "/admin/alder/users", "name", name+"@alder.example", "display_name", "Somebody new")
	}
	w.lock(t, "user11@alder.example")
	w.disable(t, "user22@alder.example")
	ph, _ := w.withPhone(t, "user12@alder.example")
	link := invitationMark.FindString(invite("invited1")().want(t, http.StatusOK).body)
	invite("invited2")().want(t, http.StatusOK)
	newcomer := w.browser(t)
	newcomer.get(t, link).want(t, http.StatusOK)
	told := w.browser(t).signIn(t, "user13@alder.example")
	tenantID, userID := w.person(t, "user13@alder.example")
	w.act(t, "INSERT INTO notices (tenant_id, id, user_id, action, by_role, reason, at) VALUES (?,'notice-1',?,'sessions.ended','helpdesk','a test',?)", tenantID, userID, w.DB.Now())
	admin.get(t, "/admin/alder")
	told.get(t, "/me")
	_, passing := w.person(t, "user7@alder.example")
	_, withdrawn := w.person(t, "user8@alder.example")
	w.act(t, "UPDATE tenants SET no_sign_in = 0 WHERE id = ?", tenantID)
	for id, userID := range map[string]string{"passcode-1": passing, "passcode-2": withdrawn} {
		w.act(t, "INSERT INTO static_passcodes (tenant_id, id, user_id, state, hours, reason, requested_by, approved_by, approved_at, expires_at) VALUES (?,?,?,'approved',1,'','','',?,?)",
			tenantID, id, userID, w.DB.Now(), w.DB.Now().Add(time.Hour))
	}
	helping := w.browser(t).signIn(t, deskOf)
	bypassed := w.at(t, "user23")
	revocable, _ := helping.bypassFor(t, w, deskOf, "user25@alder.example")
	helping.bypassFor(t, w, deskOf, "user24@alder.example")
	mine := w.browser(t).signIn(t, "user24@alder.example")
	mine.get(t, "/me")
	helping.bypassFor(t, w, deskOf, "user39@alder.example")
	disowned, disowns := w.disowning(t, "user39@alder.example"), w.browser(t)
	disowns.get(t, disowned)
	ready, _ := helping.bypassFor(t, w, deskOf, "user19@alder.example")
	w.act(t, "UPDATE bypasses SET state = 'ready', code_digest = '' WHERE user_id = (SELECT id FROM users WHERE name = 'user19@alder.example')")
	pictured, picture := at("user12"), portrait(t)
	const vouched, voucher = "vouched@alder.example", "voucher@alder.example"
	w.newcomer(t, vouched)
	w.newcomer(t, voucher)
	w.withPhone(t, voucher)
	_, manager := w.person(t, voucher)
	w.act(t, "UPDATE users SET manager_id = ? WHERE name = ?", manager, vouched)
	_, code := helping.bypassFor(t, w, deskOf, vouched)
	letIn := w.browser(t).byBypass(t, vouched, code)
	w.carry(t)
	vouching := letIn
	lead := w.browser(t).signIn(t, "lead@alder.example")
	calls := map[string]string{}
	for i, name := range []string{"calledback@alder.example", "notcalled@alder.example", "asksacall@alder.example"} {
		w.newcomer(t, name)
		w.withBackup(t, name, fmt.Sprintf("+491511237010%d", i), "sms")
		_, code := helping.bypassFor(t, w, deskOf, name)
		waits := w.browser(t).byBypass(t, name, code)
		if letIn = waits; i < 2 {
			page := waits.post(t, "/step-up/call-back").want(t, http.StatusSeeOther).location()
			calls[name] = "/admin/alder/call-backs/" + path.Base(page)
			calls[name+" number"] = number(waits.get(t, page).want(t, http.StatusOK))
		}
	}
	var called string
	w.one(t, &called, "SELECT id FROM backup_phones WHERE number = '+4915112370100'")
	return []doing{
		{"POST /step-up/call-back", form(letIn, "/step-up/call-back"), http.StatusSeeOther},
		{"POST /admin/:tenant/call-backs/:call", form(lead, calls["calledback@alder.example"], "phone", called, "number", calls["calledback@alder.example number"]), http.StatusSeeOther},
		{"POST /admin/:tenant/call-backs/:call/not-them", form(lead, calls["notcalled@alder.example"]+"/not-them"), http.StatusSeeOther},
		{"POST /step-up/manager", form(vouching, "/step-up/manager"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/bypasses", form(helping, bypassed+"/bypasses", "kind", "pass_code", "delivery", "read_out", "minutes", "60", "uses", "1", "starts_at", "", "network", "", "application", "", "backup_phone", "", "replaces", "", "reason_code", "", "reason", "a test", "ticket", "CHG-1", "caller_check", w.checked(t, deskOf, "user23@alder.example")), http.StatusSeeOther},
		{"POST /admin/:tenant/bypasses/:bypass/make", form(helping, ready+"/make"), http.StatusSeeOther},
		{"POST /admin/:tenant/bypasses/:bypass/revoke", form(helping, revocable+"/revoke", "reason", "a test"), http.StatusSeeOther},
		{"POST /me/bypass/revoke", form(mine, "/me/bypass/revoke"), http.StatusSeeOther},
		{"POST /not-me/:link", form(disowns, disowned), http.StatusSeeOther},
		{"POST /admin/:tenant/passcodes/:passcode/show", form(security, "/admin/alder/passcodes/passcode-1/show"), http.StatusOK},
		{"POST /admin/:tenant/users/:user/passcodes", form(admin, at("user12")+"/passcodes", "hours", "1"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/passcodes/withdraw", form(admin, at("user8")+"/passcodes/withdraw"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/lock", form(admin, at("user10")+"/lock"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/unlock", form(admin, at("user11")+"/unlock"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/disable", form(admin, at("user20")+"/disable"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/enable", form(admin, at("user22")+"/enable"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/devices/:device/revoke", form(admin, at("user12")+"/devices/"+ph.account+"/revoke"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/end-sessions", form(admin, at("user12")+"/end-sessions"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/backup-phone/ask", form(admin, at("user12")+"/backup-phone/ask"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/manager", form(admin, at("user12")+"/manager", "manager", "user13@alder.example"), http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/photo", func() answer {
			return admin.upload(t, pictured+"/photo", "photo", "portrait.png", picture, "reason", "a test", "ticket", "CHG-1")
		}, http.StatusSeeOther},
		{"POST /admin/:tenant/users/:user/mfa", form(admin, at("user12")+"/mfa", "mfa_state", "enabled"), http.StatusSeeOther},
		{"POST /admin/:tenant/users", invite("invited3"), http.StatusOK},
		{"POST /admin/:tenant/users/:user/password-link", form(admin, at("user12")+"/password-link"), http.StatusOK},
		{"POST /admin/:tenant/users/:user/invitation", form(admin, at("invited2")+"/invitation"), http.StatusOK},
		{"POST /invite/:token", form(newcomer, link, "password", passwordOfAll, "password_again", passwordOfAll), http.StatusSeeOther},
		{"POST /me/notices/:notice/seen", form(told, "/me/notices/notice-1/seen"), http.StatusSeeOther},
	}
}

// invitationMark is the address of an invitation, without the host.
var invitationMark = regexp.MustCompile(`/invite/[A-Za-z0-9._-]+`)
