package phone

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Command is `latchkey phone …` for kong. Its Run methods want a bound
// context.Context: kong.BindTo(ctx, (*context.Context)(nil)).
type Command struct {
	Folder string `name:"folder" env:"LATCHKEY_PHONE_FOLDER" type:"path" placeholder:"DIR" help:"Where this phone is kept; one folder is one phone. Default: latchkey/phone in the user's configuration folder."`
	PIN    string `name:"pin" env:"LATCHKEY_PHONE_PIN" placeholder:"DIGITS" help:"The PIN of this phone. Asked for when it is not given."`

	Enrol    EnrolCommand    `cmd:"" help:"Make this a phone of a user, by the link from My security info."`
	Watch    WatchCommand    `cmd:"" help:"Show requests as they come, and answer them."`
	Answer   AnswerCommand   `cmd:"" help:"Answer the request that waits."`
	Accounts AccountsCommand `cmd:"" help:"List the accounts on this phone."`
	Enable   EnableCommand   `cmd:"" help:"Enable phone sign-in for an account."`
	Disable  DisableCommand  `cmd:"" help:"Turn phone sign-in off for an account."`
	Remove   RemoveCommand   `cmd:"" help:"Remove this phone from the service and forget its key."`
}

func (c *Command) options() (Options, error) {
	if c.Folder == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return Options{}, fmt.Errorf("phone: no place to keep this phone; use --folder: %w", err)
		}
		c.Folder = filepath.Join(base, "latchkey", "phone")
	}
	return Options{Folder: c.Folder, PIN: c.PIN}, nil
}

// EnrolCommand is `phone enrol LINK`.
type EnrolCommand struct {
	Link string `arg:"" help:"The enrolment link, {public url}/phone#enrol={token}. Quote it."`
	Name string `default:"Terminal" help:"The name of this phone in the list of phones."`
}

// Run enrols; the test request follows when a person sits at the terminal.
func (e *EnrolCommand) Run(ctx context.Context, c *Command) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	return Enrol(ctx, EnrolOptions{Options: o, Link: e.Link, Name: e.Name, Test: IsTerminal(os.Stdin)}, os.Stdin, os.Stdout)
}

// WatchCommand is `phone watch`.
type WatchCommand struct{}

// Run watches until it is interrupted.
func (*WatchCommand) Run(ctx context.Context, c *Command) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	return Watch(ctx, o, os.Stdin, os.Stdout)
}

// AnswerCommand is `phone answer`.
type AnswerCommand struct {
	Request string `placeholder:"ID" help:"Which request; the only one when it is not given."`
	Number  string `xor:"decision" required:"" placeholder:"NN" help:"Approve: the number that the page shows."`
	Deny    bool   `xor:"decision" required:"" help:"Decline."`
	Report  bool   `xor:"decision" required:"" help:"It is not me: decline and report."`
}

// Run answers.
func (a *AnswerCommand) Run(ctx context.Context, c *Command) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	choice := Choice{RequestID: a.Request, Decision: Approve, Number: a.Number}
	switch {
	case a.Deny:
		choice.Decision = Deny
	case a.Report:
		choice.Decision = Report
	}
	return Answer(ctx, o, choice, os.Stdin, os.Stdout)
}

// AccountsCommand is `phone accounts`.
type AccountsCommand struct{}

// Run lists.
func (*AccountsCommand) Run(ctx context.Context, c *Command) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	return Accounts(ctx, o, os.Stdout)
}

// EnableCommand is `phone enable [ACCOUNT]`.
type EnableCommand struct {
	Account string `arg:"" optional:"" help:"Account id or user; the only one when it is not given."`
	Move    bool   `help:"Take phone sign-in from the organisation that has it."`
}

// Run enables.
func (e *EnableCommand) Run(ctx context.Context, c *Command) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	return Enable(ctx, o, e.Account, e.Move, os.Stdout)
}

// DisableCommand is `phone disable [ACCOUNT]`.
type DisableCommand struct {
	Account string `arg:"" optional:"" help:"Account id or user; the only one when it is not given."`
}

// Run disables.
func (d *DisableCommand) Run(ctx context.Context, c *Command) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	return Disable(ctx, o, d.Account, os.Stdout)
}

// RemoveCommand is `phone remove`.
type RemoveCommand struct{}

// Run removes.
func (*RemoveCommand) Run(ctx context.Context, c *Command) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	return Remove(ctx, o, os.Stdout)
}
