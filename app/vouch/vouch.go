package vouch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/desk"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// madeSpan is how long one whom somebody made, promoted, or made the manager does not
// vouch where that one had a part (roles.md).
const madeSpan = 72 * time.Hour

// ActKind is the kind of the act that the phone of a manager is shown.
const ActKind = "vouch.ask"

// State of a word. Add, never rename.
type State string

const (
	Pending   State = "pending"
	Given     State = "given"
	Denied    State = "denied"
	Reported  State = "reported"
	Failed    State = "failed"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
)

// Kind says whose word it is: of the sessions that it proves, too. Add, never rename.
type Kind string

const (
	Manager  Kind = session.ByManager
	CallBack Kind = session.ByCallBack // of a colleague of the helpdesk, who called the person
)

// Service asks for words.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Rules     *access.Rules
	Hub       *wake.Hub
	Prompts   *prompt.Service
	Approvals *approval.Service
}

// Vouch is a word that was asked for.
type Vouch struct {
	TenantID, ID, UserID, SessionID, BypassID, CaseID string
	Kind                                              Kind
	AskedID, PromptID                                 string // of a manager
	Number, GivenBy                                   string // of a call-back
	State                                             State
	BegunAt, ExpiresAt                                time.Time
	EndedAt, UsedAt                                   *time.Time
}

const columns = "tenant_id, id, user_id, session_id, bypass_id, case_id, kind, asked_id, prompt_id, number, given_by, state, begun_at, expires_at, ended_at, used_at"

// Live is the state in the words of the protocol, as for a sign-in.
func (v Vouch) Live(now time.Time) prompt.State {
	switch {
	case v.State == Pending && !now.Before(v.ExpiresAt), v.State == Expired, v.State == Withdrawn:
		return prompt.Expired
	case v.State == Pending:
		return prompt.Pending
	case v.State == Given:
		return prompt.Approved
	}
	return prompt.Denied
}

// situation is what an ask is judged by, as the rows stand now.
type situation struct {
	BypassID, CaseID, RequestedBy, ApprovedBy, CheckVia, BypassState string
	CheckID, PhoneID                                                 string // the check that it rests on, and the backup phone that a part of it went to
	BypassAt, SessionAt                                              time.Time
	Name, DisplayName, State                                         string
	TenantState, MatchMode                                           string
	ManagerID, ManagerName, ManagerTitle, ManagerState               string
	ManagerPhone                                                     bool
	CaseNumber                                                       int

	off    bool     // the organisation takes no manager's word for them
	makers []string // who made, promoted, or made the manager, lately
}

// read reads what every word is judged by. A session that has ended, or that no bypass
// made, is fault.Forbidden.
func read(tx *store.Tx, tenantID, userID, sessionID string) (on situation, err error) {
	found, err := tx.One(&on, `SELECT b.id AS bypass_id, b.case_id, b.requested_by, b.approved_by, b.check_via, b.check_id, b.phone_id, b.state AS bypass_state, b.created_at AS bypass_at, s.created_at AS session_at,
		u.name, u.display_name, u.state, t.state AS tenant_state, t.match_mode, u.manager_id, COALESCE(m.name, '') AS manager_name, COALESCE(m.display_name, '') AS manager_title, COALESCE(m.state, '') AS manager_state,
		CASE WHEN m.id IS NULL THEN FALSE ELSE `+device.Answers("m")+` END AS manager_phone, COALESCE(c.number, 0) AS case_number
		FROM sessions s JOIN bypasses b ON b.tenant_id = s.tenant_id AND b.id = s.bypass_id JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id JOIN tenants t ON t.id = u.tenant_id
		LEFT JOIN users m ON m.tenant_id = u.tenant_id AND m.id = u.manager_id AND u.manager_id <> '' LEFT JOIN cases c ON c.tenant_id = b.tenant_id AND c.id = b.case_id
		WHERE s.tenant_id = ? AND s.id = ? AND s.user_id = ? AND s.bypass_id <> '' AND s.ended_at IS NULL`, tenantID, sessionID, userID)
	if err == nil && !found {
		err = fault.New(fault.Forbidden, "session.rebind_over")
	}
	return on, err
}

