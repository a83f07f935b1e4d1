package cases

import (
	"errors"
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Opening is what a new case is about.
type Opening struct {
	ID     string `json:"id"`
	Cause  Cause  `json:"cause"`
	Device string `json:"device,omitempty"` // the account on the phone that it is about; empty: none
	Reason string `json:"reason,omitempty"` // code of a reason of the tenant; empty: in words of one's own
}

// NewOpening gives an opening its id, under which its page will be.
func NewOpening(cause, device string) Opening {
	return Opening{ID: secret.System.ID(), Cause: Cause(cause), Device: device}
}

// open plans to open a case for a person. Whoever opens it owns it.
func (s *Service) open(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var o Opening
	if err := act.Read(&o); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{question(act)}, Difference: []approval.Change{{Field: "cause", After: string(o.Cause)}}}
	standing, there, err := StandingOf(tx, act.TenantID, act.TargetID)
	if err != nil {
		return plan, err
	}
	linked, err := phoneOf(tx, act.TenantID, act.TargetID, o.Device)
	if err != nil {
		return plan, err
	}
	wrong, err := approval.Wrongly(unfit(tx, act, ""))
	if err != nil {
		return plan, err
	}
	reason, not, err := chosen(tx, act, o.Reason)
	if err != nil {
		return plan, err
	}
	switch {
	case there:
		plan.Wrong = fault.New(fault.Conflict, "case.one").Naming(standing.Name())
	case !slices.Contains(Causes, o.Cause):
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"cause": "case.cause"})
	case o.Device != "" && linked.ID == "":
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"device": "case.device"})
	case not != nil:
		plan.Wrong = not
	default:
		plan.Wrong = wrong
	}
	plan.Do = func(tx *store.Tx) error {
		c, err := s.Opened(tx, act, o)
		if err != nil {
			return err
		}
		return Because(tx, c.TenantID, c.ID, o.Reason, reason.Words)
	}
	return plan, nil
}

// Opened opens a case in the act tx, for the person that act is on: with its event, and
// the person is told. That it may be opened is the caller's to ask.
func (s *Service) Opened(tx *store.Tx, act approval.Act, o Opening) (Case, error) {
	c := Case{
		TenantID: act.TenantID, ID: o.ID, UserID: act.TargetID, Cause: o.Cause, Words: act.Reason, Ticket: act.Ticket, State: Open, Origin: FromDesk,
		OwnerID: act.ActorID, OpenedBy: act.ActorID, OpenedAt: tx.Now,
	}
	if act.Reason == WithoutWords {
		c.Words = ""
	}
	if err := insert(tx, &c); err != nil {
		return c, err
	}
	if o.Device != "" {
		if err := AddLink(tx, c, LinkDevice, o.Device, act.ActorID); err != nil {
			return c, err
		}
	}
	if err := audit.Record(tx, c.event(act, audit.CaseOpened, "cause", string(c.Cause), "device", o.Device, "reason_code", o.Reason)); err != nil {
		return c, err
	}
	return c, s.tell(tx, act, c.UserID, audit.CaseOpened, c)
}

// note plans to add a note, in the words of the act.
func (s *Service) note(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var of Of
	if err := act.Read(&of); err != nil {
		return approval.Plan{}, err
	}
	c, plan, err := begin(tx, act, of.Case)
	plan.Do = func(tx *store.Tx) error {
		err := tx.Exec("INSERT INTO case_notes (tenant_id, id, case_id, author_id, words, at) VALUES (?,?,?,?,?,?)",
			c.TenantID, secret.System.ID(), c.ID, act.ActorID, act.Reason, tx.Now).Error
		if err != nil {
			return err
		}
		return audit.Record(tx, c.event(act, audit.CaseNoted))
	}
	return plan, err
}

// take plans to make a case one's own.
func (s *Service) take(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var of Of
	if err := act.Read(&of); err != nil {
		return approval.Plan{}, err
	}
	c, plan, err := begin(tx, act, of.Case)
	if err == nil && plan.Wrong == nil {
		plan.Wrong = c.ownable(act.ActorID)
	}
	plan.Do = func(tx *store.Tx) error { return s.own(tx, act, c, act.ActorID, audit.CaseTaken) }
	return plan, err
}

// HandOver names whom a case is handed to.
type HandOver struct {
	Of
	To string `json:"to"` // sign-in name
}

