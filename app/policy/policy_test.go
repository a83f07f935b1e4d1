package policy

import (
	"testing"

	"latchkey/app/fault"
	"latchkey/app/method"
)

// open is a policy with everything on that may be.
func open() Policy {
	p := Policy{Rules: map[string]Rule{}, PasswordLeast: 15, TriesMost: 10, PasscodeHours: 24}
	for _, w := range method.Ways {
		for _, use := range w.Uses {
			p.Rules[w.Name] = p.Rules[w.Name].With(use)
		}
	}
	return p.tidy()
}

// but is p with the rule of a way changed.
func (p Policy) but(way string, change func(*Rule)) Policy {
	next := p.tidy()
	r := next.Rules[way]
	change(&r)
	next.Rules[way] = r
	return next.tidy()
}

func off(r *Rule)                         { r.SignIn, r.Second, r.Recovery = false, false, false }
func forGroups(ids ...string) func(*Rule) { return func(r *Rule) { r.Groups = ids } }

func TestWhatLoosens(t *testing.T) {
	p := open()
	limited := p.but("totp", forGroups("a", "b"))
	number := func(p Policy, name string, n int) Policy { *p.Number(name) = n; return p }
	strongest := p
	strongest.StrongestFirst = true
	for _, row := range []struct {
		claim    string
		from, to Policy
		want     bool
	}{
		{"nothing", p, p, false},
		{"a way off", p, p.but("sms", off), false},
		{"and on again", p.but("sms", off), p, true},
		{"one use more", p.but("totp", func(r *Rule) { r.Recovery = false }), p, true},
		{"a limit to groups", p, limited, false},
		{"a group less", limited, p.but("totp", forGroups("b")), false},
		{"a group more", limited, p.but("totp", forGroups("a", "b", "c")), true},
		{"other groups", limited, p.but("totp", forGroups("c")), true},
		{"for everybody again", limited, p, true},
		{"for everybody, and off", limited, p.but("totp", off), false},
		{"a longer password", p, number(p, "password_least", 20), false},
		{"a shorter one", number(p, "password_least", 20), p, true},
		{"fewer tries", p, number(p, "tries_most", 5), false},
		{"more tries", number(p, "tries_most", 5), number(p, "tries_most", 6), true},
		{"fewer hours", p, number(p, "passcode_hours", 1), false},
		{"the strongest first", p, strongest, false},
		{"habit first", strongest, p, true},
	} {
		if got := row.to.loosens(row.from); got != row.want {
			t.Errorf("%s loosens: %t, want %t", row.claim, got, row.want)
		}
	}
}

func TestWhatAPolicyCannotSay(t *testing.T) {
	p := open()
	names := map[string]string{"a": "Field"}
	alone := p.but("password", off).but("totp", off).but("passkey", off).but("printed_code", off)
	for _, row := range []struct {
		claim string
		p     Policy
		field string
	}{
		{"everything on", p, ""},
		{"the phone alone", alone, "sign_in"},
		{"the phone and a way that needs one too", alone.but("sms", func(r *Rule) { r.SignIn = true }), "sign_in"},
		{"a way for some, and the phone for all", p.but("totp", off).but("passkey", off).but("printed_code", off).but("password", forGroups("a")), "sign_in"},
		{"no password", p.but("password", off), ""},
		{"a group of nobody", p.but("totp", forGroups("b")), "groups_totp"},
		{"beyond the limits", func() Policy { q := p; q.TriesMost = 11; return q }(), "tries_most"},
		{"below them", func() Policy { q := p; q.PasswordLeast = 14; return q }(), "password_least"},
		{"no number", func() Policy { q := p; q.PasscodeHours = 0; return q }(), "passcode_hours"},
	} {
		err := row.p.wrong(names)
		switch f := fault.Of(err); {
		case row.field == "" && err != nil:
			t.Errorf("%s: %v", row.claim, err)
		case row.field != "" && (f == nil || f.Fields[row.field] == ""):
			t.Errorf("%s: %v, want %s", row.claim, err, row.field)
		}
	}
	if p.but("static_passcode", func(r *Rule) { r.Second, r.Recovery = true, true }).Rules["static_passcode"].Second {
		t.Error("a way has a use that it cannot have")
	}
}
