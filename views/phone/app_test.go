package phone_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/views/phone"
)

const appFolder = "../../static/phone"

// TestWorkerKeepsEveryFile compares the service worker's list with the folder:
// a module that is missing there would break the app as soon as the network is
// gone, and one too many would keep the worker from being installed at all.
func TestWorkerKeepsEveryFile(t *testing.T) {
	worker := read(t, "service-worker.js")
	list := regexp.MustCompile(`(?s)const files = \[(.*?)\];`).FindStringSubmatch(worker)
	if list == nil {
		t.Fatal("no list of files in service-worker.js")
	}
	var kept []string
	for _, quoted := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(list[1], -1) {
		kept = append(kept, quoted[1])
	}
	slices.Sort(kept)

	var present []string
	err := filepath.WalkDir(appFolder, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(appFolder, path)
		name = filepath.ToSlash(name)
		if err == nil && !entry.IsDir() && name != "service-worker.js" && name != "manifest.webmanifest" {
			present = append(present, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(present)
	if !slices.Equal(kept, present) {
		t.Errorf("the worker keeps\n%s\nbut the folder has\n%s", strings.Join(kept, " "), strings.Join(present, " "))
	}
	if n := strings.Count(worker, "__VERSION__"); n != 1 {
		t.Errorf("service-worker.js has the place for the version %d times, want once", n)
	}
}

// TestNoMarkupFromText keeps the one hole of such an app closed: text that the
// page would read as markup.
func TestNoMarkupFromText(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|\.style\b`)
	err := filepath.WalkDir(appFolder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".js" {
			return err
		}
		name, _ := filepath.Rel(appFolder, path)
		for number, line := range strings.Split(read(t, name), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if found := forbidden.FindString(code); found != "" {
				t.Errorf("%s:%d: %s", path, number+1, found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAppPage looks for what the policy of the service would block, and for
// what a browser needs to install the app.
func TestAppPage(t *testing.T) {
	var page strings.Builder
	app := phone.App{PublicURL: "https://latchkey.example", Version: "0a1b2c3d", Styles: "/static/0a1b2c3d/phone/phone.css", Script: "/static/0a1b2c3d/phone/app.js"}
	if err := phone.AppPage(app).Render(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	html := page.String()
	for _, part := range []string{
		`<link rel="manifest" href="/phone/manifest.webmanifest">`,
		`<script type="module" src="/static/0a1b2c3d/phone/app.js"></script>`,
		`href="/static/0a1b2c3d/phone/phone.css"`,
		`<main data-screen="opening">`,
	} {
		if !strings.Contains(html, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	if found := regexp.MustCompile(`<style|\sstyle=|\son[a-z]+=|<script[^>]*>[^<]`).FindString(html); found != "" {
		t.Errorf("the policy blocks %q", found)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(appFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
