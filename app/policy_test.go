package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/app/approval"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// The policy of an organisation as a file, by whoever has the database: the program on
// the command line, beside one that serves.

type keeper struct {
	*servertest.Program
	environment []string
}

func keep(t *testing.T, dialect store.Dialect) *keeper {
	t.Helper()
	p := servertest.Quiet(t, dialect, "https://id.example.org")
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return &keeper{Program: p, environment: []string{
		"LATCHKEY_DATABASE_URL=" + p.Settings.DatabaseURL, "LATCHKEY_MASTER_KEY=" + p.Settings.MasterKey, "LATCHKEY_PUBLIC_URL=https://id.example.org", "LATCHKEY_LOG_LEVEL=error",
	}}
}

// policy runs a command of policy and gives what it says and the exit code.
func (k *keeper) policy(t *testing.T, arguments ...string) (said string, code int) {
	t.Helper()
	p := begin(t, k.environment, append([]string{"policy"}, arguments...)...)
	code = p.ends(t)
	return p.out.String(), code
}

// export writes the policy into a file.
func (k *keeper) export(t *testing.T) (path, text string) {
	t.Helper()
	text, code := k.policy(t, "export", "alder")
	if code != 0 || !strings.Contains(text, "tenant: alder") {
		t.Fatalf("export ends with %d:\n%s", code, text)
	}
	return write(t, text), text
}

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (k *keeper) count(t *testing.T, query string, values ...any) (n int) {
	t.Helper()
	if _, err := k.DB.View(t.Context()).One(&n, query, values...); err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	administrator = "admin@alder.example"
	tightens      = "format: 1\ntenant: alder\nlimits: {tries_most: 5}\nfeatures:\n  passkeys: {stage: percentage, percentage: 25, include: [pilot], exclude: [field]}\n"
	loosens       = "format: 1\ntenant: alder\nlimits: {tries_most: 5}\nfeatures: {sms: {stage: everyone}}\n"
)

func onEach(t *testing.T, story func(t *testing.T, k *keeper)) {
	t.Helper()
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) { story(t, keep(t, dialect)) })
	}
}

// TestAPolicyGoesRound: what is exported changes nothing; what differs is shown, and done
// once.
func TestAPolicyGoesRound(t *testing.T) {
	onEach(t, func(t *testing.T, k *keeper) {
		path, before := k.export(t)
		for _, arguments := range [][]string{{"diff", path}, {"diff", path, "--as", administrator}, {"apply", path, "--as", administrator, "--reason", "a test"}} {
			if said, code := k.policy(t, arguments...); code != 0 || !strings.HasPrefix(said, "Nothing ") {
				t.Errorf("%v of what was exported ends with %d:\n%s", arguments, code, said)
			}
		}
		changed := write(t, tightens)
		said, code := k.policy(t, "diff", changed)
		if code != 0 || strings.Contains(said, "second person") {
			t.Errorf("diff ends with %d:\n%s", code, said)
		}
		for _, line := range []string{"Open or close a feature", "Passkeys", "25 %", "pilot", "field"} {
			if !strings.Contains(said, line) {
				t.Errorf("diff does not say %q:\n%s", line, said)
			}
		}
		if _, after := k.export(t); after != before || k.count(t, "SELECT count(*) FROM rollouts") != 0 {
			t.Error("diff has changed something")
		}
		if said, code := k.policy(t, "apply", changed, "--as", administrator, "--reason", "we begin", "--ticket", "CHG-1"); code != 0 || strings.Count(said, "  done\n") != 2 {
			t.Fatalf("apply ends with %d:\n%s", code, said)
		}
		if n := k.count(t, "SELECT count(*) FROM audit_events e JOIN users u ON u.id = e.actor_id WHERE e.action IN ('rollout.changed', 'policy.changed') AND e.reason = 'we begin' AND u.name = ?", administrator); n != 2 {
			t.Errorf("%d of 2 events are in the administrator's name", n)
		}
		again, after := k.export(t)
		if after == before {
			t.Error("apply has changed nothing")
		}
		for _, path := range []string{again, changed} {
			if said, code := k.policy(t, "apply", path, "--as", administrator, "--reason", "again"); code != 0 || !strings.HasPrefix(said, "Nothing has changed") {
				t.Errorf("a second time it ends with %d:\n%s", code, said)
			}
		}
		if n := k.count(t, "SELECT count(*) FROM rollout_versions"); n != 1 {
			t.Errorf("%d versions", n)
		}
	})
}

