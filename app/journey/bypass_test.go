package journey

import (
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"latchkey/app/secret"
	"latchkey/app/store"
)

// A caller lost a phone and the shift begins: the desk proves them by the phone that is
// left, gives a code, and the caller is in. With a printed code they add the next phone;
// then the mail says what was done, and how to take it back.
func TestTheDeskLetsACallerIn(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user7@alder.example"
	own, phone := h.ready(name)
	phone.Forgive("status of 401") // in the end the account is locked
	own.Open(h.URL + "/me/codes")
	own.Follow("form[action='/me/codes'] button")
	own.provesBy(phone)
	own.WaitForURL("/me/codes")
	own.Follow("form[action='/me/codes'] button")
	own.WaitFor("[data-code-number] .code")
	codes := map[string]string{}
	for _, n := range []string{"1", "2"} {
		codes[n] = own.Text("[data-code-number='" + n + "'] .code")
	}

	admin := h.pc()
	admin.console("admin@alder.example", "/users?q=user7")
	admin.Follow("tbody th a")
	admin.Click("#photo > summary")
	admin.chooseFile("#photo-file", "photo.png", drawn(t))
	admin.Fill("dialog[open] [name=reason]", "For the desk")
	admin.Follow("dialog[open] button.primary")
	admin.WaitFor("img.portrait")
	admin.look("person-photo")

	desk := h.pc()
	desk.console("desk@alder.example", "/users?q=user7")
	desk.Follow("tbody th a")
	desk.Follow("a[href$='/desk']")
	desk.WaitForText("h1", "Help")
	desk.look("desk-before")
	desk.Follow("button[value=phone]")
	desk.WaitFor("#match-number")
	phone.answer(strings.TrimSpace(desk.Text("#match-number")))
	desk.WaitForText("h1", "It is")
	desk.Follow("a[href$='/desk']")
	desk.WaitForText(".steps", "proved")
	desk.Click("input[name=reason_code][value='']")
	desk.Click("details:has(input[name=minutes]) > summary")
	desk.Fill("input[name=minutes]", "5")
	desk.Fill("input[name=reason]", "Lost the phone, the shift begins")
	desk.Click("input[value=read_out]")
	desk.Follow(".bypass-form button.primary")
	desk.WaitForText(".field-error", "10 to 480")
	desk.look("desk")
	desk.Fill("input[name=minutes]", "60")
	desk.Follow(".bypass-form button.primary")
	code := strings.TrimSpace(desk.Text("#bypass-code"))
	desk.look("bypass")
	desk.Reload()
	if desk.Has("#bypass-code") {
		t.Error("the code is shown twice")
	}
	desk.Open(h.URL + "/admin/alder/bypasses")
	desk.look("bypasses")

	pc := h.pc()
	pc.name(name)
	pc.Follow(helpLink)
	pc.Follow("form:has([value=bypass]) button")
	pc.look("signin-bypass")
	pc.Forgive("status of 401")
	pc.Fill("[name=code]", "not it")
	pc.Follow("form[action$='/verify'] button")
	pc.WaitForText(".field-error", "did not work")
	pc.Fill("[name=code]", strings.ToLower(code))
	pc.Follow("form[action$='/verify'] button")
	pc.WaitForText("h1", "You are in, for now")
	pc.look("restricted")
	pc.Follow("a[href='/me/phones']")
	pc.Follow("form[action='/me/phones'] button")
	pc.WaitForText("h1", "Confirm that it is you")
	pc.look("restricted-second-proof")
	pc.Follow("form:has([value=printed_code]) button")
	number := strings.TrimSpace(pc.Text("#code-number"))
	pc.Fill("[name=code]", codes[number])
	pc.Follow("form[action$='/verify'] button")
	pc.WaitForURL("/me/phones")
	pc.Follow("form[action='/me/phones'] button")
	if link := pc.Text("#enrolment-link"); !strings.Contains(link, "#enrol=") {
		t.Errorf("the link is %q", link)
	}
	pc.Open("about:blank") // that page would ask on, and come again by itself

	own.Open(h.URL + "/me")
	own.WaitForText("#bypass", "let you in")
	own.look("me-bypass")
	own.Follow("form[action='/me/bypass/revoke'] button")
	own.WaitForText(".flash", "Taken back")
	pc.Forgive("status of 40")
	pc.Open(h.URL + "/")
	pc.WaitForURL("/signin")

	// The mail had a link for who never asked.
	var told struct{ TenantID, ID string }
	if _, err := h.DB.View(t.Context()).One(&told, "SELECT tenant_id, id FROM disownings LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	pc.Open(h.URL + "/not-me/" + h.Keys.Disowning(told.TenantID, told.ID))
	pc.look("disown")
	pc.Follow("form[action^='/not-me/'] button.danger")
	pc.WaitForText("h1", "is locked")
	pc.look("disowned")
}

// byBypass comes in by a code of the helpdesk.
func (p *pc) byBypass(name, code string) {
	p.t.Helper()
	p.name(name)
	p.Follow(helpLink)
	p.Follow("form:has([value=bypass]) button")
	p.Fill("[name=code]", code)
	p.Follow("form[action$='/verify'] button")
	p.WaitForText("h1", "You are in, for now")
}

// letIn has the helpdesk check a caller by their phone and read a code out, and gives the
// computer on which they come in by it.
func (h *house) letIn(name string, phone *handset) *pc {
	h.t.Helper()
	desk := h.pc()
	desk.console("desk@alder.example", "/users?q="+name)
	desk.Follow("tbody th a")
	desk.Follow("a[href$='/desk']")
	desk.Follow("button[value=phone]")
	desk.WaitFor("#match-number")
	phone.answer(strings.TrimSpace(desk.Text("#match-number")))
	desk.WaitForText("h1", "It is")
	desk.Follow("a[href$='/desk']")
	desk.Click("input[name=reason_code][value='']")
	desk.Click("details:has(input[name=minutes]) > summary")
	desk.Fill("input[name=reason]", "Going to lose the phone")
	desk.Click("input[value=read_out]")
	desk.Follow(".bypass-form button.primary")
	pc := h.pc()
	pc.byBypass(name, strings.TrimSpace(desk.Text("#bypass-code")))
	return pc
}

// drawn is a picture of nobody: a head and shoulders.
func drawn(t *testing.T) string {
	t.Helper()
	const width, height = 480, 600
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			at := color.RGBA{R: 90, G: uint8(110 + y/8), B: 140, A: 255}
			if head, body := (x-240)*(x-240)+(y-220)*(y-220), (x-240)*(x-240)+(y-620)*(y-620); head < 110*110 || body < 240*240 {
				at = color.RGBA{R: 225, G: 215, B: 200, A: 255}
			}
			to.SetRGBA(x, y, at)
		}
	}
	var b strings.Builder
	if err := png.Encode(&b, to); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// An organisation says what its desk may give and by which reasons; the desk then gives
