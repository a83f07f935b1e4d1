package cases

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/secret"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Limits of requests to the helpdesk. They are the same for every name, whoever has it.
const (
	wordsMost = 500 // letters

	nameMost, nameSpan       = 5, 24 * time.Hour  // by one name, in browsers in which its user has not been
	knownMost                = 10                 // within nameSpan, in one in which they have
	attemptMost, attemptSpan = 5, 24 * time.Hour  // tries in one attempt, which lives for less
	browserMost, browserSpan = 10, time.Hour      // by one browser, which a hall may share
	addressSpan              = time.Hour          // of Service.AskMost
	againSpan                = 24 * time.Hour     // for which a browser is told that it asked before
	nobodyLife               = 7 * 24 * time.Hour // of requests in the name of nobody

	takenLife = 90 * 24 * time.Hour // of the address and the browser of those that were taken in
)

// Ask is what somebody asks of the helpdesk, without being proved to be anybody.
type Ask struct {
	Cause Cause
	Words string
}

// AskState is how far a request is, as whoever asked may know it.
type AskState string

const (
	AskWaits  AskState = "waits"
	AskTaken  AskState = "taken"  // by an agent
	AskClosed AskState = "closed" // the case is
)

// Asked is a request as the browser sees it that made it.
type Asked struct {
	ID     string
	Number string // such as C-1042
	At     time.Time
	State  AskState
	Agent  string // how who has it is called, where that may be told; or empty
	Shut   bool   // whoever asked may ask no more: nobody waits for it
}

// tidied gives the words without what could make a page look like something else.
func tidied(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if r == '\r' || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, text))
}

