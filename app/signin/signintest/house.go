// Package signintest is the house of services that the stories of the features
// are told in: two organisations, users, phones that sign and browsers, on a
// real database and with a clock that a test moves. There is no HTTP in it and
// nothing runs by itself.
package signintest

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"strings"
	"sync"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/codesheet"
	"latchkey/app/decision"
	"latchkey/app/device"
	"latchkey/app/passcode"
	"latchkey/app/passkey"
	"latchkey/app/phone"
	"latchkey/app/prompt"
	"latchkey/app/proof"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/totp"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// What everybody has in a story.
const (
	Password  = "a long password for stories"
	PIN       = "246813"
	PublicURL = "https://id.example"
)

// House is one replica: its services over a database that others may share.
type House struct {
	T         *testing.T
	DB        *store.DB
	Clock     *storetest.Clock
	Keys      *secret.Keys
	Passwords *secret.Passwords
	Rules     *access.Rules
	Hub       *wake.Hub
	Devices   *device.Service
	Prompts   *prompt.Service
	SignIn    *signin.Service
	TOTPs     *totp.Service
	Backups   *backupphone.Service
	Passkeys  *passkey.Service
	Sheets    *codesheet.Service
	Alder     tenant.Tenant
	Birch     tenant.Tenant
}

// Each runs a story on both databases.
func Each(t *testing.T, story func(h *House)) {
	t.Helper()
	storetest.Each(t, told(story))
}

// Walk runs a story of storetest.Breadth.
func Walk(t *testing.T, story func(h *House)) {
	t.Helper()
	storetest.Walk(t, told(story))
}

// On runs a story on one database, for what only one of them can do.
func On(t *testing.T, dialect store.Dialect, story func(h *House)) {
	t.Helper()
	storetest.On(t, dialect, told(story))
}

func told(story func(h *House)) func(t *testing.T, db *store.DB, clock *storetest.Clock) {
	return func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		h := Build(t, db, clock)
		h.Alder = h.tenant("alder", "Alder Health")
		h.Birch = h.tenant("birch", "Birch Freight")
		story(h)
	}
}

// Build puts a replica on a database.
func Build(t *testing.T, db *store.DB, clock *storetest.Clock) *House {
	t.Helper()
	keys, err := secret.NewKeys([]byte("a master key that only stories have"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := access.Load(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	h := &House{T: t, DB: db, Clock: clock, Keys: keys, Passwords: passwords(), Rules: rules, Hub: wake.NewHub(db, secret.System.ShortID())}
	h.Devices = &device.Service{DB: db, Keys: keys, Hub: h.Hub}
	h.Prompts = &prompt.Service{
		DB: db, Devices: h.Devices, Hub: h.Hub, Secrets: secret.System, PublicURL: PublicURL, Nudge: make(chan struct{}, 1),
	}
	h.TOTPs = &totp.Service{DB: db, Keys: keys}
	if h.Passkeys, err = passkey.New(db, keys, PublicURL); err != nil {
		t.Fatal(err)
	}
	h.Backups = &backupphone.Service{DB: db, Keys: keys, Providers: &provider.Service{DB: db, Keys: keys, Nudge: make(chan struct{}, 1)}}
	h.Devices.Authenticators = h.Passkeys
	h.Sheets = &codesheet.Service{DB: db, Passwords: h.Passwords}
	h.SignIn = &signin.Service{
		DB: db, Keys: keys, Secrets: secret.System, Passwords: h.Passwords, Prompts: h.Prompts, TOTPs: h.TOTPs, Backups: h.Backups, Passkeys: h.Passkeys, Rules: rules,
		Passcodes: &passcode.Service{DB: db, Hub: h.Hub, Passwords: h.Passwords},
		Sheets:    h.Sheets,
		Decisions: &decision.Live{Rules: rules},
	}
	return h
}

// One gate and one hash serve all stories.
var (
	passwords = sync.OnceValue(secret.CheapPasswords)
	hash      = sync.OnceValues(func() (string, error) { return passwords().Hash(context.Background(), Password) })
)

func (h *House) tenant(slug, name string) (t tenant.Tenant) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) (err error) {
		t, err = tenant.Create(tx, tenant.New{
			Slug: slug, Name: name, Domain: slug + ".example", Region: "eu", Ring: "stable", Platforms: "ios,android,desktop",
		}, audit.Service, audit.Origin{})
		return err
	})
	return t
}

// Act does what must work.
func (h *House) Act(do func(tx *store.Tx) error) {
	h.T.Helper()
	if err := h.DB.Act(h.T.Context(), do); err != nil {
		h.T.Fatal(err)
	}
}

// Set runs a statement on the database, past all rules.
func (h *House) Set(statement string, values ...any) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) error { return tx.Exec(statement, values...).Error })
}

// Count gives the number that a query finds.
func (h *House) Count(query string, values ...any) int {
	h.T.Helper()
	var n int
	if _, err := h.DB.View(h.T.Context()).One(&n, query, values...); err != nil {
		h.T.Fatal(err)
	}
	return n
}

