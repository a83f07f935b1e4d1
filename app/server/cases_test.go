package server_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestACaseOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, _ := w.withPhone(t, "user3@alder.example")
		desk, lead := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "lead@alder.example")
		page := w.at(t, "user3")
		if a := desk.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, `action="`+page+`/cases"`) || !strings.Contains(a.body, "has had no case") {
			t.Error("the page of the person does not offer to open a case")
		}
		a := desk.post(t, page+"/cases", "cause", "eaten", "reason", "the <dog>", "ticket", "no ticket", "device", "none").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, "the &lt;dog&gt;") || !strings.Contains(a.body, "Choose what happened") || !strings.Contains(a.body, `value="no ticket"`) {
			t.Errorf("the form came back as %s", excerpt(a.body))
		}
		a = desk.post(t, page+"/cases", "cause", "lost", "reason", "left on the bus", "ticket", "CHG-7", "device", ph.account).want(t, http.StatusSeeOther)
		at := strings.TrimSuffix(a.location(), "?done=case_opened")
		desk.post(t, page+"/cases", "cause", "lost", "reason", "again").is(t, http.StatusConflict)
		if a := desk.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, `href="`+at+`"`) || strings.Contains(a.body, `action="`+page+`/cases"`) {
			t.Error("the page of the person does not lead to the case, or offers another")
		}
		if got := desk.search(t, "c1001").of("cases"); got != "C-1001 "+at {
			t.Errorf("the search finds %q", got)
		}
		if a := w.browser(t).signIn(t, "user3@alder.example").get(t, "/me").want(t, http.StatusOK); !strings.Contains(a.body, "C-1001") || !strings.Contains(a.body, "desk@alder.example") {
			t.Error("the person does not see their case with its agent")
		}
		if a := w.browser(t).signIn(t, "user4@alder.example").get(t, "/me").want(t, http.StatusOK); strings.Contains(a.body, "C-1001") {
			t.Error("somebody else sees the case")
		}

		desk.post(t, at+"/notes", "reason", " ").is(t, http.StatusUnprocessableEntity)
		desk.post(t, at+"/notes", "reason", "Calls back at noon").want(t, http.StatusSeeOther)
		desk.post(t, at+"/hand-over", "to", "user1@alder.example").is(t, http.StatusUnprocessableEntity)
		desk.post(t, at+"/wait").want(t, http.StatusSeeOther)
		a = desk.post(t, at+"/close").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, "still signs the person in") || !strings.Contains(a.body, `id="close"`) {
			t.Errorf("closing while the phone signs in: %s", excerpt(a.body))
		}
		var board struct {
			Cases []struct{ Number, User, State, Owner, Ticket, Href string }
			Next  string
		}
		for query, want := range map[string]int{"": 1, "?state=waiting": 1, "?state=open": 0, "?owner=desk%40alder.example": 1, "?owner=mine": 0, "?age=day": 0} {
			lead.get(t, "/admin/alder/cases"+query, "Accept", "application/json").want(t, http.StatusOK).decode(t, &board)
			if len(board.Cases) != want {
				t.Errorf("%q has %d cases, want %d", query, len(board.Cases), want)
			}
		}
		lead.get(t, "/admin/alder/cases", "Accept", "application/json").want(t, http.StatusOK).decode(t, &board)
		if got := board.Cases[0]; got.Number != "C-1001" || got.User != "user3@alder.example" || got.State != "waiting" || got.Owner != "desk@alder.example" || got.Ticket != "CHG-7" || got.Href != at {
			t.Errorf("the board says %+v", got)
		}
		lead.post(t, at+"/take").want(t, http.StatusSeeOther)
		lead.post(t, at+"/close", "reason", "found it on the bus").want(t, http.StatusSeeOther)
		var one struct {
			Case  struct{ State, Owner string }
			Notes []struct{ Author, Words string }
			Links []struct{ Kind, ID string }
		}
		desk.get(t, at, "Accept", "application/json").want(t, http.StatusOK).decode(t, &one)
		if one.Case.State != "closed" || one.Case.Owner != "lead@alder.example" || len(one.Notes) != 1 || one.Notes[0].Author != "desk@alder.example" || len(one.Links) != 1 || one.Links[0].ID != ph.account {
			t.Errorf("the case says %+v", one)
		}
		// What was done stands under the ticket of the case, also where no form named it.
		var under struct{ Events []struct{ Action string } }
		lead.get(t, "/admin/alder/tickets/CHG-7", "Accept", "application/json").want(t, http.StatusOK).decode(t, &under)
		if len(under.Events) != 5 || under.Events[0].Action != "case.closed" {
			t.Errorf("under the ticket stand %+v", under.Events)
		}

		for _, path := range []string{at, "/admin/birch/cases/" + at[strings.LastIndex(at, "/")+1:]} {
			w.browser(t).signIn(t, "security@birch.example").get(t, path).is(t, http.StatusNotFound)
		}
		auditor := w.browser(t).signIn(t, "auditor@alder.example")
		auditor.get(t, at).is(t, http.StatusOK)
		auditor.get(t, "/admin/alder/cases").is(t, http.StatusOK)
		auditor.post(t, at+"/reopen", "reason", "x").is(t, http.StatusForbidden)
		w.browser(t).signIn(t, "user3@alder.example").get(t, at).is(t, http.StatusForbidden)
	})
}
