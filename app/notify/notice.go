package notify

import (
	"context"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Notice tells a person, on their own pages, what somebody else did to their
// account, or what an administrator must know.
type Notice struct {
	Action audit.Action // what happened; the words are notice.ACTION
	By     access.Role  // of who did it; a person is told the role, the audit has the name
	Reason string       // in the words of who did it
	Detail string       // such as the name of a phone, or a role: a custom one as "custom:" and its name
	About  string       // id of the user whom it is about, when that is somebody else

	SessionID string // of the sign-in that it tells of, which its reader can undo
	Disowning string // id of the link by which its reader takes it back without signing in; see package disown
	IP        string // from where that was; for the mail, the session has it too

	Agent string    // name of who did it, where its reader is to learn that
	Case  string    // as people call it
	Until time.Time // that what was given works at the latest; zero: it is not about that
}

// Told is the notice as its reader sees it who gets it in the act tx.
func (n Notice) Told(tx *store.Tx) Told {
	t := Told{Action: n.Action, ByRole: n.By, Reason: n.Reason, Detail: n.Detail, At: tx.Now, IP: n.IP, Disowning: n.Disowning, Agent: n.Agent, Case: n.Case}
	if t.Detail == "" {
		t.Detail = n.About
	}
	if !n.Until.IsZero() {
		t.Until = &n.Until
	}
	return t
}

// Tell leaves a notice for a user in the act tx.
func Tell(tx *store.Tx, tenantID, userID string, n Notice) error {
	told := n.Told(tx)
	err := tx.Later(`INSERT INTO notices (tenant_id, id, user_id, action, by_role, reason, detail, session_id, agent, of_case, until, at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
		tenantID, secret.System.ID(), userID, n.Action, n.By, n.Reason, told.Detail, n.SessionID, n.Agent, n.Case, told.Until, tx.Now)
	if err != nil {
		return err
	}
	return mail(tx, tenantID, userID, told)
}

// MailLife is how long a notice is worth a mail.
const MailLife = 3 * 24 * time.Hour

// mail owes a notice to the sign-in name of a user as well, where their tenant has
// somebody who carries mails.
func mail(tx *store.Tx, tenantID, userID string, n Told) error {
	return Queue(tx, tenantID, KindMail, Targets{
		Query:  "SELECT u.name FROM users u JOIN providers p ON p.tenant_id = u.tenant_id AND p.channel = 'mail' WHERE u.tenant_id = ? AND u.id = ? AND u.name <> ''",
		Values: []any{tenantID, userID},
	}, n, MailLife)
}

// TellPhones owes a notice, in the act tx, to every phone of a user that is bound and
// takes pushes, and says how many that are. Some are told less, because its owner does not
// have them any more, or where less is the zero one nothing, because it is about them.
func TellPhones(tx *store.Tx, tenantID, userID string, n Told, some []string, less Told) (phones int, err error) {
	var ids []string
	if err := tx.All(&ids, "SELECT account_id FROM devices WHERE tenant_id = ? AND user_id = ? AND state = 'active' AND push_subscription <> ''", tenantID, userID); err != nil {
		return 0, err
	}
	for _, id := range ids {
		said := n
		if slices.Contains(some, id) {
			said = less
		}
		if said.Action == "" {
			continue
		}
		to := Targets{Query: "SELECT push_subscription FROM devices WHERE tenant_id = ? AND account_id = ? AND state = 'active' AND push_subscription <> ''", Values: []any{tenantID, id}}
		if err := Queue(tx, tenantID, KindPush, to, Pushed{Notice: &said}, MailLife); err != nil {
			return 0, err
		}
		phones++
	}
	return phones, nil
}

// Nameless is what happened, and who did it under which case is left out.
func (n Told) Nameless() Told {
	n.Agent, n.Case, n.Reason = "", "", ""
	return n
}

// Pushed is what a phone is told by a push: of a request that waits, of which it says no
// more than its id, or of a notice.
type Pushed struct {
	Request string `json:"request,omitempty"`
	Notice  *Told  `json:"notice,omitempty"` // as it is owed

	// As it is sent: the words of a notice, and where its reader takes it back.
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
	Link  string `json:"link,omitempty"`
}

// TellRole leaves a notice for everybody in a tenant who holds a role, as their own
// or, when they have none, through a group.
func TellRole(tx *store.Tx, tenantID string, role access.Role, n Notice) error {
	holders, err := Holders(tx, tenantID, role)
	if err != nil {
		return err
	}
	for _, userID := range holders {
		if err := Tell(tx, tenantID, userID, n); err != nil {
			return err
		}
	}
	return nil
}

// Holders are those whom TellRole tells.
func Holders(tx *store.Tx, tenantID string, role access.Role) (holders []string, err error) {
	err = tx.All(&holders, `SELECT user_id FROM role_assignments WHERE tenant_id = ? AND role = ? AND (ends_at IS NULL OR ends_at > ?)
		UNION SELECT m.user_id FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id
			LEFT JOIN role_assignments a ON a.tenant_id = m.tenant_id AND a.user_id = m.user_id AND (a.ends_at IS NULL OR a.ends_at > ?)
			WHERE g.tenant_id = ? AND g.role = ? AND a.user_id IS NULL`, tenantID, role, tx.Now, tx.Now, tenantID, role)
	return holders, err
}

// Told is a notice as its reader sees it.
type Told struct {
	ID     string       `json:"-"`
	Action audit.Action `json:"action"`
	ByRole access.Role  `json:"by_role,omitempty"`
	Reason string       `json:"reason,omitempty"`
	Detail string       `json:"detail,omitempty"`
	At     time.Time    `json:"at"`

	SessionID string `json:"-"`                   // that can be undone; empty: none
	IP        string `json:"ip,omitempty"`        // of that session
	Disowning string `json:"disowning,omitempty"` // in what is owed the id, and in what is written what the link ends with

	Agent string     `json:"agent,omitempty"`
	Case  string     `json:"case,omitempty" gorm:"column:of_case"`
	Until *time.Time `json:"until,omitempty"`
}

// OfSomebody says whether its detail is the id of the user whom it is about, whose name its
// reader is shown instead.
func (t Told) OfSomebody() bool {
	return t.Action == audit.AccessAlarm || t.Action == audit.CallerCheckReported || t.Action == audit.VouchReported || t.Action == audit.CallBackAsked
}

// Unseen lists what a user has not put away yet, newest first. A sign-in is not
// told in the session that it made: whoever made it would read it there.
func Unseen(ctx context.Context, db *store.DB, tenantID, userID, sessionID string) ([]Told, error) {
	var told []Told
	err := db.View(ctx).All(&told, `SELECT n.id, n.action, n.by_role, n.reason, n.detail, n.at, n.agent, n.of_case, n.until, COALESCE(s.id, '') AS session_id, COALESCE(s.ip, '') AS ip FROM notices n
		LEFT JOIN sessions s ON s.tenant_id = n.tenant_id AND s.id = n.session_id AND n.session_id <> ''
		WHERE n.tenant_id = ? AND n.user_id = ? AND n.seen_at IS NULL AND (n.session_id = '' OR n.session_id <> ?) ORDER BY n.at DESC LIMIT 20`, tenantID, userID, sessionID)
	return told, store.Unusable(err)
}

// PutAway marks a notice as seen by its reader: fault.NotFound for somebody else's.
func PutAway(ctx context.Context, db *store.DB, tenantID, userID, id string, from audit.Origin) error {
	return db.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.NotFound, "http.not_found"),
			"UPDATE notices SET seen_at = ? WHERE tenant_id = ? AND id = ? AND user_id = ? AND seen_at IS NULL", tx.Now, tenantID, id, userID)
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.NoticeSeen, Actor: audit.User(userID), Target: audit.User(userID), Subject: userID, Origin: from,
			Details: map[string]string{"notice": id},
		})
	})
}