// look reads, besides, what the word of the manager is judged by.
func (s *Service) look(tx *store.Tx, tenantID, userID, sessionID string) (on situation, err error) {
	if on, err = read(tx, tenantID, userID, sessionID); err != nil || on.ManagerName == "" {
		return on, err
	}
	rules, err := desk.Of(tx, tenantID)
	if err != nil {
		return on, err
	}
	standing, err := s.Rules.StandingIn(tx, tenantID, userID)
	if err != nil {
		return on, err
	}
	on.off = !slices.Contains(rules.Taken(standing.Administrator()), string(callercheck.Manager))
	if on.makers, err = access.MakersOf(tx, tenantID, on.ManagerID, tx.Now.Add(-madeSpan)); err != nil {
		return on, err
	}
	// Whoever made them the manager of this person could as well have made them up.
	var set []string
	err = tx.All(&set, "SELECT actor_id FROM audit_events WHERE tenant_id = ? AND subject_id = ? AND occurred_at > ? AND action = ? AND actor_kind = ?",
		tenantID, userID, tx.Now.Add(-madeSpan), audit.UserManagerChanged, audit.KindUser)
	on.makers = append(on.makers, set...)
	return on, err
}

// over says that nothing is bound in the session any more.
func (on situation) over(now time.Time) bool {
	return !now.Before(on.SessionAt.Add(session.RebindLife)) || on.State != "active" || on.TenantState != "active" || on.BypassState == "revoked" || on.BypassState == "replaced"
}

// had are those who had a part in the bypass.
func (on situation) had() (all []string) {
	return slices.DeleteFunc([]string{on.RequestedBy, on.ApprovedBy}, func(id string) bool { return id == "" })
}

// stops says why the manager cannot be asked; nil when they can.
func (on situation) stops(now time.Time) error {
	had := on.had()
	conflict := func(code string) error { return fault.New(fault.Conflict, code) }
	switch {
	case on.over(now):
		return fault.New(fault.Forbidden, "session.rebind_over")
	case on.ManagerName == "":
		return conflict("vouch.no_manager")
	case on.off:
		return conflict("vouch.off")
	case on.CheckVia == "manager":
		return conflict("vouch.same_proof")
	case slices.Contains(had, on.ManagerID):
		return conflict("vouch.manager_agent")
	case slices.ContainsFunc(had, func(id string) bool { return slices.Contains(on.makers, id) }):
		return conflict("vouch.manager_made")
	case on.ManagerState != "active" || !on.ManagerPhone:
		return conflict("vouch.manager_phone")
	}
	return nil
}

// Offer is whether somebody's manager can be asked in their session.
type Offer struct {
	Manager string // as they are called; empty: there is none
	Stops   string // code of the reason why not; empty: they can be asked
}

// Offered says whether the manager can be asked in a session that a bypass made.
func (s *Service) Offered(ctx context.Context, who session.Session) (o Offer, err error) {
	tx := s.DB.View(ctx)
	on, err := s.look(tx, who.TenantID, who.UserID, who.ID)
	if f := fault.Of(err); f != nil && f.Kind == fault.Forbidden {
		return Offer{Stops: f.Code}, nil
	}
	if err != nil {
		return o, store.Unusable(err)
	}
	o.Manager = user.Full(on.ManagerName, on.ManagerTitle)
	if f := fault.Of(on.stops(tx.Now)); f != nil {
		o.Stops = f.Code
	}
	return o, nil
}