// TestAPolicyThatLoosensWaits for a second person, and for what a serving program lets
// them approve.
func TestAPolicyThatLoosensWaits(t *testing.T) {
	onEach(t, func(t *testing.T, k *keeper) {
		shut := write(t, "format: 1\ntenant: alder\nfeatures: {sms: {stage: \"off\"}}\n")
		if said, code := k.policy(t, "apply", shut, "--as", administrator, "--reason", "a test"); code != 0 {
			t.Fatalf("apply ends with %d:\n%s", code, said)
		}
		path := write(t, loosens)
		if said, code := k.policy(t, "diff", path); code != 0 || strings.Count(said, "a second person has to approve this") != 1 {
			t.Errorf("diff ends with %d:\n%s", code, said)
		}
		said, code := k.policy(t, "apply", path, "--as", administrator, "--reason", "a test")
		if code != 0 || strings.Count(said, "waits for approval: https://id.example.org/admin/alder/approvals/") != 1 || strings.Count(said, "  done\n") != 1 {
			t.Fatalf("apply ends with %d:\n%s", code, said)
		}
		if n := k.count(t, "SELECT count(*) FROM rollouts WHERE feature = 'sms' AND stage = 'off'"); n != 1 {
			t.Error("it did not wait")
		}
		if said, code := k.policy(t, "apply", path, "--as", administrator, "--reason", "a test"); code != 1 || !strings.Contains(said, "waits") {
			t.Errorf("asked for twice it ends with %d:\n%s", code, said)
		}
		_, rest, _ := strings.Cut(said, "/approvals/")
		id := strings.Fields(rest)[0]
		var tenantID, approver string
		for name, dest := range map[string]*string{"tenant_id": &tenantID, "id": &approver} {
			if _, err := k.DB.View(t.Context()).One(dest, "SELECT "+name+" FROM users WHERE name = 'security@alder.example'"); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.Approvals.Approve(t.Context(), tenantID, id, approver, approval.Given{Reason: "yes"}); err != nil {
			t.Fatal(err)
		}
		if said, code := k.policy(t, "diff", path); code != 0 || !strings.HasPrefix(said, "Nothing would change") {
			t.Errorf("approved, diff ends with %d:\n%s", code, said)
		}
	})
}

// TestAPolicyThatCannotBeEndsAndSaysWhy, and nothing has changed.
func TestAPolicyThatCannotBeEndsAndSaysWhy(t *testing.T) {
	onEach(t, func(t *testing.T, k *keeper) {
		_, before := k.export(t)
		as := func(name string) []string { return []string{"--as", name, "--reason", "a test"} }
		for claim, c := range map[string]struct {
			file  string // its text; empty: there is none
			more  []string
			says  string
			diffs bool // diff says it, too
		}{
			"a key that is none":              {tightens + "colour: green\n", as(administrator), "colour", true},
			"a feature that is none":          {"format: 1\ntenant: alder\nfeatures: {teleport: {stage: everyone}}\n", as(administrator), "teleport", true},
			"a group that is none":            {strings.Replace(tightens, "pilot", "nobody", 1), as(administrator), "nobody", true},
			"an organisation that is none":    {"format: 1\ntenant: oak\n", as(administrator), "oak", true},
			"no file":                         {"", as(administrator), "no such file", true},
			"nobody of this name":             {tightens, as("nobody@alder.example"), "nobody@alder.example", false},
			"an administrator of another":     {tightens, as("security@birch.example"), "security@birch.example", false},
			"somebody who may not":            {tightens, as("desk@alder.example"), "role does not allow", false},
			"in nobody's name":                {tightens, []string{"--reason", "a test"}, "--as", false},
			"without a reason":                {tightens, []string{"--as", administrator}, "--reason", false},
			"with a reason that says nothing": {tightens, []string{"--as", administrator, "--reason", " "}, "", false},
			"that shuts administrators out":   {"format: 1\ntenant: alder\nways_in: {password: {uses: []}}\n", as(administrator), "two administrators", false},
		} {
			path := filepath.Join(t.TempDir(), "none.yaml")
			if c.file != "" {
				path = write(t, c.file)
			}
			if said, code := k.policy(t, append([]string{"apply", path}, c.more...)...); code <= 0 || !strings.Contains(strings.ToLower(said), strings.ToLower(c.says)) || strings.Contains(said, "goroutine ") {
				t.Errorf("%s: apply ends with %d:\n%s", claim, code, said)
			}
			if c.diffs {
				if said, code := k.policy(t, "diff", path); code <= 0 || !strings.Contains(said, c.says) {
					t.Errorf("%s: diff ends with %d:\n%s", claim, code, said)
				}
			}
		}
		if said, code := k.policy(t, "export", "oak"); code != 1 {
			t.Errorf("export of none ends with %d:\n%s", code, said)
		}
		other := *k
		other.environment = append([]string{"LATCHKEY_MASTER_KEY=" + hex.EncodeToString([]byte("a master key of another program!"))}, k.environment[:1]...)
		if said, code := other.policy(t, "export", "alder"); code != 1 || !strings.Contains(said, "master key") {
			t.Errorf("with another master key it ends with %d:\n%s", code, said)
		}
		if _, after := k.export(t); after != before {
			t.Error("something has changed")
		}
	})
}
