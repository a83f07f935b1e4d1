package server

import (
	"context"
	"fmt"
	"io"
	"os"

	"latchkey/app/census"
	"latchkey/views/words"
)

// Census is what can be done with the censuses of ways in as files; see package census.
type Census struct {
	Verify CensusVerify `cmd:"" help:"Check the signature of a census file, and say what it counts. It needs no database and no network."`
}

// CensusVerify checks a file.
type CensusVerify struct {
	File  string `arg:"" help:"The file, as the console gave it." placeholder:"FILE"`
	Key   string `help:"Public key that must have signed it, as the console shows it or as the x of /.well-known/latchkey-statement-key.json. Without it the key in the file is believed, and printed." placeholder:"KEY"`
	After string `help:"File of the census before, which this one must follow." placeholder:"FILE"`
}

// Run checks the file and prints its figures.
func (c *CensusVerify) Run(ctx context.Context, out io.Writer) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	s, f, err := census.Verify(text, c.Key)
	if err != nil {
		return fmt.Errorf("census: %s: %w", c.File, err)
	}
	if c.After != "" {
		earlier, err := os.ReadFile(c.After)
		if err != nil {
			return err
		}
		_, before, err := census.Verify(earlier, f.Key)
		if err != nil {
			return fmt.Errorf("census: %s: %w", c.After, err)
		}
		if err := census.Follows(s, before); err != nil {
			return fmt.Errorf("census: %s: %w", c.File, err)
		}
	}
	fmt.Fprintf(out, "%s (%s), census %d of %s\n", s.Name, s.Tenant, s.Number, s.MadeAt.UTC().Format("2006-01-02 15:04 UTC"))
	for _, f := range s.Figures {
		fmt.Fprintf(out, "%8d  %s\n", f.Count, words.Say(ctx, "census.figure."+f.Name))
	}
	if c.Key == "" {
		fmt.Fprintf(out, "The signature fits the key in the file, %s. Compare it with that of the installation.\n", f.Key)
		return nil
	}
	fmt.Fprintln(out, "The signature fits the key that was given.")
	return nil
}
