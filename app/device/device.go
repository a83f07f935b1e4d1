// Package device knows the enrolled phones.
//
// A device is a P-256 key pair whose private half never leaves the phone; its id
// is the thumbprint of the public half (RFC 7638). One phone may hold accounts
// of several tenants and users, each a row of its own with its own PIN; phone
// sign-in is registered with one organisation at a time, which one row of
// registrations holds for each key.
//
//	enrolment link ──▶ active ──▶ revoked (by the user or an administrator)
//	                          ├─▶ disabled (ten wrong PINs in a row)
//	                          └─▶ removed (on the phone itself)
package device

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/app/audit"
	"latchkey/app/campaign"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/proof"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// Limits (product.md §9).
const (
	PINTriesMost = 10
	// RebindLife is how long after a bypass a new phone may be bound (product.md §9).
	RebindLife    = 10 * time.Minute
	EnrolmentLife = 10 * time.Minute
	PhonesMost    = 5
	LostWait      = 24 * time.Hour // for which the next phone takes more, after one was removed by less
	NewWait       = 24 * time.Hour // for which a new phone proves nothing by which an older one is removed
	nameLongest   = 60
)

// States of an account on a device.
const (
	Active   = "active"
	Revoked  = "revoked"
	Disabled = "disabled"
	Removed  = "removed"
)

// Answers is the condition that some phone of a user, a row of the statement around it, is
// asked and signs them in.
func Answers(of string) string {
	return "EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = " + of + ".tenant_id AND d.user_id = " + of + ".id AND d.state = 'active' AND d.phone_sign_in)"
}

// Service enrols, checks and ends devices.
type Service struct {
	DB   *store.DB
	Keys *secret.Keys
	Hub  *wake.Hub

	Authenticators Authenticators // nil: the PIN alone unlocks
}

// Account is one account on a device, with what the phone protocol needs.
type Account struct {
	TenantID    string
	TenantSlug  string
	TenantName  string
	AccountID   string
	ID          string // of the device
	UserID      string
	UserName    string
	Subject     string
	Name        string
	PublicKey   string
	PINDigest   string
	PINTry      string // the call that counted the last try
	UnlockID    string // of what unlocks in place of the PIN; empty: nothing does
	UnlockKey   string // its public key, sealed
	UnlockCount int64
	PhoneSignIn bool
	Registered  bool // only from Accounts and Prove
}

// Key gives the public key.
func (a Account) Key() proof.Key { return proof.StoredKey(a.PublicKey) }

// UserKey is what those wait on who wait for something new for a user.
func UserKey(tenantID, userID string) string { return "user:" + tenantID + ":" + userID }

// AccountsWith is the query for the live accounts of a device, those of active
// users in active tenants, each with the columns of a further join.
func AccountsWith(columns, join string) string {
	return `SELECT d.tenant_id, t.slug AS tenant_slug, t.name AS tenant_name, d.account_id, d.id, d.user_id,
		u.name AS user_name, d.name, d.public_key, d.pin_digest, d.pin_try, d.unlock_id, d.unlock_key, d.unlock_count, d.phone_sign_in` + columns + `
		FROM devices d
		JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
		JOIN tenants t ON t.id = d.tenant_id ` + join + `
		WHERE d.id = ? AND d.state = 'active' AND (u.state = 'active' AND t.state = 'active') IS TRUE ORDER BY d.created_at`
}

var accountsQuery = AccountsWith(", (r.tenant_id IS NOT NULL) AS registered",
	"LEFT JOIN registrations r ON r.device_id = d.id AND r.tenant_id = d.tenant_id")

// Unknown is the failure of a device that has no live account, whatever the cause.
func Unknown() error { return fault.New(fault.Refused, "phone.unknown") }

// Accounts gives the live accounts of a device. No account is fault.Refused.
func (s *Service) Accounts(ctx context.Context, deviceID string) ([]Account, error) {
	return s.accounts(s.DB.View(ctx), deviceID)
}

func (s *Service) accounts(tx *store.Tx, deviceID string) ([]Account, error) {
	var accounts []Account
	if err := tx.All(&accounts, accountsQuery, deviceID); err != nil {
		return nil, store.Unusable(err)
	}
	if len(accounts) == 0 {
		return nil, Unknown()
	}
	for i := range accounts {
		accounts[i].Subject = s.Keys.Subject(accounts[i].UserName)
	}
	return accounts, nil
}

