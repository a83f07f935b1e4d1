package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/people"
	"latchkey/app/trail"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// failed is a form of a person's page that came back: which one, what was typed,
// and what is wrong with it.
type failed struct {
	form   string
	typed  string // the reason
	choice string
	wrong  map[string]string
}

func (h *Pages) person(c echo.Context) error { return h.showPerson(c, http.StatusOK, failed{}) }

func (h *Pages) showPerson(c echo.Context, status int, back failed) error {
	ctx, at, who := web.Context(c), web.Here(c), web.Session(c)
	before, id := position(c.QueryParam("after"))
	p, err := h.People.Find(c.Request().Context(), at.ID, who.UserID, c.Param("user"), before, id, web.Origin(c))
	if err != nil {
		return err
	}
	offers, err := h.People.May(c.Request().Context(), at.ID, who.UserID, p)
	if err != nil {
		return err
	}
	v := views.Person{
		Name: p.Name, DisplayName: p.DisplayName, State: words.Say(ctx, "console.people.state."+p.State), Tone: stateTones[p.State],
		MFA: words.Say(ctx, "console.people.mfa."+p.MFAState), MFAHint: words.Say(ctx, "console.person.mfa_hint."+p.MFAState),
		CreatedAt: p.CreatedAt, CreatedBy: p.Names[p.CreatedBy], Password: p.Password(), AtRisk: p.Ways&(p.Ways-1) == 0,
		RoleScope: strings.Join(p.RoleScope, ", "), RoleThrough: p.RoleGroup, RoleEndsAt: p.Standing.EndsAt, Role: roleInWords(ctx, p.Standing),
		Told: p.Told != people.Nothing, Manager: p.Names[p.ManagerID], Photo: component.Picture(p.Photo.JPEG),
	}
	if p.LastSignInAt != nil {
		v.LastAt = *p.LastSignInAt
	}
	if p.State == user.Locked && p.LockedAt != nil {
		v.LockedAt, v.LockedBy = *p.LockedAt, p.Names[p.LockedBy]
	}
	if p.State == user.Disabled && p.DisabledAt != nil {
		v.DisabledAt, v.DisabledBy = *p.DisabledAt, p.Names[p.DisabledBy]
	}
	if p.TOTP != nil {
		v.TOTP, v.TOTPAddedAt = true, p.TOTP.ConfirmedAt
	}
	if p.Sheet != nil {
		v.Sheet, v.SheetLeft, v.SheetAddedAt = codesheet.Parted(p.Sheet.Serial), words.Say(ctx, "me.codes.left", "count", strconv.Itoa(p.Sheet.CodesLeft)), p.Sheet.CreatedAt
		v.SheetLow = p.Sheet.Low()
	}
	coming, err := h.Stock.Coming(c.Request().Context(), h.Site.Standing(c), p.ID)
	if err != nil {
		return err
	}
	if coming != nil {
		row := h.paperRow(c, *coming)
		if coming.Custody == codesheet.AtNobody {
			row.Where = "" // its state says so
		}
		v.Coming = &row
	}
	if p.Passcode != nil {
		v.Passcode, v.PasscodeUntil, v.PasscodeTone = words.Say(ctx, "console.person.passcode.unshown"), p.Passcode.ExpiresAt, ""
		if p.Passcode.Shown {
			v.Passcode, v.PasscodeTone = words.Say(ctx, "console.person.passcode.works"), "warn"
		}
	}
	for _, b := range p.Backups {
		row := views.BackupPhone{Number: b.Number, How: words.Say(ctx, "me.backup.how."+string(b.Channel)), Icon: channelIcons[b.Channel], AddedAt: b.ConfirmedAt}
		if b.LastUsedAt != nil {
			row.LastUsedAt = *b.LastUsedAt
		}
		v.Backups = append(v.Backups, row)
	}
	if p.Invitation != nil {
		v.Invitation = words.Say(ctx, "console.person.invitation."+p.Invitation.State(h.Site.DB.Now()))
	}
	if p.Masked {
		v.Masked = words.Say(ctx, "console.person.masked")
	}
	if p.Told != people.Everything && p.Told != people.Nothing {
		v.HistoryOf = words.Say(ctx, "console.person.history_of."+string(p.Told))
	}
	for _, g := range p.Groups {
		v.Groups = append(v.Groups, views.PersonGroup{Name: g.Name, Href: h.path(c, "/groups/"+url.PathEscape(g.ID))})
	}
	me := h.Site.Standing(c)
	if me.May.Has(access.RoleAssign) && who.UserID != p.ID {
		v.RoleHref = h.path(c, "/roles/assign?user="+url.QueryEscape(p.ID))
	}
	if me.May.Has(access.CallerCheck) && me.May.Has(access.BypassIssue) && who.UserID != p.ID && p.Standing.Rank < me.Rank {
		v.Desk = h.personPath(c, p.ID) + "/desk"
	}
	if me.May.Has(access.RoleView) {
		v.WhyHref = h.path(c, "/roles/why?user="+url.QueryEscape(p.Name))
	}
	h.personActs(c, &v, p, offers, back)
	page, of, err := h.deskPage(c, "/users")
	if err != nil {
		return err
	}
	if err := h.personCases(c, &v, p, of, back); err != nil {
		return err
	}
	if err := h.personCheck(c, &v, p, back); err != nil {
		return err
	}
	if me.May.Has(access.CaseView) {
		last, err := h.Bypasses.OfPerson(c.Request().Context(), web.Here(c).ID, p.ID, 5)
		if err != nil {
			return err
		}
		now := h.Site.DB.Now()
		for _, r := range last {
			v.Bypasses = append(v.Bypasses, h.bypassRow(c, r, now))
		}
	}
	h.around(c, &v, p)
	if len(p.Story) > 0 {
		v.StoryHref = h.storyFrom(c, trail.Person, p.ID, p.Story[0].At)
	}
	if p.Older {
		last := p.Story[len(p.Story)-1]
		v.Older = h.personPath(c, p.ID) + "?after=" + strconv.FormatInt(last.At.UnixMicro(), 10) + "." + url.QueryEscape(last.ID) + "#history"
	}
	if !before.IsZero() {
		v.Newest = h.personPath(c, p.ID) + "#history"
	}
	return web.Render(c, status, views.PersonPage(page, v))
}