// Text gives the one text that a query finds.
func (h *House) Text(query string, values ...any) string {
	h.T.Helper()
	var text string
	if _, err := h.DB.View(h.T.Context()).One(&text, query, values...); err != nil {
		h.T.Fatal(err)
	}
	return text
}

// Events counts the audit events of an action.
func (h *House) Events(action audit.Action) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM audit_events WHERE action = ?", action)
}

// User makes a user of an organisation with everybody's password.
func (h *House) User(of tenant.Tenant, name string) (u user.User) {
	h.T.Helper()
	phc, err := hash()
	if err != nil {
		h.T.Fatal(err)
	}
	h.Act(func(tx *store.Tx) (err error) {
		u, err = user.Create(tx, of.ID, name+"@"+of.Slug+".example", name, phc, audit.Service, audit.Origin{})
		return err
	})
	return u
}

// Admin makes a user with a role.
func (h *House) Admin(of tenant.Tenant, name string, role access.Role) user.User {
	h.T.Helper()
	u := h.User(of, name)
	h.Act(func(tx *store.Tx) error {
		return user.Assign(tx, of.ID, u.ID, role, audit.Service, audit.Origin{})
	})
	if err := h.Rules.Reload(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
	return u
}

// Lock locks a user.
func (h *House) Lock(u user.User) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) error {
		return user.Lock(tx, u.TenantID, u.ID, "lost", audit.Service, audit.Origin{})
	})
}

// Session signs a user in without asking, and gives the session's id and cookie.
func (h *House) Session(u user.User) (id string, cookie secret.Token) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) (err error) {
		id, cookie, err = session.Begin(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPassword})
		return err
	})
	return id, cookie
}

// Alive says whether a cookie is good for a session now.
func (h *House) Alive(cookie secret.Token) bool {
	h.T.Helper()
	_, err := session.Find(h.T.Context(), h.DB, cookie)
	return err == nil
}

// Browser is a browser with a cookie of its own.
func Browser(name string) signin.From {
	return signin.From{
		Origin: audit.Origin{IP: "203.0.113.9", Browser: "Firefox on " + name, RequestID: "request"}, BrowserDigest: secret.Digest(name),
	}
}

// Phone is a phone with its key; it may hold several accounts.
type Phone struct {
	h   *House
	Key *ecdsa.PrivateKey
	ID  string
}

// NewPhone makes a phone that holds no account yet.
func (h *House) NewPhone() *Phone {
	h.T.Helper()
	private, err := phone.NewKey()
	if err != nil {
		h.T.Fatal(err)
	}
	p := &Phone{h: h, Key: private}
	p.ID = p.public().Thumbprint()
	return p
}

func (p *Phone) public() proof.Key {
	p.h.T.Helper()
	jwk, err := phone.PublicJWK(&p.Key.PublicKey)
	if err != nil {
		p.h.T.Fatal(err)
	}
	return proof.Key{X: jwk.X, Y: jwk.Y}
}

// Invite makes a link to enrol a phone, in a session made for it.
func (h *House) Invite(u user.User) device.Enrolment {
	h.T.Helper()
	id, _ := h.Session(u)
	e, err := h.Devices.Invite(h.T.Context(), u.TenantID, u.ID, id, audit.Origin{})
	if err != nil {
		h.T.Fatalf("Invite: %v", err)
	}
	return e
}

// Candidate is p asking to be enrolled by a link.
func (p *Phone) Candidate(token secret.Token) device.Candidate {
	return device.Candidate{Token: token, Name: "A phone", Platform: "ios", Key: p.public(), PIN: PIN}
}

// Enrol adds an account to p, with phone sign-in off.
func (p *Phone) Enrol(u user.User) device.Account {
	p.h.T.Helper()
	a, err := p.h.Devices.Enrol(p.h.T.Context(), p.Candidate(p.h.Invite(u).Token), audit.Origin{})
	if err != nil {
		p.h.T.Fatalf("Enrol: %v", err)
	}
	return p.Account(a.AccountID)
}

// PhoneOf gives a user a new phone with phone sign-in on, of which they have been told before.
func (h *House) PhoneOf(u user.User) (*Phone, device.Account) {
	h.T.Helper()
	p := h.NewPhone()
	a := p.Enrol(u)
	h.Set("DELETE FROM notices WHERE user_id = ? AND action = ?", u.ID, audit.DeviceEnrolled)
	h.Set("DELETE FROM outbox WHERE body LIKE ?", "%"+string(audit.DeviceEnrolled)+"%")
	if err := h.Devices.EnablePhoneSignIn(h.T.Context(), a, false, audit.Origin{}); err != nil {
		h.T.Fatalf("EnablePhoneSignIn: %v", err)
	}
	return p, p.Account(a.AccountID)
}

// Accounts gives the live accounts of p, as each call of a phone finds them.
func (p *Phone) Accounts() []device.Account {
	p.h.T.Helper()
	accounts, err := p.h.Devices.Accounts(p.h.T.Context(), p.ID)
	if err != nil {
		p.h.T.Fatalf("Accounts: %v", err)
	}
	return accounts
}

