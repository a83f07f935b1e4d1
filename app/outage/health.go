package outage

import (
	"context"
	"errors"
	"strconv"
	"time"

	"latchkey/app/audit"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// When a channel counts as failing, and until when.
const (
	Window      = 10 * time.Minute
	SampleLeast = 10 // tries in the window
	RateMost    = 50 // percent of them that failed; more is failing
	RateGood    = 20 // percent; as few, and it works again
	quietMost   = time.Hour
)

// Health is how a channel does.
type Health struct {
	Channel       Channel
	Tried, Failed int        // within Window
	FailingSince  *time.Time // nil: it is not
}

// Percent is how many of the tries failed.
func (h Health) Percent() int {
	if h.Tried == 0 {
		return 0
	}
	return h.Failed * 100 / h.Tried
}

// fails says whether these figures begin a time of failure.
func (h Health) fails() bool { return h.Tried >= SampleLeast && h.Failed*100 > h.Tried*RateMost }

// works says whether they end one. Where hardly anything is sent, an hour in which nothing
// failed does.
func (h Health) works(quiet bool) bool {
	return h.Tried >= SampleLeast && h.Failed*100 <= h.Tried*RateGood || quiet
}

// measured is how a channel of a tenant fared within Window.
type measured struct {
	TenantID, Channel string
	Tried, Failed     int
}

const figures = "SELECT tenant_id, channel, CAST(sum(tried) AS integer) AS tried, CAST(sum(failed) AS integer) AS failed FROM channel_minutes WHERE minute > ?"

// Health gives how the channels of a tenant do.
func (s *Service) Health(ctx context.Context, tenantID string) ([]Health, error) {
	tx := s.DB.View(ctx)
	var rows []measured
	if err := tx.All(&rows, figures+" AND tenant_id = ? GROUP BY tenant_id, channel", tx.Now.Add(-Window), tenantID); err != nil {
		return nil, store.Unusable(err)
	}
	var open []struct {
		Channel string
		Since   time.Time
	}
	if err := tx.All(&open, "SELECT channel, since FROM channel_failures WHERE tenant_id = ? AND ended_at IS NULL", tenantID); err != nil {
		return nil, store.Unusable(err)
	}
	all := make([]Health, len(Channels))
	for i, c := range Channels {
		all[i].Channel = c
		for _, r := range rows {
			if r.Channel == c.kind() {
				all[i].Tried, all[i].Failed = r.Tried, r.Failed
			}
		}
		for _, f := range open {
			if f.Channel == c.kind() {
				all[i].FailingSince = &f.Since
			}
		}
	}
	return all, nil
}

// Platform is how a channel does in all tenants together.
type Platform struct {
	Health
	Tenants int // in which it is failing
}

// HealthOfAll gives how the channels do over all tenants, for whoever runs the platform.
func HealthOfAll(ctx context.Context, db *store.DB) ([]Platform, error) {
	tx := db.View(ctx)
	var rows []struct {
		Channel       string
		Tried, Failed int
		Tenants       int
	}
	err := tx.All(&rows, `SELECT channel, CAST(sum(tried) AS integer) AS tried, CAST(sum(failed) AS integer) AS failed, CAST(sum(tenants) AS integer) AS tenants FROM (
		SELECT channel, tried, failed, 0 AS tenants FROM channel_minutes WHERE minute > ?
		UNION ALL SELECT channel, 0, 0, 1 FROM channel_failures WHERE ended_at IS NULL) both_of GROUP BY channel`, tx.Now.Add(-Window))
	if err != nil {
		return nil, store.Unusable(err)
	}
	all := make([]Platform, len(Channels))
	for i, c := range Channels {
		all[i].Channel = c
		for _, r := range rows {
			if r.Channel == c.kind() {
				all[i].Tried, all[i].Failed, all[i].Tenants = r.Tried, r.Failed, r.Tenants
			}
		}
	}
	return all, nil
}

// Watch begins and ends times of failure. Any replica may run it, at any time: each
// beginning falls to one, which tells who looks after outages, once.
func (s *Service) Watch(ctx context.Context) error {
	tx := s.DB.View(ctx)
	var rows []measured
	if err := tx.All(&rows, figures+" GROUP BY tenant_id, channel", tx.Now.Add(-Window)); err != nil {
		return store.Unusable(err)
	}
	found := map[[2]string]Health{}
	for _, r := range rows {
		found[[2]string{r.TenantID, r.Channel}] = Health{Tried: r.Tried, Failed: r.Failed}
	}
	var open []struct {
		TenantID, Channel string
		Since             time.Time
		Lately            bool // something failed within quietMost
	}
	if err := tx.All(&open, `SELECT f.tenant_id, f.channel, f.since,
		EXISTS (SELECT 1 FROM channel_minutes m WHERE m.tenant_id = f.tenant_id AND m.channel = f.channel AND m.minute > ? AND m.failed > 0) AS lately
		FROM channel_failures f WHERE f.ended_at IS NULL`, tx.Now.Add(-quietMost)); err != nil {
		return store.Unusable(err)
	}
	under := map[[2]string]bool{}
	var all error
	for _, f := range open {
		of := [2]string{f.TenantID, f.Channel}
		under[of] = true
		if quiet := !f.Lately && !tx.Now.Before(f.Since.Add(quietMost)); found[of].works(quiet) {
			all = errors.Join(all, s.works(store.Within(ctx, f.TenantID), f.TenantID, f.Channel, f.Since))
		}
	}
	for _, r := range rows {
		if of := [2]string{r.TenantID, r.Channel}; found[of].fails() && !under[of] {
			all = errors.Join(all, s.fails(store.Within(ctx, r.TenantID), r))
		}
	}
	return all
}

// errAnother says in an act that another replica was first.
var errAnother = errors.New("outage: another replica was first")

func (s *Service) fails(ctx context.Context, r measured) error {
	return first(s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(errAnother, "INSERT INTO channel_failures (tenant_id, channel, since, tried, failed) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING", r.TenantID, r.Channel, tx.Now, r.Tried, r.Failed)
		if err != nil {
			return err
		}
		channel := string(channelOf(r.Channel))
		if err := audit.Record(tx, audit.Event{
			TenantID: r.TenantID, Action: audit.ChannelFailing, Outcome: audit.Failure, Actor: audit.Service, Target: audit.Tenant(r.TenantID),
			Details: map[string]string{"channel": channel, "tried": strconv.Itoa(r.Tried), "failed": strconv.Itoa(r.Failed)},
		}); err != nil {
			return err
		}
		return s.tell(tx, r.TenantID, notify.Notice{Action: audit.ChannelFailing, Detail: channel})
	}))
}

