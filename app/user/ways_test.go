package user_test

import (
	"testing"

	"latchkey/app/user"
)

func TestWhatIsEnoughToSignIn(t *testing.T) {
	const (
		none         = user.Ways(0)
		pwd          = user.WithPassword
		phone        = user.WithPhone
		totp         = user.WithTOTP
		passkey      = user.WithPasskey
		key          = user.WithKey
		printed      = user.WithPrintedCode
		everything   = pwd | phone | totp | passkey
		off, on, all = user.MFADisabled, user.MFAEnabled, user.MFAEnforced
	)
	for _, row := range []struct {
		claim         string
		mfa           string
		bound, proved user.Ways
		enough        bool
	}{
		{"nothing is not", off, everything, none, false},
		{"nothing is not, where nothing is bound", on, none, none, false},
		{"the password is, while no second factor is asked for", off, everything, pwd, true},
		{"a code is, too", off, everything, totp, true},
		{"the phone always is", all, everything, phone, true},
		{"the phone is for who has nothing else", all, phone, phone, true},
		{"the password is not, when a second factor is enforced", all, everything, pwd, false},
		{"a code is not, then", all, everything, totp, false},
		{"the password and a code are", all, everything, pwd | totp, true},
		{"the password and the phone are", all, everything, pwd | phone, true},
		{"the password is, while a second factor is enabled and not there", on, pwd, pwd, true},
		{"the password is not, when it is enabled and there", on, pwd | totp, pwd, false},
		{"the password is not, when it is enforced and not there", all, pwd, pwd, false},
		{"the password and a printed code are", all, everything | printed, pwd | printed, true},
		{"a printed code is not, when it is enforced", all, pwd | printed, printed, false},
		{"a printed code is, while no second factor is asked for", off, pwd | printed, printed, true},
		{"a printed code and an app are not: both are had", all, everything | printed, totp | printed, false},
		{"the password is, while a sheet is all that is there: it runs out", on, pwd | printed, pwd, true},
		{"a passkey that looked always is", all, everything, passkey, true},
		{"one that did not look is, while no second factor is asked for", off, everything, key, true},
		{"one that did not look is not, when it is enforced", all, everything, key, false},
		{"one that did not look and the password are", all, everything, key | pwd, true},
		{"one that did not look and a code are not: both are had", all, everything, key | totp, false},
		{"the password is not, when a passkey is there", on, pwd | passkey, pwd, false},
		{"a state that nobody knows is strict", "", pwd, pwd, false},
	} {
		if got := user.Enough(row.mfa, row.bound, row.proved); got != row.enough {
			t.Errorf("%s: Enough(%s, %b, %b) = %t", row.claim, row.mfa, row.bound, row.proved, got)
		}
	}
}
