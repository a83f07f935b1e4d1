package eventform

import (
	"slices"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// Of is an event out of the audit, with the slug of its tenant and the sign-in names of
// users by their ids. Without personal data neither names nor addresses go along.
func Of(n int64, k audit.Kept, slug string, names map[string]string, withPersonal bool) (Event, error) {
	said, err := k.Said()
	if err != nil {
		return Event{}, err
	}
	e := Event{
		N: n, ID: k.ID, At: k.OccurredAt.UTC(), Tenant: slug, Action: k.Action, Outcome: k.Outcome, Reason: k.Reason, Actor: Party{Kind: k.ActorKind, ID: k.ActorID}, Target: Party{Kind: k.TargetKind, ID: k.TargetID},
		Subject: k.SubjectID, Thread: k.ThreadID, Request: k.RequestID, Details: said.Details,
	}
	if withPersonal {
		e.Actor.Name, e.Target.Name, e.SubjectName = names[k.ActorID], names[k.TargetID], names[k.SubjectID]
		e.IP, e.Browser, e.Typed = said.Origin.IP, said.Origin.Browser, said.Typed
	}
	return e, nil
}

// Names gives the sign-in names of the users that events speak of.
func Names(tx *store.Tx, tenantID string, all []audit.Kept) (map[string]string, error) {
	var ids []string
	for _, k := range all {
		ids = append(ids, k.ActorID, k.TargetID, k.SubjectID)
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	names := map[string]string{}
	for part := range slices.Chunk(ids, store.EachMost) {
		err := tx.Each("SELECT id, name FROM users WHERE tenant_id = ? AND id IN ?", func(scan func(...any) error) error {
			var id, name string
			err := scan(&id, &name)
			names[id] = name
			return err
		}, tenantID, part)
		if err != nil {
			return nil, store.Unusable(err)
		}
	}
	return names, nil
}
