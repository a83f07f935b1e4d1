package campaign_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/campaign"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// open opens the campaign in alder.
func open(h *House, r feature.Rule) {
	h.Act(func(tx *store.Tx) error { return feature.Store(tx, h.Alder.ID, feature.RegistrationCampaign, r, 1) })
}

// in signs somebody in by what they proved, and gives the session as a page finds it.
func in(h *House, u user.User, amr string) session.Session {
	h.T.Helper()
	var cookie secret.Token
	h.Act(func(tx *store.Tx) error {
		entered, err := session.Enter(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: amr, BrowserDigest: secret.Digest(secret.System.ID())})
		cookie = entered.Cookie
		return err
	})
	return again(h, cookie)
}

func again(h *House, cookie secret.Token) session.Session {
	h.T.Helper()
	s, err := session.Find(h.T.Context(), h.DB, cookie)
	if err != nil {
		h.T.Fatal(err)
	}
	return s
}

// asked says whether somebody is asked at a sign-in now, and so would be by a page.
func asked(h *House, u user.User, amr string) bool {
	h.T.Helper()
	s := in(h, u, amr)
	still, err := campaign.Still(h.T.Context(), h.DB, u.TenantID, u.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	return s.AsksPhone && still
}

func by(s session.Session) campaign.By {
	return campaign.By{TenantID: s.TenantID, UserID: s.UserID, SessionID: s.ID}
}

func TestWhoIsAsked(t *testing.T) {
	Each(t, func(h *House) {
		in1, out, phone, other := h.User(h.Alder, "in"), h.User(h.Alder, "out"), h.User(h.Alder, "phone"), h.User(h.Birch, "other")
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','Ward',?)", h.Alder.ID, h.Clock.Now())
		for _, u := range []user.User{in1, phone} {
			h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", h.Alder.ID, u.ID, u.Name)
		}
		h.PhoneOf(phone)
		h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0") // static passcodes are off otherwise
		if asked(h, in1, session.ByPassword) {
			h.T.Error("somebody is asked where nobody opened it")
		}
		open(h, feature.Rule{Stage: feature.Pilot, Include: []string{"ward"}})
		for claim, row := range map[string]struct {
			u    user.User
			amr  string
			want bool
		}{
			"a member of the group":                   {in1, session.ByPassword, true},
			"who is in no group of it":                {out, session.ByPassword, false},
			"who has phone sign-in":                   {phone, session.ByPassword, false},
			"somebody of another organisation":        {other, session.ByPassword, false},
			"who came with a static passcode":         {in1, session.ByPasscode, false},
			"who can prove nothing that adding takes": {in1, session.BySMS, true}, // has a password to prove
		} {
			if got := asked(h, row.u, row.amr); got != row.want {
				h.T.Errorf("%s: asked %t, want %t", claim, got, row.want)
			}
		}
		h.Set("UPDATE users SET password_hash = '' WHERE id = ?", in1.ID)
		if asked(h, in1, session.BySMS) {
			h.T.Error("somebody is asked who has nothing to prove themselves by")
		}
		h.Set("UPDATE users SET password_hash = 'x' WHERE id = ?", in1.ID)
		h.Set("UPDATE tenants SET no_sign_in = no_sign_in | 2, no_second = no_second | 2, no_recovery = no_recovery | 2 WHERE id = ?", h.Alder.ID)
		if asked(h, in1, session.ByPassword) {
			h.T.Error("somebody is asked for a phone where phones are off")
		}
		h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0 WHERE id = ?", h.Alder.ID)
		_, a := h.PhoneOf(in1)
		if err := h.Devices.Lose(h.T.Context(), in1.TenantID, in1.ID, a.AccountID, audit.Origin{}); err != nil {
			h.T.Fatal(err)
		}
		if asked(h, in1, session.ByPassword) {
			h.T.Error("somebody is asked whose lost phone still counts")
		}
		h.Clock.Forward(session.LostWait)
		if !asked(h, in1, session.ByPassword) {
			h.T.Error("nobody is asked when the day after the loss is over")
		}
		if campaign.LostWait != session.LostWait {
			h.T.Errorf("a loss counts for %s here and for %s in a session", campaign.LostWait, session.LostWait)
		}
	})
}

func TestItIsPutOffAFewTimesAndThenRequired(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		open(h, feature.Rule{Stage: feature.Everyone})
		u := h.User(h.Alder, "user1")
		for skip := 1; skip <= 3; skip++ {
			s, elsewhere := in(h, u, session.ByPassword), in(h, u, session.ByPassword)
			if !s.AsksPhone || !elsewhere.AsksPhone {
				t.Fatalf("before skip %d nobody asks", skip)
			}
			if got := Tally(AtOnce(4, func(i int) error {
				from := []session.Session{s, elsewhere}[i%2]
				return campaign.Skip(ctx, h.DB, by(from), audit.Origin{})
			})); got["done"] != 4 {
				t.Errorf("skip %d four times at once: %v", skip, got)
			}
			if n := h.Count("SELECT skips FROM campaign_people WHERE user_id = ?", u.ID); n != skip {
				t.Fatalf("%d skips are counted, want %d", n, skip)
			}
			if h.Count("SELECT count(*) FROM sessions WHERE user_id = ? AND asks_phone", u.ID) != 0 {
				t.Error("some browser asks on")
			}
			h.Clock.Forward(3*24*time.Hour - time.Second)
			if asked(h, u, session.ByPassword) {
				t.Error("it asks a second too soon")
			}
			h.Clock.Forward(time.Second)
		}
		if got := h.Events(audit.CampaignSkipped); got != 3 {
			t.Errorf("%d events of skips, want 3", got)
		}
		s := in(h, u, session.ByPassword)
		WantCode(t, "a fourth skip", campaign.Skip(ctx, h.DB, by(s), audit.Origin{}), "campaign.no_skips")
		if at, err := campaign.Of(ctx, h.DB, u.TenantID, u.ID); err != nil || at.SkipsLeft != 0 {
			t.Errorf("Of = %+v, %v", at, err)
		}
		if h.Count("SELECT count(*) FROM sessions WHERE id = ? AND asks_phone", s.ID) != 1 {
			t.Error("the refused skip let them through")
		}
		foreign := h.User(h.Alder, "user2")
		stranger := by(in(h, foreign, session.ByPassword))
		stranger.UserID = u.ID
		WantCode(t, "a skip in a session of somebody else", campaign.Skip(ctx, h.DB, stranger, audit.Origin{}), "signin.refused")
		h.Set("UPDATE sessions SET ended_at = ? WHERE id = ?", h.Clock.Now(), s.ID)
		WantCode(t, "a skip in a session that ended", campaign.Skip(ctx, h.DB, by(s), audit.Origin{}), "signin.refused")
	})
}

