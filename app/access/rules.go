package access

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Freshness: how often assignments are read, and how long the last good table
// may be used when they cannot be.
const (
	ReloadWait = 2 * time.Second
	goodFor    = 60 * time.Second
	markFor    = 30 * time.Second // how long a mark is believed that nothing has changed
)

// Rules holds the table in force.
type Rules struct {
	db    *store.DB
	table atomic.Pointer[table]
	hurry atomic.Pointer[chan struct{}] // of the Run that is under way
	hub   *wake.Hub                     // to the other replicas; see Share

	reading turn      // one reads at a time, so that no older table takes the place of a newer
	tried   time.Time // when a request read what was too old, and could not; of who has the turn
}

// turn is what one has at a time, and others wait for.
type turn chan struct{}

func (t turn) take() { t <- struct{}{} }
func (t turn) pass() { <-t }

// table is one loaded state: what casbin said, and who holds which role. It is
// never changed, only replaced.
type table struct {
	*matrix
	holders map[holder]Standing
	loaded  time.Time // when it was last known to be so
	readAt  time.Time // when the rows were read
	mark    string    // of the rows that were read, see markOf; empty: there is none
	turns   time.Time // when the next assignment ends by itself; zero: none will
}

type holder struct{ tenantID, userID string }

// Load reads the policy and the assignments for the first time. It fails when
// the policy is not whole.
func Load(ctx context.Context, db *store.DB) (*Rules, error) {
	r := &Rules{db: db, reading: make(turn, 1)}
	return r, r.Reload(ctx)
}

// Reload reads every assignment, and swaps the new table in. On an error the
// table in force stays, for as long as it is good.
func (r *Rules) Reload(ctx context.Context) error {
	r.reading.take()
	defer r.reading.pass()
	return r.reload(ctx)
}

func (r *Rules) reload(ctx context.Context) error {
	// The table is everybody's, also when a change in one tenant asks for it.
	tx := r.db.View(store.Outside(ctx))
	mark, err := markOf(tx) // before the rows: what changes in between is read again
	if err != nil {
		return store.Unusable(err)
	}
	return r.read(tx, mark)
}

// catchUp gives the table in force when it was read again for a request that found it
// too old: a machine that slept has missed its ticks, and nobody is to be turned away
// for that. While it cannot be read one request tries every two seconds, and none waits
// for longer than that. Nothing is left that may be used: nil.
func (r *Rules) catchUp() *table {
	ctx, cancel := context.WithTimeout(context.Background(), ReloadWait)
	defer cancel()
	select {
	case r.reading <- struct{}{}:
		defer r.reading.pass()
	case <-ctx.Done():
		return nil
	}
	now := r.db.Now()
	if t := r.table.Load(); now.Sub(t.loaded) <= goodFor {
		return t // somebody has read it meanwhile
	}
	if since := now.Sub(r.tried); since >= 0 && since < ReloadWait {
		return nil
	}
	r.tried = now
	if err := r.reload(ctx); err != nil {
		return nil
	}
	return r.table.Load()
}

// refresh is Reload when something has changed since the table was read. Tens of
// thousands of assignments take a tenth of a second to read, and do not change in
// two.
func (r *Rules) refresh(ctx context.Context) error {
	r.reading.take()
	defer r.reading.pass()
	tx := r.db.View(store.Outside(ctx))
	mark, err := markOf(tx)
	if err != nil {
		return store.Unusable(err)
	}
	old := r.table.Load()
	turned := !old.turns.IsZero() && !tx.Now.Before(old.turns)
	if mark == "" || mark != old.mark || turned || tx.Now.Sub(old.readAt) > markFor {
		return r.read(tx, mark)
	}
	same := *old
	same.loaded = tx.Now
	r.table.Store(&same)
	return nil
}

func (r *Rules) read(tx *store.Tx, mark string) error {
	next := &table{loaded: tx.Now, readAt: tx.Now, mark: mark}
	var err error
	if old := r.table.Load(); old != nil {
		next.matrix = old.matrix
	} else if next.matrix, err = decide(); err != nil {
		return fmt.Errorf("access: policy: %w", err)
	}
	if next.holders, err = holders(tx, next.matrix); err != nil {
		return store.Unusable(err)
	}
	for _, s := range next.holders {
		if s.EndsAt.After(tx.Now) && (next.turns.IsZero() || s.EndsAt.Before(next.turns)) {
			next.turns = s.EndsAt
		}
	}
	r.table.Store(next) // one reads at a time, see reading
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
	if !ok || s.ended(r.db.Now()) {
		return t.user(tenantID, userID)
	}
	return s
}

func (s Standing) ended(now time.Time) bool { return !s.EndsAt.IsZero() && !now.Before(s.EndsAt) }

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
	if t == nil {
		return tooOld()
	}
	now := r.db.Now()
	if now.Sub(t.loaded) > goodFor {
		if t = r.catchUp(); t == nil {
			return tooOld()
		}
	}
	may := t.roles[RoleUser]
	if s, ok := t.holders[holder{tenantID, userID}]; ok && !s.ended(now) {
		may = s.May
	}
	if may.Has(p) {
		return nil
	}
	return refusal
}

var refusal = fault.New(fault.Forbidden, "access.forbidden")

func tooOld() error {
	f := fault.New(fault.Unavailable, "access.no_policy")
	f.RetryAfter = 5 * time.Second
	return f
}

// changedKey is what every replica waits on for changes of roles.
const changedKey = "roles:changed"

// Share makes Hurry reach the other replicas. It is called before Run.
func (r *Rules) Share(hub *wake.Hub) { r.hub = hub }

// Run reads the assignments again and again until ctx ends, so that a change
// reaches every replica within five seconds: by the hint of Hurry at once, and
// without it at the next tick.
func (r *Rules) Run(ctx context.Context) {
	hurry := make(chan struct{}, 1)
	r.hurry.Store(&hurry)
	var rung <-chan wake.Signal
	if r.hub != nil {
		waiter := r.hub.Wait(changedKey)
		defer waiter.Done()
		rung = waiter.Bell()
	}
	tick := time.NewTicker(ReloadWait)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-hurry:
		case signal, open := <-rung:
			if !open {
				rung = nil
			}
			if !open || signal == wake.Beat {
				continue
			}
		}
		// Kept: the table in force; past goodFor, Allow says so to everybody.
		_ = r.refresh(ctx)
	}
}

// Hurry asks every replica to read at once what an act has changed. It is for
// after the commit: tx.After(rules.Hurry).
func (r *Rules) Hurry() {
	if r.hub != nil {
		r.hub.Ring(changedKey)
		return
	}
	hurry := r.hurry.Load()
	if hurry == nil {
		return
	}
	select {
	case *hurry <- struct{}{}:
	default:
	}
}
