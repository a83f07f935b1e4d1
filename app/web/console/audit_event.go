package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// auditEvent shows one event whole, as a page or as JSON.
func (h *Pages) auditEvent(c echo.Context) error {
	sight := h.sight(c)
	name, err := url.PathUnescape(c.Param("event"))
	if err != nil {
		return fault.New(fault.NotFound, "http.not_found")
	}
	at := trail.ParsePosition(name)
	r, err := h.Trail.One(c.Request().Context(), sight, at)
	if err != nil {
		return err
	}
	if err := h.Trail.Looked(c.Request().Context(), sight, "event "+r.ID, trail.Query{Thread: r.Thread}, web.Origin(c)); err != nil {
		return err
	}
	if web.WantsJSON(c) {
		return c.JSON(http.StatusOK, struct {
			auditEventJSON
			Record string `json:"record,omitempty"`
		}{h.auditJSON(c, []trail.Row{r})[0], string(r.Record)})
	}
	ctx := web.Context(c)
	v := views.AuditEvent{
		AuditRow: h.auditRow(c, asked{}, r), List: h.path(c, auditPath), ID: r.ID, Actor: partyText(ctx, r.Actor), Target: partyText(ctx, r.Target), Thread: r.Thread, Request: r.Request,
		IP: r.IP, Browser: web.SayBrowser(ctx, r.Browser), Typed: r.Typed, Person: r.SubjectName,
	}
	if r.SubjectName != "" && h.Site.Standing(c).May.Has(access.AuthenticatorView) {
		v.PersonHref = h.personPath(c, r.Subject)
	}
	v.Changes, v.Details = detailsOf(r.Details)
	v.Stories = h.storiesOf(c, r)
	if v.Decided, err = h.whySo(c, sight, r); err != nil {
		return err
	}
	if v.Proof, err = h.auditProof(c, sight, r); err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, views.AuditEventPage(h.page(c, auditPath), v))
}

func partyText(ctx context.Context, p audit.Party) string {
	if p.Kind == "" {
		return ""
	}
	return strings.TrimSpace(kindName(ctx, p.Kind) + " " + p.ID)
}

// change stands between what was and what is, in a detail that says both.
const change = "→"

// detailsOf parts details into those that say what was before and what is after, and others.
func detailsOf(details map[string]string) (changes []views.AuditChange, others []views.Fact) {
	for _, name := range slices.Sorted(maps.Keys(details)) {
		before, after, both := strings.Cut(details[name], change)
		switch {
		case name == "ticket":
		case both:
			changes = append(changes, views.AuditChange{Field: name, Before: strings.TrimSpace(before), After: strings.TrimSpace(after)})
		default:
			others = append(others, views.Fact{Name: name, Value: details[name]})
		}
	}
	return changes, others
}

// auditProof is where the event stands in the tree, for who may verify it; nil for others.
func (h *Pages) auditProof(c echo.Context, sight trail.Sight, r trail.Row) (*views.AuditProof, error) {
	if !sight.Proof {
		return nil, nil
	}
	ctx := c.Request().Context()
	proof := &views.AuditProof{Record: string(r.Record), API: address(h.path(c, auditPath+"/proofs/inclusion"), "event", r.ID, "at", r.At.Format("2006-01-02T15:04:05.000000Z"))}
	index, err := h.Checkpoints.IndexOf(ctx, sight.TenantID, r.ID, r.At)
	var in checkpoint.Inclusion
	if err == nil {
		proof.Sealed, proof.Index = true, component.Thousands(int(index))
		in, err = h.Checkpoints.Inclusion(ctx, sight.TenantID, index)
	}
	if errors.Is(err, fault.NotFound) {
		return proof, nil
	}
	if err != nil {
		return nil, err
	}
	proof.Signed, proof.Leaf, proof.Number, proof.Size, proof.Root, proof.SignedAt, proof.Note = true, in.Leaf.String(), strconv.FormatInt(in.In.Number, 10), component.Thousands(int(in.In.Size)), in.In.Root.String(), in.In.At, in.In.Note
	for _, hash := range in.Path {
		proof.Path = append(proof.Path, hash.String())
	}
	return proof, nil
}

// whySo says rule by rule why a sign-in went as it did, to who reads more than what the
// helpdesk does: groups and ways of somebody stand in it.
func (h *Pages) whySo(c echo.Context, sight trail.Sight, r trail.Row) (all []views.AuditWhy, err error) {
	if sight.Told != people.Everything && sight.Told != people.NoSecurity {
		return nil, nil
	}
	decided, err := decision.Of(c.Request().Context(), h.Site.DB, sight.TenantID, r.Thread, r.At)
	if err != nil || len(decided) == 0 {
		return nil, err
	}
	ctx := web.Context(c)
	groups, err := h.Policy.GroupNames(c.Request().Context(), sight.TenantID)
	for _, k := range decided {
		why := views.AuditWhy{Text: decisionText(ctx, k.Was), Tone: outcomeTones[k.Was.Outcome], Facts: inputFacts(ctx, &k.Input, groups)}
		why.Rules = ruleLines(ctx, k.Says, groups)
		all = append(all, why)
	}
	return all, err
}

// storiesOf are the stories that an event belongs to. What ties events together and is no
// sign-in and no case is a list.
func (h *Pages) storiesOf(c echo.Context, r trail.Row) (all []views.Fact) {
	ctx := web.Context(c)
	add := func(key, href string) { all = append(all, views.Fact{Name: words.Say(ctx, key), Href: href}) }
	if kind := r.ThreadKind(); kind != "" {
		add("audit.story.link."+string(kind), h.storyOf(c, kind, r.Thread))
	} else if r.Thread != "" {
		add("audit.story.link.thread", h.with(c, asked{}, "thread", r.Thread))
	}
	if r.SubjectName != "" {
		add("audit.story.link.person", h.storyOf(c, trail.Person, r.Subject))
	}
	if r.ActorName != "" && r.Actor.ID != r.Subject {
		add("audit.story.link.agent", h.storyOf(c, trail.Agent, r.Actor.ID))
	}
	if name := r.Details["ticket"]; name != "" {
		add("audit.story.link.ticket", h.storyOf(c, trail.Ticket, name))
	}
	return all
}
