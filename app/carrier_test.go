package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestNothingOwedIsLostWhenTheProgramIsKilled: messages are on their way when the
// process dies without a word. What was not noted as sent is sent again, under the
// same key, and nothing secret is left in the log or in the database.
func TestNothingOwedIsLostWhenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			const owed, canary = 12, "canary-of-a-credential"
			var mu sync.Mutex
			seen := map[string][]string{} // text by idempotency key, as often as it came
			hang := make(chan struct{})
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				form, _ := url.ParseQuery(string(body))
				mu.Lock()
				seen[r.Header.Get("Idempotency-Key")] = append(seen[r.Header.Get("Idempotency-Key")], form.Get("Body"))
				mu.Unlock()
				select {
				case <-hang:
				case <-r.Context().Done():
				}
				w.WriteHeader(http.StatusCreated)
				fmt.Fprint(w, `{"sid":"SM1","status":"queued"}`)
			}))
			defer api.Close()
			release := sync.OnceFunc(func() { close(hang) })
			defer release()
			tried := func() (n int) {
				mu.Lock()
				defer mu.Unlock()
				return len(seen)
			}

			address, master := storetest.Address(t, dialect), []byte("a master key that only tests have")
			db, err := store.Open(t.Context(), address, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			must(t, db.Migrate(t.Context()), audit.EnsureMonths(t.Context(), db))
			keys, err := secret.NewKeys(master)
			must(t, err)
			s := &provider.Service{DB: db, Keys: keys, Outside: notify.Outside{Allowed: notify.Loopback}}
			set := func(statement string, values ...any) {
				t.Helper()
				must(t, db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }))
			}
			set("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES ('alder','alder','Alder','eu','stable','active','pick3','ios',?)", db.Now())
			must(t, s.Save(t.Context(), "alder", "", provider.SMS, provider.Settings{Driver: provider.Twilio, URL: api.URL, Account: "AC1", Sender: "+15550100"}, secret.TokenOf(canary), 0, audit.Origin{}))
			for i := range owed {
				must(t, db.Act(t.Context(), func(tx *store.Tx) error {
					return s.QueueCode(tx, "alder", provider.SMS, "+4930901820", secret.TokenOf(fmt.Sprintf("9090%02d", i)), 10*time.Minute)
				}))
			}
			count := func(where string) (n int) {
				t.Helper()
				if _, err := db.View(t.Context()).One(&n, "SELECT count(*) FROM outbox WHERE "+where); err != nil {
					t.Fatal(err)
				}
				return n
			}

			environment := []string{"LATCHKEY_LISTEN=" + free(t), "LATCHKEY_DATA=" + t.TempDir(), "LATCHKEY_DATABASE_URL=" + address, "LATCHKEY_MASTER_KEY=" + hex.EncodeToString(master), "LATCHKEY_LOG_LEVEL=debug"}
			p := begin(t, environment, "serve")
			eventually(t, "messages on their way", func() bool { return tried() >= 2 })
			must(t, p.command.Process.Kill())
			<-p.ended
			if n := count("sent_at IS NOT NULL OR failed_at IS NOT NULL"); n != 0 {
				t.Fatalf("%d are noted as over though nobody took one", n)
			}
			under := tried()

			release()
			set("UPDATE outbox SET due_at = ?", db.Now()) // the claims of the dead lapse after half a minute
			again := begin(t, environment, "serve")
			eventually(t, "everything to be sent", func() bool { return count("sent_at IS NOT NULL") == owed })
			mu.Lock()
			defer mu.Unlock()
			texts, twice := map[string]bool{}, 0
			for key, all := range seen {
				for _, text := range all {
					texts[text] = true
					if text != all[0] {
						t.Errorf("the key %s stands for %q and %q", key, all[0], text)
					}
				}
				if len(all) > 1 {
					twice++
				}
			}
			if len(seen) != owed || len(texts) != owed || twice != under {
				t.Errorf("%d keys and %d texts, %d of them twice; want %d, and %d twice", len(seen), len(texts), twice, owed, under)
			}
			for _, log := range []string{p.out.String(), again.out.String()} {
				if strings.Contains(log, canary) || strings.Contains(log, "9090") || strings.Contains(log, "+4930901820") {
					t.Errorf("the log has what is secret:\n%s", log)
				}
			}
			if n := count("body <> ''"); n != 0 {
				t.Errorf("%d bodies are kept", n)
			}
			again.stop(t)
		})
	}
}

func must(t *testing.T, all ...error) {
	t.Helper()
	for _, err := range all {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("for thirty seconds there was no sign of %s", what)
}
