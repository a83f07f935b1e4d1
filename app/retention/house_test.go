package retention_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/retention"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// archives is a house whose audit has a past: of alder and birch, sign-ins and what
// administrators did, and a witness who has all of it.
type archives struct {
	*House
	security, second user.User
	folder           string
	witness          *checkpoint.File
	seals            *checkpoint.Service
	keeps            *retention.Service
	approvals        *approval.Service
}

func each(t *testing.T, story func(h *archives)) {
	t.Helper()
	Each(t, func(base *House) {
		h := &archives{House: base, folder: t.TempDir()}
		h.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
		h.second = h.Admin(h.Alder, "second", access.RoleSecurityAdministrator)
		h.witness = &checkpoint.File{Path: filepath.Join(t.TempDir(), "witness"), Host: "here"}
		h.seals = &checkpoint.Service{DB: h.DB, Keys: h.Keys, Log: slog.New(slog.DiscardHandler), Witnesses: []checkpoint.Witness{h.witness}}
		h.keeps = h.replica()
		h.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: h.keeps.Performers()}
		h.later(1) // to the first of a month: a story that takes minutes is in one month
		story(h)
	})
}

// replica is another process, or this one after a restart.
func (h *archives) replica() *retention.Service {
	return retention.New(h.DB, h.seals, h.folder, "here", slog.New(slog.DiscardHandler))
}

// happen records n times a sign-in, an act of an administrator, and a piece of evidence.
func (h *archives) happen(of tenant.Tenant, n int) {
	h.T.Helper()
	for i := range n {
		h.Act(func(tx *store.Tx) error {
			for _, action := range []audit.Action{audit.SignInFinished, audit.PolicyChanged, audit.AuditViewed} {
				e := audit.Event{
					TenantID: of.ID, Action: action, Actor: audit.User(h.security.ID), Target: audit.User(h.security.ID), Subject: h.security.ID, Reason: fmt.Sprintf("walrus %d", i), Origin: audit.Origin{IP: "203.0.113.9"},
				}
				if err := audit.Record(tx, e.Under("INC-1")); err != nil {
					return err
				}
			}
			return nil
		})
		h.Clock.Forward(time.Second)
	}
}

// leadsSomewhere wants no word and no ticket of a tenant to lead to an event that is not there.
func (h *archives) leadsSomewhere(of tenant.Tenant) {
	h.T.Helper()
	for _, index := range []string{"audit_words", "ticket_events"} {
		if got := h.Count("SELECT count(*) FROM "+index+" k WHERE k.tenant_id = ? AND NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id)", of.ID); got != 0 {
			h.T.Errorf("%d of %s lead to nothing", got, index)
		}
	}
}

// later seals and signs what there is, has the witness take it, and moves to the first day
// of the month that lies so many months ahead.
func (h *archives) later(months int) {
	h.T.Helper()
	h.Clock.Forward(2 * time.Minute)
	h.seal()
	now := h.Clock.Now().UTC()
	h.Clock.Forward(time.Date(now.Year(), now.Month()+time.Month(months), 1, 1, 0, 0, 0, time.UTC).Sub(now))
	if err := audit.EnsureMonths(h.T.Context(), h.DB); err != nil {
		h.T.Fatal(err)
	}
	h.seal()
}

func (h *archives) seal() {
	h.T.Helper()
	if err := h.seals.Round(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
	if err := h.seals.Tell(h.T.Context(), h.witness); err != nil {
		h.T.Fatal(err)
	}
}

// keep says for how long a tenant keeps its audit, without asking anybody.
func (h *archives) keep(of tenant.Tenant, signins, administration int) {
	h.T.Helper()
	h.Set("INSERT INTO audit_keeping (tenant_id, signins, administration, version, due_at) VALUES (?,?,?,1,?) ON CONFLICT (tenant_id) DO UPDATE SET signins = excluded.signins, administration = excluded.administration, due_at = excluded.due_at",
		of.ID, signins, administration, h.DB.Now())
}

func (h *archives) round() {
	h.T.Helper()
	if err := h.keeps.Round(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
}

// left are how many events of an action a tenant has.
func (h *archives) left(of tenant.Tenant, action audit.Action) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM audit_events WHERE tenant_id = ? AND action = ?", of.ID, action)
}

// verdict is what the verifier says of a tenant, beside the witness.
func (h *archives) verdict(of tenant.Tenant) (r checkpoint.Result) {
	h.T.Helper()
	file, err := os.Open(h.witness.Path)
	if err != nil {
		h.T.Fatal(err)
	}
	defer file.Close()
	witnessed, err := checkpoint.ReadWitness(file)
	if err != nil {
		h.T.Fatal(err)
	}
	if err := h.seals.Verify(h.T.Context(), of.ID, witnessed, func(is checkpoint.Result) { r = is }); err != nil {
		h.T.Fatal(err)
	}
	return r
}

func (h *archives) whole(of tenant.Tenant) checkpoint.Result {
	h.T.Helper()
	r := h.verdict(of)
	if !r.Whole() {
		h.T.Fatalf("%s is %+v", of.Slug, r.Findings)
	}
	return r
}

// drops are those of a tenant, as they are signed.
func (h *archives) drops(of tenant.Tenant) (all []retention.Drop) {
	h.T.Helper()
	all, err := h.keeps.Drops(h.T.Context(), of.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	return all
}

// file reads the archive of a drop, and holds it against its digest.
func (h *archives) file(d retention.Drop) []byte {
	h.T.Helper()
	text, err := os.ReadFile(filepath.Join(h.folder, d.File))
	if err != nil {
		h.T.Fatal(err)
	}
	if sum := sha256.Sum256(text); sum != d.Archive {
		h.T.Fatalf("%s is not the file that was signed", d.File)
	}
	return text
}

func (h *archives) files() int {
	h.T.Helper()
	all, err := filepath.Glob(filepath.Join(h.folder, "*", "*"))
	if err != nil {
		h.T.Fatal(err)
	}
	return len(all)
}

// judged verifies an archive with the public keys alone.
func (h *archives) judged(text []byte) (checkpoint.ArchiveAbout, checkpoint.Result, error) {
	h.T.Helper()
	keys, err := h.seals.PublicKeys(h.T.Context())
	if err != nil {
		h.T.Fatal(err)
	}
	about, r, _, err := checkpoint.VerifyArchive(bytes.NewReader(text), int64(len(text)), keys, nil)
	return about, r, err
}

// try submits an act of an administrator.
func (h *archives) try(by user.User, kind approval.Kind, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: h.Alder.ID, ActorID: by.ID, Reason: "for a story"}
	return h.approvals.Submit(h.T.Context(), act.With(parameters))
}
