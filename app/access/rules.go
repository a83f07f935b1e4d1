package access

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"latchkey/app/fault"
	"latchkey/app/store"
)

// Freshness: how often assignments are read, and how long the last good table
// may be used when they cannot be.
const (
	ReloadWait = 2 * time.Second
	goodFor    = 60 * time.Second
)

// Rules holds the table in force.
type Rules struct {
	db    *store.DB
	table atomic.Pointer[table]
	hurry atomic.Pointer[chan struct{}] // of the Run that is under way
}

// table is one loaded state: what casbin said, and who holds which role. It is
// never changed, only replaced.
type table struct {
	*matrix
	holders map[holder]Standing
	loaded  time.Time
}

type holder struct{ tenantID, userID string }

// Load reads the policy and the assignments for the first time. It fails when
// the policy is not whole.
func Load(ctx context.Context, db *store.DB) (*Rules, error) {
	r := &Rules{db: db}
	return r, r.Reload(ctx)
}

// Reload reads every assignment, and swaps the new table in. On an error the
// table in force stays, for as long as it is good.
func (r *Rules) Reload(ctx context.Context) error {
	next := &table{loaded: r.db.Now()}
	var err error
	if old := r.table.Load(); old != nil {
		next.matrix = old.matrix
	} else if next.matrix, err = decide(); err != nil {
		return fmt.Errorf("access: policy: %w", err)
	}
	// The table is everybody's, also when a change in one tenant asks for it.
	if next.holders, err = holders(r.db.View(store.Outside(ctx)), next.matrix); err != nil {
		return store.Unusable(err)
	}
	r.table.Store(next)
	return nil
}

// Standing gives what a person is in a tenant, by the table in force. An
// assignment that has ended is none.
func (r *Rules) Standing(tenantID, userID string) Standing {
	t := r.table.Load()
	if t == nil {
		return Standing{TenantID: tenantID, UserID: userID, Role: RoleUser, Rank: Ranks[RoleUser]}
	}
	s, ok := t.holders[holder{tenantID, userID}]
	if !ok || !s.EndsAt.IsZero() && !r.db.Now().Before(s.EndsAt) {
		return t.user(tenantID, userID)
	}
	return s
}

// user is the standing of somebody without a role.
func (m *matrix) user(tenantID, userID string) Standing {
	return Standing{TenantID: tenantID, UserID: userID, Role: RoleUser, Rank: Ranks[RoleUser], May: m.roles[RoleUser]}
}

// Role gives the role that a person holds in a tenant.
func (r *Rules) Role(tenantID, userID string) Role { return r.Standing(tenantID, userID).Role }

// Allow fails with fault.Forbidden unless the person holds, in this tenant, a
// role with p; with fault.Unavailable when the table is too old to be trusted.
// It says nothing about a target: for that there is Ask.
func (r *Rules) Allow(tenantID, userID string, p Permission) error {
	t := r.table.Load()
	if t == nil || r.db.Now().Sub(t.loaded) > goodFor {
		f := fault.New(fault.Unavailable, "access.no_policy")
		f.RetryAfter = 5 * time.Second
		return f
	}
	if r.Standing(tenantID, userID).May.Has(p) {
		return nil
	}
	return refusal
}

var refusal = fault.New(fault.Forbidden, "access.forbidden")

// Run reads the assignments again and again until ctx ends, so that a change
// reaches every replica within five seconds.
func (r *Rules) Run(ctx context.Context) {
	hurry := make(chan struct{}, 1)
	r.hurry.Store(&hurry)
	tick := time.NewTicker(ReloadWait)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-hurry:
		}
		// Kept: the table in force; past goodFor, Allow says so to everybody.
		_ = r.Reload(ctx)
	}
}

// Hurry asks Run to read at once what an act of this process has changed.
func (r *Rules) Hurry() {
	hurry := r.hurry.Load()
	if hurry == nil {
		return
	}
	select {
	case *hurry <- struct{}{}:
	default:
	}
}
