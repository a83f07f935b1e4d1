package signin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/codesheet"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/passcode"
	"latchkey/app/passkey"
	"latchkey/app/place"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// Service carries out the sign-in, in the order of its methods.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Secrets   secret.Source
	Passwords Passwords
	Prompts   *prompt.Service
	TOTPs     *totp.Service
	Backups   *backupphone.Service
	Passkeys  *passkey.Service
	Passcodes *passcode.Service
	Sheets    *codesheet.Service
	Rules     *access.Rules
	Decisions *decision.Live
	Approvals Approvals
	Atlas     *place.Atlas

	// ApplicationOf names the application that a sign-in from a page of ours was begun by, and
	// its tenant; empty for none.
	ApplicationOf func(tx *store.Tx, returnTo, browserDigest string) (name, tenantID string, err error)

	AddressMost int // wrong tries from one address within ten minutes that pause it; 0 for no limit
}

// From is the browser that acts.
type From struct {
	audit.Origin
	BrowserDigest string
	Trusted       secret.Token // what it keeps of those who trust it
	Stay          bool         // its user chose to stay signed in
}

// subjectOf is whom an attempt is for: a user or a name that nobody answers for.
type subjectOf struct {
	tenant  tenant.Tenant
	places  place.Named
	subject string
	found   Found
	recent  []asked
}

// Found is what there is about a name. Gorm reads it as part of a row, which
// takes an exported name.
type Found struct {
	TenantID  string
	MatchMode tenant.MatchMode
	Elsewhere tenant.MatchMode // in the place of MatchMode where it is stronger and nobody has a name for the place
	Places    string           // that the tenant has a name for, see place.Read
	UserID    string
	State     string
	Way       string
	Phones    bool // some phone of theirs can answer
	Pushes    bool // and takes Web Push
	SeenHere  bool // this browser had a session of theirs, or they trust it
	Trusted   bool
	Typed     bool // the number is typed, whatever the tenant's mode
	Ways      user.Ways

	NoSignIn       user.Ways // that nobody in the tenant signs in with
	StrongestFirst bool

	InARow      int // wrong numbers, see prompt.Way
	PausedUntil *time.Time
}

// asked is an earlier prompt of the name, and whether this browser asked for it.
type asked struct {
	prompt.Recent
	mine bool
}

// userID is the user when they can sign in, else empty.
func (s subjectOf) userID() string {
	if s.found.State == user.Active {
		return s.found.UserID
	}
	return ""
}

// phoneUser is the user when some phone of theirs can answer, else empty.
func (s subjectOf) phoneUser() string {
	if s.found.Phones {
		return s.userID()
	}
	return ""
}

// typedNumber says of a user u in a tenant t that they type the number.
var typedNumber = feature.With(feature.TypedNumberMatch)

