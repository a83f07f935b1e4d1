// Package server wires everything: settings, database, services, routes,
// background work, the listener, and the way down. It is the one place that
// knows everybody, and decides nothing.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/alarm"
	"latchkey/app/application"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/breakglass"
	"latchkey/app/bypass"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/census"
	"latchkey/app/checkpoint"
	"latchkey/app/codesheet"
	"latchkey/app/consumer"
	"latchkey/app/decision"
	deskrules "latchkey/app/desk"
	"latchkey/app/device"
	"latchkey/app/export"
	"latchkey/app/group"
	"latchkey/app/importing"
	"latchkey/app/insight"
	"latchkey/app/notify"
	"latchkey/app/operator"
	"latchkey/app/outage"
	"latchkey/app/passcode"
	"latchkey/app/passkey"
	"latchkey/app/password"
	"latchkey/app/people"
	"latchkey/app/place"
	"latchkey/app/policy"
	"latchkey/app/policyfile"
	"latchkey/app/prompt"
	"latchkey/app/provider"
	"latchkey/app/ramp"
	"latchkey/app/release"
	"latchkey/app/replay"
	"latchkey/app/retention"
	"latchkey/app/risk"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/search"
	"latchkey/app/secret"
	"latchkey/app/session"
	tenantsettings "latchkey/app/settings"
	"latchkey/app/setup"
	"latchkey/app/signals"
	"latchkey/app/signin"
	"latchkey/app/stock"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/ticket"
	"latchkey/app/ticketsystem"
	"latchkey/app/totp"
	"latchkey/app/trail"
	"latchkey/app/trailview"
	"latchkey/app/vouch"
	"latchkey/app/wake"
	"latchkey/app/web"
	consolepages "latchkey/app/web/console"
	demopages "latchkey/app/web/demo"
	helppages "latchkey/app/web/help"
	invitepages "latchkey/app/web/invite"
	mepages "latchkey/app/web/me"
	openidpages "latchkey/app/web/openid"
	operatorpages "latchkey/app/web/operator"
	phoneapi "latchkey/app/web/phone"
	setuppages "latchkey/app/web/setup"
	signinpages "latchkey/app/web/signin"
	"latchkey/static"
	"latchkey/views/component"
)

// Server is a wired program.
type Server struct {
	Settings  Settings
	DB        *store.DB
	Keys      *secret.Keys
	Passwords *secret.Passwords
	Rules     *access.Rules
	Hub       *wake.Hub
	Setup     *setup.Service
	Operator  *operator.Service
	Site      *web.Site
	Prompts   *prompt.Service
	SignIn    *signin.Service
	Approvals *approval.Service
	Checks    *callercheck.Service
	Cases     *cases.Service
	Vouches   *vouch.Service
	Roles     *role.Service
	Imports   *importing.Service
	Replays   *replay.Service
	Bypasses  *bypass.Service
	Insights  *insight.Service
	Signals   *signals.Service
	Files     *policyfile.Service
	Ramps     *ramp.Service
	Rollouts  *rollout.Service
	Releases  *release.Service
	Outages   *outage.Service
	Glass     *breakglass.Service
	Censuses  *census.Service
	Stock     *stock.Service
	Handler   http.Handler

	Checkpoints *checkpoint.Service
	Consumers   *consumer.Service
	Alarms      *alarm.Service
	Retention   *retention.Service
	Exports     *export.Service
	Views       *trailview.Service

	ready   readiness
	log     *slog.Logger
	outbox  *notify.Worker // notices to phones, which are soon worth nothing
	carrier *notify.Worker // messages, which may take long
	metrics *metrics
}

