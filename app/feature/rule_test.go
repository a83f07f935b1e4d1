package feature

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/quick"
)

// drawn is a source of chance that gives the same every time.
func drawn(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 7)) }

func some(r *rand.Rand, names []string) (all []string) {
	for _, n := range names {
		if r.IntN(3) == 0 {
			all = append(all, n)
		}
	}
	return all
}

var groups = []string{"field", "office", "pilot", "plant"}

func anyRule(r *rand.Rand) Rule {
	rule := Rule{Stage: Stages[r.IntN(len(Stages))], Include: some(r, groups), Exclude: some(r, groups[:2])}
	if rule.Stage == Percentage || rule.Stage == ReportOnly {
		rule.Share = r.IntN(101)
	}
	return rule
}

func anyTable(r *rand.Rand) *Table {
	t := Usual()
	for i := range t.Rules {
		if r.IntN(2) == 0 {
			t.Rules[i] = anyRule(r)
		}
	}
	return t
}

func anyPerson(r *rand.Rand) *Person {
	return &Person{Seed: r.Int64N(prime), Groups: some(r, groups), Chosen: Set(r.Uint32()) & All}
}

func TestTheCatalogueIsWhole(t *testing.T) {
	if len(Catalogue) != width {
		t.Fatalf("the catalogue has %d features and a table room for %d", len(Catalogue), width)
	}
	var bits Set
	for i, e := range Catalogue {
		if bits&e.Bit != 0 || e.Bit == 0 || e.Bit&(e.Bit-1) != 0 {
			t.Errorf("%s: its bit %b is none of its own", e.Feature, e.Bit)
		}
		bits |= e.Bit
		for _, needed := range e.Needs {
			n, ok := Find(needed)
			if !ok || n.index >= i {
				t.Errorf("%s needs %s, which must stand before it", e.Feature, needed)
			}
			if ok && n.Starts == Off {
				t.Errorf("%s needs %s, which nobody has to begin with: a statement does not know that", e.Feature, needed)
			}
		}
	}
}

func TestWhoIsInStaysInWhenAPercentageGrows(t *testing.T) {
	err := quick.Check(func(seed uint32, less, more uint8) bool {
		low, high := min(less%101, more%101), max(less%101, more%101)
		p := &Person{Seed: int64(seed % prime)}
		for _, e := range Catalogue {
			if e.needs != 0 {
				continue
			}
			table := Usual()
			before := table.With(e.Feature, Rule{Stage: Percentage, Share: int(low)}).Of(p)
			after := table.With(e.Feature, Rule{Stage: Percentage, Share: int(high)}).Of(p)
			if before.Has(e.Feature) && !after.Has(e.Feature) {
				return false
			}
		}
		return true
	}, &quick.Config{MaxCount: 20_000, Rand: nil})
	if err != nil {
		t.Error(err)
	}
}

func TestNobodyIsInAtNoneAndEverybodyAtAll(t *testing.T) {
	r := drawn(1)
	for range 50_000 {
		p := &Person{Seed: r.Int64N(prime)}
		if Usual().With(PhoneSignIn, Rule{Stage: Percentage}).Of(p).Has(PhoneSignIn) {
			t.Fatalf("the seed %d is in at 0 percent", p.Seed)
		}
		if !Usual().With(PhoneSignIn, Rule{Stage: Percentage, Share: 100}).Of(p).Has(PhoneSignIn) {
			t.Fatalf("the seed %d is out at 100 percent", p.Seed)
		}
	}
}

// TestPercentagesAreEven asks of the places of each feature that no hundredth of
// them is fuller than chance makes one: chi-square with 99 degrees of freedom is
// above 180 once in a million times.
func TestPercentagesAreEven(t *testing.T) {
	const people = 200_000
	for _, e := range Catalogue {
		r, filled := drawn(2), [100]int{}
		for range people {
			filled[e.Place(r.Int64N(prime))/100]++
		}
		if x := chiSquare(filled[:], people/100.0); x > 180 {
			t.Errorf("%s: places are uneven: chi-square %.0f", e.Feature, x)
		}
	}
}

// TestFeaturesAreIndependent asks the same of each two features together, in ten by
// ten fields: who is early in one is not for that early in another.
func TestFeaturesAreIndependent(t *testing.T) {
	const people = 100_000
	for i, a := range Catalogue {
		for _, b := range Catalogue[i+1:] {
			r, filled := drawn(3), [100]int{}
			for range people {
				seed := r.Int64N(prime)
				filled[a.Place(seed)/1000*10+b.Place(seed)/1000]++
			}
			if x := chiSquare(filled[:], people/100.0); x > 180 {
				t.Errorf("%s and %s go together: chi-square %.0f", a.Feature, b.Feature, x)
			}
		}
	}
}

