package decision

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

var someGroups = []string{"field", "office", "pilot", "ward"}

func drawn(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func some(r *rand.Rand, all []string) (picked []string) {
	for _, s := range all {
		if r.IntN(3) == 0 {
			picked = append(picked, s)
		}
	}
	return picked
}

// anyRules draws rules: most features as usual, a few ways off or limited.
func anyRules(r *rand.Rand) *Rules {
	table := feature.Usual()
	for _, e := range feature.Catalogue {
		if r.IntN(4) == 0 {
			rule := feature.Rule{Stage: feature.Stages[r.IntN(len(feature.Stages))], Share: r.IntN(101), Include: some(r, someGroups)}
			for _, g := range some(r, someGroups) {
				if !slices.Contains(rule.Include, g) {
					rule.Exclude = append(rule.Exclude, g)
				}
			}
			table = table.With(e.Feature, rule)
		}
		if r.IntN(20) == 0 {
			table.Released &^= e.Bit
		}
	}
	rules := &Rules{Features: *table}
	rules.Ways.Off = method.Off{NoSignIn: user.WithStaticPasscode, NoSecond: user.WithStaticPasscode, NoRecovery: user.WithStaticPasscode}
	for _, w := range method.Ways {
		if r.IntN(6) == 0 {
			rules.Ways.NoSignIn |= w.Bit
		}
		if r.IntN(6) == 0 {
			rules.Ways.NoSecond |= w.Bit
		}
		if r.IntN(8) == 0 {
			rules.Ways.Limits = append(rules.Ways.Limits, Limit{Way: w.Bit, Groups: some(r, someGroups)})
		}
	}
	return rules
}

func anyInput(r *rand.Rand) *Input {
	in := &Input{
		Person: feature.Person{Seed: r.Int64N(1<<31 - 1), Groups: some(r, someGroups), Chosen: feature.Set(r.IntN(int(feature.All) + 1))},
		MFA:    mfaStates[r.IntN(3)], Bound: user.Ways(r.IntN(256)) | user.WithPassword, Served: Serves(r.IntN(4) > 0, some(r, []string{"sms", "voice"})),
		Mode: tenant.MatchModes[r.IntN(3)], Place: []string{"", "Head office"}[r.IntN(2)], Seen: r.IntN(2) == 0, Trusted: r.IntN(2) == 0, Pressed: r.IntN(4) == 0,
		Application: []string{"", "", "Payroll"}[r.IntN(3)],
	}
	if r.IntN(4) == 0 {
		in.Person.Lifted = feature.Set(r.IntN(int(feature.All) + 1)) // an outage runs
	}
	if r.IntN(2) == 0 {
		in.Elsewhere = tenant.MatchModes[r.IntN(3)]
	}
	in.Way = method.Ways[r.IntN(len(method.Ways))].Bit
	in.Bound |= in.Way
	if in.Proves = in.Way; in.Way == user.WithPasskey && r.IntN(2) == 0 {
		in.Proves = user.WithKey
	}
	if first := []user.Ways{0, user.WithPassword, user.WithTOTP, user.WithKey, user.WithPrintedCode}[r.IntN(5)]; first != in.Proves {
		in.Proved = first
	}
	return in
}

func TestADecisionFollowsFromItsParts(t *testing.T) {
	r := drawn(1)
	seen := map[string]int{}
	storetest.Breadth(t)
	for range 100_000 {
		rules, in := anyRules(r), anyInput(r)
		d := Decide(rules, in)
		has := rules.Features.Of(&in.Person)
		off := rules.Off(rules.Features.Ways(has, &in.Person), in.Person.Groups)
		use := off.NoSignIn
		if in.Proved != 0 {
			use = off.NoSecond
		}
		enough := user.Enough(in.MFA, in.Bound&^off.NoSecond, in.Proved|in.Proves)
		claim := fmt.Sprintf("%+v of %+v by %+v", d, in, rules)
		switch {
		case d.Has != has:
			t.Fatalf("it has other features: %s", claim)
		case d.Outcome == None || d.Why == WhyNone:
			t.Fatalf("no decision: %s", claim)
		case d.Outcome != Blocked && use.Has(in.Way):
			t.Fatalf("a way that is off lets in: %s", claim)
		case d.Outcome == Passed && !enough, d.Outcome == Asked && enough:
			t.Fatalf("enough is not what package user says: %s", claim)
		case d.Outcome == Asked && (d.Usable == 0 || d.Usable.Has(off.NoSecond) || d.Usable&^in.Bound != 0 || d.Usable&^in.Served != 0):
			t.Fatalf("it asks for what cannot be had: %s", claim)
		case d.Outcome == Blocked && (d.Usable.Has(off.NoSignIn) || d.Usable&^in.Bound != 0):
			t.Fatalf("it leaves what cannot be taken: %s", claim)
		case d.Outcome != Blocked && in.Application != "" && !has.Has(feature.Applications):
			t.Fatalf("an application that is not theirs: %s", claim)
		case has.Has(feature.TypedNumberMatch) && d.MatchMode() == tenant.Pick3:
			t.Fatalf("a number is picked: %s", claim)
		}
		for way := user.Ways(1); d.Outcome == Asked && way < 256; way <<= 1 {
			next := *in
			next.Proved, next.Way, next.Proves = in.Proved|in.Proves, way, way
			if d.Usable.Has(way) && Decide(rules, &next).Outcome != Passed {
				t.Fatalf("way %b does not complete it: %s", way, claim)
			}
		}
		for way := user.Ways(1); d.Outcome == Blocked && in.Application == "" && way < 256; way <<= 1 {
			next := *in
			next.Proved, next.Way, next.Proves = 0, way, way
			if got := Decide(rules, &next).Outcome; d.Usable.Has(way) && got == Blocked {
				t.Fatalf("way %b is no way: %s", way, claim)
			}
		}
		seen[d.Outcome.String()+" "+d.Why.String()]++
	}
	for _, want := range []string{
		"passed enough", "asked second_factor", "blocked feature", "blocked groups", "blocked use", "blocked proved_off", "blocked proved_gone", "blocked nothing_on", "blocked application",
	} {
		if seen[want] < 20 {
			t.Errorf("%s: %d times, which proves nothing: %v", want, seen[want], seen)
		}
	}
}

func TestAReportHasNoEffectAndSaysTheEffect(t *testing.T) {
	r := drawn(2)
	differ := 0
	for range 50_000 {
		rules, in := anyRules(r), anyInput(r)
		off, live := *rules, *rules
		for i := range rules.Features.Rules {
			if rules.Features.Rules[i].Stage == feature.ReportOnly {
				off.Features.Rules[i].Stage = feature.Off
				live.Features.Rules[i] = rules.Features.Rules[i].Would()
			}
		}
		if Decide(rules, in) != Decide(&off, in) {
			t.Fatalf("a report counts: %+v, %+v", rules, in)
		}
		if Would(rules, in) != Decide(&live, in) {
			t.Fatalf("a report says something else: %+v, %+v", rules, in)
		}
		if Would(rules, in) != Decide(rules, in) {
			differ++
			if !rules.Reports() {
				t.Fatal("there is no report")
			}
		}
	}
	if differ < 500 {
		t.Errorf("a report differed %d times", differ)
	}
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	r, reader := drawn(3), NewReader()
	for range 50_000 {
		in := anyInput(r)
		d := Decide(anyRules(r), in)
		var got Input
		had, err := reader.Read(record(in, d), &got)
		if err != nil || had != d || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", *in) {
			t.Fatalf("%v: %+v %+v\nwant %+v %+v", err, got, had, *in, d)
		}
	}
}