// Build opens the database, brings it up to date and builds every service once,
// in the order of dependency.
func Build(ctx context.Context, settings Settings, log *slog.Logger) (*Server, error) {
	settings, err := settings.check()
	if err != nil {
		return nil, err
	}
	keys, err := loadKeys(settings)
	if err != nil {
		return nil, err
	}
	address := settings.DatabaseURL
	if address == "" {
		address = filepath.Join(settings.Data, "latchkey.db")
	}
	db, err := store.Open(ctx, address, log, store.Patient(settings.Patience))
	if err != nil {
		return nil, err
	}
	s, err := build(ctx, settings, log, keys, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func newPasswords(settings Settings) *secret.Passwords {
	if settings.CheapPasswords {
		return secret.CheapPasswords()
	}
	passwords := secret.NewPasswords()
	passwords.Wait = max(passwords.Wait, settings.Patience)
	return passwords
}

func loadKeys(settings Settings) (*secret.Keys, error) {
	if settings.MasterKey != "" {
		master, err := secret.ParseMaster(settings.MasterKey)
		if err != nil {
			return nil, err
		}
		return secret.NewKeys(master)
	}
	master, err := secret.LoadMaster(filepath.Join(settings.Data, "master.key"))
	if err != nil {
		return nil, err
	}
	return secret.NewKeys(master)
}

func build(ctx context.Context, settings Settings, log *slog.Logger, keys *secret.Keys, db *store.DB) (*Server, error) {
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := sameKey(ctx, db, keys); err != nil {
		return nil, err
	}
	if err := audit.EnsureMonths(ctx, db); err != nil {
		return nil, err
	}
	rules, err := access.Load(ctx, db)
	if err != nil {
		return nil, err
	}
	atlas, err := place.OpenAtlas(settings.Countries)
	if err != nil {
		return nil, err
	}
	pushPublic, pushPrivate := keys.Push()
	nudge := make(chan struct{}, 1)
	hub := wake.NewHub(db, secret.System.ShortID())
	rules.Share(hub)
	passwords := newPasswords(settings)
	devices := &device.Service{DB: db, Keys: keys, Hub: hub}
	prompts := &prompt.Service{DB: db, Devices: devices, Hub: hub, Secrets: secret.System, Atlas: atlas, PublicURL: settings.PublicURL, Nudge: nudge}
	totps := &totp.Service{DB: db, Keys: keys}
	passkeys, err := passkey.New(db, keys, settings.PublicURL)
	if err != nil {
		return nil, err
	}
	passcodes := &passcode.Service{DB: db, Hub: hub, Passwords: passwords}
	devices.Authenticators = passkeys
	outside, nudgeCarrier := settings.outside(), make(chan struct{}, 1)
	providers := &provider.Service{
		DB: db, Keys: keys, Outside: outside, Client: outside.Client(), Words: mepages.Letters{PublicURL: settings.PublicURL}, Helo: settings.host(), Nudge: nudgeCarrier,
	}
	if settings.KeepMessages {
		providers.Kept = &provider.Kept{}
	}
	backups := &backupphone.Service{DB: db, Keys: keys, Providers: providers}
	sheets := &codesheet.Service{DB: db, Passwords: passwords}
	decisions := &decision.Live{Rules: rules, Atlas: atlas, Log: log}
	signIn := &signin.Service{DB: db, Keys: keys, Decisions: decisions, Secrets: secret.System, Passwords: passwords, Prompts: prompts, TOTPs: totps, Backups: backups, Passkeys: passkeys, Passcodes: passcodes, Sheets: sheets, Rules: rules, Atlas: atlas, AddressMost: settings.SignInsPerMinute, ApplicationOf: application.BegunBy}
	approvals := &approval.Service{DB: db, Rules: rules, Hub: hub, Prompts: prompts, Performers: map[approval.Kind]approval.Performer{}}
	roles := &role.Service{DB: db, Keys: keys, Rules: rules, Approvals: approvals}
	providers.Keeping = roles.Keep
	ownPasswords := &password.Service{DB: db, Keys: keys, Passwords: passwords, Hub: hub}
	persons := &people.Service{DB: db, Keys: keys, Rules: rules, Hub: hub, Devices: devices, Prompts: prompts, Roles: roles, TOTPs: totps, Passkeys: passkeys, Passwords: passwords, Replacing: ownPasswords, Passcodes: passcodes, Sheets: sheets}
	groups := &group.Service{DB: db, Rules: rules, Roles: roles}
	chosen := &tenantsettings.Service{DB: db}
	applications := &application.Service{DB: db, Keys: keys}
	ways := &policy.Service{DB: db, Roles: roles}
	rollouts := &rollout.Service{DB: db, Roles: roles}
	ramps := &ramp.Service{DB: db, Roles: roles, Rollout: rollouts}
	rollouts.Overtake = ramps.Overtake
	imports := importing.New(db, rules, roles, log)
	replays := replay.New(db, log)
	agents := &signals.Service{DB: db, Rules: rules, Log: log}
	insights := &insight.Service{DB: db, Rules: rules, Log: log}
	papers := stock.New(db, keys, passwords, rules, hub, log)
	outages := &outage.Service{DB: db, Rules: rules, Approvals: approvals}
	glass := &breakglass.Service{DB: db, Keys: keys, Rules: rules, Hub: hub, Approvals: approvals, Passwords: passwords, Backups: backups}
	for _, performers := range []map[approval.Kind]approval.Performer{roles.Performers(), persons.Performers(), groups.Performers(), imports.Performers(), chosen.Performers(), ways.Performers(), rollouts.Performers(), ramps.Performers(), applications.Performers(), outages.Performers(), glass.Performers(), papers.Performers()} {
		maps.Copy(approvals.Performers, performers)
	}
	files := &policyfile.Service{DB: db, Rules: rules, Approvals: approvals, Policy: ways, Rollout: rollouts, Settings: chosen}
	tickets := &ticket.Service{DB: db}
	reading := &trail.Service{DB: db}
	rulesOfDesks := &deskrules.Service{DB: db}
	maps.Copy(approvals.Performers, rulesOfDesks.Performers())
	censuses := &census.Service{DB: db, Keys: keys, Rules: rules}
	maps.Copy(approvals.Performers, censuses.Performers())
	risks := &risk.Service{DB: db}
	maps.Copy(approvals.Performers, risks.Performers())
	desk := &cases.Service{DB: db, Keys: keys, Rules: rules, Hub: hub, AskMost: (settings.SignInsPerMinute + 1) / 2}
	maps.Copy(approvals.Performers, desk.Performers())
	ticketSystems := &ticketsystem.Service{DB: db, Keys: keys, Secrets: secret.System, Outside: outside, Client: outside.Client(), Nudge: nudgeCarrier}
	bypasses := &bypass.Service{DB: db, Keys: keys, Secrets: secret.System, Rules: rules, Hub: hub, Backups: backups, People: persons, Cases: desk, Atlas: atlas, Approvals: approvals, Tickets: ticketSystems}
	maps.Copy(approvals.Performers, bypasses.Performers())
	signIn.Bypasses, persons.Bypasses = bypasses, bypasses
	checks := &callercheck.Service{DB: db, Keys: keys, Rules: rules, Hub: hub, Prompts: prompts, Cases: desk, Backups: backups, Approvals: approvals}
	maps.Copy(approvals.Performers, checks.Performers())
	vouches := &vouch.Service{DB: db, Keys: keys, Rules: rules, Hub: hub, Prompts: prompts, Approvals: approvals}
	maps.Copy(approvals.Performers, vouches.Performers())
	prompts.Ended = map[prompt.Kind]func(*store.Tx, prompt.End) error{prompt.CallerCheck: func(tx *store.Tx, end prompt.End) error {
		if err := checks.Ended(tx, end); err != nil {
			return err
		}
		return vouches.Ended(tx, end) // each knows its own
	}}
	checkpoints := &checkpoint.Service{DB: db, Keys: keys, Log: log, Witnesses: settings.witnesses(outside, db)}
	consumers := &consumer.Service{DB: db, Keys: keys, Secrets: secret.System, Outside: outside, Client: outside.Client(), Host: settings.host(), Log: log}
	alarms := &alarm.Service{DB: db, Secrets: secret.System, Consumers: consumers, Log: log}
	exports := export.New(db, rules, reading, log)
	maps.Copy(approvals.Performers, exports.Performers())
	kept := retention.New(db, checkpoints, settings.archive(), settings.replica(), log)
	maps.Copy(approvals.Performers, kept.Performers())
	saved := &trailview.Service{DB: db, Rules: rules, Secrets: secret.System}
	searching := &search.Service{DB: db, Groups: groups, Approvals: approvals, Tickets: tickets, Cases: desk}
	signIn.Approvals = approval.Phones{Service: approvals}
	setUp := &setup.Service{DB: db, Passwords: passwords, Rules: rules}
	operators := &operator.Service{DB: db, Resolver: net.DefaultResolver, Setup: setUp, Roles: roles}
	releases := &release.Service{DB: db, Hub: hub, Keys: keys}
	hub.LookFor("attempt", prompts.Decided)
	hub.LookFor("check", checks.Changed)
	hub.LookFor("ask", desk.AskChanged)
	hub.LookFor("vouch", vouches.Changed)
	hub.LookFor("releases", releases.Changed())
	hub.LookFor("user", prompts.Asked)
	hub.LookFor("inbox", approvals.Changed)

	streams := web.NewStreams(time.Now)
	measured := newMetrics(db, streams, hub, decisions)
	site := &web.Site{DB: db, Keys: keys, Rules: rules, Hub: hub, Log: log, PublicURL: settings.PublicURL, Streams: streams, Begins: web.NewBegins(settings.SignInsPerMinute), Observe: measured.observe, Atlas: atlas, Remember: approvals.Remember, Patience: settings.Patience}
	hub.LookFor("seat", site.LostSeats)
	hub.LookFor("trail", reading.Grown())
	s := &Server{
		Settings: settings, DB: db, Keys: keys, Passwords: passwords, Rules: rules, Hub: hub, Setup: setUp, Operator: operators, Site: site, Prompts: prompts, SignIn: signIn, Approvals: approvals, Checks: checks, Cases: desk, Vouches: vouches, Roles: roles, Imports: imports, Replays: replays, Insights: insights, Signals: agents, Files: files, Bypasses: bypasses, Ramps: ramps, Rollouts: rollouts, Releases: releases, Outages: outages, Glass: glass, Censuses: censuses, Stock: papers, Checkpoints: checkpoints, Consumers: consumers, Alarms: alarms, Retention: kept, Exports: exports, Views: saved,
		log: log, metrics: measured,
		outbox: &notify.Worker{DB: db, Log: log, Nudge: nudge, Gone: devices.PushGone, Senders: map[string]notify.Sender{
			notify.KindPush: &notify.Push{Client: outside.Client(), Subscriber: settings.PushContact, Public: pushPublic, Private: pushPrivate, Write: providers.Pushed},
		}},
		carrier: &notify.Worker{DB: db, Log: log, Nudge: nudgeCarrier, Again: notify.Patiently, OfOne: 3, Senders: map[string]notify.Sender{
			notify.KindSMS: providers, notify.KindVoice: providers, notify.KindMail: providers, ticketsystem.Kind: ticketSystems, alarm.Kind: alarms,
		}},
	}
	// The library of the provider logs by itself what every application does wrong. It is
	// in the audit, and in our own lines.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	provider, err := openidpages.New(site, applications)
	if err != nil {
		return nil, err
	}
	e, err := s.routes(
		provider,
		&signinpages.Pages{Site: site, SignIn: signIn, Checks: checks, Cases: desk, Vouches: vouches, BreakGlass: glass},
		&phoneapi.API{Site: site, Devices: devices, Prompts: prompts, Passkeys: passkeys, PushKey: pushPublic},
		&mepages.Pages{Site: site, Devices: devices, SignIn: signIn, Backups: backups, TOTPs: totps, Passkeys: passkeys, Passwords: ownPasswords, Sheets: sheets, Cases: desk, Checks: checks, Bypasses: bypasses, Applications: applications, Rollout: rollouts},
		&consolepages.Pages{
			Site: site, Approvals: approvals, Roles: roles, People: persons, Groups: groups, Imports: imports, Replays: replays, Insights: insights, Signals: agents, Stock: papers, Search: searching, Settings: chosen, Applications: applications, Policy: ways, Rollout: rollouts, Ramps: ramps, Outages: outages, BreakGlass: glass, Censuses: censuses, Risks: risks, Passcodes: passcodes, Bypasses: bypasses, Operator: operators, SignIn: signIn, Providers: providers, Tickets: tickets, Trail: reading, Cases: desk, Checks: checks, Vouches: vouches, Desk: rulesOfDesks, TicketSystems: ticketSystems, Consumers: consumers, Alarms: alarms, Retention: kept, Exports: exports, Views: saved, Checkpoints: checkpoints,
		},
		&operatorpages.Pages{Site: site, Operator: operators, Setup: setUp, Releases: releases},
		&setuppages.Pages{Site: site, Setup: setUp},
		&invitepages.Pages{Site: site, People: persons, Bypasses: bypasses},
		&helppages.Pages{Site: site},
		&demopages.Pages{Site: site, Kept: providers.Kept},
	)
	s.Handler = e
	return s, err
}

func (s *Server) close() error { return errors.Join(s.DB.Close(), s.Site.Atlas.Close()) }

// sameKey refuses to start with another master key than the one that this
// database knows: its PINs would never match again.
func sameKey(ctx context.Context, db *store.DB, keys *secret.Keys) error {
	var known string
	err := db.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Exec("INSERT INTO platform_settings (name, value) VALUES ('master_key_check', ?) ON CONFLICT DO NOTHING", keys.Check()).Error; err != nil {
			return err
		}
		_, err := tx.One(&known, "SELECT value FROM platform_settings WHERE name = 'master_key_check'")
		return err
	})
	if err == nil && known != keys.Check() {
		return errors.New("server: this database was made with another master key; set LATCHKEY_MASTER_KEY or LATCHKEY_DATA to the one it belongs to")
	}
	return err
}