func (s *Service) works(ctx context.Context, tenantID, channel string, since time.Time) error {
	return first(s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(errAnother, "UPDATE channel_failures SET ended_at = ? WHERE tenant_id = ? AND channel = ? AND since = ? AND ended_at IS NULL", tx.Now, tenantID, channel, since)
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.ChannelWorks, Actor: audit.Service, Target: audit.Tenant(tenantID), Details: map[string]string{"channel": string(channelOf(channel))},
		})
	}))
}

func first(err error) error {
	if errors.Is(err, errAnother) {
		return nil
	}
	return err
}

// minutesKept is how long the figures of minutes are kept.
const minutesKept = 24 * time.Hour

// Forget deletes figures that nobody asks for any more. Any replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM channel_minutes WHERE minute < ?", db.Now().Add(-minutesKept))
	_, also := db.CountOne(ctx, "DELETE FROM channel_failures WHERE ended_at < ?", db.Now().AddDate(0, 0, -90))
	return errors.Join(err, also)
}

// On says whether the feature is on for somebody in a tenant, and whether a person may
// ask for an outage.
func (s *Service) On(ctx context.Context, tenantID, userID string) (somebody, theirs bool, err error) {
	tx := s.DB.View(ctx)
	offered, err := feature.Offered(tx, tenantID)
	if err != nil {
		return false, false, store.Unusable(err)
	}
	had, err := feature.Had(tx, tenantID, userID)
	return offered.Has(feature.OutageMode), had.Has(feature.OutageMode), store.Unusable(err)
}
