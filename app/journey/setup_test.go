package journey

import (
	"bufio"
	"context"
	"io"
	"regexp"
	"testing"

	"latchkey/app/server"
	"latchkey/app/server/servertest"
)

// fresh runs `serve` on an empty folder and gives the set-up link that it prints.
func fresh(t *testing.T) (link string) {
	t.Helper()
	settings := server.Settings{Listen: servertest.FreeAddress(t), Data: t.TempDir(), LogLevel: "error", Drain: patience}
	printed, out := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := (&server.Serve{Settings: settings}).Run(ctx, out)
		out.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve ended with: %v", err)
		}
	})
	lines := bufio.NewScanner(printed)
	for link == "" && lines.Scan() {
		link = regexp.MustCompile(`http://\S+/setup/\S+`).FindString(lines.Text())
	}
	if link == "" {
		t.Fatalf("no set-up link was printed: %v", lines.Err())
	}
	go io.Copy(io.Discard, printed)
	return link
}

// A new installation prints one link. It makes the first organisation and its
// first security administrator, once.
func TestSetUpLinkMakesTheFirstTenant(t *testing.T) {
	t.Parallel()
	link := fresh(t)
	p := NewTab(t, Options{})
	p.Open(link)
	p.Look("pc-setup", PageShapes)
	for field, text := range map[string]string{
		"#tenant_name": "Cedar Works", "#tenant_slug": "cedar", "#domain": "cedar.example",
		"#admin_name": "security", "#password": "short", "#password_again": "short",
	} {
		p.Fill(field, text)
	}
	p.Follow(primary)
	p.WaitForText("#password-error", "15 characters")
	if got := Eval[string](p, "document.querySelector('#tenant_name').value"); got != "Cedar Works" {
		t.Errorf("the form came back with the name %q, not as it was typed", got)
	}
	p.Look("pc-setup-error", PageShapes)
	p.Fill("#password", "three words and one more")
	p.Fill("#password_again", "three words and one more")
	p.Follow(primary)
	p.WaitFor("body[data-step=setup-done]")
	p.WaitForText("main", "security@cedar.example")
	p.Look("pc-setup-done", PageShapes)

	p.Follow(primary) // sign in: the name is there already
	p.Follow(primary)
	p.Fill("#password", "three words and one more")
	p.Follow(primary)
	p.WaitForText(".bar-role", "Security administrator")

	p.Open(link)
	p.WaitFor("body[data-step=problem][data-state='404']")
}
