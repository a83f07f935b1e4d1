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
	"latchkey/app/checkpoint/checkpointtest"
	"latchkey/app/people"
	"latchkey/app/server/servertest"
	"latchkey/app/signin"
	"latchkey/app/store"
)

// actsMeasured are one that is the lightest that a browser asks for, a sign-in that begins, and
// the helpdesk's, a person who is locked.
var actsMeasured = []struct {
	name string
	turn int
	act  func(c *crowd, i int64) error
}{{"begin", 2048, (*crowd).begin}, {"lock", 256, (*crowd).lock}}

// BenchmarkActs does acts of the product on PostgreSQL, sixteen at once. They are done in turns
// in one database: while it takes the statements of an event and writes no row, and while it
// writes them, there and back. It reports how long an act with its event takes, and what the
// event adds: medians over the turns.
func BenchmarkActs(b *testing.B) {
	c := newCrowd(b)
	for _, row := range actsMeasured {
		b.Run(row.name, func(b *testing.B) {
			var took, added []float64
			for b.Loop() {
				c.write(b, false, row.act)
				plain := c.acts(b, row.turn, row.act).Seconds()
				c.write(b, true, row.act)
				event := c.acts(b, 2*row.turn, row.act).Seconds()
				c.write(b, false, row.act)
				plain += c.acts(b, row.turn, row.act).Seconds()
				took = append(took, event*1e6/float64(2*row.turn))
				added = append(added, 100*(event/plain-1))
			}
			c.write(b, true, row.act)
			b.ReportMetric(medianOf(took), "µs/act")
			b.ReportMetric(medianOf(added), "%-added")
		})
	}
}

// BenchmarkSealingBeside does the same acts with the sealing beside them, which is to keep up,
// and reports how many of a hundred are left.
func BenchmarkSealingBeside(b *testing.B) {
	c := newCrowd(b)
	for _, row := range actsMeasured {
		b.Run(row.name, func(b *testing.B) {
			f := checkpointtest.Beside(b, c.Checkpoints, 1, func() error { return c.do(row.act) })
			if f.Behind > 0.5 {
				b.Errorf("the sealing has left the events of %.1f s", f.Behind)
			}
			b.ReportMetric(f.Kept, "%-kept")
		})
	}
}

func medianOf(figures []float64) float64 {
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// write lets the database write the rows of events, or not, from now on. A connection that has
// planned to write none never learns better, so that each begins anew, and does some acts.
func (c *crowd) write(b *testing.B, rows bool, act func(c *crowd, i int64) error) {
	b.Helper()
	for _, table := range []string{"audit_events", "audit_words"} {
		c.run(b, "CREATE OR REPLACE RULE unwritten AS ON INSERT TO "+table+" DO INSTEAD NOTHING")
		if rows {
			c.run(b, "DROP RULE unwritten ON "+table)
		}
	}
	pool := c.DB.Pool()
	pool.SetMaxIdleConns(0)
	pool.SetMaxIdleConns(pool.Stats().MaxOpenConnections)
	c.acts(b, warmUp, act)
}

// crowd is a program with so many people that each is locked once.
type crowd struct {
	*world
	tenantID, agent string
	next            atomic.Int64
}

const (
	crowded = 200_000
	warmUp  = 128 // acts: eight on each connection, which plans its statements until then
)

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
				if err := c.do(act); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
	return time.Since(began)
}

// do does an act to the next of the crowd.
func (c *crowd) do(act func(c *crowd, i int64) error) error { return act(c, c.next.Add(1)%crowded) }

func (c *crowd) begin(i int64) error {
	from := signin.From{Origin: audit.Origin{IP: fmt.Sprintf("10.1.%d.%d", i>>8, i&255), RequestID: fmt.Sprint(i)}, BrowserDigest: fmt.Sprint(i)}
	_, err := c.SignIn.Begin(context.Background(), fmt.Sprintf("crowd%d@alder.example", i), "", from)
	return err
}

func (c *crowd) lock(i int64) error {
	_, err := c.Approvals.Submit(context.Background(), approval.Act{Kind: people.KindLock, TenantID: c.tenantID, ActorID: c.agent, TargetID: fmt.Sprintf("crowd-%d", i), Reason: "lost the phone"})
	return err
}