// Proof is a proof of possession that was checked and is not used yet.
type Proof struct {
	Device string // the id of the key
	Key    proof.Key
	Call   string // names this one call
	until  time.Time
}

// Check checks that a call was signed by the device it names, for this request
// and now. Whatever is wrong is fault.Refused. The id of a device is the
// thumbprint of its key, so a proof that carries the key is checked without
// asking the database.
func (s *Service) Check(ctx context.Context, signed *proof.Signed, r proof.Request) (Proof, error) {
	refused := fault.New(fault.Refused, "phone.proof")
	key, carried := signed.Key()
	if !carried {
		accounts, err := s.Accounts(ctx, signed.KeyID)
		if err != nil {
			return Proof{}, err
		}
		key = accounts[0].Key()
	}
	if key.Thumbprint() != signed.KeyID {
		return Proof{}, refused
	}
	jti, until, err := signed.Possession(key, r, s.DB.Now())
	if err != nil {
		return Proof{}, refused.Because(err)
	}
	return Proof{Device: signed.KeyID, Key: key, Call: secret.Digest(jti)[:32], until: until}, nil
}

// Use lets a proof in, once, on whichever replica it comes, and runs do in the
// same round trip: what it queues with Later, and one read. A second time is
// fault.Refused.
func (s *Service) Use(ctx context.Context, p Proof, do func(*store.Tx) error) error {
	err := s.DB.CountAndRead(ctx, func(tx *store.Tx) error {
		// A key that nobody has enrolled leaves nothing behind, however often it comes.
		err := tx.Later("INSERT INTO proofs (device_id, jti, expires_at) SELECT ?,?,? WHERE EXISTS (SELECT 1 FROM devices WHERE id = ?)",
			p.Device, p.Call, p.until, p.Device)
		if err != nil {
			return err
		}
		return do(tx)
	})
	if errors.Is(err, store.ErrDuplicate) {
		return fault.New(fault.Refused, "phone.proof")
	}
	return err
}

// Prove uses a proof up and gives the device's accounts.
func (s *Service) Prove(ctx context.Context, p Proof) (accounts []Account, err error) {
	err = s.Use(ctx, p, func(tx *store.Tx) (err error) {
		accounts, err = s.accounts(tx, p.Device)
		return err
	})
	return accounts, err
}

// Enrolment is a link by which one phone may be added, once, within ten minutes.
type Enrolment struct {
	ID        string
	Token     secret.Token
	ExpiresAt time.Time
}

// Invite makes an enrolment link for a user who has proved it just now. Six
// phones are fault.Conflict.
func (s *Service) Invite(ctx context.Context, tenantID, userID, sessionID string, from audit.Origin) (Enrolment, error) {
	e := Enrolment{ID: secret.System.ID()}
	token := secret.System.Token()
	e.Token = secret.TokenOf(tenantID + "." + token.Reveal())
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := room(tx, tenantID, userID); err != nil {
			return err
		}
		e.ExpiresAt = tx.Now.Add(EnrolmentLife)
		if ends, restricted, err := rebindsUntil(tx, tenantID, sessionID); err != nil {
			return err
		} else if restricted && ends.Before(e.ExpiresAt) {
			e.ExpiresAt = ends
		}
		if err := SpendVouch(tx, tenantID, sessionID); err != nil {
			return err
		}
		err := tx.Exec(`INSERT INTO enrolments (tenant_id, id, token_digest, user_id, session_id, created_at, expires_at) VALUES (?,?,?,?,?,?,?)`,
			tenantID, e.ID, token.Digest(), userID, sessionID, tx.Now, e.ExpiresAt).Error
		if err != nil {
			return err
		}
		if err := campaign.Started(tx, tenantID, userID); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.EnrolmentBegun, Actor: audit.User(userID),
			Target: audit.Party{Kind: audit.KindEnrolment, ID: e.ID}, Subject: userID, Thread: e.ID, Origin: from,
		})
	})
	return e, err
}

