package signals

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// Times of Run: it waits a moment, for a program that has just started has better things to do.
const (
	tellFirst = time.Minute
	tellEach  = time.Hour
)

// Run tells leads until ctx ends.
func (s *Service) Run(ctx context.Context) {
	next := time.NewTimer(tellFirst)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if err := s.Tell(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("signals", "error", err)
		}
		next.Reset(tellEach)
	}
}

// Tell tells the leads of every tenant who gave bypasses lately that there are flags, each
// lead once a week at most and by what they see themselves. Any replica may run it.
func (s *Service) Tell(ctx context.Context) error {
	tx := s.DB.View(ctx)
	var tenants []string
	if err := tx.All(&tenants, "SELECT DISTINCT tenant_id FROM bypasses WHERE created_at > ?", tx.Now.AddDate(0, 0, -7)); err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, id := range tenants {
		all = errors.Join(all, s.tell(ctx, id))
	}
	_, err := s.DB.CountOne(ctx, "DELETE FROM agent_notices WHERE told_at < ?", s.DB.Now().AddDate(0, 0, -30))
	return errors.Join(all, err)
}

func (s *Service) tell(ctx context.Context, tenantID string) error {
	tx := s.DB.View(ctx)
	week := weekOf(tx.Now).Format(time.DateOnly)
	leads, err := notify.Holders(tx, tenantID, access.RoleHelpdeskLead)
	if err != nil {
		return store.Unusable(err)
	}
	reports := map[string]Report{} // by what a lead sees: most see all
	for _, lead := range leads {
		var told string
		if there, err := tx.One(&told, "SELECT user_id FROM agent_notices WHERE tenant_id = ? AND user_id = ? AND week = ?", tenantID, lead, week); err != nil || there {
			if err != nil {
				return store.Unusable(err)
			}
			continue
		}
		who, err := s.Rules.StandingIn(tx, tenantID, lead)
		if err != nil {
			return store.Unusable(err)
		}
		if own(who) {
			continue // a lead no more
		}
		sees := strings.Join(slices.Sorted(slices.Values(who.Scope)), " ")
		r, counted := reports[sees]
		if !counted {
			if r, err = viewOf(who, WeeksUsual, tx.Now).report(tx); err != nil {
				return store.Unusable(err)
			}
			reports[sees] = r
		}
		flagged := 0
		for _, a := range r.Agents {
			if len(a.Flags) > 0 && a.ID != lead {
				flagged++
			}
		}
		if flagged == 0 {
			continue
		}
		err = s.DB.Act(ctx, func(tx *store.Tx) error {
			res := tx.Exec("INSERT INTO agent_notices (tenant_id, user_id, week, told_at) VALUES (?,?,?,?) ON CONFLICT DO NOTHING", tenantID, lead, week, tx.Now)
			if res.Error != nil || res.RowsAffected == 0 {
				return res.Error // another replica has told them
			}
			if err := notify.Tell(tx, tenantID, lead, notify.Notice{Action: audit.SignalsFlagged, Detail: strconv.Itoa(flagged)}); err != nil {
				return err
			}
			return audit.Record(tx, audit.Event{
				TenantID: tenantID, Action: audit.SignalsFlagged, Actor: audit.Service, Target: audit.User(lead), Subject: lead,
				Details: map[string]string{"agents": strconv.Itoa(flagged), "week": week},
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