// subject reads, in one query for every name alike, the tenant and the user of
// a sign-in name with their habit, phones and the prompts of the last day.
func (s *Service) subject(tx *store.Tx, name string, from From) (subjectOf, error) {
	domain := domainOf(name)
	who := subjectOf{subject: s.Keys.Subject(name)}
	var rows []struct {
		Found
		PromptID    string
		PromptState prompt.State
		AttemptID   string
		WrongNumber bool
		NewBrowser  bool
		CreatedAt   *time.Time
		ExpiresAt   *time.Time
		DecidedAt   *time.Time
		Mine        bool
	}
	trusted, values := "FALSE", []any(nil)
	if shown := session.TrustDigests(from.Trusted); shown != "" {
		trusted, values = session.Trusted, []any{shown, tx.Now}
	}
	// PostgreSQL finds rows behind the wall by a CASE, and not by COALESCE: it takes
	// that for a function which could tell what it was given.
	err := tx.All(&rows, `SELECT COALESCE(t.id, '') AS tenant_id, COALESCE(t.match_mode, '') AS match_mode, COALESCE(t.match_mode_elsewhere, '') AS elsewhere, COALESCE(t.places, '') AS places,
		CASE WHEN t.id IS NULL THEN 128 ELSE `+method.NobodySignsIn+` END AS no_sign_in, COALESCE(t.strongest_first, FALSE) AS strongest_first, COALESCE(u.ways, 0) AS ways,
		COALESCE(u.id, '') AS user_id, COALESCE(u.state, '') AS state, COALESCE(h.way, '') AS way,
		`+phoneSignsIn+` AND `+method.NoUse+` & 2 = 0 AS phones, CASE WHEN u.id IS NULL THEN FALSE ELSE `+typedNumber+` END AS typed,
		EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = t.id AND d.user_id = u.id AND d.state = 'active' AND d.phone_sign_in AND d.push_subscription <> '') AS pushes,
		EXISTS (SELECT 1 FROM sessions b WHERE b.tenant_id = t.id AND b.user_id = u.id AND b.browser_digest = n.browser AND NOT b.limited) AS seen_here,
		CASE WHEN u.id IS NULL THEN FALSE ELSE `+trusted+` END AS trusted,
		COALESCE(f.in_a_row, 0) AS in_a_row, f.paused_until,
		COALESCE(p.id, '') AS prompt_id, COALESCE(p.state, '') AS prompt_state, COALESCE(p.attempt_id, '') AS attempt_id,
		COALESCE(p.wrong_number, FALSE) AS wrong_number, COALESCE(p.new_browser, FALSE) AS new_browser, p.created_at, p.expires_at, p.decided_at, a.id IS NOT NULL AS mine
		FROM (SELECT CAST(? AS text) AS domain, CAST(? AS text) AS name, CAST(? AS text) AS subject, CAST(? AS text) AS browser) n
		LEFT JOIN domains dom ON dom.domain = n.domain AND dom.verified_at IS NOT NULL
		LEFT JOIN tenants t ON t.id = dom.tenant_id AND t.state = 'active'
		LEFT JOIN users u ON u.tenant_id = t.id AND u.name = n.name
		LEFT JOIN habits h ON h.tenant_id = CASE WHEN t.id IS NULL THEN ? ELSE t.id END AND h.subject = n.subject
		LEFT JOIN throttles f ON f.tenant_id = CASE WHEN t.id IS NULL THEN ? ELSE t.id END AND f.subject = n.subject AND f.way = ?
		LEFT JOIN prompts p ON p.tenant_id = CASE WHEN t.id IS NULL THEN ? ELSE t.id END AND p.subject = n.subject AND p.created_at > ?
		LEFT JOIN attempts a ON a.tenant_id = p.tenant_id AND a.id = p.attempt_id AND a.browser_digest = n.browser
		ORDER BY p.created_at DESC`,
		append(values, domain, name, who.subject, from.BrowserDigest, tenant.Nowhere, tenant.Nowhere, prompt.Way, tenant.Nowhere, tx.Now.Add(-prompt.Memory))...)
	if err != nil || len(rows) == 0 {
		return who, err
	}
	who.found = rows[0].Found
	who.found.SeenHere = who.found.SeenHere || who.found.Trusted
	if who.places, err = place.Read(who.found.Places); err != nil {
		return who, err
	}
	who.tenant = tenant.Tenant{ID: who.found.TenantID, MatchMode: who.found.MatchMode}
	if who.tenant.ID == "" {
		who.tenant = tenant.Tenant{ID: tenant.Nowhere, MatchMode: tenant.Pick3}
	}
	for _, r := range rows {
		if r.PromptID == "" {
			continue
		}
		who.recent = append(who.recent, asked{mine: r.Mine, Recent: prompt.Recent{
			ID: r.PromptID, State: r.PromptState, AttemptID: r.AttemptID, WrongNumber: r.WrongNumber, NewBrowser: r.NewBrowser,
			CreatedAt: *r.CreatedAt, ExpiresAt: *r.ExpiresAt, DecidedAt: r.DecidedAt,
		}})
	}
	return who, nil
}

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
		id, err = s.begin(tx, who, of.UserName, beginning{purpose: ToStepUp, returnTo: LocalPath(returnTo), way: way, sessionID: of.ID}, from)
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
		if on(w.way) && (!who.found.StrongestFirst || !who.found.SeenHere || who.found.Ways.Has(w.bound)) {
			return w.way
		}
	}
	for _, w := range ways {
		if on(w.way) {
			return w.way
		}
	}
	return Password
}

