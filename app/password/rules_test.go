package password_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/app/password"
	"latchkey/app/user"
)

func TestRulesOfPasswords(t *testing.T) {
	names := []string{"rowan.hazel@alder.example", "Rowan Hazel", "Alder Health", "alder"}
	for _, row := range []struct {
		claim, typed string
		least        int
		want         string // code; empty: taken
	}{
		{"fourteen are too few when it is all", "fourteen signs", user.PasswordLeastAlone, "user.password_short"},
		{"fifteen are enough", "fifteen signs!!", user.PasswordLeastAlone, ""},
		{"seven are too few beside a second factor", "kvorpel", user.PasswordLeast, "user.password_short_second"},
		{"eight are enough there", "kvorpelx", user.PasswordLeast, ""},
		{"no kinds of characters are asked for", "all small letters and blanks", user.PasswordLeastAlone, ""},
		{"sixty-four are taken", strings.Repeat("ab cd xy zw qr ", 4) + "last", user.PasswordLeastAlone, ""},
		{"sixty-five are not", strings.Repeat("ab cd xy zw qr ", 4) + "last!", user.PasswordLeastAlone, "user.password_long"},
		{"characters are counted, not bytes", strings.Repeat("ключ от двери 🔑 ", 4), user.PasswordLeastAlone, ""},
		{"composed before they are counted", strings.Repeat("e\u0301a\u0300", 10) + "odd pair of shoes", user.PasswordLeastAlone, ""},
		{"seven composed out of fourteen are seven", "xe\u0301a\u0300o\u0302u\u0308n\u0303i\u0301", user.PasswordLeast, "user.password_short_second"},
		{"a wide letter counts as one and a ligature as its letters", "ﬃﬃkvorp", user.PasswordLeast, ""},

		{"of the list", "password1", user.PasswordLeast, "user.password_common"},
		{"in large letters", "PassWord1", user.PasswordLeast, "user.password_common"},
		{"in wide letters", "ｐａｓｓｗｏｒｄ１", user.PasswordLeast, "user.password_common"},
		{"with signs for letters", "p@$$w0rd", user.PasswordLeast, "user.password_common"},
		{"with a year around it", "Sunshine2026!", user.PasswordLeast, "user.password_common"},
		{"one that is long", "1qaz2wsx3edc4rfv", user.PasswordLeastAlone, "user.password_common"},
		{"a piece that repeats", "kvorkvorkvorkvor", user.PasswordLeastAlone, "user.password_common"},
		{"a common piece that repeats", "dragondragondragon", user.PasswordLeastAlone, "user.password_common"},
		{"one letter", strings.Repeat("x", 20), user.PasswordLeastAlone, "user.password_common"},
		{"the alphabet", "abcdefghijklmno", user.PasswordLeastAlone, "user.password_common"},
		{"and back", "onmlkjihgfedcba", user.PasswordLeastAlone, "user.password_common"},
		{"digits in a row", "123456789012345678", user.PasswordLeastAlone, "user.password_common"},
		{"rows of keys", "asdfghjklzxcvbnm", user.PasswordLeastAlone, "user.password_common"},
		{"common words in a phrase are no matter", "dragon sunshine monkey", user.PasswordLeastAlone, ""},
		{"a phrase that repeats itself with a change", "tea for two and two for tea", user.PasswordLeastAlone, ""},

		{"the organisation", "Alder-Health-2026", user.PasswordLeastAlone, "user.password_names"},
		{"the person", "rowan.hazel.1990", user.PasswordLeastAlone, "user.password_names"},
		{"the program", "Latchkey Latchkey!!", user.PasswordLeastAlone, "user.password_names"},
		{"a name in a phrase that is long enough", "rowan keeps seven green frogs", user.PasswordLeastAlone, ""},
	} {
		wrong := password.Check(row.typed, row.typed, row.least, names...)
		if wrong["password"] != row.want || len(wrong) > 1 || row.want == "" && len(wrong) > 0 {
			t.Errorf("%s: %q gives %v, want %q", row.claim, row.typed, wrong, row.want)
		}
	}
	if wrong := password.Check("nineteen characters", "nineteen characters", 20); fmt.Sprint(wrong) != "map[password:user.password_short_here]" {
		t.Errorf("where twenty are asked, nineteen give %v", wrong)
	}
	if wrong := password.Check("three words and one", "three words and two", user.PasswordLeastAlone); fmt.Sprint(wrong) != "map[password_again:user.password_other]" {
		t.Errorf("two that differ give %v", wrong)
	}
	if wrong := password.Check("cafe\u0301 au lait, cold", "caf\u00e9 au lait, cold", user.PasswordLeastAlone); len(wrong) > 0 {
		t.Errorf("the same in two compositions gives %v", wrong)
	}
}

func TestHowLongAPasswordMustBe(t *testing.T) {
	for _, row := range []struct {
		mfa   string
		bound user.Ways
		want  int
	}{
		{user.MFADisabled, user.WithPassword, 15},
		{user.MFADisabled, user.WithPassword | user.WithPhone | user.WithTOTP, 15},
		{user.MFAEnabled, user.WithPassword, 15},
		{user.MFAEnabled, user.WithPassword | user.WithTOTP, 8},
		{user.MFAEnforced, 0, 8},
		{user.MFAEnforced, user.WithPhone, 8},
	} {
		if got := password.LeastFor(row.mfa, row.bound, 15); got != row.want {
			t.Errorf("LeastFor(%s, %b) = %d, want %d", row.mfa, row.bound, got, row.want)
		}
	}
}

func TestAPasswordIsAllThatIsAskedFromTheLengthThatTheOrganisationWants(t *testing.T) {
	for _, row := range []struct {
		typed string
		least int
		want  bool
	}{
		{"fifteen letters", 15, true}, {"fourteen chars", 15, false}, {"fifteen letters", 16, false}, {strings.Repeat("ö", 30), 30, true}, {strings.Repeat("ö", 29), 30, false},
	} {
		if got := password.Alone(row.typed, row.least); got != row.want {
			t.Errorf("%q where %d are wanted: %t", row.typed, row.least, got)
		}
	}
}

// TestTheListIsFit: it is looked up by its order.
func TestTheListIsFit(t *testing.T) {
	list := password.List()
	if len(list) < 40_000 || !slices.IsSorted(list) {
		t.Fatalf("%d common passwords, in order: %t", len(list), slices.IsSorted(list))
	}
	for i, p := range list {
		if p != strings.ToLower(p) || len(p) < 4 || i > 0 && list[i-1] == p {
			t.Errorf("line %d is %q", i+1, p)
		}
	}
}
