package server_test

import (
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/app/secret"
	"latchkey/app/server"
)

// starting is what a process that may start is told.
func starting(t *testing.T) server.Settings {
	return server.Settings{
		Listen: "127.0.0.1:8080", PublicURL: "https://id.example.org", Data: t.TempDir(),
		MasterKey: hex.EncodeToString([]byte("a master key that only tests have")),
	}
}

// start starts with settings and says why not, if not.
func start(t *testing.T, settings server.Settings) (server.Settings, error) {
	t.Helper()
	s, err := server.Build(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		return settings, err
	}
	t.Cleanup(func() { _ = s.DB.Close() })
	return s.Settings, nil
}

func TestSettingsThatDoNotStart(t *testing.T) {
	for _, c := range []struct {
		claim  string
		change func(s *server.Settings)
		named  []string // in what is said
	}{
		{"plain http for the world", func(s *server.Settings) { s.PublicURL = "http://id.example.org" }, []string{"LATCHKEY_PUBLIC_URL", "loopback"}},
		{"plain http for the network", func(s *server.Settings) { s.PublicURL = "http://192.168.1.5:8080" }, []string{"LATCHKEY_PUBLIC_URL", "loopback"}},
		{"plain http that pretends", func(s *server.Settings) { s.PublicURL = "http://localhost.example.org" }, []string{"LATCHKEY_PUBLIC_URL", "loopback"}},
		{"plain http for who comes from elsewhere", func(s *server.Settings) { s.Listen, s.PublicURL = "0.0.0.0:8080", "http://localhost:8080" }, []string{"LATCHKEY_PUBLIC_URL", "loopback"}},
		{"plain http on every address", func(s *server.Settings) { s.Listen, s.PublicURL = ":8080", "http://127.0.0.1:8080" }, []string{"LATCHKEY_PUBLIC_URL", "loopback"}},
		{"listening beyond loopback without an address", func(s *server.Settings) { s.Listen, s.PublicURL = "0.0.0.0:8080", "" }, []string{"LATCHKEY_PUBLIC_URL", "needed"}},
		{"a witness that is called in the clear", func(s *server.Settings) {
			s.AuditWitnessURL, s.AuditWitnessSecret = "http://witness.example.org", strings.Repeat("x", 32)
		}, []string{"LATCHKEY_AUDIT_WITNESS_URL"}},
		{"a witness in a private network", func(s *server.Settings) {
			s.AuditWitnessURL, s.AuditWitnessSecret = "https://10.0.0.1/", strings.Repeat("x", 32)
		}, []string{"LATCHKEY_AUDIT_WITNESS_URL"}},
		{"a witness with a short secret", func(s *server.Settings) {
			s.AuditWitnessURL, s.AuditWitnessSecret = "https://witness.example.org", "short"
		}, []string{"LATCHKEY_AUDIT_WITNESS_SECRET"}},
		{"no scheme", func(s *server.Settings) { s.PublicURL = "id.example.org" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"no host", func(s *server.Settings) { s.PublicURL = "https://" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"a port without a host", func(s *server.Settings) { s.PublicURL = "https://:443" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"another scheme", func(s *server.Settings) { s.PublicURL = "ftp://id.example.org" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"a script", func(s *server.Settings) { s.PublicURL = "javascript:alert(1)" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"a path", func(s *server.Settings) { s.PublicURL = "https://id.example.org/latchkey" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"a query", func(s *server.Settings) { s.PublicURL = "https://id.example.org?x=y" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"an empty query", func(s *server.Settings) { s.PublicURL = "https://id.example.org?" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"a fragment", func(s *server.Settings) { s.PublicURL = "https://id.example.org#x" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"a user", func(s *server.Settings) { s.PublicURL = "https://me:secret@id.example.org" }, []string{"LATCHKEY_PUBLIC_URL"}},
		{"no port to listen on", func(s *server.Settings) { s.Listen = "127.0.0.1" }, []string{"LATCHKEY_LISTEN"}},
		{"a proxy that is no network", func(s *server.Settings) { s.TrustedProxies = []string{"10.0.0.1"} }, []string{"LATCHKEY_TRUSTED_PROXIES"}},
		{"fewer sign-ins than none", func(s *server.Settings) { s.SignInsPerMinute = -1 }, []string{"LATCHKEY_SIGN_INS_PER_MINUTE"}},
		{"a proxy by name", func(s *server.Settings) { s.TrustedProxies = []string{"10.0.0.0/8", "proxy.example.org"} }, []string{"LATCHKEY_TRUSTED_PROXIES"}},
		{"figures for the world", func(s *server.Settings) { s.MetricsListen = "0.0.0.0:9090" }, []string{"LATCHKEY_METRICS_LISTEN", "loopback"}},
		{"figures without a port", func(s *server.Settings) { s.MetricsListen = "127.0.0.1" }, []string{"LATCHKEY_METRICS_LISTEN"}},
		{"several at once", func(s *server.Settings) {
			s.PublicURL, s.TrustedProxies, s.MetricsListen = "http://id.example.org", []string{"x"}, "0.0.0.0:9090"
		}, []string{"LATCHKEY_PUBLIC_URL", "LATCHKEY_TRUSTED_PROXIES", "LATCHKEY_METRICS_LISTEN"}},

		{"a master key of zeroes", func(s *server.Settings) { s.MasterKey = strings.Repeat("00", 32) }, []string{"master key"}},
		{"a master key of one byte", func(s *server.Settings) { s.MasterKey = strings.Repeat("a5", 32) }, []string{"master key"}},
		{"a master key that is too short", func(s *server.Settings) { s.MasterKey = s.MasterKey[:62] }, []string{"master key"}},
		{"a master key that is no hex", func(s *server.Settings) { s.MasterKey = strings.Repeat("secret", 12) }, []string{"master key"}},
		{"a master key that is a word", func(s *server.Settings) { s.MasterKey = "changeme" }, []string{"master key"}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			settings := starting(t)
			c.change(&settings)
			_, err := start(t, settings)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, name := range c.named {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%q does not name %s", err, name)
				}
			}
			if settings.MasterKey != "" && strings.Contains(err.Error(), settings.MasterKey) {
				t.Errorf("%q gives the master key away", err)
			}
			if made, _ := os.ReadDir(settings.Data); len(made) > 0 {
				t.Errorf("it left %s", made[0].Name())
			}
		})
	}
}

func TestPublicAddressesAreWrittenAsBrowsersWriteThem(t *testing.T) {
	settings := starting(t) // one database: to make it takes longer than all the rest
	for given, want := range map[string]string{
		"https://id.example.org":        "https://id.example.org",
		"https://id.example.org/":       "https://id.example.org",
		"HTTPS://ID.Example.ORG":        "https://id.example.org",
		"https://id.example.org:8443":   "https://id.example.org:8443",
		"http://localhost:8080/":        "http://localhost:8080",
		"http://127.0.0.1:8080":         "http://127.0.0.1:8080",
		"http://[::1]:8080":             "http://[::1]:8080",
		"":                              "http://localhost:8080",
		"https://192.0.2.7":             "https://192.0.2.7",
		"https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
	} {
		settings.PublicURL = given
		if got, err := start(t, settings); err != nil || got.PublicURL != want {
			t.Errorf("%q becomes %q, %v; want %q", given, got.PublicURL, err, want)
		}
	}
}

func TestTheFileOfTheMasterKey(t *testing.T) {
	settings := starting(t)
	settings.MasterKey = ""
	path := filepath.Join(settings.Data, "master.key")

	// The first start makes it, for its owner alone; the next one takes it.
	if _, err := start(t, settings); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("master.key: %v, %v; want mode 600", info.Mode(), err)
	}
	made, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t, settings); err != nil {
		t.Errorf("the second start: %v", err)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(made) {
		t.Error("the second start made another key")
	}

	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660, 0o622} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := start(t, settings); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("with mode %o it starts, or does not say what to do: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for claim, text := range map[string]string{
		"an empty one": "", "a short one": "c0ffee\n", "a text": "not a key at all, and not hex either\n", "zeroes": strings.Repeat("0", 64) + "\n",
		"one of another database": hex.EncodeToString([]byte("the master key of somebody else's")),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := start(t, settings); err == nil || !strings.Contains(err.Error(), "master key") {
			t.Errorf("with %s it starts, or does not say why not: %v", claim, err)
		}
	}

	// The same key by the environment is the same key.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	settings.MasterKey = strings.TrimSpace(string(made))
	if _, err := start(t, settings); err != nil {
		t.Errorf("the key of the file, given as a setting: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a key that was given is written down")
	}
	if _, err := secret.ParseMaster(string(made)); err != nil {
		t.Error(err)
	}
}
