package words

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Catalogue is all texts in one language.
type Catalogue struct {
	tag     language.Tag
	name    string // the tag as pages say it
	plurals []plural.Form
	texts   map[string]text
}

// text is one form, or one for each plural of the language that it is in.
type text struct {
	forms []form
	in    *Catalogue
}

// form is words and placeholders in turn.
type form []piece

// piece is words, or the name of a placeholder.
type piece struct{ words, name string }

var (
	keyForm  = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
	nameForm = regexp.MustCompile(`\{[a-z_]+\}`)
)

// count is the placeholder by which the plural is chosen.
const count = "count"

// read reads the catalogue of one language. Texts that it lacks are those of
// base; a text that base lacks, or a placeholder that it does not fill, is a
// mistake. Base is nil for the first catalogue, which must have all.
func read(tag string, source io.Reader, base *Catalogue) (*Catalogue, error) {
	parsed, err := language.Parse(tag)
	if err != nil {
		return nil, fmt.Errorf("words: %s: %w", tag, err)
	}
	c := &Catalogue{tag: parsed, name: parsed.String(), plurals: pluralsOf(parsed), texts: map[string]text{}}
	lines := bufio.NewScanner(source)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, words, _ := strings.Cut(line, "=")
		if err := c.add(strings.TrimSpace(key), strings.TrimSpace(words), base); err != nil {
			return nil, fmt.Errorf("words: %s.txt:%d: %w", tag, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("words: %s.txt: %w", tag, err)
	}
	if base != nil {
		for key, theirs := range base.texts {
			if !c.Has(key) {
				c.texts[key] = theirs
			}
		}
	}
	return c, nil
}

func (c *Catalogue) add(key, words string, base *Catalogue) error {
	switch {
	case !keyForm.MatchString(key):
		return fmt.Errorf("%q is no key", key)
	case words == "":
		return fmt.Errorf("%s has no text", key)
	case c.Has(key):
		return fmt.Errorf("%s stands here twice", key)
	}
	t := text{in: c}
	for one := range strings.SplitSeq(words, "|") {
		if one = strings.TrimSpace(one); one == "" {
			return fmt.Errorf("%s has a form without words", key)
		}
		t.forms = append(t.forms, parse(one))
	}
	names := t.names()
	if n := len(t.forms); n > 1 && (n != len(c.plurals) || !slices.Contains(names, count)) {
		return fmt.Errorf("%s has %d forms: want 1, or with {count} %d", key, n, len(c.plurals))
	}
	if base != nil {
		theirs, ok := base.texts[key]
		if !ok {
			return fmt.Errorf("%s is not a key of %s", key, base.name)
		}
		for _, name := range names {
			if !slices.Contains(theirs.names(), name) {
				return fmt.Errorf("%s: nothing fills {%s}", key, name)
			}
		}
	}
	c.texts[key] = t
	return nil
}

func parse(words string) form {
	var f form
	from := 0
	for _, at := range nameForm.FindAllStringIndex(words, -1) {
		if at[0] > from {
			f = append(f, piece{words: words[from:at[0]]})
		}
		f = append(f, piece{name: words[at[0]+1 : at[1]-1]})
		from = at[1]
	}
	if from < len(words) {
		f = append(f, piece{words: words[from:]})
	}
	return f
}

// pluralsOf gives the plurals that a language has for whole numbers, in the
// order of Unicode's names for them: zero, one, two, few, many, other.
func pluralsOf(tag language.Tag) []plural.Form {
	seen := map[plural.Form]bool{}
	for n := range 201 {
		seen[pluralOf(tag, n)] = true
	}
	var found []plural.Form
	for _, f := range []plural.Form{plural.Zero, plural.One, plural.Two, plural.Few, plural.Many, plural.Other} {
		if seen[f] {
			found = append(found, f)
		}
	}
	return found
}

func pluralOf(tag language.Tag, n int) plural.Form {
	return plural.Cardinal.MatchPlural(tag, n%10_000_000, 0, 0, 0, 0)
}

func (t text) names() []string {
	var all []string
	for _, f := range t.forms {
		for _, p := range f {
			if p.name != "" && !slices.Contains(all, p.name) {
				all = append(all, p.name)
			}
		}
	}
	return all
}

// Tag is the language, as in the lang attribute.
func (c *Catalogue) Tag() string { return c.name }

// Has says whether there is such a text.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.texts[key]
	return ok
}

// Below gives what stands behind a beginning in the keys that have it, in their order.
func (c *Catalogue) Below(beginning string) (all []string) {
	for key := range c.texts {
		if rest, ok := strings.CutPrefix(key, beginning); ok {
			all = append(all, rest)
		}
	}
	slices.Sort(all)
	return all
}

// Say gives a text with its placeholders filled: names and values in turn, the
// names without their braces. A key that the catalogue lacks is given back.
func (c *Catalogue) Say(key string, filled ...string) string {
	t, ok := c.texts[key]
	if !ok {
		return key
	}
	f := t.forms[0]
	if len(t.forms) > 1 {
		f = t.forms[t.in.plural(valueOf(count, filled))]
	}
	if len(f) == 1 && f[0].name == "" {
		return f[0].words
	}
	var b strings.Builder
	for _, p := range f {
		if p.name == "" {
			b.WriteString(p.words)
		} else {
			b.WriteString(valueOf(p.name, filled))
		}
	}
	return b.String()
}

// Template gives a text as it stands, for a script that fills it.
func (c *Catalogue) Template(key string) string {
	t, ok := c.texts[key]
	if !ok {
		return key
	}
	var b strings.Builder
	for _, p := range t.forms[0] {
		if p.name == "" {
			b.WriteString(p.words)
		} else {
			b.WriteString("{" + p.name + "}")
		}
	}
	return b.String()
}

// plural is which of the plurals a number takes.
func (c *Catalogue) plural(number string) int {
	n, err := strconv.Atoi(number)
	if err != nil {
		return len(c.plurals) - 1
	}
	return max(0, slices.Index(c.plurals, pluralOf(c.tag, max(n, -n))))
}

// valueOf finds what fills a placeholder; an unfilled one stays in sight.
func valueOf(name string, filled []string) string {
	for i := 0; i+1 < len(filled); i += 2 {
		if filled[i] == name {
			return filled[i+1]
		}
	}
	return "{" + name + "}"
}
