package codesheet

import (
	"strings"
	"testing"

	"latchkey/app/secret"
)

func TestCodesAreReadAsTheyAreTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"7K3M-Q2XW-9FTR-4HBN": "7K3MQ2XW9FTR4HBN", "7k3m q2xw\t9ftr-4hbn ": "7K3MQ2XW9FTR4HBN", "7K3M\u2011Q2XW\u20139FTR\u00a04HBN": "7K3MQ2XW9FTR4HBN",
		"O0o-IiLl1": "000" + "11111", "": "", "-": "", "Ü": "Ü", strings.Repeat("7", 101): "",
	} {
		if got := Typed(typed); got != want {
			t.Errorf("Typed(%q) = %q, want %q", typed, got, want)
		}
	}
}

// FuzzTyped: what is read of a text is read of it again the same, and a code is read
// as itself however it is written.
func FuzzTyped(f *testing.F) {
	f.Add("7K3M-Q2XW-9FTR-4HBN")
	f.Add("\xff o")
	f.Fuzz(func(t *testing.T, text string) {
		if got := Typed(text); Typed(got) != got {
			t.Errorf("Typed(%q) = %q, and of that %q", text, got, Typed(got))
		}
		code := secret.System.PrintedCode().Reveal()
		if Typed(strings.ToLower(code)) != strings.ReplaceAll(code, "-", "") {
			t.Errorf("the code %s is read as %s", code, Typed(code))
		}
	})
}

func TestSerialNumbersAreParted(t *testing.T) {
	for serial, want := range map[string]string{"7K3MQ2XW": "7K3M-Q2XW", "": "", "7K3": "7K3"} {
		if got := Parted(serial); got != want {
			t.Errorf("Parted(%q) = %q", serial, got)
		}
	}
}