type beginning struct {
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
	if !known(b.way) || weaker(b.way) || b.way == StaticPasscode && b.purpose == ToStepUp || b.way == Passkey && !s.Passkeys.Usable() {
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
	name, _, err := s.ApplicationOf(s.DB.View(ctx), returnTo, from.BrowserDigest)
	return name, store.Unusable(err)
}

// application names the application that an attempt was begun by. That of another
// tenant is nothing to show on a phone of this one.
func (s *Service) application(tx *store.Tx, tenantID, returnTo string, from From) (string, error) {
	if s.ApplicationOf == nil {
		return "", nil
	}
	name, of, err := s.ApplicationOf(tx, returnTo, from.BrowserDigest)
	if tenantID != of && tenantID != tenant.Nowhere {
		name = ""
	}
	return name, err
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

// Find gives the attempt of an address, in the browser that began it and in no
// other: everything else is fault.NotFound.
func (s *Service) Find(ctx context.Context, addressed string, browserDigest string) (Attempt, time.Time, error) {
	tx := s.DB.View(ctx)
	a, err := find(tx, addressed, browserDigest)
	return a, tx.Now, store.Unusable(err)
}

func find(tx *store.Tx, addressed, browserDigest string) (Attempt, error) {
	none := fault.New(fault.NotFound, "http.not_found")
	tenantID, id, ok := parseAddress(addressed)
	if !ok {
		return Attempt{}, none
	}
	var row struct {
		TenantName, Name, Subject, UserID, SessionID, ReturnTo, State, PromptID, Number, ApprovalTenantID, ApprovalID, Application string
		Purpose                                                                                                                    Purpose
		Way                                                                                                                        Way
		Proved                                                                                                                     proof
		Stay, Trusted                                                                                                              bool
		SessionHours, TrustDays                                                                                                    int
		Off                                                                                                                        user.Ways
		Failures, CodeNumber                                                                                                       int
		ExpiresAt                                                                                                                  time.Time
		PromptState                                                                                                                prompt.State
		PromptEndsAt                                                                                                               *time.Time
		DecidedAt                                                                                                                  *time.Time
	}
	ok, err := tx.One(&row, `SELECT COALESCE(t.name, '') AS tenant_name, a.name, a.subject, a.user_id, a.session_id, a.return_to, a.state, a.purpose, a.way,
		a.failures, a.code_number, a.expires_at, a.proved, a.stay, CASE WHEN a.trusted THEN `+session.MayTrust+` ELSE FALSE END AS trusted, COALESCE(t.session_hours, ?) AS session_hours,
		CASE WHEN t.id IS NULL THEN CAST(? AS integer) WHEN a.proved = '' THEN `+session.OfferedDays+` ELSE `+session.TrustedDays+` END AS trust_days,
		CASE WHEN t.id IS NULL THEN 0 WHEN a.purpose <> 'sign_in' THEN `+method.NoUse+` WHEN a.proved <> '' THEN `+method.NoSecond+` ELSE `+method.NobodySignsIn+` END AS off, a.prompt_id, a.approval_tenant_id, a.approval_id, a.application, COALESCE(p.number, '') AS number, COALESCE(p.state, '') AS prompt_state, p.expires_at AS prompt_ends_at, p.decided_at
		FROM attempts a LEFT JOIN tenants t ON t.id = a.tenant_id LEFT JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
		LEFT JOIN prompts p ON p.tenant_id = a.tenant_id AND p.id = a.prompt_id
		WHERE a.tenant_id = ? AND a.id = ? AND a.browser_digest = ?`, session.SessionHoursMost, session.TrustDaysUsual, tenantID, id, browserDigest)
	if err != nil {
		return Attempt{}, err
	}
	if !ok {
		return Attempt{}, none
	}
	a := Attempt{
		ID: addressed, TenantID: tenantID, TenantName: row.TenantName, Name: row.Name, Purpose: row.Purpose, ReturnTo: row.ReturnTo, Application: row.Application,
		Way: row.Way, State: row.State, Failures: row.Failures, ExpiresAt: row.ExpiresAt, PromptID: row.PromptID, PromptState: row.PromptState,
		CodeNumber: row.CodeNumber, Number: row.Number, DecidedAt: row.DecidedAt, Approves: RequestRef{row.ApprovalTenantID, row.ApprovalID}, key: id, subject: row.Subject, userID: row.UserID, sessionID: row.SessionID,
		Stay: row.Stay, StayHours: row.SessionHours, TrustDays: row.TrustDays, proved: row.Proved, browser: browserDigest, trusted: row.Trusted, off: row.Off,
	}
	if row.PromptEndsAt != nil {
		a.PromptEndsAt = *row.PromptEndsAt
	}
	return a, nil
}

// HeldUntil gives the time from which a held attempt may ask the phone again.
func (s *Service) HeldUntil(ctx context.Context, a Attempt) (prompt.Pause, error) {
	pause, err := heldUntil(s.DB.View(ctx), a)
	return pause, store.Unusable(err)
}

func heldUntil(tx *store.Tx, a Attempt) (prompt.Pause, error) {
	known, err := seenHere(tx, a)
	if err != nil {
		return prompt.Pause{}, err
	}
	return prompt.HeldUntil(tx, a.TenantID, a.subject, known)
}

// Choose takes another way, which becomes the default for next time, be it as the
// first or as the second one. Choosing the phone sends a new prompt, unless one of
// this attempt is on the phone now. It fails with fault.Invalid for a way that is
// not offered and fault.Refused when the attempt is over. phoneID is the backup phone
// that is to get a code, empty for the one used last: only who has proved something
// knows of more than one.
func (s *Service) Choose(ctx context.Context, addressed string, way Way, phoneID string, from From) error {
	unknown := fault.Wrong("form.wrong", map[string]string{"method": "signin.way_unknown"})
	if !known(way) {
		return unknown
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		a, err := find(tx, addressed, from.BrowserDigest)
		if err != nil {
			return err
		}
		if !a.Open(tx.Now) {
			return fault.New(fault.Refused, "signin.refused")
		}
		offered, err := s.offers(tx, a)
		if err != nil {
			return err
		}
		if !slices.Contains(offered, way) {
			return unknown
		}
		promptID := a.PromptID
		var sent prompt.Sent
		switch state := a.PhoneState(tx.Now); {
		case way == Phone && (state == prompt.Pending || state == prompt.Approved):
		case way == Phone:
			who, err := s.subject(tx, a.Name, from)
			if err != nil {
				return err
			}
			if sent, err = s.send(tx, who, a, from); err != nil {
				return err
			}
			promptID = sent.ID
		case state == prompt.Pending:
			if err := s.Prompts.Withdraw(tx, a.TenantID, a.PromptID, a.userID, audit.Claimant(""), from.Origin); err != nil {
				return err
			}
			promptID = ""
		}
		if weaker(way) {
			if err := s.sendCode(tx, a, way, phoneID, from); err != nil {
				return err
			}
		}
		number, err := s.codeNumber(tx, way, a.TenantID, a.Name, a.subject)
		if err != nil {
			return err
		}
		err = tx.Change(fault.New(fault.Refused, "signin.refused"), `UPDATE attempts SET way = ?, prompt_id = ?, code_number = ?
			WHERE tenant_id = ? AND id = ? AND state = 'open' AND expires_at > ?`, way, promptID, number, a.TenantID, a.key, tx.Now)
		if err != nil {
			return err
		}
		if a.Purpose != ToApprove { // there is no other way, so it says nothing about the next sign-in
			if err := s.habit(tx, a, way); err != nil {
				return err
			}
		}
		return audit.Record(tx, audit.Event{
			TenantID: a.TenantID, Action: audit.SignInWayChosen, Actor: audit.Claimant(a.subject), Target: audit.Attempt(a.key),
			Subject: a.userID, Thread: a.key, Origin: from.Origin, Details: details(way, sent),
		})
	})
}

// habit keeps the way that a name used last in an attempt, known or not: as the
// first way or as the second one.
func (s *Service) habit(tx *store.Tx, a Attempt, way Way) error {
	if weaker(way) && !a.Halfway() {
		return nil // a message for whoever types a name would be too many
	}
	if way == StaticPasscode {
		return nil // it is gone the next day
	}
	if a.Halfway() {
		return tx.Exec(`INSERT INTO habits (tenant_id, subject, way, second_way, changed_at) VALUES (?,?,'',?,?)
			ON CONFLICT (tenant_id, subject) DO UPDATE SET second_way = excluded.second_way, changed_at = excluded.changed_at`, a.TenantID, a.subject, way, tx.Now).Error
	}
	return s.prefer(tx, a.TenantID, a.subject, way)
}

func (s *Service) prefer(tx *store.Tx, tenantID, subject string, way Way) error {
	return tx.Exec(`INSERT INTO habits (tenant_id, subject, way, changed_at) VALUES (?,?,?,?)
		ON CONFLICT (tenant_id, subject) DO UPDATE SET way = excluded.way, changed_at = excluded.changed_at`, tenantID, subject, way, tx.Now).Error
}

// Done is what a finished attempt gives the browser.
type Done struct {
	Cookie   secret.Token // of the new session; empty after a step-up
	ReturnTo string
	Halfway  bool // nothing is finished: another factor is asked for

	Life  time.Duration // of the cookie; zero: until the browser is closed
	Trust session.Trust // for the browser to keep; empty: nothing new
}

// Finish makes a session of an approved phone attempt, or does what else it is
// for. Whatever is wrong is fault.Refused, and nothing has changed; an approval
// fails in the ways of Approvals besides.
func (s *Service) Finish(ctx context.Context, addressed string, from From) (Done, error) {
	var done Done
	var approver Attempt
	tenantID, id, ok := parseAddress(addressed)
	if !ok {
		return done, fault.New(fault.NotFound, "http.not_found")
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		var won struct{ UserID, Subject, Purpose, SessionID, ReturnTo, AccountID, PromptID, ApprovalTenantID, ApprovalID, Proved string }
		ok, err := tx.One(&won, `UPDATE attempts SET state = 'finished', finished_at = ?
			WHERE tenant_id = ? AND id = ? AND (browser_digest = ? AND state = 'open' AND expires_at > ? AND way = 'phone' AND user_id <> '' AND failures < ?) IS TRUE
			AND EXISTS (SELECT 1 FROM prompts p
				JOIN devices d ON d.tenant_id = p.tenant_id AND d.account_id = p.account_id
				JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
				JOIN tenants t ON t.id = p.tenant_id AND ? & (CASE WHEN attempts.purpose <> 'sign_in' THEN `+method.NoUse+`
					WHEN attempts.proved <> '' THEN `+method.NoSecond+` ELSE `+method.NoSignIn+` END) = 0
				WHERE p.tenant_id = attempts.tenant_id AND p.id = attempts.prompt_id AND p.attempt_id = attempts.id AND p.user_id = attempts.user_id
				AND (p.state = 'approved' AND p.decided_at > ? AND d.state = 'active' AND d.phone_sign_in AND u.state = 'active' AND t.state = 'active') IS TRUE)
			RETURNING user_id, subject, purpose, session_id, return_to, prompt_id, approval_tenant_id, approval_id, proved,
				(SELECT p.account_id FROM prompts p WHERE p.tenant_id = attempts.tenant_id AND p.id = attempts.prompt_id) AS account_id`,
			tx.Now, tenantID, id, from.BrowserDigest, tx.Now, failuresMost, user.WithPhone, tx.Now.Add(-finishLife))
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Refused, "signin.refused")
		}
		a := Attempt{
			TenantID: tenantID, Purpose: Purpose(won.Purpose), PromptID: won.PromptID, Approves: RequestRef{won.ApprovalTenantID, won.ApprovalID},
			key: id, userID: won.UserID, sessionID: won.SessionID, subject: won.Subject, proved: proof(won.Proved),
		}
		on, err := s.facts(tx, a, from)
		if err != nil {
			return err
		}
		if err := stillHeld(on, a.proved); err != nil {
			return err
		}
		if a.Purpose == ToSignIn {
			enough, err := decide(on, a, Phone, proof(by(Phone)))
			if err != nil {
				return err
			}
			if !enough {
				return fault.New(fault.Refused, "signin.refused") // a phone always is
			}
		}
		// Who proved it by phone gets back what wrong passwords of others took.
		if err := throttle.Clear(tx, tenantID, won.Subject); err != nil {
			return err
		}
		done.ReturnTo = won.ReturnTo
		if a.Purpose == ToApprove {
			approver = a
			return s.approve(tx, a, from)
		}
		return s.prove(tx, a, string(a.proved.and(Phone)), won.AccountID, on, &done, from)
	})
	if fault.Of(err) != nil && fault.Of(err).Kind == fault.Refused {
		return done, s.refusedBy(ctx, addressed, "signin.not_approved", err, from)
	}
	if err != nil && approver.Purpose == ToApprove {
		return done, s.Approvals.Refused(ctx, approver.Approves, approver.userID, err, from.Origin)
	}
	return done, err
}

