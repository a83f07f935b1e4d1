package me

import (
	"context"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/views/words"
)

// Letters writes what leaves the house: notices as mails, and codes as text messages
// and calls. There is no browser to ask for its language, so it is the first one.
type Letters struct{ PublicURL string }

// Mail is a notice as a mail: what it says on the pages, and where they are.
func (l Letters) Mail(tenantName string, n notify.Told) (subject, text string) {
	ctx := context.Background()
	shown := notice(ctx, n)
	lines := []string{shown.What + ".", words.Say(ctx, "mail.when", "when", minute(n.At))}
	look := words.Say(ctx, "mail.look", "link", l.PublicURL+"/me/activity")
	if n.Action == audit.SessionNewBrowser {
		lines = append(lines, words.Say(ctx, "mail.from", "address", n.IP))
		look = words.Say(ctx, "mail.undo", "link", l.PublicURL+"/")
	}
	if shown.Until != nil {
		lines = append(lines, words.Say(ctx, "mail.until", "when", minute(*shown.Until)))
	}
	if n.Disowning != "" {
		look = words.Say(ctx, "mail.disown", "link", l.PublicURL+notMe+n.Disowning)
		if n.Action == audit.CaseAsked {
			look = words.Say(ctx, "mail.disown_ask", "link", l.PublicURL+notMe+n.Disowning)
		}
	}
	if shown.By != "" {
		lines = append(lines, words.Say(ctx, "mail.by", "role", shown.By))
	}
	if shown.Why != "" {
		lines = append(lines, words.Say(ctx, "mail.why", "reason", shown.Why))
	}
	lines = append(lines, "", shown.Next, look, "", words.Say(ctx, "mail.foot", "tenant", tenantName))
	return words.Say(ctx, "mail.subject", "tenant", tenantName, "what", shown.What), strings.Join(lines, "\n") + "\n"
}

// minute is a moment as messages say it: they are read who knows where.
func minute(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") }

// Told is a notice as a text message, as short as it can be.
func (l Letters) Told(tenantName string, n notify.Told) string {
	p := l.Pushed(tenantName, n)
	if p.Link == "" {
		return words.Say(context.Background(), "message.told", "tenant", p.Title, "what", p.Text)
	}
	return words.Say(context.Background(), "message.told.disown", "tenant", p.Title, "what", p.Text, "link", l.PublicURL+p.Link)
}

// Pushed is a notice as a phone shows it. One that is told without names says none.
func (l Letters) Pushed(tenantName string, n notify.Told) notify.Pushed {
	ctx := context.Background()
	what := notice(ctx, n).What
	p := notify.Pushed{Title: tenantName, Text: words.Say(ctx, "push.what", "what", what)}
	if n.Until != nil {
		p.Text = words.Say(ctx, "push.until", "what", what, "when", minute(*n.Until))
	}
	if n.Disowning != "" {
		p.Link = notMe + n.Disowning
	}
	return p
}

// notMe is where links lead by which somebody says that it was not them.
const notMe = "/not-me/"

// Code is a code as a text message. Its last line is what browsers know it by (the
// origin-bound one-time code message format), so that it is offered on this site and
// no other.
func (l Letters) Code(tenantName, code string) string {
	ctx := context.Background()
	_, host, _ := strings.Cut(l.PublicURL, "://")
	host, _, _ = strings.Cut(host, ":")
	return words.Say(ctx, "message.code", "code", code, "tenant", tenantName) + "\n@" + host + " #" + code
}

// ToCaller is a code that somebody on the phone with the helpdesk reads to it. Nothing
// in it is for browsers.
func (l Letters) ToCaller(tenantName, code, letters string) (text string, spoken []string) {
	ctx := context.Background()
	text = words.Say(ctx, "message.caller", "code", code, "tenant", tenantName, "letters", letters)
	return text, []string{
		words.Say(ctx, "message.caller.spoken", "tenant", tenantName), digits(ctx, code),
		words.Say(ctx, "message.caller.letters", "letters", strings.Join(strings.Split(letters, ""), ", ")),
	}
}

// Handed is a code, or the second half of one, by which the helpdesk lets somebody in. It
// may work for longer than a code that somebody asked for by themselves, and more than
// once: nothing is said of that.
func (l Letters) Handed(tenantName, code string, half bool) (text string, spoken []string) {
	ctx := context.Background()
	sent, said := "message.handed", "message.handed.spoken"
	if half {
		sent, said = "message.handed_half", "message.handed_half.spoken"
	}
	return words.Say(ctx, sent, "code", code, "tenant", tenantName), []string{words.Say(ctx, said, "tenant", tenantName), digits(ctx, code)}
}

// Spoken is a code as a call says it, digit by digit.
func (l Letters) Spoken(tenantName, code string) []string {
	ctx := context.Background()
	return []string{words.Say(ctx, "message.spoken", "tenant", tenantName), digits(ctx, code)}
}

func digits(ctx context.Context, code string) string {
	said := make([]string, 0, len(code))
	for _, digit := range code {
		if digit == '-' {
			continue // it parts what is read, and is not said
		}
		said = append(said, words.Say(ctx, "number.digit."+string(digit)))
	}
	return strings.Join(said, ", ") + "."
}
