package desk

import (
	"slices"
	"strconv"
	"strings"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Limits of bypasses, which no tenant passes (product.md §9).
const (
	MinutesLeast = 10
	MinutesMost  = 480
	UsesMost     = 5
)

// ReadOut is the delivery that a column of its own says.
const ReadOut = "read_out"

// What a tenant may allow, in the words of the packages bypass and callercheck.
var (
	Kinds      = []string{"pass_code", "skip"}
	Deliveries = []string{"second_channel", "split", ReadOut}
	Ways       = []string{"phone", "backup_phone", "manager"}
)

// Rules are what a tenant says of its desk, but for its reasons.
type Rules struct {
	Minutes    int      `json:"minutes"` // of a bypass, at most
	Uses       int      `json:"uses"`    // of a bypass, at most
	Kinds      []string `json:"kinds"`
	Deliveries []string `json:"deliveries"` // of pass codes
	Ways       []string `json:"ways"`       // of a caller check
	Privileged []string `json:"privileged"` // those of Ways that are taken for people with a role; none: nobody checks them
	OwnReasons bool     `json:"own_reasons"`
	Pattern    string   `json:"ticket_pattern"` // empty: any name of a ticket
	Example    string   `json:"ticket_example"` // that fits it
}

// Desk is all that a tenant says of its desk.
type Desk struct {
	Rules
	Reasons Reasons

	reasons string // as they are stored
}

const columns = "bypass_minutes, bypass_uses, bypass_read_out, bypass_kinds, bypass_deliveries, check_ways, check_ways_privileged, own_reasons, ticket_pattern, ticket_example, desk_reasons"

// Of reads what a tenant says of its desk.
func Of(tx *store.Tx, tenantID string) (Desk, error) {
	var row struct {
		BypassMinutes, BypassUses                                                                 int
		BypassReadOut, OwnReasons                                                                 bool
		BypassKinds, BypassDeliveries, CheckWays, CheckWaysPrivileged, TicketPattern, DeskReasons string
		TicketExample                                                                             string
	}
	ok, err := tx.One(&row, "SELECT "+columns+" FROM tenants WHERE id = ?", tenantID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return Desk{}, err
	}
	d := Desk{reasons: row.DeskReasons, Rules: Rules{
		Minutes: row.BypassMinutes, Uses: row.BypassUses, Kinds: among(Kinds, row.BypassKinds), Deliveries: among(Deliveries, row.BypassDeliveries),
		Ways: among(Ways, row.CheckWays), Privileged: among(Ways, row.CheckWaysPrivileged), OwnReasons: row.OwnReasons, Pattern: row.TicketPattern, Example: row.TicketExample,
	}}
	if row.BypassReadOut {
		d.Deliveries = append(d.Deliveries, ReadOut)
	}
	d.Reasons, err = readReasons(row.DeskReasons)
	return d, err
}

// among gives those of all that a list with commas names, in the order of all.
func among(all []string, list string) []string {
	named := strings.Split(list, ",")
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return !slices.Contains(named, one) })
}

// Taken are the ways of a caller check that are taken for somebody.
func (r Rules) Taken(privileged bool) []string {
	if !privileged {
		return r.Ways
	}
	return slices.DeleteFunc(slices.Clone(r.Ways), func(way string) bool { return !slices.Contains(r.Privileged, way) })
}

// Free says whether a reason may be given that is not of the list.
func (d Desk) Free() bool { return d.OwnReasons || len(d.Reasons) == 0 }

// Version changes with the rules.
func (r Rules) Version() string { return secret.Digest(strings.Join(r.values(), "\n"))[:12] }

// fields are the fields of the form, in its order; values are theirs.
var fields = []string{"bypass_minutes", "bypass_uses", "desk_kinds", "desk_deliveries", "desk_ways", "desk_privileged", "own_reasons", "ticket_pattern", "ticket_example"}

func (r Rules) values() []string {
	list := func(of []string) string { return strings.Join(of, ",") }
	own := map[bool]string{true: "yes", false: "no"}[r.OwnReasons]
	return []string{strconv.Itoa(r.Minutes), strconv.Itoa(r.Uses), list(r.Kinds), list(r.Deliveries), list(r.Ways), list(r.Taken(true)), own, r.Pattern, r.Example}
}

func (r Rules) difference(was Rules) (lines []approval.Change) {
	before := was.values()
	for i, after := range r.values() {
		if before[i] != after {
			lines = append(lines, approval.Change{Field: fields[i], Before: before[i], After: after})
		}
	}
	return lines
}

// settled puts the lists into their order, and takes away what is around texts.
func (r Rules) settled() Rules {
	for _, l := range []struct {
		of  *[]string
		all []string
	}{{&r.Kinds, Kinds}, {&r.Deliveries, Deliveries}, {&r.Ways, Ways}, {&r.Privileged, Ways}} {
		*l.of = among(l.all, strings.Join(*l.of, ","))
	}
	r.Privileged = r.Taken(true)
	r.Pattern, r.Example = strings.TrimSpace(r.Pattern), strings.TrimSpace(r.Example)
	if r.Pattern == "" {
		r.Example = ""
	}
	return r
}

// wrong says which of the rules are none.
func (r Rules) wrong() error {
	wrong, detail := map[string]string{}, ""
	if r.Minutes < MinutesLeast || r.Minutes > MinutesMost {
		wrong["bypass_minutes"] = "bypass.minutes_form"
	}
	if r.Uses < 1 || r.Uses > UsesMost {
		wrong["bypass_uses"] = "bypass.uses_form"
	}
	if len(r.Kinds) == 0 {
		wrong["desk_kinds"] = "desk.kinds_none"
	}
	if slices.Contains(r.Kinds, Kinds[0]) && len(r.Deliveries) == 0 {
		wrong["desk_deliveries"] = "desk.deliveries_none"
	}
	if len(r.Ways) == 0 {
		wrong["desk_ways"] = "desk.ways_none"
	}
	if r.Pattern != "" {
		form, err := parse(r.Pattern)
		switch f := fault.Of(err); {
		case f != nil:
			wrong["ticket_pattern"], detail = f.Code, f.Detail
		case !audit.IsTicket(r.Example) || !form.MatchString(r.Example):
			wrong["ticket_example"] = "desk.example_unfit"
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", wrong).Naming(detail)
}

// loosens says whether r lets somebody do what was did not.
func (r Rules) loosens(was Rules) bool {
	more := func(next, before []string) bool {
		return slices.ContainsFunc(next, func(one string) bool { return !slices.Contains(before, one) })
	}
	return r.Minutes > was.Minutes || r.Uses > was.Uses || more(r.Kinds, was.Kinds) || more(r.Deliveries, was.Deliveries) ||
		more(r.Ways, was.Ways) || more(r.Taken(true), was.Taken(true)) || r.OwnReasons && !was.OwnReasons || was.Pattern != "" && r.Pattern != was.Pattern
}
