package session

import (
	"slices"
	"strings"
	"time"
)

// Level says to an application how its user proved it: that is less fine than
// Strength, and other programs know it.
type Level int

const (
	OneFactor         Level = 1
	MultiFactor       Level = 2
	PhishingResistant Level = 3
)

// Levels as acr values, from the weakest. The last one is that of OpenID Connect
// Extended Authentication Profile ACR Values 1.0 §2.
var Levels = []struct {
	Level Level
	ACR   string
}{
	{OneFactor, "1fa"}, {MultiFactor, "mfa"}, {PhishingResistant, "phr"},
}

// LevelOf reads an acr value; 0 is one that nobody here knows.
func LevelOf(acr string) Level {
	for _, l := range Levels {
		if l.ACR == acr {
			return l.Level
		}
	}
	return 0
}

// ACR is the value of a level.
func (l Level) ACR() string {
	for _, known := range Levels {
		if known.Level == l {
			return known.ACR
		}
	}
	return ""
}

// held are what makes, with the password in the same proof, two factors.
var held = []string{ByTOTP, ByPrintedCode, BySMS, ByVoice}

// Level is that of the last proof of a session. What was proved before does not count,
// not even that the password is known: the time that is told is that of the last one. A
// passkey that did not see who holds it
// is one factor, and with the password two, of which nobody can be talked out of one.
func (s Session) Level() Level {
	password := made(s.ProvedBy, ByPassword)
	switch {
	case s.Restricted():
		return OneFactor // whatever was proved to bind something new
	case made(s.ProvedBy, ByPasskey), made(s.ProvedBy, ByKey) && password:
		return PhishingResistant
	case made(s.ProvedBy, ByPhone), password && slices.ContainsFunc(held, func(by string) bool { return made(s.ProvedBy, by) }):
		return MultiFactor
	}
	return OneFactor
}

// Without says whether a way of a proof is off for the user of a session by now.
func (s Session) Without(by string) bool { return madeWith(by)&s.Off != 0 }

// references are the ways as authentication method references of RFC 8176.
var references = map[string]string{
	ByPassword: "pwd", ByPhone: "swk", ByTOTP: "otp", ByPasskey: "pop", ByKey: "pop", ByPrintedCode: "otp", BySMS: "sms", ByVoice: "tel", ByPasscode: "otp", ByBypass: "otp", ByBreakGlass: "otp",
}

// References are the ways of the last proof as RFC 8176 names them.
func (s Session) References() (all []string) {
	for by := range strings.SplitSeq(s.ProvedBy, ",") {
		if name := references[by]; name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if s.Level() >= MultiFactor {
		all = append(all, "mfa")
	}
	return all
}

// LevelProofs lists the ways by which the user of a session can prove it at a level, the
// strongest first. It may be none. Two factors are one proof: after a password from
// before it takes that again, and then what is held.
func (s Session) LevelProofs(least Level, now time.Time) []string {
	if s.Restricted() {
		return nil
	}
	switch least {
	case PhishingResistant:
		return s.Offers([]string{ByPasskey})
	case MultiFactor:
		if s.ProvedBy != ByPassword || !now.Before(s.ProvedAt.Add(StepUpLife)) {
			s.AMR, s.ProvedBy = "", ""
		}
		return s.having(Strong, s.Ways)
	}
	return s.Offers(s.Proofs(s.Strongest()))
}
