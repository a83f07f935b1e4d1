package checkpoint

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"
)

// File is a witness that appends each checkpoint to a file, as a line of JSON, and waits for
// the disk. Put it where who may write into the database may not write.
type File struct {
	Path string
	Host string // of this replica, whose file it is

	mu     sync.Mutex
	read   bool
	heads  map[string]Head
	number int64
}

// Name is what the health calls it.
func (f *File) Name() string { return "file " + f.Host + " " + f.Path }

// Heads reads the file the first time.
func (f *File) Heads() (all []Head, number int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(); err != nil {
		return nil, 0, err
	}
	return slices.Collect(maps.Values(f.heads)), f.number, nil
}

// Reached: each replica writes a file of its own.
func (f *File) Reached() (number int64, own bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err = f.load()
	return f.number, true, err
}

func (f *File) load() error {
	if f.read {
		return nil
	}
	f.heads, f.number = map[string]Head{}, 0
	file, err := os.Open(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		f.read = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("checkpoint: witness: %w", err)
	}
	defer file.Close()
	err = readWitness(file, f.know)
	f.read = err == nil
	return err
}

func (f *File) know(line Signed) {
	f.number = max(f.number, line.Number)
	h, err := unsigned(line.Note)
	if err == nil && h.Size >= f.heads[h.TenantID].Size {
		f.heads[h.TenantID] = h
	}
}

// unsigned reads the head of a note without a key to check it by: here it only makes what is
// signed next harder to get.
func unsigned(signed string) (Head, error) {
	_, err := note.Open([]byte(signed), note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return Head{}, errForm
	}
	return parseHead(unverified.Note.Text)
}

// Keep appends, and comes back when it is on the disk. What is in the file already it
// passes over.
func (f *File) Keep(_ context.Context, all []Signed) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(); err != nil {
		return err
	}
	var text bytes.Buffer
	for _, one := range all {
		if one.Number <= f.number {
			continue
		}
		line, err := json.Marshal(one)
		if err != nil {
			return err
		}
		text.Write(append(line, '\n'))
	}
	file, err := os.OpenFile(f.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("checkpoint: witness: %w", err)
	}
	err = func() error {
		if torn, err := isTorn(file); err != nil {
			return err
		} else if torn { // a line that a crash has cut stays alone
			if _, err := file.Write([]byte("\n")); err != nil {
				return err
			}
		}
		if _, err := file.Write(text.Bytes()); err != nil {
			return err
		}
		return file.Sync()
	}()
	if err = errors.Join(err, file.Close()); err != nil {
		f.read = false // what is in it is not known
		return fmt.Errorf("checkpoint: witness: %w", err)
	}
	for _, one := range all {
		f.know(one)
	}
	return nil
}

func isTorn(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	_, err = file.ReadAt(last[:], info.Size()-1)
	return last[0] != '\n', err
}

// ReadWitness reads the file of a witness. A line that a crash has cut is passed over; one
// that is something else fails.
func ReadWitness(from io.Reader) (all []Signed, err error) {
	err = readWitness(from, func(one Signed) { all = append(all, one) })
	return all, err
}

// readWitness is ReadWitness for who keeps less than all of it: a line is written each
// minute and for each tenant, for years.
func readWitness(from io.Reader, each func(Signed)) error {
	lines := bufio.NewReader(from)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var one Signed
			switch wrong := json.Unmarshal(line, &one); {
			case wrong == nil && one.Note != "":
				each(one)
			case wrong != nil && bytes.HasPrefix(line, []byte(`{"number":`)), bytes.HasPrefix([]byte(`{"number":`), bytes.TrimSpace(line)):
				// cut
			default:
				return fmt.Errorf("checkpoint: line %d of the witness is no checkpoint", n)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("checkpoint: witness: %w", err)
		}
	}
}