func (a Ask) wrong() error {
	fields := map[string]string{}
	if !slices.Contains(Causes, a.Cause) {
		fields["cause"] = "case.cause"
	}
	switch length := len([]rune(a.Words)); {
	case length == 0:
		fields["words"] = "case.ask_words"
	case length > wordsMost:
		fields["words"] = "case.ask_long"
	}
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

// limit is how often may be asked under a key.
type limit struct {
	kind, counted string
	most          int // 0: any number
	span          time.Duration
}

// count counts a request before it is looked at, in a commit of its own, and fails with
// fault.Throttled at the first limit that is full, which it names. Those after it are not
// counted: who is held back uses up nobody else's.
func (s *Service) count(ctx context.Context, tenantID string, limits []limit) (full string, err error) {
	var wait time.Duration
	err = s.DB.Count(ctx, func(tx *store.Tx) error {
		full = ""
		for _, l := range limits {
			if l.most == 0 {
				continue
			}
			var asks int
			began := tx.Now.Add(-l.span)
			counted, err := tx.One(&asks, `INSERT INTO case_ask_counts (tenant_id, kind, counted, since, asks) VALUES (?,?,?,?,1)
				ON CONFLICT (tenant_id, kind, counted) DO UPDATE SET asks = CASE WHEN case_ask_counts.since <= ? THEN 1 ELSE case_ask_counts.asks + 1 END,
				since = CASE WHEN case_ask_counts.since <= ? THEN excluded.since ELSE case_ask_counts.since END
				WHERE case_ask_counts.since <= ? OR case_ask_counts.asks < ? RETURNING asks`, tenantID, l.kind, l.counted, tx.Now, began, began, began, l.most)
			if err != nil {
				return err
			}
			if !counted {
				var since time.Time
				if _, err := tx.One(&since, "SELECT since FROM case_ask_counts WHERE tenant_id = ? AND kind = ? AND counted = ?", tenantID, l.kind, l.counted); err != nil {
					return err
				}
				full, wait = l.kind, max(since.Sub(began), time.Second)
				return nil
			}
		}
		return nil
	})
	if err == nil && full != "" {
		err = fault.Wait("case.ask_often", wait)
	}
	return full, err
}

// Ask takes a request in an attempt, in the name that was typed there, whoever has it:
// the same statements and the same kind of number for everybody, so that neither page
// nor time tells whether there is such a person. What becomes of it is for TakeIn. A
// second one in the same attempt is the first.
//
// It fails with fault.Conflict where nobody may help themselves, fault.Throttled, and
// fault.Refused when the attempt is over.
func (s *Service) Ask(ctx context.Context, by signin.Asker, a Ask, from audit.Origin) error {
	a.Words = tidied(a.Words)
	if err := a.wrong(); err != nil {
		return err
	}
	if !by.May {
		return fault.New(fault.Conflict, "feature.off")
	}
	if _, there, err := askOf(s.DB.View(ctx), by.TenantID, by.AttemptID); err != nil || there {
		return store.Unusable(err)
	}
	name := limit{"name", by.Subject, nameMost, nameSpan}
	if by.Known {
		name = limit{"known", by.Subject, knownMost, nameSpan}
	}
	event := audit.Event{
		TenantID: by.TenantID, Action: audit.CaseAsked, Actor: audit.Claimant(by.Subject), Target: audit.Attempt(by.AttemptID), Thread: by.AttemptID, Origin: from,
		Details: map[string]string{"cause": string(a.Cause)},
	}
	full, err := s.count(ctx, by.TenantID, []limit{
		{"attempt", by.AttemptID, attemptMost, attemptSpan}, {"browser", by.Browser, browserMost, browserSpan}, {"address", by.Address, s.AskMost, addressSpan}, name,
	})
	if errors.Is(err, fault.Throttled) && full != "attempt" { // of which there is no end to tell of
		event.Outcome, event.Reason = audit.Failure, "case.ask_often"
		if failed := s.DB.Act(ctx, func(tx *store.Tx) error { return audit.Record(tx, event) }); failed != nil {
			return failed
		}
	}
	if err != nil {
		return err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		var number int
		if err := nextNumber(tx, by.TenantID, &number); err != nil {
			return err
		}
		id := secret.System.ID()
		err := tx.Change(fault.New(fault.Refused, "signin.refused"), `INSERT INTO case_asks (tenant_id, id, number, attempt_id, subject, browser_digest, proved, cause, words, state, ip, browser, asked_at)
			SELECT a.tenant_id, ?, ?, a.id, a.subject, a.browser_digest, a.proved, ?, ?, 'asked', ?, ?, ? FROM attempts a
			WHERE a.tenant_id = ? AND a.id = ? AND a.browser_digest = ? AND a.purpose = 'sign_in' AND a.state = 'open' AND a.expires_at > ?`,
			id, number, a.Cause, a.Words, from.IP, from.Browser, tx.Now, by.TenantID, by.AttemptID, by.Browser, tx.Now)
		if err != nil {
			return err
		}
		event.Details["number"], event.Details["ask"] = Name(number), id
		return audit.Record(tx, event)
	})
	if errors.Is(err, store.ErrDuplicate) {
		return nil // twice at once: the other one is it
	}
	return err
}

// askRow is a request as it is kept.
type askRow struct {
	TenantID, ID, AttemptID, UserID, Subject, Proved string
	Number                                           int
	Cause                                            Cause
	Words, State, CaseID, IP, Browser                string
	AskedAt                                          time.Time
	DisownedAt                                       *time.Time
}

const askColumns = "tenant_id, id, attempt_id, user_id, subject, proved, number, cause, words, state, case_id, ip, browser, asked_at, disowned_at"

func (a askRow) origin() audit.Origin { return audit.Origin{IP: a.IP, Browser: a.Browser} }

// askOf reads the request of an attempt.
func askOf(tx *store.Tx, tenantID, attemptID string) (a askRow, there bool, err error) {
	there, err = tx.One(&a, "SELECT "+askColumns+" FROM case_asks WHERE attempt_id = ? AND attempt_id <> '' AND tenant_id = ?", attemptID, tenantID)
	return a, there, err
}

