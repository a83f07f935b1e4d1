// Package method knows which ways in a tenant has turned on: for what, and for
// whom. The sign-in and the pages ask it; package policy changes it.
//
// A way has three uses: to sign in with, as the first factor or by itself; as the
// second factor after another one; to help oneself after a loss, which is to remove a
// phone that is gone and to add the next one (session.Recovers). Each is on or off in a
// tenant, and a way may be limited to the members of groups. What is off is a
// bit in a column of the tenant, so that a statement which lets somebody in can ask
// it in its condition: a way that was turned off between the page and the answer is
// not taken.
//
// Beneath it stands what is rolled out (package feature): a way whose feature somebody
// has not is off for them in every use.
package method

import (
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/relaxation"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Way is a way in that a tenant decides about.
type Way struct {
	user.Way
	Uses   []Use
	Serves bool // it signs somebody in who has no phone, on any day
}

// Use is what a way is used for.
type Use string

const (
	SignIn   Use = "sign_in"
	Second   Use = "second_factor"
	Recovery Use = "recovery"
)

var every = []Use{SignIn, Second, Recovery}

// Ways are all ways in, in the order in which the system prefers them.
var Ways = func() (all []Way) {
	for _, w := range user.AllWays {
		way := Way{Way: w, Uses: every, Serves: !(user.WithPhone | user.WithBackupPhone | user.WithStaticPasscode | user.WithBypass).Has(w.Bit)}
		switch {
		case (user.WithBackupPhone | user.WithBypass).Has(w.Bit): // it proves too little to change what is bound
			way.Uses = []Use{SignIn, Second}
		case w.Bit == user.WithStaticPasscode:
			way.Uses = []Use{SignIn}
		}
		all = append(all, way)
	}
	return all
}()

// All are all of them.
var All = func() (all user.Ways) {
	for _, w := range Ways {
		all |= w.Bit
	}
	return all
}()

// Off is what a user may not use, by the use. Gorm reads it as part of a row.
type Off struct {
	NoSignIn, NoSecond, NoRecovery user.Ways
}

// All are the ways that a user may use for nothing.
func (o Off) All() user.Ways { return o.NoSignIn & o.NoSecond & o.NoRecovery }

// Limited gives, of a user u in a tenant t, the ways that are for groups which the
// user is in none of. Most tenants limit none, and are not asked for groups.
const Limited = `(CASE WHEN t.limited_ways = 0 THEN 0 ELSE t.limited_ways & ~COALESCE((SELECT sum(DISTINCT l.way) FROM method_groups l
	JOIN group_members lm ON lm.tenant_id = l.tenant_id AND lm.group_id = l.group_id WHERE l.tenant_id = t.id AND lm.user_id = u.id), 0) END)`

// closed gives the ways that are off for a user in every use; closedNow those that are
// while an outage may lift the stages of some (package relaxation).
var (
	closed    = Limited + " | " + feature.WaysOff
	closedNow = Limited + " | " + relaxation.WaysOff
)

// of says what a user u may not use. Nothing holds a break-glass account back.
func of(ways string) string { return "(CASE WHEN u.break_glass THEN 0 ELSE " + ways + " END)" }

// What a user u in a tenant t may not use, as parts of a statement.
var (
	NoSignIn   = of("t.no_sign_in | " + closed)
	NoSecond   = of("t.no_second | " + closed)
	NoRecovery = of("t.no_recovery | " + closed)
	NoUse      = of("t.no_sign_in & t.no_second & t.no_recovery | " + closed)

	// Columns reads an Off.
	Columns = NoSignIn + " AS no_sign_in, " + NoSecond + " AS no_second, " + NoRecovery + " AS no_recovery"

	// The same of who signs in now. Whatever lasts longer, such as whether a change would lock
	// somebody out or what may be bound, asks those above.
	NoSignInNow = of("t.no_sign_in | " + closedNow)
	NoSecondNow = of("t.no_second | " + closedNow)
	NoUseNow    = of("t.no_sign_in & t.no_second & t.no_recovery | " + closedNow)

	// NobodySignsIn are the ways that nobody in a tenant t signs in with. It asks for
	// no user, so that a name that is none is offered the same.
	NobodySignsIn = "(t.no_sign_in | " + relaxation.NobodysWays + ")"
	// Nobodys is a query for an Off of nobody in particular, in a tenant by its id.
	Nobodys = `SELECT w.no_sign_in | w.always AS no_sign_in, w.no_second | w.always AS no_second, w.no_recovery | w.always AS no_recovery
		FROM (SELECT t.no_sign_in, t.no_second, t.no_recovery, ` + relaxation.NobodysWays + ` AS always FROM tenants t WHERE t.id = ? LIMIT 1) w`
)

// OffNow gives what a user u in a tenant t may not use now, where what the tenant does not let
// be used is an expression: for whoever does not know before which use it is. What is off in
// every use stands in it once, for a part that is never come to is planned and opened too.
func OffNow(use string) string { return of("(" + use + ") | " + closedNow) }

// Reading is a query for some columns of a user u in a tenant t, and an Off of them; from is
// what stands behind FROM, and finds one. Here too what is off in every use is asked once.
func Reading(columns, from string) string { return reading(columns, from, closed) }

// ReadingNow is Reading for who signs in now.
func ReadingNow(columns, from string) string { return reading(columns, from, closedNow) }

func reading(columns, from, closed string) string {
	return `SELECT w.*, w.own_sign_in | w.always AS no_sign_in, w.own_second | w.always AS no_second, w.own_recovery | w.always AS no_recovery
		FROM (SELECT ` + columns + `, ` + of("t.no_sign_in") + ` AS own_sign_in, ` + of("t.no_second") + ` AS own_second, ` + of("t.no_recovery") + ` AS own_recovery, ` + of(closed) + ` AS always
		FROM ` + from + ` LIMIT 1) w`
}

// MayBind fails with fault.Conflict when a way is off for a user in every use. What
// is bound already stays, for the day on which it is on again; nothing new is bound.
func MayBind(tx *store.Tx, tenantID, userID string, way user.Ways) error {
	off, err := OffOf(tx, tenantID, userID)
	if err == nil && off.All().Has(way) {
		err = fault.New(fault.Conflict, "method.off")
	}
	return err
}

var offOf = Reading("u.id", "users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?")

// OffOf gives what a user may not use.
func OffOf(tx *store.Tx, tenantID, userID string) (off Off, err error) {
	_, err = tx.One(&off, offOf, tenantID, userID)
	return off, err
}

// Limits says whether some way in is for the members of one of these groups alone.
// Whoever joins it is let in by one way more, which loosens.
func Limits(tx *store.Tx, tenantID string, groups ...string) (bool, error) {
	if len(groups) == 0 {
		return false, nil
	}
	var found string
	return tx.One(&found, "SELECT group_id FROM method_groups WHERE tenant_id = ? AND group_id IN ? LIMIT 1", tenantID, groups)
}
