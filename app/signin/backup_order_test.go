package signin_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/provider"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func ownerOf(h *House, u user.User) backupphone.Owner {
	session, _ := h.Session(u)
	return backupphone.Owner{TenantID: u.TenantID, UserID: u.ID, UserName: u.Name, SessionID: session}
}

// TestTheOwnerSaysWhichNumberIsAskedFirst, whatever was used last, and what it is called.
func TestTheOwnerSaysWhichNumberIsAskedFirst(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		carried(h, h.Alder.ID)
		u, stranger := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		const other = "+4915112345679"
		numbered(h, u, mobile, provider.SMS)
		numbered(h, u, other, provider.SMS)
		by := ownerOf(h, u)
		order := func() (all []string) {
			phones, err := h.Backups.Of(ctx, u.TenantID, u.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range phones {
				all = append(all, p.ID)
			}
			return all
		}
		before := order()
		if err := h.Backups.First(ctx, by, before[1], audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		h.Set("UPDATE backup_phones SET last_used_at = created_at WHERE id = ?", before[0])
		if now := order(); now[0] != before[1] || now[1] != before[0] {
			t.Errorf("the order is %v, want the second of %v first", now, before)
		}
		if err := h.Backups.Label(ctx, by, before[0], "  Office ", audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if got := h.Text("SELECT label FROM backup_phones WHERE id = ?", before[0]); got != "Office" {
			t.Errorf("it is called %q", got)
		}
		WantCode(t, "a name on two lines", h.Backups.Label(ctx, by, before[0], "a\nb", audit.Origin{}), "form.wrong")
		WantCode(t, "a long name", h.Backups.Label(ctx, by, before[0], strings.Repeat("a", backupphone.LabelLongest+1), audit.Origin{}), "form.wrong")
		theirs := ownerOf(h, stranger)
		for what, err := range map[string]error{
			"put first by somebody else": h.Backups.First(ctx, theirs, before[0], audit.Origin{}),
			"named by somebody else":     h.Backups.Label(ctx, theirs, before[0], "Mine", audit.Origin{}),
		} {
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("%s = %v, want fault.NotFound", what, err)
			}
		}
	})
}

// TestANumberThatChangesIsConfirmedAnew: the old one stays until the new one is, and then
// the new one has its place.
func TestANumberThatChangesIsConfirmedAnew(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		carried(h, h.Alder.ID)
		u, stranger := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		numbered(h, u, mobile, provider.SMS)
		numbered(h, u, office, provider.Voice)
		by := ownerOf(h, u)
		old := h.Text("SELECT id FROM backup_phones WHERE number = ?", mobile)
		if err := h.Backups.First(ctx, by, old, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		active := func(number string) int {
			return h.Count("SELECT count(*) FROM backup_phones WHERE user_id = ? AND number = ? AND state = 'active'", u.ID, number)
		}
		const next = "+4915112345679"
		id, err := h.Backups.Begin(ctx, by, backupphone.Asked{Number: next, Channel: provider.SMS, Instead: old}, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		if active(mobile) != 1 || active(next) != 0 {
			t.Error("the number changed before it was confirmed")
		}
		wrong := "000000"
		if codeTo(h, next) == wrong {
			wrong = "000001"
		}
		WantCode(t, "a wrong code", h.Backups.Confirm(ctx, by, id, wrong, audit.Origin{}), "form.wrong")
		if err := h.Backups.Confirm(ctx, by, id, codeTo(h, next), audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if active(mobile) != 0 || active(next) != 1 {
			t.Errorf("%d of the old number and %d of the new one count", active(mobile), active(next))
		}
		phones, err := h.Backups.Of(ctx, u.TenantID, u.ID)
		if err != nil || len(phones) != 2 || phones[0].ID != id {
			t.Errorf("the new number has not the place of the old one: %+v, %v", phones, err)
		}
		for what, call := range map[string]error{
			"of one that has ended":  errOf(h.Backups.Begin(ctx, by, backupphone.Asked{Number: "+4915112345670", Channel: provider.SMS, Instead: old}, audit.Origin{})),
			"of one of another user": errOf(h.Backups.Begin(ctx, ownerOf(h, stranger), backupphone.Asked{Number: "+4915112345670", Channel: provider.SMS, Instead: id}, audit.Origin{})),
		} {
			if !errors.Is(call, fault.NotFound) {
				t.Errorf("in the place %s = %v, want fault.NotFound", what, call)
			}
		}
	})
}

func errOf[T any](_ T, err error) error { return err }
