package secret_test

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/app/secret"
)

const master = "a master key that only tests have"

func keys(t *testing.T, master string) *secret.Keys {
	t.Helper()
	k, err := secret.NewKeys([]byte(master))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeysStay: what was kept under a master key yesterday (PINs, habits,
// subscriptions to push) must fit today.
func TestKeysStay(t *testing.T) {
	k := keys(t, master)
	public, private := k.Push()
	for what, pair := range map[string][2]string{
		"PINDigest": {k.PINDigest("account-1", "246813"), "2c9d9f68558cd4c41f637a2a726eb1e23ca7a63c2027fccdf1e209b496035650"},
		"Subject":   {k.Subject("user1@alder.example"), "73451358e09c65aa78612db9101449b4"},
		"FormToken": {k.FormToken("a browser"), "b94da264e8e31a9b903889ead3077bbb3d46e472279"},
		"Check":     {k.Check(), "949b162e0e3e8bf28bef806095d7d8682349d32de459e4795158a0273694fa93"},
		"public":    {public, "BMwu2aObddNAO2K5WtotWzsV5n4W-Ht9596_l-9J_BvovMEMmqq1na58CV21O725PIel49fuDNAN0htAdkOMs0c"},
		"private":   {private, "1sqonSWz3AUlDgDIAp9lj9qRm9XflycHSSqwWvl_Rb4"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", what, pair[0], pair[1])
		}
	}
}

// TestOnePurposeSaysNothingOfAnother: the same text under each key, and under
// another master, is never the same value.
func TestOnePurposeSaysNothingOfAnother(t *testing.T) {
	seen := map[string]string{}
	for _, m := range []string{master, master + "!"} {
		k := keys(t, m)
		public, private := k.Push()
		for what, value := range map[string]string{
			"PINDigest": k.PINDigest("latch", "key"), "PINDigest of another PIN": k.PINDigest("latch", "kez"), "PINDigest of another account": k.PINDigest("latci", "key"),
			"Subject": k.Subject("latchkey"), "FormToken": k.FormToken("latchkey"), "Check": k.Check(), "public": public, "private": private,
			"Subject of the PIN's text": k.Subject("latch\x00key"), "FormToken of the PIN's text": k.FormToken("latch\x00key"),
		} {
			what += " under " + m
			short := value[:32]
			if other := seen[short]; other != "" {
				t.Errorf("%s begins like %s", what, other)
			}
			if strings.Contains(value, "latchkey") || strings.Contains(value, hex.EncodeToString([]byte(m))) {
				t.Errorf("%s gives its text or its key away: %s", what, value)
			}
			seen[short] = what
		}
	}
	if a, b := keys(t, master), keys(t, master); a.PINDigest("a", "1") != b.PINDigest("a", "1") {
		t.Error("two replicas with one master key differ")
	}
}

func TestThePushKeyIsAPairOnP256(t *testing.T) {
	public, private := keys(t, master).Push()
	scalar, err := base64.RawURLEncoding.DecodeString(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil {
		t.Fatalf("the private part is none: %v", err)
	}
	if got := base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()); got != public {
		t.Errorf("the public part is %s, want %s", public, got)
	}
}

func TestMasterKeysThatAreNone(t *testing.T) {
	for claim, text := range map[string]string{
		"nothing": "", "31 bytes": strings.Repeat("ab", 15) + "c", "one byte repeated": strings.Repeat("a", 32), "zeroes": strings.Repeat("\x00", 64),
	} {
		if _, err := secret.NewKeys([]byte(text)); err == nil {
			t.Errorf("%s: NewKeys took it", claim)
		}
	}
	for claim, text := range map[string]string{
		"nothing": "", "no hex": strings.Repeat("xy", 32), "62 digits": strings.Repeat("0f", 31), "65 digits": strings.Repeat("0f", 32) + "0", "a space within": strings.Repeat("0f", 16) + " " + strings.Repeat("0f", 16),
	} {
		if _, err := secret.ParseMaster(text); err == nil {
			t.Errorf("%s: ParseMaster took it", claim)
		}
	}
	for _, text := range []string{strings.Repeat("0f", 32), " " + strings.Repeat("0F", 32) + "\r\n", strings.Repeat("0f", 40)} {
		if got, err := secret.ParseMaster(text); err != nil || len(got) < 32 || got[0] != 0x0f {
			t.Errorf("ParseMaster(%q) = %x, %v", text, got, err)
		}
	}
}

// FuzzParseMaster: what is taken for a key is long enough and was all there.
func FuzzParseMaster(f *testing.F) {
	f.Add(strings.Repeat("0f", 32) + "\n")
	f.Add("0f")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := secret.ParseMaster(text)
		if err != nil {
			return
		}
		if again := hex.EncodeToString(key); len(key) < 32 || !strings.EqualFold(again, strings.TrimSpace(text)) {
			t.Errorf("ParseMaster(%q) = %x", text, key)
		}
	})
}

func TestTheMasterKeyIsMadeOnceAndForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a new folder", "master.key")
	made, err := secret.LoadMaster(path)
	if err != nil || len(made) != 32 {
		t.Fatalf("LoadMaster = %x, %v", made, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
	if again, err := secret.LoadMaster(path); err != nil || !bytes.Equal(again, made) {
		t.Errorf("LoadMaster a second time = %x, %v; want %x", again, err, made)
	}
	if _, err := secret.NewKeys(made); err != nil {
		t.Errorf("NewKeys of it = %v", err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o620, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.LoadMaster(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("LoadMaster of a file with the mode %v = %v, want a refusal that says what to do", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.LoadMaster(path); err != nil {
		t.Errorf("LoadMaster of a file that is only read = %v", err)
	}
	other := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(other, []byte("changeme\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.LoadMaster(other); err == nil {
		t.Error("LoadMaster took a file without a key")
	}
	if _, err := secret.LoadMaster(t.TempDir()); err == nil {
		t.Error("LoadMaster took a folder")
	}
}
