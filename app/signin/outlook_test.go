package signin

import (
	"slices"
	"testing"

	"latchkey/app/method"
	"latchkey/app/user"
)

func TestWhatIsLeftWhenSomethingIsGone(t *testing.T) {
	const password, phone, app, passkey, printed, sms = user.WithPassword, user.WithPhone, user.WithTOTP, user.WithPasskey, user.WithPrintedCode, user.WithSMS
	for _, row := range []struct {
		what      string
		mfa       string
		has       user.Ways
		off       method.Off
		phones    int
		lost      user.Ways // 0: the phone
		left      []user.Ways
		phoneFree int
	}{
		{"nothing but a password", user.MFAEnabled, password, method.Off{}, 0, 0, []user.Ways{password}, 1},
		{"a phone and a password that is not enough", user.MFAEnforced, password | phone, method.Off{}, 1, 0, nil, 0},
		{"a phone and a password that is enough", user.MFADisabled, password | phone, method.Off{}, 1, 0, []user.Ways{password}, 1},
		{"the codes of an app are gone with the phone that shows them", user.MFAEnforced, password | phone | app, method.Off{}, 1, 0, nil, 0},
		{"another phone", user.MFAEnforced, password | phone, method.Off{}, 2, 0, []user.Ways{phone}, 1},
		{"a sheet", user.MFAEnforced, password | phone | printed, method.Off{}, 1, 0, []user.Ways{password | printed}, 1},
		{"a sheet without a password", user.MFAEnforced, phone | printed, method.Off{}, 1, 0, nil, 0},
		{"a passkey and a sheet", user.MFAEnforced, password | phone | passkey | printed, method.Off{}, 1, 0, []user.Ways{passkey, password | printed}, 2},
		{"all of it", user.MFAEnforced, password | phone | passkey | printed | sms, method.Off{}, 2, 0, []user.Ways{passkey, phone, password | printed, password | sms}, 4},
		{"a password that may not come first", user.MFAEnforced, password | phone | printed, method.Off{NoSignIn: password}, 1, 0, []user.Ways{password | printed}, 1},
		{"a sheet that may neither come first nor second", user.MFAEnforced, password | phone | printed, method.Off{NoSignIn: printed, NoSecond: printed}, 1, 0, nil, 0},
		{"the password of who has a phone", user.MFAEnforced, password | phone | printed, method.Off{}, 1, password, []user.Ways{phone}, 1},
	} {
		t.Run(row.what, func(t *testing.T) {
			o := OutlookWith(row.mfa, row.has, row.has, row.phones, row.off)
			lost := row.lost
			if lost == 0 {
				lost = o.PhoneGone()
			}
			if got := o.Without(lost); !slices.Equal(got, row.left) {
				t.Errorf("left is %v, want %v", got, row.left)
			}
			if got := o.PhoneFree(); got != row.phoneFree {
				t.Errorf("%d ways work without the phone, want %d", got, row.phoneFree)
			}
		})
	}
}

// What is left is what comes of trying each way, and each one after each other one,
// whatever somebody has, has lost and may use.
func TestTheOutlookAgreesWithTheSignIn(t *testing.T) {
	all := user.WithPassword | user.WithPhone | user.WithTOTP | user.WithPasskey | user.WithPrintedCode | user.WithSMS
	tries := func(mfa string, has, usable user.Ways, off method.Off) bool {
		for first := user.Ways(1); first <= all; first <<= 1 {
			for second := user.Ways(1); second <= all; second <<= 1 {
				begins, goesOn := (usable &^ off.NoSignIn).Has(first), (usable&^off.NoSecond).Has(second) && second != first
				if begins && (user.Enough(mfa, has&^off.NoSecond, first) || goesOn && user.Enough(mfa, has&^off.NoSecond, first|second)) {
					return true
				}
			}
		}
		return false
	}
	for _, mfa := range []string{user.MFADisabled, user.MFAEnabled, user.MFAEnforced} {
		for has := range all + 1 {
			for lost := range all + 1 {
				if lost&^has != 0 {
					continue
				}
				for _, off := range []method.Off{{}, {NoSignIn: user.WithPassword}, {NoSecond: user.WithPrintedCode}, {NoSignIn: user.WithPrintedCode | user.WithTOTP, NoSecond: user.WithPassword}} {
					o, want := OutlookWith(mfa, has, has, 1, off), tries(mfa, has, has&^lost, off)
					if left, reaches := o.Without(lost), Reaches(mfa, has, has&^lost, off); len(left) > 0 != want || reaches != want {
						t.Fatalf("%s, has %b, lost %b, off %+v: gets in by %b, Reaches is %t, and trying comes to %t", mfa, has, lost, off, left, reaches, want)
					}
				}
			}
		}
	}
}
