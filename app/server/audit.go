package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/trailview"
	"latchkey/app/user"
)

// Audit is what can be done about the audit from outside; see package checkpoint.
type Audit struct {
	Verify    AuditVerify    `cmd:"" help:"Say whether the audit is whole, and else whose and from which event on. Ends with 1 when it is not."`
	Bundle    AuditBundle    `cmd:"" help:"Write the events of an organisation with its checkpoints and keys into a file that can be verified anywhere, without the database."`
	Drops     AuditDrops     `cmd:"" help:"List what was dropped from the audit of an organisation, with the files that have it."`
	Keys      AuditKeys      `cmd:"" help:"Print the public keys of the checkpoints, the newest first, to be kept where the database is not."`
	RotateKey AuditRotateKey `cmd:"" name:"rotate-key" help:"Make the next key. The one before names it, and both sign the last head of every organisation."`
	Erase     AuditErase     `cmd:"" help:"Take the addresses, browsers and typed names of one person out of the audit. What happened stays, and stays whole."`
}

// AuditVerify goes through the database, or through a bundle.
type AuditVerify struct {
	Settings `embed:""`
	Tenant   string   `arg:"" optional:"" help:"Slug of one organisation. Default: all of them."`
	Bundle   string   `help:"Go through this file, and ask no database." placeholder:"FILE" type:"existingfile"`
	Key      []string `help:"Public key that a bundle must lead back to, as audit keys printed it. Without one the bundle's own first key is taken, and printed." placeholder:"KEY"`
	Witness  string   `help:"File of a witness to hold it against, or a bundle of an organisation whose audit is one. Default: the one of --audit-witness." placeholder:"FILE" type:"existingfile"`
}

// AuditBundle writes a bundle.
type AuditBundle struct {
	Settings   `embed:""`
	Tenant     string `arg:"" help:"Slug of the organisation."`
	Out        string `required:"" help:"File to write; it must not be there yet." placeholder:"FILE" type:"path"`
	NoPersonal bool   `help:"Leave out addresses, browsers and typed names."`
}

// AuditDrops lists drops.
type AuditDrops struct {
	Settings `embed:""`
	Tenant   string `arg:"" help:"Slug of the organisation."`
}

// AuditKeys prints keys.
type AuditKeys struct {
	Settings `embed:""`
}

// AuditRotateKey makes the next key.
type AuditRotateKey struct {
	Settings `embed:""`
	Reason   string `required:"" help:"Why, as the audit shows it."`
}

// AuditErase erases a person.
type AuditErase struct {
	Settings `embed:""`
	Tenant   string `arg:"" help:"Slug of the organisation."`
	Person   string `arg:"" help:"Sign-in name of the person, or the id of one who has none any more."`
	Reason   string `required:"" help:"Why, as the audit shows it."`
}

var errNotWhole = errors.New("the audit is not whole")

// Run says what it finds, and fails unless everything is whole.
func (c *AuditVerify) Run(ctx context.Context, out io.Writer) error {
	path := c.Witness
	if path == "" && c.AuditWitness != "" {
		if _, err := os.Stat(c.AuditWitness); err == nil {
			path = c.AuditWitness
		}
	}
	var witnessed []checkpoint.Signed
	if path != "" {
		var err error
		if witnessed, err = witnessedIn(path); err != nil {
			return err
		}
	}
	if c.Bundle != "" {
		return c.verifyBundle(out, witnessed)
	}
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		slugs := map[string]string{}
		if err := s.DB.View(ctx).Each("SELECT id, slug FROM tenants", func(scan func(...any) error) error {
			var id, slug string
			err := scan(&id, &slug)
			slugs[id] = slug
			return err
		}); err != nil {
			return store.Unusable(err)
		}
		only := ""
		for id, slug := range slugs {
			if slug == c.Tenant {
				only = id
			}
		}
		if c.Tenant != "" && only == "" {
			return fmt.Errorf("there is no organisation %q", c.Tenant)
		}
		if c.AuditWitnessTenant != "" {
			kept, err := (&checkpoint.Log{DB: s.DB, Slug: c.AuditWitnessTenant}).Witnessed(ctx)
			if err != nil {
				return inWords(ctx, err)
			}
			witnessed = append(witnessed, kept...)
		}
		whole := true
		err := s.Checkpoints.Verify(ctx, only, witnessed, func(r checkpoint.Result) {
			whole = whole && r.Whole()
			name := slugs[r.TenantID]
			if name == "" {
				name = r.TenantID
			}
			found(out, name, r)
		})
		if err != nil {
			return inWords(ctx, err)
		}
		if path == "" && len(witnessed) == 0 {
			fmt.Fprintln(out, "There is no witness to hold it against: a database that was put back, as a whole, to an earlier moment looks like this too.")
		}
		if !whole {
			return errNotWhole
		}
		return nil
	})
}

