package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/stock"
)

const sheets = "/admin/alder/code-sheets"

var (
	digestMark  = regexp.MustCompile(`name="digest" value="([0-9a-f]{64})"`)
	gettingMark = regexp.MustCompile(`data-getting="(\d+)"`)
	forMark     = regexp.MustCompile(`(?s)<p class="sheet-for">.*?<strong>([^<]+)</strong>`)
	serialsMark = regexp.MustCompile(`data-serial="([0-9A-Z]{4}-[0-9A-Z]{4})"`)
)

// stocked is a sheet of a batch in somebody's hand.
type stocked struct {
	paper
	id, person, name string
}

// drawsBatch draws a batch for some people up, and gives the address of its page.
func (b *browser) drawsBatch(t testing.TB, names ...string) string {
	t.Helper()
	b.get(t, sheets+"/batches/new").want(t, http.StatusOK)
	return b.post(t, sheets+"/batches", "names", strings.Join(names, "\n"), "paper", "a4", "instructions", "Keep it in your locker.").want(t, http.StatusSeeOther).location()
}

// hasBatch is a batch for some people that is made.
func (b *browser) hasBatch(t testing.TB, w *world, names ...string) string {
	t.Helper()
	page := b.drawsBatch(t, names...)
	shown := b.get(t, page).want(t, http.StatusOK)
	b.post(t, page+"/start", "digest", first(digestMark, shown), "reason", "for the field").want(t, http.StatusSeeOther)
	w.makes(t, page)
	return page
}

// makes lets a batch be made, by whoever is at it.
func (w *world) makes(t testing.TB, page string) {
	t.Helper()
	until(t, page+" to be made", func() bool {
		if err := w.Server.Stock.TakeUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.count(t, "SELECT count(*) FROM code_sheet_batches WHERE id = ? AND state = ?", page[strings.LastIndex(page, "/")+1:], stock.Made) == 1
	})
}

// printsBatch is a batch for some people on paper.
func (b *browser) printsBatch(t testing.TB, w *world, names ...string) (page string, all []stocked) {
	t.Helper()
	page = b.hasBatch(t, w, names...)
	return page, w.stocked(t, b.post(t, page+"/print").want(t, http.StatusOK))
}

// stocked reads the sheets that a page shows.
func (w *world) stocked(t testing.TB, a answer) (all []stocked) {
	t.Helper()
	for _, part := range strings.Split(a.body, `<section class="code-sheet`)[1:] {
		one := answer{body: part, asked: a.asked}
		s := stocked{paper: paper{serial: first(serialsMark, one), codes: map[string]string{}}, person: first(forMark, one)}
		for _, found := range sheetMark.FindAllStringSubmatch(part, -1) {
			s.codes[found[1]] = found[3]
		}
		if len(s.codes) != 10 || s.serial == "" || s.person == "" {
			t.Fatalf("%s shows sheet %q of %q with %d codes", a.asked, s.serial, s.person, len(s.codes))
		}
		w.one(t, &s.id, "SELECT id FROM code_sheets WHERE serial = ?", strings.ReplaceAll(s.serial, "-", ""))
		w.one(t, &s.name, "SELECT u.name FROM code_sheets s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE s.id = ?", s.id)
		all = append(all, s)
	}
	return all
}

// handsTo gives a sheet to the desk, and the desk gives it to its user.
func (b *browser) handsTo(t testing.TB, w *world, s stocked) {
	t.Helper()
	b.post(t, sheets+"/"+s.id+"/to-agent", "agent", deskOfAlder, "reason", "a test").want(t, http.StatusSeeOther)
	desk := w.browser(t).signIn(t, deskOfAlder)
	desk.get(t, sheets).want(t, http.StatusOK)
	desk.post(t, sheets+"/"+s.id+"/to-user", "reason", "a test").want(t, http.StatusSeeOther)
}

