package campaign

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/relaxation"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Limits of what a tenant may choose (product.md §4). What holds where none did is in
// the migration.
const (
	SnoozeDaysMost = 14 // 0: asked again at the next sign-in
	SkipsMost      = 3  // 0: required from the beginning
)

// LostWait is how long after a loss nobody is asked for the next phone: so long
// adding one takes more than they may have (session.LostWait).
const LostWait = 24 * time.Hour

var bit = func() feature.Set {
	e, _ := feature.Find(feature.RegistrationCampaign)
	return e.Bit
}()

// Asks says of a user u of a tenant t whether they are to register a phone now: Due, and no
// outage spares them. Its values are those of AsksValues.
var Asks = "(" + Due + " AND NOT " + Spared + ")"

// Spared says that an outage asks nobody to register.
var Spared = relaxation.For(relaxation.NoCampaign)

// Due says the same as Asks of a day without an outage, and takes the same values.
var Due = fmt.Sprintf(`CASE WHEN t.ruled & %d = 0 OR u.ways & %d <> 0 THEN FALSE ELSE (%s AND %s & %d = 0
	AND NOT EXISTS (SELECT 1 FROM campaign_people cp WHERE cp.tenant_id = u.tenant_id AND cp.user_id = u.id AND cp.snoozed_until > ?)
	AND NOT EXISTS (SELECT 1 FROM devices cd WHERE cd.tenant_id = u.tenant_id AND cd.user_id = u.id AND cd.lost_at > ?)) END`,
	bit, user.WithPhone, feature.With(feature.RegistrationCampaign), method.NoUse, user.WithPhone)

// AsksValues are the values of Asks.
func AsksValues(now time.Time) []any { return []any{now, now.Add(-LostWait)} }

// Still says whether somebody who was asked at their sign-in is still to register.
func Still(ctx context.Context, db *store.DB, tenantID, userID string) (asks bool, err error) {
	asks, err = still(db.View(ctx), tenantID, userID)
	return asks, store.Unusable(err)
}

func still(tx *store.Tx, tenantID, userID string) (asks bool, err error) {
	_, err = tx.One(&asks, "SELECT "+Asks+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?",
		append(AsksValues(tx.Now), tenantID, userID)...)
	return asks, err
}

// Asked notes in the act tx of a sign-in that its user is asked. Who had registered and
// has no phone any more begins anew.
func Asked(tx *store.Tx, tenantID, userID string) error {
	return tx.Later(`INSERT INTO campaign_people (tenant_id, user_id, asked_at, last_asked_at, times) VALUES (?,?,?,?,1)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET last_asked_at = excluded.last_asked_at, times = campaign_people.times + 1,
		skips = CASE WHEN campaign_people.registered_at IS NULL THEN campaign_people.skips ELSE 0 END,
		asked_at = CASE WHEN campaign_people.registered_at IS NULL THEN campaign_people.asked_at ELSE excluded.asked_at END,
		started_at = CASE WHEN campaign_people.registered_at IS NULL THEN campaign_people.started_at END,
		help_asked_at = CASE WHEN campaign_people.registered_at IS NULL THEN campaign_people.help_asked_at END,
		registered_at = NULL`, tenantID, userID, tx.Now, tx.Now)
}

// Started notes in the act tx that somebody who was asked begins to add a phone.
func Started(tx *store.Tx, tenantID, userID string) error {
	return tx.Later("UPDATE campaign_people SET started_at = ? WHERE tenant_id = ? AND user_id = ? AND started_at IS NULL", tx.Now, tenantID, userID)
}

// Registered notes in the act tx that phone sign-in is on for somebody who was asked.
func Registered(tx *store.Tx, tenantID, userID string) error {
	return tx.Later(`UPDATE campaign_people SET registered_at = ?, started_at = COALESCE(started_at, ?) WHERE tenant_id = ? AND user_id = ? AND registered_at IS NULL`,
		tx.Now, tx.Now, tenantID, userID)
}

// Standing is what somebody who is asked can do.
type Standing struct {
	SkipsLeft   int // 0: it is required
	SnoozeDays  int
	HelpAskedAt *time.Time // nil: they did not say that they cannot
}

// Of gives the standing of somebody who was asked.
func Of(ctx context.Context, db *store.DB, tenantID, userID string) (Standing, error) {
	var row struct {
		Skips, CampaignSkips, CampaignSnoozeDays int
		HelpAskedAt                              *time.Time
	}
	_, err := db.View(ctx).One(&row, `SELECT COALESCE(p.skips, 0) AS skips, t.campaign_skips, t.campaign_snooze_days, p.help_asked_at FROM tenants t
		LEFT JOIN campaign_people p ON p.tenant_id = t.id AND p.user_id = ? WHERE t.id = ?`, userID, tenantID)
	return Standing{SkipsLeft: max(0, row.CampaignSkips-row.Skips), SnoozeDays: row.CampaignSnoozeDays, HelpAskedAt: row.HelpAskedAt}, store.Unusable(err)
}

// By is who acts on their own account, and in which session.
type By struct{ TenantID, UserID, SessionID string }

// free ends, in the act tx, that sessions of a user ask for a phone; none is how many
// did.
func free(tx *store.Tx, tenantID, userID string) (int64, error) {
	res := tx.Exec("UPDATE sessions SET asks_phone = FALSE WHERE tenant_id = ? AND user_id = ? AND asks_phone", tenantID, userID)
	return res.RowsAffected, res.Error
}

