package me

import (
	"context"
	"strings"

	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

// enough is how many ways that work without the phone make somebody ready.
const enough = 2

// ready says how well somebody is prepared for the day without their phone, and what
// would prepare them better; mayAdd says that a backup phone could be added.
func ready(ctx context.Context, o signin.Outlook, who session.Session, mayAdd bool) views.Readiness {
	free := o.PhoneFree()
	shown := views.Readiness{Filled: min(free, enough), Parts: enough}
	word := "ready"
	switch {
	case free == 0:
		word = "risk"
	case o.Phones == 0 && !who.Ways.Has(user.WithPasskey|user.WithPrintedCode|user.WithBackupPhone):
		word, shown.Filled = "alone", 0 // it stops being enough with the first second factor
	case free < enough:
		word = "nearly"
	}
	shown.Word, shown.Sentence = words.Say(ctx, "me.info."+word+".title"), words.Say(ctx, "me.info."+word+".text")
	step := func(name, href string, done bool) {
		shown.Steps = append(shown.Steps, views.ReadyStep{
			Text: words.Say(ctx, "me.info.step."+name), Done: done, Href: href, Label: words.Say(ctx, "me.info.step_act."+name),
		})
	}
	may := func(way user.Ways) bool { return who.Off&way != way }
	if may(user.WithPhone) {
		step("phone", "/me/phones", o.Phones > 0)
		step("second", "/me/phones", o.Phones > 1)
	}
	if may(user.WithPasskey) {
		step("passkey", "/me/passkeys", who.Ways.Has(user.WithPasskey))
	}
	if may(user.WithPrintedCode) {
		step("codes", codesPath, who.Ways.Has(user.WithPrintedCode))
	}
	if mayAdd && may(user.WithBackupPhone) {
		step("backup", backupPath, who.Ways.Has(user.WithBackupPhone))
	}
	return shown
}

// lost says what happens to somebody who loses what they have of a kind; shut, that they
// would not get in.
func lost(ctx context.Context, o signin.Outlook, kind user.Ways) (text string, shut bool) {
	if kind == user.WithPhone {
		kind = o.PhoneGone()
	}
	left := o.Without(kind)
	if len(left) == 0 {
		return words.Say(ctx, "me.info.lost_none"), true
	}
	return words.Say(ctx, "me.info.lost", "ways", oneOf(ctx, left)), false
}

// remains says how somebody signs in who has lost a phone; shut, that they cannot.
func remains(ctx context.Context, o signin.Outlook) (text string, shut bool) {
	lost := user.Ways(0) // it was removed already
	if o.Phones > 0 {
		lost = o.PhoneGone()
	}
	left := o.Without(lost)
	if len(left) == 0 {
		return words.Say(ctx, "me.lost.left_none"), true
	}
	return words.Say(ctx, "me.lost.left", "ways", oneOf(ctx, left)), false
}

// oneOf says the best of the ways to sign in, three at most.
func oneOf(ctx context.Context, all []user.Ways) string {
	said := how(ctx, all[0])
	for _, proved := range all[1:min(len(all), 3)] {
		said = words.Say(ctx, "me.info.lost_or", "first", said, "second", how(ctx, proved))
	}
	return said
}

// how says ways that sign in together, the password first: so the pages ask for them.
func how(ctx context.Context, proved user.Ways) string {
	var amr []string
	if proved.Has(user.WithPassword) {
		amr = append(amr, session.ByPassword)
	}
	for _, w := range user.AllWays {
		if w.Bit != user.WithPassword && proved.Has(w.Bit) {
			amr = append(amr, w.AMR)
		}
	}
	return web.How(ctx, strings.Join(amr, ","))
}
