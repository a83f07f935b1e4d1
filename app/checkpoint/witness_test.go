package checkpoint_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/app/checkpoint"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestTheFileOfAWitness has every number once and in order, over restarts, and over a line
// that a crash has cut.
func TestTheFileOfAWitness(t *testing.T) {
	storetest.On(t, store.SQLite, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		path := filepath.Join(t.TempDir(), "witness")
		for i := range 4 {
			file := &checkpoint.File{Path: path, Host: "here"}
			s := service(t, db, file)
			for range 3 {
				write(t, db, clock, "alder", 5, 1)
				round(t, s)
				if err := s.Tell(t.Context(), file); err != nil {
					t.Fatal(err)
				}
				clock.Forward(2 * time.Minute)
			}
			if i == 2 {
				whole, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, whole[:len(whole)-40], 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		all := lines(t, &checkpoint.File{Path: path})
		last := int64(0)
		for _, c := range all {
			if c.Number != last+1 {
				t.Errorf("%d comes after %d", c.Number, last)
			}
			last = c.Number
		}
		if want := int64(count(t, db, "SELECT checkpoints FROM audit_sealing")); last != want || last < 10 {
			t.Errorf("the last is %d of %d", last, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v, %v", info.Mode(), err)
		}
		if err := os.WriteFile(path, []byte("something else\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		strange := &checkpoint.File{Path: path, Host: "here"}
		if _, _, err := strange.Heads(); err == nil {
			t.Error("a file of something else is a witness")
		}
		s := &checkpoint.Service{DB: db, Keys: keys(t), Log: slog.New(slog.DiscardHandler), Witnesses: []checkpoint.Witness{strange}}
		write(t, db, clock, "alder", 5, 1)
		if err := s.Round(t.Context()); err == nil || int64(count(t, db, "SELECT max(number) FROM audit_checkpoints")) != last {
			t.Errorf("beside it something is signed: %v", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if round(t, s); int64(count(t, db, "SELECT max(number) FROM audit_checkpoints")) == last {
			t.Error("when it is moved away nothing is signed")
		}
	})
}

// TestAWitnessThatHasEverything costs no writing, but for the word once a minute that
// somebody speaks of it.
func TestAWitnessThatHasEverything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		file := &checkpoint.File{Path: filepath.Join(t.TempDir(), "witness"), Host: "here"}
		s := service(t, db, file)
		write(t, db, clock, "alder", 2, 1)
		round(t, s)
		seen := func() (at time.Time) {
			t.Helper()
			if err := s.Tell(t.Context(), file); err != nil {
				t.Fatal(err)
			}
			if _, err := db.View(t.Context()).One(&at, "SELECT seen_at FROM audit_witnesses"); err != nil {
				t.Fatal(err)
			}
			return at
		}
		first := seen()
		clock.Forward(time.Minute - time.Second)
		if got := seen(); !got.Equal(first) {
			t.Errorf("within a minute it is written again, at %v", got)
		}
		clock.Forward(time.Second)
		if got := seen(); !got.Equal(first.Add(time.Minute)) {
			t.Errorf("after a minute %v stands there", got)
		}
	})
}

// TestAWitnessThatCannotBeReached is behind, the health says why, sealing goes on, and it
// gets everything when it is back.
func TestAWitnessThatCannotBeReached(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		status, taken := http.StatusInternalServerError, []int64(nil)
		under := secret.TokenOf("a secret of more than thirty-two letters")
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Header.Get("Latchkey-Signature") != "v1="+under.Sign(r.Header.Get("Latchkey-Timestamp")+"."+string(body)) {
				t.Error("a request is not signed")
			}
			var said struct {
				Kind        string
				Checkpoints []checkpoint.Signed
			}
			if err := json.Unmarshal(body, &said); err != nil || said.Kind != "checkpoints" {
				t.Errorf("it says %s", body)
			}
			if status == http.StatusOK {
				for _, c := range said.Checkpoints {
					taken = append(taken, c.Number)
				}
			}
			w.WriteHeader(status)
		}))
		defer server.Close()
		hook := &checkpoint.Webhook{URL: server.URL, Secret: under, Client: notify.Outside{Allowed: notify.Loopback}.Client(), Now: db.Now}
		lost := &checkpoint.File{Path: filepath.Join(t.TempDir(), "no", "folder"), Host: "here"}
		s := service(t, db, hook, lost)
		for range 3 {
			write(t, db, clock, "alder", 2, 1)
			round(t, s)
			clock.Forward(2 * time.Minute)
		}
		for range 2 { // the second time too it lets go of it at once
			if err := s.Tell(t.Context(), hook); err == nil {
				t.Error("an answer of 500 is taken for one")
			}
		}
		if err := s.Tell(t.Context(), lost); err == nil {
			t.Error("a file that cannot be written is")
		}
		health := func() checkpoint.Health {
			t.Helper()
			h, err := checkpoint.Look(t.Context(), db)
			if err != nil || len(h.Witnesses) != 2 || h.Faults != 0 || h.Late(clock.Now().Add(-2*time.Minute)) {
				t.Fatalf("the health is %+v, %v", h, err)
			}
			return h
		}
		for _, w := range health().Witnesses {
			if !w.Late(clock.Now()) || w.Fault == "" || w.Behind == 0 || strings.Contains(w.Fault, server.URL) {
				t.Errorf("it is %+v", w)
			}
		}
		status = http.StatusOK
		if err := s.Tell(t.Context(), hook); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(lost.Path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := s.Tell(t.Context(), lost); err != nil {
			t.Fatal(err)
		}
		for _, w := range health().Witnesses {
			if w.Late(clock.Now()) || w.Fault != "" || w.Behind != 0 {
				t.Errorf("afterwards it is %+v", w)
			}
		}
		for i, n := range taken {
			if n != int64(i+1) {
				t.Errorf("taken are %v", taken)
			}
		}
		if len(taken) != count(t, db, "SELECT checkpoints FROM audit_sealing") {
			t.Errorf("taken are %v", taken)
		}
	})
}
