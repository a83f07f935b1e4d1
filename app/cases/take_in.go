package cases

import (
	"context"
	"errors"
	"time"

	"latchkey/app/audit"
	"latchkey/app/disown"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/user"
)

// takeInMost is how many requests a sweep looks at.
const takeInMost = 50

// TakeIn makes cases of the requests that are somebody's, or notes in the case of theirs
// that stands, and puts those of nobody aside. Any replica may run it; each is taken in
// once.
func (s *Service) TakeIn(ctx context.Context) error {
	var due []askRow
	// Those that could not be taken in before come last: some that never can must not keep
	// the place of those that can.
	if err := s.DB.View(ctx).All(&due, "SELECT "+askColumns+" FROM case_asks WHERE state = 'asked' ORDER BY CASE WHEN tried_at IS NULL THEN 0 ELSE 1 END, tried_at, asked_at LIMIT ?", takeInMost); err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, a := range due {
		err := s.DB.Act(ctx, func(tx *store.Tx) error { return s.takeIn(tx, a) })
		if err == nil {
			continue
		}
		if !errors.Is(err, fault.Conflict) { // an agent, or another replica, is at the same person: the next sweep finds what stands
			all = errors.Join(all, err)
		}
		_, err = s.DB.CountOne(ctx, "UPDATE case_asks SET tried_at = ? WHERE tenant_id = ? AND id = ? AND state = 'asked'", s.DB.Now(), a.TenantID, a.ID)
		all = errors.Join(all, err)
	}
	return all
}

func (s *Service) takeIn(tx *store.Tx, a askRow) error {
	taken := fault.New(fault.Conflict, "case.changed")
	var userID string
	found, err := tx.One(&userID, `SELECT u.id FROM attempts n JOIN users u ON u.tenant_id = n.tenant_id AND u.name = n.name JOIN tenants t ON t.id = u.tenant_id
		WHERE n.tenant_id = ? AND n.id = ? AND n.name <> '' AND `+mayAsk, a.TenantID, a.AttemptID)
	if err != nil {
		return err
	}
	if !found {
		return tx.Change(taken, "UPDATE case_asks SET state = 'nobody', words = '' WHERE tenant_id = ? AND id = ? AND state = 'asked'", a.TenantID, a.ID)
	}
	return s.asked(tx, a, userID, FromPerson, audit.Claimant(a.Subject), a.origin())
}

// asked makes a case of a request, or adds it to the one that stands, in the act tx. The
// person is told either way, with a link by which they say that it was not them.
func (s *Service) asked(tx *store.Tx, a askRow, userID string, origin Origin, by audit.Party, from audit.Origin) error {
	if err := user.Alone(tx, a.TenantID, userID); err != nil {
		return err
	}
	c, stands, err := StandingOf(tx, a.TenantID, userID)
	if err != nil {
		return err
	}
	state, action := "joined", audit.CaseNoted
	if !stands {
		state, action = "opened", audit.CaseOpened
		c = Case{
			TenantID: a.TenantID, ID: secret.System.ID(), Number: a.Number, UserID: userID, Cause: a.Cause, Words: a.Words, State: Open, Origin: origin, OpenedAt: tx.Now,
		}
		if by.Kind == audit.KindUser {
			c.OpenedBy = by.ID
		}
		if err := insert(tx, &c); err != nil {
			return err
		}
	} else {
		err := tx.Exec("INSERT INTO case_notes (tenant_id, id, case_id, author_id, words, at, ask_id) VALUES (?,?,?,'',?,?,?)", c.TenantID, secret.System.ID(), c.ID, a.Words, tx.Now, a.ID).Error
		if err != nil {
			return err
		}
	}
	err = tx.Change(fault.New(fault.Conflict, "case.changed"), "UPDATE case_asks SET state = ?, user_id = ?, case_id = ?, words = '' WHERE tenant_id = ? AND id = ? AND state = 'asked'", state, userID, c.ID, a.TenantID, a.ID)
	if err != nil {
		return err
	}
	e := audit.Event{
		TenantID: c.TenantID, Action: action, Actor: by, Target: audit.Party{Kind: audit.KindCase, ID: c.ID}, Subject: userID, Thread: c.ID, Origin: from,
		Details: map[string]string{"number": c.Name(), "ask": a.ID, "asked_as": Name(a.Number), "origin": string(origin), "cause": string(a.Cause)},
	}
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	if err := s.tellOwner(tx, c, audit.CaseNoted); err != nil {
		return err
	}
	return s.tellAsked(tx, c, a)
}

// tellAsked tells the person of a request, with a link by which they say that it was not
// them. The number is for whoever asked: in a notice of ours it would speak for a stranger
// who calls and names it. A phone that the case says is gone hears that somebody asked, for
// it may not be in the wrong hands; it gets no link, by which those would turn the helpdesk
// against the person.
func (s *Service) tellAsked(tx *store.Tx, c Case, a askRow) error {
	link, err := disown.Make(tx, s.Keys, disown.Link{TenantID: c.TenantID, UserID: c.UserID, AskID: a.ID})
	if err != nil {
		return err
	}
	gone, err := Devices(tx, c.TenantID, c.ID)
	if err != nil {
		return err
	}
	n := notify.Notice{Action: audit.CaseAsked, Disowning: link}
	if _, err := notify.TellPhones(tx, c.TenantID, c.UserID, n.Told(tx), gone, notify.Notice{Action: n.Action}.Told(tx)); err != nil {
		return err
	}
	return notify.Tell(tx, c.TenantID, c.UserID, n)
}

