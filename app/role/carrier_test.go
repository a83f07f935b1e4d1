package role_test

import (
	"testing"

	"latchkey/app/audit"
	"latchkey/app/provider"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// carried gives alder somebody who carries a channel.
func (h *house) carried(channels ...provider.Channel) {
	h.T.Helper()
	for _, c := range channels {
		h.Set(`INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,?,'kept','','','','',1,'',?)
			ON CONFLICT DO NOTHING`, h.Alder.ID, c, h.Clock.Now())
	}
}

// byCodes gives somebody backup phones, whose codes alone complete their password.
func (h *house) byCodes(u user.User, channels ...provider.Channel) {
	h.T.Helper()
	for _, c := range channels {
		h.Set(`INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, state, digest, created_at, expires_at, confirmed_at) VALUES (?,?,?,'','+4930901820',?,'active','',?,?,?)`,
			u.TenantID, u.ID+string(c), u.ID, c, h.Clock.Now(), h.Clock.Now(), h.Clock.Now())
	}
	h.Demand(u, user.MFAEnforced)
}

// carriers are the providers as the program has them.
func (h *house) carriers() *provider.Service {
	return &provider.Service{DB: h.DB, Keys: h.Keys, Keeping: h.roles.Keep}
}

func (h *house) uncarry(c provider.Channel) error {
	return h.carriers().Remove(h.T.Context(), h.Alder.ID, h.chief.ID, c, audit.Origin{})
}

// TestTheCarrierOfTheLastTwoStays: codes that nobody carries sign nobody in.
func TestTheCarrierOfTheLastTwoStays(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		const two = "role.two_administrators"
		h.carried(provider.SMS, provider.Voice, provider.Mail)
		h.byCodes(h.second, provider.SMS)
		if err := h.lock(h.admin); err != nil {
			t.Fatalf("the third: %v", err)
		}
		WantCode(t, "removing what carries the codes of the second", h.uncarry(provider.SMS), two)
		if n := h.Count("SELECT count(*) FROM providers WHERE channel = 'sms'"); n != 1 || h.Events(audit.ProviderRemoved) != 0 {
			t.Errorf("%d are left, with %d events", n, h.Events(audit.ProviderRemoved))
		}
		for _, c := range []provider.Channel{provider.Voice, provider.Mail} {
			if err := h.uncarry(c); err != nil {
				t.Errorf("removing %s, by which nobody signs in: %v", c, err)
			}
		}

		// With a third it may go, and then the second is none of those who can.
		h.Set("UPDATE users SET state = 'active' WHERE id = ?", h.admin.ID)
		if err := h.uncarry(provider.SMS); err != nil {
			t.Errorf("with another one: %v", err)
		}
		WantCode(t, "locking the third, beside one whose codes nobody carries", h.lock(h.admin), two)
		if err := h.lock(h.second); err != nil {
			t.Errorf("locking who cannot sign in: %v", err)
		}
	})
}

// TestTwoCarriersAtOnce: either may go, and on two replicas at the same moment no
// more than one does.
func TestTwoCarriersAtOnce(t *testing.T) {
	each(t, func(h *house) {
		t, other := h.T, h.beside()
		h.byCodes(h.second, provider.SMS, provider.Voice)
		if err := h.lock(h.admin); err == nil {
			t.Fatal("beside one whose codes nobody carries yet, the last but one was locked")
		}
		h.carried(provider.SMS, provider.Voice)
		if err := h.lock(h.admin); err != nil {
			t.Fatal(err)
		}
		for round := range 50 {
			h.carried(provider.SMS, provider.Voice)
			tally := Tally(AtOnce(2, func(i int) error {
				if i == 0 {
					return h.uncarry(provider.SMS)
				}
				return other.uncarry(provider.Voice)
			}))
			if left := h.Count("SELECT count(*) FROM providers"); left != 1 || tally["done"] != 1 || tally["role.two_administrators"] != 1 {
				t.Fatalf("round %d: %d are left after %v", round, left, tally)
			}
		}
	})
}
