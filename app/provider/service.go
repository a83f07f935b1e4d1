package provider

import (
	"context"
	"crypto/x509"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Service keeps the providers of tenants and sends through them. It is the sender
// of its kinds for the worker of package notify.
type Service struct {
	DB      *store.DB
	Keys    *secret.Keys
	Outside notify.Outside
	Client  *http.Client // of Outside
	Words   Words
	Helo    string         // host by which we greet mail servers
	Roots   *x509.CertPool // that vouch for mail servers; nil: the system's
	Keeping Keeping
	Kept    *Kept // where demonstrations keep what they do not send; nil elsewhere
	Nudge   chan<- struct{}
}

// Keeping runs a change that may take ways in from administrators, in the act tx, and
// fails it when too few of them are left who can sign in (package role).
type Keeping func(tx *store.Tx, tenantID string, change func() error) error

// Words writes what people read or hear, in the words of the catalogue.
type Words interface {
	// Code is the text of an SMS.
	Code(tenantName, code string) string
	// Spoken is what a call says, sentence by sentence. It says the code once; the
	// call says all of it twice.
	Spoken(tenantName, code string) []string
	// ToCaller is a code that its reader is to read to the helpdesk, as the text of an
	// SMS and as a call says it, with the letters by which the agent can be known.
	ToCaller(tenantName, code, letters string) (text string, spoken []string)
	// Handed is a code, or the second half of one, by which the helpdesk lets somebody in
	// who has no phone at hand, as the text of an SMS and as a call says it.
	Handed(tenantName, code string, half bool) (text string, spoken []string)
	// Mail is a notice as a mail.
	Mail(tenantName string, n notify.Told) (subject, text string)
	// Told is a notice as the text of an SMS.
	Told(tenantName string, n notify.Told) string
	// Pushed is a notice as a phone shows it, and the path that its reader takes it back by.
	Pushed(tenantName string, n notify.Told) notify.Pushed
}

// Set is a provider as it stands.
type Set struct {
	Settings
	Credential bool // there is one
	Version    int
	ChangedAt  time.Time
	ChangedBy  string // sign-in name
}

// Stored is a provider as it is kept. Gorm reads it as part of a row, which takes an
// exported name.
type Stored struct {
	Driver               Driver
	URL, Account, Sender string
	Credential           string // sealed
	Version              int
}

func (r Stored) settings() Settings { return Settings{r.Driver, r.URL, r.Account, r.Sender} }

// Of gives the provider of a channel; ok is false when there is none.
func (s *Service) Of(ctx context.Context, tenantID string, c Channel) (set Set, ok bool, err error) {
	var found struct {
		Stored
		ChangedAt time.Time
		ChangedBy string
	}
	ok, err = s.DB.View(ctx).One(&found, `SELECT p.driver, p.url, p.account, p.sender, p.credential, p.version, p.changed_at, COALESCE(u.name, '') AS changed_by
		FROM providers p LEFT JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.changed_by WHERE p.tenant_id = ? AND p.channel = ?`, tenantID, c)
	return Set{Settings: found.settings(), Credential: found.Credential != "", Version: found.Version, ChangedAt: found.ChangedAt, ChangedBy: found.ChangedBy}, ok, store.Unusable(err)
}

// Having lists the channels that a tenant has a provider for.
func Having(tx *store.Tx, tenantID string) (all []Channel, err error) {
	err = tx.All(&all, "SELECT channel FROM providers WHERE tenant_id = ? ORDER BY channel", tenantID)
	return all, err
}

// Save sets the provider of a channel. An empty credential keeps the one that is
// there, unless address, driver or account change: then it is gone. It fails with
// fault.Invalid when a field breaks a rule, and with fault.Conflict when somebody
// changed it since version (0 for none) was read.
func (s *Service) Save(ctx context.Context, tenantID, userID string, c Channel, next Settings, credential secret.Token, version int, from audit.Origin) error {
	next = next.trimmed()
	wrong := next.check(c, s.Kept != nil, s.Outside)
	if len(credential.Reveal()) > credentialMax {
		wrong["credential"] = "provider.credential_form"
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		was, _, err := find(tx, tenantID, c)
		if err != nil {
			return err
		}
		kept, became := was.Credential, "kept"
		switch {
		case !credential.Empty():
			if kept, err = s.Keys.Seal(tenantID, place(c), credential.Reveal()); err != nil {
				return err
			}
			became = "set"
		case was.Driver != next.Driver || was.URL != next.URL || was.Account != next.Account:
			kept, became = "", "cleared"
		}
		if !next.needsCredential() {
			kept, became = "", "cleared"
		}
		if next.needsCredential() && kept == "" && len(wrong) == 0 {
			wrong["credential"] = "provider.credential_needed"
			if was.Credential != "" {
				wrong["credential"] = "provider.credential_again"
			}
		}
		if len(wrong) > 0 {
			return fault.Wrong("form.wrong", wrong)
		}
		changed := fault.New(fault.Conflict, "provider.changed_meanwhile")
		if version == 0 {
			err = tx.Change(changed, `INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at)
				VALUES (?,?,?,?,?,?,?,1,?,?) ON CONFLICT DO NOTHING`, tenantID, c, next.Driver, next.URL, next.Account, next.Sender, kept, userID, tx.Now)
		} else {
			err = tx.Change(changed, `UPDATE providers SET driver = ?, url = ?, account = ?, sender = ?, credential = ?, version = version + 1, changed_by = ?, changed_at = ?
				WHERE tenant_id = ? AND channel = ? AND version = ?`, next.Driver, next.URL, next.Account, next.Sender, kept, userID, tx.Now, tenantID, c, version)
		}
		if err != nil {
			return err
		}
		// What was measured was measured of another one.
		if was.Driver != next.Driver || was.URL != next.URL {
			if err := tx.Exec("DELETE FROM provider_health WHERE tenant_id = ? AND channel = ?", tenantID, c).Error; err != nil {
				return err
			}
		}
		return audit.Record(tx, event(audit.ProviderChanged, tenantID, userID, c, from, map[string]string{
			"driver": string(was.Driver) + " → " + string(next.Driver), "host": was.settings().host() + " → " + next.host(), "credential": became,
		}))
	})
}