// position reads where a page of the history begins; what is none is the beginning.
func position(text string) (time.Time, string) {
	at, id, ok := strings.Cut(text, ".")
	micro, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || micro < 0 || micro > 1<<52 || len(id) > 40 {
		return time.Time{}, ""
	}
	return time.UnixMicro(micro).UTC(), id
}

func roleInWords(ctx context.Context, s access.Standing) string {
	if s.Name != "" {
		return s.Name
	}
	return words.Say(ctx, "role."+string(s.Role))
}

// throttlesOf are the stops on a person, in words.
func throttlesOf(ctx context.Context, p people.Person) (all []views.Throttle) {
	for _, t := range p.Throttles {
		key := "console.person.throttle." + t.Way
		switch {
		case t.Held != "":
			key = "console.person.held." + t.Held
		case t.Until.IsZero():
			key = "console.person.off." + t.Way
		case t.Known:
			key = "console.person.throttle_known." + t.Way
		}
		all = append(all, views.Throttle{Text: words.Say(ctx, key, "count", strconv.Itoa(t.Tries)), Until: t.Until})
	}
	return all
}

// around fills in what stands around a person.
func (h *Pages) around(c echo.Context, v *views.Person, p people.Person) {
	ctx := web.Context(c)
	v.Throttles = throttlesOf(ctx, p)
	for _, s := range p.Sessions {
		v.Sessions = append(v.Sessions, views.PersonSession{
			Browser: web.SayBrowser(ctx, s.Browser), Network: s.IP, How: web.How(ctx, s.AMR), SinceAt: s.CreatedAt, SeenAt: s.LastSeenAt, Idle: s.Idle,
		})
	}
	for _, e := range p.SignIns {
		v.SignIns = append(v.SignIns, h.happened(c, p.ID, p.Names, e))
	}
	for _, e := range p.Story {
		v.History = append(v.History, h.happened(c, p.ID, p.Names, e))
	}
}

var (
	tones  = map[audit.Outcome]string{audit.Success: "good", audit.Failure: "warn", audit.Denied: "bad"}
	actors = map[string]string{audit.KindClaimant: "claimant", audit.KindDevice: "device", audit.KindService: "service"}
)

// happened says to an administrator what happened to a person, or to somebody of
// several; names are those of who acted.
func (h *Pages) happened(c echo.Context, personID string, names map[string]string, e audit.Entry) views.PersonEvent {
	ctx := web.Context(c)
	shown := views.PersonEvent{
		Ticket: h.ticketRef(c, e.Ticket),
		At:     e.At, What: words.Say(ctx, "activity."+string(e.Action)), Outcome: words.Say(ctx, "me.activity.outcome."+string(e.Outcome)), Tone: tones[e.Outcome],
		Where: strings.Join(slicesWithout(web.SayBrowser(ctx, e.Browser), e.IP), " · "),
	}
	switch {
	case e.ActorKind == audit.KindUser && e.ActorID == personID:
		shown.Who = words.Say(ctx, "console.person.who.self")
	case e.ActorKind == audit.KindUser && names[e.ActorID] != "":
		shown.Who = names[e.ActorID]
	case actors[e.ActorKind] != "":
		shown.Who = words.Say(ctx, "console.person.who."+actors[e.ActorKind])
	default:
		shown.Who = words.Say(ctx, "console.person.who.gone")
	}
	// Codes are for programs; the words of a person are for people.
	if !audit.IsCode(e.Reason) {
		shown.Why = e.Reason
	}
	return shown
}

// slicesWithout gives the texts that are not empty.
func slicesWithout(texts ...string) (all []string) {
	for _, text := range texts {
		if text != "" {
			all = append(all, text)
		}
	}
	return all
}

// phoneOf is a phone on the page of its owner.
func phoneOf(ctx context.Context, phone people.Phone) views.PersonPhone {
	shown := views.PersonPhone{
		ID: phone.AccountID, Name: phone.Name, Key: phone.Key, Platform: words.Say(ctx, "platform."+phone.Platform), AddedAt: phone.CreatedAt,
		Ended: phone.State != device.Active,
	}
	if phone.LastUsedAt != nil {
		shown.LastUsedAt = *phone.LastUsedAt
	}
	switch {
	case phone.State == device.Disabled:
		shown.State, shown.Tone = words.Say(ctx, "me.phones.state.disabled"), "bad"
	case phone.State != device.Active:
		shown.State = words.Say(ctx, "me.phones.state.removed")
	case phone.PhoneSignIn:
		shown.State, shown.Tone = words.Say(ctx, "me.phones.state.ready"), "good"
	default:
		shown.State, shown.Tone = words.Say(ctx, "me.phones.state.off"), "warn"
	}
	return shown
}
