package retention

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"latchkey/app/checkpoint"
	"latchkey/app/fault"
)

// archive writes the next part of a portion into a file of its own, waits for the disk,
// reads it back and verifies it. Where there is nothing to archive there is no file.
func (s *Service) archive(ctx context.Context, p checkpoint.Portion, slug string, upto int64, in checkpoint.Newest) (where checkpoint.Where, a checkpoint.Archived, err error) {
	// No two attempts have one name: what a drop has named is never written again.
	where = checkpoint.Where{File: fmt.Sprintf("%s/%s-%s-%d-%s.zip", slug, p.Class, p.Month.Format(monthForm), p.Part, s.Secrets.ShortID()), Host: s.Host}
	path := s.path(where)
	file, err := create(path)
	if err != nil {
		return where, a, stuck{FaultArchive, err}
	}
	buffered := bufio.NewWriterSize(file, 256<<10)
	a, err = s.Checkpoints.WriteArchive(ctx, p, slug, upto, cmp.Or(s.PartMost, partMost), in, buffered)
	if err != nil || a.Events == 0 {
		if err = errors.Join(err, file.Close()); errors.Is(err, fault.Conflict) {
			err = stuck{FaultUnsealed, err}
		}
		s.forget(where)
		return where, a, err
	}
	if err = errors.Join(buffered.Flush(), file.Sync(), file.Close(), syncFolder(filepath.Dir(path))); err != nil {
		s.forget(where)
		return where, a, stuck{FaultArchive, err}
	}
	if where.Digest, err = s.readBack(ctx, path, a); err != nil {
		s.forget(where)
	}
	return where, a, err
}

// readBack verifies an archive with nothing but the file and the public keys, and gives its
// digest.
func (s *Service) readBack(ctx context.Context, path string, a checkpoint.Archived) (digest [sha256.Size]byte, err error) {
	keys, err := s.Checkpoints.PublicKeys(ctx)
	if err != nil {
		return digest, err
	}
	file, err := os.Open(path)
	if err != nil {
		return digest, stuck{FaultArchive, err}
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return digest, stuck{FaultArchive, err}
	}
	about, r, _, err := checkpoint.VerifyArchive(file, size, keys, nil)
	switch {
	case err != nil:
		return digest, stuck{FaultArchive, err}
	case !r.Whole():
		first := r.First()
		return digest, stuck{FaultNotWhole, fmt.Errorf("%s at %d: %s", first.What, first.From, first.Detail)}
	case !a.Same(about) || r.Covered != a.Events || r.Erased != int(a.Erased):
		return digest, stuck{FaultArchive, errors.New("what was read back is not what was written")}
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}

func (s *Service) path(where checkpoint.Where) string {
	return filepath.Join(s.Folder, filepath.FromSlash(where.File))
}

// forget takes away the file of an attempt that no drop names.
func (s *Service) forget(where checkpoint.Where) {
	if err := os.Remove(s.path(where)); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.Log.Warn("an archive that no drop names is left", "archive", where.File, "error", err)
	}
}

// create makes a new file, and the folders above it for who runs this alone.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// syncFolder waits until the names in a folder, and its own in the one above, are on the disk.
func syncFolder(path string) error {
	for _, one := range []string{path, filepath.Dir(path)} {
		folder, err := os.Open(one)
		if err != nil {
			return err
		}
		if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
			return err
		}
	}
	return nil
}
