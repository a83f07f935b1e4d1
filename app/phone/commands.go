package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Options are what every act of a terminal phone needs.
type Options struct {
	Folder string       // holds the phone
	PIN    string       // "" asks for it
	HTTP   *http.Client // nil means our own
}

// EnrolOptions say what is enrolled.
type EnrolOptions struct {
	Options
	Link     string
	Name     string // as the user will find it in the list of phones
	Platform string // "" means terminal
	Test     bool   // ask for a test request and answer it
}

const (
	pinTries = 3 // questions for a PIN per request, so that ten wrong ones take several

	pollWait     = 10 * time.Second // between two looks while the stream is quiet
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
)

// Enrol makes the phone in the folder, or adds an account to it.
func Enrol(ctx context.Context, o EnrolOptions, in io.Reader, out io.Writer) error {
	publicURL, _, err := ParseLink(o.Link)
	if err != nil {
		return err
	}
	state, err := Load(o.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && state.DeviceID == "":
		state = &State{PublicURL: publicURL}
		key, err := NewKey()
		if err != nil {
			return fmt.Errorf("phone: key: %w", err)
		}
		if err := state.SetKey(key); err != nil {
			return err
		}
		// Before the token is spent we want to know that the key can be kept.
		if err := state.Save(o.Folder); err != nil {
			return err
		}
	case err != nil:
		return err
	case state.PublicURL != publicURL:
		return fmt.Errorf("phone: %s holds a phone of %s; use another folder for %s", o.Folder, state.PublicURL, publicURL)
	}
	client, err := state.client(o.HTTP)
	if err != nil {
		return err
	}
	t := newTerminal(in, out)
	if o.PIN == "" {
		if o.PIN, err = choosePIN(ctx, t); err != nil {
			return err
		}
	}
	if o.Platform == "" {
		o.Platform = "terminal"
	}
	done, err := client.Enrol(ctx, o.Link, o.Name, o.Platform, o.PIN)
	if err != nil {
		return err
	}
	state.DeviceID = done.DeviceID
	state.Accounts = slices.DeleteFunc(state.Accounts, func(a Account) bool { return a.ID == done.Account.ID })
	state.Accounts = append(state.Accounts, done.Account)
	if err := state.Save(o.Folder); err != nil {
		return err
	}
	fmt.Fprintf(out, "Enrolled %s of %s as device %s.\n",
		plain(done.Account.User), plain(done.Account.TenantName), plain(done.DeviceID))
	if o.Test {
		if err := test(ctx, o, client, state, t, done.Account.ID); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "Next: `phone enable %s`, then `phone watch`.\n", plain(done.Account.ID))
	return nil
}

// choosePIN asks for the PIN of a new account, twice.
func choosePIN(ctx context.Context, t *terminal) (string, error) {
	for {
		pin, err := t.askHidden(ctx, time.Time{}, "Choose a PIN, six digits or more: ")
		if err != nil {
			return "", err
		}
		again, err := t.askHidden(ctx, time.Time{}, "The same PIN again: ")
		if err != nil {
			return "", err
		}
		if pin == again {
			return pin, nil
		}
		fmt.Fprintln(t.out, "The two differ.")
	}
}

// test answers a test request at once, where the service offers one.
func test(ctx context.Context, o EnrolOptions, client *Client, state *State, t *terminal, accountID string) error {
	id, err := client.Test(ctx, accountID)
	if err != nil || id == "" {
		return err
	}
	requests, err := client.Requests(ctx)
	if err != nil {
		return err
	}
	w := &watcher{Options: o.Options, client: client, state: state, terminal: t}
	for _, r := range requests {
		if r.ID == id {
			return w.handle(ctx, r)
		}
	}
	return nil
}

// Watch shows requests as they come and asks for an answer, until ctx ends, the
// input ends, or the service no longer knows this phone.
func Watch(ctx context.Context, o Options, in io.Reader, out io.Writer) error {
	state, client, err := open(o)
	if err != nil {
		return err
	}
	w := &watcher{Options: o, client: client, state: state, terminal: newTerminal(in, out), seen: map[string]bool{}}
	for _, a := range state.Accounts {
		fmt.Fprintf(out, "Phone of %s, %s.\n", plain(a.User), plain(a.TenantName))
	}
	fmt.Fprintln(out, "Waiting for requests. Ctrl-C ends.")
	retry := firstRetry
	for {
		connectedAt := time.Now()
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errInputEnded) {
			return err
		}
		if StatusOf(err) == http.StatusUnauthorized {
			return fmt.Errorf("phone: %s no longer takes this phone; was it removed, or is the clock wrong? %w", state.PublicURL, err)
		}
		if err != nil {
			fmt.Fprintf(out, "Not listening: %v. Trying again in %s.\n", err, retry)
		}
		if time.Since(connectedAt) > longestRetry {
			retry = firstRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retry):
		}
		retry = min(2*retry, longestRetry)
	}
}

