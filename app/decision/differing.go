package decision

import (
	"context"
	"strconv"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// differingMost is how many decisions a list has.
const differingMost = 50

// Differing is a decision in which what was done and what Decide said did not agree.
type Differing struct {
	Address string // that At finds it by
	At      time.Time
	UserID  string
	Name    string // sign-in name
	Outcome Outcome
	Differs []string // in what: keys of words, under differences.in
}

// Differed lists the newest of a tenant.
func Differed(ctx context.Context, db *store.DB, tenantID string) (all []Differing, err error) {
	tx := db.View(ctx)
	var rows []struct {
		DecidedAt           time.Time
		ID, UserID, Differs string
		Outcome             int
	}
	err = tx.All(&rows, "SELECT decided_at, id, user_id, outcome, differs FROM decisions WHERE tenant_id = ? AND differs <> '' ORDER BY decided_at DESC LIMIT ?", tenantID, differingMost)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.UserID)
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	for _, r := range rows {
		all = append(all, Differing{
			Address: Address(r.DecidedAt, r.ID), At: r.DecidedAt, UserID: r.UserID, Name: names[r.UserID], Outcome: Outcome(r.Outcome), Differs: strings.Fields(r.Differs),
		})
	}
	return all, store.Unusable(err)
}

// Address names a kept decision in addresses.
func Address(at time.Time, id string) string { return strconv.FormatInt(at.UnixMicro(), 36) + "-" + id }

// Kept is a decision with everything that it was made of.
type Kept struct {
	At      time.Time
	UserID  string
	Name    string // sign-in name
	Input   Input
	Was     Decision
	Differs []string
	Rules   *Rules    // that held; nil: they are gone
	Again   Decision  // by those
	Says    []Verdict // of each of them, now
}

// At finds a kept decision of a tenant by its address; any other is fault.NotFound.
func At(ctx context.Context, db *store.DB, tenantID, address string) (k Kept, err error) {
	none := fault.New(fault.NotFound, "http.not_found")
	micro, id, ok := strings.Cut(address, "-")
	at, err := strconv.ParseInt(micro, 36, 64)
	if !ok || err != nil || at < 0 || at > 1<<52 {
		return k, none
	}
	tx := db.View(ctx)
	var row struct {
		UserID, Differs, Rules string
		Record                 []byte
	}
	k.At = time.UnixMicro(at).UTC()
	found, err := tx.One(&row, "SELECT user_id, differs, rules, record FROM decisions WHERE tenant_id = ? AND decided_at = ? AND id = ?", tenantID, k.At, id)
	if err == nil && !found {
		err = none
	}
	if err != nil {
		return k, store.Unusable(err)
	}
	k.UserID, k.Differs = row.UserID, strings.Fields(row.Differs)
	if k.Was, err = NewReader().Read(row.Record, &k.Input); err != nil {
		return k, err
	}
	var text string
	there, err := tx.One(&text, "SELECT rules FROM decision_rules WHERE tenant_id = ? AND fingerprint = ?", tenantID, row.Rules)
	if err != nil {
		return k, store.Unusable(err)
	}
	if there {
		if k.Rules, err = Read(text); err != nil {
			return k, err
		}
		k.Again, k.Says = Explain(k.Rules, &k.Input)
	}
	names, err := user.NamesOf(tx, tenantID, row.UserID)
	k.Name = names[row.UserID]
	return k, store.Unusable(err)
}

// Of gives the decisions of a sign-in that were made at a moment, in the act of the event that
// says what came of them: the audit's own instant.
func Of(ctx context.Context, db *store.DB, tenantID, attemptID string, at time.Time) (all []Kept, err error) {
	var ids []string
	err = db.View(ctx).All(&ids, "SELECT id FROM decisions WHERE tenant_id = ? AND decided_at = ? AND attempt_id = ? ORDER BY id", tenantID, at.UTC(), attemptID)
	if err != nil || attemptID == "" {
		return nil, store.Unusable(err)
	}
	for _, id := range ids {
		k, err := At(ctx, db, tenantID, Address(at, id))
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// Differ says whether making the decision again comes to something else.
func (k Kept) Differ() bool { return k.Rules == nil || k.Again != k.Was }
