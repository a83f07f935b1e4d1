package device_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func TestALinkEnrolsOnePhoneOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		link := h.Invite(u)
		if got := h.Text("SELECT token_digest FROM enrolments"); got == link.Token.Reveal() {
			t.Error("the link is stored as it is")
		}
		p := h.NewPhone()
		a, err := h.Devices.Enrol(t.Context(), p.Candidate(link.Token), from)
		if err != nil {
			t.Fatalf("Enrol = %v", err)
		}
		if a.ID != p.ID || a.UserID != u.ID || a.TenantSlug != "alder" || a.TenantName != "Alder Health" || a.PhoneSignIn || a.Registered {
			t.Errorf("Enrol = %+v", a)
		}
		if got := h.Text("SELECT pin_digest FROM devices"); got == "" || got == PIN || got == secret.Digest(PIN) {
			t.Errorf("the PIN is stored as %q", got)
		}
		_, err = h.Devices.Enrol(t.Context(), h.NewPhone().Candidate(link.Token), from)
		WantCode(t, "Enrol with the same link", err, "device.link_refused")
		if got := h.Count("SELECT count(*) FROM devices"); got != 1 {
			t.Errorf("%d phones, want 1", got)
		}
		if enrolled, refused := h.Events(audit.DeviceEnrolled), h.Events(audit.DeviceEnrolRefused); enrolled != 1 || refused != 1 {
			t.Errorf("%d phones enrolled and %d refused in the audit, want 1 and 1", enrolled, refused)
		}
	})
}

// TestALinkUsedByFiveHundredPhonesAtOnceEnrolsOne. The PIN of each is hashed, and those
// that wait too long for that are asked to come again.
func TestALinkUsedByFiveHundredPhonesAtOnceEnrolsOne(t *testing.T) {
	Each(t, func(h *House) {
		link := h.Invite(h.User(h.Alder, "user1"))
		phones := make([]*Phone, 500)
		for i := range phones {
			phones[i] = h.NewPhone()
		}
		got := Tally(AtOnce(len(phones), func(i int) error {
			_, err := h.Devices.Enrol(h.T.Context(), phones[i].Candidate(link.Token), from)
			return err
		}))
		if got["done"] != 1 || got["done"]+got["device.link_refused"]+got["password.busy"] != len(phones) || h.Count("SELECT count(*) FROM devices") != 1 {
			h.T.Errorf("five hundred at once: %v, want one done", got)
		}
		if got := h.Events(audit.DeviceEnrolled); got != 1 {
			h.T.Errorf("%d enrolments in the audit, want 1", got)
		}
	})
}

// TestOfFiveHundredWrongLinksNoneEnrols, nor spoils the one that they guess at.
func TestOfFiveHundredWrongLinksNoneEnrols(t *testing.T) {
	Each(t, func(h *House) {
		link, phone := h.Invite(h.User(h.Alder, "user1")), h.NewPhone()
		got := Tally(AtOnce(500, func(int) error {
			_, err := h.Devices.Enrol(h.T.Context(), phone.Candidate(secret.TokenOf(h.Alder.ID+"."+secret.System.Token().Reveal())), from)
			return err
		}))
		if got["device.link_refused"] != 500 || h.Count("SELECT count(*) FROM devices") != 0 || h.Count("SELECT count(*) FROM enrolments WHERE used_at IS NOT NULL") != 0 {
			h.T.Errorf("five hundred guesses: %v", got)
		}
		if _, err := h.Devices.Enrol(h.T.Context(), phone.Candidate(link.Token), from); err != nil {
			h.T.Errorf("the right link afterwards: %v", err)
		}
	})
}

