package signin

import (
	"cmp"
	"context"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// Begin starts an attempt for a sign-in name and gives its address. When the
// last used way was the phone, the prompt is sent in the same act, or held. A
// name that is none at all is fault.Invalid.
func (s *Service) Begin(ctx context.Context, typed, returnTo string, from From) (string, error) {
	name := user.Name(typed)
	if name == "" {
		return "", fault.Wrong("form.wrong", map[string]string{"identifier": "signin.name_form"})
	}
	var id string
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		who, err := s.subject(tx, name, from)
		if err != nil {
			return err
		}
		id, err = s.begin(tx, who, name, beginning{purpose: ToSignIn, returnTo: LocalPath(returnTo), way: Way(who.found.Way)}, from)
		return err
	})
	return id, err
}

// BeginStepUp starts an attempt by which the user of a session proves it again.
func (s *Service) BeginStepUp(ctx context.Context, of session.Session, returnTo string, way Way, from From) (string, error) {
	var id string
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		who, err := s.subject(tx, of.UserName, from)
		if err != nil {
			return err
		}
		if way == "" {
			way = Way(who.found.Way)
		}
		id, err = s.begin(tx, who, of.UserName, beginning{purpose: ToStepUp, returnTo: LocalPath(returnTo), way: way, sessionID: of.ID, takesCodes: of.TakesCodes()}, from)
		return err
	})
	return id, err
}

// first is the way that a sign-in begins with: the one used last, if it is on, else
// the password, else the strongest that is on. Where the strongest comes first it is
// the strongest of all, and in a browser that knows the user the strongest of theirs:
// no other browser is told what a name has.
func (s *Service) first(who subjectOf, last Way) Way {
	on := func(w Way) bool {
		return known(w) && !weaker(w) && !who.found.NoSignIn.Has(boundTo(w)) && (w != Passkey || s.Passkeys.Usable())
	}
	if !who.found.StrongestFirst {
		if on(last) {
			return last
		}
		if on(Password) {
			return Password
		}
	}
	for _, w := range ways {
		if on(w.way) && w.way != Bypass && (!who.found.StrongestFirst || !who.found.SeenHere || who.found.Ways.Has(w.bound)) {
			return w.way
		}
	}
	for _, w := range ways {
		if on(w.way) && w.way != Bypass {
			return w.way
		}
	}
	return Password
}

type beginning struct {
	takesCodes          bool // the session is one that a bypass made, and takes a code to a backup phone
	given               bool // the way is the one that was taken already, and not the one to begin with
	purpose             Purpose
	returnTo, sessionID string
	way                 Way
	approves            RequestRef
}

func (s *Service) begin(tx *store.Tx, who subjectOf, name string, b beginning, from From) (string, error) {
	if b.purpose == ToSignIn && !b.given {
		b.way = s.first(who, b.way)
	}
	if !known(b.way) || weaker(b.way) && !b.takesCodes || handed(b.way) && b.purpose == ToStepUp || b.way == Passkey && !s.Passkeys.Usable() {
		b.way = Password
	}
	id := s.Secrets.ID()
	application, err := s.application(tx, who.tenant.ID, b.returnTo, from)
	if err != nil {
		return "", err
	}
	var sent prompt.Sent
	if b.way == Phone {
		if sent, err = s.send(tx, who, Attempt{key: id, Purpose: b.purpose, Approves: b.approves, Application: application}, from); err != nil {
			return "", err
		}
	}
	if weaker(b.way) {
		a := Attempt{TenantID: who.tenant.ID, key: id, subject: who.subject, userID: who.userID(), takesCodes: b.takesCodes}
		if err := s.sendCode(tx, a, b.way, "", from); err != nil {
			return "", err
		}
	}
	number, err := s.codeNumber(tx, b.way, who.tenant.ID, name, who.subject)
	if err != nil {
		return "", err
	}
	err = tx.Later(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, session_id, return_to, way, prompt_id, code_number,
		approval_tenant_id, approval_id, state, trusted, ip, browser, application, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		who.tenant.ID, id, from.BrowserDigest, name, who.subject, who.userID(), b.purpose, b.sessionID, b.returnTo, b.way, sent.ID, number,
		b.approves.TenantID, b.approves.ID, "open", who.found.Trusted, from.IP, from.Browser, application, tx.Now, tx.Now.Add(attemptLife))
	if err != nil {
		return "", err
	}
	e := audit.Event{
		TenantID: who.tenant.ID, Action: audit.SignInBegun, Actor: audit.Claimant(who.subject), Target: audit.User(who.found.UserID),
		Subject: who.found.UserID, Thread: id, Origin: from.Origin, Typed: name, Details: details(b.way, sent),
	}
	switch b.purpose {
	case ToStepUp:
		e.Action = audit.StepUpBegun
	case ToApprove:
		e.Action, e.Target = audit.ApprovalSent, audit.Party{Kind: audit.KindRequest, ID: b.approves.ID}
	}
	return address(who.tenant.ID, id), audit.Record(tx, e)
}