// sealedCodes opens what is sealed of the sheets of a batch.
func (w *world) sealedCodes(t testing.TB, page string) (all []string) {
	t.Helper()
	var rows []struct{ TenantID, ID, Sealed string }
	if err := w.DB.View(t.Context()).All(&rows, "SELECT tenant_id, id, sealed FROM code_sheets WHERE batch_id = ?", page[strings.LastIndex(page, "/")+1:]); err != nil || len(rows) == 0 {
		t.Fatalf("no sheets of %s: %v", page, err)
	}
	for _, row := range rows {
		text, err := w.Keys.Open(row.TenantID, "code_sheets.sealed "+row.ID, row.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range strings.Fields(text) {
			all = append(all, code, strings.ReplaceAll(code, "-", ""))
		}
	}
	return all
}

// TestABatchFromTheFormToTheFirstSignIn walks the pages.
func TestABatchFromTheFormToTheFirstSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user20@alder.example"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		field := w.group(t, "alder", "field")
		if page := admin.get(t, sheets+"/batches/new").want(t, http.StatusOK).body; !strings.Contains(page, `value="`+field+`"`) {
			t.Error("the form does not offer the group")
		}
		wrong := admin.post(t, sheets+"/batches", "paper", "a4", "names", "nobody@alder.example", "instructions", "typed before").want(t, http.StatusUnprocessableEntity).body
		if !strings.Contains(wrong, "There is nobody called nobody@alder.example") || !strings.Contains(wrong, "typed before") {
			t.Error("what is wrong is not said, or what was typed is gone")
		}
		w.act(t, "UPDATE users SET state = 'locked' WHERE name = 'user21@alder.example'")
		page := admin.post(t, sheets+"/batches", "group", field, "paper", "letter", "instructions", "Keep it in\r\nyour locker.").want(t, http.StatusSeeOther).location()
		draft := admin.get(t, page).want(t, http.StatusOK)
		if got := first(gettingMark, draft); got != "20" || !strings.Contains(draft.body, "user21@alder.example") || !strings.Contains(draft.body, "The account is not active") {
			t.Errorf("the draft makes %s sheets, or does not say who gets none and why", got)
		}
		admin.post(t, page+"/print").want(t, http.StatusConflict)
		admin.post(t, page+"/start", "digest", first(digestMark, draft)).want(t, http.StatusUnprocessableEntity)
		admin.post(t, page+"/start", "digest", strings.Repeat("0", 64), "reason", "for the field").want(t, http.StatusConflict)
		admin.post(t, page+"/start", "digest", first(digestMark, draft), "reason", "for the field").want(t, http.StatusSeeOther)
		if shown := admin.get(t, page).want(t, http.StatusOK).body; !strings.Contains(shown, `max="20"`) && !strings.Contains(shown, "wait for the printer") {
			t.Error("the page does not say how far it is")
		}
		w.makes(t, page)
		if got := admin.get(t, page+"/state").want(t, http.StatusOK).body; !strings.Contains(got, `"state":"made","done":20,"total":20`) {
			t.Errorf("then it says %s", got)
		}
		w.browser(t).signIn(t, "lead@alder.example").post(t, page+"/print").want(t, http.StatusConflict)
		shown := admin.post(t, page+"/print").want(t, http.StatusOK)
		all := w.stocked(t, shown)
		if len(all) != 20 || shown.header.Get("Cache-Control") != "no-store" || !strings.Contains(shown.body, "on-letter") || !strings.Contains(shown.body, "Keep it in\nyour locker.") || !strings.Contains(shown.body, "data:application/pdf;base64,") {
			t.Errorf("%d sheets are shown, %s", len(all), shown.header.Get("Cache-Control"))
		}
		// The second look, also in another browser and by the address.
		admin.post(t, page+"/print").want(t, http.StatusNotFound)
		w.browser(t).signIn(t, "admin@alder.example").post(t, page+"/print").want(t, http.StatusNotFound)
		admin.get(t, page+"/print").is(t, http.StatusMethodNotAllowed)
		code := all[0].codes["1"]
		for _, path := range []string{page, sheets, sheets + "/" + all[0].id, "/me/activity"} {
			if strings.Contains(admin.get(t, path).body, code) {
				t.Errorf("%s shows a code", path)
			}
		}
		paper := all[0]
		if paper.name != name {
			t.Fatalf("the first sheet is %s's", paper.name)
		}
		// Every step is where the desk sees it, and on the page of its person too.
		_, personID := w.person(t, name)
		comes := func(b *browser, texts ...string) {
			t.Helper()
			_, row, is := strings.Cut(b.get(t, "/admin/alder/users/"+personID).want(t, http.StatusOK).body, `data-coming="`+paper.serial+`"`)
			if row, _, _ = strings.Cut(row, "</li>"); is != (len(texts) > 0) {
				t.Errorf("the page of its person says of it %q", row)
			}
			for _, text := range texts {
				if !strings.Contains(row, text) {
					t.Errorf("the page of its person does not say %q but %s", text, row)
				}
			}
		}
		comes(admin, "printed", "admin@alder.example, who printed it", sheets+"/"+paper.id)
		admin.post(t, page+"/hand-over", "reason", "to the ward").want(t, http.StatusUnprocessableEntity)
		admin.post(t, page+"/hand-over", "agent", "user1@alder.example", "reason", "to the ward").want(t, http.StatusUnprocessableEntity)
		admin.post(t, page+"/hand-over", "agent", deskOfAlder, "reason", "to the ward").want(t, http.StatusSeeOther)
		desk := w.browser(t).signIn(t, deskOfAlder)
		comes(desk, "with an agent", deskOfAlder)
		mine := desk.get(t, sheets).want(t, http.StatusOK).body
		if !strings.Contains(mine, paper.serial) || strings.Contains(mine, "/batches") {
			t.Error("the agent does not see what they have, or is offered batches")
		}
		if other := w.browser(t).signIn(t, "desk2@alder.example").get(t, sheets).want(t, http.StatusOK).body; strings.Contains(other, paper.serial) {
			t.Error("another agent begins with sheets that they do not have")
		}
		u := w.browser(t).signIn(t, name)
		if shown := u.get(t, "/me/codes").want(t, http.StatusOK).body; strings.Contains(shown, paper.serial) {
			t.Error("its user sees a sheet that is not with them")
		}
		u.post(t, "/me/codes/confirm", "code", code).want(t, http.StatusNotFound)
		desk.post(t, sheets+"/"+paper.id+"/to-user").want(t, http.StatusUnprocessableEntity)
		desk.post(t, sheets+"/"+paper.id+"/to-user", "reason", "at the desk").want(t, http.StatusSeeOther)
		desk.post(t, sheets+"/"+paper.id+"/to-user", "reason", "at the desk").want(t, http.StatusConflict)
		pc := w.browser(t)
		attempt, asked := pc.byPrintedCode(t, name)
		pc.post(t, attempt+"/verify", "code", paper.codes[asked]).want(t, http.StatusUnauthorized)

		if home := u.get(t, "/").want(t, http.StatusOK).body; !strings.Contains(home, "Sheet "+paper.serial+" was handed to you") {
			t.Error("its user is not asked")
		}
		codes := u.get(t, "/me/codes").want(t, http.StatusOK)
		if first(askedMark, codes) != "1" || !strings.Contains(codes.body, deskOfAlder) {
			t.Error("the page does not ask for the first code, or does not say who handed it over")
		}
		u.post(t, "/me/codes/confirm", "code", paper.codes["2"]).want(t, http.StatusUnprocessableEntity)
		comes(desk, "waits for their word", name)
		u.post(t, "/me/codes/confirm", "code", code).want(t, http.StatusSeeOther)
		comes(desk)
		if shown := u.get(t, "/me/codes").want(t, http.StatusOK).body; !strings.Contains(shown, paper.serial) || !strings.Contains(shown, "9 codes left") {
			t.Error("it is not listed as theirs")
		}
		// Code n is asked, and n+1 does not do; loading the page again asks for no other one.
		attempt, asked = pc.byPrintedCode(t, name)
		for range 3 {
			if again := first(askedMark, pc.get(t, attempt).want(t, http.StatusOK)); again != asked || asked != "2" {
				t.Errorf("it asks for %s and then for %s", asked, again)
			}
		}
		pc.post(t, attempt+"/verify", "code", paper.codes["3"]).want(t, http.StatusUnauthorized)
		if _, again := w.browser(t).byPrintedCode(t, name); again != "2" {
			t.Errorf("another browser is asked for number %s", again)
		}
		pc.post(t, attempt+"/verify", "code", paper.codes["2"]).want(t, http.StatusSeeOther)
		if !pc.signedIn(t) {
			t.Fatal("the sheet signs nobody in")
		}
		history := admin.get(t, sheets+"/"+paper.id).want(t, http.StatusOK).body
		for _, said := range []string{"to the ward", "at the desk", deskOfAlder, "works"} {
			if !strings.Contains(history, said) {
				t.Errorf("its history does not say %q", said)
			}
		}
		// The batch is void, and with it the session.
		admin.post(t, page+"/void", "reason", "found in the canteen").want(t, http.StatusSeeOther)
		if pc.signedIn(t) {
			t.Error("a session of it is alive")
		}
		other := w.browser(t)
		attempt, _ = other.byPrintedCode(t, name)
		other.post(t, attempt+"/verify", "code", paper.codes["3"]).want(t, http.StatusUnauthorized)
	})
}

