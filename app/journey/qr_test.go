package journey

import (
	"net/url"
	"strings"
	"testing"

	"latchkey/app/store"
)

// What the camera of a phone finds on the pages is what they say in letters, in
// the light and in the dark, on a wide screen and on a narrow one.
func TestQRCodesSayWhatThePagesSay(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user11@alder.example"
	p := h.pc()
	p.enter(name)
	shows := func(want string) {
		t.Helper()
		for _, o := range PageShapes {
			p.wear(o)
			if got := p.QR("svg.qr"); got != want {
				t.Errorf("the QR code at %s says %q, want %q", o, got, want)
			}
		}
		p.dress(p.options)
	}

	p.Open(h.URL + "/me/totp")
	p.Follow("form[action='/me/totp'] button")
	codes, err := url.QueryUnescape(strings.TrimPrefix(p.Attribute("a[href^='/phone#codes=']", "href"), "/phone#codes="))
	if err != nil {
		t.Fatal(err)
	}
	of, err := url.Parse(codes)
	if err != nil || of.Scheme != "otpauth" || of.Host != "totp" || of.Path != "/Alder Health:"+name {
		t.Errorf("the codes are of %q, %v", codes, err)
	}
	if seed := strings.Join(strings.Fields(p.Text("#totp-seed")), ""); len(seed) != 32 || of.Query().Get("secret") != seed {
		t.Errorf("the link has the secret %q, and the page says %q", of.Query().Get("secret"), seed)
	}
	shows(codes)

	link := p.link()
	if !strings.HasPrefix(link, h.URL+"/phone#enrol=") {
		t.Errorf("the link is %q", link)
	}
	shows(link)
	phone := h.handset()
	phone.enrol(p.QR("svg.qr"))
	p.WaitFor("body[data-state=test] #match-number")
	phone.approve(p.Text("#match-number"))
	phone.ended("approved")
}
