package server_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
)

// list is a form with a list of people and other fields, in pairs.
func list(t testing.TB, name, body string, pairs ...string) parcel {
	t.Helper()
	return withFile(t, "file", name, body, pairs...)
}

// withFile is a form with a file, if it has a name, and other fields, in pairs.
func withFile(t testing.TB, field, name, body string, pairs ...string) parcel {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		must(0, w.WriteField(pairs[i], pairs[i+1]))
	}
	if name != "" {
		part := must(w.CreateFormFile(field, name))
		must(part.Write([]byte(body)))
	}
	must(0, w.Close())
	return parcel{media: w.FormDataContentType(), body: b.String()}
}

const importPath = "/admin/alder/users/import"

// bring uploads a list.
func (b *browser) bring(t testing.TB, lines ...string) answer {
	t.Helper()
	return b.upload(t, importPath, "file", "people.csv", strings.Join(lines, "\r\n"))
}

// upload sends a form with a file.
func (b *browser) upload(t testing.TB, path, field, name, body string, pairs ...string) answer {
	t.Helper()
	pairs = append(pairs, "csrf", b.csrf)
	for name, values := range *b.more {
		pairs = append(pairs, name, values[0])
	}
	return b.saw(sendParcel(t, b.client, b.request(t, http.MethodPost, path, nil), withFile(t, field, name, body, pairs...)))
}

func TestImportOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "admin@alder.example")
		b.get(t, importPath).want(t, http.StatusOK)

		// A list with problems: they are named, and it cannot be run.
		a := b.bring(t, "name,groups", "=cmd@alder.example,<b>none</b>", "x@birch.example,", "user1@alder.example,pilot").want(t, http.StatusSeeOther)
		page := a.location()
		a = b.get(t, page).want(t, http.StatusOK)
		if !strings.Contains(a.body, "&lt;b&gt;none&lt;/b&gt;") || !strings.Contains(a.body, "2 problems") || strings.Contains(a.body, page+"/run") {
			t.Errorf("the page of a list with problems: %s", excerpt(a.body))
		}
		b.post(t, page+"/run", "reason", "x").is(t, http.StatusConflict)
		a = b.get(t, page+"/problems.csv").want(t, http.StatusOK)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 3 || rows[1][0] != "2" || rows[1][1] != "groups" || rows[1][2] != "<b>none</b>" || rows[2][2] != "birch.example" {
			t.Errorf("the file of problems: %q, %v", rows, err)
		}
		if got := a.header.Get("Content-Disposition") + a.header.Get("Content-Type"); got != `attachment; filename="problems.csv"text/csv; charset=utf-8` {
			t.Errorf("the file of problems comes as %s", got)
		}
		headersOf(t, a)
		a = b.get(t, b.bring(t, "name", "=2+2").want(t, http.StatusSeeOther).location()+"/problems.csv")
		if !strings.Contains(a.body, ",'=2+2,") {
			t.Errorf("a cell is a formula: %q", a.body)
		}

		// One in order: it is asked for with a reason, and goes on by itself.
		a = b.bring(t, "name,display_name,groups", "new@alder.example,New One,pilot", "user1@alder.example,Other Name,field", "user2@alder.example,,pilot").want(t, http.StatusSeeOther)
		page = a.location()
		a = b.get(t, page).want(t, http.StatusOK)
		for _, want := range []string{`data-count="new">1<`, `data-count="changed">1<`, `data-count="unchanged">1<`, "Import 2 people"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("the page of a list in order lacks %s", want)
			}
		}
		b.get(t, page+"/problems.csv").is(t, http.StatusNotFound)
		if a := b.post(t, page+"/run", "reason", " "); a.is(t, http.StatusUnprocessableEntity) && !strings.Contains(a.body, "Say why") {
			t.Errorf("without a reason: %s", excerpt(a.body))
		}
		b.post(t, page+"/run", "reason", "they begin on Monday").want(t, http.StatusSeeOther)
		until(t, "the end of the import", func() bool {
			var said struct{ State string }
			b.get(t, page+"/state", "Accept", "application/json").want(t, http.StatusOK).decode(t, &said)
			return said.State == "done"
		})
		if a := b.get(t, page); !strings.Contains(a.body, "2 people were imported") {
			t.Errorf("the page of a list that was imported: %s", excerpt(a.body))
		}
		w.person(t, "new@alder.example")
		b.post(t, page+"/run", "reason", "again").is(t, http.StatusConflict)
		if a := b.get(t, importPath); strings.Count(a.body, "people.csv") != 3 {
			t.Error("the lists of before are not listed")
		}

		// It takes a fresh proof, and leads back to the list.
		page = b.bring(t, "name", "newer@alder.example").want(t, http.StatusSeeOther).location()
		w.forward(t, 6*time.Minute)
		if a := b.post(t, page+"/run", "reason", "x"); a.is(t, http.StatusSeeOther) && a.location() != "/step-up?return_to="+strings.ReplaceAll(page, "/", "%2F") {
			t.Errorf("%s leads to %s", a.asked, a.location())
		}
	})
}