// ApplicationFor names the application that a sign-in would be begun by, for the page that
// asks for the name.
func (s *Service) ApplicationFor(ctx context.Context, returnTo string, from From) (string, error) {
	if s.ApplicationOf == nil {
		return "", nil
	}
	by, err := s.ApplicationOf(s.DB.View(ctx), returnTo, from.BrowserDigest)
	return by.Name, store.Unusable(err)
}

// application names the application that an attempt was begun by. That of another
// tenant is nothing to show on a phone of this one.
func (s *Service) application(tx *store.Tx, tenantID, returnTo string, from From) (string, error) {
	if s.ApplicationOf == nil {
		return "", nil
	}
	by, err := s.ApplicationOf(tx, returnTo, from.BrowserDigest)
	if tenantID != by.TenantID && tenantID != tenant.Nowhere {
		by.Name = ""
	}
	return by.Name, err
}

// details says in the event of the attempt what became of its prompt.
func details(way Way, sent prompt.Sent) map[string]string {
	d := map[string]string{"way": string(way)}
	if sent.ID != "" {
		d["prompt"] = sent.ID
	}
	if sent.Pause.Reason != "" {
		d["held"] = sent.Pause.Reason
	}
	return d
}

// send asks the phones of the name, after taking back what this same browser
// asked before and left behind. A browser in which the user had a session does not
// wait for what browsers asked that are new to them: it takes it back, too.
func (s *Service) send(tx *store.Tx, who subjectOf, a Attempt, from From) (prompt.Sent, error) {
	recent := make([]prompt.Recent, len(who.recent))
	for i, r := range who.recent {
		r.Apart = who.found.SeenHere && r.NewBrowser
		if (r.mine || r.Apart) && r.State == prompt.Pending {
			if err := s.Prompts.Withdraw(tx, who.tenant.ID, r.ID, who.userID(), audit.Claimant(""), from.Origin); err != nil {
				return prompt.Sent{}, err
			}
			if r.Apart {
				tx.After(func() { s.Prompts.Hub.Ring(prompt.AttemptKey(who.tenant.ID, r.AttemptID)) })
			}
			r.State = prompt.Expired
		}
		recent[i] = r.Recent
	}
	administrator := s.Rules.Role(who.tenant.ID, who.found.UserID) != access.RoleUser
	kind, act := prompt.SignIn, (*prompt.Act)(nil)
	switch {
	case a.Purpose == ToStepUp:
		kind = prompt.StepUp
	case a.Halfway():
		kind = prompt.SecondFactor
	case a.Purpose == ToApprove:
		shown, err := s.Approvals.Show(tx, a.Approves, who.userID())
		if err != nil {
			return prompt.Sent{}, err
		}
		if who.phoneUser() == "" {
			return prompt.Sent{}, fault.New(fault.Conflict, "approval.no_phone")
		}
		kind, act, administrator = prompt.Approval, &shown, true
	}
	at := s.Atlas.Of(from.IP, who.places)
	mode := who.tenant.MatchMode
	if at.Name() == "" {
		mode = mode.Or(who.found.Elsewhere)
	}
	if who.found.Typed {
		mode = mode.Or(tenant.Type2)
	}
	return s.Prompts.Send(tx, prompt.Ask{
		TenantID: who.tenant.ID, Subject: who.subject, UserID: who.phoneUser(), Kind: kind, AttemptID: a.key, Act: act,
		Mode: prompt.ModeFor(mode, administrator, recent, tx.Now), Application: cmp.Or(a.Application, "Latchkey"),
		Origin: from.Origin, Place: at, BrowserDigest: from.BrowserDigest, NewBrowser: !who.found.SeenHere, Push: who.found.Pushes,
		Failures: throttle.State{InARow: who.found.InARow, PausedUntil: who.found.PausedUntil},
	}, recent)
}
