package census

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"latchkey/app/feature"
	"latchkey/app/store"
)

// namesMost is how many of those behind a figure are kept by name; all of them are counted.
const namesMost = 1000

// figure is one that is counted: what stands behind FROM in a query about a tenant, with
// the moment as often as it says, and what tells one from another.
type figure struct {
	name    string // add, never rename
	from    string
	id      string
	label   string
	moments int
	people  bool // each one is a person, or something of one
}

// figures are all of them, in the order of the page.
var figures = []figure{
	{"break_glass", "break_glass_accounts a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id WHERE a.tenant_id = ? AND a.removed_at IS NULL", "u.id", "u.name", 0, true},
	{"static_passcodes", "static_passcodes p JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id WHERE p.tenant_id = ? AND p.state IN ('approved', 'active') AND p.expires_at > ?", "u.id", "u.name", 1, true},
	{"bypasses", "bypasses b JOIN users u ON u.tenant_id = b.tenant_id AND u.id = b.user_id WHERE b.tenant_id = ? AND b.state IN ('ready', 'active') AND b.ends_at > ?", "u.id", "u.name", 1, true},
	{"trusted_browsers", "trusted_browsers b JOIN users u ON u.tenant_id = b.tenant_id AND u.id = b.user_id WHERE b.tenant_id = ? AND b.ended_at IS NULL AND b.ends_at > ?", "u.id", "u.name", 1, true},
	{"keys", "applications k WHERE k.tenant_id = ? AND k.kind = 'confidential' AND k.state = 'on'", "k.id", "k.name", 0, false},
	{"without_second_factor", "users u WHERE u.tenant_id = ? AND u.state = 'active' AND u.mfa_state = 'disabled' AND NOT u.break_glass", "u.id", "u.name", 0, true},
	{"excluded", "users u WHERE u.tenant_id = ? AND u.state = 'active' AND NOT u.break_glass AND " + feature.LeftOut, "u.id", "u.name", 0, true},
	{"postponed", "campaign_people c JOIN users u ON u.tenant_id = c.tenant_id AND u.id = c.user_id WHERE c.tenant_id = ? AND u.state = 'active' AND c.registered_at IS NULL AND c.snoozed_until > ?", "u.id", "u.name", 1, true},
}

// Names are the names of all figures, in the order of the page.
var Names = func() (all []string) {
	for _, f := range figures {
		all = append(all, f.name)
	}
	return all
}()

// Behind is one of those behind a figure.
type Behind struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// OfPeople says whether those behind a figure are people.
func OfPeople(name string) bool {
	for _, f := range figures {
		if f.name == name {
			return f.people
		}
	}
	return false
}

func (f figure) values(tx *store.Tx, tenantID string) []any {
	values := []any{tenantID}
	for range f.moments {
		values = append(values, tx.Now)
	}
	return values
}

// tally is every figure of a tenant, and who is behind each.
type tally struct {
	figures []Figure
	names   map[string][]Behind
}

func count(tx *store.Tx, tenantID string) (t tally, err error) {
	t.names = map[string][]Behind{}
	for _, f := range figures {
		counted, behind, err := f.count(tx, tenantID)
		if err != nil {
			return t, store.Unusable(err)
		}
		t.figures, t.names[f.name] = append(t.figures, counted), behind
	}
	return t, nil
}

// count counts a figure, and gives those behind it.
func (f figure) count(tx *store.Tx, tenantID string) (Figure, []Behind, error) {
	counted := Figure{Name: f.name}
	if _, err := tx.One(&counted.Count, "SELECT count(*) FROM "+f.from, f.values(tx, tenantID)...); err != nil {
		return counted, nil, err
	}
	behind := []Behind{}
	if err := tx.All(&behind, "SELECT "+f.id+" AS id, "+f.label+" AS name FROM "+f.from+" ORDER BY 2, 1 LIMIT ?", append(f.values(tx, tenantID), namesMost)...); err != nil {
		return counted, nil, err
	}
	text, err := json.Marshal(behind)
	sum := sha256.Sum256(text)
	counted.Behind = hex.EncodeToString(sum[:])
	return counted, behind, err
}
