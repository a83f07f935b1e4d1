package prompt_test

import (
	"testing"
	"time"

	"latchkey/app/prompt"
	"latchkey/app/tenant"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// sent is a prompt that was sent so long ago and, unless it is pending, ended
// ten seconds later.
func sent(ago time.Duration, state prompt.State) prompt.Recent {
	r := prompt.Recent{State: state, CreatedAt: noon.Add(-ago), ExpiresAt: noon.Add(prompt.Life - ago)}
	if state != prompt.Pending {
		at := r.CreatedAt.Add(10 * time.Second)
		r.DecidedAt = &at
	}
	return r
}

// every gives n prompts of one state, the newest so long ago, a step apart.
func every(n int, newest, step time.Duration, state prompt.State) []prompt.Recent {
	var all []prompt.Recent
	for i := range n {
		all = append(all, sent(newest+time.Duration(i)*step, state))
	}
	return all
}

func TestWhenAPhoneIsLeftAlone(t *testing.T) {
	const instant = time.Microsecond
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	for _, row := range []struct {
		claim  string
		recent []prompt.Recent
		reason string
		wait   time.Duration
	}{
		{"nobody was asked", nil, "", 0},
		{"one was answered", every(1, minutes(1), 0, prompt.Approved), "", 0},
		{"one was declined", every(1, minutes(1), 0, prompt.Denied), "", 0},
		{"one is on the phone", every(1, 20*time.Second, 0, prompt.Pending), "visible", 100 * time.Second},
		{"one is on the phone for an instant more", every(1, prompt.Life-instant, 0, prompt.Pending), "visible", instant},
		{"the last instant of one is over", every(1, prompt.Life, 0, prompt.Pending), "", 0},
		{"two in ten minutes", every(2, minutes(1), minutes(1), prompt.Expired), "", 0},
		{"three in ten minutes", every(3, minutes(1), minutes(1), prompt.Expired), "often", minutes(7)},
		{"three that were approved count as well", every(3, minutes(1), minutes(1), prompt.Approved), "often", minutes(7)},
		{"the oldest of three is an instant short of ten minutes", every(3, minutes(10)-2*time.Second-instant, time.Second, prompt.Expired), "often", instant},
		{"the oldest of three is ten minutes old", every(3, minutes(10)-2*time.Second, time.Second, prompt.Expired), "", 0},
		{"nine without a success", every(9, minutes(30), minutes(15), prompt.Expired), "", 0},
		{"ten without a success", every(10, minutes(30), minutes(60), prompt.Expired), "many", 24*time.Hour - minutes(30) - 9*time.Hour},
		{"declined and reported ones are no success", append(every(5, minutes(90), minutes(60), prompt.Denied), every(5, minutes(420), minutes(60), prompt.Reported)...), "many", 24*time.Hour - minutes(660)},
		{"the oldest of ten is a day old", every(10, 24*time.Hour-9*minutes(60), minutes(60), prompt.Expired), "", 0},
		{"a success among ten", append(every(5, minutes(30), minutes(30), prompt.Expired), append(every(1, minutes(200), 0, prompt.Approved), every(9, minutes(230), minutes(30), prompt.Expired)...)...), "", 0},
		{"a success before ten", append(every(10, minutes(30), minutes(30), prompt.Expired), every(1, minutes(600), 0, prompt.Approved)...), "many", 24*time.Hour - minutes(300)},
		{"a report", every(1, minutes(30), 0, prompt.Reported), "reported", minutes(30) + 10*time.Second},
		{"an hour since the report is an instant short", every(1, minutes(60)+10*time.Second-instant, 0, prompt.Reported), "reported", instant},
		{"an hour since the report", every(1, minutes(60)+10*time.Second, 0, prompt.Reported), "", 0},
		{"of two causes the longer one counts", append(every(2, minutes(1), minutes(1), prompt.Expired), every(1, minutes(5), 0, prompt.Reported)...), "reported", minutes(55) + 10*time.Second},
	} {
		pause := prompt.PauseAfter(row.recent, noon)
		if pause.Reason != row.reason {
			t.Errorf("%s: PauseAfter = %q, want %q", row.claim, pause.Reason, row.reason)
		} else if row.reason != "" && pause.Until.Sub(noon) != row.wait {
			t.Errorf("%s: the pause takes %v, want %v", row.claim, pause.Until.Sub(noon), row.wait)
		}
	}
}

// TestEveryAnswerInEveryState walks all pairs and holds them to the drawing in
// the doc of the package.
func TestEveryAnswerInEveryState(t *testing.T) {
	drawn := map[prompt.Decision]prompt.State{
		prompt.Approve: prompt.Approved, prompt.Deny: prompt.Denied, prompt.Report: prompt.Reported,
	}
	states := []prompt.State{prompt.Pending, prompt.Approved, prompt.Denied, prompt.Reported, prompt.Expired, prompt.Held, "unheard of"}
	for _, state := range states {
		for _, decision := range []prompt.Decision{prompt.Approve, prompt.Deny, prompt.Report, "shrug", ""} {
			for _, given := range []string{"42", "43", "", "042", "42 "} {
				next, wrong, ok := prompt.Outcome(state, decision, "42", given)
				wantNext, allowed := drawn[decision]
				allowed = allowed && state == prompt.Pending
				wantWrong := allowed && decision == prompt.Approve && given != "42"
				if wantWrong {
					wantNext = prompt.Denied
				}
				if ok != allowed || wrong != wantWrong || (ok && next != wantNext) {
					t.Errorf("Outcome(%s, %s, 42, %q) = %s, %t, %t; want %s, %t, %t", state, decision, given, next, wrong, ok, wantNext, wantWrong, allowed)
				}
			}
		}
	}
}

func TestHowTheNumberComesBack(t *testing.T) {
	wrong := func(ago time.Duration) []prompt.Recent {
		r := sent(ago+10*time.Second, prompt.Denied)
		r.WrongNumber = true
		return []prompt.Recent{sent(time.Second, prompt.Expired), r}
	}
	for _, row := range []struct {
		claim         string
		of            tenant.MatchMode
		administrator bool
		recent        []prompt.Recent
		want          tenant.MatchMode
	}{
		{"by default one of three is picked", tenant.Pick3, false, nil, tenant.Pick3},
		{"an administrator types", tenant.Pick3, true, nil, tenant.Type2},
		{"a decline is no wrong pick", tenant.Pick3, false, every(2, time.Minute, time.Minute, prompt.Denied), tenant.Pick3},
		{"after a wrong pick it is typed", tenant.Pick3, false, wrong(time.Minute), tenant.Type2},
		{"an instant short of an hour after it too", tenant.Pick3, false, wrong(time.Hour - time.Microsecond), tenant.Type2},
		{"an hour after it no more", tenant.Pick3, false, wrong(time.Hour), tenant.Pick3},
		{"a tenant may want two digits typed", tenant.Type2, false, nil, tenant.Type2},
		{"a tenant may want six", tenant.Type6, false, nil, tenant.Type6},
		{"six are not made two for an administrator", tenant.Type6, true, nil, tenant.Type6},
		{"nor after a wrong number", tenant.Type6, true, wrong(time.Minute), tenant.Type6},
	} {
		if got := prompt.ModeFor(row.of, row.administrator, row.recent, noon); got != row.want {
			t.Errorf("%s: ModeFor = %s, want %s", row.claim, got, row.want)
		}
	}
}