func chiSquare(filled []int, expected float64) (sum float64) {
	for _, n := range filled {
		sum += math.Pow(float64(n)-expected, 2) / expected
	}
	return sum
}

func TestWhoIsExcludedIsOutWhateverElseHolds(t *testing.T) {
	r := drawn(4)
	for range 20_000 {
		table, p := anyTable(r), anyPerson(r)
		has := table.Of(p)
		for i, e := range Catalogue {
			if table.Has(e.Feature, p) != (has&e.Bit != 0) {
				t.Fatalf("%s of %+v: one says %t, and the other does not", e.Feature, p, has&e.Bit != 0)
			}
			if within(p.Groups, table.Rules[i].Exclude) && has&e.Bit != 0 {
				t.Fatalf("%s: %+v has it by %+v", e.Feature, p, table.Rules[i])
			}
		}
	}
}

func TestNobodyHasWhatNeedsSomethingTheyHaveNot(t *testing.T) {
	r := drawn(5)
	for range 20_000 {
		table, p := anyTable(r), anyPerson(r)
		table.Released = Set(r.Uint32()) | All&^(1<<r.IntN(len(Catalogue)))
		has := table.Of(p)
		for _, e := range Catalogue {
			for _, needed := range e.Needs {
				if has&e.Bit != 0 && !has.Has(needed) {
					t.Fatalf("%+v has %s without %s", p, e.Feature, needed)
				}
			}
			if has&e.Bit != 0 && table.Released&e.Bit == 0 {
				t.Fatalf("%s is not released", e.Feature)
			}
		}
	}
}

func TestWhatEverybodyHasNobodyLacks(t *testing.T) {
	r := drawn(11)
	everybody := 0
	for range 20_000 {
		table, p := anyTable(r), anyPerson(r)
		has := table.Of(p)
		for i := range Catalogue {
			if e := &Catalogue[i]; table.Everybody(e) {
				if everybody++; has&e.Bit == 0 {
					t.Fatalf("everybody has %s by %+v, and %+v has it not", e.Feature, table.Rule(e.Feature), p)
				}
			}
		}
	}
	if everybody == 0 {
		t.Error("no rule lets everybody in")
	}
	sms, _ := Find(SMS)
	for claim, row := range map[string]struct {
		table *Table
		want  bool
	}{
		"where nothing is said":                  {Usual(), true},
		"at a hundred percent":                   {Usual().With(SMS, Rule{Stage: Percentage, Share: 100}), true},
		"but for a group":                        {Usual().With(SMS, Rule{Stage: Everyone, Exclude: []string{"field"}}), false},
		"where some lack what it needs":          {Usual().With(BackupPhones, Rule{Stage: Percentage, Share: 99}), false},
		"while the platform holds it back":       {&Table{Rules: Usual().Rules, Released: All &^ sms.Bit}, false},
		"while it holds back what it does need":  {&Table{Rules: Usual().Rules, Released: All &^ (1 << 5)}, false},
		"while it holds back what it needs not":  {&Table{Rules: Usual().Rules, Released: All &^ (1 << 0)}, true},
		"where others lack what it does not use": {Usual().With(Passkeys, Rule{Stage: Off}), true},
	} {
		if got := row.table.Everybody(sms); got != row.want {
			t.Errorf("%s everybody has codes by SMS: %t", claim, got)
		}
	}
}

func TestAReportChangesNothing(t *testing.T) {
	r := drawn(6)
	for range 20_000 {
		table, p := anyTable(r), anyPerson(r)
		off := *table
		live := *table
		for i := range off.Rules {
			if off.Rules[i].Stage == ReportOnly {
				off.Rules[i].Stage = Off
				live.Rules[i].Stage = Percentage
			}
		}
		if table.Of(p) != off.Of(p) {
			t.Fatalf("a report gave %+v something: %v", p, table.Of(p).Features())
		}
		if table.WouldBe(p) != live.Of(p) {
			t.Fatalf("a report says %v of %+v, and it would be %v", table.WouldBe(p).Features(), p, live.Of(p).Features())
		}
	}
}

func TestARuleKnowsWhomItLetsIn(t *testing.T) {
	r := drawn(7)
	for range 2_000 {
		rule := anyRule(r)
		in := 0
		for range 100 {
			if Usual().With(PhoneSignIn, rule).Of(anyPerson(r)).Has(PhoneSignIn) {
				in++
			}
		}
		if rule.Nobody() && in > 0 || rule.Everybody() && in < 100 {
			t.Errorf("%+v lets in %d of 100: nobody %t, everybody %t", rule, in, rule.Nobody(), rule.Everybody())
		}
	}
}

