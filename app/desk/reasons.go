package desk

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"latchkey/app/fault"
	"latchkey/app/secret"
)

// Limits of the reasons of a tenant.
const (
	ReasonsMost = 20
	WordsMost   = 80 // letters of one
	CodeMost    = 32
)

// Reason is one of the reasons of a tenant, with what is usual for it. What is left open
// the form of a bypass says, or what is usual anyway.
type Reason struct {
	Code     string `json:"code"`
	Words    string `json:"words"`
	Ticket   bool   `json:"ticket,omitempty"`  // it takes one
	Minutes  int    `json:"minutes,omitempty"` // 0: open
	Uses     int    `json:"uses,omitempty"`    // 0: open
	Kind     string `json:"kind,omitempty"`
	Delivery string `json:"delivery,omitempty"`
}

// Text says a reason in one line, all of it.
func (r Reason) Text() string {
	parts := []string{r.Code}
	if r.Ticket {
		parts = append(parts, "ticket")
	}
	for _, n := range []int{r.Minutes, r.Uses} {
		if n != 0 {
			parts = append(parts, strconv.Itoa(n))
		} else {
			parts = append(parts, "–")
		}
	}
	for _, text := range []string{r.Kind, r.Delivery} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	return r.Words + " (" + strings.Join(parts, ", ") + ")"
}

// Reasons are those of a tenant, in its order.
type Reasons []Reason

func readReasons(text string) (all Reasons, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("desk: reasons of a tenant: %w", err)
	}
	return all, nil
}

// Text is how they are stored: the same reasons make the same text.
func (all Reasons) Text() string {
	if len(all) == 0 {
		return ""
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic("desk: reasons: " + err.Error())
	}
	return string(text)
}

// Version changes with the list.
func (all Reasons) Version() string { return secret.Digest(all.Text())[:12] }

// Of gives the one with a code.
func (all Reasons) Of(code string) (Reason, bool) {
	i := all.at(code)
	if i < 0 {
		return Reason{}, false
	}
	return all[i], true
}

func (all Reasons) at(code string) int {
	return slices.IndexFunc(all, func(r Reason) bool { return r.Code == code })
}

// Place is where one stands, counted from 1; 0 when it is none of them.
func (all Reasons) Place(code string) int { return all.at(code) + 1 }

// With gives them with r in the place of the one with the code was, or as a new one,
// at a place from 1; a place that is none is the last.
func (all Reasons) With(r Reason, was string, place int) Reasons {
	next := all.Without(was)
	if place < 1 || place > len(next) {
		return append(next, r)
	}
	return slices.Insert(next, place-1, r)
}

// Without gives them without the one with a code.
func (all Reasons) Without(code string) Reasons {
	return slices.DeleteFunc(slices.Clone(all), func(r Reason) bool { return r.Code == code })
}

// reserved is the code that no reason has: the form of a new one stands in its place.
const reserved = "new"

var codeForm = regexp.MustCompile(`\A[a-z0-9][a-z0-9_-]{0,31}\z`)

// wrong says what is wrong with one, among the others and under the ceilings.
func (r Reason) wrong(others Reasons, under Rules) error {
	wrong := map[string]string{}
	letters := []rune(r.Words)
	switch {
	case !codeForm.MatchString(r.Code), r.Code == reserved:
		wrong["code"] = "desk.code_form"
	case others.at(r.Code) >= 0:
		wrong["code"] = "desk.code_taken"
	}
	switch {
	case len(letters) == 0 || len(letters) > WordsMost || slices.ContainsFunc(letters, func(l rune) bool { return !unicode.IsPrint(l) }):
		wrong["words"] = "desk.words_form"
	case slices.ContainsFunc(others, func(o Reason) bool { return strings.EqualFold(o.Words, r.Words) }):
		wrong["words"] = "desk.words_taken"
	}
	switch {
	case r.Minutes != 0 && (r.Minutes < MinutesLeast || r.Minutes > MinutesMost):
		wrong["minutes"] = "bypass.minutes_form"
	case r.Minutes > under.Minutes:
		wrong["minutes"] = "bypass.minutes_ceiling"
	}
	switch {
	case r.Uses < 0 || r.Uses > UsesMost:
		wrong["uses"] = "bypass.uses_form"
	case r.Uses > under.Uses:
		wrong["uses"] = "bypass.uses_ceiling"
	}
	if r.Kind != "" && !slices.Contains(under.Kinds, r.Kind) {
		wrong["kind"] = "bypass.kind_off"
	}
	switch {
	case r.Delivery == "":
	case r.Kind == Kinds[1]:
		wrong["delivery"] = "desk.delivery_of_skip"
	case !slices.Contains(under.Deliveries, r.Delivery):
		wrong["delivery"] = "bypass.delivery_off"
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", wrong)
}

// loosens says whether something can be done without a ticket that took one before. While
// some reason takes none, fewer that do is that: the one that is gone may be made again,
// under another code, without one.
func (d Desk) loosens(was Desk) bool {
	if d.Free() && !was.Free() {
		return true
	}
	always := func(d Desk) bool {
		return !d.Free() && !slices.ContainsFunc(d.Reasons, func(r Reason) bool { return !r.Ticket })
	}
	taking := func(d Desk) (n int) {
		for _, r := range d.Reasons {
			if r.Ticket {
				n++
			}
		}
		return n
	}
	return !always(d) && (always(was) || taking(d) < taking(was))
}
