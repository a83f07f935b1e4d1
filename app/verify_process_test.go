package main

import (
	"crypto/rand"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"latchkey/app/demo"
	"latchkey/app/server"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestWhoVerifiesTheAuditIsToldByTheExitStatus: 0 of a database and of a bundle that are
// whole, and 1 of those that are not, with whose audit it is and the first index that is wrong.
func TestWhoVerifiesTheAuditIsToldByTheExitStatus(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	master := hex.EncodeToString([]byte("a master key that only tests have"))
	settings := server.Settings{
		Listen: "127.0.0.1:0", DatabaseURL: storetest.Address(t, store.SQLite), Data: folder, PublicURL: "http://localhost:1", LogLevel: "error",
		MasterKey: master, AuditWitness: filepath.Join(folder, "witness"), Trial: server.Trial{CheapPasswords: true},
	}
	s, err := server.Build(t.Context(), settings, server.Logger("error"))
	must(t, err)
	t.Cleanup(func() { _ = s.DB.Close() })
	must(t, demo.Fill(t.Context(), s.DB, s.Passwords, "password", false), s.Checkpoints.Round(t.Context()), s.Checkpoints.Tell(t.Context(), s.Checkpoints.Witnesses[0]))

	house := []string{"LATCHKEY_DATA=" + folder, "LATCHKEY_DATABASE_URL=" + settings.DatabaseURL, "LATCHKEY_MASTER_KEY=" + master, "LATCHKEY_AUDIT_WITNESS=" + settings.AuditWitness}
	run := func(t *testing.T, environment []string, status int, arguments ...string) string {
		t.Helper()
		p := begin(t, environment, append([]string{"audit"}, arguments...)...)
		if code := p.ends(t); code != status {
			t.Errorf("%v ends with %d, want %d:\n%s", arguments, code, status, p.out)
		}
		return p.out.String()
	}
	bundle := filepath.Join(folder, "alder.zip")
	run(t, house, 0, "bundle", "alder", "--out", bundle)
	key := strings.TrimSpace(run(t, house, 0, "keys"))
	name, _, _ := strings.Cut(key, "+")
	_, other, err := note.GenerateKey(rand.Reader, name)
	must(t, err)

	verify := func(claim string, environment []string, status int, says string, arguments ...string) {
		t.Run(claim, func(t *testing.T) {
			said := run(t, environment, status, append([]string{"verify"}, arguments...)...)
			if !regexp.MustCompile(says).MatchString(said) {
				t.Errorf("it does not say %q but:\n%s", says, said)
			}
		})
	}
	verify("a database", house, 0, `(?m)^alder: whole: `)
	verify("one organisation of it", house, 0, `(?m)^alder: whole: `, "alder")
	verify("a bundle", nil, 0, `(?m)^alder: whole: `, "--bundle", bundle, "--key", key)
	verify("a bundle under another key", nil, 1, `(?m)^alder: NOT WHOLE, first at one of 0 to \d+$`, "--bundle", bundle, "--key", other)
	verify("a database under another master key", append(house[:2:2], "LATCHKEY_MASTER_KEY="+hex.EncodeToString([]byte("the master key of another house  "))), 1, `made with another master key`)

	for _, statement := range []string{
		"DROP TRIGGER audit_events_no_update",
		"UPDATE audit_events SET reason = 'another' WHERE id = (SELECT event_id FROM audit_leaves WHERE n = 2 AND tenant_id = (SELECT id FROM tenants WHERE slug = 'alder'))",
	} {
		_, err := s.DB.Pool().ExecContext(t.Context(), statement)
		must(t, err)
	}
	verify("a database in which an event was edited", house, 1, `(?m)^alder: NOT WHOLE, first at 2$`)
	verify("the organisation of the event", house, 1, `(?m)^alder: NOT WHOLE, first at 2$`, "alder")
	verify("another organisation of it", house, 0, `(?m)^birch: whole: `, "birch")
	verify("the bundle from before", nil, 0, `(?m)^alder: whole: `, "--bundle", bundle, "--key", key)
}