// rebindsUntil gives until when a session binds a new phone, where a bypass made it.
func rebindsUntil(tx *store.Tx, tenantID, sessionID string) (ends time.Time, restricted bool, err error) {
	var row struct {
		CreatedAt time.Time
		BypassID  string
	}
	_, err = tx.One(&row, "SELECT created_at, bypass_id FROM sessions WHERE tenant_id = ? AND id = ?", tenantID, sessionID)
	return row.CreatedAt.Add(RebindLife), row.BypassID != "", err
}

// room fails with fault.Conflict when a user has as many phones as they may, or
// phones are off for them, and with fault.Forbidden when the next one is the
// helpdesk's to give them. It holds in the act tx until the end: see user.Alone.
func room(tx *store.Tx, tenantID, userID string) error {
	if err := user.Alone(tx, tenantID, userID); err != nil {
		return err
	}
	if err := method.MayBind(tx, tenantID, userID, user.WithPhone); err != nil {
		return err
	}
	if lost, err := lostLately(tx, tenantID, userID); err != nil {
		return err
	} else if lost {
		if err := mayRecover(tx, tenantID, userID, ""); err != nil {
			return err
		}
	}
	var phones int
	if _, err := tx.One(&phones, "SELECT count(*) FROM devices WHERE tenant_id = ? AND user_id = ? AND state = 'active'", tenantID, userID); err != nil {
		return err
	}
	if phones >= PhonesMost {
		return fault.New(fault.Conflict, "device.too_many")
	}
	return nil
}

// Candidate is a phone that asks to be enrolled.
type Candidate struct {
	Token    secret.Token
	Name     string
	Platform string
	Key      proof.Key
	PIN      string
}

var pinForm = regexp.MustCompile(`^[0-9]{6,16}$`)

func (c Candidate) check() map[string]string {
	wrong := map[string]string{}
	if !nameFits(strings.TrimSpace(c.Name)) {
		wrong["name"] = "device.name_form"
	}
	if !pinForm.MatchString(c.PIN) || weak(c.PIN) {
		wrong["pin"] = "device.pin_form"
	}
	switch c.Platform {
	case "ios", "android", "desktop", "terminal":
	default:
		wrong["platform"] = "device.platform_unknown"
	}
	return wrong
}

// nameFits says whether a phone can have a name: 1 to 60 characters on one line.
func nameFits(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= nameLongest && !hasControls(name)
}

