// Latchkey lets people sign in by phone instead of by password. This is its
// command line: one command, one call.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"latchkey/app/phone"
	"latchkey/app/server"
)

type commands struct {
	Serve    server.Serve    `cmd:"" help:"Run for real. The first start prints a one-time set-up link; there is no default account."`
	Demo     server.Demo     `cmd:"" help:"Run on loopback with two made-up organisations, and a phone that you can open in a second tab."`
	Migrate  server.Migrate  `cmd:"" help:"Bring the database up to date and stop. Safe to run twice, and beside a running replica of the version before."`
	Operator server.Operator `cmd:"" help:"Print a one-time link that makes a platform operator, who makes organisations and looks after them from outside. Safe beside a running replica."`
	Policy   server.Policy   `cmd:"" help:"Write what an organisation has decided into a file, say what a file would change, and do it. Safe beside a running replica."`
	Census   server.Census   `cmd:"" help:"Check the file of a census of ways in, offline."`
	Audit    server.Audit    `cmd:"" help:"Verify the audit, write it into a file, and look after its keys. Safe beside a running replica."`
	Bench    server.Bench    `cmd:"" help:"Measure complete phone sign-ins on this machine."`
	Phone    phone.Command   `cmd:"" help:"Be a phone, in a terminal."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "latchkey:", err)
		os.Exit(1)
	}
}

// run is a process with what it has as arguments, so that a test can be one.
func run(ctx context.Context, arguments []string, out io.Writer) error {
	parser, err := commandLine()
	if err != nil {
		return err
	}
	command, err := parser.Parse(arguments)
	parser.FatalIfErrorf(err)
	command.BindTo(ctx, (*context.Context)(nil))
	command.BindTo(out, (*io.Writer)(nil))
	return command.Run()
}

// commandLine is every command with its settings.
func commandLine() (*kong.Kong, error) {
	return kong.New(&commands{}, kong.Name("latchkey"), kong.UsageOnError(),
		kong.Description("Phone sign-in without passwords, and the console for everything around it. Every setting is a flag or an environment variable."))
}
