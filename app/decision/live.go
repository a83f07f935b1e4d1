package decision

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/place"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// Live decides sign-ins as they are made. One serves a whole process.
type Live struct {
	Rules *access.Rules // who has an administrative role
	Atlas *place.Atlas
	Log   *slog.Logger

	mu     sync.Mutex
	tables map[string]*table // by tenant

	differences atomic.Int64
}

// table is what holds in a tenant, as of a stamp.
type table struct {
	stamp, fingerprint string
	rules              *Rules
	reports            bool
	kept               atomic.Bool // its text stands in the database
}

// tablesMost is how many tenants' rules a process keeps.
const tablesMost = 20_000

// Differences is how often the function and the statement did not agree.
func (l *Live) Differences() int64 { return l.differences.Load() }

// wrongLife is how long a wrong number has its phone typed the next ones (prompt.ModeFor).
const wrongLife = time.Hour

// Facts is what a sign-in asks of its user.
type Facts struct {
	method.Off // as the statement says it
	MFAState   string
	Ways       user.Ways
	SecondWay  string // that the name used last

	live      *Live
	table     *table
	row       row
	input     Input
	decision  Decision
	different []string
}

// row is how facts are read.
type row struct {
	method.Off
	MFAState                                              string
	Ways                                                  user.Ways
	SecondWay                                             string
	Seed                                                  int64
	Lifted                                                feature.Set
	Groups, Chosen, Carried                               string
	MatchMode, Elsewhere                                  tenant.MatchMode
	Places                                                string
	WrongNumber, First, BreakGlass                        bool
	Unreleased                                            feature.Set
	Ruled, MethodVersion                                  int
	TenantSignIn, TenantSecond, TenantRecovery, LimitedTo user.Ways
	Rollouts                                              string
}

// factsOf reads, as of one moment, what is asked of a user and which rules hold: the
// statement's own word, and everything that the function needs to come to the same.
var factsOf = method.ReadingNow(`u.mfa_state, u.ways, COALESCE(h.second_way, '') AS second_way, u.seed, `+relaxation.Lifted+` AS lifted,
	COALESCE((SELECT string_agg(m.group_id, ' ') FROM group_members m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id), '') AS groups,
	COALESCE((SELECT string_agg(c.feature, ' ') FROM rollout_choices c WHERE c.tenant_id = u.tenant_id AND c.user_id = u.id), '') AS chosen,
	COALESCE((SELECT string_agg(v.channel, ' ') FROM providers v WHERE v.tenant_id = u.tenant_id), '') AS carried,
	t.match_mode, t.match_mode_elsewhere AS elsewhere, t.places, u.last_signin_at IS NULL AS first, u.break_glass,
	EXISTS (SELECT 1 FROM prompts p WHERE p.tenant_id = u.tenant_id AND p.subject = ? AND p.created_at > ? AND p.wrong_number) AS wrong_number,
	`+feature.Unreleased+` AS unreleased, t.ruled, t.method_version,
	t.no_sign_in AS tenant_sign_in, t.no_second AS tenant_second, t.no_recovery AS tenant_recovery, t.limited_ways AS limited_to,
	CASE WHEN t.ruled = 0 THEN '' ELSE COALESCE((SELECT string_agg(o.feature || ' ' || o.version || ' ' || o.stage || ' ' || o.share, ',') FROM rollouts o WHERE o.tenant_id = t.id), '') END AS rollouts`,
	`users u JOIN tenants t ON t.id = u.tenant_id LEFT JOIN habits h ON h.tenant_id = u.tenant_id AND h.subject = ?
	WHERE u.tenant_id = ? AND u.id = ?`)

// stamp changes whenever the rules of the tenant do.
func (r *row) stamp() string {
	rollouts := strings.Split(r.Rollouts, ",")
	slices.Sort(rollouts)
	return fmt.Sprint(r.MethodVersion, r.TenantSignIn, r.TenantSecond, r.TenantRecovery, r.LimitedTo, r.Ruled, r.Unreleased, rollouts)
}

// About is the sign-in that facts are asked for.
type About struct {
	TenantID, UserID, Subject string
	IP                        string // of its browser
	Passkeys                  bool   // can be taken by this installation
}

// Facts reads what is asked of a user in the act tx, and decides by nothing yet. Nobody
// of this id is fault.Refused.
func (l *Live) Facts(tx *store.Tx, a About) (*Facts, error) {
	f := &Facts{live: l}
	if err := f.read(tx, a); err != nil {
		return nil, err
	}
	l.mu.Lock()
	f.table = l.tables[a.TenantID]
	l.mu.Unlock()
	if f.table == nil || f.table.stamp != f.row.stamp() || f.disagree() {
		// The rules are read anew, until they are those of one moment with the facts.
		for range 3 {
			t, err := load(tx, a.TenantID)
			if err != nil {
				return nil, err
			}
			t.stamp = f.row.stamp()
			if err := f.read(tx, a); err != nil {
				return nil, err
			}
			if f.table = t; t.stamp == f.row.stamp() {
				break
			}
		}
		l.keep(a.TenantID, f.table)
	}
	if f.disagree() && f.table.stamp == f.row.stamp() {
		says := f.says()
		f.differs("ways", fmt.Sprintf("statement %+v, function %+v", f.row.Off, says))
		// What one of them has off is off.
		f.Off.NoSignIn |= says.NoSignIn
		f.Off.NoSecond |= says.NoSecond
		f.Off.NoRecovery |= says.NoRecovery
	}
	return f, nil
}

func (f *Facts) disagree() bool {
	return f.row.Off != f.says()
}

