package ticketsystem

import (
	"context"
	"net/http"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Tells is what a ticket system is told of people. Add, never rename.
type Tells string

const (
	Name Tells = "name" // sign-in names
	ID   Tells = "id"
)

// WhenDown is what becomes of an act when there is no answer. Add, never rename.
type WhenDown string

const (
	Block WhenDown = "block"
	Pass  WhenDown = "pass" // with a mark
)

// Settings are the ticket system of a tenant. The secret is not among them: it is shown
// once, when it is made.
type Settings struct {
	URL      string
	Tells    Tells
	WhenDown WhenDown
}

// Set is a ticket system as it stands.
type Set struct {
	Settings
	Version   int
	ChangedAt time.Time
	ChangedBy string // sign-in name
}

// Service keeps the ticket systems of tenants, asks them and tells them. It is the sender
// of its kind for the worker of package notify.
type Service struct {
	DB      *store.DB
	Keys    *secret.Keys
	Secrets secret.Source
	Outside notify.Outside
	Client  *http.Client // of Outside
	Nudge   chan<- struct{}
	Wait    time.Duration // for an answer; 4 s when zero
}

func (s *Service) wait() time.Duration {
	if s.Wait == 0 {
		return askWait
	}
	return s.Wait
}

const place = "ticket_systems.secret"

type row struct {
	URL, Secret string
	Tells       Tells
	WhenDown    WhenDown
	Version     int
}

func find(tx *store.Tx, tenantID string) (r row, ok bool, err error) {
	ok, err = tx.One(&r, "SELECT url, secret, tells, when_down, version FROM ticket_systems WHERE tenant_id = ?", tenantID)
	return r, ok, err
}

// Of gives the ticket system of a tenant; ok is false when there is none.
func (s *Service) Of(ctx context.Context, tenantID string) (set Set, ok bool, err error) {
	ok, err = s.DB.View(ctx).One(&set, `SELECT t.url, t.tells, t.when_down, t.version, t.changed_at, COALESCE(u.name, '') AS changed_by
		FROM ticket_systems t LEFT JOIN users u ON u.tenant_id = t.tenant_id AND u.id = t.changed_by WHERE t.tenant_id = ?`, tenantID)
	return set, ok, store.Unusable(err)
}

// Fits says whether a text is the secret of a tenant: what a page is about to show once
// comes back from a browser, which may send anything.
func (s *Service) Fits(ctx context.Context, tenantID, text string) (bool, error) {
	r, ok, err := find(s.DB.View(ctx), tenantID)
	if err != nil || !ok {
		return false, store.Unusable(err)
	}
	kept, err := s.Keys.Open(tenantID, place, r.Secret)
	return err == nil && secret.Same(secret.Digest(kept), secret.Digest(text)), nil
}

func changed() error { return fault.New(fault.Conflict, "provider.changed_meanwhile") }

// Save sets the ticket system of a tenant. A new one, and another address, get a new
// secret, which is given once; else it is empty. It fails with fault.Invalid when a field
// breaks a rule, and with fault.Conflict when somebody changed it since version (0 for
// none) was read.
func (s *Service) Save(ctx context.Context, tenantID, userID string, next Settings, version int, from audit.Origin) (made secret.Token, err error) {
	next.URL = strings.TrimSpace(next.URL)
	wrong := map[string]string{}
	if !provider.Addressed(next.URL, s.Outside) {
		wrong["url"] = "provider.url_form"
	}
	if next.Tells != Name && next.Tells != ID {
		wrong["tells"] = "ticketsystem.tells_form"
	}
	if next.WhenDown != Block && next.WhenDown != Pass {
		wrong["when_down"] = "ticketsystem.when_down_form"
	}
	if len(wrong) > 0 {
		return made, fault.Wrong("form.wrong", wrong)
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		was, there, err := find(tx, tenantID)
		if err != nil {
			return err
		}
		kept := was.Secret
		if made = (secret.Token{}); !there || was.URL != next.URL {
			made = s.Secrets.Token()
			if kept, err = s.Keys.Seal(tenantID, place, made.Reveal()); err != nil {
				return err
			}
		}
		if version == 0 {
			err = tx.Change(changed(), "INSERT INTO ticket_systems (tenant_id, url, secret, tells, when_down, version, changed_by, changed_at) VALUES (?,?,?,?,?,1,?,?) ON CONFLICT DO NOTHING",
				tenantID, next.URL, kept, next.Tells, next.WhenDown, userID, tx.Now)
		} else {
			err = tx.Change(changed(), "UPDATE ticket_systems SET url = ?, secret = ?, tells = ?, when_down = ?, version = version + 1, changed_by = ?, changed_at = ? WHERE tenant_id = ? AND version = ?",
				next.URL, kept, next.Tells, next.WhenDown, userID, tx.Now, tenantID, version)
		}
		if err != nil {
			return err
		}
		said := map[string]string{"host": provider.Host(was.URL) + " → " + provider.Host(next.URL), "tells": string(next.Tells), "when_down": string(was.WhenDown) + " → " + string(next.WhenDown)}
		if !made.Empty() {
			said["secret"] = "new"
		}
		return audit.Record(tx, event(audit.TicketSystemChanged, tenantID, userID, from, said))
	})
	if err != nil {
		return secret.Token{}, err
	}
	return made, nil
}

// Renew makes another secret, which is given once. The one before is worth nothing from
// then on. It fails like Save.
func (s *Service) Renew(ctx context.Context, tenantID, userID string, version int, from audit.Origin) (secret.Token, error) {
	made := s.Secrets.Token()
	sealed, err := s.Keys.Seal(tenantID, place, made.Reveal())
	if err != nil {
		return secret.Token{}, err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(changed(), "UPDATE ticket_systems SET secret = ?, version = version + 1, changed_by = ?, changed_at = ? WHERE tenant_id = ? AND version = ?", sealed, userID, tx.Now, tenantID, version)
		if err != nil {
			return err
		}
		return audit.Record(tx, event(audit.TicketSystemChanged, tenantID, userID, from, map[string]string{"secret": "new"}))
	})
	if err != nil {
		return secret.Token{}, err
	}
	return made, nil
}

// Remove takes it away, with its secret. None is fault.NotFound. Notes that are owed still
// are told to nobody.
func (s *Service) Remove(ctx context.Context, tenantID, userID string, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Change(fault.New(fault.NotFound, "http.not_found"), "DELETE FROM ticket_systems WHERE tenant_id = ?", tenantID); err != nil {
			return err
		}
		return audit.Record(tx, event(audit.TicketSystemRemoved, tenantID, userID, from, nil))
	})
}

func event(action audit.Action, tenantID, userID string, from audit.Origin, details map[string]string) audit.Event {
	return audit.Event{TenantID: tenantID, Action: action, Actor: audit.User(userID), Target: audit.Tenant(tenantID), Subject: userID, Origin: from, Details: details}
}
