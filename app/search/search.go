package search

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/store"
	"latchkey/app/ticket"
	"latchkey/app/user"
)

// Limits.
const (
	Most         = 8   // of each kind
	TypedMost    = 200 // letters that are looked at
	deviceLetter = 8   // the least of an id of a phone
	serialLetter = 4   // and of the serial number of a sheet
)

// Service searches.
type Service struct {
	DB        *store.DB
	Groups    *group.Service
	Approvals *approval.Service
	Tickets   *ticket.Service
	Cases     *cases.Service
}

// Person is somebody who was found.
type Person struct {
	ID, Name, DisplayName, State string
}

// Phone is a phone that was found, by its owner. Its name is the owner's to tell.
type Phone struct {
	Person
	DeviceID, AccountID, Platform string
}

// Sheet is a sheet of printed codes that was found, by whose it is or was.
type Sheet struct {
	Person
	Serial    string // without its dash
	CodeState string // of the sheet
}

// Found is what there is.
type Found struct {
	People   []Person
	Groups   []group.Group
	Phones   []Phone
	Sheets   []Sheet
	Requests []approval.Request
	Tickets  []string // their names
	Cases    []cases.Row
}

// None says whether there is nothing.
func (f Found) None() bool {
	return len(f.People)+len(f.Groups)+len(f.Phones)+len(f.Sheets)+len(f.Requests)+len(f.Tickets)+len(f.Cases) == 0
}

// Find finds what somebody may see by what they typed.
func (s *Service) Find(ctx context.Context, who access.Standing, typed string) (found Found, err error) {
	typed = strings.TrimSpace(typed)
	if typed == "" || !utf8.ValidString(typed) || utf8.RuneCountInString(typed) > TypedMost {
		return found, nil
	}
	tx := s.DB.View(ctx)
	if who.May.Has(access.AuthenticatorView) {
		if found.People, err = people(tx, who, typed); err != nil {
			return found, store.Unusable(err)
		}
		if found.Groups, err = s.Groups.Matching(ctx, who, typed, Most); err != nil {
			return found, err
		}
		if found.Phones, err = phones(tx, who, typed); err != nil {
			return found, store.Unusable(err)
		}
		if found.Sheets, err = sheets(tx, who, typed); err != nil {
			return found, store.Unusable(err)
		}
	}
	if who.May.Has(access.ConsoleEnter) {
		if found.Requests, err = s.requests(ctx, who, typed); err != nil {
			return found, err
		}
	}
	if found.Cases, err = s.Cases.Numbered(ctx, who, typed); err != nil {
		return found, err
	}
	found.Tickets, err = s.Tickets.Beginning(ctx, who, typed, Most)
	return found, err
}

// People finds those of whom somebody may see that they are there, by what they typed: none
// for who may not look at people.
func (s *Service) People(ctx context.Context, who access.Standing, typed string) ([]Person, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" || !utf8.ValidString(typed) || utf8.RuneCountInString(typed) > TypedMost || !who.May.Has(access.AuthenticatorView) {
		return nil, nil
	}
	found, err := people(s.DB.View(ctx), who, typed)
	return found, store.Unusable(err)
}

// requests gives the request with an id, to those who may see it.
func (s *Service) requests(ctx context.Context, who access.Standing, typed string) ([]approval.Request, error) {
	if !isID(typed) {
		return nil, nil
	}
	r, err := s.Approvals.Find(ctx, who.TenantID, typed, who.UserID)
	switch {
	case fault.Of(err) != nil && fault.Of(err).Kind == fault.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []approval.Request{r.Request}, nil
}

// isID says whether a text has the form of an id of ours.
func isID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// matches says whether each of words begins a word of a person.
func matches(p Person, words []string) bool {
	theirs := user.Words(p.Name, p.DisplayName)
	for _, word := range words {
		at, _ := slices.BinarySearch(theirs, word)
		if at == len(theirs) || !strings.HasPrefix(theirs[at], word) {
			return false
		}
	}
	return true
}
