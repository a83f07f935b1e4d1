package checkpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Head is what a checkpoint says: how many events a tenant has, and the hash over them all.
type Head struct {
	Name     string // of the installation
	TenantID string
	Size     int64
	Root     tlog.Hash
	Number   int64 // of all checkpoints of the installation, from 1 without a gap
	At       time.Time
}

const instant = "2006-01-02T15:04:05.000000Z"

var errForm = errors.New("checkpoint: this is no checkpoint")

// text is the head as it is signed: the form of C2SP tlog-checkpoint with two lines of our own.
func (h Head) text() string {
	return fmt.Sprintf("%s/%s\n%d\n%s\nnumber %d\ntime %s\n", h.Name, h.TenantID, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]), h.Number, h.At.UTC().Format(instant))
}

// parseHead reads what text wrote, letter by letter: what it cannot read, text writes
// otherwise.
func parseHead(text string) (h Head, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 6 {
		return h, errForm
	}
	h.Name, h.TenantID, _ = strings.Cut(lines[0], "/")
	h.Size, _ = strconv.ParseInt(lines[1], 10, 64)
	h.Root, _ = tlog.ParseHash(lines[2])
	h.Number, _ = strconv.ParseInt(strings.TrimPrefix(lines[3], "number "), 10, 64)
	h.At, _ = time.Parse(instant, strings.TrimPrefix(lines[4], "time "))
	if h.Size < 0 || h.text() != text {
		return Head{}, errForm
	}
	return h, nil
}

// open reads a signed note and gives the head in it, when one of these keys signed it.
func open(signed string, keys note.Verifiers) (Head, error) {
	n, err := note.Open([]byte(signed), keys)
	if err != nil {
		return Head{}, fmt.Errorf("checkpoint: %w", err)
	}
	return parseHead(n.Text)
}
