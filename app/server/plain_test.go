package server_test

import (
	"strings"
	"testing"
)

// plainBody is a body without what differs from one answer to the next and tells
// nothing: numbers, ids, times and tokens. It is asked for tens of thousands of bodies.
func plainBody(a answer) string {
	body := a.body
	for _, p := range passing {
		body = p.drop(body)
	}
	return strings.TrimSpace(plainWords(body))
}

// passing are the parts that are known by what stands before them.
var passing = []passage{
	{begins: `name="csrf" value="`, length: upTo('"')},
	{begins: `class="time-relative">`, length: upTo('<')},
	{begins: `The number is `, length: func(text string) int {
		return len(text) - len(strings.TrimLeft(text, " abcdefghijklmnopqrstuvwxyz"))
	}},
	{begins: `id="match-number"`, skips: ">", length: func(text string) int {
		for rest := text; ; {
			shorter := strings.TrimLeft(rest, "0123456789 \n\t")
			for _, mark := range []string{"<span>", "</span>"} {
				shorter = strings.TrimPrefix(shorter, mark)
			}
			if shorter == rest {
				return len(text) - len(rest)
			}
			rest = shorter
		}
	}},
}

func upTo(end byte) func(text string) int {
	return func(text string) int {
		if i := strings.IndexByte(text, end); i >= 0 {
			return i
		}
		return len(text)
	}
}

type passage struct {
	begins, skips string // skips: it begins behind the next one of these
	length        func(text string) int
}

func (p passage) drop(body string) string {
	if !strings.Contains(body, p.begins) {
		return body
	}
	var b strings.Builder
	for {
		i := strings.Index(body, p.begins)
		if i < 0 {
			b.WriteString(body)
			return b.String()
		}
		i += len(p.begins)
		if p.skips != "" {
			i += strings.Index(body[i:], p.skips) + len(p.skips)
		}
		b.WriteString(body[:i])
		b.WriteString("NONE")
		body = body[i+p.length(body[i:]):]
	}
}

// plainWords puts words of their kind in place of ids, which have 10 or 26 letters of
// base 32, and of numbers.
func plainWords(body string) string {
	var b strings.Builder
	b.Grow(len(body))
	for i := 0; i < len(body); {
		word := wordAt(body, i)
		if word == "" {
			b.WriteByte(body[i])
			i++
			continue
		}
		i += len(word)
		if next := ""; i < len(body) && body[i] == '-' {
			if next = wordAt(body, i+1); len(next) == 26 && base32(next) && (len(word) == 10 && base32(word) || word == "nowhere") {
				b.WriteString("ATTEMPT")
				i += 1 + len(next)
				continue
			}
		}
		switch {
		case len(word) == 26 && base32(word):
			b.WriteString("ID")
		case len(word) == 10 && base32(word):
			b.WriteString("SHORT")
		default:
			i += plainNumbers(&b, word, body[i:])
		}
	}
	return b.String()
}

// plainNumbers writes a word with N for each number in it. One that ends the word may
// have a fraction behind it, whose length it gives.
func plainNumbers(b *strings.Builder, word, rest string) (fraction int) {
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	for i := 0; i < len(word); {
		if !digit(word[i]) {
			b.WriteByte(word[i])
			i++
			continue
		}
		for i < len(word) && digit(word[i]) {
			i++
		}
		b.WriteByte('N')
		if i < len(word) || len(rest) < 2 || rest[0] != '.' || !digit(rest[1]) {
			continue
		}
		for fraction = 2; fraction < len(rest) && digit(rest[fraction]); {
			fraction++
		}
	}
	return fraction
}

// wordAt gives the letters, digits and underscores of ASCII from a place on.
func wordAt(text string, from int) string {
	to := from
	for to < len(text) {
		c := text[to]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			break
		}
		to++
	}
	return text[from:to]
}

func base32(word string) bool {
	for i := range len(word) {
		if c := word[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

func TestWhatPassesIsNotCompared(t *testing.T) {
	const id, other, short = "abcdefghijklmnopqrstuvwx27", "yyyyyyyyyyyyyyyyyyyyyyyy22", "abcdefgh23"
	for _, pair := range [][2]string{
		{`<input name="csrf" value="one"/>`, `<input name="csrf" value=""/>`},
		{"/users/" + id, "/users/" + other},
		{"/signin/" + short + "-" + id, "/signin/nowhere-" + other},
		{"Request " + short, "Request zzzzzzzz77"},
		{`<time datetime="2026-03-01T09:00:00.123456Z" class="time-relative">just now</time>`, `<time datetime="2025-12-31T23:59:59Z" class="time-relative">in 2 minutes</time>`},
		{"The number is four two.", "The number is nine."},
		{`<p id="match-number" class="x"><span>4</span> <span>2</span></p>`, `<p id="match-number" class="x">17</p>`},
		{"wait 3.5 s, 12 times, N4x", "wait 30 s, 1 times, N17x"},
	} {
		if a, b := plainBody(answer{body: pair[0]}), plainBody(answer{body: pair[1]}); a != b {
			t.Errorf("%s and %s are compared as\n%s\n%s", pair[0], pair[1], a, b)
		}
	}
	for _, pair := range [][2]string{
		{"<p>Refused</p>", "<p>Not there</p>"},
		{"/users/" + id, "/users/" + id[1:]},
		{"/users/" + id, "/users/" + strings.ToUpper(id)},
		{`name="csrf" value="x" hidden`, `name="csrf" value="x" readonly`},
		{"3 phones", "three phones"},
		{`<p id="match-number">17</p>`, `<p id="number">17</p>`},
		{short, short + "-x"},
	} {
		if a, b := plainBody(answer{body: pair[0]}), plainBody(answer{body: pair[1]}); a == b {
			t.Errorf("%s and %s are both compared as\n%s", pair[0], pair[1], a)
		}
	}
}
