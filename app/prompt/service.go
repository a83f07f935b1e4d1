package prompt

import (
	"context"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/place"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// Service sends prompts and takes their answers.
type Service struct {
	DB        *store.DB
	Devices   *device.Service
	Hub       *wake.Hub
	Secrets   secret.Source
	Atlas     *place.Atlas
	PublicURL string
	Nudge     chan struct{} // wakes the outbox; never blocks

	// Ended is told, in the act that ends it, how a prompt of a kind ended.
	Ended map[Kind]func(tx *store.Tx, end End) error
}

// End is how a prompt ended that somebody waits for.
type End struct {
	TenantID, ID string
	AttemptID    string
	UserID       string // whose phone was asked
	AccountID    string // on the phone that answered; empty: none did
	State        State
	WrongNumber  bool
	Origin       audit.Origin // of the answer
}

// ended tells who asked.
func (s *Service) ended(tx *store.Tx, kind Kind, end End) error {
	if told := s.Ended[kind]; told != nil {
		return told(tx, end)
	}
	return nil
}

// Ask is what a prompt is about.
type Ask struct {
	TenantID      string
	Subject       string
	UserID        string // empty: nobody can answer it
	Kind          Kind
	AttemptID     string
	Mode          tenant.MatchMode
	Application   string
	Origin        audit.Origin
	Place         place.Place // of the origin
	BrowserDigest string
	NewBrowser    bool
	Push          bool // some phone of the user takes Web Push
	Act           *Act // with kind Approval or CallerCheck

	Failures throttle.State // wrong numbers in a row, see Way
}

// Sent is a prompt on its way, or the pause that held it.
type Sent struct {
	ID        string
	Number    string
	ExpiresAt time.Time
	Pause     Pause
}

// RecentOf reads the prompts of a name of the last day, newest first.
func RecentOf(tx *store.Tx, tenantID, subject string) ([]Recent, error) {
	var recent []Recent
	err := tx.All(&recent, `SELECT id, state, attempt_id, wrong_number, new_browser, created_at, expires_at, decided_at FROM prompts
		WHERE tenant_id = ? AND subject = ? AND created_at > ? ORDER BY created_at DESC LIMIT 20`, tenantID, subject, tx.Now.Add(-dayWindow))
	return recent, err
}

// Way is under which wrong numbers are counted (package throttle). One prompt has
// one answer, so a number is as good as counted before it is checked.
const Way = "phone"

// HeldUntil says why and until when the phones of a name are left alone; known
// says that the user had a session in the browser that asks.
func HeldUntil(tx *store.Tx, tenantID, subject string, known bool) (Pause, error) {
	recent, err := RecentOf(tx, tenantID, subject)
	if err != nil {
		return Pause{}, err
	}
	for i := range recent {
		recent[i].Apart = known && recent[i].NewBrowser
	}
	failures, err := throttle.Of(tx, tenantID, subject, Way)
	return PauseAfter(recent, tx.Now).or(failures, tx.Now), err
}

// Send puts a prompt on the user's phones in the act tx, or says why it is
// held. recent is what RecentOf gave in the same act.
func (s *Service) Send(tx *store.Tx, ask Ask, recent []Recent) (Sent, error) {
	if pause := PauseAfter(recent, tx.Now).or(ask.Failures, tx.Now); pause.Reason != "" {
		return Sent{Pause: pause}, nil
	}
	if err := s.lapseOwn(tx, ask.TenantID, recent); err != nil {
		return Sent{}, err
	}
	sent := Sent{ID: s.Secrets.ID(), ExpiresAt: tx.Now.Add(Life)}
	numbers := ""
	if ask.Mode == tenant.Type6 {
		sent.Number = s.Secrets.SixDigits()
	} else {
		sent.Number = s.Secrets.MatchNumber()
		three := s.Secrets.ThreeNumbers(sent.Number)
		if ask.Mode == tenant.Pick3 {
			numbers = strings.Join(three[:], ",")
		}
	}
	act, hash, err := ask.Act.text()
	if err != nil {
		return Sent{}, err
	}
	// Of two in the same moment the index lets one in, and the other's act runs
	// again and finds this one visible.
	err = tx.Later(`INSERT INTO prompts (tenant_id, id, subject, user_id, kind, attempt_id, state, mode, number, numbers, nonce,
		application, browser, ip, place, new_browser, act, act_hash, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		ask.TenantID, sent.ID, ask.Subject, ask.UserID, ask.Kind, ask.AttemptID, Pending, ask.Mode, sent.Number, numbers,
		s.Secrets.Token().Reveal(), ask.Application, ask.Origin.Browser, ask.Origin.IP, ask.Place, ask.NewBrowser, act, hash, tx.Now, sent.ExpiresAt)
	if err != nil {
		return Sent{}, err
	}
	if ask.Kind != Test {
		if err := s.wakePhone(tx, ask, sent); err != nil {
			return Sent{}, err
		}
	}
	if ask.UserID != "" {
		tx.After(func() { s.Hub.Ring(device.UserKey(ask.TenantID, ask.UserID)) })
	}
	return sent, nil
}

// wakePhone queues a Web Push for the user's preferred phone that takes one. It
// is tried for every name alike, also where there is no such phone.
func (s *Service) wakePhone(tx *store.Tx, ask Ask, sent Sent) error {
	// The message says nothing about the sign-in or the act: the phone asks for it,
	// signed, and has the words of the notification.
	message := notify.Pushed{Request: sent.ID}
	err := notify.Queue(tx, ask.TenantID, notify.KindPush, notify.Targets{
		Query: `SELECT push_subscription FROM devices
		WHERE tenant_id = ? AND user_id = ? AND state = 'active' AND phone_sign_in AND push_subscription <> '' ORDER BY preferred DESC, created_at`,
		Values: []any{ask.TenantID, ask.UserID},
	}, message, Life)
	if err != nil || !ask.Push {
		return err
	}
	tx.After(func() {
		select {
		case s.Nudge <- struct{}{}:
		default:
		}
	})
	return nil
}

// lapseOwn ends what is still pending though its time is over, so that the
// index lets the next one in.
func (s *Service) lapseOwn(tx *store.Tx, tenantID string, recent []Recent) error {
	for _, r := range recent {
		if r.State != Pending || r.visible(tx.Now) {
			continue
		}
		if err := s.lapse(tx, tenantID, r.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) lapse(tx *store.Tx, tenantID, id string) error {
	var p struct {
		Subject, UserID, AttemptID string
		Kind                       Kind
	}
	ok, err := tx.One(&p, `UPDATE prompts SET state = 'expired', decided_at = ? WHERE tenant_id = ? AND id = ? AND state = 'pending' AND expires_at <= ?
		RETURNING subject, user_id, attempt_id, kind`, tx.Now, tenantID, id, tx.Now)
	if err != nil || !ok {
		return err
	}
	if err := s.ended(tx, p.Kind, End{TenantID: tenantID, ID: id, AttemptID: p.AttemptID, UserID: p.UserID, State: Expired}); err != nil {
		return err
	}
	return audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: audit.PromptExpired, Outcome: audit.Failure, Actor: audit.Service,
		Target: audit.Prompt(id), Subject: p.UserID, Thread: p.AttemptID,
	})
}

// Withdraw takes a pending prompt off the phone of its user in the act tx, because
// of what somebody did.
func (s *Service) Withdraw(tx *store.Tx, tenantID, id, userID string, by audit.Party, from audit.Origin) error {
	var p struct {
		Kind      Kind
		AttemptID string
	}
	ok, err := tx.One(&p, "UPDATE prompts SET state = 'expired', decided_at = ? WHERE tenant_id = ? AND id = ? AND state = 'pending' RETURNING kind, attempt_id", tx.Now, tenantID, id)
	if err != nil || !ok {
		return err
	}
	if err := s.ended(tx, p.Kind, End{TenantID: tenantID, ID: id, AttemptID: p.AttemptID, UserID: userID, State: Expired, Origin: from}); err != nil {
		return err
	}
	tx.After(func() { s.Hub.Ring(waitKey(p.Kind, tenantID, p.AttemptID)) })
	if userID != "" {
		tx.After(func() { s.Hub.Ring(device.UserKey(tenantID, userID)) })
	}
	return audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: audit.PromptExpired, Outcome: audit.Failure, Reason: "prompt.withdrawn", Actor: by,
		Target: audit.Prompt(id), Subject: userID, Origin: from,
	})
}

// Lapse ends, with their events, prompts whose time is over and rings those who
// wait for them. Any replica may run it; each prompt lapses once.
func (s *Service) Lapse(ctx context.Context) error {
	var due []struct {
		TenantID, ID, AttemptID string
		Kind                    Kind
	}
	err := s.DB.View(ctx).All(&due, "SELECT tenant_id, id, attempt_id, kind FROM prompts WHERE state = 'pending' AND expires_at <= ? ORDER BY expires_at, id LIMIT 200", s.DB.Now())
	if err != nil {
		return store.Unusable(err)
	}
	if len(due) == 0 {
		return nil
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		for _, p := range due {
			if err := s.lapse(tx, p.TenantID, p.ID); err != nil {
				return err
			}
		}
		return nil
	})
	for _, p := range due {
		s.Hub.Ring(waitKey(p.Kind, p.TenantID, p.AttemptID))
	}
	return err
}

// waitKey is what those wait on who wait for the end of a prompt.
func waitKey(kind Kind, tenantID, attemptID string) string {
	switch kind {
	case Test:
		return "enrolment:" + tenantID + ":" + attemptID
	case CallerCheck:
		return CheckKey(tenantID, attemptID)
	}
	return AttemptKey(tenantID, attemptID)
}

// CheckKey is what those wait on who wait for the end of a caller check.
func CheckKey(tenantID, checkID string) string { return "check:" + tenantID + ":" + checkID }

// AttemptKey is what those wait on who wait for the end of an attempt's prompt.
func AttemptKey(tenantID, attemptID string) string { return "attempt:" + tenantID + ":" + attemptID }

func testSubject(accountID string) string { return "test:" + accountID }

// Test sends the prompt by which a new phone proves that it works. It shows
// its number on the page that made the enrolment link.
func (s *Service) Test(ctx context.Context, a device.Account, from audit.Origin) (id string, err error) {
	var enrolment string
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		ok, err := tx.One(&enrolment, "SELECT id FROM enrolments WHERE tenant_id = ? AND user_id = ? AND account_id = ? AND used_at > ?",
			a.TenantID, a.UserID, a.AccountID, tx.Now.Add(-device.EnrolmentLife))
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, "http.not_found")
		}
		recent, err := RecentOf(tx, a.TenantID, testSubject(a.AccountID))
		if err != nil {
			return err
		}
		known, err := tenant.Places(tx, a.TenantID)
		if err != nil {
			return err
		}
		sent, err := s.Send(tx, Ask{
			TenantID: a.TenantID, Subject: testSubject(a.AccountID), UserID: a.UserID, Kind: Test, AttemptID: enrolment, Mode: tenant.Pick3,
			Origin: from, Place: s.Atlas.Of(from.IP, known),
		}, recent)
		if err != nil {
			return err
		}
		if sent.Pause.Reason != "" {
			return fault.Wait("prompt.held", sent.Pause.Until.Sub(tx.Now))
		}
		id = sent.ID
		if err := tx.Exec("UPDATE enrolments SET prompt_id = ? WHERE tenant_id = ? AND id = ?", id, a.TenantID, enrolment).Error; err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: a.TenantID, Action: audit.PromptSent, Actor: audit.Device(a.AccountID), Target: audit.Prompt(id),
			Subject: a.UserID, Thread: enrolment, Origin: from, Details: map[string]string{"kind": string(Test)},
		})
	})
	if err == nil {
		s.Hub.Ring("enrolment:" + a.TenantID + ":" + enrolment)
	}
	return id, err
}

// Decided is the look of the hub for attempts: which of them have an answer.
func (s *Service) Decided(ctx context.Context, keys []string) ([]string, error) {
	tx := s.DB.View(ctx)
	var changed []string
	for tenantID, ids := range wake.ByTenant(keys) {
		// Where nobody signs in by phone any more, all are told: they look for themselves.
		var off bool
		if _, err := tx.One(&off, "SELECT "+method.NobodySignsIn+" & ? <> 0 FROM tenants t WHERE t.id = ?", user.WithPhone, tenantID); err != nil {
			return nil, err
		}
		if off {
			for _, id := range ids {
				changed = append(changed, AttemptKey(tenantID, id))
			}
			continue
		}
		var decided []string
		err := tx.All(&decided, `SELECT a.id FROM attempts a JOIN prompts p ON p.tenant_id = a.tenant_id AND p.id = a.prompt_id
			WHERE a.tenant_id = ? AND a.id IN ? AND (p.state <> 'pending' OR p.expires_at <= ?)`, tenantID, ids, tx.Now)
		if err != nil {
			return nil, err
		}
		for _, id := range decided {
			changed = append(changed, AttemptKey(tenantID, id))
		}
	}
	return changed, nil
}

// Asked is the look of the hub for phones: all of them, to ask again whether
// the phone is still one and what there is for it. Streams compare and say
// only what is new.
func (s *Service) Asked(ctx context.Context, keys []string) ([]string, error) {
	tx := s.DB.View(ctx)
	var changed []string
	for tenantID, ids := range wake.ByTenant(keys) {
		var users []string
		err := tx.All(&users, `SELECT DISTINCT u.id FROM users u JOIN tenants t ON t.id = u.tenant_id
			LEFT JOIN prompts p ON p.tenant_id = u.tenant_id AND p.user_id = u.id AND p.state = 'pending' AND p.expires_at > ?
			LEFT JOIN devices d ON d.tenant_id = u.tenant_id AND d.user_id = u.id AND d.ended_at > ?
			WHERE u.tenant_id = ? AND u.id IN ? AND (p.id IS NOT NULL OR d.account_id IS NOT NULL OR u.state <> 'active' OR t.state <> 'active')`,
			tx.Now, tx.Now.Add(-time.Minute), tenantID, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range users {
			changed = append(changed, device.UserKey(tenantID, id))
		}
	}
	return changed, nil
}
