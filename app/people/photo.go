package people

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/photo"
	"latchkey/app/store"
)

// KindPhoto gives a person the photo that the helpdesk sees, or takes it away.
const KindPhoto approval.Kind = "user.photo"

// Photo is the photo to be, as photo.Read gives it; nothing: none. It goes with the act,
// so that a second person approves this one.
type Photo struct {
	JPEG   []byte `json:"jpeg,omitempty"`
	Unread bool   `json:"unread,omitempty"` // there was a file, and nobody looked at it: it is there to be refused
}

// MayChangePhoto says whether somebody may change the photo of a person, as access answers:
// nil, or why not. It is asked before a file is read, which takes time and memory.
func (s *Service) MayChangePhoto(ctx context.Context, tenantID, actorID, userID string) error {
	verdict, err := s.Rules.Ask(s.DB.View(ctx), question(approval.Act{TenantID: tenantID, ActorID: actorID, TargetID: userID}, access.UserInvite))
	if err != nil {
		return store.Unusable(err)
	}
	return verdict.Err()
}

// photo plans to change the photo of a person. Whoever may bring people in says what they
// look like: nobody changes their own, since it is there for others to know them by.
func (s *Service) photo(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Photo
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := photo.Of(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	next := photo.MarkOf(asked.JPEG)
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.UserInvite)},
		Difference: []approval.Change{{Field: "photo", Before: was.Mark, After: next}},
		Do: func(tx *store.Tx) error {
			if err := photo.Put(tx, act.TenantID, act.TargetID, asked.JPEG, was.Mark); err != nil {
				return err
			}
			e := act.Event(audit.UserPhotoChanged)
			e.Details = with(e.Details, "from", was.Mark, "to", next)
			return s.record(tx, act, e, "")
		},
	}
	if asked.Unread {
		plan.Wrong = fault.New(fault.Conflict, "user.state_changed")
	} else if next == was.Mark {
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"photo": "photo.same"})
	}
	return plan, nil
}
