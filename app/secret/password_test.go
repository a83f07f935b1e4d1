package secret_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"latchkey/app/secret"
)

// passwords is one gate for all; making it hashes once.
var passwords = sync.OnceValue(secret.NewPasswords)

func TestAPasswordIsHashedAsTheTableOfLimitsSays(t *testing.T) {
	p := passwords()
	phc, err := p.Hash(t.Context(), "a long password for tests")
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Hash(t.Context(), "a long password for tests")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`) // 19 MiB, t=2, p=1
	if !form.MatchString(phc) || phc == again {
		t.Errorf("Hash = %q and %q, want argon2id with salts of their own", phc, again)
	}
	for typed, want := range map[string]bool{
		"a long password for tests": true, "a long password for test": false, "A long password for tests": false, "": false, "a long password for tests\x00": false,
	} {
		if got, err := p.Verify(t.Context(), phc, typed); got != want || err != nil {
			t.Errorf("Verify(%q) = %t, %v; want %t", typed, got, err, want)
		}
	}
}

// TestHashesOfOthersAreRead: the example of the reference implementation of
// argon2 (its test.c), with parameters other than ours.
func TestHashesOfOthersAreRead(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for typed, want := range map[string]bool{"password": true, "Password": false} {
		if got, err := passwords().Verify(t.Context(), phc, typed); got != want || err != nil {
			t.Errorf("Verify(%q) = %t, %v; want %t", typed, got, err, want)
		}
	}
}

// TestNobodysPasswordIsNone: no hash is checked like one, and nothing fits it.
func TestNobodysPasswordIsNone(t *testing.T) {
	for _, typed := range []string{"", "a long password for tests"} {
		if got, err := passwords().Verify(t.Context(), "", typed); got || err != nil {
			t.Errorf("Verify(no hash, %q) = %t, %v", typed, got, err)
		}
	}
}

// TestABrokenHashOpensNothing: and is an error of ours, not a wrong password.
func TestABrokenHashOpensNothing(t *testing.T) {
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	with := func(parameters, salt, key string) string {
		return "$argon2id$v=19$" + parameters + "$" + salt + "$" + key
	}
	for claim, phc := range map[string]string{
		"no form":                  "password",
		"dollars":                  "$$$$$",
		"another algorithm":        "$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"bcrypt":                   "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"another version":          "$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key,
		"no version":               "$argon2id$m=19456,t=2,p=1$" + salt + "$" + key,
		"no parameters":            with("", salt, key),
		"parameters out of order":  with("t=2,m=19456,p=1", salt, key),
		"no memory":                with("m=0,t=2,p=1", salt, key),
		"all memory":               with("m=4294967295,t=2,p=1", salt, key),
		"more memory than numbers": with("m=99999999999,t=2,p=1", salt, key),
		"no pass":                  with("m=19456,t=0,p=1", salt, key),
		"passes without end":       with("m=19456,t=4294967295,p=1", salt, key),
		"no thread":                with("m=19456,t=2,p=0", salt, key),
		"a thread too many":        with("m=19456,t=2,p=256", salt, key),
		"no salt":                  with("m=19456,t=2,p=1", "", key),
		"a salt that is no base64": with("m=19456,t=2,p=1", "so$me", key),
		"a short salt":             with("m=19456,t=2,p=1", "c29t", key),
		"no key":                   with("m=19456,t=2,p=1", salt, ""),
		"a key of one byte":        with("m=19456,t=2,p=1", salt, "CQ"),
		"a key that is no base64":  with("m=19456,t=2,p=1", salt, "!"+key[1:]),
		"a key that goes on":       with("m=19456,t=2,p=1", salt, key+"$"),
		"an endless key":           with("m=19456,t=2,p=1", salt, strings.Repeat("A", 4096)),
	} {
		for _, typed := range []string{"", "password"} {
			if got, err := passwords().Verify(t.Context(), phc, typed); got || err == nil {
				t.Errorf("%s: Verify(%q) = %t, %v; want an error", claim, typed, got, err)
			}
		}
	}
}