// Account gives one live account of p.
func (p *Phone) Account(id string) device.Account {
	p.h.T.Helper()
	for _, a := range p.Accounts() {
		if a.AccountID == id {
			return a
		}
	}
	p.h.T.Fatalf("the phone holds no account %s", id)
	return device.Account{}
}

// Open gives the one request that p shows.
func (p *Phone) Open() prompt.Request {
	p.h.T.Helper()
	open, err := p.h.Prompts.Open(p.h.T.Context(), p.ID)
	if err != nil || len(open) != 1 {
		p.h.T.Fatalf("Open = %d requests, %v; want one", len(open), err)
	}
	return open[0]
}

// Claims are what p would sign to answer r.
func (p *Phone) Claims(r prompt.Request, decision prompt.Decision, number string) phone.Claims {
	claims := phone.Claims{
		Issuer: p.ID, Audience: PublicURL, Subject: r.Account.AccountID, ID: r.ID, Nonce: r.Nonce, Tenant: r.Account.TenantSlug,
		Decision: phone.Decision(decision), Number: number, IssuedAt: p.h.Clock.Now().Unix(),
	}
	if r.Act != nil && decision == prompt.Approve {
		claims.Act = r.Act.Hash
	}
	return claims
}

// Sign signs claims with the key of p.
func (p *Phone) Sign(claims phone.Claims) *proof.Signed {
	p.h.T.Helper()
	text, err := phone.SignAnswer(p.Key, claims)
	if err != nil {
		p.h.T.Fatal(err)
	}
	signed, err := proof.Parse(text)
	if err != nil {
		p.h.T.Fatal(err)
	}
	return signed
}

// Text is what p sends of claims, signed.
func (p *Phone) Text(claims phone.Claims) string {
	p.h.T.Helper()
	text, err := phone.SignAnswer(p.Key, claims)
	if err != nil {
		p.h.T.Fatal(err)
	}
	return text
}

// Answer answers r.
func (p *Phone) Answer(r prompt.Request, decision prompt.Decision, number, pin string) (prompt.State, error) {
	p.h.T.Helper()
	return p.Send(r, p.Claims(r, decision, number), pin)
}

// Send sends an answer with any claims.
func (p *Phone) Send(r prompt.Request, claims phone.Claims, pin string) (prompt.State, error) {
	p.h.T.Helper()
	return p.h.Prompts.Answer(p.h.T.Context(), p.Proof(), r.ID, p.Sign(claims), device.Unlocking{PIN: pin}, audit.Origin{})
}

// Proof is a proof of p for one call, checked and not used yet.
func (p *Phone) Proof() device.Proof {
	p.h.T.Helper()
	r := proof.Request{Method: "POST", PublicURL: PublicURL, Path: "/"}
	text, err := phone.Proof(p.Key, p.ID, r.Method, r.PublicURL+r.Path, p.h.Clock.Now())
	if err != nil {
		p.h.T.Fatal(err)
	}
	signed, err := proof.Parse(text)
	if err != nil {
		p.h.T.Fatal(err)
	}
	by, err := p.h.Devices.Check(p.h.T.Context(), signed, r)
	if err != nil {
		p.h.T.Fatalf("Check: %v", err)
	}
	return by
}

// Number gives the number that the page shows for a prompt.
func (h *House) Number(promptID string) string {
	h.T.Helper()
	return h.Text("SELECT number FROM prompts WHERE id = ?", promptID)
}

// Other gives a number that is not the one shown.
func Other(number string) string {
	if strings.HasPrefix(number, "1") {
		return "2" + number[1:]
	}
	return "1" + number[1:]
}

// Begin begins an attempt; way makes it the user's habit before.
func (h *House) Begin(name string, way signin.Way, from signin.From) string {
	h.T.Helper()
	tenantID := tenant.Nowhere
	for _, t := range []tenant.Tenant{h.Alder, h.Birch} {
		if strings.HasSuffix(name, "@"+t.Slug+".example") {
			tenantID = t.ID
		}
	}
	h.Set(`INSERT INTO habits (tenant_id, subject, way, changed_at) VALUES (?,?,?,?)
		ON CONFLICT (tenant_id, subject) DO UPDATE SET way = excluded.way`, tenantID, h.Keys.Subject(name), way, h.Clock.Now())
	attempt, err := h.SignIn.Begin(h.T.Context(), name, "/", from)
	if err != nil {
		h.T.Fatalf("Begin(%q): %v", name, err)
	}
	return attempt
}

// Attempt gives what the page of an attempt shows.
func (h *House) Attempt(addressed string, from signin.From) signin.Attempt {
	h.T.Helper()
	a, _, err := h.SignIn.Find(h.T.Context(), addressed, from.BrowserDigest)
	if err != nil {
		h.T.Fatalf("Find: %v", err)
	}
	return a
}

// State is the state of the phone way of an attempt, now.
func (h *House) State(addressed string, from signin.From) prompt.State {
	h.T.Helper()
	return h.Attempt(addressed, from).PhoneState(h.Clock.Now())
}

// AtOnce runs do n times at the same moment and gives what each returned.
func AtOnce(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			errs[i] = do(i)
		})
	}
	start.Done()
	done.Wait()
	return errs
}
