package breakglass

import (
	"context"
	"time"

	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Limits.
const (
	Advised     = 2                   // accounts that a tenant does well to have
	PrintLife   = 4 * time.Hour       // for which a sheet that was approved may be printed
	SessionLife = time.Hour           // of a session that a sheet makes
	DrillSpan   = 90 * 24 * time.Hour // from one drill to the next
)

// States of a sheet. Add, never rename.
const (
	Approved  = "approved" // and may be printed
	Sealed    = "sealed"
	Used      = "used"
	Replaced  = "replaced"
	Expired   = "expired" // it was not printed in time
	Withdrawn = "withdrawn"
)

// What a sheet is used for.
const (
	ForSignIn = "sign_in"
	ForOutage = "outage"
)

// Account is a break-glass account with the sheets that matter.
type Account struct {
	UserID, Name, DisplayName string
	State                     string // of the user
	Serial                    string // of the sheet that is sealed; empty: none is
	SealedAt                  *time.Time
	UsedAt                    *time.Time // when the last sheet was used, if none was sealed since
	UsedFor                   string
	WaitsUntil                *time.Time // until when one may be printed; nil: none was approved
	RequestedBy, ApprovedBy   string     // of that one
	Passkeys                  int
	MadeBy                    string
	MadeAt                    time.Time
	DrilledAt                 *time.Time
	SignedIn                  bool // somebody is, by it
}

// Works says whether its sheet lets somebody in.
func (a Account) Works() bool { return a.Serial != "" && a.State == user.Active }

// DrillAt is when somebody is to look after its sheet: a quarter after the last time.
func (a Account) DrillAt() time.Time {
	if a.DrilledAt != nil {
		return a.DrilledAt.Add(DrillSpan)
	}
	return a.MadeAt.Add(DrillSpan)
}

// DrillDue says whether that time has come.
func (a Account) DrillDue(now time.Time) bool { return !now.Before(a.DrillAt()) }

// MayPrint says whether somebody may print the sheet that was approved: one of the two.
func (a Account) MayPrint(userID string, now time.Time) bool {
	return a.WaitsUntil != nil && now.Before(*a.WaitsUntil) && (userID == a.RequestedBy || userID == a.ApprovedBy)
}

const columns = `a.user_id, u.name, u.display_name, u.state, COALESCE(s.serial, '') AS serial, s.printed_at AS sealed_at, a.made_by, a.made_at, a.drilled_at,
	x.used_at, COALESCE(x.used_for, '') AS used_for,
	w.expires_at AS waits_until, COALESCE(w.requested_by, '') AS requested_by, COALESCE(w.approved_by, '') AS approved_by,
	(SELECT count(*) FROM passkeys p WHERE p.tenant_id = a.tenant_id AND p.user_id = a.user_id AND p.state = 'active') AS passkeys,
	EXISTS (SELECT 1 FROM sessions b WHERE b.tenant_id = a.tenant_id AND b.user_id = a.user_id AND b.ended_at IS NULL AND b.expires_at > ` + store.Now + `) AS signed_in`

const tables = ` FROM break_glass_accounts a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
	LEFT JOIN break_glass_sheets s ON s.tenant_id = a.tenant_id AND s.user_id = a.user_id AND s.state = 'sealed'
	LEFT JOIN break_glass_sheets x ON x.tenant_id = a.tenant_id AND x.user_id = a.user_id AND x.used_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM break_glass_sheets y
		WHERE y.tenant_id = x.tenant_id AND y.user_id = x.user_id AND y.used_at > x.used_at)
	LEFT JOIN break_glass_sheets w ON w.tenant_id = a.tenant_id AND w.user_id = a.user_id AND w.state = 'approved' AND w.expires_at > ` + store.Now

// Of lists the accounts of a tenant that were not removed, by name.
func Of(tx *store.Tx, tenantID string) (all []Account, err error) {
	err = tx.All(&all, "SELECT "+columns+tables+" WHERE a.tenant_id = ? AND a.removed_at IS NULL ORDER BY u.name", tenantID)
	for i := range all {
		all[i].settle()
	}
	return all, err
}

// List is Of at this moment.
func (s *Service) List(ctx context.Context, tenantID string) ([]Account, error) {
	all, err := Of(s.DB.View(ctx), tenantID)
	return all, store.Unusable(err)
}

// find gives one of them: fault.NotFound for what is none.
func find(tx *store.Tx, tenantID, userID string) (a Account, err error) {
	found, err := tx.One(&a, "SELECT "+columns+tables+" WHERE a.tenant_id = ? AND a.user_id = ? AND a.removed_at IS NULL", tenantID, userID)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	a.settle()
	return a, err
}

// settle forgets a use since which another sheet was sealed.
func (a *Account) settle() {
	if a.Serial != "" {
		a.UsedAt, a.UsedFor = nil, ""
	}
}

// Find gives one of them at this moment.
func (s *Service) Find(ctx context.Context, tenantID, userID string) (Account, error) {
	a, err := find(s.DB.View(ctx), tenantID, userID)
	if fault.Of(err) != nil {
		return a, err
	}
	return a, store.Unusable(err)
}

// Open says whether an account of a tenant was used and not sealed again, and since when.
// It is asked for every page of the console.
func Open(tx *store.Tx, tenantID string) (since *time.Time, err error) {
	var row struct{ UsedAt *time.Time }
	_, err = tx.One(&row, `SELECT x.used_at FROM break_glass_accounts a JOIN break_glass_sheets x ON x.tenant_id = a.tenant_id AND x.user_id = a.user_id AND x.state = 'used'
		WHERE a.tenant_id = ? AND a.removed_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM break_glass_sheets s WHERE s.tenant_id = a.tenant_id AND s.user_id = a.user_id AND s.state = 'sealed') ORDER BY x.used_at DESC LIMIT 1`, tenantID)
	return row.UsedAt, err
}
