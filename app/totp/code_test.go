package totp_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/app/secret"
	"latchkey/app/totp"
)

// code gives what an authenticator app shows at a time, some steps away.
func code(t testing.TB, seed secret.Token, at time.Time, steps int64) string {
	t.Helper()
	text, err := secret.OneTimeCode(seed, at.Unix()/30+steps)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhichCodesMatch(t *testing.T) {
	// Of seeds made anew, two of the codes here would be the same now and then.
	seed, another := secret.TokenOf("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), secret.TokenOf("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	noon := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	now := totp.Step(noon)
	for _, row := range []struct {
		claim string
		typed string
		last  int64
		want  int64 // the step; 0 for none
	}{
		{"the code of now", code(t, seed, noon, 0), 0, now},
		{"that of an app half a minute behind", code(t, seed, noon, -1), 0, now - 1},
		{"that of an app half a minute ahead", code(t, seed, noon, 1), 0, now + 1},
		{"one step more of drift is too much", code(t, seed, noon, -2), 0, 0},
		{"to either side", code(t, seed, noon, 2), 0, 0},
		{"with the gap that apps show", code(t, seed, noon, 0)[:3] + " " + code(t, seed, noon, 0)[3:], 0, now},
		{"with spaces around it", "\t" + code(t, seed, noon, 0) + " ", 0, now},
		{"a code that was taken", code(t, seed, noon, 0), now, 0},
		{"one before the code that was taken", code(t, seed, noon, -1), now, 0},
		{"the next one", code(t, seed, noon, 1), now, now + 1},
		{"one before the code of a clock that was ahead", code(t, seed, noon, 0), now + 1, 0},
		{"nothing", "", 0, 0},
		{"five digits of six", code(t, seed, noon, 0)[:5], 0, 0},
		{"seven digits", code(t, seed, noon, 0) + "0", 0, 0},
		{"other letters for the digits", strings.Map(func(r rune) rune { return r + '٠' - '0' }, code(t, seed, noon, 0)), 0, 0},
		{"the code of another seed", code(t, another, noon, 0), 0, 0},
	} {
		step, ok, err := totp.Match(seed, row.typed, row.last, noon)
		if err != nil || step != row.want || ok != (row.want != 0) {
			t.Errorf("%s: Match = %d, %t, %v; want %d", row.claim, step, ok, err, row.want)
		}
	}
}

func TestTheLinkSaysWhoseItIs(t *testing.T) {
	seed := secret.System.Seed()
	link, err := url.Parse(totp.Link(seed, "Alder: Health & Care +1", "user+1@alder.example"))
	if err != nil {
		t.Fatal(err)
	}
	if link.Scheme != "otpauth" || link.Host != "totp" || link.Path != "/Alder  Health & Care +1:user+1@alder.example" {
		t.Errorf("the link is %s, with the path %q", link.Redacted(), link.Path)
	}
	values := link.Query()
	for name, want := range map[string]string{
		"secret": seed.Reveal(), "issuer": "Alder  Health & Care +1", "algorithm": "SHA1", "digits": "6", "period": "30",
	} {
		if got := values.Get(name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	if strings.Contains(link.RawQuery, "+") {
		t.Error("a space stands as +, which apps show")
	}
}

func FuzzMatch(f *testing.F) {
	seed, noon := secret.System.Seed(), time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for _, typed := range []string{"", "000000", "123 456", "１２３４５６", "\x00", "-00001"} {
		f.Add(typed, int64(0))
	}
	f.Fuzz(func(t *testing.T, typed string, last int64) {
		step, ok, err := totp.Match(seed, typed, last, noon)
		if err != nil {
			t.Fatal(err)
		}
		if ok && (step <= last || strings.Join(strings.Fields(typed), "") != code(t, seed, time.Unix(step*30, 0), 0)) {
			t.Errorf("Match(%q, %d) = %d", typed, last, step)
		}
	})
}
