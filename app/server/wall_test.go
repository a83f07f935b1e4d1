package server_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/store"
	"latchkey/app/web"
)

// forgetful are routes whose statements forget the tenant. Each answers whose
// users it sees.
func (w *world) forgetful(t *testing.T) {
	t.Helper()
	seen := func(ctx context.Context) (string, error) {
		var whose, again string
		query := "SELECT string_agg(DISTINCT t.slug, ' ' ORDER BY t.slug) FROM users u JOIN tenants t ON t.id = u.tenant_id"
		if _, err := w.DB.View(ctx).One(&whose, query); err != nil {
			return "", err
		}
		err := w.DB.Act(ctx, func(tx *store.Tx) error {
			_, err := tx.One(&again, query)
			return err
		})
		if again != whose {
			whose += ", and in an act " + again
		}
		return whose, err
	}
	show := func(c echo.Context) error {
		whose, err := seen(c.Request().Context())
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, whose)
	}
	birch, _ := w.person(t, "user1@birch.example")
	err := w.Site.Mount(w.Handler.(*echo.Echo),
		web.Get("/test/anyone", access.Anyone, show),
		web.Get("/test/own", access.AccountView, show),
		web.Post("/test/own", access.AccountView, show),
		web.Get("/test/language", access.AccountView, func(c echo.Context) error {
			whose, err := seen(web.Context(c))
			if err != nil {
				return err
			}
			return c.String(http.StatusOK, whose)
		}),
		web.Get("/admin/:tenant/test", access.ConsoleEnter, show),
		web.Get("/operator/test", access.OperatorEnter, show),
		web.Get("/test/birch", access.AccountView, func(c echo.Context) error {
			web.Within(c, birch)
			return show(c)
		}),
		web.Get("/test/events", access.AccountView, func(c echo.Context) error {
			return w.Site.Serve(c, "somebody", []string{"test"}, func(ctx context.Context, stream *web.Stream) (bool, error) {
				whose, err := seen(ctx)
				if err != nil {
					return true, err
				}
				return false, stream.Event("seen", whose)
			})
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// TestASignedInRequestIsBehindItsWall: a handler that forgets the tenant in a
// statement still sees its own alone, on a page, in an act and in a stream.
func TestASignedInRequestIsBehindItsWall(t *testing.T) {
	w := onPostgres(t)
	w.forgetful(t)
	const all = "alder birch platform"
	alder, birch := w.browser(t).signIn(t, "user1@alder.example"), w.browser(t).signIn(t, "user1@birch.example")
	o := w.operated(t)
	w.forward(t, 0)
	for _, row := range []struct {
		claim string
		a     answer
		want  string
	}{
		{"nobody's request sees what the program sees", w.browser(t).get(t, "/test/anyone"), all},
		{"so does a page for anyone in a browser that is signed in", alder.get(t, "/test/anyone"), all},
		{"a user of alder sees alder", alder.get(t, "/test/own"), "alder"},
		{"a user of birch sees birch", birch.get(t, "/test/own"), "birch"},
		{"a form too", alder.post(t, "/test/own"), "alder"},
		{"in the reader's language too", alder.get(t, "/test/language"), "alder"},
		{"a route may go into another tenant, and sees no other then", alder.get(t, "/test/birch"), "birch"},
		{"an administrator of birch sees birch", o.birch.get(t, "/admin/birch/test"), "birch"},
		{"an operator whom birch let in sees birch there", o.b.get(t, "/admin/birch/test"), "birch"},
		{"and what runs the platform from outside of it", o.b.get(t, "/operator/test"), all},
		{"the next request is at home again", alder.get(t, "/test/own"), "alder"},
		{"and the next one of the program sees everything", w.browser(t).get(t, "/test/anyone"), all},
	} {
		if row.a.is(t, http.StatusOK); row.a.body != row.want {
			t.Errorf("%s: %s sees %q, want %q", row.claim, row.a.asked, row.a.body, row.want)
		}
	}
	stream := open(t, alder.client, alder.request(t, http.MethodGet, "/test/events", nil))
	stream.says(t, "seen alder")
	w.Hub.Ring("test")
	stream.says(t, "seen alder") // long after its request was answered
	w.browser(t).get(t, "/test/own").want(t, http.StatusSeeOther)
}
