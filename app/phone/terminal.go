package phone

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"
)

// terminal asks a person, one line at a time. It reads ahead, so that waiting
// for a line can end with a deadline.
type terminal struct {
	out   io.Writer
	lines <-chan string // closed at the end of the input
	tty   *os.File      // nil when the input is no terminal
	saved string        // how stty found the terminal
}

var (
	errTooLate    = errors.New("phone: too late") // the time to answer is over
	errInputEnded = errors.New("phone: the input has ended, so nobody can answer")
)

// newTerminal starts to read in. The reader ends with the input or the process;
// a read from a terminal cannot be called off.
func newTerminal(in io.Reader, out io.Writer) *terminal {
	lines := make(chan string)
	t := &terminal{out: out, lines: lines}
	if file, ok := in.(*os.File); ok {
		if saved, err := stty(file, "-g"); err == nil {
			t.tty, t.saved = file, saved
		}
	}
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	return t
}

// ask prints the question and gives the line that follows; errInputEnded when
// there is none, errTooLate at the deadline (the zero time is no deadline).
func (t *terminal) ask(ctx context.Context, deadline time.Time, question string) (string, error) {
	t.dropTypedAhead()
	fmt.Fprint(t.out, question)
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case line, ok := <-t.lines:
		if !ok {
			fmt.Fprintln(t.out)
			return "", errInputEnded
		}
		return strings.TrimSpace(line), nil
	case <-late:
		fmt.Fprintln(t.out)
		return "", errTooLate
	case <-ctx.Done():
		fmt.Fprintln(t.out)
		return "", ctx.Err()
	}
}

// askHidden asks without echo when the input is a terminal. stty does it on
// every Unix without another library; elsewhere the line shows.
func (t *terminal) askHidden(ctx context.Context, deadline time.Time, question string) (string, error) {
	if t.tty == nil {
		return t.ask(ctx, deadline, question)
	}
	if _, err := stty(t.tty, "-echo"); err == nil {
		defer fmt.Fprintln(t.out)
		defer stty(t.tty, t.saved)
	}
	return t.ask(ctx, deadline, question)
}

// dropTypedAhead forgets what a person typed before there was a question: a
// number meant for one request must not answer the next.
func (t *terminal) dropTypedAhead() {
	for t.tty != nil {
		select {
		case _, ok := <-t.lines:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

func stty(file *os.File, argument string) (string, error) {
	command := exec.Command("stty", argument)
	command.Stdin = file
	out, err := command.Output()
	return strings.TrimSpace(string(out)), err
}

// IsTerminal says whether a person sits at file.
func IsTerminal(file *os.File) bool {
	_, err := stty(file, "-g")
	return err == nil
}

// plain makes text of others fit for a terminal: nothing in it moves the
// cursor, changes colours or turns the direction of writing.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}
