package relaxation

import (
	"fmt"
	"strings"
	"time"

	"latchkey/app/feature"
	"latchkey/app/store"
)

// on says that the feature is on for somebody in a tenant t.
var on = feature.Somebody(feature.OutageMode)

// under says that an outage, by its alias, runs in a tenant t at the moment of the act.
func under(o string) string {
	return fmt.Sprintf("%[1]s.tenant_id = t.id AND %[1]s.drill = FALSE AND %[1]s.ended_at IS NULL AND %[1]s.ends_at > %[2]s AND %[3]s", o, store.Now, on)
}

// meant says that a user u is among those whom an outage is for.
func meant(o string) string {
	return fmt.Sprintf(`(%[1]s.everybody OR EXISTS (SELECT 1 FROM outage_groups oq JOIN group_members om ON om.tenant_id = oq.tenant_id AND om.group_id = oq.group_id
		WHERE oq.tenant_id = %[1]s.tenant_id AND oq.outage_id = %[1]s.id AND om.user_id = u.id AND (om.added_at IS NULL OR om.added_at <= %[1]s.began_at)))`, o)
}

// For is a condition that an outage relaxes something for a user u of a tenant t.
func For(r Relaxation) string {
	return fmt.Sprintf("EXISTS (SELECT 1 FROM outages o WHERE %s AND o.relaxes & %d <> 0 AND %s)", under("o"), r.bit(), meant("o"))
}

// somebody is the same of whoever it may be.
func somebody(r Relaxation) string {
	return fmt.Sprintf("EXISTS (SELECT 1 FROM outages o WHERE %s AND o.relaxes & %d <> 0)", under("o"), r.bit())
}

// Of says whether an outage relaxes something for a user now.
func Of(tx *store.Tx, tenantID, userID string, r Relaxation) (is bool, err error) {
	_, err = tx.One(&is, "SELECT "+For(r)+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", tenantID, userID)
	return is, err
}

// Features whose stage is lifted: those of everybody, and the weaker ones, which are
// opened to nobody who held an administrative role when it was declared.
var (
	opened = []feature.Feature{feature.Passkeys, feature.TOTP, feature.PrintedCodes}
	weaker = []feature.Feature{feature.BackupPhones, feature.SMS, feature.Voice}
)

// Lifts gives the features whose stage held_back_ways lifts for somebody.
func Lifts(administrator bool) feature.Set {
	if administrator {
		return bits(opened)
	}
	return bits(opened) | bits(weaker)
}

func list(all []feature.Feature) string {
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = "'" + string(f) + "'"
	}
	return strings.Join(names, ",")
}

func bits(all []feature.Feature) (set feature.Set) {
	for _, f := range all {
		e, _ := feature.Find(f)
		set |= e.Bit
	}
	return set
}

// rank says that a user u held an administrative role when an outage o was declared. Who
// holds one now is no question for every page: roles are kept in memory, so that nothing
// of that depends on reading them.
const rank = "EXISTS (SELECT 1 FROM outage_ranks k WHERE k.tenant_id = o.tenant_id AND k.outage_id = o.id AND k.user_id = u.id)"

// lifting is what an outage that lifts stages for a user u is worth to them.
func lifting(value string) string {
	return fmt.Sprintf("(SELECT %s FROM outages o WHERE %s AND o.relaxes & %d <> 0 AND %s)", value, under("o"), HeldBackWays.bit(), meant("o"))
}

// Parts of statements about a user u in a tenant t.
var (
	// Lifted gives the features whose stage holds them back from no way in now. Where no
	// rule is there is no stage, and nothing to lift.
	Lifted = fmt.Sprintf("(CASE WHEN t.ruled = 0 THEN 0 ELSE COALESCE(%s, 0) END)", lifting(fmt.Sprintf("CASE WHEN %s THEN %d ELSE %d END", rank, bits(opened), bits(opened)|bits(weaker))))
	// WaysOff gives the ways in that the user has not now, as feature.WaysOff does without
	// an outage. What is lifted is asked once: a part that is never come to is opened too.
	WaysOff = feature.WaysOffBut(fmt.Sprintf("COALESCE(%s, 0) >= CASE WHEN g.feature IN (%s) THEN 1 WHEN g.feature IN (%s) THEN 2 ELSE 3 END",
		lifting("CASE WHEN "+rank+" THEN 1 ELSE 2 END"), list(opened), list(weaker)))
	// NobodysWays gives the ways in that nobody in the tenant has now. It asks for no user.
	NobodysWays = feature.NobodysWaysBut(fmt.Sprintf("(g.feature IN (%s,%s) AND %s)", list(opened), list(weaker), somebody(HeldBackWays)))
)

// Running is an outage as everybody in a tenant may know of it. Gorm reads it as part of
// a row.
type Running struct {
	OutageFailed  string // push, sms, voice, mail, with commas between; empty: none runs
	OutageBeganAt *time.Time
	OutageEndsAt  *time.Time
	OutageExtends bool // it makes sessions of the user longer
}

// Join adds, as xo, the outage that runs to a statement about a tenant t and a user u, and
// Columns reads a Running of it.
var (
	Join    = " LEFT JOIN outages xo ON " + under("xo") + " "
	Columns = "COALESCE(xo.failed, '') AS outage_failed, xo.began_at AS outage_began_at, xo.ends_at AS outage_ends_at, " + extends + " AS outage_extends"
)

var extends = fmt.Sprintf("CASE WHEN xo.id IS NULL OR xo.relaxes & %d = 0 THEN FALSE ELSE %s END", LongerSessions.bit(), meant("xo"))

// Goes says of a session s, with the outage of Join, that its whole time is not over, or
// would have been over only since an outage began that makes it longer.
var Goes = `(s.expires_at > ` + store.Now + ` OR s.bypass_id = '' AND ',' || s.amr || ',' NOT LIKE '%,static_passcode,%' AND ',' || s.amr || ',' NOT LIKE '%,break_glass,%' AND ` + extends + ` AND s.expires_at > xo.began_at)`

// Here gives the outage that runs in a tenant.
func Here(tx *store.Tx, tenantID string) (r Running, err error) {
	_, err = tx.One(&r, "SELECT xo.failed AS outage_failed, xo.began_at AS outage_began_at, xo.ends_at AS outage_ends_at FROM tenants t JOIN outages xo ON "+under("xo")+" WHERE t.id = ?", tenantID)
	return r, err
}