// handOver plans to hand a case to another agent: somebody who may handle it as whoever
// hands it over may.
func (s *Service) handOver(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var h HandOver
	if err := act.Read(&h); err != nil {
		return approval.Plan{}, err
	}
	c, plan, err := begin(tx, act, h.Case)
	if err != nil || plan.Wrong != nil {
		return plan, err
	}
	var to struct{ ID, State string }
	name := user.Name(strings.TrimSpace(h.To))
	if _, err = tx.One(&to, "SELECT id, state FROM users WHERE tenant_id = ? AND name = ?", act.TenantID, name); err != nil {
		return plan, err
	}
	agent := to.ID != "" && to.State == user.Active
	if agent {
		may, err := s.Rules.Ask(tx, access.Question{TenantID: act.TenantID, ActorID: to.ID, Needs: access.CaseHandle, TargetID: act.TargetID})
		if err != nil {
			return plan, err
		}
		agent = may.Err() == nil
	}
	plan.Difference = append(plan.Difference, approval.Change{Field: "case_owner", After: name})
	if plan.Wrong = c.ownable(to.ID); plan.Wrong == nil && !agent {
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"to": "case.no_agent"})
	}
	plan.Do = func(tx *store.Tx) error { return s.own(tx, act, c, to.ID, audit.CaseHandedOver) }
	return plan, nil
}

// ownable says why a case cannot become somebody's.
func (c Case) ownable(userID string) error {
	switch {
	case c.State == Closed:
		return fault.New(fault.Conflict, "case.closed")
	case c.OwnerID == userID:
		return fault.New(fault.Conflict, "case.owner_already")
	}
	return nil
}