// tellOwner leaves the agent of a case a notice, if it has one who reads any here.
func (s *Service) tellOwner(tx *store.Tx, c Case, action audit.Action) error {
	reads, err := readsHere(tx, c.TenantID, c.OwnerID)
	if err != nil || !reads {
		return err
	}
	return notify.Tell(tx, c.TenantID, c.OwnerID, notify.Notice{Action: action, Detail: c.Name()})
}

// readsHere says whether somebody reads notices in a tenant: whom it has let in as a guest
// does not, nor does nobody.
func readsHere(tx *store.Tx, tenantID, userID string) (bool, error) {
	var id string
	return tx.One(&id, "SELECT id FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID)
}

// twiceSpan is for how long what somebody asks once more, in the same browser and for the
// same cause, is what they asked before: a button that was pressed twice.
const twiceSpan = 10 * time.Second

// AskSignedIn is Ask for somebody who is signed in. It is a case at once.
func (s *Service) AskSignedIn(ctx context.Context, who session.Session, browser string, a Ask, from audit.Origin) error {
	a.Words = tidied(a.Words)
	if err := a.wrong(); err != nil {
		return err
	}
	subject := s.Keys.Subject(who.UserName)
	full, err := s.count(ctx, who.TenantID, []limit{
		{"browser", browser, browserMost, browserSpan}, {"address", signin.AddressKey(s.Keys, from.IP), s.AskMost, addressSpan}, {"known", subject, knownMost, nameSpan},
	})
	if full != "" {
		refused := audit.Event{
			TenantID: who.TenantID, Action: audit.CaseAsked, Actor: audit.User(who.UserID), Target: audit.User(who.UserID), Subject: who.UserID, Outcome: audit.Failure, Reason: "case.ask_often", Origin: from,
			Details: map[string]string{"cause": string(a.Cause), "full": full},
		}
		if failed := s.DB.Act(ctx, func(tx *store.Tx) error { return audit.Record(tx, refused) }); failed != nil {
			return failed
		}
	}
	if err != nil {
		return err
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		// The person first and the number then, as an agent does who opens a case: two who take
		// them crosswise would wait for each other.
		if err := user.Alone(tx, who.TenantID, who.UserID); err != nil {
			return err
		}
		var twice string
		there, err := tx.One(&twice, "SELECT id FROM case_asks WHERE browser_digest = ? AND subject = ? AND tenant_id = ? AND asked_at > ? AND user_id = ? AND attempt_id = '' AND cause = ?",
			browser, subject, who.TenantID, tx.Now.Add(-twiceSpan), who.UserID, a.Cause)
		if err != nil || there {
			return err
		}
		row := askRow{
			TenantID: who.TenantID, ID: secret.System.ID(), UserID: who.UserID, Subject: subject, Proved: who.AMR, Cause: a.Cause, Words: a.Words, State: "asked",
			IP: from.IP, Browser: from.Browser, AskedAt: tx.Now,
		}
		if err := nextNumber(tx, row.TenantID, &row.Number); err != nil {
			return err
		}
		err = tx.Change(fault.New(fault.Conflict, "feature.off"), `INSERT INTO case_asks (tenant_id, id, number, user_id, subject, browser_digest, proved, cause, words, state, ip, browser, asked_at)
			SELECT u.tenant_id, ?, ?, u.id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM users u JOIN tenants t ON t.id = u.tenant_id
			WHERE u.tenant_id = ? AND u.id = ? AND EXISTS (SELECT 1 FROM sessions o WHERE o.tenant_id = u.tenant_id AND o.user_id = u.id AND o.id = ?) AND `+session.Stands+` AND `+mayAsk,
			row.ID, row.Number, subject, browser, row.Proved, row.Cause, row.Words, row.State, row.IP, row.Browser, tx.Now, row.TenantID, row.UserID, who.ID, row.TenantID, who.ID)
		if err != nil {
			return err
		}
		return s.asked(tx, row, row.UserID, FromAccount, audit.User(row.UserID), from)
	})
}

// Forget deletes requests in the name of nobody, and what was counted, when they are old.
// Of those that were taken in it forgets whence they came: that is personal, and serves to
// tell what was asked by somebody else.
// Any replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM case_asks WHERE state = 'nobody' AND asked_at < ?", db.Now().Add(-nobodyLife))
	_, also := db.CountOne(ctx, "DELETE FROM case_ask_counts WHERE since < ?", db.Now().Add(-nameSpan))
	_, third := db.CountOne(ctx, "UPDATE case_asks SET ip = '', browser = '', browser_digest = '' WHERE state IN ('opened', 'joined') AND ip <> '' AND asked_at < ?", db.Now().Add(-takenLife))
	return errors.Join(err, also, third)
}
