package alarm

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// raise writes an alarm in the act tx, with its event and its messages.
func raise(tx *store.Tx, a Alarm, set Set) error {
	if err := insert(tx, a); err != nil {
		return err
	}
	err := audit.Record(tx, audit.Event{
		TenantID: a.TenantID, Action: audit.AlarmRaised, Actor: audit.Service, Target: audit.Party{Kind: audit.KindAlarm, ID: a.ID},
		Details: map[string]string{"rule": a.Rule, "about_kind": a.AboutKind, "about": a.AboutID, "count": strconv.FormatInt(a.Count, 10)},
	})
	if err != nil {
		return err
	}
	return send(tx, a, set)
}

func insert(tx *store.Tx, a Alarm) error {
	return tx.Exec("INSERT INTO alarms (tenant_id, id, rule, about_kind, about_id, test, count, first_at, last_at, next_n, raised_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
		a.TenantID, a.ID, a.Rule, a.AboutKind, a.AboutID, a.Test, a.Count, a.FirstAt, a.LastAt, a.NextN, a.RaisedAt).Error
}

// send owes an alarm, in the act tx, to whoever its rule says.
func send(tx *store.Tx, a Alarm, set Set) error {
	if set.Mail {
		n := notify.Notice{Action: audit.AlarmRaised, Detail: a.Rule}
		if a.Test {
			n.Action = audit.AlarmTested
		}
		if err := notify.TellRole(tx, a.TenantID, access.RoleSecurityAdministrator, n); err != nil {
			return err
		}
	}
	if set.ConsumerID == "" {
		return nil
	}
	owed := said{Kind: Kind, ID: a.ID, Rule: a.Rule, Severity: set.Rule.Severity, About: a.About(), Test: a.Test, Count: a.Count, FirstAt: a.FirstAt, LastAt: a.LastAt}
	if _, err := tx.One(&owed.Tenant, "SELECT slug FROM tenants WHERE id = ?", a.TenantID); err != nil {
		return err
	}
	text, err := json.Marshal(owed)
	if err != nil {
		return err
	}
	to := notify.Targets{Query: "SELECT id FROM consumers WHERE tenant_id = ? AND id = ? AND kind = 'webhook'", Values: []any{a.TenantID, set.ConsumerID}}
	return notify.QueueAs(tx, a.TenantID, a.ID, Kind, to, string(text), sendLife)
}

// Kind of the rows of the outbox that are alarms for a webhook.
const Kind = "alarm"

const sendLife = day

// said is an alarm as a webhook is told of it; see the package.
type said struct {
	Kind     string      `json:"kind"`
	ID       string      `json:"id"`
	Tenant   string      `json:"tenant"`
	Rule     string      `json:"rule"`
	Severity Severity    `json:"severity"`
	About    audit.Party `json:"about"`
	Test     bool        `json:"test"`
	Count    int64       `json:"count"`
	FirstAt  time.Time   `json:"first_at"`
	LastAt   time.Time   `json:"last_at"`
}

// Send implements notify.Sender: to the webhook as it is now.
func (s *Service) Send(ctx context.Context, o notify.Owed) error {
	return s.Consumers.Post(ctx, o.TenantID, o.Target, "alarm-"+o.ID, []byte(o.Body))
}

// testWait is between two tests of a tenant.
const testWait = 10 * time.Second

// Test raises a test of a rule, which goes where an alarm of it would. It fails with
// fault.Conflict when there was one a moment ago.
func (s *Service) Test(ctx context.Context, tenantID, userID, name string, from audit.Origin) (id string, err error) {
	if _, known := Named(name); !known {
		return "", notFound()
	}
	id = s.Secrets.ID()
	return id, s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := hold(tx, tenantID); err != nil {
			return err
		}
		set, err := settingOf(tx, tenantID, name)
		if err != nil {
			return err
		}
		var lately int
		if _, err := tx.One(&lately, "SELECT count(*) FROM alarms WHERE tenant_id = ? AND rule = ? AND about_id = ? AND test = TRUE AND last_at > ?", tenantID, name, tenantID, tx.Now.Add(-testWait)); err != nil {
			return err
		}
		if lately > 0 {
			return fault.New(fault.Conflict, "alarm.tested_just_now")
		}
		a := Alarm{TenantID: tenantID, ID: id, Rule: name, AboutKind: audit.KindTenant, AboutID: tenantID, Test: true, Count: 1, FirstAt: tx.Now, LastAt: tx.Now, RaisedAt: tx.Now}
		if err := insert(tx, a); err != nil {
			return err
		}
		err = audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.AlarmTested, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindAlarm, ID: id}, Origin: from,
			Details: map[string]string{"rule": name},
		})
		if err != nil {
			return err
		}
		return send(tx, a, set)
	})
}

// hold has whoever raises alarms of a tenant otherwise than by its events wait for each other.
func hold(tx *store.Tx, tenantID string) error {
	return tx.Exec("INSERT INTO alarm_positions (tenant_id, next_n) VALUES (?,0) ON CONFLICT (tenant_id) DO UPDATE SET tenant_id = excluded.tenant_id", tenantID).Error
}
