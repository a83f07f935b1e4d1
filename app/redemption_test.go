package main

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/secret"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
)

// TestABypassIsUsedOrNotWhenTheProgramIsKilled: people type their codes, and the process
// dies without a word while it takes them, fifty times with two of them each. A bypass is
// used exactly when there is a session of it; whoever heard that they are in is in; and the
// next process lets in whose bypass was not used, and refuses the others, twice alike.
func TestABypassIsUsedOrNotWhenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			const kills, people = 50, 2
			address, master := storetest.Address(t, dialect), []byte("a master key that only tests have")
			db, err := store.Open(t.Context(), address, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			must(t, db.Migrate(t.Context()), audit.EnsureMonths(t.Context(), db))
			keys, err := secret.NewKeys(master)
			must(t, err)
			var of tenant.Tenant
			must(t, db.Act(t.Context(), func(tx *store.Tx) (err error) {
				of, err = tenant.Create(tx, tenant.New{Slug: "alder", Name: "Alder", Domain: "alder.example", Region: "eu"}, audit.Service, audit.Origin{})
				return err
			}))
			set := func(statement string, values ...any) {
				t.Helper()
				must(t, db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }))
			}
			count := func(query string, values ...any) (n int) {
				t.Helper()
				if _, err := db.View(t.Context()).One(&n, query, values...); err != nil {
					t.Fatal(err)
				}
				return n
			}
			const code, typed = "ABCDEFGHJKMNPQRS", "ABCD-EFGH-JKMN-PQRS"
			// ready gives somebody new a bypass, and gives its id.
			ready := func(n int) string {
				id, now := fmt.Sprint("bypass-", n), db.Now()
				set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)", of.ID, fmt.Sprint("user-", n), fmt.Sprintf("user%d@alder.example", n), now)
				set(`INSERT INTO bypasses (tenant_id, id, user_id, kind, state, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at, made_at, code_digest)
					VALUES (?,?,?,'pass_code','active',60,1,1,'','','phone','strong','',?,?,?,?,?)`, of.ID, id, fmt.Sprint("user-", n), now.Add(-time.Minute), now.Add(time.Hour), now, now, keys.CodeDigest(id, code))
				return id
			}
			listen := servertest.FreeAddress(t)
			base := "http://" + strings.Replace(listen, "127.0.0.1", "localhost", 1)
			environment := []string{"LATCHKEY_LISTEN=" + listen, "LATCHKEY_DATA=" + t.TempDir(), "LATCHKEY_DATABASE_URL=" + address, "LATCHKEY_MASTER_KEY=" + hex.EncodeToString(master), "LATCHKEY_SIGN_INS_PER_MINUTE=0"}
			// begun is a browser before the page that takes the code, and what it is about to send.
			begun := func(n int) (client *http.Client, page string, form url.Values) {
				t.Helper()
				client = visitor(t)
				_, _, page = post(t, client, base+"/signin", base+"/signin", url.Values{"identifier": {fmt.Sprintf("user%d@alder.example", n)}})
				post(t, client, page, page+"/method", url.Values{"method": {"bypass"}})
				_, text := get(t, client, page)
				if !strings.Contains(text, `data-step="bypass"`) {
					t.Fatalf("the page takes no code of the helpdesk:\n%.500s", text)
				}
				return client, page, url.Values{"csrf": {formToken.FindStringSubmatch(text)[1]}, "code": {typed}}
			}
			told := make([]int, kills*people) // by the program, or 0 for nothing
			for kill := range kills {
				p := begin(t, environment, "serve")
				p.says(t, "listens on ")
				var all, sent sync.WaitGroup
				for i := range people {
					n := kill*people + i
					ready(n)
					client, page, form := begun(n)
					client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
					sent.Add(1)
					all.Go(func() {
						sent.Done()
						sent.Wait()
						if kill == 0 {
							<-p.ended // the first ones come too late
						}
						if res, err := client.PostForm(page+"/verify", form); err == nil {
							told[n] = res.StatusCode
							_ = res.Body.Close()
						}
					})
				}
				sent.Wait()
				if kill == kills-1 {
					all.Wait() // the last ones are all in
				}
				time.Sleep(time.Duration((kill-1)*(kill-1)) * time.Millisecond / 36) // anywhere from before the first to after the last
				must(t, p.command.Process.Kill())
				<-p.ended
				all.Wait()
			}

			p := begin(t, environment, "serve")
			p.says(t, "listens on ")
			used := 0
			for n, status := range told {
				id := fmt.Sprint("bypass-", n)
				is, sessions := count("SELECT count(*) FROM bypasses WHERE id = ? AND state = 'used' AND uses_left = 0", id), count("SELECT count(*) FROM sessions WHERE bypass_id = ?", id)
				events := count("SELECT count(*) FROM audit_events WHERE action = 'bypass.used' AND target_id = ?", id)
				if is != sessions || is != events {
					t.Errorf("%s: %d used, %d sessions, %d events", id, is, sessions, events)
				}
				if status == http.StatusSeeOther && sessions != 1 || status != http.StatusSeeOther && status != 0 {
					t.Errorf("%s: its person was answered %d, and there are %d sessions", id, status, sessions)
				}
				used += is
			}
			t.Logf("%d of %d were used when the process died", used, len(told))
			if used == 0 || used == len(told) {
				t.Errorf("%d of %d were used: the process never died in between", used, len(told))
			}
			// What comes of it afterwards: of each kind two are enough.
			tried := map[int]int{}
			for n := range told {
				was := count("SELECT count(*) FROM sessions WHERE bypass_id = ?", fmt.Sprint("bypass-", n))
				if tried[was]++; tried[was] > 2 {
					continue
				}
				want := []int{http.StatusSeeOther, http.StatusUnauthorized}[was:]
				for _, status := range append(want, http.StatusUnauthorized)[:2] {
					client, page, form := begun(n)
					client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
					res, err := client.PostForm(page+"/verify", form)
					must(t, err)
					_ = res.Body.Close()
					if res.StatusCode != status {
						t.Errorf("bypass-%d with %d sessions: tried again it is %d, want %d", n, was, res.StatusCode, status)
					}
				}
			}
			p.stop(t)
		})
	}
}
