package stock

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Limits.
const (
	SheetsMost       = 500  // of a batch: each costs ten hashes
	PeopleMost       = 2000 // who are chosen for one, with those who are left out
	InstructionsMost = 600  // letters
	instructionLines = 8
	runningMost      = 3 // batches of a tenant at once
	DraftLife        = 24 * time.Hour
	MadeLife         = 24 * time.Hour // until it is printed
)

// Kinds of acts.
const (
	KindPrint     approval.Kind = "code_sheet.print_batch"
	KindToAgent   approval.Kind = "code_sheet.hand_to_agent"
	KindToUser    approval.Kind = "code_sheet.hand_to_user"
	KindLost      approval.Kind = "code_sheet.lose"
	KindDestroyed approval.Kind = "code_sheet.destroy"
	KindVoid      approval.Kind = "code_sheet.void"
	KindVoidBatch approval.Kind = "code_sheet.void_batch"
)

// Hasher hashes codes when nobody else is in the way.
type Hasher interface {
	HashPatiently(ctx context.Context, code string) (string, error)
}

// Service makes batches and follows papers. New makes one.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Passwords Hasher
	Rules     *access.Rules
	Hub       *wake.Hub
	Log       *slog.Logger

	errand wake.Errand // see Run
}

// New makes the service of a process.
func New(db *store.DB, keys *secret.Keys, passwords Hasher, rules *access.Rules, hub *wake.Hub, log *slog.Logger) *Service {
	return &Service{DB: db, Keys: keys, Passwords: passwords, Rules: rules, Hub: hub, Log: log, errand: wake.NewErrand()}
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindPrint: s.start, KindToAgent: s.toAgent, KindToUser: s.toUser,
		KindLost: s.lose, KindDestroyed: s.destroy, KindVoid: s.void, KindVoidBatch: s.voidBatch,
	}
}

// question asks about an act on nobody in particular, within what its actor sees.
func (s *Service) question(act approval.Act, needs access.Permission) access.Question {
	return access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: needs, Groups: s.Rules.Standing(act.TenantID, act.ActorID).Scope}
}

// questions ask about an act on each of some people.
func questions(act approval.Act, needs access.Permission, people []string) []access.Question {
	all := make([]access.Question, len(people))
	for i, id := range people {
		all[i] = access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: needs, TargetID: id}
	}
	return all
}

// tell leaves a notice for a user of the tenant in the act tx. A guest from the platform
// reads none here.
func tell(tx *store.Tx, tenantID, userID string, n notify.Notice) error {
	var id string
	there, err := tx.One(&id, "SELECT id FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID)
	if err != nil || !there {
		return err
	}
	return notify.Tell(tx, tenantID, userID, n)
}

// of is an event of a batch.
func (b row) of(action audit.Action, by audit.Party, from audit.Origin) audit.Event {
	return audit.Event{TenantID: b.TenantID, Action: action, Actor: by, Target: audit.Party{Kind: audit.KindSheetBatch, ID: b.ID}, Thread: b.ID, Origin: from}
}

func nothing() error { return fault.New(fault.NotFound, "http.not_found") }

// ids takes a list apart that is kept as one text.
func ids(kept string) []string { return strings.Fields(kept) }
