package notify_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/app/notify"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestEachTryIsCountedInItsMinute: as one that failed where the channel is to blame, and
// not at all where the receiver is, where nothing was tried, or where it is no channel.
func TestEachTryIsCountedInItsMinute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		answers := map[string]error{
			"fine": nil, "away": errors.New("the service is away"), "gone": notify.ErrGone,
			"no number": &notify.Failed{Code: "refused", Final: true}, "nobody carries it": &notify.Failed{Code: "no_provider"}, "slow": &notify.Failed{Code: "slow"},
		}
		p := &post{answer: func(_ context.Context, target string) error { return answers[target] }}
		o := open(t, db, p, nil)
		counted := func() (tried, failed, minutes int) {
			t.Helper()
			var row struct{ Tried, Failed, Minutes int }
			if _, err := db.View(t.Context()).One(&row, "SELECT CAST(COALESCE(sum(tried), 0) AS integer) AS tried, CAST(COALESCE(sum(failed), 0) AS integer) AS failed, count(*) AS minutes FROM channel_minutes WHERE tenant_id = 'alder' AND channel = 'web_push'"); err != nil {
				t.Fatal(err)
			}
			return row.Tried, row.Failed, row.Minutes
		}
		for target := range answers {
			o.queue(time.Minute, target)
		}
		o.queue(time.Minute, "fine")
		o.queueAs(kindOther, time.Minute, "fine")
		o.nudge <- struct{}{}
		o.settled("sent_at", 3)
		o.settled("failed_at", 2)
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if tried, _, _ := counted(); tried >= 4 {
				break
			}
		}
		if tried, failed, minutes := counted(); tried != 4 || failed != 2 || minutes != 1 {
			t.Errorf("%d tried, %d failed, in %d minutes; want 4, 2 and 1", tried, failed, minutes)
		}
		clock.Forward(time.Minute)
		o.queue(time.Minute, "fine")
		o.nudge <- struct{}{}
		o.settled("sent_at", 4)
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if tried, _, _ := counted(); tried >= 5 {
				break
			}
		}
		if tried, _, minutes := counted(); tried != 5 || minutes != 2 {
			t.Errorf("a minute later %d tried in %d minutes, want 5 in 2", tried, minutes)
		}
		var others int
		if _, err := db.View(t.Context()).One(&others, "SELECT count(*) FROM channel_minutes WHERE channel <> 'web_push'"); err != nil || others != 0 {
			t.Errorf("%d minutes of what is no channel are counted, %v", others, err)
		}
	})
}