// witnessedIn reads what a witness has kept: in its file, or in a bundle.
func witnessedIn(path string) (all []checkpoint.Signed, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var first [2]byte
	if _, err := file.ReadAt(first[:], 0); err == nil && string(first[:]) == "PK" {
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		return checkpoint.WitnessedInBundle(file, info.Size())
	}
	return checkpoint.ReadWitness(file)
}

func (c *AuditVerify) verifyBundle(out io.Writer, witnessed []checkpoint.Signed) error {
	file, err := os.Open(c.Bundle)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var slug, what string
	var r checkpoint.Result
	var trusted []string
	if checkpoint.IsArchive(file, info.Size()) {
		var about checkpoint.ArchiveAbout
		about, r, trusted, err = checkpoint.VerifyArchive(file, info.Size(), c.Key, witnessed)
		slug, what = about.Slug, fmt.Sprintf(", %s of %s, part %d", about.Class, about.Month, about.Part)
	} else {
		var about checkpoint.About
		about, r, trusted, err = checkpoint.VerifyBundle(file, info.Size(), c.Key, witnessed)
		slug = about.Slug
	}
	if err != nil {
		return err
	}
	if c.Tenant != "" && c.Tenant != slug {
		return fmt.Errorf("this is a bundle of %s", slug)
	}
	found(out, slug+what, r)
	if what != "" {
		sum, err := digestOf(file, info.Size())
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "The SHA-256 of the file is "+sum+"; the signed drop must name the same.")
	}
	if len(c.Key) == 0 {
		fmt.Fprintln(out, "No key was named, so the first of the bundle was believed. Compare it with the one that was kept:")
		for _, key := range trusted[:min(1, len(trusted))] {
			fmt.Fprintln(out, "  "+key)
		}
	}
	if !r.Whole() {
		return errNotWhole
	}
	return nil
}

// found says what was found out about an organisation.
func found(out io.Writer, name string, r checkpoint.Result) {
	if name == "" {
		name = "checkpoints"
	}
	if r.Whole() {
		fmt.Fprintf(out, "%s: whole: %d events, %d of them under %d checkpoints, %d of a witness", name, r.Size, r.Covered, r.Checkpoints, r.Witnessed)
		if r.Erased > 0 {
			fmt.Fprintf(out, "; personal data of %d are erased", r.Erased)
		}
		if r.Dropped > 0 {
			fmt.Fprintf(out, "; %d were dropped, by %d signed drops", r.Dropped, r.Drops)
		}
		if r.Pending > 0 {
			fmt.Fprintf(out, "; %d more are not sealed yet", r.Pending)
		}
		fmt.Fprintln(out)
		return
	}
	first := r.First()
	fmt.Fprintf(out, "%s: NOT WHOLE, first at %s\n", name, placeOf(first))
	for _, f := range r.Findings {
		fmt.Fprintf(out, "  %s %s: %s\n", f.What, placeOf(f), f.Detail)
	}
}

func placeOf(f checkpoint.Finding) string {
	if f.From == f.To {
		return fmt.Sprint(f.From)
	}
	return fmt.Sprintf("one of %d to %d", f.From, f.To)
}

// Run writes the file.
func (c *AuditBundle) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		t, err := tenant.BySlug(ctx, s.DB, c.Tenant)
		if err != nil {
			return inWords(ctx, err)
		}
		file, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		about, err := s.Checkpoints.Bundle(ctx, t.ID, t.Slug, !c.NoPersonal, audit.Service, file)
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return errors.Join(inWords(ctx, err), os.Remove(c.Out))
		}
		fmt.Fprintf(out, "%d events of %s are in %s.\n", about.Size, t.Slug, c.Out)
		return nil
	})
}

