package feature

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"latchkey/app/user"
)

// Feature is something that can be rolled out. Add, never rename.
type Feature string

const (
	PhoneSignIn          Feature = "phone_sign_in"
	TypedNumberMatch     Feature = "typed_number_match"
	Passkeys             Feature = "passkeys"
	TOTP                 Feature = "totp"
	SMS                  Feature = "sms"
	Voice                Feature = "voice"
	PrintedCodes         Feature = "printed_codes"
	BackupPhones         Feature = "backup_phones"
	StaticPasscode       Feature = "static_passcode"
	TrustedBrowsers      Feature = "trusted_browsers"
	SelfServiceRecovery  Feature = "self_service_recovery"
	RegistrationCampaign Feature = "registration_campaign"
	Applications         Feature = "openid_applications"
	CallerCheck          Feature = "caller_check"
	Bypass               Feature = "bypass"
	OutageMode           Feature = "outage_mode"
)

// Set is a set of features, as bits.
type Set uint32

// Entry is one row of the catalogue.
type Entry struct {
	Feature Feature
	Bit     Set       // as in rows: add, never move
	Way     user.Ways // that it lets in by; 0: none
	Needs   []Feature // nobody has it who has not these
	Starts  Stage     // where no tenant has said anything: off or everyone
	Widens  bool      // to give it to more people takes a safeguard away, which needs a second person
	Narrows bool      // to take it from people does

	index      int
	mix, shift int64 // of the places in its percentages
	needs      Set   // all that it needs, by others too
	taken      []int // the places in the catalogue of what is gone with it, itself first
}

// Catalogue lists all features, in the order in which pages show them.
var Catalogue = catalogue(
	Entry{Feature: PhoneSignIn, Bit: 1 << 0, Way: user.WithPhone},
	Entry{Feature: TypedNumberMatch, Bit: 1 << 1, Needs: []Feature{PhoneSignIn}, Starts: Off, Narrows: true},
	Entry{Feature: Passkeys, Bit: 1 << 2, Way: user.WithPasskey},
	Entry{Feature: TOTP, Bit: 1 << 3, Way: user.WithTOTP},
	Entry{Feature: PrintedCodes, Bit: 1 << 4, Way: user.WithPrintedCode},
	Entry{Feature: BackupPhones, Bit: 1 << 5, Widens: true},
	Entry{Feature: SMS, Bit: 1 << 6, Way: user.WithSMS, Needs: []Feature{BackupPhones}, Widens: true},
	Entry{Feature: Voice, Bit: 1 << 7, Way: user.WithVoice, Needs: []Feature{BackupPhones}, Widens: true},
	Entry{Feature: StaticPasscode, Bit: 1 << 8, Way: user.WithStaticPasscode, Widens: true},
	Entry{Feature: TrustedBrowsers, Bit: 1 << 9, Widens: true},
	Entry{Feature: SelfServiceRecovery, Bit: 1 << 10, Widens: true},
	Entry{Feature: RegistrationCampaign, Bit: 1 << 11, Starts: Off},
	Entry{Feature: Applications, Bit: 1 << 12},
	Entry{Feature: CallerCheck, Bit: 1 << 13, Narrows: true},
	Entry{Feature: Bypass, Bit: 1 << 14, Way: user.WithBypass, Needs: []Feature{CallerCheck}, Widens: true},
	Entry{Feature: OutageMode, Bit: 1 << 15, Widens: true}, // of a tenant: whose members have it may declare; while somebody has it, an outage holds for all
)

// All is every feature.
var All = func() (all Set) {
	for _, e := range Catalogue {
		all |= e.Bit
	}
	return all
}()

// StartsOff is what nobody has where no tenant has said anything.
var StartsOff = func() (all Set) {
	for _, e := range Catalogue {
		if e.Starts == Off {
			all |= e.Bit
		}
	}
	return all
}()

// Find gives the entry of a feature; ok is false when there is none.
func Find(f Feature) (e *Entry, ok bool) {
	for i := range Catalogue {
		if Catalogue[i].Feature == f {
			return &Catalogue[i], true
		}
	}
	return nil, false
}

// Guarded says whether to turn a feature on, or off, for oneself takes a safeguard away,
// so that it asks for a fresh proof: what is seen as loosening of a whole tenant, and to
// do without a way in, as if it were removed.
func (e *Entry) Guarded(on bool) bool {
	if on {
		return e.Widens
	}
	return e.Narrows || e.Way != 0
}

// Has says whether a feature is in the set.
func (s Set) Has(f Feature) bool {
	e, ok := Find(f)
	return ok && s&e.Bit != 0
}

// Ways gives the ways in that the features of the set let in by.
func (s Set) Ways() (all user.Ways) {
	for left := uint32(s & All); left != 0; left &= left - 1 {
		all |= Catalogue[at[bits.TrailingZeros32(left)]].Way
	}
	return all
}

// Features lists the features of the set.
func (s Set) Features() (all []Feature) {
	for _, e := range Catalogue {
		if s&e.Bit != 0 {
			all = append(all, e.Feature)
		}
	}
	return all
}

// at gives the place in the catalogue of a bit.
var at [32]int

func catalogue(entries ...Entry) []Entry {
	places := map[Feature]int{}
	for i := range entries {
		e := &entries[i]
		places[e.Feature], at[bits.TrailingZeros32(uint32(e.Bit))] = i, i
		if e.Starts == "" {
			e.Starts = Everyone
		}
		e.index = i
		sum := sha256.Sum256([]byte("latchkey feature v1 " + string(e.Feature)))
		e.mix = int64(binary.BigEndian.Uint64(sum[:8])%(prime-1)) + 1
		e.shift = int64(binary.BigEndian.Uint64(sum[8:16]) % prime)
	}
	for i := range entries {
		for _, needed := range entries[i].Needs {
			entries[i].needs |= entries[places[needed]].Bit | entries[places[needed]].needs // what is needed stands before what needs it
		}
	}
	for i := range entries {
		for j := range entries {
			if i == j || entries[j].needs&entries[i].Bit != 0 {
				entries[i].taken = append(entries[i].taken, j)
			}
		}
	}
	return entries
}
