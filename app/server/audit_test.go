package server_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/app/checkpoint"
	"latchkey/app/demo"
	"latchkey/app/server"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestTheAuditFromTheCommandLine: a database and a bundle of it are verified, a change is
// named with its place, a key is exchanged and a person erased, and all stays whole.
func TestTheAuditFromTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			folder := t.TempDir()
			settings := server.Settings{
				Listen: "127.0.0.1:0", DatabaseURL: storetest.Address(t, dialect), Data: folder, PublicURL: "http://localhost:1", LogLevel: "error",
				AuditWitness: filepath.Join(folder, "witness"), Trial: server.Trial{CheapPasswords: true},
			}
			s, err := server.Build(t.Context(), settings, server.Logger("error"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.DB.Close() })
			if err := demo.Fill(t.Context(), s.DB, s.Passwords, "password", false); err != nil {
				t.Fatal(err)
			}
			witness := func() {
				t.Helper()
				if err := s.Checkpoints.Round(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := s.Checkpoints.Tell(t.Context(), s.Checkpoints.Witnesses[0]); err != nil {
					t.Fatal(err)
				}
			}
			witness()
			says := func(err error, out *bytes.Buffer, whole bool, texts ...string) {
				t.Helper()
				if (err == nil) != whole {
					t.Errorf("it ends with %v and says %s", err, out)
				}
				for _, text := range texts {
					if !strings.Contains(out.String(), text) {
						t.Errorf("it does not say %q but %s", text, out)
					}
				}
			}
			var out bytes.Buffer
			says((&server.AuditVerify{Settings: settings}).Run(t.Context(), &out), &out, true, "alder: whole", "birch: whole", "platform: whole")
			var keys bytes.Buffer
			if err := (&server.AuditKeys{Settings: settings}).Run(t.Context(), &keys); err != nil {
				t.Fatal(err)
			}
			first := strings.TrimSpace(keys.String())
			out.Reset()
			says((&server.AuditRotateKey{Settings: settings, Reason: "yearly"}).Run(t.Context(), &out), &out, true, "latchkey-")
			if _, err := s.DB.Pool().ExecContext(t.Context(), `INSERT INTO audit_views (tenant_id, id, owner_id, name, name_key, filters, shared, version, created_at, changed_at)
				SELECT tenant_id, 'theirs', id, 'Mine', 'mine', '{"text":"Jane"}', FALSE, 1, created_at, created_at FROM users WHERE name = 'user1@alder.example'`); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			says((&server.AuditErase{Settings: settings, Tenant: "alder", Person: "user1@alder.example", Reason: "asked"}).Run(t.Context(), &out), &out, true, "gone from")
			left := 0
			if err := s.DB.Pool().QueryRowContext(t.Context(), "SELECT count(*) FROM audit_views").Scan(&left); err != nil || left != 0 {
				t.Errorf("%d views of who was erased are left, %v", left, err)
			}
			witness()
			out.Reset()
			says((&server.AuditVerify{Settings: settings, Tenant: "alder"}).Run(t.Context(), &out), &out, true, "alder: whole", "are erased")
			out.Reset()
			says((&server.AuditDrops{Settings: settings, Tenant: "alder"}).Run(t.Context(), &out), &out, true, "Nothing was dropped")
			out.Reset()
			says((&server.AuditDrops{Settings: settings, Tenant: "nobody"}).Run(t.Context(), &out), &out, false)
			path := filepath.Join(folder, "alder.zip")
			out.Reset()
			says((&server.AuditBundle{Settings: settings, Tenant: "alder", Out: path}).Run(t.Context(), &out), &out, true, "alder")
			out.Reset()
			says((&server.AuditBundle{Settings: settings, Tenant: "alder", Out: path}).Run(t.Context(), &out), &out, false)
			nothing := server.Settings{}
			out.Reset()
			says((&server.AuditVerify{Settings: nothing, Bundle: path, Key: []string{first}, Witness: settings.AuditWitness}).Run(t.Context(), &out), &out, true, "alder: whole")
			out.Reset()
			says((&server.AuditVerify{Settings: nothing, Bundle: path}).Run(t.Context(), &out), &out, true, "alder: whole", "No key was named", first)
			out.Reset()
			says((&server.AuditVerify{Settings: nothing, Bundle: path, Key: []string{"another+00000000+AAAA"}}).Run(t.Context(), &out), &out, false, "NOT WHOLE", string(checkpoint.Signature))
			out.Reset()
			says((&server.AuditVerify{Settings: settings, Tenant: "nobody"}).Run(t.Context(), &out), &out, false)

			disarm := "DROP TRIGGER audit_events_no_update"
			if dialect == store.Postgres {
				disarm = "ALTER TABLE audit_events DISABLE TRIGGER USER"
			}
			for _, statement := range []string{disarm, "UPDATE audit_events SET reason = 'another' WHERE id = (SELECT event_id FROM audit_leaves WHERE n = 1 AND tenant_id = (SELECT id FROM tenants WHERE slug = 'alder'))"} {
				if _, err := s.DB.Pool().ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			out.Reset()
			says((&server.AuditVerify{Settings: settings}).Run(t.Context(), &out), &out, false, "alder: NOT WHOLE, first at 1\n", "birch: whole")
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		})
	}
}
