package journey

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/role"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

const (
	asker    = "security@alder.example"
	approver = "user1@alder.example"
)

// promote gives a user a role, as if it had been long ago.
func (h *house) promote(name string, r access.Role) {
	h.t.Helper()
	who := h.user(name)
	err := h.DB.Act(h.t.Context(), func(tx *store.Tx) error {
		return user.Assign(tx, who.TenantID, who.ID, r, audit.Service, audit.Origin{})
	})
	if err == nil {
		err = h.Rules.Reload(h.t.Context())
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) user(name string) (who struct{ TenantID, ID string }) {
	h.t.Helper()
	if ok, err := h.DB.View(h.t.Context()).One(&who, "SELECT tenant_id, id FROM users WHERE name = ?", name); err != nil || !ok {
		h.t.Fatalf("nobody is called %s: %v", name, err)
	}
	return who
}

// submits is an administrator asking for what a second one must approve.
func (h *house) submits(kind approval.Kind, by, of string, parameters any) {
	h.t.Helper()
	target := h.user(of)
	act := approval.Act{Kind: kind, TenantID: target.TenantID, ActorID: h.user(by).ID, TargetID: target.ID, Reason: "Takes over the night shift from March on"}
	if out, err := h.Approvals.Submit(h.t.Context(), act.With(parameters)); err != nil || !out.Waits() {
		h.t.Fatalf("Submit = %+v, %v", out, err)
	}
}

func (h *house) roleOf(name string) (held string) {
	h.t.Helper()
	if _, err := h.DB.View(h.t.Context()).One(&held, "SELECT role FROM role_assignments WHERE user_id = ?", h.user(name).ID); err != nil {
		h.t.Fatal(err)
	}
	return held
}

const badge = ".side a[href$='/approvals'] .badge"

// Two security administrators: what one asks for the other sees at once, whole,
// and approves on the page.
func TestASecondAdministratorApproves(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			h := open(t, dialect)
			h.promote(approver, access.RoleSecurityAdministrator)
			p := h.pc()
			p.enter(approver)
			p.Open(h.URL + "/admin/alder/approvals")
			p.WaitForText("main", "Nothing waits for you")
			p.WaitGone(badge)
			p.look("approvals-none")

			// It arrives while they look.
			h.submits(role.KindAssign, asker, "desk@alder.example", role.Assignment{Role: access.RoleSecurityAdministrator})
			p.WaitForText(badge, "1")
			p.WaitForText("[data-live-changed]", "This list has changed")
			h.submits(role.KindTake, asker, approver, struct{}{}) // about themselves: not theirs to decide
			h.submits(role.KindAssign, asker, "lead@alder.example", role.Assignment{Role: access.RoleSecurityAdministrator})
			p.WaitForText(badge, "2")
			p.Follow("[data-live-changed] a")
			p.WaitForText("main", "Waiting for others")
			p.look("approvals-waiting")

			p.Follow("main .rows a[href*='/approvals/']")
			p.WaitForText("h1", "Give a role: Helpdesk")
			p.WaitForText(".difference", "Security administrator")
			p.WaitForText("main", "Takes over the night shift")
			p.look("approval-waiting")
			p.Fill("#approve-reason", "Talked it through")
			p.Follow(".beside-acts form[action$='/approve'] button")
			p.WaitForText(".flash", "Approved")
			p.WaitForText("main", "Talked it through")
			p.WaitForText(badge, "1")
			p.look("approval-done")
			if got := h.roleOf("desk@alder.example"); got != string(access.RoleSecurityAdministrator) {
				t.Errorf("they hold %s", got)
			}

			// A refusal says why.
			p.Open(h.URL + "/admin/alder/approvals")
			p.Follow("main .rows a[href*='/approvals/']")
			p.Follow(".beside-acts form[action$='/refuse'] button")
			p.WaitForText("#refuse-reason-error", "Say why")
			p.look("approval-refuse-error")
			p.Fill("#refuse-reason", "Not before the audit")
			p.Follow(".beside-acts form[action$='/refuse'] button")
			p.WaitForText(".flash", "Refused")
			p.WaitGone(badge)

			// What is about them says rule by rule why it is not theirs.
			p.Open(h.URL + "/admin/alder/approvals")
			p.Follow("main .rows a[href*='/approvals/']")
			p.WaitForText(".checks", "It is about you")
			p.look("approval-not-yours")
			p.Open(h.URL + "/admin/alder/approvals")
			p.WaitForText("#main table", "Refused")
			p.look("approvals-decided")
		})
	}
}

