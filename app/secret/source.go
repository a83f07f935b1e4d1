// Package secret is the only one that touches cryptographic primitives and
// randomness: tokens, digests, passwords, PINs, keys.
//
// Bearer values have 256 bits and are stored as SHA-256 digests; nothing slower
// is needed where nothing can be guessed. What people choose (passwords) is
// hashed with argon2id behind a gate. A PIN is checked by a keyed digest: its
// tries are counted and few, and the key is not in the database.
package secret

import (
	"crypto/rand"
	"encoding/base32"
	"io"
	"strconv"
	"strings"
)

// Source makes random values. It stops the program when there is no randomness.
type Source struct{ Reader io.Reader }

// System reads the operating system's randomness.
var System = Source{Reader: rand.Reader}

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func (s Source) read(b []byte) {
	if _, err := io.ReadFull(s.Reader, b); err != nil {
		panic("secret: no randomness: " + err.Error())
	}
}

// ID returns 26 letters and digits (130 bits), an identifier that cannot be guessed.
func (s Source) ID() string {
	var b [17]byte
	s.read(b[:])
	return base32Lower.EncodeToString(b[:])[:26]
}

// ShortID returns 10 letters and digits, for rows that are few, such as tenants.
func (s Source) ShortID() string { return s.ID()[:10] }

// Token returns a bearer value of 256 bits.
func (s Source) Token() Token {
	var b [32]byte
	s.read(b[:])
	return Token{text: encode(b[:])}
}

// Below returns a number from 0 to n-1, each equally likely. n is at most 65536.
func (s Source) Below(n int) int {
	limit := 65536 - 65536%n
	for {
		var b [2]byte
		s.read(b[:])
		if v := int(b[0])<<8 | int(b[1]); v < limit {
			return v % n
		}
	}
}

// MatchNumber returns two digits, "10" to "99", each equally likely.
func (s Source) MatchNumber() string { return strconv.Itoa(10 + s.Below(90)) }

// SixDigits returns "000000" to "999999", each equally likely.
func (s Source) SixDigits() string {
	digits := make([]byte, 6)
	for i := range digits {
		digits[i] = byte('0' + s.Below(10))
	}
	return string(digits)
}

// ThreeNumbers returns right and two other match numbers, shuffled.
func (s Source) ThreeNumbers(right string) [3]string {
	numbers := [3]string{right}
	for i := 1; i < 3; {
		n := s.MatchNumber()
		if n == numbers[0] || (i == 2 && n == numbers[1]) {
			continue
		}
		numbers[i] = n
		i++
	}
	for i := 2; i > 0; i-- {
		j := s.Below(i + 1)
		numbers[i], numbers[j] = numbers[j], numbers[i]
	}
	return numbers
}

// codeLetters are those of printed codes, 5 bits each: of those that look alike one
// is missing (Crockford's base 32).
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// PrintedCode returns 16 letters and digits in fours (80 bits), to be typed by hand.
func (s Source) PrintedCode() Token { return Token{text: s.inFours(16)} }

// Serial returns 8 letters and digits (40 bits): the number of a sheet, no secret.
func (s Source) Serial() string { return strings.ReplaceAll(s.inFours(8), "-", "") }

func (s Source) inFours(letters int) string {
	random, text := make([]byte, letters), make([]byte, 0, letters+letters/4)
	s.read(random)
	for i, b := range random {
		if i > 0 && i%4 == 0 {
			text = append(text, '-')
		}
		text = append(text, codeLetters[b%32]) // 256 is a multiple of 32: each is equally likely
	}
	return string(text)
}

// CodeHalf returns 8 letters and digits in fours (39 bits): the half of a code that is
// read out.
func (s Source) CodeHalf() Token { return Token{text: s.handed(8, 4)} }

// Digits returns digits in fives, to be sent or spoken: ten have 33 bits, twenty 66.
func (s Source) Digits(n int) Token {
	var b []byte
	for i := range n {
		if i > 0 && i%5 == 0 {
			b = append(b, '-')
		}
		b = append(b, byte('0'+s.Below(10)))
	}
	return Token{text: string(b)}
}

// passcodeLetters are those that nobody takes for another one, also when they are
// read out.
const passcodeLetters = "ABCDEFGHJKMNPQRSTVWXYZ23456789"

// Passcode returns 20 letters and digits in fives (98 bits), to be typed by hand.
func (s Source) Passcode() Token { return Token{text: s.handed(20, 5)} }

// BypassCode returns 16 letters and digits in fours (78 bits), to be read out and typed.
func (s Source) BypassCode() Token { return Token{text: s.handed(16, 4)} }

// BreakGlassCode returns 28 letters and digits in fours (137 bits), to be typed from paper.
func (s Source) BreakGlassCode() Token { return Token{text: s.handed(28, 4)} }

func (s Source) handed(letters, group int) string {
	var b []byte
	for i := range letters {
		if i > 0 && i%group == 0 {
			b = append(b, '-')
		}
		b = append(b, passcodeLetters[s.Below(len(passcodeLetters))])
	}
	return string(b)
}
