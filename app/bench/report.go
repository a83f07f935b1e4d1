package bench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// commitsPerSignIn is what a complete sign-in may cost (architecture.md, Speed).
const commitsPerSignIn = 3

// Report is what one run found.
type Report struct {
	SignIns  []SignInRow
	PagePath string
	Pages    Load
	Wakes    Wakes
	Across   Wakes // between two servers
	Waiting  Waiting

	BareWakes, BareAcross []time.Duration // the least that Wakes and Across can be
	Facts
}

// Load is one act repeated.
type Load struct {
	AtOnce   int
	Took     time.Duration
	CPU      time.Duration // of the server; 0 when not known
	Requests int64
	Times    []time.Duration // one per act
}

// Rate is acts a second.
func (l Load) Rate() float64 { return float64(len(l.Times)) / l.Took.Seconds() }

// add joins what was measured in two parts.
func (l *Load) add(m Load) {
	l.Took += m.Took
	l.CPU += m.CPU
	l.Requests += m.Requests
	l.Times = append(l.Times, m.Times...)
}

// SignInRow is a level and its bound.
type SignInRow struct {
	Load
	Commits        float64 // bare durable commits a second at the same concurrency
	DurableCommits int64   // that the servers made for these sign-ins; 0 when not known
}

// Bound is the sign-ins a second that bare commits would allow.
func (r SignInRow) Bound() float64 { return r.Commits / commitsPerSignIn }

// Wakes are how long answers took to reach the waiting browser.
type Wakes struct {
	FromSend   []time.Duration // from just before the phone sent its answer
	FromAnswer []time.Duration // from when the phone had read the reply; below zero when the event was first
}

// Waiting is what many waiting browsers cost.
type Waiting struct {
	Streams int
	Opened  time.Duration // how long it took to open them
	Memory  int64         // bytes more than before; 0 when not known
	IdleCPU float64       // cores that the server used while all were quiet
	Held    int64         // connections to the database while they wait; -1 when not known
	Wakes   Wakes
}

// Print writes the tables.
func (r *Report) Print(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	if len(r.SignIns) > 0 {
		fmt.Fprintln(out, "Complete phone sign-ins: name, prompt, answer, session; fresh browser, real signatures.")
		fmt.Fprintln(out, "The bound is a third of the bare durable commits on the same database in the same run.")
		fmt.Fprintln(t, "at once\tsign-ins\tper second\tp50\tp99\tcommits/s\tbound\tof bound\tcommits each\tCPU/sign-in\tCPU/request\t")
		for _, row := range r.SignIns {
			fmt.Fprintf(t, "%d\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", row.AtOnce, len(row.Times), row.Rate(),
				percentile(row.Times, 50), percentile(row.Times, 99),
				number(row.Commits), number(row.Bound()), share(row.Rate(), row.Bound()), share(float64(row.DurableCommits), float64(len(row.Times))),
				each(row.CPU, int64(len(row.Times))), each(row.CPU, row.Requests))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(r.Pages.Times) > 0 {
		fmt.Fprintf(out, "\nA page that checks the session (GET %s).\n", r.PagePath)
		fmt.Fprintln(t, "at once\tpages\tper second\tp50\tp99\tCPU/page\t")
		fmt.Fprintf(t, "%d\t%d\t%.0f\t%s\t%s\t%s\t\n", r.Pages.AtOnce, len(r.Pages.Times), r.Pages.Rate(),
			percentile(r.Pages.Times, 50), percentile(r.Pages.Times, 99), each(r.Pages.CPU, r.Pages.Requests))
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(r.Wakes.FromSend)+len(r.Waiting.Wakes.FromSend) > 0 {
		fmt.Fprintln(out, "\nFrom the phone's answer to the event in the browser. The commit lies between the two starts:")
		fmt.Fprintln(out, "\"sent\" is before the answer left the phone, \"replied\" when the phone had read its 200.")
		fmt.Fprintln(out, "Bare is the least that it can be: somebody told, and a byte out of a socket, in the same run.")
		fmt.Fprintln(t, "servers\twaiting beside it\twakes\tsent p50\tp99\treplied p50\tp99\tbare p50\tp99\t")
		servers := max(1, r.Replicas)
		bare := r.BareWakes
		if servers > 1 {
			bare = r.BareAcross
		}
		wakeRow(t, servers, 0, r.Wakes, bare)
		wakeRow(t, servers+1, 0, r.Across, r.BareAcross)
		wakeRow(t, servers, r.Waiting.Streams, r.Waiting.Wakes, bare)
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if w := r.Waiting; w.Streams > 0 {
		fmt.Fprintf(out, "\n%d browsers waiting (opened in %s): ", w.Streams, rounded(w.Opened))
		if w.Memory == 0 {
			fmt.Fprintln(out, "memory not known.")
		} else {
			fmt.Fprintf(out, "%.1f MiB more, %.1f KiB each; %.3f cores while quiet.\n",
				float64(w.Memory)/(1<<20), float64(w.Memory)/(1<<10)/float64(w.Streams), w.IdleCPU)
		}
	}
	return r.printGoals(out)
}

func wakeRow(t io.Writer, servers, beside int, w Wakes, bare []time.Duration) {
	if len(w.FromSend) == 0 {
		return
	}
	fmt.Fprintf(t, "%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", servers, beside, len(w.FromSend),
		percentile(w.FromSend, 50), percentile(w.FromSend, 99), percentile(w.FromAnswer, 50), percentile(w.FromAnswer, 99), percentile(bare, 50), percentile(bare, 99))
}

// percentile is the smallest time that p of a hundred do not exceed.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return rounded(sorted[max(0, (len(sorted)*p+99)/100-1)])
}

// rounded keeps what a reader can use: three digits or so.
func rounded(d time.Duration) time.Duration {
	switch a := d.Abs(); {
	case a >= time.Second:
		return d.Round(10 * time.Millisecond)
	case a >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	case a >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

func number(f float64) string {
	if f == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", f)
}

func share(part, whole float64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", part/whole)
}

func each(cpu time.Duration, count int64) string {
	if cpu == 0 || count == 0 {
		return "-"
	}
	return rounded(cpu / time.Duration(count)).String()
}