func TestAnExplanationGivesEveryConditionAndAgreesWithTheRule(t *testing.T) {
	r := drawn(8)
	for range 20_000 {
		table, p := anyTable(r), anyPerson(r)
		for i, e := range Catalogue {
			has, all := table.Explain(e.Feature, p)
			if has != table.Of(p).Has(e.Feature) {
				t.Fatalf("%s of %+v: it says %t", e.Feature, p, has)
			}
			if unmet := slices.ContainsFunc(all, func(c Condition) bool { return !c.Met }); unmet == has {
				t.Fatalf("%s of %+v by %+v: had %t, with the conditions %+v", e.Feature, p, table.Rules[i], has, all)
			}
			if len(all) < 2+len(table.Rules[i].Exclude) {
				t.Fatalf("%s: conditions are missing: %+v", e.Feature, all)
			}
		}
	}
}

// TestExplanations holds whole explanations against the ones that were read and
// found right.
func TestExplanations(t *testing.T) {
	typed, _ := Find(TypedNumberMatch)
	p := &Person{Seed: 123_456_789, Groups: []string{"field", "pilot"}}
	place := typed.Place(p.Seed)
	for claim, row := range map[string]struct {
		table *Table
		f     Feature
		has   bool
		want  []Condition
	}{
		"a pilot group": {
			Usual().With(PhoneSignIn, Rule{Stage: Pilot, Include: []string{"office", "pilot"}}), PhoneSignIn, true,
			[]Condition{{Name: "released", Met: true}, {Name: "member", Met: true, Group: "office"}, {Name: "member", Met: true, Group: "pilot"}},
		},
		"everything against it at once": {
			(&Table{Rules: Usual().With(PhoneSignIn, Rule{Stage: Off}).Rules}).With(TypedNumberMatch, Rule{Stage: Percentage, Share: 0, Exclude: []string{"field", "office"}}), TypedNumberMatch, false,
			[]Condition{
				{Name: "released"},
				{Name: "percentage", Place: place},
				{Name: "not_excluded", Group: "field"},
				{Name: "not_excluded", Met: true, Group: "office"},
				{Name: "needs", Needed: PhoneSignIn},
			},
		},
		"a choice that was not made": {
			Usual().With(Passkeys, Rule{Stage: UsersChoice}), Passkeys, false,
			[]Condition{{Name: "released", Met: true}, {Name: "chosen"}},
		},
		"nothing said": {Usual(), RegistrationCampaign, false, []Condition{{Name: "released", Met: true}, {Name: "off"}}},
	} {
		has, all := row.table.Explain(row.f, p)
		if has != row.has || fmt.Sprint(all) != fmt.Sprint(row.want) {
			t.Errorf("%s: %t %+v, want %t %+v", claim, has, all, row.has, row.want)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	r := drawn(9)
	for _, tenants := range []int{10, 10_000} {
		tables := make([]*Table, tenants)
		for i := range tables {
			tables[i] = anyTable(r)
		}
		people, crowd := make([]*Person, 1000), drawn(11)
		for i := range people {
			people[i] = anyPerson(crowd)
		}
		b.Run(fmt.Sprintf("one/tenants=%d", tenants), func(b *testing.B) {
			b.ReportAllocs()
			had, i := 0, 0
			for b.Loop() {
				if tables[i%tenants].Has(SMS, people[i%len(people)]) {
					had++
				}
				i++
			}
			if had == 0 {
				b.Fatal("nobody has it")
			}
		})
		// The path is warm when the tables of the tenants at work are: ten of them, the same
		// whatever their number, and from all over.
		busy := drawn(10)
		for i := range 10 {
			tables[i*(tenants/10)] = anyTable(busy)
		}
		b.Run(fmt.Sprintf("one-of-ten-busy/tenants=%d", tenants), func(b *testing.B) {
			b.ReportAllocs()
			had, i := 0, 0
			for b.Loop() {
				if tables[i%10*(tenants/10)].Has(SMS, people[i%len(people)]) {
					had++
				}
				i++
			}
			if had == 0 {
				b.Fatal("nobody has it")
			}
		})
		b.Run(fmt.Sprintf("all/tenants=%d", tenants), func(b *testing.B) {
			b.ReportAllocs()
			var has Set
			i := 0
			for b.Loop() {
				has |= tables[i%tenants].Of(people[i%len(people)])
				i++
			}
			if has == 0 {
				b.Fatal("nobody has anything")
			}
		})
	}
}