type watcher struct {
	Options
	client   *Client
	state    *State
	terminal *terminal
	seen     map[string]bool // requests that were put to the person
}

// follow holds one stream and looks at what waits: first, at every event, and
// now and then in case an event was lost. It returns nil when the stream ends.
func (w *watcher) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := w.client.Events(ctx)
	if err != nil {
		// Without a stream the signed fetch still works.
		return errors.Join(w.look(ctx), err)
	}
	var idle <-chan string // what a person types while nothing is asked
	if w.terminal.tty != nil {
		idle = w.terminal.lines
	}
	for {
		if err := w.look(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-events:
			if !ok {
				return nil
			}
		case _, ok := <-idle:
			if !ok {
				idle = nil
			}
		case <-time.After(pollWait):
		}
	}
}

// look puts every request that is new to the person.
func (w *watcher) look(ctx context.Context) error {
	requests, err := w.client.Requests(ctx)
	if err != nil {
		return err
	}
	for _, r := range requests {
		if w.seen[r.ID] {
			continue
		}
		w.seen[r.ID] = true
		if err := w.handle(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// handle shows one request, asks, and sends the answer. That a request ends in
// another way is told and is no error.
func (w *watcher) handle(ctx context.Context, r Request) error {
	out := w.terminal.out
	show(out, r, time.Now())
	decision, number, err := w.question(ctx, r)
	if err == nil {
		err = w.send(ctx, r, decision, number)
	}
	switch status := StatusOf(err); {
	case errors.Is(err, errTooLate), status == http.StatusGone:
		fmt.Fprintln(out, "The time for this request is over.")
	case status == http.StatusConflict:
		fmt.Fprintln(out, "This request has been answered already.")
	case status == http.StatusNotFound, status == http.StatusUnauthorized, status == http.StatusTooManyRequests:
		fmt.Fprintf(out, "Not accepted: %v\n", err)
	default:
		return err
	}
	return nil
}

// question asks until the person gives something that can be an answer.
func (w *watcher) question(ctx context.Context, r Request) (Decision, string, error) {
	out, who, tells := w.terminal.out, "does the page show", "that the page shows"
	if r.Kind == "caller_check" {
		who, tells = "did the agent read out", "that the agent reads out"
	}
	switch r.Mode {
	case Pick3:
		fmt.Fprintf(out, "Which number %s?   %s\n", who, plain(strings.Join(r.Numbers, "   ")))
	case Type6:
		fmt.Fprintf(out, "Type the six digits %s.\n", tells)
	default:
		fmt.Fprintf(out, "Type the two digits %s.\n", tells)
	}
	for {
		typed, err := w.terminal.ask(ctx, r.ExpiresAt, "number, n = it is not me, d = decline: ")
		if err != nil {
			return "", "", err
		}
		switch {
		case strings.EqualFold(typed, "n"):
			return Report, "", nil
		case strings.EqualFold(typed, "d"):
			return Deny, "", nil
		case fits(r, typed):
			return Approve, typed, nil
		}
		fmt.Fprintln(out, "That is none of the answers.")
	}
}

// fits keeps a slip of the finger from ending the request: a wrong number does.
func fits(r Request, typed string) bool {
	switch r.Mode {
	case Pick3:
		return slices.Contains(r.Numbers, typed)
	case Type6:
		return digits(typed, 6)
	}
	return digits(typed, 2)
}

func digits(s string, count int) bool {
	return len(s) == count && strings.Trim(s, "0123456789") == ""
}

// send signs and sends. An approval is unlocked by the PIN, and a refused PIN is
// asked for again. A no is tried without one first: whoever finds a request that
// is not theirs should be rid of it with one key.
func (w *watcher) send(ctx context.Context, r Request, d Decision, number string) error {
	account, err := w.accountOf(ctx, r)
	if err != nil {
		return err
	}
	pin, asked := w.PIN, 0
	for {
		if pin != "" || d != Approve || asked > 0 {
			state, err := w.client.Answer(ctx, account.ID, r, d, number, pin)
			if err == nil {
				fmt.Fprintln(w.terminal.out, outcome(r, d, state))
				return nil
			}
			if StatusOf(err) != http.StatusUnauthorized || w.PIN != "" || asked == pinTries {
				return err
			}
			fmt.Fprintf(w.terminal.out, "Not accepted: %v\n", err)
		}
		asked++
		if pin, err = w.terminal.askHidden(ctx, r.ExpiresAt, "PIN: "); err != nil {
			return err
		}
	}
}

// accountOf finds the account of a request, asking the service again when it is
// not among those that this phone remembers.
func (w *watcher) accountOf(ctx context.Context, r Request) (Account, error) {
	if a, ok := w.state.account(r); ok {
		return a, nil
	}
	if err := refresh(ctx, w.client, w.state, w.Folder); err != nil {
		return Account{}, err
	}
	if a, ok := w.state.account(r); ok {
		return a, nil
	}
	return Account{}, fmt.Errorf("phone: a request for %s of %s, whom this phone does not hold", plain(r.User), plain(r.Tenant))
}

func outcome(r Request, d Decision, state string) string {
	switch {
	case state == "approved" && r.Kind == "test":
		return "Right. This phone works."
	case state == "approved":
		return "Approved."
	case state == "reported":
		return "Reported: it was not you. Nothing was approved."
	case d == Approve && r.Kind == "caller_check":
		return "That was not the number that the agent reads out. Ask for another request."
	case d == Approve:
		return "That was not the number on the page. The request is denied."
	}
	return "Declined."
}

// kinds are the words for what is asked.
var kinds = map[string]string{
	"sign_in":       "Sign in?",
	"second_factor": "Sign in? The password was right; the phone is the second factor.",
	"step_up":       "Prove it again before a sensitive act?",
	"caller_check":  "The helpdesk asks whether it is you on the line.",
	"approval":      "Do you approve this?",
	"test":          "A test of this phone. The number is on the page that showed the link.",
}

// show prints one request. Everything in it was said by others.
func show(out io.Writer, r Request, now time.Time) {
	head, known := kinds[r.Kind]
	if !known {
		head = "Request: " + r.Kind
	}
	if r.Kind == "caller_check" && r.Person != "" {
		head = "The helpdesk asks whether you know who is on the line."
	}
	browser := r.Browser
	if r.NewBrowser {
		browser += " (new: you have not used it before)"
	}
	place := r.Place
	if r.IP != "" {
		place = strings.TrimSpace(place + " (" + r.IP + ")")
	}
	fmt.Fprintf(out, "\n%s\n", plain(head))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	rows := [][2]string{
		{"Organisation", r.TenantName},
		{"User", r.User},
		{"Application", r.Application},
		{"Browser", browser},
		{"Place", place},
		{"Asked at", r.CreatedAt.Local().Format("15:04:05")},
		{"Time left", max(0, r.ExpiresAt.Sub(now)).Round(time.Second).String()},
	}
	for _, row := range append(asks(r), rows...) {
		if row[1] != "" {
			fmt.Fprintf(table, "  %s\t%s\n", plain(row[0]), plain(row[1]))
		}
	}
	table.Flush()
}

// asks gives the act that a request asks to approve, line by line.
func asks(r Request) (rows [][2]string) {
	rows = append(rows, [2]string{"What", r.Act})
	for _, c := range r.Difference {
		change := c.Before + " -> " + c.After
		if c.Before == c.After {
			change = c.After
		}
		rows = append(rows, [2]string{c.Field, change})
	}
	by := r.Requester
	if r.Role != "" {
		by += ", " + r.Role
	}
	return append(rows, [2]string{"Asked by", by}, [2]string{"Case", r.Case}, [2]string{"Reason", r.Reason}, [2]string{"Ticket", r.Ticket},
		[2]string{"The agent can read out", r.AgentCode})
}

// Choice is an answer given on the command line.
type Choice struct {
	RequestID string // "" means the only one that waits
	Decision  Decision
	Number    string // for Approve
}

// Answer answers one request without questions, but for the PIN.
func Answer(ctx context.Context, o Options, choice Choice, in io.Reader, out io.Writer) error {
	state, client, err := open(o)
	if err != nil {
		return err
	}
	requests, err := client.Requests(ctx)
	if err != nil {
		return err
	}
	if choice.RequestID != "" {
		requests = slices.DeleteFunc(requests, func(r Request) bool { return r.ID != choice.RequestID })
	}
	switch len(requests) {
	case 0:
		return errors.New("phone: no request waits")
	case 1:
	default:
		for _, r := range requests {
			fmt.Fprintf(out, "%s  %s, %s\n", plain(r.ID), plain(r.User), plain(r.TenantName))
		}
		return errors.New("phone: several requests wait; say which with --request")
	}
	if requests[0].ActHash != "" && choice.Decision == Approve {
		show(out, requests[0], time.Now()) // nobody signs for an act that they were not shown
	}
	w := &watcher{Options: o, client: client, state: state, terminal: newTerminal(in, out)}
	return w.send(ctx, requests[0], choice.Decision, choice.Number)
}

// Accounts prints what this phone holds, as the service sees it now.
func Accounts(ctx context.Context, o Options, out io.Writer) error {
	state, client, err := open(o)
	if err != nil {
		return err
	}
	if err := refresh(ctx, client, state, o.Folder); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tUSER\tORGANISATION\tPHONE SIGN-IN\tREGISTERED")
	for _, a := range state.Accounts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", plain(a.ID), plain(a.User), plain(a.TenantName), onOff(a.PhoneSignIn), yesNo(a.Registered))
	}
	return table.Flush()
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "not yet"
}

// Enable turns phone sign-in on for an account, named by its id or its user;
// "" means the only one. With move it is taken from the organisation that has it.
func Enable(ctx context.Context, o Options, account string, move bool, out io.Writer) error {
	a, client, err := pick(o, account)
	if err != nil {
		return err
	}
	err = client.EnablePhoneSignIn(ctx, a.ID, move)
	if errors.Is(err, ErrRegisteredElsewhere) {
		return fmt.Errorf("phone: %w; a phone signs in to one organisation at a time. `--move` moves it to %s", err, plain(a.TenantName))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Phone sign-in is on for %s of %s.\n", plain(a.User), plain(a.TenantName))
	return nil
}

// Disable turns it off.
func Disable(ctx context.Context, o Options, account string, out io.Writer) error {
	a, client, err := pick(o, account)
	if err != nil {
		return err
	}
	if err := client.DisablePhoneSignIn(ctx, a.ID); err != nil {
		return err
	}
	fmt.Fprintf(out, "Phone sign-in is off for %s of %s.\n", plain(a.User), plain(a.TenantName))
	return nil
}

// Remove ends this phone at the service and forgets its key. A phone that the
// service does not know any more is only forgotten.
func Remove(ctx context.Context, o Options, out io.Writer) error {
	_, client, err := open(o)
	if err != nil {
		return err
	}
	if err := client.RemoveSelf(ctx); err != nil && StatusOf(err) != http.StatusUnauthorized {
		return err
	}
	if err := Forget(o.Folder); err != nil {
		return err
	}
	fmt.Fprintln(out, "This phone is removed.")
	return nil
}

// open reads an enrolled phone.
func open(o Options) (*State, *Client, error) {
	state, err := Load(o.Folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && state.DeviceID == "" {
		return nil, nil, ErrNotEnrolled
	}
	if err != nil {
		return nil, nil, err
	}
	client, err := state.client(o.HTTP)
	return state, client, err
}

func (s *State) client(h *http.Client) (*Client, error) {
	c, err := s.Client()
	if err == nil {
		c.HTTP = h
	}
	return c, err
}

// pick opens the phone and finds an account by id or user.
func pick(o Options, account string) (Account, *Client, error) {
	state, client, err := open(o)
	if err != nil {
		return Account{}, nil, err
	}
	if account == "" && len(state.Accounts) == 1 {
		return state.Accounts[0], client, nil
	}
	for _, a := range state.Accounts {
		if account == a.ID || strings.EqualFold(account, a.User) {
			return a, client, nil
		}
	}
	return Account{}, nil, fmt.Errorf("phone: no account %q; `phone accounts` lists them", account)
}

// refresh brings the remembered accounts up to date.
func refresh(ctx context.Context, client *Client, state *State, folder string) error {
	accounts, err := client.Accounts(ctx)
	if err != nil {
		return err
	}
	state.Accounts = accounts
	return state.Save(folder)
}