// Remove takes the provider of a channel away, with its credential. None is
// fault.NotFound. It fails with fault.Conflict when too few administrators could sign
// in without the codes that it carries.
func (s *Service) Remove(ctx context.Context, tenantID, userID string, c Channel, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		return s.Keeping(tx, tenantID, func() error {
			if err := tx.Change(notFound(), "DELETE FROM providers WHERE tenant_id = ? AND channel = ?", tenantID, c); err != nil {
				return err
			}
			if err := tx.Exec("DELETE FROM provider_health WHERE tenant_id = ? AND channel = ?", tenantID, c).Error; err != nil {
				return err
			}
			return audit.Record(tx, event(audit.ProviderRemoved, tenantID, userID, c, from, nil))
		})
	})
}

func event(action audit.Action, tenantID, userID string, c Channel, from audit.Origin, details map[string]string) audit.Event {
	return audit.Event{
		TenantID: tenantID, Action: action, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindProvider, ID: string(c)}, Subject: userID, Origin: from, Details: details,
	}
}

func find(tx *store.Tx, tenantID string, c Channel) (found Stored, ok bool, err error) {
	ok, err = tx.One(&found, "SELECT driver, url, account, sender, credential, version FROM providers WHERE tenant_id = ? AND channel = ?", tenantID, c)
	return found, ok, err
}

func place(c Channel) string { return "providers.credential " + string(c) }

// Health is how a provider does.
type Health struct {
	Channel       Channel
	LastSuccessAt *time.Time
	LastFailureAt *time.Time
	FailuresInRow int
	LastFault     string        // code of the last failure
	Middle        time.Duration // p50 of the last messages that were taken; 0 for none
	Waiting       int           // messages that wait to be sent
}

// Failing says whether a provider should be looked at.
func (h Health) Failing() bool { return h.FailuresInRow >= 3 }

// HealthOf gives how the providers of a tenant do, for every channel.
func (s *Service) HealthOf(ctx context.Context, tenantID string) (all []Health, err error) {
	var rows []struct {
		Health
		Latencies string
	}
	tx := s.DB.View(ctx)
	if err := tx.All(&rows, "SELECT channel, last_success_at, last_failure_at, failures_in_row, last_fault, latencies FROM provider_health WHERE tenant_id = ?", tenantID); err != nil {
		return nil, store.Unusable(err)
	}
	var waiting []struct {
		Kind  Channel
		Count int
	}
	if err := tx.All(&waiting, "SELECT kind, count(*) AS count FROM outbox WHERE tenant_id = ? AND kind IN ('sms', 'voice', 'mail') AND sent_at IS NULL AND failed_at IS NULL GROUP BY kind", tenantID); err != nil {
		return nil, store.Unusable(err)
	}
	for _, c := range Channels {
		h := Health{Channel: c}
		for _, r := range rows {
			if r.Channel == c {
				h, h.Middle = r.Health, middle(r.Latencies)
			}
		}
		for _, w := range waiting {
			if w.Kind == c {
				h.Waiting = w.Count
			}
		}
		all = append(all, h)
	}
	return all, nil
}

// latenciesMost is how long the list of them is, in letters.
const latenciesMost = 200

// measured notes what became of one message, in one statement, so that replicas
// lose nothing of each other's.
func (s *Service) measured(ctx context.Context, tenantID string, c Channel, took time.Duration, code string) error {
	now := s.DB.Now()
	if code == "" {
		_, err := s.DB.CountOne(ctx, `INSERT INTO provider_health (tenant_id, channel, last_success_at, latencies) VALUES (?,?,?,?)
			ON CONFLICT (tenant_id, channel) DO UPDATE SET last_success_at = excluded.last_success_at, failures_in_row = 0,
			latencies = substr(excluded.latencies || provider_health.latencies, 1, ?)`, tenantID, c, now, strconv.FormatInt(took.Milliseconds(), 10)+",", latenciesMost)
		return err
	}
	_, err := s.DB.CountOne(ctx, `INSERT INTO provider_health (tenant_id, channel, last_failure_at, failures_in_row, last_fault) VALUES (?,?,?,1,?)
		ON CONFLICT (tenant_id, channel) DO UPDATE SET last_failure_at = excluded.last_failure_at, failures_in_row = provider_health.failures_in_row + 1,
		last_fault = excluded.last_fault`, tenantID, c, now, code)
	return err
}

// middle is the median of a list of milliseconds. The last one may have been cut.
func middle(list string) time.Duration {
	cut := strings.LastIndex(list, ",")
	if cut < 0 {
		return 0
	}
	var all []int
	for part := range strings.SplitSeq(list[:cut], ",") {
		if ms, err := strconv.Atoi(part); err == nil {
			all = append(all, ms)
		}
	}
	return time.Duration(median(all)) * time.Millisecond
}