// own makes a case somebody's. Those who had it or get it without asking are told.
func (s *Service) own(tx *store.Tx, act approval.Act, c Case, ownerID string, action audit.Action) error {
	err := tx.Change(changed(), "UPDATE cases SET owner_id = ? WHERE tenant_id = ? AND id = ? AND owner_id = ? AND state <> 'closed'",
		ownerID, c.TenantID, c.ID, c.OwnerID)
	if err != nil {
		return err
	}
	if err := audit.Record(tx, c.event(act, action, "from", c.OwnerID, "to", ownerID)); err != nil {
		return err
	}
	if err := s.ringAsks(tx, c); err != nil {
		return err
	}
	for _, agent := range []string{c.OwnerID, ownerID} {
		if agent == act.ActorID {
			continue
		}
		reads, err := readsHere(tx, c.TenantID, agent)
		if err == nil && reads {
			err = s.tell(tx, act, agent, action, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Link names a phone that a case is about.
type Link struct {
	Of
	Device string `json:"device"` // the account on it
}

// link plans to link a phone of the person.
func (s *Service) link(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var l Link
	if err := act.Read(&l); err != nil {
		return approval.Plan{}, err
	}
	c, plan, err := begin(tx, act, l.Case)
	if err != nil || plan.Wrong != nil {
		return plan, err
	}
	phone, err := phoneOf(tx, act.TenantID, c.UserID, l.Device)
	if err != nil {
		return plan, err
	}
	linked, err := links(tx, c.TenantID, c.ID)
	if err != nil {
		return plan, err
	}
	switch {
	case c.State == Closed:
		plan.Wrong = fault.New(fault.Conflict, "case.closed")
	case phone.ID == "":
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"device": "case.device"})
	case slices.ContainsFunc(linked, func(other Linked) bool { return other.Kind == LinkDevice && other.ID == l.Device }):
		plan.Wrong = fault.New(fault.Conflict, "case.linked_already")
	}
	plan.Do = func(tx *store.Tx) error {
		if err := AddLink(tx, c, LinkDevice, l.Device, act.ActorID); err != nil {
			return err
		}
		return audit.Record(tx, c.event(act, audit.CaseLinked, "device", l.Device))
	}
	return plan, nil
}

// Moving is a step with what is said beside it.
type Moving struct {
	Of
	For    For    `json:"for,omitempty"`    // with Wait; empty: nobody says
	Reason string `json:"reason,omitempty"` // with Close: code of a reason of the tenant; empty: in words of one's own
}

// stepped are the events of the steps, and which of them the person is told.
var stepped = map[Step]struct {
	action audit.Action
	told   bool
}{
	Wait: {audit.CaseWaits, false}, Resume: {audit.CaseResumed, false}, Close: {audit.CaseClosed, true}, Reopen: {audit.CaseReopened, true},
}

// step plans to move a case on. While a phone that it is about still signs the person
// in, or a bypass of it may, it closes only with a reason.
func (s *Service) step(step Step) approval.Performer {
	return func(tx *store.Tx, act approval.Act) (approval.Plan, error) {
		var m Moving
		if err := act.Read(&m); err != nil {
			return approval.Plan{}, err
		}
		c, plan, err := begin(tx, act, m.Case)
		if err != nil || plan.Wrong != nil {
			return plan, err
		}
		linked, err := links(tx, c.TenantID, c.ID)
		if err != nil {
			return plan, err
		}
		reason, not, err := chosen(tx, act, m.Reason)
		if err != nil {
			return plan, err
		}
		if act.Reason == WithoutWords && reason.Words != "" {
			act.Reason = reason.Words // which say it
		}
		var open string // a bypass of the case that may let somebody in still
		if _, err := tx.One(&open, "SELECT id FROM bypasses WHERE user_id = ? AND tenant_id = ? AND case_id = ? AND state IN ('ready', 'active') AND ends_at > ?", c.UserID, c.TenantID, c.ID, tx.Now); err != nil {
			return plan, err
		}
		next, ok := c.State.After(step)
		plan.Difference = append(plan.Difference, approval.Change{Field: "case_state", Before: string(c.State), After: string(next)})
		wordless := act.Reason == WithoutWords
		switch {
		case !ok && c.State == Closed:
			plan.Wrong = fault.New(fault.Conflict, "case.closed")
		case !ok:
			plan.Wrong = changed()
		case not != nil:
			plan.Wrong = not
		case step == Wait && m.For != "" && !slices.Contains(Fors, m.For):
			plan.Wrong = fault.Wrong("form.wrong", map[string]string{"for": "case.for"})
		case step == Reopen && wordless:
			plan.Wrong = fault.Wrong("form.wrong", map[string]string{"reason": "approval.reason_missing"})
		case step == Close && wordless && slices.ContainsFunc(linked, Linked.signsIn):
			plan.Wrong = fault.Wrong("form.wrong", map[string]string{"reason": "case.device_active"})
		case step == Close && wordless && open != "":
			plan.Wrong = fault.Wrong("form.wrong", map[string]string{"reason": "case.bypass_active"})
		}
		plan.Do = func(tx *store.Tx) error {
			if err := move(tx, c, next, m.For, act); err != nil {
				return err
			}
			if err := Because(tx, c.TenantID, c.ID, m.Reason, reason.Words); err != nil {
				return err
			}
			if err := s.ringAsks(tx, c); err != nil {
				return err
			}
			did := stepped[step]
			if err := audit.Record(tx, c.event(act, did.action, "for", string(m.For), "reason_code", m.Reason)); err != nil || !did.told {
				return err
			}
			return s.tell(tx, act, c.UserID, did.action, c)
		}
		return plan, nil
	}
}

// move stores the state that follows. It repeats what was asked on the way here: of two
// at once the second changes no row, and no person gets a second case that stands.
func move(tx *store.Tx, c Case, next State, waits For, act approval.Act) error {
	ended, by, ending := any(nil), "", ""
	if next == Closed {
		if ended, by = tx.Now, act.ActorID; act.Reason != WithoutWords {
			ending = act.Reason
		}
	}
	if next != Waiting {
		waits = ""
	}
	err := tx.Change(changed(), `UPDATE cases SET state = ?, waits_for = ?, closed_at = ?, closed_by = ?, ending = ? WHERE tenant_id = ? AND id = ? AND state = ?
		AND (? <> 'closed' OR ? <> '' OR NOT EXISTS (SELECT 1 FROM case_links l JOIN devices d ON d.tenant_id = l.tenant_id AND d.account_id = l.target_id
			WHERE l.tenant_id = cases.tenant_id AND l.case_id = cases.id AND l.kind = 'device' AND d.state = ? AND d.phone_sign_in)
			AND NOT EXISTS (SELECT 1 FROM bypasses b WHERE b.user_id = cases.user_id AND b.tenant_id = cases.tenant_id AND b.case_id = cases.id AND b.state IN ('ready', 'active') AND b.ends_at > ?))`,
		next, waits, ended, by, ending, c.TenantID, c.ID, c.State, next, ending, device.Active, tx.Now)
	if errors.Is(err, store.ErrDuplicate) {
		return fault.New(fault.Conflict, "case.one")
	}
	return err
}

// tell leaves somebody a notice about a case.
func (s *Service) tell(tx *store.Tx, act approval.Act, userID string, action audit.Action, c Case) error {
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	n := notify.Notice{Action: action, By: by.Role, Reason: act.Reason, Detail: c.Name()}
	if act.Reason == WithoutWords {
		n.Reason = ""
	}
	return notify.Tell(tx, act.TenantID, userID, n)
}
