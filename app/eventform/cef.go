package eventform

import (
	"strconv"
	"strings"
)

// CEF, version 0. The severity is out of ten. Keys are those of the ArcSight dictionary,
// where it has one for a thing, and six custom strings with their labels.
//
//	CEF:0|Latchkey|Latchkey|1|signin.refused|signin.refused|5|rt=… externalId=… suid=… …
func (e Event) cef() ([]byte, error) {
	details, err := e.details()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("CEF:0|Latchkey|Latchkey|1|" + head(e.Action) + "|" + head(e.Action) + "|" + strconv.Itoa(e.weight()) + "|")
	first := true
	add := func(key, value string) {
		if value == "" {
			return
		}
		if !first {
			b.WriteByte(' ')
		}
		first = false
		b.WriteString(key + "=" + extension(value))
	}
	add("rt", strconv.FormatInt(e.At.UnixMilli(), 10))
	add("externalId", e.ID)
	add("act", e.Action)
	add("outcome", e.Outcome)
	add("reason", e.Reason)
	add("suid", e.Actor.ID)
	add("suser", e.Actor.Name)
	add("duid", e.Target.ID)
	add("duser", e.Target.Name)
	add("src", e.IP)
	add("requestClientApplication", e.Browser)
	for i, custom := range []struct{ label, value string }{
		{"tenant", e.Tenant},
		{"parties", e.Actor.Kind + " " + e.Target.Kind},
		{"subject", strings.TrimSpace(e.Subject + " " + e.SubjectName)},
		{"thread", strings.TrimSpace(e.Thread + " " + e.Request)},
		{"typed", e.Typed},
		{"details", details},
	} {
		if custom.value != "" {
			add("cs"+strconv.Itoa(i+1), custom.value)
			add("cs"+strconv.Itoa(i+1)+"Label", custom.label)
		}
	}
	if e.N >= 0 {
		add("cn1", strconv.FormatInt(e.N, 10))
		add("cn1Label", "n")
	}
	return []byte(b.String()), nil
}

// weight is the severity of CEF: 0 to 3 is low, 4 to 6 medium, 7 and 8 high.
func (e Event) weight() int {
	switch e.severity() {
	case severityHigh:
		return 8
	case severityMedium:
		return 6
	case severityLow:
		return 4
	}
	return 2
}

// In the head a pipe ends a field and a line ends the event; in an extension an equals sign
// begins a value.
var (
	headSigns      = strings.NewReplacer(`\`, `\\`, `|`, `\|`, "\n", " ", "\u2028", " ", "\u2029", " ")
	extensionSigns = strings.NewReplacer(`\`, `\\`, `=`, `\=`, "\n", `\n`, "\u2028", `\n`, "\u2029", `\n`)
)

func head(text string) string      { return headSigns.Replace(plain(text)) }
func extension(text string) string { return extensionSigns.Replace(plain(text)) }
