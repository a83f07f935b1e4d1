package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Goals on two cores that the load shares with the server and the database
// (architecture.md, Speed).
const (
	commitsGoal     = commitsPerSignIn
	signInsGoal     = 900 // a second at 32 at once, on PostgreSQL
	boundGoal       = 0.5 // of the bound, at 1 at once; on SQLite at each
	pagesGoal       = 5000
	wakeGoal        = 2 * time.Millisecond // p99, within a process
	acrossGoal      = 5 * time.Millisecond // and between replicas
	renderGoal      = 50 * time.Microsecond
	idleGoal        = 64e6
	readyGoal       = time.Second
	waitingGoal     = 32 << 10
	signInsGoalAt   = 32
	boundGoalAtOnce = 1
)

// goal is a figure beside what it should be.
type goal struct {
	what, want, is string
	reached        bool
}

func atLeast(what string, is, want float64, format string) goal {
	return goal{what, "at least " + fmt.Sprintf(format, want), fmt.Sprintf(format, is), is >= want}
}

func within(what string, is, want time.Duration) goal {
	return goal{what, "within " + want.String(), rounded(is).String(), is > 0 && is <= want}
}

// goals gives those of what was measured.
func (r *Report) goals() (all []goal) {
	for _, row := range r.SignIns {
		at := fmt.Sprintf("%d at once", row.AtOnce)
		if row.DurableCommits > 0 {
			is := float64(row.DurableCommits) / float64(len(row.Times))
			// What is done in the background beside it is counted with it.
			all = append(all, goal{"durable commits of a sign-in, " + at, fmt.Sprintf("at most %d", commitsGoal), fmt.Sprintf("%.2f", is), is < commitsGoal+0.1})
		}
		if r.Postgres && row.AtOnce == signInsGoalAt {
			all = append(all, atLeast("sign-ins a second, "+at, row.Rate(), signInsGoal, "%.0f"))
		}
		if row.Commits > 0 && (!r.Postgres || row.AtOnce == boundGoalAtOnce) {
			all = append(all, atLeast("share of the bound, "+at, row.Rate()/row.Bound(), boundGoal, "%.2f"))
		}
	}
	if len(r.Pages.Times) > 0 {
		all = append(all, atLeast("pages a second", r.Pages.Rate(), pagesGoal, "%.0f"))
	}
	if times := r.Wakes.FromAnswer; len(times) > 0 {
		what, want := "wake-up in a process, p99", wakeGoal
		if r.Replicas > 1 {
			what, want = "wake-up across replicas, p99", acrossGoal
		}
		all = append(all, within(what, max(time.Microsecond, percentile(times, 99)), want))
	}
	if times := r.Across.FromAnswer; len(times) > 0 {
		all = append(all, within("wake-up across replicas, p99", max(time.Microsecond, percentile(times, 99)), acrossGoal))
	}
	if r.Render > 0 {
		all = append(all, within("render of the number page", r.Render, renderGoal))
	}
	if r.Idle > 0 {
		all = append(all, goal{"idle memory", fmt.Sprintf("under %.0f MB", idleGoal/1e6), fmt.Sprintf("%.1f MB", float64(r.Idle)/1e6), float64(r.Idle) < idleGoal})
	}
	if r.Ready > 0 {
		all = append(all, within("serve ready, database in place", r.Ready, readyGoal))
	}
	if r.DemoReady > 0 {
		all = append(all, within("demo ready, from nothing", r.DemoReady, readyGoal))
	}
	if w := r.Waiting; w.Streams > 0 && w.Memory > 0 {
		each := float64(w.Memory) / float64(w.Streams)
		all = append(all, goal{fmt.Sprintf("memory of each of %d who wait", w.Streams), "32 KiB at most", fmt.Sprintf("%.1f KiB", each/(1<<10)), each <= waitingGoal})
	}
	if w := r.Waiting; w.Streams > 0 && w.Held >= 0 {
		all = append(all, goal{"database connections that they hold", "none", fmt.Sprint(w.Held), w.Held == 0})
	}
	return all
}

// printGoals writes each goal beside what was found.
func (r *Report) printGoals(out io.Writer) error {
	all := r.goals()
	if len(all) == 0 {
		return nil
	}
	fmt.Fprintln(out, "\nWhat it should be on two cores, and is.")
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	missed := 0
	for _, g := range all {
		said := "reached"
		if !g.reached {
			said, missed = "NOT reached", missed+1
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", g.what, g.want, g.is, said)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d reached.\n", len(all)-missed, len(all))
	return err
}
