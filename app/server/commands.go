package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"

	"latchkey/app/demo"
	"latchkey/app/secret"
)

// Serve runs for real.
type Serve struct {
	Settings   `embed:""`
	CPUProfile string `help:"File for a CPU profile of the whole run." type:"path" env:"LATCHKEY_CPU_PROFILE" name:"cpu-profile"`
}

// Run serves until ctx ends.
func (c *Serve) Run(ctx context.Context, out io.Writer) error {
	if c.CPUProfile != "" {
		file, err := os.Create(c.CPUProfile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	s, err := Build(ctx, c.Settings, Logger(c.LogLevel))
	if err != nil {
		return err
	}
	link, needed, err := s.Setup.Link(ctx)
	if err != nil {
		return err
	}
	return s.Run(ctx, func(address string) {
		debug.FreeOSMemory() // what only the start needed
		fmt.Fprintf(out, "Latchkey listens on %s, public address %s\n", address, s.Settings.PublicURL)
		if needed {
			fmt.Fprintf(out, "There is no organisation yet. Set up the first one, once, at:\n  %s/setup/%s\n", s.Settings.PublicURL, link.Reveal())
		}
	})
}

// Demo runs on loopback with made-up organisations.
type Demo struct {
	Settings `embed:""`
	Password string `help:"Password of everybody in the demo. Default: one made at this start." env:"LATCHKEY_DEMO_PASSWORD"`
	Empty    bool   `help:"Leave out the made-up history of the last 30 days."`
}

// Run serves the demo until ctx ends.
func (c *Demo) Run(ctx context.Context, out io.Writer) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || !isLoopback(host) {
		return fmt.Errorf("demo: listens on loopback only, not on %s", c.Listen)
	}
	if c.DatabaseURL == "" {
		c.Data = filepath.Join(c.Data, "demo")
	}
	if c.Password == "" {
		c.Password = "demo-" + secret.System.ShortID()
	}
	c.KeepMessages = true
	s, err := Build(ctx, c.Settings, Logger(c.LogLevel))
	if err != nil {
		return err
	}
	s.Operator.Resolver = demo.Zone{DB: s.DB, Outside: s.Operator.Resolver}
	if err := demo.Fill(ctx, s.DB, s.Passwords, c.Password, c.Empty); err != nil {
		return err
	}
	if err := demo.KeepMessages(ctx, s.DB); err != nil {
		return err
	}
	if err := s.Rules.Reload(ctx); err != nil {
		return err
	}
	return s.Run(ctx, func(string) {
		debug.FreeOSMemory() // what only the start needed
		fmt.Fprintf(out, `Latchkey demo is ready.

  PC      %[1]s
  Phone   %[1]s/phone   (a second tab or a private window; add it under My security info)
  SMS     %[1]s/demo/outbox   (and calls and mails: what would have been sent)

  Sign-in names   user1@alder.example … user40@alder.example, also security@ admin@ lead@ desk@ desk2@ auditor@
                  the same at birch.example, and operator@latchkey.example
  Password        %[2]s

Stop with Ctrl-C.
`, s.Settings.PublicURL, c.Password)
	})
}

// Migrate brings the database up to date.
type Migrate struct {
	Settings `embed:""`
}

// Run migrates and stops.
func (c *Migrate) Run(ctx context.Context, out io.Writer) error {
	s, err := Build(ctx, c.Settings, Logger(c.LogLevel))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "The database is up to date.")
	return s.DB.Close()
}

// Operator makes a link for a platform operator. Whoever can run it has the
// database and the master key, so it asks for nothing else.
type Operator struct {
	Settings `embed:""`
}

// Run makes the link, prints it and stops.
func (c *Operator) Run(ctx context.Context, out io.Writer) error {
	s, err := Build(ctx, c.Settings, Logger(c.LogLevel))
	if err != nil {
		return err
	}
	link, err := s.Setup.InviteOperator(ctx)
	if err != nil {
		return errors.Join(err, s.DB.Close())
	}
	fmt.Fprintf(out, "Make a platform operator, once and within the hour, at:\n  %s/setup/%s\n", s.Settings.PublicURL, link.Reveal())
	return s.DB.Close()
}
