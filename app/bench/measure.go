package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	firstEventWait = 20 * time.Millisecond // a server may say "pending" first
	eventWait      = 10 * time.Second
	openAtOnce     = 32 // workers that prepare waiting browsers
)

// Run measures the target and prints the report to out.
func Run(ctx context.Context, t Target, o Options, out io.Writer) error {
	report, err := Measure(ctx, t, o)
	if err != nil {
		return err
	}
	return report.Print(out)
}

// Measure runs all stages in turn. The first answer that is not as it should be
// ends it: a rate of wrong answers is none.
func Measure(ctx context.Context, t Target, o Options) (*Report, error) {
	if have, need := len(t.Users), o.UsersNeeded(); have < need {
		return nil, fmt.Errorf("bench: %d users are too few, %d are needed", have, need)
	}
	r := &run{Target: t, options: o, users: newPool(t.Users)}
	report := &Report{PagePath: o.PagePath, Facts: t.Facts}
	r.mark("warm-up")
	if _, err := r.signIns(ctx, min(8, openAtOnce), warmUps); err != nil {
		return nil, err
	}
	if r.Settle != nil {
		if err := r.Settle(ctx); err != nil {
			return nil, err
		}
	}
	for _, level := range o.Levels {
		row, err := r.level(ctx, level)
		if err != nil {
			return nil, fmt.Errorf("%d at once: %w", level.AtOnce, err)
		}
		report.SignIns = append(report.SignIns, row)
	}
	var err error
	if o.Pages > 0 {
		if report.Pages, err = r.pages(ctx); err != nil {
			return nil, err
		}
	}
	if o.Wakes > 0 {
		r.mark("wake-up")
		if report.Wakes, err = r.wakes(ctx); err != nil {
			return nil, err
		}
		if report.BareWakes, err = r.bareWakes(ctx, nil, nil); err != nil {
			return nil, err
		}
		if r.Tell != nil {
			if report.BareAcross, err = r.bareWakes(ctx, r.Tell, r.Told); err != nil {
				return nil, err
			}
		}
		if r.Beside != nil {
			if report.Across, err = r.across(ctx); err != nil {
				return nil, err
			}
		}
	}
	if o.Streams > 0 {
		if report.Waiting, err = r.waiting(ctx); err != nil {
			return nil, err
		}
	}
	return report, nil
}

type run struct {
	Target
	options Options
	users   *pool
}

func (r *run) mark(stage string) {
	if r.Mark != nil {
		r.Mark(stage)
	}
}

func (r *run) cpu() time.Duration {
	if r.CPU == nil {
		return 0
	}
	return r.CPU()
}

func (r *run) durable() int64 {
	if r.DurableCommits == nil {
		return 0
	}
	return r.DurableCommits()
}

// level measures sign-ins in two halves, with the bound before, between and after.
func (r *run) level(ctx context.Context, l Level) (SignInRow, error) {
	row := SignInRow{Load: Load{AtOnce: l.AtOnce}}
	var commits []float64
	bound := func() error {
		r.mark(fmt.Sprintf("commits at %d", l.AtOnce))
		rate, err := r.commits(ctx, l.AtOnce)
		commits = append(commits, rate)
		return err
	}
	if err := bound(); err != nil {
		return row, err
	}
	for _, count := range []int{l.SignIns / 2, l.SignIns - l.SignIns/2} {
		r.mark(fmt.Sprintf("sign-ins at %d", l.AtOnce))
		before := r.durable()
		load, err := r.signIns(ctx, l.AtOnce, count)
		if err != nil {
			return row, err
		}
		row.DurableCommits += r.durable() - before
		row.add(load)
		if err := bound(); err != nil {
			return row, err
		}
	}
	for _, rate := range commits {
		row.Commits += rate / float64(len(commits))
	}
	return row, nil
}