// Who may approve a list reads every line of it before they do, page by page; who
// may not reads none.
func TestAnApproverReadsEveryLineOfAList(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		w.promote(t, "user2@alder.example", access.RoleSecurityAdministrator)
		asker, second := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, secondSecurity)
		lines := []string{"name,display_name,groups", "user2@alder.example,<b>Renamed</b>,", "user3@alder.example,,office"}
		for n := range 70 {
			lines = append(lines, fmt.Sprintf("wave%02d@alder.example,Wave %02d,pilot", n, n))
		}
		asker.get(t, importPath)
		list := asker.bring(t, lines...).want(t, http.StatusSeeOther).location()
		request := asker.post(t, list+"/run", "reason", "they begin on Monday").want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(request, inbox+"/") {
			t.Fatalf("the list goes to %s, and should wait", request)
		}
		request, _, _ = strings.Cut(request, "?")
		if a := second.get(t, request).want(t, http.StatusOK); !strings.Contains(a.body, request+"/people") {
			t.Error("the request does not lead to its people")
		}
		first := second.get(t, request+"/people").want(t, http.StatusOK)
		for _, want := range []string{"user2@alder.example", "&lt;b&gt;Renamed&lt;/b&gt;", "user3@alder.example", "office", "wave00@alder.example", "Wave 47", "pilot", "1 to 50 of 72", "people.csv", request + "/people?from=50"} {
			if !strings.Contains(first.body, want) {
				t.Errorf("the first page lacks %q", want)
			}
		}
		rest := second.get(t, request+"/people?from=50").want(t, http.StatusOK)
		for page, has := range map[*answer]bool{&first: false, &rest: true} {
			if strings.Contains(page.body, "wave69@alder.example") != has || strings.Contains(page.body, "wave00@alder.example") == has {
				t.Errorf("%s has other people", page.asked)
			}
		}
		asker.get(t, request+"/people").want(t, http.StatusOK)
		for _, from := range []string{"-1", "x", "1000000"} {
			second.get(t, request+"/people?from="+from).want(t, http.StatusOK)
		}

		// Who may not approve it: one who is in it, and one who only watches; others see no request at all.
		for name, want := range map[string]int{"user2@alder.example": http.StatusForbidden, "auditor@alder.example": http.StatusForbidden, deskOfAlder: http.StatusNotFound, "user4@alder.example": http.StatusForbidden} {
			b := w.browser(t).signIn(t, name)
			if a := b.get(t, request+"/people"); a.is(t, want) && strings.Contains(a.body, "wave00") {
				t.Errorf("%s reads the list", name)
			}
			if a := b.get(t, request); strings.Contains(a.body, request+"/people") {
				t.Errorf("%s is led to the list", name)
			}
		}
		stranger := w.browser(t).signIn(t, "security@birch.example")
		for _, path := range []string{request, strings.Replace(request, "/alder/", "/birch/", 1)} {
			stranger.get(t, path+"/people").is(t, http.StatusNotFound)
		}

		// Another text than was asked for is not shown.
		id := list[strings.LastIndex(list, "/")+1:]
		id, _, _ = strings.Cut(id, "?")
		w.act(t, "UPDATE imports SET rows = replace(rows, 'Wave 07', 'Wave 70') WHERE id = ?", id)
		if a := second.get(t, request+"/people"); a.is(t, http.StatusConflict) && strings.Contains(a.body, "wave00") {
			t.Error("a list that was changed is shown")
		}

		// Afterwards the list is nobody's business any more.
		asker.post(t, request+"/withdraw").want(t, http.StatusSeeOther)
		if a := second.get(t, request+"/people").want(t, http.StatusSeeOther); a.location() != request {
			t.Errorf("a request that is over leads to %s", a.location())
		}
	})
}