func TestHelpAndMoreTime(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		open(h, feature.Rule{Stage: feature.Everyone})
		h.Set("UPDATE tenants SET campaign_skips = 0 WHERE id = ?", h.Alder.ID)
		u, idle := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		s := in(h, u, session.ByPassword)
		idleID, _ := h.Session(idle)
		WantCode(t, "help for who is not asked", campaign.AskHelp(ctx, h.DB, campaign.By{TenantID: idle.TenantID, UserID: idle.ID, SessionID: idleID}, audit.Origin{}), "campaign.not_asked")
		if got := Tally(AtOnce(4, func(int) error { return campaign.AskHelp(ctx, h.DB, by(s), audit.Origin{}) })); got["done"] != 4 || h.Events(audit.CampaignHelpAsked) != 1 {
			t.Errorf("help asked for four times at once: %v with %d events", got, h.Events(audit.CampaignHelpAsked))
		}
		need, err := campaign.PeopleInNeed(ctx, h.DB, h.Alder.ID)
		if err != nil || len(need) != 1 || need[0].UserID != u.ID {
			t.Errorf("PeopleInNeed = %v, %v", need, err)
		}
		f, err := campaign.FunnelOf(ctx, h.DB, h.Alder.ID, "")
		if err != nil || f != (campaign.Funnel{Asked: 1, Required: 1, InNeed: 1}) {
			t.Errorf("the funnel is %+v, %v", f, err)
		}
		give := func(u user.User, days int) error {
			return h.DB.Act(ctx, func(tx *store.Tx) error { _, err := campaign.Postpone(tx, u.TenantID, u.ID, days); return err })
		}
		WantCode(t, "time for who is not asked", give(idle, 7), "campaign.not_asked")
		if err := give(u, 7); err != nil {
			t.Fatal(err)
		}
		if still, err := campaign.Still(ctx, h.DB, u.TenantID, u.ID); err != nil || still {
			t.Errorf("with more time it still asks: %t, %v", still, err)
		}
		if err := give(u, 1); !errors.Is(err, fault.Conflict) {
			t.Errorf("less time than they have = %v", err)
		}
		h.Clock.Forward(7 * 24 * time.Hour)
		if !asked(h, u, session.ByPassword) {
			t.Error("when the time is over nobody asks")
		}
	})
}

func TestToRegisterEndsIt(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		open(h, feature.Rule{Stage: feature.Everyone})
		u := h.User(h.Alder, "user1")
		var cookie secret.Token
		h.Act(func(tx *store.Tx) error {
			entered, err := session.Enter(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPassword})
			cookie = entered.Cookie
			return err
		})
		p := h.NewPhone()
		a := p.Enrol(u)
		if s := again(h, cookie); !s.AsksPhone {
			t.Error("a phone that does not sign in ends it")
		}
		if f, err := campaign.FunnelOf(ctx, h.DB, h.Alder.ID, ""); err != nil || f != (campaign.Funnel{Asked: 1, Started: 1}) {
			t.Errorf("the funnel is %+v, %v", f, err)
		}
		if err := h.Devices.EnablePhoneSignIn(ctx, a, false, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if s := again(h, cookie); s.AsksPhone {
			t.Error("with phone sign-in on the session still asks")
		}
		if f, err := campaign.FunnelOf(ctx, h.DB, h.Alder.ID, ""); err != nil || f != (campaign.Funnel{Asked: 1, Started: 1, Registered: 1}) {
			t.Errorf("the funnel is %+v, %v", f, err)
		}
		// Whoever has no phone any more begins anew.
		if err := h.Devices.DisablePhoneSignIn(ctx, a, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if !asked(h, u, session.ByPassword) {
			t.Error("without a phone again nobody asks")
		}
		if f, err := campaign.FunnelOf(ctx, h.DB, h.Alder.ID, ""); err != nil || f != (campaign.Funnel{Asked: 1}) {
			t.Errorf("the funnel is %+v, %v", f, err)
		}
		open(h, feature.Rule{Stage: feature.Off})
		if still, err := campaign.Still(ctx, h.DB, u.TenantID, u.ID); err != nil || still {
			t.Errorf("turned off it still asks: %t, %v", still, err)
		}
	})
}
