package access_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/access"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/wake"
)

// wire joins hubs as NOTIFY does: every one hears what any of them sends.
type wire struct {
	ears [2]chan string
	cut  bool // what is sent is lost
}

func (w *wire) Notify(_ context.Context, payload string) error {
	for _, ear := range w.ears {
		if !w.cut {
			ear <- payload
		}
	}
	return nil
}

// end is the end of a wire at one replica.
type end struct {
	*wire
	ear chan string
}

func (e end) Listen(ctx context.Context, heard func(string)) {
	for {
		select {
		case payload := <-e.ear:
			heard(payload)
		case <-ctx.Done():
			return
		}
	}
}

// TestAHintReachesTheOtherReplicaAtOnce: and one that is lost costs the next tick.
func TestAHintReachesTheOtherReplicaAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		house(t, db)
		here, there := load(t, db), load(t, db)
		give := func(role access.Role) {
			t.Helper()
			if err := db.Act(context.Background(), func(tx *store.Tx) error {
				tx.After(here.Hurry)
				return tx.Exec("UPDATE role_assignments SET role = ? WHERE user_id = ?", role, holder(auditor)).Error
			}); err != nil {
				t.Fatal(err)
			}
		}
		storetest.Bubble(t, db, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			joined := &wire{ears: [2]chan string{make(chan string, 8), make(chan string, 8)}}
			ended := make(chan struct{}, 4)
			run := func(do func(context.Context)) {
				go func() {
					do(ctx)
					ended <- struct{}{}
				}()
			}
			for i, rules := range []*access.Rules{here, there} {
				hub := wake.NewHub(end{joined, joined.ears[i]}, string(rune('a'+i)))
				rules.Share(hub)
				run(hub.Run)
				run(rules.Run)
			}
			synctest.Wait()
			sees := func(claim string, rules *access.Rules, role access.Role) {
				t.Helper()
				if got := rules.Role("alder", holder(auditor)); got != role {
					t.Errorf("%s: %s, want %s", claim, got, role)
				}
			}
			give(desk)
			synctest.Wait()
			sees("here", here, desk)
			sees("there", there, desk)
			joined.cut = true
			give(lead)
			synctest.Wait()
			sees("here, with the wire cut", here, lead)
			sees("there, with the wire cut", there, desk)
			time.Sleep(access.ReloadWait)
			synctest.Wait()
			sees("there, at the next tick", there, lead)
			stop()
			for range 4 {
				<-ended
			}
		})
	})
}

// TestNothingIsReadAgainThatHasNotChanged: the table lives on while nothing
// changes, and every way of changing it is noticed, the end of an assignment too.
func TestNothingIsReadAgainThatHasNotChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		now := crowd(t, db)
		rules := load(t, db)
		storetest.Bubble(t, db, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() {
				rules.Run(ctx)
				close(ended)
			}()
			tick := func() {
				time.Sleep(access.ReloadWait)
				synctest.Wait()
			}
			for range 50 {
				clock.Forward(50 * time.Second) // a table that nobody looked after would be too old
				tick()
				if err := rules.Allow("alder", "custom", access.UserLock); err != nil {
					t.Fatalf("Allow = %v, though the table is looked after", err)
				}
			}
			for _, c := range []struct {
				claim, statement string
				values           []any
				id               string
				role             access.Role
				scope            int
			}{
				{"a role given", "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES ('alder',?,'helpdesk','',?)", []any{"a user", now}, "a user", desk, 0},
				{"a role changed, and nothing else", "UPDATE role_assignments SET role = 'auditor' WHERE user_id = 'a user'", nil, "a user", auditor, 0},
				{"a group that loses its role", "UPDATE groups SET role = '' WHERE id = 'desks'", nil, "member", anyone, 0},
				{"a group that gets one", "UPDATE groups SET role = 'helpdesk_lead' WHERE id = 'desks'", nil, "member", lead, 0},
				{"a member who leaves", "DELETE FROM group_members WHERE user_id = 'member'", nil, "member", anyone, 0},
				{"a member who comes", "INSERT INTO group_members (tenant_id, group_id, user_id) VALUES ('alder','desks','member')", nil, "member", lead, 0},
				{"a limit", "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES ('alder','a user','plain')", nil, "a user", auditor, 1},
				{"a limit taken away", "DELETE FROM role_scopes WHERE user_id = 'a user'", nil, "a user", auditor, 0},
				{"a custom role retired", "UPDATE custom_roles SET retired_at = changed_at WHERE id = 'custom:one'", nil, "custom", anyone, 0},
				{"a custom role that is back", "UPDATE custom_roles SET retired_at = NULL WHERE id = 'custom:one'", nil, "custom", "custom:one", 0},
				{"a role taken", "DELETE FROM role_assignments WHERE user_id = 'a user'", nil, "a user", anyone, 0},
				{"an assignment that is to end", "UPDATE role_assignments SET ends_at = ? WHERE user_id = 'both'", []any{clock.Now().Add(time.Minute)}, "both", desk, 1},
			} {
				if err := db.Act(context.Background(), func(tx *store.Tx) error { return tx.Exec(c.statement, c.values...).Error }); err != nil {
					t.Fatal(err)
				}
				tick()
				if got := rules.Standing("alder", c.id); got.Role != c.role || len(got.Scope) != c.scope {
					t.Errorf("%s: %s is %+v, want %s", c.claim, c.id, got, c.role)
				}
			}
			clock.Forward(time.Minute)
			tick()
			if got := rules.Role("alder", "both"); got != admin {
				t.Errorf("when their own role has ended they are %s, want what their group carries", got)
			}
			stop()
			<-ended
		})
	})
}
