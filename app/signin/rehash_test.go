package signin_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
)

// weakHash is a hash of a password as weaker parameters made it.
func weakHash(password string) string {
	salt := []byte("salt of an old one")
	key := argon2.IDKey([]byte(password), salt, 1, 8*1024, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=8192,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func TestAnOldHashIsRenewedByTheSignIn(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		real := secret.NewPasswords()
		h.SignIn.Passwords = real
		old := weakHash(Password)
		h.Set("UPDATE users SET password_hash = ? WHERE id = ?", old, u.ID)
		now := func() string { return h.Text("SELECT password_hash FROM users WHERE id = ?", u.ID) }
		if _, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), Password+"!", pc); err == nil || now() != old {
			t.Fatalf("a wrong one gives %v and the hash %s", err, now())
		}
		if _, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), Password, pc); err != nil {
			t.Fatal(err)
		}
		renewed := now()
		if real.Outdated(renewed) || !real.Outdated(old) || !strings.Contains(renewed, "m=19456,t=2,p=1") {
			t.Errorf("the hash is now %s", renewed)
		}
		if _, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), Password, pc); err != nil || now() != renewed {
			t.Errorf("signing in once more gives %v, and the hash %s", err, now())
		}
	})
}

// changing replaces the password while another one is being checked.
type changing struct {
	signin.Passwords
	h      *House
	userID string
}

func (c changing) Verify(_ context.Context, _, _ string) (bool, error) {
	c.h.Set("UPDATE users SET password_hash = 'another' WHERE id = ?", c.userID)
	return true, nil
}

func TestAPasswordThatIsReplacedMeanwhileSignsNobodyIn(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		h.SignIn.Passwords = changing{h.SignIn.Passwords, h, u.ID}
		if _, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), Password, pc); fault.Of(err) == nil || fault.Of(err).Kind != fault.Refused {
			t.Errorf("it gives %v", err)
		}
		if n := h.Count("SELECT count(*) FROM sessions WHERE user_id = ?", u.ID); n != 0 {
			t.Errorf("%d sessions were made", n)
		}
	})
}