// what is usual by two keys, and one more thing where the reason takes a ticket.
func TestTheDeskGivesWhatIsUsualByTwoKeys(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const rules = "/admin/alder/settings/desk"
	admin := h.pc()
	admin.Forgive("status of 422")
	admin.console("admin@alder.example", "/settings/desk")
	admin.look("desk-rules")
	admin.types("input[name=ticket_pattern]", "INC-([0-9]+")
	admin.types("input[name=ticket_example]", "INC-1042")
	admin.types("input[name=reason]", "Only incidents")
	admin.Submit()
	admin.WaitForText(".field-error", "no other half")
	admin.look("desk-rules-wrong")
	admin.types("input[name=ticket_pattern]", "INC-[0-9]+")
	admin.types("input[name=bypass_minutes]", "120")
	admin.enters("main form:not([action$=remove]) button.primary")
	admin.WaitForText("main", "Only incidents") // another form of tickets takes two
	admin.Open(h.URL + rules)
	admin.enters("a[href$='/reasons/new']")
	admin.types("input[name=words]", "Works at another site today")
	admin.types("input[name=code]", "other site")
	admin.reach("input[name=takes_ticket]")
	admin.Press(" ")
	admin.types("input[name=minutes]", "30")
	admin.Click("input[name=kind][value=pass_code]")
	admin.Click("input[name=delivery][value=read_out]")
	admin.types("input[name=reason]", "It happens every day")
	admin.Submit()
	admin.WaitForText(".field-error", "small letters")
	admin.look("desk-reason")
	admin.types("input[name=code]", "other_site")
	admin.Submit()
	admin.WaitFor("[data-reason=other_site]")
	admin.Click("#remove-broken > summary")
	admin.WaitFor("dialog[open] input[name=reason]")
	admin.look("desk-reason-remove")
	admin.Fill("dialog[open] input[name=reason]", "Nobody chooses it")
	admin.Follow("dialog[open] .acts button:not([type=button])")
	admin.WaitForText(".flash", "Removed")
	if admin.Has("[data-reason=broken]") {
		t.Error("the reason is there still")
	}

	user := h.user("user21@alder.example")
	agent := h.user("desk@alder.example")
	h.exec("INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, phone_sign_in, created_at) VALUES (?,'account-1','device-1',?,'A phone','ios','','','active',TRUE,?)", user.TenantID, user.ID, h.DB.Now())
	h.exec("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,'case-1',1001,?,'lost','','open',?,?,?)", user.TenantID, user.ID, agent.ID, agent.ID, h.DB.Now())
	prove := func() {
		h.exec(`INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at, ended_at, proved_at, proved_with) VALUES (?,?,?,?,'case-1','phone',?,'proved',?,?,?,?,'account-1')`,
			user.TenantID, secret.System.ID(), user.ID, agent.ID, user.ID, h.DB.Now(), h.DB.Now(), h.DB.Now(), h.DB.Now())
	}
	prove()
	desk := h.pc()
	desk.console("desk@alder.example", "/users/"+user.ID+"/desk")
	desk.WaitFor("[data-presets]")
	desk.look("desk-presets")
	desk.key("1", "Digit1", "1", 49)
	desk.leads(desk.choose)
	desk.WaitFor("#bypass-code")
	desk.WaitForText("dl.facts", "Phone left at home")
	desk.look("bypass-by-reason")
	h.exec("UPDATE bypasses SET state = 'used'")

	// One that takes a ticket asks for it before anything is sent.
	prove()
	desk.Open(h.URL + "/admin/alder/users/" + user.ID + "/desk")
	desk.key("3", "Digit3", "3", 51)
	desk.choose()
	desk.types("input[name=ticket]", "INC-7")
	desk.leads(desk.choose)
	desk.WaitFor("#bypass-code")
	desk.WaitForText("dl.facts", "another site")
	desk.Open(h.URL + "/admin/alder/cases/case-1")
	desk.WaitForText("dl.facts", "another site")
}

