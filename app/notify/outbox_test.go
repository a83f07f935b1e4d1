package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"latchkey/app/notify"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// post is a sender that a story decides for: what becomes of each target.
type post struct {
	mu     sync.Mutex
	answer func(ctx context.Context, target string) error
	sent   []string // targets, in the order in which they were tried
	lives  []time.Duration
	now    int // under way
	most   int // of them at once
	tried  chan string
}

func (p *post) Send(ctx context.Context, o notify.Owed) error {
	target := o.Target
	p.mu.Lock()
	p.sent, p.lives = append(p.sent, target), append(p.lives, o.Life)
	p.now++
	p.most = max(p.most, p.now)
	answer := p.answer
	p.mu.Unlock()
	p.tried <- target
	err := error(nil)
	if answer != nil {
		err = answer(ctx, target)
	}
	p.mu.Lock()
	p.now--
	p.mu.Unlock()
	return err
}

func (p *post) tries() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// office is a worker at work, woken by the story.
type office struct {
	t     *testing.T
	db    *store.DB
	post  *post
	nudge chan struct{}
	stop  func()
}

func open(t *testing.T, db *store.DB, p *post, gone func(ctx context.Context, target string) error) *office {
	t.Helper()
	if p.tried == nil {
		p.tried = make(chan string, 1000)
	}
	o := &office{t: t, db: db, post: p, nudge: make(chan struct{})}
	w := &notify.Worker{DB: db, Log: slog.New(slog.DiscardHandler), Senders: map[string]notify.Sender{notify.KindPush: p, kindOther: p}, Gone: gone, Nudge: o.nudge}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	o.stop = func() { cancel(); <-ended }
	t.Cleanup(o.stop)
	return o
}

// queue queues a notice to each target.
func (o *office) queue(life time.Duration, targets ...string) {
	o.t.Helper()
	o.queueAs(notify.KindPush, life, targets...)
}

// kindOther is a kind by which nobody is reached.
const kindOther = "ticket_note"

func (o *office) queueAs(kind string, life time.Duration, targets ...string) {
	o.t.Helper()
	err := o.db.Act(o.t.Context(), func(tx *store.Tx) error {
		for _, target := range targets {
			to := notify.Targets{Query: "SELECT CAST(? AS text) AS target", Values: []any{target}}
			if err := notify.Queue(tx, "alder", kind, to, map[string]string{"to": target}, life); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// sweep wakes the worker; when it takes the second call, the first sweep is over.
func (o *office) sweep() {
	o.nudge <- struct{}{}
	o.nudge <- struct{}{}
}

// next gives the next target that is tried.
func (o *office) next() string {
	o.t.Helper()
	select {
	case target := <-o.post.tried:
		return target
	case <-time.After(time.Minute):
		o.t.Fatal("nothing was tried for a minute")
		return ""
	}
}

// settled waits until so many notices have ended in a column: sent_at or failed_at.
func (o *office) settled(column string, want int) {
	o.t.Helper()
	got := -1
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := o.db.View(o.t.Context()).One(&got, "SELECT count(*) FROM outbox WHERE "+column+" IS NOT NULL"); err != nil {
			o.t.Fatal(err)
		}
		if got == want {
			return
		}
	}
	o.t.Errorf("%d notices with %s, want %d", got, column, want)
}

var errAway = errors.New("the service is away")

// TestOneTargetThatHangsHoldsUpNobody: eight go at once, and no more.
func TestOneTargetThatHangsHoldsUpNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		release := make(chan struct{})
		p := &post{answer: func(_ context.Context, target string) error {
			if target == "hangs" {
				<-release
			}
			return nil
		}}
		o := open(t, db, p, nil)
		defer o.stop() // after what hangs was let go
		o.queue(time.Minute, "hangs", "hangs", "hangs", "hangs", "hangs", "hangs", "hangs", "quick", "quick", "quick")
		o.nudge <- struct{}{}
		o.settled("sent_at", 3)
		o.queue(time.Minute, "hangs", "hangs", "hangs")
		o.nudge <- struct{}{}
		for range 11 {
			o.next()
		}
		if p.most != 8 {
			t.Errorf("%d were under way at once, want 8", p.most)
		}
		close(release)
		o.settled("sent_at", 13)
	})
}

// TestANoticeIsTriedAgainLessAndLessOften: and given up after six tries.
func TestANoticeIsTriedAgainLessAndLessOften(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p := &post{answer: func(context.Context, string) error { return errAway }}
		o := open(t, db, p, nil)
		o.queue(time.Hour, "somebody")
		for i, wait := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
			if wait > 0 {
				o.dueIn(wait)
				clock.Forward(wait - time.Microsecond)
				o.sweep()
				if got := p.tries(); got != i {
					t.Fatalf("try %d came before %v had passed", got, wait)
				}
				clock.Forward(time.Microsecond)
			}
			o.nudge <- struct{}{}
			o.next()
		}
		o.settled("failed_at", 1)
		clock.Forward(time.Minute)
		o.sweep()
		if got := p.tries(); got != 6 {
			t.Errorf("it was tried %d times, want 6", got)
		}
	})
}

