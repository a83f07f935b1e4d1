package backupphone

import (
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"latchkey/app/provider"
)

// Limits (product.md §9).
const (
	CodeLife   = 10 * time.Minute
	PhonesMost = 5
	// LabelLongest is how many characters a name of a number may have.
	LabelLongest = 40
	triesMost    = 5 // of the code that confirms a number
	userSpan     = 10 * time.Minute
	numberSpan   = time.Hour
)

// parse gives a number as it is kept (E.164), or the code of the rule that it breaks.
// Without a country in front it is read as one of the country that is allowed, where
// there is but one.
func parse(typed string, c provider.Channel, countries []string) (number, wrong string) {
	home := ""
	if len(countries) == 1 {
		home = countries[0]
	}
	if typed = strings.TrimSpace(typed); len(typed) > 40 {
		return "", "backupphone.number_form"
	}
	parsed, err := phonenumbers.Parse(typed, home)
	if err != nil || !phonenumbers.IsValidNumber(parsed) || parsed.GetExtension() != "" {
		return "", "backupphone.number_form"
	}
	return phonenumbers.Format(parsed, phonenumbers.E164), judge(parsed, c, countries)
}

// judge says whether a number may get messages, by the rule that it breaks.
func judge(number *phonenumbers.PhoneNumber, c provider.Channel, countries []string) (wrong string) {
	switch kind := phonenumbers.GetNumberType(number); {
	case kind == phonenumbers.MOBILE, kind == phonenumbers.FIXED_LINE_OR_MOBILE:
	case c == provider.Voice && (kind == phonenumbers.FIXED_LINE || kind == phonenumbers.VOIP):
	case c == provider.SMS && (kind == phonenumbers.FIXED_LINE || kind == phonenumbers.VOIP):
		return "backupphone.no_sms"
	default:
		// Premium, shared cost, personal, pager, universal access: dear or nobody's own.
		return "backupphone.kind_refused"
	}
	// Satellite and other numbers of no country are of the region 001.
	if !slices.Contains(countries, phonenumbers.GetRegionCodeForNumber(number)) {
		return "backupphone.country_refused"
	}
	return ""
}

// allowed says whether a number that was confirmed may still get messages.
func allowed(number string, c provider.Channel, countries []string) bool {
	parsed, err := phonenumbers.Parse(number, "")
	return err == nil && judge(parsed, c, countries) == ""
}
