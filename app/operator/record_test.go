package operator

import (
	"strings"
	"testing"
)

// FuzzProves: whatever is published, a domain is proved by the token and by
// nothing that is not there.
func FuzzProves(f *testing.F) {
	const token = "abcdefghijklmnopqrstuvwxyz"
	for _, seed := range []string{"", "latchkey-verification=" + token, `"latchkey-verification=` + token + `"`, "v=spf1", "latchkey-verification=", "LATCHKEY-verification= x", "\x00", "\"\"\"", "latchkey-verification=" + token + token} {
		f.Add(seed, token)
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, record, token string) {
		missing := proves([]string{"v=spf1 -all", record}, token)
		switch missing {
		case "":
			if token == "" || !strings.Contains(record, token) || !strings.Contains(strings.ToLower(record), recordMark) {
				t.Errorf("%q proves %q", record, token)
			}
		case "domain.no_record", "domain.other_record":
			if token != "" && record == recordMark+token && strings.Trim(token, " \t\r\n\"") == token {
				t.Errorf("%q does not prove %q: %s", record, token, missing)
			}
		default:
			t.Errorf("%q for %q: %s", record, token, missing)
		}
	})
}