// AskedIn gives the request of an attempt, and how far it is. Who has it is told only
// where the page may tell what its user has: an agent takes up only what is somebody's,
// so that one who is named says that there is such a person.
func (s *Service) AskedIn(ctx context.Context, by signin.Asker) (asked Asked, there bool, err error) {
	tx := s.DB.View(ctx)
	a, there, err := askOf(tx, by.TenantID, by.AttemptID)
	if err != nil || !there {
		return asked, false, store.Unusable(err)
	}
	asked = Asked{ID: a.ID, Number: Name(a.Number), At: a.AskedAt, State: AskWaits}
	if a.UserID != "" {
		var id string
		may, err := tx.One(&id, "SELECT u.id FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ? AND "+mayAsk, a.TenantID, a.UserID)
		if err != nil {
			return asked, true, store.Unusable(err)
		}
		asked.Shut = !may
	}
	if !by.Known || a.CaseID == "" {
		return asked, true, nil
	}
	c, found, err := find(tx, a.TenantID, a.CaseID)
	if err != nil || !found {
		return asked, true, store.Unusable(err)
	}
	switch {
	case c.State == Closed:
		asked.State = AskClosed
	case c.OwnerID != "":
		asked.State = AskTaken
	}
	if asked.State == AskTaken {
		// As colleagues call them: a name that signs in is for nobody who has not signed in.
		_, err = tx.One(&asked.Agent, "SELECT display_name FROM users WHERE tenant_id = ? AND id = ?", a.TenantID, c.OwnerID)
	}
	return asked, true, store.Unusable(err)
}

// AskedBefore gives the last request that a browser made in a name, within a day.
func (s *Service) AskedBefore(ctx context.Context, by signin.Asker) (asked Asked, there bool, err error) {
	tx := s.DB.View(ctx)
	var rows []askRow
	err = tx.All(&rows, "SELECT "+askColumns+" FROM case_asks WHERE browser_digest = ? AND subject = ? AND tenant_id = ? AND asked_at > ? ORDER BY asked_at DESC LIMIT 1",
		by.Browser, by.Subject, by.TenantID, tx.Now.Add(-againSpan))
	if err != nil || len(rows) == 0 {
		return asked, false, store.Unusable(err)
	}
	return Asked{ID: rows[0].ID, Number: Name(rows[0].Number), At: rows[0].AskedAt}, true, nil
}

// askWatched is how long after it was made a request is waited for by a stream; the page of
// it looks by itself afterwards.
const askWatched = time.Hour

// Over says whether a request is waited for no more.
func (a Asked) Over(now time.Time) bool { return !now.Before(a.At.Add(askWatched)) }

// AskKey is what the page of a request waits on.
func AskKey(tenantID, askID string) string { return "ask:" + tenantID + ":" + askID }

// AskChanged is the look of the hub for requests: which of them an agent has, or had,
// whose person may ask no more, and which are waited for no more. Who waits for these is told, and stops.
func (s *Service) AskChanged(ctx context.Context, keys []string) (changed []string, err error) {
	tx := s.DB.View(ctx)
	for tenantID, ids := range wake.ByTenant(keys) {
		var taken []string
		err := tx.All(&taken, `SELECT a.id FROM case_asks a LEFT JOIN cases c ON c.tenant_id = a.tenant_id AND c.id = a.case_id
			WHERE a.tenant_id = ? AND a.id IN ? AND (c.owner_id <> '' OR c.state = 'closed' OR a.asked_at <= ?
			OR a.user_id <> '' AND NOT EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = a.tenant_id AND u.id = a.user_id AND `+mayAsk+`))`, tenantID, ids, tx.Now.Add(-askWatched))
		if err != nil {
			return nil, err
		}
		for _, id := range taken {
			changed = append(changed, AskKey(tenantID, id))
		}
	}
	return changed, nil
}

// ringAsks wakes, after the act tx, those who wait for what becomes of a case.
func (s *Service) ringAsks(tx *store.Tx, c Case) error {
	if s.Hub == nil {
		return nil
	}
	var ids []string
	if err := tx.All(&ids, "SELECT id FROM case_asks WHERE case_id = ? AND tenant_id = ?", c.ID, c.TenantID); err != nil {
		return err
	}
	tx.After(func() {
		for _, id := range ids {
			s.Hub.Ring(AskKey(c.TenantID, id))
		}
	})
	return nil
}

// mayAsk says of a user u of a tenant t that a request in their name becomes a case: also
// of one who is locked, whom nobody else helps.
var mayAsk = "u.state IN ('active', 'locked') AND t.state = 'active' AND " + feature.With(feature.SelfServiceRecovery)
