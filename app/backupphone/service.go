package backupphone

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Service binds backup phones, sends them codes and checks these.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Providers *provider.Service
}

// Ways are the ways in by the channel that carries their codes.
var Ways = map[provider.Channel]user.Ways{provider.SMS: user.WithSMS, provider.Voice: user.WithVoice}

// Phone is a confirmed backup phone.
type Phone struct {
	ID          string
	Label       string // that its owner gave it; or empty
	Number      string // E.164
	Channel     provider.Channel
	ConfirmedAt time.Time
	LastUsedAt  *time.Time
}

// inOrder is the order in which backup phones b are asked: as their owner says, and the one
// used last where they say nothing.
const inOrder = "b.place, CASE WHEN b.last_used_at IS NULL THEN 1 ELSE 0 END, b.last_used_at DESC, b.confirmed_at, b.id"

// Of lists the backup phones of a user, in the order in which they are asked.
func (s *Service) Of(ctx context.Context, tenantID, userID string) ([]Phone, error) {
	all, err := Of(s.DB.View(ctx), tenantID, userID)
	return all, store.Unusable(err)
}

// Of is Service.Of for who reads more at the same moment.
func Of(tx *store.Tx, tenantID, userID string) (all []Phone, err error) {
	err = tx.All(&all, `SELECT b.id, b.label, b.number, b.channel, b.confirmed_at, b.last_used_at FROM backup_phones b
		WHERE b.user_id = ? AND b.tenant_id = ? AND b.state = 'active' ORDER BY `+inOrder, userID, tenantID)
	return all, err
}

// Owner is a user in a session of theirs.
type Owner struct{ TenantID, UserID, UserName, SessionID string }

func (o Owner) event(action audit.Action, id string, from audit.Origin) audit.Event {
	return audit.Event{
		TenantID: o.TenantID, Action: action, Actor: audit.User(o.UserID), Target: audit.Party{Kind: audit.KindBackupPhone, ID: id}, Subject: o.UserID,
		Thread: id, Origin: from,
	}
}

func over() error { return fault.New(fault.Expired, "backupphone.over") }

// Asked is a number that somebody wants bound.
type Asked struct {
	Number  string // as it was typed
	Channel provider.Channel
	Label   string // at most LabelLongest characters; or empty
	Instead string // id of the backup phone whose place it takes once it is confirmed; or empty
}

// Begin sends a code to a number and gives the id under which it is confirmed. It
// fails with fault.Invalid when the number is none, or none that may get messages,
// with fault.Conflict when the way is off, with fault.NotFound when what it is to take the
// place of is none of theirs, and with fault.Throttled when a brake holds.
func (s *Service) Begin(ctx context.Context, by Owner, asked Asked, from audit.Origin) (id string, err error) {
	id = secret.System.ID()
	c, label := asked.Channel, strings.TrimSpace(asked.Label)
	code := secret.TokenOf(secret.System.SixDigits())
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := method.MayBind(tx, by.TenantID, by.UserID, Ways[c]); err != nil {
			return err
		}
		having, err := provider.Having(tx, by.TenantID)
		if err != nil {
			return err
		}
		limits, err := provider.LimitsOf(tx, by.TenantID)
		if err != nil {
			return err
		}
		number, broken := parse(asked.Number, c, limits.Countries)
		wrong := map[string]string{}
		if !labelFits(label) {
			wrong["label"] = "backupphone.label_form"
		}
		if broken != "" {
			wrong["number"] = broken
		}
		if c == provider.Mail || !slices.Contains(having, c) {
			wrong["channel"] = "backupphone.channel_unknown"
		}
		if len(wrong) > 0 {
			return fault.Wrong("form.wrong", wrong)
		}
		phones, err := Of(tx, by.TenantID, by.UserID)
		switch {
		case err != nil:
			return err
		case asked.Instead != "" && !slices.ContainsFunc(phones, func(p Phone) bool { return p.ID == asked.Instead }):
			return fault.New(fault.NotFound, "http.not_found")
		case asked.Instead == "" && len(phones) >= PhonesMost:
			return fault.Wrong("form.wrong", map[string]string{"number": "backupphone.too_many"})
		case slices.ContainsFunc(phones, func(p Phone) bool { return p.Number == number && p.Channel == c }):
			return fault.Wrong("form.wrong", map[string]string{"number": "backupphone.there"})
		}
		err = tx.Exec("UPDATE backup_phones SET state = 'ended', digest = '', ended_at = ? WHERE user_id = ? AND tenant_id = ? AND state = 'new'", tx.Now, by.UserID, by.TenantID).Error
		if err != nil {
			return err
		}
		err = tx.Exec(`INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, label, instead, state, digest, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?,'new',?,?,?)`,
			by.TenantID, id, by.UserID, by.SessionID, number, c, label, asked.Instead, s.Keys.CodeDigest(id, code.Reveal()), tx.Now, tx.Now.Add(CodeLife)).Error
		if err != nil {
			return err
		}
		if err := s.brakeOwn(tx, by, number, limits.Daily); err != nil {
			return err
		}
		if err := s.Providers.QueueCode(tx, by.TenantID, c, number, code, CodeLife); err != nil {
			return err
		}
		return audit.Record(tx, with(by.event(audit.BackupPhoneBegun, id, from), c))
	})
	return id, err
}