func hasControls(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// weak says whether a PIN is one digit repeated or a run up or down.
func weak(pin string) bool {
	same, up, down := true, true, true
	for i := 1; i < len(pin); i++ {
		step := int(pin[i]) - int(pin[i-1])
		same, up, down = same && step == 0, up && step == 1, down && step == -1
	}
	return same || up || down
}

// Enrol binds a phone to the user of the link, which is then used up. A link
// that is unknown, used or too old is fault.Refused; a platform that the tenant
// does not allow is fault.Forbidden.
func (s *Service) Enrol(ctx context.Context, c Candidate, from audit.Origin) (Account, error) {
	if wrong := c.check(); len(wrong) > 0 {
		return Account{}, fault.Wrong("form.wrong", wrong)
	}
	tenantID, token, _ := strings.Cut(c.Token.Reveal(), ".")
	a := Account{
		TenantID: tenantID, AccountID: secret.System.ID(), ID: c.Key.Thumbprint(),
		Name: strings.TrimSpace(c.Name), PublicKey: c.Key.String(),
	}
	refused := fault.New(fault.Refused, "device.link_refused")
	var enrolment string
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		var link struct{ ID, UserID, SessionID, UserName, Slug, TenantName, Platforms string }
		ok, err := tx.One(&link, `SELECT e.id, e.user_id, e.session_id, u.name AS user_name, t.slug, t.name AS tenant_name, t.platforms FROM enrolments e
			JOIN users u ON u.tenant_id = e.tenant_id AND u.id = e.user_id
			JOIN tenants t ON t.id = e.tenant_id
			JOIN sessions s ON s.tenant_id = e.tenant_id AND s.id = e.session_id
			WHERE e.tenant_id = ? AND e.token_digest = ? AND e.used_at IS NULL AND e.expires_at > ?
			AND u.state = 'active' AND t.state = 'active' AND s.ended_at IS NULL`, tenantID, secret.TokenOf(token).Digest(), tx.Now)
		if err != nil {
			return err
		}
		if !ok {
			return refused
		}
		if !platformAllowed(link.Platforms, c.Platform) {
			return fault.New(fault.Forbidden, "platform_not_allowed").Naming(link.TenantName)
		}
		a.UserID, a.UserName, a.TenantSlug, a.TenantName, enrolment = link.UserID, link.UserName, link.Slug, link.TenantName, link.ID
		if err := room(tx, tenantID, a.UserID); err != nil {
			return err
		}
		err = tx.Change(refused, `UPDATE enrolments SET used_at = ?, account_id = ? WHERE tenant_id = ? AND id = ? AND used_at IS NULL AND expires_at > ?
			AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = enrolments.tenant_id AND s.id = enrolments.session_id AND s.bypass_id <> '' AND s.ended_at IS NOT NULL)`,
			tx.Now, a.AccountID, tenantID, link.ID, tx.Now)
		if err != nil {
			return err
		}
		a.PINDigest = s.Keys.PINDigest(a.AccountID, c.PIN)
		err = tx.Exec(`INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, preferred, created_at)
			VALUES (?,?,?,?,?,?,?,?,?, NOT EXISTS (SELECT 1 FROM devices o WHERE o.tenant_id = ? AND o.user_id = ? AND o.state = 'active' AND o.preferred), ?)`,
			tenantID, a.AccountID, a.ID, a.UserID, a.Name, c.Platform, a.PublicKey, a.PINDigest, Active, tenantID, a.UserID, tx.Now).Error
		if errors.Is(err, store.ErrDuplicate) {
			return fault.New(fault.Conflict, "device.enrolled_already")
		}
		if err != nil {
			return err
		}
		if err := tellOthers(tx, tenantID, a.UserID, a.AccountID, notify.Notice{Action: audit.DeviceEnrolled, Detail: a.Name}); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.DeviceEnrolled, Actor: audit.User(a.UserID), Target: audit.Device(a.AccountID),
			Subject: a.UserID, Thread: enrolment, Origin: from, Details: map[string]string{"platform": c.Platform, "key": a.ID},
		})
	})
	if f := fault.Of(err); f != nil && f.Kind != fault.Unavailable {
		if unwritten := s.enrolRefused(ctx, tenantID, secret.TokenOf(token), f.Code, from); unwritten != nil {
			return Account{}, unwritten
		}
	}
	if err != nil {
		return Account{}, err
	}
	s.Hub.Ring("enrolment:" + tenantID + ":" + enrolment)
	a.Subject = s.Keys.Subject(a.UserName)
	return a, nil
}

// enrolRefused remembers that somebody tried a link that is used up, too old or
// whose maker may not any more, or with a phone that may not be added, and why. A
// link that nobody made is in nobody's story.
func (s *Service) enrolRefused(ctx context.Context, tenantID string, token secret.Token, reason string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var link struct{ ID, UserID string }
		ok, err := tx.One(&link, "SELECT id, user_id FROM enrolments WHERE tenant_id = ? AND token_digest = ?", tenantID, token.Digest())
		if err != nil || !ok {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.DeviceEnrolRefused, Outcome: audit.Failure, Reason: reason, Actor: audit.Claimant(""),
			Target: audit.Party{Kind: audit.KindEnrolment, ID: link.ID}, Subject: link.UserID, Thread: link.ID, Origin: from,
		})
	})
}

func platformAllowed(platforms, platform string) bool {
	if platform == "terminal" {
		platform = "desktop"
	}
	return strings.Contains(","+platforms+",", ","+platform+",")
}

// Progress is how far the enrolment of a link has come.
type Progress struct {
	State     string // waiting, enrolled, testing, done, expired
	Number    string // to match, while testing
	Name      string // of the phone
	AccountID string
	ExpiresAt time.Time
}

