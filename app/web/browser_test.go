package web

import (
	"testing"

	"latchkey/views/words"
)

// TestABrowserIsToldInCodesAndSaidInWords, and what was stored in words is said so.
func TestABrowserIsToldInCodesAndSaidInWords(t *testing.T) {
	for agent, want := range map[string][2]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                 {"firefox/windows", "Firefox on Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0":            {"edge/windows", "Edge on Windows"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1": {"safari/iphone", "Safari on iPhone"},
		"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36":     {"samsung/android", "Samsung Internet on Android"},
		"curl/8.5.0":         {"curl", "curl"},
		"latchkey-phone/1":   {"terminal", "Terminal phone"},
		"":                   {"other", "A browser"},
		"something on Linux": {"other/linux", "A browser on Linux"},
	} {
		told := BrowserOf(agent)
		if said := SayBrowser(t.Context(), told); told != want[0] || said != want[1] {
			t.Errorf("%q is told as %q and said as %q, want %q", agent, told, said, want)
		}
	}
	for _, stored := range []string{"Firefox on Windows", "A browser", "", "Safari/windows", "firefox/amiga"} {
		if got := SayBrowser(t.Context(), stored); got != stored {
			t.Errorf("%q is said as %q", stored, got)
		}
	}
	c := words.For("")
	for prefix, pairs := range map[string][]pair{"browser.family.": append(families, pair{code: "other"}), "browser.system.": systems} {
		for _, p := range pairs {
			if !c.Has(prefix + p.code) {
				t.Errorf("%s%s has no words", prefix, p.code)
			}
		}
	}
}