// prove ends a won attempt: a new session, which done is told, or a step-up of the
// one it is for. A sign-in is kept with the decision that it rests on.
func (s *Service) prove(tx *store.Tx, a Attempt, by, account string, on *decision.Facts, done *Done, from From) error {
	e := audit.Event{
		TenantID: a.TenantID, Action: audit.SignInFinished, Actor: audit.User(a.userID), Subject: a.userID,
		Thread: a.key, Origin: from.Origin, Details: map[string]string{"by": by},
	}
	if a.Purpose == ToApprove {
		return fault.New(fault.Refused, "signin.refused") // it makes no session and proves none
	}
	if a.Purpose == ToStepUp {
		e.Action, e.Target = audit.StepUpFinished, audit.Session(a.sessionID)
		if err := session.Prove(tx, a.TenantID, a.sessionID, a.userID, by); err != nil {
			return err
		}
		return audit.Record(tx, e)
	}
	entered, err := session.Enter(tx, session.Beginning{
		TenantID: a.TenantID, UserID: a.userID, AMR: by, AccountID: account, IP: from.IP, Browser: from.Browser, BrowserDigest: from.BrowserDigest,
		RequestID: from.RequestID, Stay: from.Stay, Trusted: from.Trusted,
	})
	if err != nil {
		return err
	}
	if err := tx.Later("UPDATE users SET last_signin_at = ? WHERE tenant_id = ? AND id = ? AND (last_signin_at IS NULL OR last_signin_at < ?)",
		tx.Now, a.TenantID, a.userID, tx.Now.Truncate(24*time.Hour)); err != nil {
		return err
	}
	d := on.Browser(entered.Seen, entered.Trusted)
	on.Same("limited", d.Limited == entered.Limited, entered.Limited)
	if err := on.Store(tx, a.TenantID, a.userID, a.key); err != nil {
		return err
	}
	done.Cookie, done.Life, done.Trust = entered.Cookie, entered.Life, entered.Trust
	e.Target = audit.Session(entered.ID)
	for detail, is := range map[string]bool{"new_browser": entered.NewBrowser, "limited": entered.Limited, "asks_phone": entered.AsksPhone} {
		if is {
			e.Details[detail] = "yes"
		}
	}
	return audit.Record(tx, e)
}