func TestLinksThatEnrolNobody(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for _, row := range []struct {
			claim  string
			before func(u user.User, link *device.Enrolment)
			code   string
		}{
			{"the last instant is too late", func(_ user.User, _ *device.Enrolment) { h.Clock.Forward(10 * time.Minute) }, "device.link_refused"},
			{"an instant before is in time", func(_ user.User, _ *device.Enrolment) { h.Clock.Forward(10*time.Minute - time.Microsecond) }, ""},
			{"one that nobody made", func(_ user.User, link *device.Enrolment) {
				link.Token = secret.TokenOf(h.Alder.ID + "." + secret.System.Token().Reveal())
			}, "device.link_refused"},
			{"none at all", func(_ user.User, link *device.Enrolment) { link.Token = secret.TokenOf("") }, "device.link_refused"},
			{"carried to another organisation", func(_ user.User, link *device.Enrolment) {
				link.Token = secret.TokenOf(h.Birch.ID + link.Token.Reveal()[len(h.Alder.ID):])
			}, "device.link_refused"},
			{"its user is locked", func(u user.User, _ *device.Enrolment) { h.Lock(u) }, "device.link_refused"},
			{"the session that made it has ended", func(u user.User, _ *device.Enrolment) {
				if err := session.EndOthers(t.Context(), h.DB, u.TenantID, u.ID, "", audit.User(u.ID), from); err != nil {
					t.Fatal(err)
				}
			}, "device.link_refused"},
			{"the organisation is suspended", func(u user.User, _ *device.Enrolment) {
				h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID)
			}, "device.link_refused"},
		} {
			t.Run(row.claim, func(t *testing.T) {
				u := h.User(h.Alder, secret.System.ShortID())
				link := h.Invite(u)
				row.before(u, &link)
				_, err := h.Devices.Enrol(t.Context(), h.NewPhone().Candidate(link.Token), from)
				if row.code != "" {
					WantCode(t, "Enrol", err, row.code)
				} else if err != nil {
					t.Errorf("Enrol = %v", err)
				}
			})
		}
	})
}

func TestWhatAPhoneMayBringToEnrol(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		link := h.Invite(h.User(h.Alder, "user1"))
		h.Set("UPDATE tenants SET platforms = 'ios,android' WHERE id = ?", h.Alder.ID)
		for _, row := range []struct {
			claim  string
			change func(c *device.Candidate)
			field  string
		}{
			{"no name", func(c *device.Candidate) { c.Name = " " }, "name"},
			{"a name too long", func(c *device.Candidate) { c.Name = strings.Repeat("ü", 61) }, "name"},
			{"a name with a line break", func(c *device.Candidate) { c.Name = "my\nphone" }, "name"},
			{"a PIN of five digits", func(c *device.Candidate) { c.PIN = "24681" }, "pin"},
			{"a PIN of seventeen digits", func(c *device.Candidate) { c.PIN = "24681357902468135" }, "pin"},
			{"a PIN with a letter", func(c *device.Candidate) { c.PIN = "24681x" }, "pin"},
			{"a PIN in other digits", func(c *device.Candidate) { c.PIN = "٢٤٦٨١٣" }, "pin"},
			{"one digit six times", func(c *device.Candidate) { c.PIN = "777777" }, "pin"},
			{"a run up", func(c *device.Candidate) { c.PIN = "345678" }, "pin"},
			{"a run down", func(c *device.Candidate) { c.PIN = "987654" }, "pin"},
			{"a platform that nobody knows", func(c *device.Candidate) { c.Platform = "toaster" }, "platform"},
		} {
			c := h.NewPhone().Candidate(link.Token)
			row.change(&c)
			_, err := h.Devices.Enrol(t.Context(), c, from)
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Fields[row.field] == "" {
				t.Errorf("%s: Enrol = %v, want a word on %s", row.claim, err, row.field)
			}
		}
		for _, platform := range []string{"desktop", "terminal"} {
			c := h.NewPhone().Candidate(link.Token)
			c.Platform = platform
			_, err := h.Devices.Enrol(t.Context(), c, from)
			if f := fault.Of(err); f == nil || f.Kind != fault.Forbidden || f.Code != "platform_not_allowed" || f.Detail != "Alder Health" {
				t.Errorf("Enrol of a %s = %v, want platform_not_allowed that names the organisation", platform, err)
			}
		}
		// A form to correct is no refusal; a phone that may not be added is one.
		if all, named := h.Events(audit.DeviceEnrolRefused), h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND outcome = 'failure' AND reason = 'platform_not_allowed' AND thread_id = ?",
			audit.DeviceEnrolRefused, link.ID); all != 2 || named != 2 {
			t.Errorf("%d refusals in the audit, %d of them for the platform; want 2", all, named)
		}
		// Nothing of all that has used the link up.
		longest := h.NewPhone().Candidate(link.Token)
		longest.Name = strings.Repeat("ü", 60)
		if _, err := h.Devices.Enrol(t.Context(), longest, from); err != nil {
			t.Errorf("Enrol afterwards = %v", err)
		}
	})
}