// Ask asks the manager of who is in a session that a bypass made. One that waits is taken
// back. It fails with fault.Conflict where they cannot be asked, with fault.Throttled when
// their phone is left alone for a while, and with fault.Forbidden when the time is over.
func (s *Service) Ask(ctx context.Context, who session.Session, from audit.Origin) (id string, err error) {
	id = secret.System.ID()
	return id, s.DB.Act(ctx, func(tx *store.Tx) error {
		on, err := s.look(tx, who.TenantID, who.UserID, who.ID)
		if err == nil {
			err = on.stops(tx.Now)
		}
		if err != nil {
			return err
		}
		if err := s.withdraw(tx, who, from); err != nil {
			return err
		}
		v := Vouch{
			TenantID: who.TenantID, ID: id, UserID: who.UserID, SessionID: who.ID, BypassID: on.BypassID, CaseID: on.CaseID, Kind: Manager, AskedID: on.ManagerID, State: Pending, BegunAt: tx.Now,
		}
		if err := s.send(tx, &v, on); err != nil {
			return err
		}
		if err := insert(tx, v); err != nil {
			return err
		}
		return audit.Record(tx, v.event(audit.VouchAsked, audit.User(v.UserID), from, "asked", v.AskedID, "prompt", v.PromptID))
	})
}

// insert stores a word that is asked for. A session waits for one at a time.
func insert(tx *store.Tx, v Vouch) error {
	err := tx.Exec("INSERT INTO vouches (tenant_id, id, user_id, session_id, bypass_id, case_id, kind, asked_id, prompt_id, number, state, begun_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
		v.TenantID, v.ID, v.UserID, v.SessionID, v.BypassID, v.CaseID, v.Kind, v.AskedID, v.PromptID, v.Number, v.State, v.BegunAt, v.ExpiresAt).Error
	if errors.Is(err, store.ErrDuplicate) {
		return fault.New(fault.Conflict, "vouch.under_way")
	}
	return err
}

// send sends the prompt.
func (s *Service) send(tx *store.Tx, v *Vouch, on situation) error {
	subject := "vouch:" + v.AskedID
	recent, err := prompt.RecentOf(tx, v.TenantID, subject)
	if err != nil {
		return err
	}
	failures, err := throttle.Of(tx, v.TenantID, subject, prompt.Way)
	if err != nil {
		return err
	}
	privileged := false
	for _, id := range []string{v.UserID, v.AskedID} {
		standing, err := s.Rules.StandingIn(tx, v.TenantID, id)
		if err != nil {
			return err
		}
		privileged = privileged || standing.Administrator()
	}
	act := prompt.Act{Kind: ActKind, Target: user.Full(on.Name, on.DisplayName), Requester: user.Full(on.Name, on.DisplayName), Vouch: true}
	if on.CaseNumber > 0 {
		act.Case = cases.Name(on.CaseNumber)
	}
	shown, err := json.Marshal(act)
	if err != nil {
		return err
	}
	act.Hash = secret.Digest("latchkey vouch v1 " + v.ID + " " + string(shown))
	sent, err := s.Prompts.Send(tx, prompt.Ask{
		TenantID: v.TenantID, Subject: subject, UserID: v.AskedID, Kind: prompt.CallerCheck, AttemptID: v.ID,
		Mode: prompt.ModeFor(tenant.MatchMode(on.MatchMode), privileged, recent, tx.Now), Push: true, Act: &act, Failures: failures,
	}, recent)
	if err != nil {
		return err
	}
	if sent.Pause.Reason != "" {
		return fault.Wait("vouch.held", max(sent.Pause.Until.Sub(tx.Now), time.Second))
	}
	v.PromptID, v.ExpiresAt = sent.ID, sent.ExpiresAt
	if over := on.SessionAt.Add(session.RebindLife); over.Before(v.ExpiresAt) {
		v.ExpiresAt = over
	}
	return nil
}

// withdraw takes back what a session asked before and waits still.
func (s *Service) withdraw(tx *store.Tx, who session.Session, from audit.Origin) error {
	var waits []Vouch
	err := tx.All(&waits, "UPDATE vouches SET state = 'withdrawn', ended_at = ? WHERE session_id = ? AND tenant_id = ? AND state = 'pending' RETURNING "+columns, tx.Now, who.ID, who.TenantID)
	for _, v := range waits {
		if v.PromptID != "" {
			if err := s.Prompts.Withdraw(tx, v.TenantID, v.PromptID, v.AskedID, audit.User(v.UserID), from); err != nil {
				return err
			}
		}
		tx.After(func() { s.Hub.Ring(v.key()) })
		if err := audit.Record(tx, v.event(audit.VouchWithdrawn, audit.User(v.UserID), from)); err != nil {
			return err
		}
	}
	return err
}

