package eventform

import "latchkey/app/audit"

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