// commits gives bare durable commits a second.
func (r *run) commits(ctx context.Context, atOnce int) (float64, error) {
	if r.Commit == nil || r.options.CommitTime <= 0 {
		return 0, nil
	}
	var done atomic.Int64
	began := time.Now()
	err := together(atOnce, func(int) error {
		for time.Since(began) < r.options.CommitTime {
			if err := r.Commit(ctx); err != nil {
				return fmt.Errorf("bench: a bare commit: %w", err)
			}
			done.Add(1)
		}
		return nil
	})
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

// signIns runs count complete sign-ins, atOnce at a time.
func (r *run) signIns(ctx context.Context, atOnce, count int) (Load, error) {
	return r.load(ctx, atOnce, count, nil, func(w *worker) error {
		u, err := r.users.take()
		if err != nil {
			return err
		}
		if err := w.signIn(u.User); err != nil {
			return err
		}
		r.users.giveBack(u)
		return nil
	})
}

// pages measures a page that checks the session, each worker with its own.
func (r *run) pages(ctx context.Context) (Load, error) {
	signIn := func(w *worker) error {
		u, err := r.users.take()
		if err != nil {
			return err
		}
		defer r.users.giveBack(u)
		return w.signIn(u.User)
	}
	r.mark("pages")
	return r.load(ctx, r.options.PagesAt, r.options.Pages, signIn, func(w *worker) error {
		_, err := w.get(r.options.PagePath)
		return err
	})
}

// load runs one act count times, atOnce at a time, and times each. Before the
// clock starts every worker prepares, when there is something to prepare.
func (r *run) load(ctx context.Context, atOnce, count int, prepare, act func(*worker) error) (Load, error) {
	workers := make([]*worker, atOnce)
	for i := range workers {
		w, err := newWorker(&r.Target)
		if err != nil {
			return Load{}, err
		}
		defer w.close()
		workers[i] = w
	}
	if prepare != nil {
		if err := together(atOnce, func(i int) error { return prepare(workers[i]) }); err != nil {
			return Load{}, err
		}
	}
	requests := int64(0)
	for _, w := range workers {
		requests -= w.requests
	}
	times := make([]time.Duration, count)
	var next atomic.Int64
	cpu, began := r.cpu(), time.Now()
	err := together(atOnce, func(i int) error {
		for {
			n := int(next.Add(1)) - 1
			if n >= count {
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			start := time.Now()
			if err := act(workers[i]); err != nil {
				next.Store(int64(count)) // the others stop as well
				return err
			}
			times[n] = time.Since(start)
		}
	})
	l := Load{AtOnce: atOnce, Took: time.Since(began), CPU: r.cpu() - cpu, Times: times}
	for _, w := range workers {
		requests += w.requests
	}
	l.Requests = requests
	return l, err
}

// across is wakes with phones that answer on another server than browsers wait on.
func (r *run) across(ctx context.Context) (Wakes, error) {
	r.mark("wake-up across replicas")
	address, stop, err := r.Beside(ctx)
	if err != nil {
		return Wakes{}, err
	}
	defer stop()
	two := *r
	two.PhoneURL = address
	return two.wakes(ctx)
}

// wakes times how long an answer takes to reach the waiting browser, one sign-in
// at a time.
func (r *run) wakes(ctx context.Context) (Wakes, error) {
	var found Wakes
	w, err := newWorker(&r.Target)
	if err != nil {
		return found, err
	}
	defer w.close()
	for range r.options.Wakes {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		u, err := r.users.take()
		if err != nil {
			return found, err
		}
		if err := w.wake(u.User, &found); err != nil {
			return found, err
		}
		r.users.giveBack(u)
	}
	return found, nil
}

func (w *worker) wake(u *User, found *Wakes) error {
	a, err := w.begin(u)
	if err != nil {
		return err
	}
	events, stop, err := w.listen(a)
	if err != nil {
		return err
	}
	defer stop()
	select {
	case <-events:
	case <-time.After(firstEventWait):
	}
	signed, id, err := w.sign(u, a)
	if err != nil {
		return err
	}
	sent := time.Now()
	if err := w.answer(u, id, signed); err != nil {
		return err
	}
	answered := time.Now()
	late := time.After(eventWait)
	for {
		select {
		case e, open := <-events:
			if !open {
				return errors.New("bench: the event stream ended before the answer")
			}
			if e.state != "approved" {
				continue
			}
			found.FromSend = append(found.FromSend, e.at.Sub(sent))
			found.FromAnswer = append(found.FromAnswer, e.at.Sub(answered))
			return w.finish(a)
		case <-late:
			return errors.New("bench: no event after an answer")
		}
	}
}

// waiting opens many event streams and reads the server's memory before and
// after; then it times wake-ups among them.
func (r *run) waiting(ctx context.Context) (Waiting, error) {
	attempts := (r.options.Streams + streamsPerUser - 1) / streamsPerUser
	found := Waiting{Streams: r.options.Streams}
	browsers := make([]browser, attempts)
	var next atomic.Int64

	r.mark("waiting: attempts")
	err := together(openAtOnce, func(int) error {
		w, err := newWorker(&r.Target)
		if err != nil {
			return err
		}
		defer w.close()
		for n := next.Add(1) - 1; n < int64(attempts); n = next.Add(1) - 1 {
			if err := ctx.Err(); err != nil {
				return err
			}
			u, err := r.users.take() // and not given back: its prompt stays open
			if err != nil {
				return err
			}
			a, err := w.begin(u.User)
			if err != nil {
				return err
			}
			browsers[n] = browser{a, slices.Clone(w.cookies)}
		}
		return nil
	})
	if err != nil {
		return found, err
	}
	before := r.memory()

	r.mark("waiting: streams")
	var mu sync.Mutex
	var streams []*wire
	defer func() {
		for _, s := range streams {
			s.close()
		}
	}()
	next.Store(0)
	began := time.Now()
	err = together(openAtOnce, func(int) error {
		w, err := newWorker(&r.Target)
		if err != nil {
			return err
		}
		for n := int(next.Add(1) - 1); n < r.options.Streams; n = int(next.Add(1) - 1) {
			if err := ctx.Err(); err != nil {
				return err
			}
			b := browsers[n/streamsPerUser]
			w.cookies = b.cookies
			s, _, err := w.stream(b.attempt, sourceOf(n/streamsPerAddress))
			if err != nil {
				return fmt.Errorf("stream %d: %w", n+1, err)
			}
			s.r, s.out, s.body = nil, nil, nil
			mu.Lock()
			streams = append(streams, s)
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return found, err
	}
	found.Opened = time.Since(began)
	found.Memory = r.memory() - before
	cpu, since := r.cpu(), time.Now()
	time.Sleep(r.options.Settle)
	found.Held = r.held()
	found.IdleCPU = float64(r.cpu()-cpu) / float64(time.Since(since))
	if r.options.Wakes > 0 {
		r.mark("waiting: wake-up")
		found.Wakes, err = r.wakes(ctx)
	}
	return found, err
}

// held is the least that the server holds within two seconds: what works in the
// background holds a connection for moments, and who waits would hold it all the time.
func (r *run) held() int64 {
	if r.Held == nil {
		return -1
	}
	least := r.Held()
	for range 20 {
		if least == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
		least = min(least, r.Held())
	}
	return least
}

// browser is one that waits.
type browser struct {
	attempt
	cookies []string
}

func (r *run) memory() int64 {
	if r.RSS == nil {
		return 0
	}
	time.Sleep(r.options.Settle)
	return r.RSS()
}

// sourceOf is the n-th address of the loopback network, from 127.0.1.1 on.
// Linux has all of them; elsewhere many streams are not measured.
func sourceOf(n int) net.IP {
	return net.IPv4(127, 0, byte(1+n/200), byte(1+n%200))
}

// together runs act in n goroutines and gives the first error.
func together(n int, act func(i int) error) error {
	failed := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { failed[i] = act(i) })
	}
	wg.Wait()
	return first(failed)
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