// audience is a set of pages or calls with their routes.
type audience interface{ Routes() []web.Route }

func (s *Server) routes(audiences ...audience) (*echo.Echo, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientAddress(s.Settings.TrustedProxies)
	s.Site.Use(e)
	files, err := web.NewFiles(s.Site, static.Files)
	if err != nil {
		return nil, fmt.Errorf("server: static files: %w", err)
	}
	component.SetAssetPrefix(files.Prefix())
	audiences = append(audiences, files, s)
	for _, a := range audiences {
		if err := s.Site.Mount(e, a.Routes()...); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Routes are those by which the program is watched.
func (s *Server) Routes() []web.Route {
	return []web.Route{
		web.Get("/healthz", access.Phone, func(c echo.Context) error { return c.String(http.StatusOK, "alive\n") }),
		web.Get("/readyz", access.Phone, s.readiness),
	}
}

// clientAddress believes X-Forwarded-For from the configured proxies alone.
func clientAddress(proxies []string) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, network := range proxies {
		prefix := netip.MustParsePrefix(network)
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// Run listens and serves until ctx ends. ready is told the address once it listens.
func (s *Server) Run(ctx context.Context, ready func(address string)) error {
	listener, err := net.Listen("tcp", s.Settings.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("server: listen: %w", err), s.close())
	}
	return s.Serve(ctx, listener, ready)
}

// Serve serves on listener until ctx ends, then ends waiting streams, lets open
// requests finish and closes what was opened, in the opposite order.
func (s *Server) Serve(ctx context.Context, listener net.Listener, ready func(address string)) error {
	// The living heap is small beside what requests leave behind. Sixteen megabytes
	// that are never touched, and so take no memory, make the collector run a
	// third as often then, and change nothing when the heap is large.
	ballast := make([]byte, 16<<20)
	defer runtime.KeepAlive(ballast)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	for _, work := range []func(context.Context){s.Hub.Run, s.Rules.Run, s.outbox.Run, s.carrier.Run, s.Imports.Run, s.Replays.Run, s.Insights.Run, s.Signals.Run, s.Stock.Run, s.Checkpoints.Run, s.Consumers.Run, s.Alarms.Run, s.Exports.Run, s.Retention.Run, s.sweep, s.beat} {
		working.Go(func() { work(background) })
	}
	if s.Settings.MetricsListen != "" {
		working.Go(func() { s.metrics.serve(background, s.Settings.MetricsListen, s.log) })
	}
	web := &http.Server{
		Handler: s.Handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30*time.Second + s.Settings.Patience,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: headerMost, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	if ready != nil {
		ready(listener.Addr().String())
	}
	var failed error
	select {
	case err := <-served:
		failed = err
	case <-ctx.Done():
	}
	stop() // closes every waiting stream, so that they do not hold up the rest
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Settings.Drain)
	defer cancel()
	if shut := web.Shutdown(draining); shut != nil && failed == nil {
		failed = fmt.Errorf("server: drain: %w", shut)
	}
	working.Wait()
	s.Site.Streams.Wait()
	return errors.Join(failed, s.close())
}

// headerMost is what net/http adds 4 KiB to by itself.
const headerMost = web.HeaderMost - 4096

// Times of the sweeps.
const (
	lapseWait = time.Second
	sweepWait = time.Minute
)

// sweep does by the clock what nobody asks for: prompts and requests lapse, features open
// step by step, old proofs and attempts go, the clock of the database is followed, partitions are made.
// Every step is safe to run on several replicas at once.
func (s *Server) sweep(ctx context.Context) {
	lapse, slow := time.NewTicker(lapseWait), time.NewTicker(sweepWait)
	defer lapse.Stop()
	defer slow.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-lapse.C:
			err = errors.Join(s.Prompts.Lapse(ctx), s.SignIn.Release(ctx), s.Approvals.Lapse(ctx), s.Checks.Lapse(ctx), s.Cases.TakeIn(ctx), s.Vouches.Lapse(ctx), s.Ramps.Sweep(ctx), s.Rollouts.Due(ctx), s.Releases.Due(ctx), s.Outages.Lapse(ctx))
		case <-slow.C:
			err = errors.Join(s.DB.SyncClock(ctx), audit.EnsureMonths(ctx, s.DB), s.Operator.Lapse(ctx), s.Roles.Lapse(ctx), s.SignIn.Passcodes.Lapse(ctx), s.Bypasses.Lapse(ctx), s.Bypasses.Tickets.Sweep(ctx), s.Outages.Watch(ctx), s.Glass.Lapse(ctx), s.Glass.Watch(ctx), s.Censuses.Due(ctx), s.Stock.Lapse(ctx), s.Views.Lapse(ctx), s.forget(ctx))
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("sweep", "error", err)
		}
	}
}