// digestOf is the SHA-256 of a file.
func digestOf(file io.ReaderAt, size int64) (string, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, io.NewSectionReader(file, 0, size))
	return hex.EncodeToString(sum.Sum(nil)), err
}

// Run lists the drops, the newest first.
func (c *AuditDrops) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		t, err := tenant.BySlug(ctx, s.DB, c.Tenant)
		if err != nil {
			return inWords(ctx, err)
		}
		all, err := s.Retention.Drops(ctx, t.ID)
		for _, d := range all {
			fmt.Fprintf(out, "%s  %-14s part %d  %d events  leaves %d to %d  %s on %s  SHA-256 %s\n", d.Month.Format("2006-01"), d.Class, d.Part, d.Events, d.First, d.Last, d.File, d.Host, d.ArchiveDigest())
		}
		if err == nil && len(all) == 0 {
			fmt.Fprintln(out, "Nothing was dropped.")
		}
		return inWords(ctx, err)
	})
}

// Run prints the keys.
func (c *AuditKeys) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		keys, err := s.Checkpoints.PublicKeys(ctx)
		for _, key := range keys {
			fmt.Fprintln(out, key)
		}
		if err == nil && len(keys) == 0 {
			fmt.Fprintln(out, "There is none yet: the first is made with the first checkpoint.")
		}
		return inWords(ctx, err)
	})
}

// Run makes the key and prints it.
func (c *AuditRotateKey) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		key, err := s.Checkpoints.Rotate(ctx, c.Reason)
		if err != nil {
			return inWords(ctx, err)
		}
		fmt.Fprintln(out, key)
		return nil
	})
}

// Run erases a person.
func (c *AuditErase) Run(ctx context.Context, out io.Writer) error {
	return onFiles(ctx, c.Settings, func(ctx context.Context, s *Server) error {
		t, err := tenant.BySlug(ctx, s.DB, c.Tenant)
		if err != nil {
			return inWords(ctx, err)
		}
		id := c.Person
		u, ok, err := user.Named(ctx, s.DB, t.ID, user.Name(c.Person))
		if err != nil {
			return inWords(ctx, err)
		}
		if ok {
			id = u.ID
		}
		var n int64
		err = s.DB.Act(ctx, func(tx *store.Tx) error {
			if err = trailview.Erase(tx, t.ID, id); err != nil {
				return err
			}
			if n, err = audit.Erase(tx, t.ID, id, c.Reason, audit.Service); err == nil && n == 0 {
				return fmt.Errorf("no event of %s has personal data of %q", t.Slug, c.Person)
			}
			return err
		})
		if err != nil {
			return inWords(ctx, err)
		}
		fmt.Fprintf(out, "Personal data are gone from %d events. Copies of the database, bundles and archives have them still.\n", n)
		return nil
	})
}

// replica is what this one is called among others: files are its own.
func (s Settings) replica() string {
	host, err := os.Hostname()
	if err != nil {
		return s.Listen
	}
	return host
}

// archive is the folder of archives of the audit.
func (s Settings) archive() string {
	if s.AuditArchive != "" {
		return s.AuditArchive
	}
	return filepath.Join(s.Data, "archive")
}

// witnesses are those that the settings name.
func (s Settings) witnesses(outside notify.Outside, db *store.DB) (all []checkpoint.Witness) {
	if s.AuditWitness != "" {
		all = append(all, &checkpoint.File{Path: s.AuditWitness, Host: s.replica()})
	}
	if s.AuditWitnessTenant != "" {
		all = append(all, &checkpoint.Log{DB: db, Slug: s.AuditWitnessTenant})
	}
	if s.AuditWitnessURL != "" {
		all = append(all, &checkpoint.Webhook{URL: s.AuditWitnessURL, Secret: secret.TokenOf(s.AuditWitnessSecret), Client: outside.Client(), Now: db.Now})
	}
	return all
}