func with(e audit.Event, c provider.Channel) audit.Event {
	e.Details = map[string]string{"channel": string(c)}
	return e
}

// brake holds a message to a number of a user with fault.Throttled: the words of tooOften
// where it is one too many by the counters of the user and of the number.
func brake(tx *store.Tx, tenantID, userKey, numberKey string, daily int, tooOften string) error {
	for _, one := range []struct {
		who  string
		nth  int
		span time.Duration
	}{{userKey, 3, userSpan}, {numberKey, 5, numberSpan}} {
		if wait, err := take(tx, tenantID, one.who, one.nth, one.span); err != nil {
			return err
		} else if wait > 0 {
			return fault.Wait(tooOften, wait)
		}
	}
	ok, err := spend(tx, tenantID, daily, true, true)
	if err == nil && !ok {
		err = fault.Wait("backupphone.budget", tx.Now.Truncate(24*time.Hour).Add(24*time.Hour).Sub(tx.Now))
	}
	return err
}

// brakeOwn is brake for a message that a user asked for.
func (s *Service) brakeOwn(tx *store.Tx, by Owner, number string, daily int) error {
	return brake(tx, by.TenantID, userKey(s.Keys.Subject(by.UserName)), s.numberKey(number), daily, "backupphone.too_often")
}

// Resend sends a new code to a number that is not confirmed yet. Wrong tries stay
// counted. It fails in the ways of Begin and of Confirm.
func (s *Service) Resend(ctx context.Context, by Owner, id string, from audit.Origin) error {
	code := secret.TokenOf(secret.System.SixDigits())
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		limits, err := provider.LimitsOf(tx, by.TenantID)
		if err != nil {
			return err
		}
		var to struct {
			Number  string
			Channel provider.Channel
		}
		ok, err := tx.One(&to, `UPDATE backup_phones SET digest = ?, expires_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND session_id = ?
			AND state = 'new' AND expires_at > ? AND tries < ? RETURNING number, channel`, s.Keys.CodeDigest(id, code.Reveal()), tx.Now.Add(CodeLife), by.TenantID, id, by.UserID, by.SessionID, tx.Now, triesMost)
		if err != nil {
			return err
		}
		if !ok {
			return s.gone(tx, by, id)
		}
		// The rules may have changed since it was begun.
		if err := method.MayBind(tx, by.TenantID, by.UserID, Ways[to.Channel]); err != nil {
			return err
		}
		having, err := provider.Having(tx, by.TenantID)
		if err != nil {
			return err
		}
		if !slices.Contains(having, to.Channel) {
			return fault.New(fault.Conflict, "backupphone.not_carried")
		}
		if !allowed(to.Number, to.Channel, limits.Countries) {
			return fault.New(fault.Conflict, "backupphone.number_refused")
		}
		if err := s.brakeOwn(tx, by, to.Number, limits.Daily); err != nil {
			return err
		}
		if err := s.Providers.QueueCode(tx, by.TenantID, to.Channel, to.Number, code, CodeLife); err != nil {
			return err
		}
		return audit.Record(tx, with(by.event(audit.BackupPhoneBegun, id, from), to.Channel))
	})
}

