package store_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAFolderMayBeCalledAnything: what means something in a URI is part of the name.
func TestAFolderMayBeCalledAnything(t *testing.T) {
	for _, name := range []string{"plain", "with space", "a#b", "a?b", "100%", "%41", "ü"} {
		path := filepath.Join(t.TempDir(), name, "latchkey.db")
		if _, err := open(t, path).Pool().ExecContext(t.Context(), "CREATE TABLE something (id text)"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: the database is elsewhere: %v", name, err)
		}
	}
}
