package rollout

import (
	"context"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/passcode"
	"latchkey/app/signin"
	"latchkey/app/store"
)

// Choice is a feature that a person turns on and off by themselves.
type Choice struct {
	*feature.Entry
	On bool
	// With it go these, which the person has and which need it.
	Gone []feature.Feature
}

// Choices lists what a person may turn on and off, in the order of the catalogue: what
// their tenant leaves to them, the platform has released, and they have all the needs
// of. Whoever is in an excluded group sees nothing of it.
func (s *Service) Choices(ctx context.Context, tenantID, userID string) (all []Choice, err error) {
	tx := s.DB.View(ctx)
	table, err := feature.Load(tx, tenantID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	left := false
	for _, r := range table.Rules {
		left = left || r.Stage == feature.UsersChoice
	}
	if !left {
		return nil, nil // as in most tenants
	}
	person, _, err := feature.PersonOf(tx, tenantID, userID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	has := table.Of(&person)
	for i := range feature.Catalogue {
		e := &feature.Catalogue[i]
		if !table.Choosable(e.Feature, &person) {
			continue
		}
		c := Choice{Entry: e, On: person.Chosen&e.Bit != 0}
		if c.On {
			without := person
			without.Chosen &^= e.Bit
			c.Gone = (has &^ table.Of(&without) &^ e.Bit).Features()
		}
		all = append(all, c)
	}
	return all, nil
}

// Choose turns a feature on or off for the one who asks, from the next statement on.
// What is so already stays so. It fails with fault.NotFound when there is no such
// feature, and with fault.Conflict when it is not theirs to choose, whatever the cause,
// or when they could not sign in any more.
//
// Two choices of one person follow each other: the second sees what the first has left.
func (s *Service) Choose(ctx context.Context, tenantID, userID string, f feature.Feature, on bool, from audit.Origin) error {
	e, ok := feature.Find(f)
	if !ok {
		return fault.New(fault.NotFound, "http.not_found")
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if tx.Dialect == store.Postgres {
			var id string
			if _, err := tx.One(&id, "SELECT id FROM users WHERE tenant_id = ? AND id = ? FOR NO KEY UPDATE", tenantID, userID); err != nil {
				return err
			}
		}
		var is struct{ May, Chosen bool }
		_, err := tx.One(&is, `SELECT `+feature.Choosable(f)+` AS may, `+choseIt+` AS chosen
			FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ? AND u.state = 'active'`, f, tenantID, userID)
		switch {
		case err != nil:
			return err
		case !is.May:
			return notTheirs()
		case is.Chosen == on:
			return nil
		case on:
			err = turnOn(tx, tenantID, userID, f)
		default:
			err = s.turnOff(tx, tenantID, userID, f, from)
		}
		if err != nil {
			return err
		}
		action := audit.FeatureChosen
		if !on {
			action = audit.FeatureDeclined
		}
		if e.Guarded(on) {
			if err := notify.Tell(tx, tenantID, userID, notify.Notice{Action: action, Detail: string(f)}); err != nil {
				return err
			}
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: action, Actor: audit.User(userID), Target: audit.User(userID), Subject: userID,
			Origin: from, Details: map[string]string{"feature": string(f)},
		})
	})
}

// notTheirs is one failure for what is left to nobody, to others, and to them but not
// now: nobody learns here which groups they are in.
func notTheirs() error { return fault.New(fault.Conflict, "rollout.not_theirs") }

// choseIt says that a user u has turned a feature on, whose name is its value.
const choseIt = `EXISTS (SELECT 1 FROM rollout_choices c WHERE c.tenant_id = u.tenant_id AND c.feature = ? AND c.user_id = u.id)`

func turnOn(tx *store.Tx, tenantID, userID string, f feature.Feature) error {
	return tx.Change(notTheirs(), `INSERT INTO rollout_choices (tenant_id, feature, user_id, chosen_at)
		SELECT u.tenant_id, ?, u.id, ? FROM users u JOIN tenants t ON t.id = u.tenant_id
		WHERE u.tenant_id = ? AND u.id = ? AND u.state = 'active' AND `+feature.Choosable(f)+` ON CONFLICT DO NOTHING`, f, tx.Now, tenantID, userID)
}

// turnOff judges by what judges sign-ins whether there is a way left. Who could not sign
// in before may turn off what they like.
func (s *Service) turnOff(tx *store.Tx, tenantID, userID string, f feature.Feature, from audit.Origin) error {
	before, err := signin.Able(tx, s.Roles.Keys, tenantID, []string{userID})
	if err != nil {
		return err
	}
	err = tx.Change(notTheirs(), `DELETE FROM rollout_choices WHERE tenant_id = ? AND feature = ? AND user_id = ?
		AND EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id
			WHERE u.tenant_id = rollout_choices.tenant_id AND u.id = rollout_choices.user_id AND u.state = 'active' AND `+feature.Choosable(f)+`)`, tenantID, f, userID)
	if err != nil {
		return err
	}
	after, err := signin.Able(tx, s.Roles.Keys, tenantID, []string{userID})
	if err != nil {
		return err
	}
	if before[userID] && !after[userID] {
		return fault.New(fault.Conflict, "rollout.last_way")
	}
	return passcode.TurnedOff(tx, tenantID, userID, from)
}