// Who asked takes it back; what has changed meanwhile is void; what nobody decides
// expires, and the count falls by itself.
func TestARequestEndsWithoutApproval(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	h.promote(approver, access.RoleSecurityAdministrator)
	owner, p := h.pc(), h.pc()
	owner.enter(asker)
	p.enter(approver)
	give := role.Assignment{Role: access.RoleSecurityAdministrator}

	h.submits(role.KindAssign, asker, "desk@alder.example", give)
	owner.Open(h.URL + "/admin/alder/approvals")
	owner.Follow("main .rows a[href*='/approvals/']")
	owner.WaitForText("main", "Somebody else has to decide")
	owner.look("approval-own")
	owner.Click("#withdraw summary")
	owner.WaitFor("dialog[open] #withdraw-title")
	owner.look("approval-withdraw")
	owner.Follow("dialog[open] button.danger")
	owner.WaitForText(".flash", "Withdrawn")

	h.submits(role.KindAssign, asker, "lead@alder.example", give)
	p.Open(h.URL + "/admin/alder/approvals")
	p.Follow("main .rows a[href*='/approvals/']")
	h.promote("lead@alder.example", access.RoleAuditor)
	p.Follow(".beside-acts form[action$='/approve'] button")
	p.WaitForText(".problems", "the request is void")
	p.look("approval-void")
	if got := h.roleOf("lead@alder.example"); got != string(access.RoleAuditor) {
		t.Errorf("they hold %s", got)
	}

	// A page that was once told no, as while the service starts again, comes back.
	p.Open(h.URL + "/admin/alder/approvals")
	p.WaitGone(badge)
	Eval[bool](p.Tab, `(() => {
		const real = EventSource;
		window.EventSource = function () {
			window.EventSource = real;
			const refused = new EventTarget();
			refused.readyState = real.CLOSED;
			refused.close = () => {};
			setTimeout(() => { refused.dispatchEvent(new Event("error")); document.body.dataset.refused = ""; });
			return refused;
		};
		dispatchEvent(new Event("pagehide"));
		dispatchEvent(new Event("pageshow"));
		return true;
	})()`)
	p.WaitFor("body[data-refused]")
	h.submits(role.KindAssign, asker, "desk@alder.example", give)
	p.WaitForText(badge, "1")
	p.Open(h.URL + "/admin/alder/approvals")
	p.WaitForText(badge, "1")
	h.exec("UPDATE approval_requests SET expires_at = ? WHERE state = 'pending'", h.DB.Now().Add(time.Second))
	p.WaitGone(badge)
	p.WaitForText("[data-live-changed]", "This list has changed")
	p.Follow("[data-live-changed] a")
	p.WaitForText("#main table", "Expired")
	p.Follow("#main table a[href*='/approvals/']")
	p.WaitForText("main", "Nobody decided within four hours")
	p.look("approval-expired")
}

// The approver has the act before them on the phone, and the number on the PC.
func TestASecondAdministratorApprovesOnThePhone(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			h := open(t, dialect)
			h.promote(approver, access.RoleSecurityAdministrator)
			p, phone := h.ready(approver)
			h.submits(role.KindAssign, asker, "desk@alder.example", role.Assignment{Role: access.RoleSecurityAdministrator})
			p.Open(h.URL + "/admin/alder/approvals")
			p.Follow("main .rows a[href*='/approvals/']")
			p.Follow(".beside-acts form[action$='/phone'] button")
			p.WaitForText("h1", "Approve on your phone")
			p.WaitForText("main", "Give a role: Helpdesk")
			number := p.number()
			p.look("approve-number")

			phone.at("request", "[data-kind=approval][data-stage=number]")
			phone.WaitForText("h1", "Do you approve this?")
			phone.WaitForText(".act", "Give a role: Helpdesk (desk@alder.example)")
			phone.WaitForText(".act", "Helpdesk → Security administrator")
			phone.WaitForText(".act", "Takes over the night shift")
			phone.look("approval-number")
			phone.give(number)
			phone.WaitForText("main", "Give a role: Helpdesk")
			phone.look("approval-pin")
			phone.Fill("#pin", pin)
			phone.Click("#pin-submit")
			phone.ended("approved")

			p.WaitForURL("/admin/alder/approvals/")
			p.WaitForText(".head", "Approved")
			p.look("approval-done-by-phone")
			if got := h.roleOf("desk@alder.example"); got != string(access.RoleSecurityAdministrator) {
				t.Errorf("they hold %s", got)
			}

			// A no on the phone leaves the request open.
			h.submits(role.KindAssign, asker, "lead@alder.example", role.Assignment{Role: access.RoleSecurityAdministrator})
			p.Open(h.URL + "/admin/alder/approvals")
			p.Follow("main .rows a[href*='/approvals/']")
			p.Follow(".beside-acts form[action$='/phone'] button")
			p.number()
			phone.at("request", "[data-kind=approval][data-stage=number]")
			phone.act("not-me")
			phone.at("request", "[data-stage=report]")
			phone.look("approval-report")
			phone.act("report")
			phone.at("outcome", "[data-outcome=reported]")
			phone.look("approval-reported")
			p.WaitForText("h1", "Not approved")
			p.look("approve-denied")
			p.Follow(".ways a[href*='/approvals/']")
			p.WaitForText(".head", "Waiting")
			p.Follow(".beside-acts form[action$='/phone'] button")
			p.WaitForText("main", "paused")
			p.look("approve-held")
		})
	}
}
