package provider

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Limits are the brakes of a tenant against toll fraud: whoever can make us call
// numbers of their own choice is paid by the operators of dear ones.
type Limits struct {
	Countries []string // ISO 3166, sorted; numbers of others get nothing
	Daily     int      // messages to phones on one day (UTC)
}

// DailyMost is the default of Limits.Daily, and dailyTop what it may be at most.
const (
	DailyMost = 1000
	dailyTop  = 1_000_000
)

// countries that a tenant's numbers are of, by its region, until it says otherwise.
var countries = map[string][]string{
	"eu":   {"AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"},
	"us":   {"CA", "US"},
	"apac": {"AU", "JP", "KR", "NZ", "SG"},
}

// LimitsOf gives the limits of a tenant: its own, or those of its region.
func (s *Service) LimitsOf(ctx context.Context, tenantID string) (Limits, error) {
	l, err := LimitsOf(s.DB.View(ctx), tenantID)
	return l, store.Unusable(err)
}

// LimitsOf is Service.LimitsOf within an act.
func LimitsOf(tx *store.Tx, tenantID string) (Limits, error) {
	var row struct {
		Region    string
		Own       bool
		Countries string
		DailyMost int
	}
	_, err := tx.One(&row, `SELECT t.region, l.tenant_id IS NOT NULL AS own, COALESCE(l.countries, '') AS countries, COALESCE(l.daily_most, 0) AS daily_most
		FROM tenants t LEFT JOIN message_limits l ON l.tenant_id = t.id WHERE t.id = ?`, tenantID)
	if err != nil || !row.Own {
		return Limits{Countries: countries[row.Region], Daily: DailyMost}, err
	}
	l := Limits{Daily: row.DailyMost}
	if row.Countries != "" {
		l.Countries = strings.Split(row.Countries, ",")
	}
	return l, nil
}

// Limit changes the limits of a tenant. It fails with fault.Invalid when a country
// is none or the number is out of range.
func (s *Service) Limit(ctx context.Context, tenantID, userID string, next Limits, from audit.Origin) error {
	wrong := map[string]string{}
	known := phonenumbers.GetSupportedRegions()
	if slices.ContainsFunc(next.Countries, func(c string) bool { return !known[c] }) {
		wrong["countries"] = "provider.country_unknown"
	}
	if next.Daily < 0 || next.Daily > dailyTop {
		wrong["daily"] = "provider.daily_form"
	}
	if len(wrong) > 0 {
		return fault.Wrong("form.wrong", wrong)
	}
	slices.Sort(next.Countries)
	next.Countries = slices.Compact(next.Countries)
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		was, err := LimitsOf(tx, tenantID)
		if err != nil {
			return err
		}
		err = tx.Exec(`INSERT INTO message_limits (tenant_id, countries, daily_most, changed_at) VALUES (?,?,?,?)
			ON CONFLICT (tenant_id) DO UPDATE SET countries = excluded.countries, daily_most = excluded.daily_most, changed_at = excluded.changed_at`,
			tenantID, strings.Join(next.Countries, ","), next.Daily, tx.Now).Error
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.MessageLimits, Actor: audit.User(userID), Target: audit.Tenant(tenantID), Subject: userID, Origin: from,
			Details: map[string]string{
				"countries": strings.Join(was.Countries, " ") + " → " + strings.Join(next.Countries, " "),
				"daily":     strconv.Itoa(was.Daily) + " → " + strconv.Itoa(next.Daily),
			},
		})
	})
}

// SentToday counts the messages to phones that a tenant has owed today (UTC).
func (s *Service) SentToday(ctx context.Context, tenantID string) (n int, err error) {
	tx := s.DB.View(ctx)
	_, err = tx.One(&n, "SELECT sent FROM message_days WHERE tenant_id = ? AND day = ?", tenantID, tx.Now.Format(time.DateOnly))
	return n, store.Unusable(err)
}

// Mask leaves of a number its country and its last two digits, and of an address its
// first letters and its domain.
func Mask(target string) string {
	if name, domain, mail := strings.Cut(target, "@"); mail {
		letters := []rune(name)
		return string(letters[:min(2, len(letters))]) + "…@" + domain
	}
	return MaskNumber(target)
}

// MaskNumber leaves of a number its country and its last two digits.
func MaskNumber(number string) string {
	if len(number) < 6 {
		return "…"
	}
	country := ""
	if parsed, err := phonenumbers.Parse(number, ""); err == nil {
		country = "+" + strconv.Itoa(int(parsed.GetCountryCode())) + " "
	}
	return country + "… " + number[len(number)-2:]
}