// ProgressOf gives the progress of a user's enrolment, or fault.NotFound.
func (s *Service) ProgressOf(ctx context.Context, tenantID, userID, id string) (Progress, error) {
	tx := s.DB.View(ctx)
	var row struct {
		ExpiresAt           time.Time
		UsedAt              *time.Time
		Name, Number, State string
		AccountID           string
	}
	ok, err := tx.One(&row, `SELECT e.expires_at, e.used_at, e.account_id, COALESCE(d.name, '') AS name, COALESCE(p.number, '') AS number, COALESCE(p.state, '') AS state
		FROM enrolments e LEFT JOIN devices d ON d.tenant_id = e.tenant_id AND d.account_id = e.account_id
		LEFT JOIN prompts p ON p.tenant_id = e.tenant_id AND p.id = e.prompt_id
		WHERE e.tenant_id = ? AND e.id = ? AND e.user_id = ?`, tenantID, id, userID)
	if err != nil {
		return Progress{}, store.Unusable(err)
	}
	if !ok {
		return Progress{}, fault.New(fault.NotFound, "http.not_found")
	}
	p := Progress{State: "waiting", Name: row.Name, AccountID: row.AccountID, ExpiresAt: row.ExpiresAt}
	switch {
	case row.State == "pending":
		p.State, p.Number = "testing", row.Number
	case row.State == "approved":
		p.State = "done"
	case row.UsedAt != nil:
		p.State = "enrolled"
	case !tx.Now.Before(row.ExpiresAt):
		p.State = "expired"
	}
	return p, nil
}

// EnablePhoneSignIn turns phone sign-in on for an account and registers the
// phone with its organisation. When another one holds the phone it fails with
// fault.Conflict, "registered_elsewhere", naming it; move takes it over.
func (s *Service) EnablePhoneSignIn(ctx context.Context, a Account, move bool, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var holder struct{ TenantID, Name string }
		held, err := tx.One(&holder, `SELECT r.tenant_id, t.name FROM registrations r JOIN tenants t ON t.id = r.tenant_id WHERE r.device_id = ?`, a.ID)
		if err != nil {
			return err
		}
		elsewhere := held && holder.TenantID != a.TenantID
		if elsewhere && !move {
			return fault.New(fault.Conflict, "registered_elsewhere").Naming(holder.Name)
		}
		// Whoever was faster in between is another organisation, and not taken over unseen.
		err = tx.Change(fault.New(fault.Conflict, "registered_elsewhere"), `INSERT INTO registrations (device_id, tenant_id, registered_at) VALUES (?,?,?)
			ON CONFLICT (device_id) DO UPDATE SET tenant_id = excluded.tenant_id, registered_at = excluded.registered_at
			WHERE registrations.tenant_id = excluded.tenant_id OR registrations.tenant_id = ?`, a.ID, a.TenantID, tx.Now, holder.TenantID)
		if err != nil {
			return err
		}
		if err := method.MayBind(tx, a.TenantID, a.UserID, user.WithPhone); err != nil {
			return err
		}
		if elsewhere {
			if err := s.letGo(tx, a, holder.TenantID, from); err != nil {
				return err
			}
		}
		err = tx.Change(fault.New(fault.Refused, "phone.unknown"),
			"UPDATE devices SET phone_sign_in = TRUE WHERE tenant_id = ? AND account_id = ? AND state = 'active'", a.TenantID, a.AccountID)
		if err != nil {
			return err
		}
		if err := user.SecondFactorBound(tx, a.TenantID, a.UserID, from); err != nil {
			return err
		}
		if err := campaign.Registered(tx, a.TenantID, a.UserID); err != nil {
			return err
		}
		return audit.Record(tx, event(a, audit.PhoneSignInEnabled, from))
	})
}

