package bench

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"time"
)

// Target is a running server and what the bench may know of it from inside.
type Target struct {
	BaseURL   string // http://host:port, where browsers go
	PhoneURL  string // where phones go, to measure across replicas; "" means BaseURL
	PublicURL string // what phones sign and browsers name as origin; "" means BaseURL
	Users     []User // at least Options.UsersNeeded

	Commit func(context.Context) error // one bare durable commit on the same database; nil leaves the bound out
	CPU    func() time.Duration        // of the server's process, user and system; nil leaves it out
	RSS    func() int64                // bytes of memory of the server's process; nil leaves it out
	Held   func() int64                // connections to the database that the server holds at this moment; nil leaves it out
	// DurableCommits counts those of the servers since they began, as they say it
	// themselves; nil leaves it out.
	DurableCommits func() int64
	Mark           func(stage string)          // called as a stage begins, say for profiles; may be nil
	Settle         func(context.Context) error // called after the warm-up, for what a database does by itself in its first minutes; may be nil

	// Beside starts one more server over the same database, for wake-ups across two;
	// nil leaves them out.
	Beside func(context.Context) (address string, stop func(), err error)
	// Tell rings Told through the database, as a replica tells another one; nil where
	// there is one process.
	Tell func(context.Context) error
	Told <-chan struct{}

	Facts // found before the load began
}

// Facts are figures that need no load. Zero means not known.
type Facts struct {
	Postgres  bool
	Replicas  int
	Ready     time.Duration // of a server whose database is in place
	DemoReady time.Duration // of the demo from an empty folder
	Idle      int64         // bytes of memory
	Render    time.Duration // of the number page, the median
}

// User is somebody with an enrolled phone and phone sign-in enabled.
type User struct {
	Identifier string
	AccountID  string
	DeviceID   string
	Key        *ecdsa.PrivateKey
	PIN        string
}

// Options say how much is measured. A count of 0 leaves its stage out.
type Options struct {
	Levels     []Level       // phone sign-ins
	CommitTime time.Duration // each of three measurements of the bound per level
	PagePath   string        // needs a session
	Pages      int
	PagesAt    int           // how many at once
	Wakes      int           // sign-ins, one at a time, whose event is timed
	Streams    int           // browsers that wait at the same time
	Settle     time.Duration // quiet before memory is read
}

// Level is one row of the main table.
type Level struct{ AtOnce, SignIns int }

// Defaults is the measurement that the README shows.
func Defaults() Options {
	return Options{
		Levels:     []Level{{1, 400}, {8, 2000}, {32, 4000}},
		CommitTime: time.Second,
		PagePath:   "/me",
		Pages:      20_000,
		PagesAt:    32,
		Wakes:      300,
		Streams:    10_000,
		Settle:     2 * time.Second,
	}
}

const (
	// usesPerUser keeps within the limit of prompts per user in ten minutes
	// (product.md §9).
	usesPerUser = 3

	streamsPerUser    = 5  // product.md §9
	streamsPerAddress = 50 // product.md §9

	warmUps = 256 // sign-ins before anything is measured
)

// UsersNeeded is how many users the target must have.
func (o Options) UsersNeeded() int {
	signIns, atOnce := warmUps, o.PagesAt
	for _, l := range o.Levels {
		signIns += l.SignIns
		atOnce = max(atOnce, l.AtOnce)
	}
	signIns += 2 * o.Wakes // the second time across replicas
	if o.Pages > 0 {
		signIns += o.PagesAt
	}
	if o.Streams > 0 {
		signIns += o.Wakes // once more, among the waiting
	}
	return (signIns+usesPerUser-1)/usesPerUser + (o.Streams+streamsPerUser-1)/streamsPerUser + atOnce
}

// pool lends each user to one worker at a time, and as often as limits allow.
type pool struct{ free chan lent }

type lent struct {
	*User
	uses int
}

func newPool(users []User) *pool {
	p := &pool{free: make(chan lent, len(users))}
	for i := range users {
		p.free <- lent{User: &users[i]}
	}
	return p
}

func (p *pool) take() (lent, error) {
	select {
	case u := <-p.free:
		u.uses++
		return u, nil
	default:
		return lent{}, fmt.Errorf("bench: every user was used %d times, which is all that the limits allow; seed more", usesPerUser)
	}
}

// giveBack returns a user whose prompt is decided.
func (p *pool) giveBack(u lent) {
	if u.uses < usesPerUser {
		p.free <- u
	}
}
