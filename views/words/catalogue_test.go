package words

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/a-h/templ"
	"golang.org/x/text/language"
)

// shelfOf makes catalogues of texts by tag.
func shelfOf(t *testing.T, texts map[string]string) *Shelf {
	t.Helper()
	s, err := Open(folderOf(texts))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func folderOf(texts map[string]string) fstest.MapFS {
	folder := fstest.MapFS{}
	for tag, text := range texts {
		folder[tag+".txt"] = &fstest.MapFile{Data: []byte(text)}
	}
	return folder
}

const small = `
# a comment
door.open  = Open the door
door.of    = The door of {name}
door.count = {count} door|{count} doors
door.fits  = {key} = {door}
`

func TestSaying(t *testing.T) {
	c := shelfOf(t, map[string]string{"en": small}).For("")
	for _, row := range []struct {
		claim, got, want string
	}{
		{"a plain text", c.Say("door.open"), "Open the door"},
		{"a name is filled in", c.Say("door.of", "name", "Alder"), "The door of Alder"},
		{"a value with braces is no placeholder", c.Say("door.of", "name", "{name}{count}"), "The door of {name}{count}"},
		{"one", c.Say("door.count", "count", "1"), "1 door"},
		{"none takes the plural", c.Say("door.count", "count", "0"), "0 doors"},
		{"many", c.Say("door.count", "count", "12"), "12 doors"},
		{"no number takes the plural", c.Say("door.count", "count", "a few"), "a few doors"},
		{"only the first equals sign parts key and text", c.Say("door.fits", "door", "front", "key", "iron"), "iron = front"},
		{"what is not filled stays in sight", c.Say("door.of"), "The door of {name}"},
		{"a key that is missing is given back", c.Say("door.shut"), "door.shut"},
		{"a script fills it itself", c.Template("door.of"), "The door of {name}"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", row.claim, row.got, row.want)
		}
	}
}

func TestAFileThatIsNotInOrderIsRefused(t *testing.T) {
	for _, row := range []struct {
		claim, tag, text, complaint string
	}{
		{"a key twice", "en", "a.b = one\na.c = two\na.b = three", "en.txt:3: a.b stands here twice"},
		{"a key without a text", "en", "a.b =", "en.txt:1: a.b has no text"},
		{"a line that is no text", "en", "a.b", "en.txt:1: a.b has no text"},
		{"a key that is none", "en", "Hello = world", `"Hello" is no key`},
		{"plurals without a count", "en", "a.b = one|many", "a.b has 2 forms"},
		{"more plurals than the language has", "en", "a.b = {count}|{count}s|{count}ss", "a.b has 3 forms"},
		{"a plural without words", "en", "a.b = {count} door|", "a.b has a form without words"},
		{"a key that English does not have", "de", "door.shut = Zu", "door.shut is not a key of en"},
		{"a placeholder that nothing fills", "de", "door.of = Die Tür von {nam}", "door.of: nothing fills {nam}"},
		{"a name that is no language", "english", "door.open = x", "words: english"},
	} {
		texts := map[string]string{"en": small}
		texts[row.tag] = row.text
		if _, err := Open(folderOf(texts)); err == nil || !strings.Contains(err.Error(), row.complaint) {
			t.Errorf("%s: error %v, want one with %q", row.claim, err, row.complaint)
		}
	}
	if _, err := Open(folderOf(map[string]string{"de": "a.b = x"})); err == nil {
		t.Error("no English: no error")
	}
}

func TestAnotherLanguageIsAFile(t *testing.T) {
	s := shelfOf(t, map[string]string{
		"en": small,
		"de": "door.of = {name}s Tür",
		"pl": "door.count = {count} drzwi jedne|{count} drzwi kilka|{count} drzwi wiele",
	})
	for _, row := range []struct {
		claim, accepted, tag string
	}{
		{"the language asked for", "de", "de"},
		{"a region of it", "de-AT,en;q=0.5", "de"},
		{"the one liked best", "en;q=0.2, pl;q=0.9, de;q=0.5", "pl"},
		{"the first that there is", "sw, de;q=0.5, en;q=0.1", "de"},
		{"English for a language that is not there", "sw", "en"},
		{"English without a wish", "", "en"},
		{"English for nonsense", "\x00;;q=,---,\xff", "en"},
		{"English for a header without end", strings.Repeat("a-", 20_000), "en"},
	} {
		if got := s.For(row.accepted).Tag(); got != row.tag {
			t.Errorf("%s: %.40q gives %s, want %s", row.claim, row.accepted, got, row.tag)
		}
	}
	german, polish := s.For("de"), s.For("pl")
	for _, row := range []struct {
		claim, got, want string
	}{
		{"its own words, in its own order", german.Say("door.of", "name", "Nord"), "Nords Tür"},
		{"English where it has none", german.Say("door.open"), "Open the door"},
		{"as many plurals as it has: one", polish.Say("door.count", "count", "1"), "1 drzwi jedne"},
		{"as many plurals as it has: few", polish.Say("door.count", "count", "23"), "23 drzwi kilka"},
		{"as many plurals as it has: many", polish.Say("door.count", "count", "12"), "12 drzwi wiele"},
		{"an English plural stays English", german.Say("door.count", "count", "1"), "1 door"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", row.claim, row.got, row.want)
		}
	}
}

func TestAnEnglishPluralInALanguageWithOthersFollowsEnglish(t *testing.T) {
	s := shelfOf(t, map[string]string{"en": small, "pl": "door.open = Otwórz", "ja": "door.open = 開けて"})
	for _, tag := range []string{"pl", "ja"} {
		for number, want := range map[string]string{"1": "1 door", "3": "3 doors", "5": "5 doors"} {
			if got := s.For(tag).Say("door.count", "count", number); got != want {
				t.Errorf("%s, %s: %q, want %q", tag, number, got, want)
			}
		}
	}
}

func TestTheContextCarriesTheLanguage(t *testing.T) {
	s := shelfOf(t, map[string]string{"en": small, "de": "door.open = Tür auf"})
	ctx := In(t.Context(), s.For("de"))
	if got := Say(ctx, "door.open"); got != "Tür auf" {
		t.Errorf("Say = %q", got)
	}
	if got := Tag(ctx); got != "de" {
		t.Errorf("Tag = %q", got)
	}
	if got := Tag(context.Background()); got != first {
		t.Errorf("without a language: %q, want %s", got, first)
	}
}

func TestASentenceKeepsItsPartsInPlace(t *testing.T) {
	s := shelfOf(t, map[string]string{
		"en": "door.path = Walk & turn at {corner}, {time} <now>.",
		"de": "door.path = {time}: an {corner} abbiegen.",
	})
	sentence := Sentence("door.path", With("corner", templ.Raw("<b>the corner</b>")), With("time", templ.Raw("<i>9:05</i>")))
	for tag, want := range map[string]string{
		"en": "Walk &amp; turn at <b>the corner</b>, <i>9:05</i> &lt;now&gt;.",
		"de": "<i>9:05</i>: an <b>the corner</b> abbiegen.",
	} {
		var b strings.Builder
		if err := sentence.Render(In(t.Context(), s.For(tag)), &b); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v, want %q", tag, b.String(), err, want)
		}
	}
}

// TestTheFilesAreInOrder reads the catalogues that are there; the program does
// not start with one that is not in order.
func TestTheFilesAreInOrder(t *testing.T) {
	s, err := Open(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if s.catalogues[0].tag != language.English {
		t.Errorf("the first catalogue is %v", s.catalogues[0].tag)
	}
	if len(s.catalogues) != len(shelf.catalogues) {
		t.Errorf("the folder has %d catalogues, the program %d", len(s.catalogues), len(shelf.catalogues))
	}
}