// Skip puts it off, in every browser of the person. It fails with fault.Conflict when
// it was put off as often as the tenant lets them, and with fault.Refused when the
// session is over. A second time at once finds nothing to put off, and takes nothing; nor
// does it when nobody asks any more, because the campaign was turned off meanwhile.
func Skip(ctx context.Context, db *store.DB, by By, from audit.Origin) error {
	return db.Act(ctx, func(tx *store.Tx) error {
		if err := user.Alone(tx, by.TenantID, by.UserID); err != nil {
			return err
		}
		if err := alive(tx, by); err != nil {
			return err
		}
		asks, err := still(tx, by.TenantID, by.UserID)
		if err != nil || !asks {
			return err
		}
		freed, err := free(tx, by.TenantID, by.UserID)
		if err != nil || freed == 0 {
			return err
		}
		var days int
		if _, err := tx.One(&days, "SELECT campaign_snooze_days FROM tenants WHERE id = ?", by.TenantID); err != nil {
			return err
		}
		until := tx.Now.AddDate(0, 0, days)
		err = tx.Change(fault.New(fault.Conflict, "campaign.no_skips"), `UPDATE campaign_people SET skips = skips + 1, snoozed_until = ?
			WHERE tenant_id = ? AND user_id = ? AND EXISTS (SELECT 1 FROM tenants t JOIN users u ON u.tenant_id = t.id
			WHERE t.id = campaign_people.tenant_id AND u.id = campaign_people.user_id
			AND (t.state = 'active' AND u.state = 'active' AND t.campaign_snooze_days = ? AND campaign_people.skips < t.campaign_skips) IS TRUE AND `+feature.With(feature.RegistrationCampaign)+`)`,
			until, by.TenantID, by.UserID, days)
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: by.TenantID, Action: audit.CampaignSkipped, Actor: audit.User(by.UserID), Target: audit.User(by.UserID), Subject: by.UserID, Origin: from,
			Details: map[string]string{"days": strconv.Itoa(days), "until": until.Format(time.RFC3339)},
		})
	})
}

// alive fails with fault.Refused when a session is over.
func alive(tx *store.Tx, by By) error {
	var id string
	ok, err := tx.One(&id, `SELECT s.id FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id JOIN tenants t ON t.id = s.tenant_id `+relaxation.Join+`
		WHERE s.tenant_id = ? AND s.id = ? AND s.user_id = ? AND s.ended_at IS NULL AND `+relaxation.Goes+` AND u.state = 'active'`, by.TenantID, by.SessionID, by.UserID)
	if err == nil && !ok {
		err = fault.New(fault.Refused, "signin.refused")
	}
	return err
}

// AskHelp notes that somebody who was asked has no fitting phone and waits for the
// helpdesk. A second time changes nothing. Who was not asked, or is not any more because
// the campaign was turned off, is fault.Conflict.
func AskHelp(ctx context.Context, db *store.DB, by By, from audit.Origin) error {
	return db.Act(ctx, func(tx *store.Tx) error {
		if err := user.Alone(tx, by.TenantID, by.UserID); err != nil {
			return err
		}
		if err := alive(tx, by); err != nil {
			return err
		}
		var row struct{ HelpAskedAt *time.Time }
		found, err := tx.One(&row, "SELECT help_asked_at FROM campaign_people WHERE tenant_id = ? AND user_id = ? AND registered_at IS NULL AND "+open, by.TenantID, by.UserID)
		if err == nil && !found {
			err = NotAsked()
		}
		if err != nil || row.HelpAskedAt != nil {
			return err
		}
		if err := tx.Change(NotAsked(), "UPDATE campaign_people SET help_asked_at = ? WHERE tenant_id = ? AND user_id = ? AND registered_at IS NULL AND help_asked_at IS NULL AND "+open,
			tx.Now, by.TenantID, by.UserID); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: by.TenantID, Action: audit.CampaignHelpAsked, Actor: audit.User(by.UserID), Target: audit.User(by.UserID), Subject: by.UserID, Origin: from,
		})
	})
}

// open says of somebody who was asked that the campaign is still on for them.
var open = `EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = campaign_people.tenant_id AND u.id = campaign_people.user_id
	AND ` + feature.With(feature.RegistrationCampaign) + `)`

// NotAsked is the failure for who was not asked to register, or has.
func NotAsked() error { return fault.New(fault.Conflict, "campaign.not_asked") }

// Postpone gives somebody who was asked more time, in the act tx, at once in every
// browser of theirs. Who was not asked, or has registered since, is fault.Conflict.
func Postpone(tx *store.Tx, tenantID, userID string, days int) (until time.Time, err error) {
	until = tx.Now.AddDate(0, 0, days)
	err = tx.Change(NotAsked(), `UPDATE campaign_people SET snoozed_until = ?, help_asked_at = NULL
		WHERE tenant_id = ? AND user_id = ? AND (registered_at IS NULL AND (snoozed_until IS NULL OR snoozed_until <= ?)) IS TRUE`, until, tenantID, userID, until)
	if err == nil {
		_, err = free(tx, tenantID, userID)
	}
	return until, err
}

// Waits says whether somebody was asked and has not registered, and until when it is
// put off.
func Waits(tx *store.Tx, tenantID, userID string) (until *time.Time, waits bool, err error) {
	var row struct{ SnoozedUntil *time.Time }
	waits, err = tx.One(&row, "SELECT snoozed_until FROM campaign_people WHERE tenant_id = ? AND user_id = ? AND registered_at IS NULL", tenantID, userID)
	return row.SnoozedUntil, waits, err
}