// unconfirmed says of a row that it may still be confirmed, with the id, the user,
// the session and the moment for its values.
const unconfirmed = "id = ? AND user_id = ? AND session_id = ? AND state = 'new' AND expires_at > ? AND tries < 5"

// New is a number that waits for its code.
type New struct {
	Number    string
	Channel   provider.Channel
	ExpiresAt time.Time
}

// Show gives what waits for its code, in the session that began it and in no other.
func (s *Service) Show(ctx context.Context, by Owner, id string) (n New, err error) {
	tx := s.DB.View(ctx)
	ok, err := tx.One(&n, "SELECT number, channel, expires_at FROM backup_phones WHERE tenant_id = ? AND "+unconfirmed, by.TenantID, id, by.UserID, by.SessionID, tx.Now)
	if err == nil && !ok {
		err = s.gone(tx, by, id)
	}
	return n, store.Unusable(err)
}

// gone says why one cannot be confirmed: it was begun in another session or by nobody, or it is over.
func (s *Service) gone(tx *store.Tx, by Owner, id string) error {
	var found string
	ok, err := tx.One(&found, "SELECT id FROM backup_phones WHERE tenant_id = ? AND id = ? AND user_id = ? AND session_id = ?", by.TenantID, id, by.UserID, by.SessionID)
	switch {
	case err != nil:
		return err
	case !ok:
		return fault.New(fault.NotFound, "http.not_found")
	}
	return over()
}

// Confirm binds a number by the code that it got. The try is counted before it is
// checked, in a commit of its own. It fails with fault.Invalid for a wrong code, with
// fault.Expired when it is over, and with fault.NotFound for somebody else's.
func (s *Service) Confirm(ctx context.Context, by Owner, id, typed string, from audit.Origin) error {
	var digest string
	err := s.DB.Count(ctx, func(tx *store.Tx) error {
		counted, err := tx.One(&digest, "UPDATE backup_phones SET tries = tries + 1 WHERE tenant_id = ? AND "+unconfirmed+" RETURNING digest",
			by.TenantID, id, by.UserID, by.SessionID, tx.Now)
		if err != nil || counted {
			return err
		}
		return s.gone(tx, by, id)
	})
	if err != nil {
		return err
	}
	if !secret.Same(digest, s.Keys.CodeDigest(id, digits(typed))) {
		err = s.unproven(ctx, by, id, from)
	} else {
		err = s.bind(ctx, by, id, digest, from)
	}
	if errors.Is(err, fault.Unavailable) { // it came to nothing for a reason of ours
		_, _ = s.DB.CountOne(ctx, "UPDATE backup_phones SET tries = tries - 1 WHERE tenant_id = ? AND id = ? AND state = 'new' AND tries > 0", by.TenantID, id)
	}
	return err
}

