package words

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/a-h/templ"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// first is the language that has every text.
const first = "en"

//go:embed *.txt
var files embed.FS

var shelf = func() *Shelf {
	s, err := Open(files)
	if err != nil {
		panic(err)
	}
	return s
}()

// Shelf is the languages that there are.
type Shelf struct {
	catalogues []*Catalogue // English first
	matcher    language.Matcher
}

// Open reads a folder of catalogues and fails when one is not in order.
func Open(folder fs.FS) (*Shelf, error) {
	names, err := fs.Glob(folder, "*.txt")
	if err != nil {
		return nil, err
	}
	s := &Shelf{}
	for _, name := range append([]string{first + ".txt"}, names...) {
		var base *Catalogue
		if len(s.catalogues) > 0 {
			base = s.catalogues[0]
			if name == first+".txt" {
				continue
			}
		}
		c, err := open(folder, name, base)
		if err != nil {
			return nil, err
		}
		s.catalogues = append(s.catalogues, c)
	}
	var tags []language.Tag
	for _, c := range s.catalogues {
		tags = append(tags, c.tag)
	}
	s.matcher = language.NewMatcher(tags)
	return s, nil
}

func open(folder fs.FS, name string, base *Catalogue) (*Catalogue, error) {
	file, err := folder.Open(name)
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	defer file.Close()
	return read(strings.TrimSuffix(name, ".txt"), file, base)
}

// For gives the catalogue that fits an Accept-Language header best, English
// when none does.
func (s *Shelf) For(acceptLanguage string) *Catalogue {
	if len(s.catalogues) == 1 || acceptLanguage == "" {
		return s.catalogues[0]
	}
	_, at := language.MatchStrings(s.matcher, acceptLanguage)
	return s.catalogues[at]
}

// For gives the catalogue for an Accept-Language header.
func For(acceptLanguage string) *Catalogue { return shelf.For(acceptLanguage) }

type inContext struct{}

// In makes c the language of what is rendered with the context.
func In(ctx context.Context, c *Catalogue) context.Context {
	return context.WithValue(ctx, inContext{}, c)
}

func of(ctx context.Context) *Catalogue {
	if c, ok := ctx.Value(inContext{}).(*Catalogue); ok {
		return c
	}
	return shelf.catalogues[0]
}

// Tag is the language of ctx, as in the lang attribute.
func Tag(ctx context.Context) string { return of(ctx).Tag() }

// Country is the name of a country by its code, ISO 3166-1 alpha-2, or the code
// where it has no name.
func Country(ctx context.Context, code string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	if name := display.Regions(of(ctx).tag).Name(region); name != "" {
		return name
	}
	return code
}

// Below gives what stands behind a beginning in the keys that have it, such as the codes that
// there are words for.
func Below(ctx context.Context, beginning string) []string { return of(ctx).Below(beginning) }

// Has says whether there is such a text.
func Has(ctx context.Context, key string) bool { return of(ctx).Has(key) }

// Say gives a text, as [Catalogue.Say] does.
func Say(ctx context.Context, key string, filled ...string) string {
	return of(ctx).Say(key, filled...)
}

// Template gives a text for a script, as [Catalogue.Template] does.
func Template(ctx context.Context, key string) string { return of(ctx).Template(key) }

// Part fills a placeholder of a [Sentence].
type Part struct {
	name string
	is   templ.Component
}

// With fills the placeholder {name} with a component: a link, a time.
func With(name string, is templ.Component) Part { return Part{name, is} }

// Sentence is a text in which components stand in the places of placeholders,
// so that each language has its own order of words.
func Sentence(key string, parts ...Part) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		t, ok := of(ctx).texts[key]
		if !ok {
			_, err := io.WriteString(w, templ.EscapeString(key))
			return err
		}
		for _, p := range t.forms[0] {
			if err := p.render(ctx, w, parts); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p piece) render(ctx context.Context, w io.Writer, parts []Part) error {
	shown := p.words
	if p.name != "" {
		for _, part := range parts {
			if part.name == p.name {
				return part.is.Render(ctx, w)
			}
		}
		shown = "{" + p.name + "}"
	}
	_, err := io.WriteString(w, templ.EscapeString(shown))
	return err
}
