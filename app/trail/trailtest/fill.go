// Package trailtest fills an audit with so many events that what it costs to read them shows.
package trailtest

import (
	"errors"

	"latchkey/app/store"
)

// People is how many people the events are about: u1, u2, and so on.
const People = 20_000

// Fill writes events of the last 60 days into the audit of a tenant, on PostgreSQL: of ten,
// nine of sign-ins, three for each, and one of an administrator, with the words of its reason.
// They are in no tree.
func Fill(tx *store.Tx, tenantID string, size int) error {
	const id = "substr(md5(i::text), 1, 20)"
	return errors.Join(
		tx.Exec(`INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt)
			SELECT CAST(? AS text), `+id+`, e.at, e.action, e.outcome, e.reason, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.subject_id, e.thread_id, e.id,
				convert_to('{"v":1,"details":{"way":"phone"},"reason":"' || e.reason || '"}', 'UTF8'), '{"ip":"' || e.ip || '","browser":"firefox/linux"}', e.id
			FROM (SELECT i, `+id+` AS id, CAST(? AS timestamptz) - i * (interval '60 days' / CAST(? AS int)) AS at, '10.' || i % 200 || '.' || i / 200 % 200 || '.' || i % 7 AS ip,
				CASE WHEN i % 10 = 0 THEN (ARRAY['user.locked','user.unlocked','bypass.issued','case.opened','caller_check.begun','group.member_added','settings.changed'])[1 + i / 10 % 7]
					ELSE (ARRAY['signin.begun','prompt.approved','signin.finished'])[1 + i % 3] END AS action,
				CASE WHEN i % 50 = 7 THEN 'failure' WHEN i % 1000 = 11 THEN 'denied' ELSE 'success' END AS outcome,
				CASE WHEN i % 10 = 0 THEN 'lost the phone near ward ' || i % 997 WHEN i % 50 = 7 THEN 'signin.password_wrong' ELSE '' END AS reason,
				CASE WHEN i % 10 <> 0 AND i % 3 = 0 THEN 'claimant' ELSE 'user' END AS actor_kind,
				CASE WHEN i % 10 = 0 THEN 'u' || 1 + i / 10 % 40 WHEN i % 3 = 0 THEN '' ELSE 'u' || 41 + i / 3 % 19900 END AS actor_id,
				CASE WHEN i % 10 = 0 THEN 'user' ELSE 'attempt' END AS target_kind, CASE WHEN i % 10 = 0 THEN 'u' || 41 + i / 3 % 19900 ELSE 'a' || i / 3 END AS target_id, 'u' || 41 + i / 3 % 19900 AS subject_id, 'a' || i / 3 AS thread_id
				FROM generate_series(1, ?) i) e`, tenantID, tx.Now, size, size).Error,
		tx.Exec(`INSERT INTO audit_words (tenant_id, word, occurred_at, event_id) SELECT e.tenant_id, w, e.occurred_at, e.id FROM audit_events e, regexp_split_to_table(e.reason, ' ') w
			WHERE e.tenant_id = ? AND e.reason LIKE '% %' AND length(w) > 1 ON CONFLICT DO NOTHING`, tenantID).Error,
	)
}