func (v Vouch) key() string { return Key(v.TenantID, v.ID) }

// Key is what the page of a person waits on.
func Key(tenantID, id string) string { return prompt.CheckKey(tenantID, id) }

// ofCallBacks are the events of a call-back, by those of the word of a manager.
var ofCallBacks = map[audit.Action]audit.Action{
	audit.VouchAsked: audit.CallBackAsked, audit.VouchGiven: audit.CallBackGiven, audit.VouchDenied: audit.CallBackDenied, audit.VouchFailed: audit.CallBackRefused,
	audit.VouchExpired: audit.CallBackExpired, audit.VouchWithdrawn: audit.CallBackWithdrawn,
}

// event is one of a word, in the thread of its case.
func (v Vouch) event(action audit.Action, by audit.Party, from audit.Origin, details ...string) audit.Event {
	e := audit.Event{
		TenantID: v.TenantID, Action: action, Actor: by, Target: audit.Party{Kind: audit.KindVouch, ID: v.ID}, Subject: v.UserID, Thread: v.CaseID, Origin: from,
		Details: map[string]string{"bypass": v.BypassID},
	}
	if e.Thread == "" {
		e.Thread = v.BypassID
	}
	if v.Kind == CallBack {
		e.Action = ofCallBacks[action]
	}
	switch action {
	case audit.VouchDenied, audit.VouchReported, audit.VouchFailed, audit.VouchExpired, audit.VouchWithdrawn:
		e.Outcome = audit.Failure
	}
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			e.Details[details[i]] = details[i+1]
		}
	}
	return e
}

// Find gives what a session asked, with the number that it shows while that waits. That
// of another session is fault.NotFound.
func (s *Service) Find(ctx context.Context, who session.Session, id string) (v Vouch, number string, err error) {
	tx := s.DB.View(ctx)
	found, err := tx.One(&v, "SELECT "+columns+" FROM vouches WHERE tenant_id = ? AND id = ? AND session_id = ? AND user_id = ?", who.TenantID, id, who.ID, who.UserID)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	switch {
	case err != nil || v.Live(tx.Now) != prompt.Pending:
	case v.Kind == CallBack:
		number = v.Number
	default:
		_, err = tx.One(&number, "SELECT number FROM prompts WHERE tenant_id = ? AND id = ? AND state = 'pending'", v.TenantID, v.PromptID)
	}
	return v, number, store.Unusable(err)
}

// endings are what an answer makes of it, with its event.
var endings = map[prompt.State]struct {
	state  State
	action audit.Action
}{
	prompt.Denied: {Denied, audit.VouchDenied}, prompt.Reported: {Reported, audit.VouchReported}, prompt.Expired: {Expired, audit.VouchExpired},
}

// Ended takes in the act tx how the prompt of a word ended; that of something else is none
// of its business.
func (s *Service) Ended(tx *store.Tx, answer prompt.End) error {
	var v Vouch
	found, err := tx.One(&v, "SELECT "+columns+" FROM vouches WHERE tenant_id = ? AND id = ?", answer.TenantID, answer.AttemptID)
	if err != nil || !found || v.PromptID != answer.ID || v.State != Pending {
		return err
	}
	by := audit.Service
	if answer.AccountID != "" {
		by = audit.Device(answer.AccountID)
	}
	if answer.State == prompt.Approved {
		return s.give(tx, v, answer.AccountID, by, answer.Origin)
	}
	ending := endings[answer.State]
	if err := end(tx, v, ending.state); err != nil {
		return err
	}
	e := v.event(ending.action, by, answer.Origin)
	if answer.WrongNumber {
		e.Reason = "prompt.wrong_number"
	}
	if err := audit.Record(tx, e); err != nil || ending.state != Reported {
		return err
	}
	// Somebody is in, by a bypass, who says to be a person that their manager knows nothing of.
	return notify.TellRole(tx, v.TenantID, access.RoleHelpdeskLead, notify.Notice{Action: audit.VouchReported, About: v.UserID})
}

