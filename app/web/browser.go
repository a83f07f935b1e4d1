package web

import "strings"

// BrowserOf says a browser in words, such as "Firefox on Windows". It is for
// people to recognise, and decides nothing.
func BrowserOf(agent string) string {
	if len(agent) > 500 {
		agent = agent[:500]
	}
	name := first(agent, []pair{
		{"Edg/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
		{"latchkey-phone", "Terminal phone"},
	}, "A browser")
	system := first(agent, []pair{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"CrOS", "ChromeOS"},
		{"Macintosh", "macOS"},
		{"Linux", "Linux"},
	}, "")
	if system == "" {
		return name
	}
	return name + " on " + system
}

type pair struct{ mark, word string }

func first(text string, pairs []pair, otherwise string) string {
	for _, p := range pairs {
		if strings.Contains(text, p.mark) {
			return p.word
		}
	}
	return otherwise
}