func TestFivePhonesAndNoSixth(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		links := make([]device.Enrolment, device.PhonesMost+3)
		for i := range links {
			links[i] = h.Invite(u)
		}
		got := Tally(AtOnce(len(links), func(i int) error {
			_, err := h.Devices.Enrol(t.Context(), h.NewPhone().Candidate(links[i].Token), from)
			return err
		}))
		if got["done"] != 5 || got["device.too_many"] != 3 {
			t.Errorf("eight links at once: %v, want five done and three too many", got)
		}
		if got := h.Events(audit.DeviceEnrolRefused); got != 3 {
			t.Errorf("%d refusals in the audit, want 3", got)
		}
		if got := h.Count("SELECT count(*) FROM devices WHERE preferred"); got != 1 {
			t.Errorf("%d phones are preferred, want 1", got)
		}
		id, _ := h.Session(u)
		_, err := h.Devices.Invite(t.Context(), u.TenantID, u.ID, id, from)
		WantCode(t, "Invite with five phones", err, "device.too_many")

		account := h.Text("SELECT account_id FROM devices LIMIT 1")
		if err := h.Devices.Revoke(t.Context(), u.TenantID, u.ID, account, from); err != nil {
			t.Fatal(err)
		}
		h.NewPhone().Enrol(u) // there is room again
	})
}

func TestAPhoneHoldsAnAccountOnce(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		p := h.NewPhone()
		a := p.Enrol(u)
		_, err := h.Devices.Enrol(h.T.Context(), p.Candidate(h.Invite(u).Token), from)
		WantCode(h.T, "Enrol of the same phone again", err, "device.enrolled_already")

		p.Enrol(h.User(h.Birch, "user1")) // another organisation's account on the same key
		if got := len(p.Accounts()); got != 2 {
			h.T.Errorf("the phone holds %d accounts, want 2", got)
		}
		if err := h.Devices.Remove(h.T.Context(), []device.Account{a}, from); err != nil {
			h.T.Fatal(err)
		}
		p.Enrol(u) // after it was removed it may come back
	})
}

func TestProgressOfAnEnrolment(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		link := h.Invite(u)
		progress := func() device.Progress {
			p, err := h.Devices.ProgressOf(ctx, u.TenantID, u.ID, link.ID)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if got := progress(); got.State != "waiting" || got.Number != "" {
			t.Errorf("before the phone came: %+v", got)
		}
		p := h.NewPhone()
		a, err := h.Devices.Enrol(ctx, p.Candidate(link.Token), from)
		if err != nil {
			t.Fatal(err)
		}
		if got := progress(); got.State != "enrolled" || got.Name != "A phone" || got.AccountID != a.AccountID {
			t.Errorf("when the phone came: %+v", got)
		}
		id, err := h.Prompts.Test(ctx, a, from)
		if err != nil {
			t.Fatal(err)
		}
		if got := progress(); got.State != "testing" || got.Number != h.Number(id) {
			t.Errorf("while it is tested: %+v", got)
		}
		if _, err := p.Answer(p.Open(), "approve", h.Number(id), PIN); err != nil {
			t.Fatal(err)
		}
		if got := progress(); got.State != "done" {
			t.Errorf("after the test: %+v", got)
		}
		unused := h.Invite(u)
		h.Clock.Forward(device.EnrolmentLife)
		if got, err := h.Devices.ProgressOf(ctx, u.TenantID, u.ID, unused.ID); err != nil || got.State != "expired" {
			t.Errorf("a link that nobody used: %+v, %v", got, err)
		}
	})
}
