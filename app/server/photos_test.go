package server_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
)

// portrait is a picture that can be somebody's photo.
func portrait(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	must(0, png.Encode(&b, image.NewGray(image.Rect(0, 0, 100, 120))))
	return b.String()
}

// TestAPhotoOverHTTP goes from the file to the page of the desk, and back to none.
func TestAPhotoOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		admin, page := w.browser(t).signIn(t, "admin@alder.example"), w.at(t, "user9")
		admin.get(t, page).want(t, http.StatusOK)
		for name, file := range map[string]string{"nothing": "", "words.png": "no picture", "page.svg": "<svg/>"} {
			a := admin.upload(t, page+"/photo", "photo", name, file, "reason", "a test")
			a.is(t, http.StatusUnprocessableEntity)
			if !strings.Contains(a.body, "Choose a picture") || !strings.Contains(a.body, "a test") {
				t.Errorf("%s: %s", name, excerpt(a.body))
			}
		}
		admin.upload(t, page+"/photo", "photo", "large.png", strings.Repeat("x", 6<<20), "reason", "a test").is(t, http.StatusRequestEntityTooLarge)
		admin.upload(t, page+"/photo", "photo", "portrait.png", portrait(t)).is(t, http.StatusUnprocessableEntity) // no reason
		admin.upload(t, page+"/photo", "photo", "portrait.png", portrait(t), "reason", "a test").want(t, http.StatusSeeOther)

		const shown = `src="data:image/jpeg;base64,`
		desk := w.browser(t).signIn(t, "desk@alder.example")
		for _, where := range []string{page, page + "/desk"} {
			if a := desk.get(t, where).want(t, http.StatusOK); strings.Count(a.body, shown) != 1 {
				t.Errorf("%s has %d photos", where, strings.Count(a.body, shown))
			}
		}
		desk.upload(t, page+"/photo", "photo", "portrait.png", portrait(t), "reason", "a test").is(t, http.StatusForbidden)
		stranger := w.browser(t).signIn(t, "admin@birch.example")
		stranger.get(t, "/admin/birch/users").want(t, http.StatusOK)
		stranger.upload(t, strings.Replace(page, "alder", "birch", 1)+"/photo", "photo", "portrait.png", portrait(t), "reason", "a test").is(t, http.StatusNotFound)

		// Without a file it goes.
		admin.get(t, page)
		admin.upload(t, page+"/photo", "photo", "", "", "reason", "a test").want(t, http.StatusSeeOther)
		if a := desk.get(t, page); strings.Contains(a.body, shown) {
			t.Error("the photo is still there")
		}
	})
}
