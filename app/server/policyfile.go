package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"latchkey/app/approval"
	"latchkey/app/fault"
	"latchkey/app/policyfile"
	"latchkey/app/tenant"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/words"
)

// Policy is the policy of an organisation as a file; see package policyfile.
type Policy struct {
	Export PolicyExport `cmd:"" help:"Write what an organisation has decided as YAML."`
	Diff   PolicyDiff   `cmd:"" help:"Say what a file would change, and change nothing."`
	Apply  PolicyApply  `cmd:"" help:"Do what a file says, in the name of an administrator. What loosens waits for a second person in the console."`
}

// PolicyExport writes a file.
type PolicyExport struct {
	Settings `embed:""`
	Tenant   string `arg:"" help:"Slug of the organisation, such as alder."`
}

// PolicyDiff compares a file with what there is.
type PolicyDiff struct {
	Settings `embed:""`
	File     string `arg:"" help:"The file; - reads standard input." placeholder:"FILE"`
	As       string `help:"Sign-in name of the administrator who would do it. Without it nobody is asked who may." placeholder:"NAME"`
}

// PolicyApply does what a file says.
type PolicyApply struct {
	Settings `embed:""`
	File     string `arg:"" help:"The file; - reads standard input." placeholder:"FILE"`
	As       string `required:"" help:"Sign-in name of the administrator who does it." placeholder:"NAME"`
	Reason   string `required:"" help:"Why, as the history and the audit show it."`
	Ticket   string `help:"Ticket that it is done under."`
}

// Run writes the file to out.
func (c *PolicyExport) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		t, err := tenant.BySlug(ctx, s.DB, c.Tenant)
		if err != nil {
			return inWords(ctx, err)
		}
		f, err := s.Files.Export(ctx, t.ID, t.Slug)
		if err != nil {
			return inWords(ctx, err)
		}
		text, err := f.Text()
		if err == nil {
			_, err = out.Write(text)
		}
		return err
	})
}

// Run says what would change.
func (c *PolicyDiff) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		f, tenantID, actorID, err := s.aimed(ctx, c.File, c.As)
		if err != nil {
			return err
		}
		steps, err := s.Files.Plan(ctx, tenantID, actorID, f)
		for _, step := range steps {
			show(ctx, out, step)
		}
		if err == nil && len(steps) == 0 {
			fmt.Fprintln(out, "Nothing would change.")
		}
		return inWords(ctx, err)
	})
}

// Run does it, and says what became of each act.
func (c *PolicyApply) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		f, tenantID, actorID, err := s.aimed(ctx, c.File, c.As)
		if err != nil {
			return err
		}
		done, err := s.Files.Apply(ctx, tenantID, actorID, f, c.Reason, c.Ticket)
		for _, d := range done {
			show(ctx, out, d.Step)
			if d.Waits() {
				fmt.Fprintf(out, "  waits for approval: %s/admin/%s/approvals/%s\n", s.Settings.PublicURL, f.Tenant, d.RequestID)
			} else {
				fmt.Fprintln(out, "  done")
			}
		}
		if err == nil && len(done) == 0 {
			fmt.Fprintln(out, "Nothing has changed: it is so already.")
		}
		return inWords(ctx, err)
	})
}

// onFiles opens the program without serving, and closes it.
func onFiles(ctx context.Context, settings Settings, do func(context.Context, *Server) error) error {
	s, err := Build(ctx, settings, Logger(settings.LogLevel))
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, s), s.DB.Close())
}

// aimed reads a file, and finds whom it is of and who applies it; as may be empty.
func (s *Server) aimed(ctx context.Context, path, as string) (f policyfile.File, tenantID, actorID string, err error) {
	text, err := readFile(path)
	if err != nil {
		return f, "", "", err
	}
	if f, err = policyfile.Parse(text); err != nil {
		return f, "", "", err
	}
	t, err := tenant.BySlug(ctx, s.DB, f.Tenant)
	if errors.Is(err, fault.NotFound) {
		return f, "", "", fmt.Errorf("there is no organisation %q", f.Tenant)
	}
	if err != nil || as == "" {
		return f, t.ID, "", inWords(ctx, err)
	}
	u, ok, err := user.Named(ctx, s.DB, t.ID, user.Name(as))
	if err == nil && !ok {
		return f, "", "", fmt.Errorf("%s has nobody named %q", t.Name, as)
	}
	return f, t.ID, u.ID, inWords(ctx, err)
}

func readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(os.Stdin, policyfile.SizeMost+1))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, policyfile.SizeMost+1))
}

// show says a step as the console does.
func show(ctx context.Context, out io.Writer, step policyfile.Step) {
	fmt.Fprintln(out, web.Act(ctx, step.Act.Kind))
	lines(ctx, out, step.Difference)
	if step.FourEyes {
		fmt.Fprintln(out, "  a second person has to approve this")
	}
}

func lines(ctx context.Context, out io.Writer, difference []approval.Change) {
	for _, d := range difference {
		field, before, after := web.Changed(ctx, d.Field, d.Before, d.After)
		fmt.Fprintf(out, "  %s\n", words.Say(ctx, "policy.history.line", "field", field, "before", before, "after", after))
	}
}

// inWords says failures as pages do.
func inWords(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, inWords(ctx, one))
		}
		return errors.Join(all...)
	}
	f := fault.Of(err)
	if f == nil {
		return err
	}
	text := words.Say(ctx, "failure."+f.Code)
	for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
		text += " " + words.Say(ctx, "failure."+f.Fields[field])
	}
	var failed policyfile.Failed
	if errors.As(err, &failed) {
		text = web.Act(ctx, failed.Kind) + ": " + text
	}
	if f.Kind == fault.Unavailable || f.Kind == fault.Defect {
		return fmt.Errorf("%s: %w", text, err)
	}
	return errors.New(text)
}