func end(tx *store.Tx, v Vouch, state State) error {
	return tx.Change(fault.New(fault.Conflict, "vouch.over"), "UPDATE vouches SET state = ?, ended_at = ? WHERE tenant_id = ? AND id = ? AND state = 'pending'", state, tx.Now, v.TenantID, v.ID)
}

// give stores a word that was given, and proves the session by it. It asks again what was
// asked at the beginning: what has changed since makes it worth nothing.
func (s *Service) give(tx *store.Tx, v Vouch, with string, by audit.Party, from audit.Origin) error {
	on, err := s.look(tx, v.TenantID, v.UserID, v.SessionID)
	if f := fault.Of(err); err != nil && (f == nil || f.Kind != fault.Forbidden) {
		return err
	}
	given := false
	if err == nil && on.stops(tx.Now) == nil && on.ManagerID == v.AskedID {
		res := tx.Exec(`UPDATE vouches SET state = 'given', ended_at = ?, given_with = ? WHERE tenant_id = ? AND id = ? AND (state = 'pending' AND expires_at > ?) IS TRUE
			AND EXISTS (SELECT 1 FROM users p WHERE p.tenant_id = vouches.tenant_id AND p.id = vouches.user_id AND p.state = 'active' AND p.manager_id = vouches.asked_id) AND `+stands,
			tx.Now, with, v.TenantID, v.ID, tx.Now, tx.Now.Add(-session.RebindLife))
		if res.Error != nil {
			return res.Error
		}
		given = res.RowsAffected > 0
	}
	if !given {
		if err := end(tx, v, Failed); err != nil {
			return err
		}
		return audit.Record(tx, v.event(audit.VouchFailed, by, from))
	}
	if err := session.Vouch(tx, v.TenantID, v.SessionID, v.UserID, session.ByManager); err != nil {
		return err
	}
	if err := audit.Record(tx, v.event(audit.VouchGiven, by, from, "with", with, "asked", v.AskedID)); err != nil {
		return err
	}
	return notify.Tell(tx, v.TenantID, v.UserID, notify.Notice{Action: audit.VouchGiven, Detail: user.Full(on.ManagerName, on.ManagerTitle)})
}

// stands says of a row that its session may bind something still, as of a moment that is
// the earliest beginning of one that may.
const stands = device.Vouchable

// Lapse ends what nobody answered. Any replica may run it; each ends once.
func (s *Service) Lapse(ctx context.Context) error {
	var due []Vouch
	if err := s.DB.View(ctx).All(&due, "SELECT "+columns+" FROM vouches WHERE state = 'pending' AND expires_at <= ? LIMIT 100", s.DB.Now()); err != nil {
		return store.Unusable(err)
	}
	if len(due) == 0 {
		return nil
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		for _, v := range due {
			res := tx.Exec("UPDATE vouches SET state = 'expired', ended_at = ? WHERE tenant_id = ? AND id = ? AND state = 'pending' AND expires_at <= ?", tx.Now, v.TenantID, v.ID, tx.Now)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				continue
			}
			tx.After(func() { s.Hub.Ring(v.key()) })
			if err := audit.Record(tx, v.event(audit.VouchExpired, audit.Service, audit.Origin{})); err != nil {
				return err
			}
		}
		return nil
	})
}

// Keys are what the page of a person waits on: the answer, and what nobody rang for.
func Keys(tenantID, id string) []string {
	return []string{Key(tenantID, id), "vouch:" + tenantID + ":" + id}
}

// Changed is the look of the hub for words: which of them wait no more.
func (s *Service) Changed(ctx context.Context, keys []string) (changed []string, err error) {
	tx := s.DB.View(ctx)
	for tenantID, ids := range wake.ByTenant(keys) {
		var over []string
		if err := tx.All(&over, "SELECT id FROM vouches WHERE tenant_id = ? AND id IN ? AND (state <> 'pending' OR expires_at <= ?)", tenantID, ids, tx.Now); err != nil {
			return nil, err
		}
		for _, id := range over {
			changed = append(changed, "vouch:"+tenantID+":"+id)
		}
	}
	return changed, nil
}
