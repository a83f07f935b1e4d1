package decision

import (
	"encoding/binary"
	"errors"

	"latchkey/app/feature"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// A record is what a decision was made of and what it said, in few bytes: a replay
// reads hundreds of thousands a second. The first byte is the version of the form: where
// an outage lifted stages for the person it is 2, and what it lifted stands between usable
// and place.
//
//	1 · flags · mfa · mode · elsewhere · seed · chosen · bound · served · way · proves ·
//	proved · outcome · why · mode of the decision · has · usable · place · application · groups
//
// Numbers are uvarints, texts have their length before them, groups come last and
// fill the rest.
const form, formLifted = 1, 2

const (
	flagSeen = 1 << iota
	flagTrusted
	flagPressed
	flagLimited
)

var mfaStates = []string{user.MFADisabled, user.MFAEnabled, user.MFAEnforced}

var errRecord = errors.New("decision: a record that cannot be read")

// record writes a decision and what it was made of.
func record(in *Input, d Decision) []byte {
	flags := byte(0)
	for flag, set := range map[byte]bool{flagSeen: in.Seen, flagTrusted: in.Trusted, flagPressed: in.Pressed, flagLimited: d.Limited} {
		if set {
			flags |= flag
		}
	}
	mfa := byte(0)
	for i, state := range mfaStates {
		if state == in.MFA {
			mfa = byte(i)
		}
	}
	version := byte(form)
	if in.Person.Lifted != 0 {
		version = formLifted
	}
	b := append(make([]byte, 0, 96), version, flags, mfa, byte(in.Mode.Strength()+1), byte(in.Elsewhere.Strength()+1))
	for _, n := range []uint64{
		uint64(in.Person.Seed), uint64(in.Person.Chosen), uint64(in.Bound), uint64(in.Served), uint64(in.Way), uint64(in.Proves), uint64(in.Proved),
		uint64(d.Outcome), uint64(d.Why), uint64(d.Mode), uint64(d.Has), uint64(d.Usable),
	} {
		b = binary.AppendUvarint(b, n)
	}
	if version == formLifted {
		b = binary.AppendUvarint(b, uint64(in.Person.Lifted))
	}
	for _, s := range append([]string{in.Place, in.Application}, in.Person.Groups...) {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// Reader reads records. It keeps the texts and the sets of groups that it has met,
// because those of one tenant are few, and so allocates nothing once it has met them.
// It serves one caller at a time.
type Reader struct {
	texts  map[string]string
	groups map[string][]string
}

// NewReader gives a reader that has met nothing yet.
func NewReader() *Reader { return &Reader{texts: map[string]string{}, groups: map[string][]string{}} }

// metMost is how many different sets of groups are kept: then it begins anew.
const metMost = 100_000

// Read reads a record into in and gives the decision that it has.
func (r *Reader) Read(b []byte, in *Input) (d Decision, err error) {
	if len(b) < 5 || b[0] != form && b[0] != formLifted || int(b[2]) >= len(mfaStates) || int(b[3]) > len(tenant.MatchModes) || int(b[4]) > len(tenant.MatchModes) {
		return d, errRecord
	}
	*in = Input{Seen: b[1]&flagSeen != 0, Trusted: b[1]&flagTrusted != 0, Pressed: b[1]&flagPressed != 0, MFA: mfaStates[b[2]], Mode: mode(b[3]), Elsewhere: mode(b[4])}
	d.Limited = b[1]&flagLimited != 0
	count := 12
	if b[0] == formLifted {
		count = 13
	}
	b = b[5:]
	var numbers [13]uint64
	for i := range count {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return d, errRecord
		}
		numbers[i], b = n, b[size:]
	}
	in.Person.Seed, in.Person.Chosen = int64(numbers[0]), feature.Set(numbers[1])
	in.Person.Lifted = feature.Set(numbers[12])
	in.Bound, in.Served, in.Way, in.Proves, in.Proved = user.Ways(numbers[2]), user.Ways(numbers[3]), user.Ways(numbers[4]), user.Ways(numbers[5]), user.Ways(numbers[6])
	if numbers[7] >= uint64(len(outcomes)) || numbers[8] >= uint64(len(whys)) || numbers[9] >= uint64(len(tenant.MatchModes)) {
		return d, errRecord
	}
	d.Outcome, d.Why, d.Mode, d.Has, d.Usable = Outcome(numbers[7]), Why(numbers[8]), uint8(numbers[9]), feature.Set(numbers[10]), user.Ways(numbers[11])
	for _, into := range []*string{&in.Place, &in.Application} {
		part, rest, ok := cut(b)
		if !ok {
			return d, errRecord
		}
		*into, b = r.text(part), rest
	}
	in.Person.Groups, err = r.sets(b)
	return d, err
}

func mode(b byte) tenant.MatchMode {
	if b == 0 {
		return ""
	}
	return tenant.MatchModes[b-1]
}

// cut takes a text off.
func cut(b []byte) (part, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	return b[size : size+int(n)], b[size+int(n):], true
}

func (r *Reader) text(part []byte) string {
	if len(part) == 0 {
		return ""
	}
	if met, ok := r.texts[string(part)]; ok {
		return met
	}
	if len(r.texts) >= metMost {
		clear(r.texts)
	}
	s := string(part)
	r.texts[s] = s
	return s
}

func (r *Reader) sets(b []byte) ([]string, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if met, ok := r.groups[string(b)]; ok {
		return met, nil
	}
	if len(r.groups) >= metMost {
		clear(r.groups)
	}
	key := string(b)
	var all []string
	for len(b) > 0 {
		part, rest, ok := cut(b)
		if !ok {
			return nil, errRecord
		}
		all, b = append(all, r.text(part)), rest
	}
	r.groups[key] = all
	return all, nil
}
