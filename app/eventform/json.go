package eventform

import (
	"bytes"
	"encoding/json"
	"strings"
)

// object is a value as one line of JSON. Ends of lines in a text are escaped, also those
// that only some programs take for one.
func object(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	line := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return bytes.ReplaceAll(line, []byte("\u0085"), []byte(`\u0085`)), nil
}

// details are those of an event as one text; empty when there are none.
func (e Event) details() (string, error) {
	if len(e.Details) == 0 {
		return "", nil
	}
	text, err := object(e.Details)
	return string(text), err
}

// verb is what happened of an action: "finished" of "signin.finished".
func verb(action string) (noun, verb string) {
	noun, verb, _ = strings.Cut(action, ".")
	return noun, verb
}
