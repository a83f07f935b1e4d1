// Package trailtest fills an audit with so many events that what it costs to read them shows.
package trailtest

import (
	"context"
	"errors"
	"time"

	"latchkey/app/store"
)

// What there is in every filled audit, at least a page of each.
const (
	Admin   = "u1"
	Person  = "u45"
	Address = "10.4.0.3"
	Words   = "lost phone 107" // the first two stand in each tenth event, the third in a hundred
)

// organisation is as large as its audit: each of its people has 500 events in 60 days, an
// administrator cares for 500 people or fewer, and each ward has a hundred acts.
type organisation struct{ events, people, admins, wards int }

// adminsMost is where the numbers of people begin who are no administrators.
const adminsMost = 40

func organisationOf(events int) organisation {
	people := max(20, events/500)
	return organisation{events, people, min(adminsMost, max(2, people/500)), max(10, events/1000)}
}

// Enrol writes the people of so many events into a tenant: u1, u2, and so on.
func Enrol(tx *store.Tx, tenantID string, events int) error {
	return tx.Exec(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at)
		SELECT CAST(? AS text), 'u' || i, 'u' || i || '@alder.example', '', 'active', 'disabled', '', ? FROM generate_series(1, ?) i`, tenantID, tx.Now, adminsMost+organisationOf(events).people).Error
}

// Fill writes events of the last 60 days into the audit of a tenant, on PostgreSQL: of ten,
// nine of sign-ins, three for each, and one of an administrator, with the words of its reason.
// They are in no tree.
func Fill(ctx context.Context, db *store.DB, tenantID string, size int) error {
	now, of := db.Now(), organisationOf(size)
	for first := 1; first <= size; first += atOnce {
		err := db.Act(ctx, func(tx *store.Tx) error { return of.write(tx, tenantID, now, first, min(size, first+atOnce-1)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many events are written in one transaction, which is sealed as a whole.
const atOnce = 50_000

// write writes some of its events.
func (o organisation) write(tx *store.Tx, tenantID string, now time.Time, first, last int) error {
	const (
		id     = "substr(md5(i::text), 1, 20)"
		moment = "CAST(? AS timestamptz) - i * (interval '60 days' / CAST(? AS int))"
	)
	return errors.Join(
		tx.Exec(`WITH written AS (INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt, address)
			SELECT CAST(? AS text), e.id, e.at, e.action, e.outcome, e.reason, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.subject_id, e.thread_id, e.id,
				convert_to('{"v":1,"details":{"way":"phone"},"reason":"' || e.reason || '"}', 'UTF8'), '{"ip":"' || e.ip || '","browser":"firefox/linux"}', e.id, e.ip
			FROM (SELECT i, `+id+` AS id, `+moment+` AS at, '10.' || p % 200 || '.' || p / 200 || '.' || i % 7 AS ip,
				CASE WHEN i % 10 = 0 THEN (ARRAY['user.locked','user.unlocked','bypass.issued','case.opened','caller_check.begun','group.member_added','settings.changed'])[1 + i / 10 % 7]
					ELSE (ARRAY['signin.begun','prompt.approved','signin.finished'])[1 + i % 3] END AS action,
				CASE WHEN i % 50 = 7 THEN 'failure' WHEN i % 100 = 11 THEN 'denied' ELSE 'success' END AS outcome,
				CASE WHEN i % 10 = 0 THEN 'lost the phone near ward ' || 100 + i / 10 % CAST(? AS int) WHEN i % 50 = 7 THEN 'signin.password_wrong' ELSE '' END AS reason,
				CASE WHEN i % 10 <> 0 AND i % 3 = 0 THEN 'claimant' ELSE 'user' END AS actor_kind,
				CASE WHEN i % 10 = 0 THEN 'u' || 1 + i / 10 % CAST(? AS int) WHEN i % 3 = 0 THEN '' ELSE person END AS actor_id,
				CASE WHEN i % 10 = 0 THEN 'user' ELSE 'attempt' END AS target_kind, CASE WHEN i % 10 = 0 THEN person ELSE 'a' || i / 3 END AS target_id, person AS subject_id, 'a' || i / 3 AS thread_id
				FROM (SELECT i, i / 3 % CAST(? AS int) AS p, 'u' || 41 + i / 3 % CAST(? AS int) AS person FROM generate_series(CAST(? AS int), CAST(? AS int)) i) i) e RETURNING *)
			INSERT INTO audit_words (tenant_id, word, occurred_at, event_id) SELECT e.tenant_id, m, e.occurred_at, e.id FROM written e, audit_marks(e.action, e.outcome, e.reason, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.subject_id) m`,
			tenantID, now, o.events, o.wards, o.admins, o.people, o.people, first, last).Error,
		tx.Exec(`INSERT INTO audit_words (tenant_id, word, occurred_at, event_id) SELECT e.tenant_id, w, e.occurred_at, e.id FROM generate_series(CAST(? AS int), CAST(? AS int)) i
			JOIN LATERAL (SELECT * FROM audit_events e WHERE e.tenant_id = ? AND e.occurred_at = `+moment+` AND e.id = `+id+` AND e.reason LIKE '% %' LIMIT 1) e ON true,
			regexp_split_to_table(e.reason, ' ') w WHERE length(w) > 1 ON CONFLICT DO NOTHING`, first, last, tenantID, now, o.events).Error,
	)
}
