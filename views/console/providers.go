package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Providers is who carries messages, how they do, and what did not go out.
type Providers struct {
	Base   string
	Rows   []ProviderRow
	Limits MessageLimits
	Errors map[string]string
	Today  string // messages to phones so far today
	Unsent []UnsentRow
}

// ProviderRow is one channel.
type ProviderRow struct {
	Channel, Name, Icon string
	Set                 bool
	State, Tone         string
	Note                string // who it is, or what is missing without one
	Waiting             string
	LastSuccessAt       time.Time
	LastFailureAt       time.Time
	Middle              string // milliseconds; empty before the first message
	InRow               string // failures since the last success
	Fault               string // why the last one failed
}

// MessageLimits is the form of the brakes, as typed.
type MessageLimits struct{ Countries, Daily string }

// UnsentRow is a message that did not go out.
type UnsentRow struct {
	ID, Icon, Channel, To, Why, Tries string
	At                                time.Time
	Again                             string // address of the act; empty where there is none
}

// ProviderForm is the provider of one channel, as typed.
type ProviderForm struct {
	Title, Back, Action, URLHint, SenderHint  string
	Drivers                                   []component.Choice
	Driver, URL, Account, Sender, Version, By string
	At                                        time.Time
	Set                                       bool // there is one
	Credential                                bool // and it has a credential
	Errors                                    map[string]string
}

func (v ProviderForm) problems() []component.Problem {
	return component.Problems(v.Errors, "driver", "url", "account", "sender", "credential")
}

// credentialHint says what stands there, which is never shown.
func (v ProviderForm) credentialHint(ctx context.Context) string {
	if v.Credential {
		return words.Say(ctx, "provider.credential.kept")
	}
	return words.Say(ctx, "provider.credential.hint")
}