// TestOneReportsWhatOneHasLost, with a proof, and what is not one's own is not there.
func TestOneReportsWhatOneHasLost(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user20@alder.example"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		_, papers := admin.printsBatch(t, w, name, "user22@alder.example")
		admin.handsTo(t, w, papers[0])
		admin.handsTo(t, w, papers[1])
		u := w.browser(t).signIn(t, name)
		u.post(t, "/me/codes/lost", "sheet", papers[1].id).want(t, http.StatusNotFound)
		w.forward(t, 10*time.Minute)
		if to := u.post(t, "/me/codes/lost", "sheet", papers[0].id).want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up?return_to="+url.QueryEscape("/me/codes")) {
			t.Errorf("without a fresh proof it leads to %s", to)
		}
		u.prove(t, "/me/codes")
		u.post(t, "/me/codes/lost", "sheet", papers[0].id).want(t, http.StatusSeeOther)
		u.post(t, "/me/codes/confirm", "code", papers[0].codes["1"]).want(t, http.StatusNotFound)
		if page := admin.get(t, sheets+"?state=lost").want(t, http.StatusOK).body; !strings.Contains(page, papers[0].serial) {
			t.Error("the stock does not have it as lost")
		}
	})
}

// TestTheStockListIsForPrograms too, filtered and page by page.
func TestTheStockListIsForPrograms(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		_, papers := admin.printsBatch(t, w, "user20@alder.example", "user22@alder.example")
		all := admin.get(t, sheets+"?state=printed", "Accept", "application/json").want(t, http.StatusOK).body
		for _, p := range papers {
			if !strings.Contains(all, `"serial":"`+p.serial+`"`) || strings.Contains(all, p.codes["1"]) {
				t.Errorf("the list is %s", all)
			}
		}
		one := admin.get(t, sheets+"/"+papers[0].id, "Accept", "application/json").want(t, http.StatusOK).body
		if !strings.Contains(one, `"custody":"printer"`) || !strings.Contains(one, `"holder":"admin@alder.example"`) {
			t.Errorf("one of them is %s", one)
		}
		if none := admin.get(t, sheets+"?state=lost", "Accept", "application/json").want(t, http.StatusOK).body; !strings.Contains(none, `"code_sheets":[]`) {
			t.Errorf("of none it says %s", none)
		}
		admin.post(t, sheets+"/hand-over", "agent", deskOfAlder, "reason", "a test").want(t, http.StatusUnprocessableEntity)
		auditor := w.browser(t).signIn(t, "auditor@alder.example")
		if page := auditor.get(t, sheets).want(t, http.StatusOK).body; !strings.Contains(page, papers[0].serial) || strings.Contains(page, "/hand-over") {
			t.Error("an auditor does not look, or may do more")
		}
		auditor.get(t, sheets+"/batches").want(t, http.StatusForbidden)
	})
}

// TestAnotherReplicaMakesABatch that this one was asked for, while both look for work.
func TestAnotherReplicaMakesABatch(t *testing.T) {
	one := onPostgres(t)
	two := one.beside(t)
	admin := one.browser(t).signIn(t, "admin@alder.example")
	page := admin.drawsBatch(t, "user20@alder.example", "user22@alder.example")
	admin.post(t, page+"/start", "digest", first(digestMark, admin.get(t, page)), "reason", "for the field").want(t, http.StatusSeeOther)
	two.makes(t, page)
	if got := len(one.stocked(t, admin.post(t, page+"/print").want(t, http.StatusOK))); got != 2 {
		t.Errorf("%d sheets are printed where they were asked for", got)
	}
	admin.on(two).post(t, page+"/print").want(t, http.StatusNotFound)
}
