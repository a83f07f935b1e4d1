package desk

import (
	"errors"
	"regexp"
	"regexp/syntax"

	"latchkey/app/approval"
	"latchkey/app/fault"
)

// patternMost is how many letters the pattern of a tenant may have.
const patternMost = 100

// patternCodes are what may be wrong with a pattern. Each has words.
var patternCodes = map[syntax.ErrorCode]string{
	syntax.ErrInvalidCharClass:      "desk.pattern_class",
	syntax.ErrInvalidCharRange:      "desk.pattern_class",
	syntax.ErrInvalidEscape:         "desk.pattern_escape",
	syntax.ErrTrailingBackslash:     "desk.pattern_escape",
	syntax.ErrInvalidPerlOp:         "desk.pattern_group",
	syntax.ErrInvalidNamedCapture:   "desk.pattern_group",
	syntax.ErrInvalidRepeatOp:       "desk.pattern_repeat",
	syntax.ErrInvalidRepeatSize:     "desk.pattern_repeat",
	syntax.ErrMissingRepeatArgument: "desk.pattern_repeat",
	syntax.ErrMissingBracket:        "desk.pattern_bracket",
	syntax.ErrMissingParen:          "desk.pattern_paren",
	syntax.ErrUnexpectedParen:       "desk.pattern_paren",
	syntax.ErrLarge:                 "desk.pattern_long",
	syntax.ErrNestingDepth:          "desk.pattern_long",
}

// parse makes a pattern out of text: over the whole of a name, in time that grows with
// its length alone (RE2). A bad one is fault.Invalid, with what is wrong as its code and
// the part that it is about as its detail.
func parse(text string) (*regexp.Regexp, error) {
	if len(text) > patternMost {
		return nil, fault.New(fault.Invalid, "desk.pattern_long")
	}
	// By itself first: a parenthesis too many would close the group around it.
	if _, err := syntax.Parse(text, syntax.Perl); err != nil {
		return nil, unreadable(err)
	}
	form, err := regexp.Compile(`(?i)\A(?:` + text + `)\z`)
	if err != nil {
		return nil, unreadable(err)
	}
	return form, nil
}

func unreadable(err error) error {
	var bad *syntax.Error
	if errors.As(err, &bad) {
		if code := patternCodes[bad.Code]; code != "" {
			return fault.New(fault.Invalid, code).Naming(bad.Expr)
		}
	}
	return fault.New(fault.Invalid, "desk.pattern_form")
}

// Fits says whether a ticket looks as those of the tenant do.
func (r Rules) Fits(ticket string) bool {
	if r.Pattern == "" {
		return true
	}
	form, err := parse(r.Pattern)
	return err == nil && form.MatchString(ticket)
}

// Unfit says that the ticket of an act does not look as those of the tenant do, with the
// example as what its words name; nil when it does, when there is none, when it is the one
// under which the case of the act stands already, and when a second person has approved
// the act: that was asked for under another pattern then.
func (r Rules) Unfit(act approval.Act, stands string) *fault.Error {
	if act.Ticket == "" || act.Ticket == stands || act.ApprovedBy != "" || r.Fits(act.Ticket) {
		return nil
	}
	return fault.Wrong("form.wrong", map[string]string{"ticket": "desk.ticket_unfit"}).Naming(r.Example)
}
