package secret_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"latchkey/app/secret"
)

// from makes a source that has these bytes and no more.
func from(b ...byte) (secret.Source, *bytes.Reader) {
	r := bytes.NewReader(b)
	return secret.Source{Reader: r}, r
}

// dice is a source that is the same at each run.
func dice() secret.Source { return secret.Source{Reader: rand.NewChaCha8([32]byte{1})} }

// TestEachNumberIsEquallyLikely feeds every value that two bytes have, and sees
// that those at the end which would favour some numbers are dropped.
func TestEachNumberIsEquallyLikely(t *testing.T) {
	for _, n := range []int{1, 2, 3, 6, 10, 90, 256, 1000, 65535, 65536} {
		counts := make([]int, n)
		dropped := 0
		for v := range 65536 {
			s, rest := from(byte(v>>8), byte(v), 0, 0)
			got := s.Below(n)
			switch rest.Len() {
			case 2:
				counts[got]++
			case 0:
				dropped++
				if got != 0 {
					t.Fatalf("Below(%d) = %d after a value was dropped, want that of the next", n, got)
				}
			default:
				t.Fatalf("Below(%d) left %d bytes", n, rest.Len())
			}
		}
		if least, most := slices.Min(counts), slices.Max(counts); least != most || least != 65536/n || dropped != 65536%n {
			t.Errorf("of all values Below(%d) gives each number %d to %d times and drops %d, want %d and %d", n, least, most, dropped, 65536/n, 65536%n)
		}
	}
}

func TestMatchNumbers(t *testing.T) {
	for _, row := range []struct {
		claim string
		bytes []byte
		want  string
	}{
		{"the first", []byte{0, 0}, "10"},
		{"the ninetieth", []byte{0, 89}, "99"},
		{"the first again", []byte{0, 90}, "10"},
		{"the last that is even", []byte{0xff, 0xef}, "99"},
		{"an uneven one is dropped", []byte{0xff, 0xf0, 0, 1}, "11"},
		{"and so are several", []byte{0xff, 0xff, 0xff, 0xf8, 0, 2}, "12"},
	} {
		s, rest := from(row.bytes...)
		if got := s.MatchNumber(); got != row.want || rest.Len() != 0 {
			t.Errorf("%s: MatchNumber = %s with %d bytes left, want %s", row.claim, got, rest.Len(), row.want)
		}
	}
	s, _ := from(make([]byte, 12)...)
	if got := s.SixDigits(); got != "000000" {
		t.Errorf("SixDigits of zeroes = %q, want leading zeroes too", got)
	}
	s, _ = from(0, 9, 0, 8, 0, 7, 0xff, 0xff, 0, 6, 0, 5, 0, 4)
	if got := s.SixDigits(); got != "987654" {
		t.Errorf("SixDigits = %q, want 987654", got)
	}
}

// TestThreeNumbersGiveNothingAway: three different ones, the right one among
// them, in any place and beside any other alike.
func TestThreeNumbersGiveNothingAway(t *testing.T) {
	s := dice()
	const rounds = 9000
	places := [3]int{}
	others := map[string]int{}
	for range rounds {
		three := s.ThreeNumbers("42")
		if three[0] == three[1] || three[1] == three[2] || three[0] == three[2] {
			t.Fatalf("ThreeNumbers = %v, want three different ones", three)
		}
		for i, n := range three {
			if v, err := strconv.Atoi(n); err != nil || v < 10 || v > 99 {
				t.Fatalf("ThreeNumbers = %v, want two digits each", three)
			}
			if n == "42" {
				places[i]++
			} else {
				others[n]++
			}
		}
	}
	// Six standard deviations; the dice are the same at each run.
	if least, most := slices.Min(places[:]), slices.Max(places[:]); least+most == 0 || least < 2732 || most > 3268 || places[0]+places[1]+places[2] != rounds {
		t.Errorf("of %d the right number stood %v times in each place", rounds, places)
	}
	if len(others) != 89 {
		t.Errorf("%d numbers stood beside it, want 89", len(others))
	}
	for n, times := range others {
		if times < 118 || times > 287 {
			t.Errorf("%s stood beside it %d times, want about 202", n, times)
		}
	}
}

