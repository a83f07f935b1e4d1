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

// parseHead reads what text wrote, letter by letter.
func parseHead(text string) (h Head, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 6 {
		return h, errForm
	}
	var ok [3]bool
	h.Name, h.TenantID, ok[0] = strings.Cut(lines[0], "/")
	number, isNumber := strings.CutPrefix(lines[3], "number ")
	at, isAt := strings.CutPrefix(lines[4], "time ")
	ok[1], ok[2] = isNumber, isAt
	var errs [4]error
	h.Size, errs[0] = strconv.ParseInt(lines[1], 10, 64)
	h.Root, errs[1] = tlog.ParseHash(lines[2])
	h.Number, errs[2] = strconv.ParseInt(number, 10, 64)
	h.At, errs[3] = time.Parse(instant, at)
	if ok != [3]bool{true, true, true} || errors.Join(errs[:]...) != nil || h.Size < 0 || h.text() != text {
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
