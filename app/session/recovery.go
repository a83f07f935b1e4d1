package session

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Somebody who lost a phone removes it, and adds the next one, by what is left. The
// organisation says which ways are for that (package method): what was proved by
// another one counts for nothing here, however well it signs them in.

// Loses says whether to remove a phone would be after a loss: one signs the user in,
// and it was not a phone that they proved it by.
func (s Session) Loses(now time.Time) bool {
	return s.Ways.Has(user.WithPhone) && !(made(s.ProvedBy, ByPhone) && s.FreshBy(Weak, now))
}

// Loss is what a session is worth after a loss.
type Loss struct {
	left Session // without what does not help then
	none bool
}

// AfterLoss reads what a session is worth after a loss, by the rules of its organisation as
// they are now. Few pages ask it, so no session is read with it.
func AfterLoss(ctx context.Context, db *store.DB, s Session) (Loss, error) {
	off := method.All
	_, err := db.View(ctx).One(&off, "SELECT CASE WHEN "+feature.With(feature.SelfServiceRecovery)+" THEN "+method.NoRecovery+" ELSE "+strconv.Itoa(int(method.All))+
		" END FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", s.TenantID, s.UserID)
	return s.afterLoss(off), store.Unusable(err)
}

func (s Session) afterLoss(off user.Ways) Loss {
	s.Ways &^= off
	s.AMR, s.ProvedBy = without(s.AMR, off), without(s.ProvedBy, off)
	return Loss{s, off == method.All}
}

// MayRecover says whether the user may help themselves after a loss at all.
func (l Loss) MayRecover() bool { return !l.none }

// Recovers is FreshBy after a loss.
func (l Loss) Recovers(least Strength, now time.Time) bool { return l.left.FreshBy(least, now) }

// Proofs lists the ways of the user that may be worth so much after a loss, the strongest
// first. It may be none.
func (l Loss) Proofs(least Strength) []string { return l.left.having(least, l.left.Ways) }

// HelpsItself says whether the user has something besides phones that helps after a
// loss.
func (l Loss) HelpsItself() bool {
	return slices.ContainsFunc(l.Proofs(Weak), func(by string) bool { return by != ByPhone })
}

// without takes ways out of a proof.
func without(by string, off user.Ways) string {
	return strings.Join(slices.DeleteFunc(strings.Split(by, ","), func(one string) bool { return madeWith(one)&off != 0 }), ",")
}
