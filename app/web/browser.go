package web

import (
	"context"
	"strings"

	"latchkey/views/words"
)

// BrowserOf tells a browser by codes: its family and its system, such as
// "firefox/windows", or the family alone. It is for people to recognise, in the words
// of SayBrowser, and decides nothing.
func BrowserOf(agent string) string {
	if len(agent) > 500 {
		agent = agent[:500]
	}
	family := first(agent, families, "other")
	if system := first(agent, systems, ""); system != "" {
		return family + "/" + system
	}
	return family
}

// SayBrowser says a browser as BrowserOf told it. What was stored in words, before
// there were codes, is said as it stands.
func SayBrowser(ctx context.Context, told string) string {
	family, system, on := strings.Cut(told, "/")
	if !coded(families, family) && family != "other" || on && !coded(systems, system) {
		return told
	}
	said := words.Say(ctx, "browser.family."+family)
	if on {
		said = words.Say(ctx, "browser.on", "family", said, "system", words.Say(ctx, "browser.system."+system))
	}
	return said
}

// A browser claims to be its forebears as well, so the first that fits is it.
var (
	families = []pair{
		{"Edg/", "edge"},
		{"OPR/", "opera"},
		{"SamsungBrowser/", "samsung"},
		{"Firefox/", "firefox"},
		{"FxiOS/", "firefox"},
		{"CriOS/", "chrome"},
		{"Chrome/", "chrome"},
		{"Safari/", "safari"},
		{"curl/", "curl"},
		{"latchkey-phone", "terminal"},
	}
	systems = []pair{
		{"iPhone", "iphone"},
		{"iPad", "ipad"},
		{"Android", "android"},
		{"Windows", "windows"},
		{"CrOS", "chromeos"},
		{"Macintosh", "macos"},
		{"Linux", "linux"},
	}
)

type pair struct{ mark, code string }

func first(text string, pairs []pair, otherwise string) string {
	for _, p := range pairs {
		if strings.Contains(text, p.mark) {
			return p.code
		}
	}
	return otherwise
}

func coded(pairs []pair, code string) bool {
	for _, p := range pairs {
		if p.code == code {
			return true
		}
	}
	return false
}