func FuzzRecord(f *testing.F) {
	r := drawn(4)
	for range 20 {
		in := anyInput(r)
		f.Add(record(in, Decide(anyRules(r), in)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var in Input
		d, err := NewReader().Read(b, &in)
		if err != nil {
			return
		}
		_ = d.MatchMode()
		_ = d.Outcome.String() + d.Why.String()
		_ = Decide(anyRules(drawn(5)), &in)
	})
}

func TestRulesAreReadAsTheyWereWritten(t *testing.T) {
	r := drawn(6)
	for range 2_000 {
		rules := anyRules(r)
		read, err := Read(rules.Text())
		if err != nil || read.Fingerprint() != rules.Fingerprint() {
			t.Fatalf("%v: %s\n%s", err, read.Text(), rules.Text())
		}
		for range 20 {
			if in := anyInput(r); Decide(read, in) != Decide(rules, in) || Would(read, in) != Would(rules, in) {
				t.Fatalf("they decide otherwise: %s", rules.Text())
			}
		}
	}
}

func TestADecisionAllocatesNothing(t *testing.T) {
	r, reader := drawn(7), NewReader()
	rules, in := anyRules(r), anyInput(r)
	b := record(in, Decide(rules, in))
	var read Input
	if _, err := reader.Read(b, &read); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = reader.Read(b, &read)
		_ = Decide(rules, &read)
		_ = Would(rules, &read)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkReplay is what a replay does with each decision but for the database: read
// the record, decide by the rules that held, decide by a draft.
func BenchmarkReplay(b *testing.B) {
	r, reader := drawn(8), NewReader()
	records := make([][]byte, 10_000)
	rules, draft := anyRules(r), anyRules(r)
	for i := range records {
		in := anyInput(r)
		records[i] = record(in, Decide(rules, in))
	}
	var in Input
	for _, rec := range records {
		if _, err := reader.Read(rec, &in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	i, moved := 0, 0
	for b.Loop() {
		had, err := reader.Read(records[i%len(records)], &in)
		if err != nil || Decide(rules, &in) != had {
			b.Fatal("it is not reproduced", err)
		}
		if Decide(draft, &in).Outcome != had.Outcome {
			moved++
		}
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "decisions/s")
	if moved == 0 && i > 1000 {
		b.Fatal("the draft moves nothing")
	}
}

func BenchmarkDecide(b *testing.B) {
	r := drawn(9)
	for _, tenants := range []int{10, 10_000} {
		all := make([]*Rules, tenants)
		for i := range all {
			all[i] = anyRules(r)
		}
		inputs := make([]*Input, 1000)
		for i := range inputs {
			inputs[i] = anyInput(r)
		}
		b.Run(fmt.Sprintf("tenants=%d", tenants), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if Decide(all[i%tenants], inputs[i%len(inputs)]).Outcome == None {
					b.Fatal("no decision")
				}
				i++
			}
		})
	}
}
