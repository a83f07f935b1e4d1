package callercheck

import (
	"cmp"
	"context"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/cases"
	"latchkey/app/desk"
	"latchkey/app/fault"
	"latchkey/app/provider"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Seen is a check as somebody of the desk sees it.
type Seen struct {
	Check
	CaseName   string
	UserName   string // sign-in name
	PersonName string // with the sign-in name
	ShortName  string // as they are called
	AgentName  string // sign-in name
	Own        bool   // it is theirs: they alone see the number, and go on with it
	Number     string // to be read out, while it waits
	AgentCode  string // that they read out when they are asked for proof
	SentTo     string // the number that a code went to, masked
	Manager    string // whose word is asked
}

// Find gives a check. One of another tenant, or of somebody outside the groups of who
// asks, is fault.NotFound.
func (s *Service) Find(ctx context.Context, who access.Standing, id string) (Seen, error) {
	tx := s.DB.View(ctx)
	c, err := s.visible(tx, who, id)
	if err != nil {
		return Seen{}, store.Unusable(err)
	}
	seen, err := s.seen(tx, who, []Check{c})
	if err != nil {
		return Seen{}, store.Unusable(err)
	}
	one := seen[0]
	if one.Own && one.Stands(tx.Now) == Pending {
		one.AgentCode = s.AgentCode(c.TenantID, c.ID)
		if c.PromptID != "" {
			_, err = tx.One(&one.Number, "SELECT number FROM prompts WHERE tenant_id = ? AND id = ? AND state = 'pending'", c.TenantID, c.PromptID)
		}
	}
	switch c.Via {
	case BackupPhone:
		if _, err := tx.One(&one.SentTo, "SELECT number FROM backup_phones WHERE tenant_id = ? AND id = ?", c.TenantID, c.PhoneID); err != nil {
			return one, store.Unusable(err)
		}
		one.SentTo = provider.MaskNumber(one.SentTo)
	case Manager:
		var m struct{ Name, DisplayName string }
		if _, err := tx.One(&m, "SELECT name, display_name FROM users WHERE tenant_id = ? AND id = ?", c.TenantID, c.AskedID); err != nil {
			return one, store.Unusable(err)
		}
		one.Manager = user.Full(m.Name, m.DisplayName)
	}
	if one.Own && one.State == Proved {
		one.AgentCode = s.AgentCode(c.TenantID, c.ID)
	}
	return one, store.Unusable(err)
}

func (s *Service) seen(tx *store.Tx, who access.Standing, checks []Check) ([]Seen, error) {
	var people, of []string
	for _, c := range checks {
		people, of = append(people, c.UserID, c.AgentID), append(of, c.CaseID)
	}
	named, err := user.CalledOf(tx, who.TenantID, people...)
	if err != nil {
		return nil, err
	}
	called, err := cases.Names(tx, who.TenantID, of...)
	if err != nil {
		return nil, err
	}
	all := make([]Seen, len(checks))
	for i, c := range checks {
		of := named[c.UserID]
		all[i] = Seen{
			Check: c, CaseName: called[c.CaseID], UserName: of.Name, PersonName: user.Full(of.Name, of.DisplayName), ShortName: cmp.Or(of.DisplayName, of.Name),
			AgentName: named[c.AgentID].Name, Own: c.AgentID == who.UserID,
		}
	}
	return all, nil
}

// listMost is how many checks a list has.
const listMost = 20

// OfCase lists the checks of a case, the newest first. That who asks may look at it is
// the caller's to ask.
func (s *Service) OfCase(ctx context.Context, who access.Standing, caseID string) ([]Seen, error) {
	return s.list(ctx, who, "case_id = ? AND tenant_id = ?", caseID, who.TenantID)
}

func (s *Service) list(ctx context.Context, who access.Standing, which string, values ...any) ([]Seen, error) {
	tx := s.DB.View(ctx)
	var checks []Check
	if err := tx.All(&checks, "SELECT "+columns+" FROM caller_checks WHERE "+which+" ORDER BY begun_at DESC, id LIMIT ?", append(values, listMost)...); err != nil {
		return nil, store.Unusable(err)
	}
	if len(checks) == 0 {
		return nil, nil
	}
	all, err := s.seen(tx, who, checks)
	return all, store.Unusable(err)
}

// Offer is one way as an agent may take it now, or why not.
type Offer struct {
	Via     Via
	Stops   string    // code of the reason; empty: it can be taken
	Until   time.Time // when it can be again; zero: nobody knows
	Manager string    // by whom, with Manager
	Numbers []Number  // where to, with BackupPhone; masked
}

// Number is a backup phone that a code may go to.
type Number struct{ ID, Number, Channel string }

// Desk is what an agent sees of checks on the page of a person.
type Desk struct {
	May      bool // they may check this person
	FourEyes bool // when a second person approves
	Offers   []Offer
	Last     []Seen // the newest first
	Proof    *Proof // that they could spend now
}

// For gives what an agent may do to check a person, and what was done lately.
func (s *Service) For(ctx context.Context, who access.Standing, userID string) (d Desk, err error) {
	if !who.May.Has(access.CallerCheck) {
		return d, nil
	}
	tx := s.DB.View(ctx)
	verdict, err := s.Rules.Ask(tx, access.Question{TenantID: who.TenantID, ActorID: who.UserID, Needs: access.CallerCheck, TargetID: userID})
	if err != nil {
		return d, store.Unusable(err)
	}
	p, there, err := personOf(tx, who.TenantID, userID)
	if err != nil || !there {
		return d, store.Unusable(err)
	}
	if d.May, d.FourEyes = verdict.Err() == nil && p.Has, verdict.Answer == access.FourEyes; d.May {
		of, err := desk.Of(tx, who.TenantID)
		if err != nil {
			return d, store.Unusable(err)
		}
		taken, err := s.taken(tx, who.TenantID, p, of)
		if err == nil {
			err = p.reach(tx, who.TenantID)
		}
		if err != nil {
			return d, store.Unusable(err)
		}
		for _, via := range Ways {
			stops, until, err := s.stops(tx, who.TenantID, who.UserID, p, via, taken)
			if err != nil {
				return d, store.Unusable(err)
			}
			offer := Offer{Via: via, Until: until}
			if f := fault.Of(stops); f != nil {
				offer.Stops = f.Code
			}
			if via == Manager && p.ManagerName != "" {
				offer.Manager = user.Full(p.ManagerName, p.ManagerTitle)
			}
			if via == BackupPhone {
				for _, n := range p.backups {
					offer.Numbers = append(offer.Numbers, Number{n.ID, provider.MaskNumber(n.Number), string(n.Channel)})
				}
			}
			d.Offers = append(d.Offers, offer)
		}
		if d.Proof, err = Fresh(tx, who.TenantID, userID, who.UserID); err != nil {
			return d, store.Unusable(err)
		}
	}
	d.Last, err = s.list(ctx, who, "user_id = ? AND tenant_id = ? AND begun_at > ?", userID, who.TenantID, tx.Now.Add(-24*time.Hour))
	return d, err
}

// Warned gives the newest check that somebody said "it is not me" to.
func Warned(checks []Seen) (Seen, bool) {
	i := slices.IndexFunc(checks, func(c Seen) bool { return c.State == Reported })
	if i < 0 {
		return Seen{}, false
	}
	return checks[i], true
}

// Own is a check as the person it is about sees it.
type Own struct {
	Agent, Role string // a built-in role, or "custom:" and the name of one
	Title       string // the agent's display name alone; or empty
	Case        string
	AgentCode   string
	Waits       bool
	Via         Via
	At          time.Time // begun, or proved
}

// OwnOf gives the check of a person that is under way, or was proved within an hour,
// for their own pages; ok is false when there is none.
func (s *Service) OwnOf(ctx context.Context, tenantID, userID string) (own Own, ok bool, err error) {
	tx := s.DB.View(ctx)
	var checks []Check
	err = tx.All(&checks, `SELECT `+columns+` FROM caller_checks WHERE user_id = ? AND tenant_id = ?
		AND (state = 'pending' AND expires_at > ? OR proved_at > ?) ORDER BY begun_at DESC LIMIT 1`, userID, tenantID, tx.Now, tx.Now.Add(-OwnLife))
	if err != nil || len(checks) == 0 {
		return own, false, store.Unusable(err)
	}
	c := checks[0]
	a, err := s.agentOf(tx, tenantID, c.AgentID)
	if err != nil {
		return own, false, store.Unusable(err)
	}
	named, err := cases.Names(tx, tenantID, c.CaseID)
	if err != nil {
		return own, false, store.Unusable(err)
	}
	own = Own{Agent: a.Name, Title: a.Title, Role: a.Role, Case: named[c.CaseID], AgentCode: s.AgentCode(tenantID, c.ID), Waits: c.State == Pending, Via: c.Via, At: c.BegunAt}
	if c.ProvedAt != nil {
		own.At = *c.ProvedAt
	}
	return own, true, nil
}
