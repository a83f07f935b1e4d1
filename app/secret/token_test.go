package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"latchkey/app/secret"
)

// TestATokenDoesNotPrint: by no verb, in no log, in no JSON, in no error.
func TestATokenDoesNotPrint(t *testing.T) {
	const text = "a-bearer-value-of-somebody"
	token := secret.TokenOf(text)
	type carrier struct {
		Name  string
		Token secret.Token
		Also  *secret.Token
	}
	c := carrier{"a session", token, &token}
	printed := map[string]string{}
	// But for %p, which asks nobody; vet finds it.
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%t", "%c", "%U", "%e", "%T", "%10s", "%-40v", "%!"} {
		printed["a token by "+verb] = fmt.Sprintf(verb, token)
		printed["a pointer by "+verb] = fmt.Sprintf(verb, &token)
		printed["a struct by "+verb] = fmt.Sprintf(verb, c)
		printed["a slice by "+verb] = fmt.Sprintf(verb, []secret.Token{token})
		printed["a map by "+verb] = fmt.Sprintf(verb, map[secret.Token]secret.Token{token: token})
	}
	printed["Sprint"] = fmt.Sprint(token, c)
	printed["an error"] = fmt.Errorf("no session for %v: %w", token, errors.New("gone")).Error()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text log": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON log": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(handler(&b)).With("with", token)
		log.Info("a token", "token", token, "pointer", &token, "struct", c, "list", []secret.Token{token}, slog.Group("group", "token", token))
		printed[name] = b.String()
		if !strings.Contains(b.String(), "[redacted]") {
			t.Errorf("a %s says %s", name, b.String())
		}
	}
	encoded, err := json.Marshal(map[string]any{"token": token, "struct": c, "list": []secret.Token{token}})
	if err != nil {
		t.Fatal(err)
	}
	printed["JSON"] = string(encoded)
	hex := fmt.Sprintf("%x", text)
	for how, got := range printed {
		if strings.Contains(got, text) || strings.Contains(got, hex) || strings.Contains(got, strings.ToUpper(hex)) || strings.Contains(got, fmt.Sprint([]byte(text))) {
			t.Errorf("%s prints %s", how, got)
		}
	}
	if token.Reveal() != text {
		t.Errorf("Reveal = %q", token.Reveal())
	}
}

func TestDigests(t *testing.T) {
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-4, SHA-256 of "abc"
	if got := secret.Digest("abc"); got != abc {
		t.Errorf("Digest = %s, want %s", got, abc)
	}
	if got := secret.TokenOf("abc").Digest(); got != abc {
		t.Errorf("the digest of a token = %s, want %s", got, abc)
	}
	if !secret.TokenOf("").Empty() || secret.TokenOf("a").Empty() {
		t.Error("Empty says the wrong thing")
	}
	for _, row := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"abc", "abc", true}, {"abc", "abd", false}, {"abc", "ab", false}, {"", "a", false}} {
		if got := secret.Same(row.a, row.b); got != row.want {
			t.Errorf("Same(%q, %q) = %t", row.a, row.b, got)
		}
	}
}
