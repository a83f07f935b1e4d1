package signin

import (
	"context"
	"slices"

	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Outlook says how somebody gets in on the day when something of theirs is gone. It is
// reckoned by the function that judges sign-ins, of what is bound and on now.
type Outlook struct {
	Phones int // that sign them in

	mfa    string
	bound  user.Ways
	usable user.Ways // of those, what works on any day
	off    method.Off
}

// OutlookOf reads the outlook of a user.
func (s *Service) OutlookOf(ctx context.Context, tenantID, userID string) (Outlook, error) {
	o, err := outlook(s.DB.View(ctx), tenantID, userID)
	return o, store.Unusable(err)
}

var outlookOf = method.Reading(`u.mfa_state, u.ways,
	(SELECT count(*) FROM devices d WHERE d.tenant_id = u.tenant_id AND d.user_id = u.id AND d.state = 'active' AND d.phone_sign_in) AS phones`,
	"users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?")

func outlook(tx *store.Tx, tenantID, userID string) (Outlook, error) {
	var row struct {
		MFAState string
		Ways     user.Ways
		Phones   int
		method.Off
	}
	_, err := tx.One(&row, outlookOf, tenantID, userID)
	if err != nil {
		return Outlook{}, err
	}
	carried, err := Carried(tx, tenantID)
	if err != nil {
		return Outlook{}, err
	}
	return OutlookWith(row.MFAState, row.Ways, row.Ways&carried&^user.WithStaticPasscode, row.Phones, row.Off), nil
}

// OutlookWith is the outlook of who has these ways bound, of which those work on any day.
func OutlookWith(mfa string, bound, usable user.Ways, phones int, off method.Off) Outlook {
	return Outlook{Phones: phones, mfa: mfa, bound: bound, usable: usable, off: off}
}

// PhoneGone is what is gone with a phone: it signs in by itself, shows the codes of its
// app, and with the last one both end. Another one of theirs stays.
func (o Outlook) PhoneGone() user.Ways {
	if o.Phones > 1 {
		return user.WithTOTP
	}
	return user.WithPhone | user.WithTOTP
}

// Without lists how somebody still gets in whose lost ways are gone: each entry is the
// ways of one sign-in, one or two, the strongest first. What is lost still counts as bound:
// on that day nobody has removed it yet.
func (o Outlook) Without(lost user.Ways) (all []user.Ways) {
	for proved := range signIns(o.mfa, o.bound, o.usable&^lost, o.off) {
		if !slices.Contains(all, proved) {
			all = append(all, proved)
		}
	}
	return all
}

// PhoneFree counts the ways that work when the phone is gone: what helps beside a
// password once for each, a password that is enough once, and another phone once.
func (o Outlook) PhoneFree() (n int) {
	var helping user.Ways
	for _, proved := range o.Without(o.PhoneGone()) {
		if proved == user.WithPassword {
			n++
		}
		helping |= proved &^ user.WithPassword
	}
	for _, w := range ways {
		if helping.Has(w.bound) {
			n++
		}
	}
	return n
}

// KeepsAWay fails with fault.Conflict, in the act that ends a phone (device.Check), when its
// user signs in by it and by nothing else. Of two that are ended at once one is kept. A lost
// phone ends all the same: for that it is not asked.
func KeepsAWay(tx *store.Tx, tenantID, userID, accountID string) error {
	if err := user.Alone(tx, tenantID, userID); err != nil {
		return err
	}
	var signs bool
	if _, err := tx.One(&signs, "SELECT EXISTS (SELECT 1 FROM devices WHERE tenant_id = ? AND user_id = ? AND account_id = ? AND state = 'active' AND phone_sign_in)", tenantID, userID, accountID); err != nil || !signs {
		return err
	}
	o, err := outlook(tx, tenantID, userID)
	if err != nil || o.Phones > 1 || !Reaches(o.mfa, o.bound, o.usable, o.off) {
		return err
	}
	if left := ^user.WithPhone; !Reaches(o.mfa, o.bound&left, o.usable&left, o.off) {
		return fault.New(fault.Conflict, "device.last_way")
	}
	return nil
}
