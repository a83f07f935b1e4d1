package signin_test

import (
	"testing"

	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// removal takes one thing of somebody away, as they do it themselves.
type removal func() error

func phoneGoes(h *House, u user.User, a device.Account) removal {
	return func() error {
		return h.Devices.Revoke(h.T.Context(), u.TenantID, u.ID, a.AccountID, audit.Origin{}, signin.KeepsAWay)
	}
}

func passkeyGoes(h *House, u user.User, id string) removal {
	by := h.OwnerOf(u)
	return func() error { return h.Passkeys.Remove(h.T.Context(), by, id, audit.Origin{}) }
}

func appGoes(h *House, u user.User) removal {
	session, _ := h.Session(u)
	return func() error {
		return h.TOTPs.Remove(h.T.Context(), totp.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}, audit.Origin{})
	}
}

func sheetGoes(h *House, u user.User) removal {
	session, _ := h.Session(u)
	return func() error {
		return h.Sheets.Remove(h.T.Context(), codesheet.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}, audit.Origin{})
	}
}

func numberGoes(h *House, u user.User, id string) removal {
	by := ownerOf(h, u)
	return func() error { return h.Backups.Remove(h.T.Context(), by, id, audit.Origin{}) }
}

// TestTheLastWayStays: whatever somebody has two of, or two kinds of, that lets them in
// where a password alone does not, they remove one and not the other, also both at once.
func TestTheLastWayStays(t *testing.T) {
	phone := func(h *House, u user.User) removal { _, a := h.PhoneOf(u); return phoneGoes(h, u, a) }
	passkey := func(h *House, u user.User) removal { id, _ := h.PasskeyOf(u); return passkeyGoes(h, u, id) }
	app := func(h *House, u user.User) removal { h.AppOf(u); return appGoes(h, u) }
	number := func(last string) func(*House, user.User) removal {
		return func(h *House, u user.User) removal {
			return numberGoes(h, u, h.BackupPhoneOf(u, "+4915112345"+last+u.Name[4:5], "sms")) // of user1 and of user2
		}
	}
	for _, row := range []struct {
		what    string
		give    [2]func(h *House, u user.User) removal
		refused []string // codes of which one is that of the second removal
	}{
		{"two phones", [2]func(*House, user.User) removal{phone, phone}, []string{"device.last_way"}},
		{"two passkeys", [2]func(*House, user.User) removal{passkey, passkey}, []string{"passkey.last_factor"}},
		{"a phone and a passkey", [2]func(*House, user.User) removal{phone, passkey}, []string{"device.last_way", "passkey.last_factor"}},
		{"an app and a passkey", [2]func(*House, user.User) removal{app, passkey}, []string{"totp.last_factor", "passkey.last_factor"}},
		{"an app and a phone", [2]func(*House, user.User) removal{app, phone}, []string{"totp.last_factor", "device.last_way"}},
		{"two numbers", [2]func(*House, user.User) removal{number("67"), number("68")}, []string{"backupphone.last_factor"}},
	} {
		t.Run(row.what, func(t *testing.T) {
			Each(t, func(h *House) {
				t := h.T
				carried(h, h.Alder.ID)
				for _, atOnce := range []bool{false, true} {
					u := h.User(h.Alder, map[bool]string{false: "user1", true: "user2"}[atOnce])
					removals := []removal{row.give[0](h, u), row.give[1](h, u)}
					h.Demand(u, user.MFAEnforced)
					var errs []error
					if atOnce {
						errs = AtOnce(2, func(i int) error { return removals[i]() })
					} else {
						errs = []error{removals[0](), removals[1]()}
					}
					got := Tally(errs)
					refused := 0
					for _, code := range row.refused {
						refused += got[code]
					}
					if got["done"] != 1 || refused != 1 {
						t.Errorf("at once %t: %v, want one done and one refused by %v", atOnce, got, row.refused)
					}
					able := false
					h.Act(func(tx *store.Tx) error {
						all, err := signin.Able(tx, h.Keys, u.TenantID, []string{u.ID})
						able = all[u.ID]
						return err
					})
					if !able {
						t.Errorf("at once %t: nothing lets them in any more", atOnce)
					}
				}
			})
		})
	}
}

// TestTheSecondOfTwoThatEndWaitsForTheFirst: what ends in an act that is not over yet counts
// for another one neither as there nor as gone; that waits until it is known.
func TestTheSecondOfTwoThatEndWaitsForTheFirst(t *testing.T) {
	On(t, store.Postgres, func(h *House) {
		carried(h, h.Alder.ID)
		for i, row := range []struct {
			give    func(u user.User) (first string, second removal)
			ends    string
			refused string
		}{
			{func(u user.User) (string, removal) {
				first, _ := h.PasskeyOf(u)
				second, _ := h.PasskeyOf(u)
				return first, passkeyGoes(h, u, second)
			}, "UPDATE passkeys SET state = 'ended', public_key = '', ended_at = ? WHERE tenant_id = ? AND id = ?", "passkey.last_factor"},
			{func(u user.User) (string, removal) {
				first := h.BackupPhoneOf(u, "+4915112345671", "sms")
				return first, numberGoes(h, u, h.BackupPhoneOf(u, "+4915112345672", "sms"))
			}, "UPDATE backup_phones SET state = 'removed', ended_at = ? WHERE tenant_id = ? AND id = ?", "backupphone.last_factor"},
		} {
			u := h.User(h.Alder, []string{"user1", "user2"}[i])
			first, second := row.give(u)
			h.Demand(u, user.MFAEnforced)
			ended := make(chan error, 1)
			h.Act(func(tx *store.Tx) error {
				if err := tx.Exec(row.ends, tx.Now, u.TenantID, first).Error; err != nil {
					return err
				}
				go func() { ended <- second() }()
				for waits := 0; waits == 0; {
					select {
					case err := <-ended:
						ended <- err
						return nil
					default:
					}
					if _, err := h.DB.View(h.T.Context()).One(&waits, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"); err != nil {
						return err
					}
				}
				return nil
			})
			WantCode(h.T, "the second of two that end at once", <-ended, row.refused)
		}
	})
}

// TestASheetIsNotTheLastWay: it runs out, so what makes a password enough on every day has
// to be there beside it, or no second factor be asked.
func TestASheetIsNotTheLastWay(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		h.AppOf(u)
		h.SheetOf(u)
		h.Demand(u, user.MFAEnforced)
		WantCode(h.T, "the app beside a sheet", appGoes(h, u)(), "totp.last_factor")
		if err := sheetGoes(h, u)(); err != nil {
			h.T.Errorf("the sheet beside an app: %v", err)
		}
	})
}

// TestALostPhoneEndsAllTheSame, though it was the last way: whoever found it must not have it.
func TestALostPhoneEndsAllTheSame(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		_, a := h.PhoneOf(u)
		h.Demand(u, user.MFAEnforced)
		WantCode(h.T, "the last way", phoneGoes(h, u, a)(), "device.last_way")
		if err := h.Devices.Lose(h.T.Context(), u.TenantID, u.ID, a.AccountID, audit.Origin{}); err != nil {
			h.T.Errorf("a lost one: %v", err)
		}
	})
}
