package eventform

import (
	"bufio"
	"fmt"
	"io"
	"slices"
)

// Form is how events are written. Add, never rename.
type Form string

const (
	CSV   Form = "csv"
	JSONL Form = "jsonl"
	OCSF  Form = "ocsf"
	CEF   Form = "cef"
)

// Forms lists them all.
var Forms = []Form{CSV, JSONL, OCSF, CEF}

// Known says whether f is one of them.
func (f Form) Known() bool { return slices.Contains(Forms, f) }

// Media is the type of a file of this form, and how its name ends.
func (f Form) Media() (media, ending string) {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8; header=present", "csv"
	case JSONL:
		return "application/jsonl", "jsonl"
	case OCSF:
		return "application/jsonl", "ocsf.jsonl"
	}
	return "text/plain; charset=utf-8", "cef.log"
}

// Writer writes events, one at a time.
type Writer struct {
	out   *bufio.Writer
	write func(Event) error
}

// NewWriter begins a file of a form; of CSV with its heading.
func NewWriter(f Form, to io.Writer) (*Writer, error) {
	w := &Writer{out: bufio.NewWriterSize(to, 32<<10)}
	switch f {
	case CSV:
		table := newTable(w.out)
		w.write = table.row
		return w, table.heading()
	case JSONL, OCSF, CEF:
		w.write = func(e Event) error {
			line, err := Line(f, e)
			if err != nil {
				return err
			}
			_, _ = w.out.Write(line) // the next one, or Flush, says what is wrong
			return w.out.WriteByte('\n')
		}
		return w, nil
	}
	return nil, fmt.Errorf("eventform: there is no form %q", f)
}

// Write writes one event.
func (w *Writer) Write(e Event) error { return w.write(e) }

// Flush hands on what was written.
func (w *Writer) Flush() error { return w.out.Flush() }

// Line is an event as one line of a form that has lines, without its end.
func Line(f Form, e Event) ([]byte, error) {
	switch f {
	case JSONL:
		return object(e)
	case OCSF:
		return object(e.ocsf())
	case CEF:
		return e.cef()
	}
	return nil, fmt.Errorf("eventform: %q has no lines", f)
}