// refused remembers a refusal in an act of its own and gives it back: the
// reason is for the audit, the caller only learns that it did not work.
func (s *Service) refused(ctx context.Context, addressed, reason string, from From) error {
	return s.refusedBy(ctx, addressed, reason, nil, from)
}

// refusedBy is refused for a proof that was right: when rules stand against it, their
// decision is kept.
func (s *Service) refusedBy(ctx context.Context, addressed, reason string, by error, from From) error {
	refusal := fault.New(fault.Refused, "signin.refused").Because(fmt.Errorf("signin: %s", reason))
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		a, err := find(tx, addressed, from.BrowserDigest)
		if err != nil {
			return err
		}
		if by != nil {
			if err := s.keepBlocked(tx, a, by, from); err != nil {
				return err
			}
		}
		return audit.Record(tx, audit.Event{
			TenantID: a.TenantID, Action: audit.SignInRefused, Outcome: audit.Failure, Reason: reason, Actor: audit.Claimant(a.subject),
			Target: audit.Attempt(a.key), Subject: a.userID, Thread: a.key, Origin: from.Origin,
		})
	})
	if err != nil {
		return err
	}
	return refusal
}

// Restore gives a user back, in the act tx, every way to sign in that failures in
// a row have paused or turned off (package throttle). It is for whoever unlocks
// somebody: their act records who did it and why. Requests to the phone keep the
// limits of package prompt, and a user who is locked stays locked. Nobody of this
// id in the tenant is fault.NotFound.
func (s *Service) Restore(tx *store.Tx, tenantID, userID string) error {
	var name string
	found, err := tx.One(&name, "SELECT name FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, "http.not_found")
	}
	return throttle.Clear(tx, tenantID, s.Keys.Subject(name))
}