func (f *Facts) says() method.Off {
	if f.row.BreakGlass {
		return method.Off{} // nothing holds such an account back
	}
	r, p := f.table.rules, &f.input.Person
	return r.Off(r.Features.Ways(r.Features.Of(p), p), p.Groups)
}

func (f *Facts) read(tx *store.Tx, a About) error {
	f.row = row{}
	found, err := tx.One(&f.row, factsOf, a.Subject, tx.Now.Add(-wrongLife), a.Subject, a.TenantID, a.UserID)
	if err == nil && !found {
		err = fault.New(fault.Refused, "signin.refused")
	}
	if err != nil {
		return err
	}
	r := &f.row
	places, err := place.Read(r.Places)
	if err != nil {
		return err
	}
	f.Off, f.MFAState, f.Ways, f.SecondWay = r.Off, r.MFAState, r.Ways, r.SecondWay
	f.input = Input{
		Person: feature.Person{Seed: r.Seed, Groups: strings.Fields(r.Groups), Chosen: chosen(r.Chosen), Lifted: r.Lifted}, MFA: r.MFAState, Bound: r.Ways,
		Served: Serves(a.Passkeys, strings.Fields(r.Carried)), Mode: r.MatchMode, Elsewhere: r.Elsewhere, Place: f.live.Atlas.Of(a.IP, places).Name(), Seen: r.First,
		Pressed: r.WrongNumber || f.live.Rules.Role(a.TenantID, a.UserID) != access.RoleUser,
	}
	slices.Sort(f.input.Person.Groups)
	return nil
}

func chosen(names string) (set feature.Set) {
	for _, name := range strings.Fields(names) {
		if e, ok := feature.Find(feature.Feature(name)); ok {
			set |= e.Bit
		}
	}
	return set
}

// Serves gives the ways that can be carried: by whether passkeys can be taken, and by
// the channels that a tenant has a provider for.
func Serves(passkeys bool, channels []string) user.Ways {
	served := user.Ways(0)
	for i := range method.Ways {
		w := &method.Ways[i]
		switch {
		case w.Bit == user.WithPasskey && !passkeys, user.WithBackupPhone.Has(w.Bit) && !slices.Contains(channels, w.Name):
		default:
			served |= w.Bit
		}
	}
	return served
}

func load(tx *store.Tx, tenantID string) (*table, error) {
	r, err := Load(tx, tenantID)
	if err != nil {
		return nil, err
	}
	return &table{rules: r, fingerprint: r.Fingerprint(), reports: r.Reports()}, nil
}

func (l *Live) keep(tenantID string, t *table) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tables == nil || len(l.tables) >= tablesMost {
		l.tables = map[string]*table{}
	}
	if was := l.tables[tenantID]; was != nil && was.fingerprint == t.fingerprint && was.kept.Load() {
		t.kept.Store(true)
	}
	l.tables[tenantID] = t
}

// Proved is what a sign-in has come to.
type Proved struct {
	Way, Proves, Before user.Ways
}

// Decide says what becomes of the sign-in now that a way was proved.
func (f *Facts) Decide(p Proved) Decision {
	f.input.Way, f.input.Proves, f.input.Proved = p.Way, p.Proves, p.Before
	f.decision = Decide(f.table.rules, &f.input)
	return f.decision
}

// Lifted says whether what was proved, now or before, counts only because an outage lifts
// the stage that holds its person back.
func (f *Facts) Lifted(proved user.Ways) bool {
	return f.table.rules.lifts(&f.input, f.table.rules.Features.Of(&f.input.Person), before(proved))
}

// Usable gives what the decision leaves to take.
func (f *Facts) Usable() user.Ways { return f.decision.Usable }

// Browser says what the browser of the sign-in turned out to be, and decides again by it.
func (f *Facts) Browser(seen, trusted bool) Decision {
	f.input.Seen, f.input.Trusted = seen, trusted
	f.decision = Decide(f.table.rules, &f.input)
	return f.decision
}

// Same notes that something came out otherwise than the function said.
func (f *Facts) Same(what string, same bool, out any) {
	if !same {
		f.differs(what, fmt.Sprintf("%v, function %+v of %+v", out, f.decision, f.input))
	}
}

func (f *Facts) differs(what, how string) {
	f.live.differences.Add(1)
	f.different = append(f.different, what)
	if f.live.Log != nil {
		f.live.Log.Error("a decision differs", "what", what, "how", how, "rules", f.table.fingerprint)
	}
}

// Store keeps the decision in the act tx, with what it was made of and the rules that
// held. On PostgreSQL it goes with the next statement.
func (f *Facts) Store(tx *store.Tx, tenantID, userID, attemptID string) error {
	t := f.table
	if !t.kept.Load() {
		err := tx.Later("INSERT INTO decision_rules (tenant_id, fingerprint, rules, first_at) VALUES (?,?,?,?) ON CONFLICT DO NOTHING", tenantID, t.fingerprint, t.rules.Text(), tx.Now)
		if err != nil {
			return err
		}
		tx.After(func() { t.kept.Store(true) })
	}
	would := f.decision
	if t.reports {
		would = Would(t.rules, &f.input)
	}
	return tx.Later(`INSERT INTO decisions (tenant_id, decided_at, id, user_id, attempt_id, outcome, had, would_outcome, would_have, rules, record, differs)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`, tenantID, tx.Now, secret.System.ShortID(), userID, attemptID, int(f.decision.Outcome), int64(f.decision.Has),
		int(would.Outcome), int64(would.Has), t.fingerprint, record(&f.input, f.decision), strings.Join(f.different, " "))
}
