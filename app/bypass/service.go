package bypass

import (
	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/backupphone"
	"latchkey/app/cases"
	"latchkey/app/people"
	"latchkey/app/place"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/ticketsystem"
	"latchkey/app/wake"
)

// The acts on bypasses.
const (
	KindIssue  approval.Kind = "bypass.issue"
	KindRevoke approval.Kind = "bypass.revoke"
)

// Service gives, makes, checks and ends bypasses.
type Service struct {
	DB      *store.DB
	Keys    *secret.Keys
	Secrets secret.Source
	Rules   *access.Rules
	Hub     *wake.Hub
	Backups *backupphone.Service
	People  *people.Service
	Cases   *cases.Service
	Atlas   *place.Atlas

	Approvals *approval.Service
	Tickets   *ticketsystem.Service
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindIssue: s.issue, KindRevoke: s.revoke}
}
