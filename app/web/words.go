package web

import "strings"

// words is the catalogue: each code of a failure with its sentence. {name}
// stands for the name that the failure carries.
var words = map[string]string{
	"defect":                  "Something went wrong on our side. It has been noted.",
	"http.not_found":          "There is nothing here, or it is not yours to see.",
	"http.method":             "This address does not take that kind of request.",
	"http.malformed":          "We could not read that request.",
	"http.too_large":          "That was more than we accept at once.",
	"http.wrong_type":         "That was not in a form that we read.",
	"http.cross_site":         "That request came from another site, so we did not act on it.",
	"http.form_token":         "This page was open for too long or in another window. Go back, reload it and try again.",
	"http.too_many_streams":   "Too many pages are waiting at once. Close some of them and try again.",
	"form.wrong":              "Some fields need another look.",
	"store.unusable":          "We cannot reach our records right now. Nothing has been changed.",
	"audit.unwritable":        "We cannot write our records right now. Nothing has been changed.",
	"access.no_policy":        "We cannot check permissions right now. Nothing has been changed.",
	"access.forbidden":        "Your role does not allow this.",
	"session.none":            "Please sign in.",
	"session.step_up":         "Please prove once more that it is you.",
	"signin.refused":          "That did not work.",
	"signin.name_form":        "Type your sign-in name. It looks like an e-mail address.",
	"signin.way_unknown":      "That way to sign in is not offered here.",
	"signin.paused":           "There were too many tries. Wait a little, or use another way.",
	"password.busy":           "Many people are signing in right now. Please try again in a moment.",
	"prompt.held":             "Your phone is left alone for now. Wait a little, or use another way.",
	"prompt.decided":          "This request was already answered.",
	"prompt.expired":          "This request has expired. Start again on the other screen.",
	"phone.unknown":           "This phone is not known here any more.",
	"phone.proof":             "The phone could not be recognised. Check its clock and try again.",
	"phone.answer_refused":    "That answer was not accepted.",
	"device.pin_wrong":        "That PIN is not right. After ten wrong ones in a row this phone is turned off.",
	"device.pin_busy":         "One moment: another try is still being checked.",
	"device.pin_form":         "A PIN has 6 to 16 digits, not all the same and not in a row.",
	"device.name_form":        "A name has 1 to 60 characters.",
	"device.platform_unknown": "This kind of phone is not known here.",
	"device.link_refused":     "This link does not work any more. Make a new one under My security info.",
	"device.too_many":         "You have five phones already. Remove one before you add another.",
	"device.enrolled_already": "This phone already holds this account.",
	"device.key_form":         "The key of this phone is not of the kind we accept.",
	"platform_not_allowed":    "The phone app is not available on this platform at {name}. You can still use your password, or a phone or tablet with iOS or Android.",
	"registered_elsewhere":    "Phone sign-in on this phone is registered with {name}. A phone signs in for one organisation at a time.",
	"push.subscription_form":  "That is not a push subscription.",
	"user.name_form":          "A sign-in name looks like an e-mail address.",
	"user.name_taken":         "Somebody has this sign-in name already.",
	"user.state_changed":      "The state of this person changed meanwhile.",
	"user.password_short":     "Use at least 15 characters. A few words in a row are easy to remember.",
	"user.password_long":      "Use at most 64 characters.",
	"user.password_other":     "The two passwords differ.",
	"tenant.slug_form":        "Use 3 to 32 small letters, digits and hyphens, beginning with a letter.",
	"tenant.slug_taken":       "This short name is taken.",
	"tenant.name_form":        "Type the name of your organisation, at most 80 characters.",
	"tenant.domain_form":      "Type a domain such as example.org.",
	"tenant.domain_taken":     "This domain belongs to an organisation here already.",
	"tenant.region_form":      "Type a region such as eu.",
	"setup.link_refused":      "This set-up link does not work, or has been used.",
	"setup.name_domain":       "The sign-in name must be in the domain above.",
	"preference.way_unknown":  "Choose one of the ways above.",
}

// phoneCodes are the codes that the phone protocol promises, where ours are longer.
var phoneCodes = map[string]string{
	"prompt.decided": "decided", "prompt.expired": "expired", "http.not_found": "not_found", "device.pin_wrong": "pin_wrong",
	"device.link_refused": "link_refused", "phone.unknown": "unknown_device", "phone.proof": "proof_refused", "phone.answer_refused": "answer_refused",
	"form.wrong": "invalid", "http.malformed": "malformed",
}

// Sentence gives the words of a code, with the name that they mention.
func Sentence(code, name string) string {
	sentence := words[code]
	if sentence == "" {
		sentence = words["defect"]
	}
	if name == "" {
		name = "another organisation"
	}
	return strings.ReplaceAll(sentence, "{name}", name)
}

// Known says whether a code has words.
func Known(code string) bool { return words[code] != "" }