// TestWhatIsWorthSomethingForDaysIsNotGivenUp: its service is away for longer than a minute.
func TestWhatIsWorthSomethingForDaysIsNotGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		away := true
		p := &post{answer: func(context.Context, string) error {
			if away {
				return errAway
			}
			return nil
		}}
		o := open(t, db, p, nil)
		o.queue(notify.MailLife, "somebody")
		for range 7 {
			o.nudge <- struct{}{}
			o.next()
			o.putOff()
			clock.Forward(15 * time.Minute)
		}
		away = false
		o.nudge <- struct{}{}
		o.next()
		o.settled("sent_at", 1)
	})
}

// dueIn waits until the one notice is put off by so much.
func (o *office) dueIn(wait time.Duration) {
	o.t.Helper()
	var due time.Time
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := o.db.View(o.t.Context()).One(&due, "SELECT due_at FROM outbox"); err != nil {
			o.t.Fatal(err)
		}
		if due.Equal(o.db.Now().Add(wait)) {
			return
		}
	}
	o.t.Errorf("it is due in %v, want %v", due.Sub(o.db.Now()), wait)
}

// putOff waits until the one notice is due at another time than that of its claim.
func (o *office) putOff() {
	o.t.Helper()
	var due time.Time
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := o.db.View(o.t.Context()).One(&due, "SELECT due_at FROM outbox WHERE failed_at IS NULL"); err != nil {
			o.t.Fatal(err)
		}
		if !due.Equal(o.db.Now().Add(30 * time.Second)) {
			return
		}
	}
	o.t.Error("it is not put off")
}

// TestNothingIsSentWhenItsTimeIsOver: a request that is over wakes no phone.
func TestNothingIsSentWhenItsTimeIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p := &post{answer: func(context.Context, string) error { return errAway }}
		o := open(t, db, p, nil)
		o.queue(10*time.Second, "late")
		clock.Forward(10 * time.Second)
		o.sweep()
		o.settled("failed_at", 1)
		if got := p.tries(); got != 0 {
			t.Errorf("it was tried %d times at its last instant", got)
		}

		// Nor is it put off to when it is.
		o.queue(3*time.Second, "short")
		o.nudge <- struct{}{}
		o.next()
		o.dueLast(time.Second)
		clock.Forward(time.Second)
		o.nudge <- struct{}{}
		o.next()
		o.settled("failed_at", 2)
		if len(p.lives) != 2 || p.lives[0] != 3*time.Second || p.lives[1] != 2*time.Second {
			t.Errorf("it was worth %v when it was sent, want 3 s and 2 s", p.lives)
		}
	})
}

// dueLast is dueIn for the notice that is still to be sent.
func (o *office) dueLast(wait time.Duration) {
	o.t.Helper()
	got := 0
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := o.db.View(o.t.Context()).One(&got, "SELECT count(*) FROM outbox WHERE failed_at IS NULL AND due_at = ?", o.db.Now().Add(wait)); err != nil {
			o.t.Fatal(err)
		}
		if got == 1 {
			return
		}
	}
	o.t.Errorf("none is due in %v", wait)
}

func TestATargetThatIsGoneIsToldAndNotTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p := &post{answer: func(context.Context, string) error { return notify.ErrGone }}
		told := make(chan string, 10)
		o := open(t, db, p, func(_ context.Context, target string) error { told <- target; return nil })
		o.queue(time.Hour, "moved away")
		o.nudge <- struct{}{}
		o.settled("failed_at", 1)
		if got := <-told; got != "moved away" {
			t.Errorf("told is %q", got)
		}
		clock.Forward(time.Minute)
		o.sweep()
		if p.tries() != 1 || len(told) != 0 {
			t.Errorf("it was tried %d times and told %d times more", p.tries(), len(told))
		}
	})
}

func TestTwoReplicasSendEachNoticeOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		p := &post{}
		first, second := open(t, db, p, nil), open(t, db, p, nil)
		targets := make([]string, 30)
		for i := range targets {
			targets[i] = string(rune('a' + i))
		}
		first.queue(time.Minute, targets...)
		for range 5 {
			first.nudge <- struct{}{}
			second.nudge <- struct{}{}
		}
		first.settled("sent_at", len(targets))
		if got := p.tries(); got != len(targets) {
			t.Errorf("%d notices were sent, want %d", got, len(targets))
		}
	})
}

// TestWhatIsUnderWayWhenTheWorkerStops: it is cut short, and taken up by whoever
// finds its claim lapsed.
func TestWhatIsUnderWayWhenTheWorkerStops(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p := &post{answer: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }}
		o := open(t, db, p, nil)
		o.queue(time.Minute, "slow")
		o.nudge <- struct{}{}
		o.next()
		o.stop()

		again := &post{}
		other := open(t, db, again, nil)
		other.sweep()
		if got := again.tries(); got != 0 {
			t.Errorf("another one took it up %d times though it was claimed", got)
		}
		clock.Forward(30 * time.Second)
		other.nudge <- struct{}{}
		other.settled("sent_at", 1)
	})
}
