package server_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/server/servertest"
	"latchkey/app/signin"
	"latchkey/app/store"
)

// BenchmarkActs does acts of the product on PostgreSQL, sixteen at once: one is the lightest
// that a browser asks for, a sign-in that begins; the other is the helpdesk's, a person who is
// locked. They are done in turns: in a database that takes the statement of an event and
// writes no row, in one that writes it, and there with the sealing beside them, until all is
// sealed. It reports how long an act with its event takes, what the event adds, and how many
// of the acts are left beside the sealing: medians over the turns.
func BenchmarkActs(b *testing.B) {
	bare, written := newCrowd(b), newCrowd(b)
	bare.run(b, "CREATE RULE unwritten AS ON INSERT TO audit_events DO INSTEAD NOTHING")
	for _, row := range []struct {
		name string
		turn int
		act  func(c *crowd, i int64) error
	}{{"begin", 2048, (*crowd).begin}, {"lock", 256, (*crowd).lock}} {
		b.Run(row.name, func(b *testing.B) {
			turn := row.turn
			for _, c := range []*crowd{bare, written} {
				c.acts(b, 256, row.act) // each connection plans its statements
			}
			var took, added, kept []float64
			for b.Loop() {
				// There and back: whoever is first or last is so as often as the others.
				plain, event := bare.acts(b, turn, row.act).Seconds(), written.acts(b, turn, row.act).Seconds()
				written.seal(b)
				beside := written.sealed(b, 2*turn, row.act).Seconds()
				event += written.acts(b, turn, row.act).Seconds()
				written.seal(b)
				plain += bare.acts(b, turn, row.act).Seconds()
				took = append(took, event*1e6/float64(2*turn))
				added = append(added, 100*(event/plain-1))
				kept = append(kept, 100*event/beside)
			}
			for _, figures := range [][]float64{took, added, kept} {
				slices.Sort(figures)
			}
			b.ReportMetric(took[len(took)/2], "µs/act")
			b.ReportMetric(added[len(added)/2], "%-added")
			b.ReportMetric(kept[len(kept)/2], "%-kept-beside-sealing")
		})
	}
}

// sealed is acts with the sealing beside them, and what is left of it behind them.
func (c *crowd) sealed(b *testing.B, count int, act func(c *crowd, i int64) error) time.Duration {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	var sealing sync.WaitGroup
	sealing.Go(func() { c.Checkpoints.Run(ctx) })
	began := time.Now()
	c.acts(b, count, act)
	stop()
	sealing.Wait()
	c.seal(b)
	return time.Since(began)
}

// seal seals what is recorded, with nobody beside it.
func (c *crowd) seal(b *testing.B) {
	b.Helper()
	for more := true; more; {
		var err error
		if _, more, err = c.Checkpoints.Seal(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// crowd is a program with so many people that each is locked once.
type crowd struct {
	*world
	tenantID, agent string
	next            atomic.Int64
}

const crowded = 50_000

func newCrowd(b *testing.B) *crowd {
	b.Helper()
	c := &crowd{world: quiet(servertest.Quiet(b, store.Postgres, "https://id.example.org"))}
	c.tenantID, c.agent = c.person(b, "desk@alder.example")
	_, err := c.DB.CountOne(b.Context(), `INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at)
		SELECT CAST(? AS text), 'crowd-' || i, 'crowd' || i || '@alder.example', '', 'active', 'disabled', '', ? FROM generate_series(0, ?) i`, c.tenantID, c.DB.Now(), crowded-1)
	if err != nil {
		b.Fatal(err)
	}
	c.run(b, "VACUUM ANALYZE")
	return c
}

func (c *crowd) run(b *testing.B, statement string) {
	b.Helper()
	if _, err := c.DB.Pool().ExecContext(b.Context(), statement); err != nil {
		b.Fatal(err)
	}
}

// acts does so many, sixteen at once, and says how long it took.
func (c *crowd) acts(b *testing.B, count int, act func(c *crowd, i int64) error) time.Duration {
	b.Helper()
	const atOnce = 16
	began := time.Now()
	var working sync.WaitGroup
	for range atOnce {
		working.Go(func() {
			for range count / atOnce {
				if err := act(c, c.next.Add(1)%crowded); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
	return time.Since(began)
}

func (c *crowd) begin(i int64) error {
	from := signin.From{Origin: audit.Origin{IP: fmt.Sprintf("10.1.%d.%d", i>>8, i&255), RequestID: fmt.Sprint(i)}, BrowserDigest: fmt.Sprint(i)}
	_, err := c.SignIn.Begin(context.Background(), fmt.Sprintf("crowd%d@alder.example", i), "", from)
	return err
}

func (c *crowd) lock(i int64) error {
	_, err := c.Approvals.Submit(context.Background(), approval.Act{Kind: people.KindLock, TenantID: c.tenantID, ActorID: c.agent, TargetID: fmt.Sprintf("crowd-%d", i), Reason: "lost the phone"})
	return err
}
