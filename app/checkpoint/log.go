package checkpoint

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// Log is a witness that writes each checkpoint into the audit of a tenant of this
// installation, as events. Whoever holds that tenant's bundles, or follows its own
// checkpoints, holds the heads of all others by them. Its own checkpoints it passes over:
// an event of each would make the next.
type Log struct {
	DB   *store.DB
	Slug string // of the tenant
}

// Name is what the health calls it.
func (l *Log) Name() string { return "log of " + l.Slug }

// Heads: what it has is in the same database, and no older or newer than that.
func (l *Log) Heads() ([]Head, int64, error) { return nil, 0, nil }

// Reached: all replicas share it, and note it in the database.
func (l *Log) Reached() (number int64, own bool, err error) { return 0, false, nil }

// Keep writes them in one act.
func (l *Log) Keep(ctx context.Context, all []Signed) error {
	return l.DB.Act(ctx, func(tx *store.Tx) error {
		var keeper string
		ok, err := tx.One(&keeper, "SELECT id FROM tenants WHERE slug = ?", l.Slug)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("checkpoint: there is no organisation %q whose log could be a witness", l.Slug)
		}
		var events []audit.Event
		for _, c := range all {
			if c.TenantID == keeper {
				continue
			}
			events = append(events, audit.Event{
				TenantID: keeper, Action: audit.CheckpointWitnessed, Actor: audit.Service, Target: audit.Service,
				Details: map[string]string{"number": strconv.FormatInt(c.Number, 10), "tenant": c.TenantID, "note": c.Note},
			})
		}
		return audit.RecordAll(tx, events)
	})
}

// Witnessed gives the checkpoints that stand in the log, for who verifies the others by it.
func (l *Log) Witnessed(ctx context.Context) (all []Signed, err error) {
	err = l.DB.View(ctx).Each("SELECT e.record FROM audit_events e JOIN tenants t ON t.id = e.tenant_id WHERE t.slug = ? AND e.action = ? ORDER BY e.occurred_at, e.id", func(scan func(...any) error) error {
		var record []byte
		if err := scan(&record); err != nil {
			return err
		}
		if one, ok := witnessedIn(record); ok {
			all = append(all, one)
		}
		return nil
	}, l.Slug, audit.CheckpointWitnessed)
	return all, store.Unusable(err)
}

// witnessedIn reads a checkpoint out of the bytes of its event. What cannot be read is
// none: a verifier of that log says what is wrong with it.
func witnessedIn(record []byte) (one Signed, ok bool) {
	var said struct {
		Action  audit.Action
		Details map[string]string
	}
	if err := json.Unmarshal(record, &said); err != nil || said.Action != audit.CheckpointWitnessed {
		return one, false
	}
	number, err := strconv.ParseInt(said.Details["number"], 10, 64)
	return Signed{Number: number, TenantID: said.Details["tenant"], Note: said.Details["note"]}, err == nil
}

// WitnessedInBundle gives the checkpoints of others that stand in the bundle of a tenant
// whose log is a witness. The bundle itself must be verified before they say anything.
func WitnessedInBundle(from io.ReaderAt, size int64) (all []Signed, err error) {
	file, err := zip.NewReader(from, size)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: bundle: %w", err)
	}
	in, err := file.Open(bundleEvents)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: bundle: %w", err)
	}
	defer in.Close()
	for lines := json.NewDecoder(in); ; {
		var e bundleEvent
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("checkpoint: bundle: %w", err)
		}
		if one, ok := witnessedIn([]byte(e.Record)); ok {
			all = append(all, one)
		}
	}
}