func (s *Service) bind(ctx context.Context, by Owner, id, digest string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		// How many there are is in no one row.
		if err := user.Alone(tx, by.TenantID, by.UserID); err != nil {
			return err
		}
		var bound struct {
			Phone
			Instead string
		}
		ok, err := tx.One(&bound, `UPDATE backup_phones SET state = 'active', digest = '', confirmed_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND session_id = ?
			AND state = 'new' AND expires_at > ? AND digest = ?
			AND EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = backup_phones.tenant_id AND u.id = backup_phones.user_id AND u.state = 'active')
			AND (SELECT count(*) FROM backup_phones o WHERE o.tenant_id = backup_phones.tenant_id AND o.user_id = backup_phones.user_id AND o.state = 'active' AND o.id <> backup_phones.instead) < ?
			RETURNING id, number, channel, instead`, tx.Now, by.TenantID, id, by.UserID, by.SessionID, tx.Now, digest, PhonesMost)
		if errors.Is(err, store.ErrDuplicate) { // the same number, begun twice
			return fault.New(fault.Conflict, "backupphone.there")
		}
		if err != nil {
			return err
		}
		if !ok {
			return over()
		}
		if err := method.MayBind(tx, by.TenantID, by.UserID, Ways[bound.Channel]); err != nil {
			return err
		}
		if err := user.SecondFactorBound(tx, by.TenantID, by.UserID, from); err != nil {
			return err
		}
		if bound.Instead != "" {
			if err := s.takePlace(tx, by, id, bound.Instead, from); err != nil {
				return err
			}
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.BackupPhoneBound, Detail: provider.MaskNumber(bound.Number)}); err != nil {
			return err
		}
		return audit.Record(tx, with(by.event(audit.BackupPhoneBound, id, from), bound.Channel))
	})
}

// unproven remembers a wrong code and says so.
func (s *Service) unproven(ctx context.Context, by Owner, id string, from audit.Origin) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		e := by.event(audit.BackupPhoneRefused, id, from)
		e.Outcome, e.Reason = audit.Failure, "backupphone.code_wrong"
		return audit.Record(tx, e)
	})
	if err != nil {
		return err
	}
	return fault.Wrong("form.wrong", map[string]string{"code": "backupphone.code_wrong"})
}

// Remove ends a backup phone of a user, and every other session that its kind made.
// It fails with fault.NotFound when there is none, and with fault.Conflict when it is
// the only second factor of somebody who needs one.
func (s *Service) Remove(ctx context.Context, by Owner, id string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		there, err := s.end(tx, by, id, from)
		if err == nil && !there {
			err = fault.New(fault.NotFound, "http.not_found")
		}
		return err
	})
}

// end ends a backup phone of a user, in the act tx, if it is still there.
func (s *Service) end(tx *store.Tx, by Owner, id string, from audit.Origin) (there bool, err error) {
	var ended Phone
	there, err = tx.One(&ended, `UPDATE backup_phones SET state = 'ended', ended_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND state = 'active'
		RETURNING id, number, channel`, tx.Now, by.TenantID, id, by.UserID)
	if err != nil || !there {
		return false, err
	}
	var left struct {
		MFAState string
		Ways     user.Ways
	}
	if _, err := tx.One(&left, "SELECT mfa_state, ways FROM users WHERE tenant_id = ? AND id = ?", by.TenantID, by.UserID); err != nil {
		return true, err
	}
	if left.MFAState == user.MFAEnforced && !left.Ways.Has(user.SecondFactors) {
		return true, fault.New(fault.Conflict, "backupphone.last_factor")
	}
	made := session.BySMS
	if ended.Channel == provider.Voice {
		made = session.ByVoice
	}
	if err := session.CloseMadeBy(tx, by.TenantID, by.UserID, made, by.SessionID); err != nil {
		return true, err
	}
	if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: audit.BackupPhoneRemoved, Detail: provider.MaskNumber(ended.Number)}); err != nil {
		return true, err
	}
	return true, audit.Record(tx, with(by.event(audit.BackupPhoneRemoved, id, from), ended.Channel))
}

// Forget deletes what is over, with its digests. Any replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	now := db.Now()
	var all error
	for _, old := range []struct {
		statement string
		before    any
	}{
		{"DELETE FROM backup_phones WHERE state = 'new' AND expires_at < ?", now.Add(-CodeLife)},
		{"DELETE FROM phone_codes WHERE expires_at < ?", now.Add(-24 * time.Hour)},
		{"DELETE FROM code_times WHERE at1 < ?", now.Add(-numberSpan)},
		{"DELETE FROM message_days WHERE day < ?", now.AddDate(0, 0, -90).Format(time.DateOnly)},
	} {
		_, err := db.CountOne(ctx, old.statement, old.before)
		all = errors.Join(all, err)
	}
	return all
}