// letGo ends phone sign-in of the phone in the organisation that held it.
func (s *Service) letGo(tx *store.Tx, a Account, tenantID string, from audit.Origin) error {
	var others []struct{ AccountID, UserID string }
	if err := tx.All(&others, "SELECT account_id, user_id FROM devices WHERE id = ? AND tenant_id = ? AND state = 'active' AND phone_sign_in", a.ID, tenantID); err != nil {
		return err
	}
	if err := tx.Exec("UPDATE devices SET phone_sign_in = FALSE WHERE id = ? AND tenant_id = ?", a.ID, tenantID).Error; err != nil {
		return err
	}
	for _, o := range others {
		err := audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.PhoneSignInMoved, Actor: audit.Device(o.AccountID), Target: audit.Device(o.AccountID),
			Subject: o.UserID, Origin: from,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// DisablePhoneSignIn turns phone sign-in off for an account. The phone stays
// registered while another account of the organisation on it uses it.
func (s *Service) DisablePhoneSignIn(ctx context.Context, a Account, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Refused, "phone.unknown"),
			"UPDATE devices SET phone_sign_in = FALSE WHERE tenant_id = ? AND account_id = ? AND state = 'active'", a.TenantID, a.AccountID)
		if err != nil {
			return err
		}
		if err := forget(tx, a.ID, a.TenantID); err != nil {
			return err
		}
		return audit.Record(tx, event(a, audit.PhoneSignInDisabled, from))
	})
}

// forget ends the registration of a phone that no account of the organisation
// uses for sign-in any more.
func forget(tx *store.Tx, deviceID, tenantID string) error {
	return tx.Exec(`DELETE FROM registrations WHERE device_id = ? AND tenant_id = ? AND NOT EXISTS
		(SELECT 1 FROM devices d WHERE d.id = registrations.device_id AND d.tenant_id = registrations.tenant_id AND d.state = 'active' AND d.phone_sign_in)`,
		deviceID, tenantID).Error
}

// PutPush keeps the push subscription of an account; an empty one forgets it.
func (s *Service) PutPush(ctx context.Context, accounts []Account, subscription string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		for _, a := range accounts {
			err := tx.Change(fault.New(fault.Refused, "phone.unknown"),
				"UPDATE devices SET push_subscription = ? WHERE tenant_id = ? AND account_id = ? AND state = 'active'", subscription, a.TenantID, a.AccountID)
			if err != nil {
				return err
			}
			if err := audit.Record(tx, event(a, audit.DevicePushChanged, from)); err != nil {
				return err
			}
		}
		return nil
	})
}

// PushGone forgets a subscription that its push service no longer knows.
func (s *Service) PushGone(ctx context.Context, subscription string) error {
	_, err := s.DB.CountOne(ctx, "UPDATE devices SET push_subscription = '' WHERE push_subscription = ?", subscription)
	return err
}

// Remove ends accounts from the phone itself.
func (s *Service) Remove(ctx context.Context, accounts []Account, from audit.Origin) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		for _, a := range accounts {
			if err := end(tx, a.TenantID, a.UserID, a.AccountID, a.ID, Removed); err != nil {
				return err
			}
			if err := audit.Record(tx, event(a, audit.DeviceRemoved, from)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, a := range accounts {
		s.Hub.Ring(UserKey(a.TenantID, a.UserID))
	}
	return err
}

// end takes an account of a phone out of use in the act tx, and the place of
// the preferred one to another phone.
func end(tx *store.Tx, tenantID, userID, accountID, deviceID, state string) error {
	if err := user.Alone(tx, tenantID, userID); err != nil {
		return err
	}
	err := tx.Change(fault.New(fault.NotFound, "http.not_found"),
		`UPDATE devices SET state = ?, ended_at = ?, phone_sign_in = FALSE, preferred = FALSE, push_subscription = ''
		WHERE tenant_id = ? AND account_id = ? AND user_id = ? AND state = 'active'`, state, tx.Now, tenantID, accountID, userID)
	if err != nil {
		return err
	}
	if err := forget(tx, deviceID, tenantID); err != nil {
		return err
	}
	return tx.Exec(`UPDATE devices SET preferred = TRUE WHERE tenant_id = ? AND account_id = (SELECT d.account_id FROM devices d
		WHERE d.tenant_id = ? AND d.user_id = ? AND d.state = 'active' ORDER BY d.created_at LIMIT 1)
		AND NOT EXISTS (SELECT 1 FROM devices o WHERE o.tenant_id = ? AND o.user_id = ? AND o.state = 'active' AND o.preferred)`,
		tenantID, tenantID, userID, tenantID, userID).Error
}

func event(a Account, action audit.Action, from audit.Origin) audit.Event {
	return audit.Event{
		TenantID: a.TenantID, Action: action, Actor: audit.Device(a.AccountID), Target: audit.Device(a.AccountID),
		Subject: a.UserID, Origin: from,
	}
}
