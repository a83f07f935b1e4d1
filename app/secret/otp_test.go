package secret

import "testing"

// The secret of RFC 4226 appendix D and RFC 6238 appendix B.
var rfcSeed = TokenOf(base32Upper.EncodeToString([]byte("12345678901234567890")))

func TestOneTimeCodesOfTheStandards(t *testing.T) {
	for counter, want := range map[int64]string{
		0: "755224", 1: "287082", 2: "359152", 3: "969429", 4: "338314", 5: "254676", 6: "287922", 7: "162583", 8: "399871", 9: "520489",
		// RFC 6238, SHA-1: the last six of its eight digits.
		1111111109 / 30: "081804", 1111111111 / 30: "050471", 1234567890 / 30: "005924", 2000000000 / 30: "279037", 20000000000 / 30: "353130",
	} {
		if got, err := OneTimeCode(rfcSeed, counter); err != nil || got != want {
			t.Errorf("OneTimeCode(%d) = %q, %v; want %q", counter, got, err, want)
		}
	}
}

func TestWhatIsNoSeedHasNoCodes(t *testing.T) {
	for _, text := range []string{"", "A", "not base32!", "GEZDGNBVGY3TQ", "gezdgnbvgy3tqojqgezdgnbvgy3tqojq", "01890189018901890189018901890189"} {
		if code, err := OneTimeCode(TokenOf(text), 1); err == nil {
			t.Errorf("OneTimeCode(%q) = %q", text, code)
		}
	}
	if code, err := OneTimeCode(rfcSeed, -1); err == nil {
		t.Errorf("a counter below zero has the code %q", code)
	}
}

func TestASeedHas160BitsAndDoesNotPrint(t *testing.T) {
	seed := System.Seed()
	raw, err := base32Upper.DecodeString(seed.Reveal())
	if err != nil || len(raw) != 20 {
		t.Errorf("a seed of %d bytes, %v", len(raw), err)
	}
	if seed.String() != "[redacted]" {
		t.Error("a seed prints")
	}
}