// A security administrator names the ticket system and sees its secret once.
func TestATicketSystemIsNamed(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	security := h.pc()
	security.Forgive("status of 422")
	security.console("security@alder.example", "/settings/ticket-system")
	security.look("ticket-system-none")
	security.types("input[name=url]", "https://10.0.0.1/in")
	security.Submit()
	security.WaitFor(".field-error")
	security.types("input[name=url]", "https://tickets.example/in")
	security.Submit()
	security.WaitFor("#ticket-secret")
	security.look("ticket-system-secret")
	who := h.user("user21@alder.example")
	for id, answer := range map[string]string{"answer-1": "open", "answer-2": "not_theirs", "answer-3": "none"} {
		h.exec("INSERT INTO ticket_answers (tenant_id, id, ticket, user_id, agent_id, answer, fault, milliseconds, asked_at) VALUES (?,?,'INC-1042',?,?,?,?,120,?)", who.TenantID, id, who.ID, h.user("desk@alder.example").ID, answer, map[string]string{"none": "slow"}[answer], h.DB.Now())
	}
	h.exec("INSERT INTO outbox (tenant_id, id, kind, target, body, created_at, due_at, expires_at, tries, fault) VALUES (?,'note-1','ticket_note','INC-1042','{}',?,?,?,2,'unreachable')", who.TenantID, h.DB.Now(), h.DB.Now().AddDate(0, 0, 1), h.DB.Now().AddDate(0, 0, 2))
	security.Open(h.URL + "/admin/alder/settings/ticket-system")
	security.WaitFor("[data-note]")
	security.look("ticket-system")
}