func TestTokensAndIdentifiers(t *testing.T) {
	token, id := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`), regexp.MustCompile(`^[a-z2-7]{26}$`)
	seen := map[string]bool{}
	for range 1000 {
		for _, made := range []struct {
			text string
			form *regexp.Regexp
		}{{secret.System.Token().Reveal(), token}, {secret.System.ID(), id}, {secret.System.ShortID() + "aaaaaaaaaaaaaaaa", id}} {
			if !made.form.MatchString(made.text) || seen[made.text] {
				t.Fatalf("%q is of another form or came before", made.text)
			}
			seen[made.text] = true
		}
	}
	all := make([]byte, 32)
	for i := range all {
		all[i] = byte(i)
	}
	s, rest := from(all...)
	if got := s.Token().Reveal(); got != "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" || rest.Len() != 0 {
		t.Errorf("Token of 32 bytes = %q with %d left: it does not hold all of them", got, rest.Len())
	}
}

func TestWithoutRandomnessTheProgramStops(t *testing.T) {
	for claim, reader := range map[string]io.Reader{
		"none":       iotest.ErrReader(errors.New("no randomness")),
		"too little": bytes.NewReader([]byte{1}),
	} {
		for what, make := range map[string]func(s secret.Source){
			"ID": func(s secret.Source) { s.ID() }, "Token": func(s secret.Source) { s.Token() }, "MatchNumber": func(s secret.Source) { s.MatchNumber() },
			"SixDigits": func(s secret.Source) { s.SixDigits() }, "ThreeNumbers": func(s secret.Source) { s.ThreeNumbers("42") },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s with %s went on", what, claim)
					}
				}()
				make(secret.Source{Reader: reader})
			}()
		}
	}
	slow := secret.Source{Reader: iotest.OneByteReader(rand.NewChaCha8([32]byte{1}))}
	if a, b := slow.Token().Reveal(), dice().Token().Reveal(); a != b {
		t.Errorf("a source that gives one byte at a time gives %s, want %s", a, b)
	}
}

// TestAPrintedCodeHasEightyBits: sixteen letters, each as likely as any other of 32.
func TestAPrintedCodeHasEightyBits(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	seen := map[rune]int{}
	source := secret.Source{Reader: bytes.NewReader(all)}
	for range len(all) / 16 {
		code := strings.ReplaceAll(source.PrintedCode().Reveal(), "-", "")
		if bits := len(code) * 5; bits != 80 {
			t.Errorf("a code is %s", code)
		}
		for _, letter := range code {
			seen[letter]++
		}
	}
	for letter, times := range seen {
		if times != 8 || strings.ContainsRune("ILOU", letter) {
			t.Errorf("of 256 bytes %d are %c", times, letter)
		}
	}
	if len(seen) != 32 {
		t.Errorf("there are %d letters", len(seen))
	}
}

// TestCodesThatAreHandedOver have sixty bits and more, and none of their letters is taken
// for another one; in two halves both together do.
func TestCodesThatAreHandedOver(t *testing.T) {
	source := dice()
	perLetter := math.Log2(30) // letters of a code that is read out
	bare := func(token secret.Token) string { return strings.ReplaceAll(token.Reveal(), "-", "") }
	whole, half, digits := bare(source.BypassCode()), bare(source.CodeHalf()), bare(source.Digits(10))
	for claim, bits := range map[string]float64{
		"read out": perLetter * float64(len(whole)), "in halves": perLetter*float64(len(half)) + math.Log2(10)*float64(len(digits)), "sent": math.Log2(10) * float64(len(bare(source.Digits(20)))),
	} {
		if bits < 60 {
			t.Errorf("a code that is %s has %.0f bits", claim, bits)
		}
	}
	if strings.ContainsAny(whole+half, "01IOL") {
		t.Errorf("the codes are %s and %s", whole, half)
	}
	if strings.Trim(digits, "0123456789") != "" || len(digits) != 10 {
		t.Errorf("the digits are %s", digits)
	}
}