// Habit is the way that a user is offered first.
func (s *Service) Habit(ctx context.Context, tenantID, name string) (Way, error) {
	var way Way
	_, err := s.DB.View(ctx).One(&way, "SELECT way FROM habits WHERE tenant_id = ? AND subject = ?", tenantID, s.Keys.Subject(name))
	if !known(way) {
		way = Password
	}
	return way, store.Unusable(err)
}

// Preferable lists the ways that a user may be offered first, the strongest first: no
// codes that are sent, no passcode that is gone the next day, and nothing that they do
// not sign in by where they are.
func (s *Service) Preferable(ctx context.Context, tenantID, userID string) ([]Way, error) {
	all, err := s.preferable(s.DB.View(ctx), tenantID, userID)
	return all, store.Unusable(err)
}

func (s *Service) preferable(tx *store.Tx, tenantID, userID string) (all []Way, err error) {
	off, err := method.OffOf(tx, tenantID, userID)
	for _, w := range ways {
		if err == nil && !weaker(w.way) && w.way != StaticPasscode && !off.NoSignIn.Has(w.bound) && (w.way != Passkey || s.Passkeys.Usable()) {
			all = append(all, w.way)
		}
	}
	return all, err
}

// Prefer changes the way that a user is offered first. One that they cannot be offered
// first is fault.Invalid.
func (s *Service) Prefer(ctx context.Context, tenantID, userID, name string, way Way, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		may, err := s.preferable(tx, tenantID, userID)
		if err != nil {
			return err
		}
		if !slices.Contains(may, way) {
			return fault.Wrong("form.wrong", map[string]string{"default_way": "preference.way_unknown"})
		}
		if err := s.prefer(tx, tenantID, s.Keys.Subject(name), way); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.PreferenceChanged, Actor: audit.User(userID), Target: audit.User(userID), Subject: userID,
			Origin: from, Details: map[string]string{"way": string(way)},
		})
	})
}