// forget deletes what has served its time. Audit events are not among it.
func (s *Server) forget(ctx context.Context) error {
	now := s.DB.Now()
	all := errors.Join(session.Forget(ctx, s.DB), totp.Forget(ctx, s.DB), backupphone.Forget(ctx, s.DB), throttle.Forget(ctx, s.DB), passkey.Forget(ctx, s.DB), decision.Forget(ctx, s.DB), replay.Forget(ctx, s.DB), insight.Forget(ctx, s.DB), application.Forget(ctx, s.DB), cases.Forget(ctx, s.DB), outage.Forget(ctx, s.DB), checkpoint.Forget(ctx, s.DB), export.Forget(ctx, s.DB))
	for _, old := range []struct {
		statement string
		before    time.Time
	}{
		{"DELETE FROM proofs WHERE expires_at < ?", now},
		{"DELETE FROM attempts WHERE expires_at < ?", now.Add(-48 * time.Hour)}, // a day of them is counted once more when it is over
		{"DELETE FROM prompts WHERE expires_at < ? AND state <> 'pending'", now.Add(-48 * time.Hour)},
		{"DELETE FROM habits WHERE changed_at < ?", now.AddDate(0, -13, 0)},
		{"DELETE FROM outbox WHERE expires_at < ? AND (kind = 'web_push' OR failed_at IS NULL)", now.Add(-24 * time.Hour)},
		{"DELETE FROM outbox WHERE failed_at < ?", now.AddDate(0, 0, -30)},
		{"DELETE FROM replicas WHERE seen_at < ?", now.Add(-24 * time.Hour)},
		{"DELETE FROM setup_links WHERE expires_at < ?", now.Add(-24 * time.Hour)},
		{"DELETE FROM imports WHERE state = 'checked' AND created_at < ?", now.Add(-2 * importing.CheckedLife)},
		{"DELETE FROM imports WHERE ended_at < ?", now.AddDate(0, 0, -90)},
	} {
		_, err := s.DB.CountOne(ctx, old.statement, old.before)
		all = errors.Join(all, err)
	}
	return all
}

// Logger writes structured lines to standard error.
func Logger(level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
}