func TestWhatIsNoListIsRefused(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "admin@alder.example")
		b.get(t, importPath)
		good := list(t, "people.csv", "name\nx@alder.example", "csrf", b.csrf)
		large := strings.Repeat("x", 5<<20)
		chunked := list(t, "people.csv", large+large, "csrf", b.csrf)
		chunked.chunked = true
		before := w.standing(t)
		for claim, c := range map[string]struct {
			parcel
			want int
		}{
			"no file":                        {list(t, "", "", "csrf", b.csrf), http.StatusUnprocessableEntity},
			"a file without a name":          {parcel{good.media, strings.Replace(good.body, `filename="people.csv"`, `filename=""`, 1), false}, http.StatusUnprocessableEntity},
			"an ordinary form":               {form(b.form().Encode()), http.StatusUnsupportedMediaType},
			"an ordinary form, too large":    {form(b.form("x", large[:70<<10]).Encode()), http.StatusRequestEntityTooLarge},
			"JSON":                           {object(`{}`), http.StatusUnsupportedMediaType},
			"the list itself":                {parcel{"text/csv", "name\nx@alder.example", false}, http.StatusUnsupportedMediaType},
			"no boundary":                    {parcel{"multipart/form-data", good.body, false}, http.StatusUnsupportedMediaType},
			"another boundary":               {parcel{"multipart/form-data; boundary=other", good.body, false}, http.StatusBadRequest},
			"cut short":                      {parcel{good.media, good.body[:len(good.body)/2], false}, http.StatusBadRequest},
			"nothing":                        {parcel{good.media, "", false}, http.StatusBadRequest},
			"no token":                       {list(t, "people.csv", "name\nx@alder.example"), http.StatusForbidden},
			"a token that is made up":        {list(t, "people.csv", "name\nx@alder.example", "csrf", strings.Repeat("a", 43)), http.StatusForbidden},
			"a field with broken letters":    {list(t, "people.csv", "name\nx@alder.example", "csrf", b.csrf, "x", "\xff"), http.StatusBadRequest},
			"a field with a NUL":             {list(t, "people.csv", "name\nx@alder.example", "csrf", b.csrf, "x", "\x00"), http.StatusBadRequest},
			"a thousand parts":               {list(t, "people.csv", "name", append([]string{"csrf", b.csrf}, strings.Split(strings.Repeat("x,y,", 1200), ",")...)...), http.StatusBadRequest},
			"one byte too many":              {list(t, "people.csv", large+"x", "csrf", b.csrf), http.StatusRequestEntityTooLarge},
			"much too large":                 {list(t, "people.csv", large+large, "csrf", b.csrf), http.StatusRequestEntityTooLarge},
			"much too large, length unknown": {chunked, http.StatusRequestEntityTooLarge},
		} {
			a := sendParcel(t, b.client, b.request(t, http.MethodPost, importPath, nil), c.parcel)
			if a.status != c.want {
				t.Errorf("%s = %d, want %d: %s", claim, a.status, c.want, excerpt(a.body))
			}
			headersOf(t, a)
		}
		w.unchanged(t, "what is no list", before)

		// As large as it may be, and as slow as the rest.
		body := "name\n" + strings.Repeat("\n", 5<<20-len("name\n"))
		sendParcel(t, b.client, b.request(t, http.MethodPost, importPath, nil), list(t, "people.csv", body, "csrf", b.csrf)).is(t, http.StatusSeeOther)

		// What a list has in it is a problem of the list.
		for claim, body := range map[string]string{"nothing": "", "no text": "\x00\x01\xff", "another table": "a,b\n1,2"} {
			p := list(t, "../../etc/pa\tsswd", body, "csrf", b.csrf)
			a := sendParcel(t, b.client, b.request(t, http.MethodPost, importPath, nil), p)
			if page := b.get(t, a.want(t, http.StatusSeeOther).location()).want(t, http.StatusOK); !strings.Contains(page.body, "problem") || strings.Contains(plainBody(page), "etc") {
				t.Errorf("%s: %s", claim, excerpt(page.body))
			}
		}
		// The name of the file is somebody's text.
		evil := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="<script>alert(1)</script>.csv"`}, "Content-Type": {"text/csv"}}
		var buffer bytes.Buffer
		mw := multipart.NewWriter(&buffer)
		must(0, mw.WriteField("csrf", b.csrf))
		must(must(mw.CreatePart(evil)).Write([]byte("name")))
		must(0, mw.Close())
		a := sendParcel(t, b.client, b.request(t, http.MethodPost, importPath, nil), parcel{media: mw.FormDataContentType(), body: buffer.String()})
		if page := b.get(t, a.want(t, http.StatusSeeOther).location()); strings.Contains(page.body, "<script>alert") {
			t.Error("the name of a file is not escaped")
		}
	})
}

// bringsFile are the addresses of the forms that bring a file.
var bringsFile = map[string]bool{"/admin/:tenant/users/import": true, "/admin/:tenant/users/:user/photo": true}

// TestOnlyFormsWithAFileTakeMore: every other address keeps its bounds.
func TestOnlyFormsWithAFileTakeMore(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.scene(t, "security@alder.example")
		s.pc.get(t, "/me")
		large := list(t, "people.csv", strings.Repeat("x", 100<<10), "csrf", s.pc.csrf)
		small := list(t, "people.csv", "name", "csrf", s.pc.csrf)
		paths := map[string]bool{"/admin/alder/users/import/": true, "/admin//users/import": false, "/admin/alder/x/users/import": true, "/users/import": true}
		for _, route := range w.Site.Routes() {
			if route.Method == http.MethodPost && !bringsFile[route.Path] {
				paths[s.filled(route.Path)] = false
			}
		}
		for path, none := range paths {
			a := sendParcel(t, s.pc.client, s.pc.request(t, http.MethodPost, path, nil), large)
			a.is(t, http.StatusRequestEntityTooLarge)
			a = sendParcel(t, s.pc.client, s.pc.request(t, http.MethodPost, path, nil), small)
			switch {
			case none:
				a.is(t, http.StatusNotFound, http.StatusMethodNotAllowed)
			case strings.HasPrefix(path, api):
				a.is(t, http.StatusUnauthorized, http.StatusUnsupportedMediaType)
			default:
				a.is(t, http.StatusUnsupportedMediaType)
			}
		}
	})
}

func TestWhoMayImport(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		admin.get(t, importPath)
		page := admin.bring(t, "name", "new@alder.example").want(t, http.StatusSeeOther).location()
		for _, name := range []string{"user2@alder.example", "desk@alder.example", "lead@alder.example", "auditor@alder.example"} {
			b := w.browser(t).signIn(t, name)
			for _, path := range []string{importPath, page, page + "/state", page + "/problems.csv"} {
				b.get(t, path).is(t, http.StatusForbidden)
			}
			b.bring(t, "name", "new@alder.example").is(t, http.StatusForbidden)
			b.post(t, page+"/run", "reason", "x").is(t, http.StatusForbidden)
			// Nor is much read of who may not bring it.
			p := list(t, "people.csv", strings.Repeat("x", 4<<20), "csrf", b.csrf)
			if a, err := try(b.client, request(b, t, p)); err == nil {
				a.is(t, http.StatusForbidden)
			}
		}
		// Somebody who is limited to groups imports nobody.
		tenantID, security := w.person(t, "security@alder.example")
		b := w.browser(t).signIn(t, "security@alder.example")
		b.get(t, page).is(t, http.StatusOK) // another administrator sees it
		b.post(t, page+"/run", "reason", "x").is(t, http.StatusConflict)
		w.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", tenantID, security, w.group(t, "alder", "pilot"))
		w.forward(t, 0)
		b.get(t, importPath).is(t, http.StatusForbidden)
		b.bring(t, "name", "new@alder.example").is(t, http.StatusForbidden)

		// Another organisation's list is not there.
		birch := w.browser(t).signIn(t, "security@birch.example")
		birch.get(t, "/admin/birch/users/import").want(t, http.StatusOK)
		none := birch.get(t, "/admin/birch/users/imports/none")
		for _, path := range []string{page, page + "/state", page + "/problems.csv", importPath, strings.Replace(page, "alder", "birch", 1), strings.Replace(page, "alder", "birch", 1) + "/state"} {
			if a := birch.get(t, path); a.is(t, http.StatusNotFound) && plainBody(a) != plainBody(none) {
				t.Errorf("%s reads unlike none", a.asked)
			}
		}
		before := w.standing(t)
		birch.post(t, page+"/run", "reason", "x").is(t, http.StatusNotFound)
		birch.post(t, strings.Replace(page, "alder", "birch", 1)+"/run", "reason", "x").is(t, http.StatusNotFound)
		birch.bring(t, "name", "new@birch.example").is(t, http.StatusNotFound)
		p := list(t, "people.csv", "name\nnew@alder.example", "csrf", birch.csrf, "tenant", "alder", "tenant_id", tenantID)
		a := sendParcel(t, birch.client, birch.request(t, http.MethodPost, "/admin/birch/users/import", nil), p).want(t, http.StatusSeeOther)
		if page := birch.get(t, a.location()); !strings.Contains(page.body, "no verified domain of your organisation") {
			t.Errorf("a list for another organisation: %s", excerpt(page.body))
		}
		after := w.standing(t)
		for _, table := range []string{"users", "group_members", "user_words"} {
			if fmt.Sprint(before[table]) != fmt.Sprint(after[table]) {
				t.Errorf("a stranger changed %s", table)
			}
		}
	})
}

func request(b *browser, t testing.TB, p parcel) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, b.base+importPath, strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", p.media)
	return r
}
