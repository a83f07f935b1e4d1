package journey

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js
var axe string

func (tab *Tab) dress(o Options) {
	tab.t.Helper()
	width, height := o.size()
	var shape []chromedp.EmulateViewportOption
	if o.Mobile {
		shape = append(shape, chromedp.EmulatePortrait, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: o.scheme()}}
	if o.still {
		features = append(features, &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
	}
	tab.do("size", chromedp.EmulateViewport(int64(width), int64(height), shape...))
	call(tab, "colours", emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// Shapes in which Look sees a page.
var (
	PageShapes  = []Options{{}, {Dark: true}, {Mobile: true}, {Mobile: true, Dark: true}, {Mobile: true, Width: 320, Height: 568}}
	PhoneShapes = append(PageShapes[:5:5],
		Options{Mobile: true, Width: 320, Height: 568, Dark: true},
		Options{Mobile: true, Width: 200, Height: 230}, Options{Mobile: true, Width: 200, Height: 230, Dark: true})
)

// Look looks at the page as it is now, in each of the shapes: axe has nothing
// to say, and nothing is wider than the window. With LATCHKEY_SCREENSHOTS, a
// folder, it leaves pictures there.
func (tab *Tab) Look(name string, shapes []Options) {
	tab.t.Helper()
	for _, o := range shapes {
		tab.wear(o)
		as := fmt.Sprintf("%s at %s", name, o)
		if !tab.options.NoScript { // axe is script; what stands in <noscript> is looked at without it
			var rules []string
			if o.Dark {
				rules = []string{"color-contrast"} // colours change nothing else
			}
			for _, v := range tab.Axe(rules...) {
				tab.t.Errorf("%s: axe: %s", as, v)
			}
		}
		if wide := Eval[string](tab, tooWide); wide != "" {
			tab.t.Errorf("%s: wider than the window: %s", as, wide)
		}
		if folder := os.Getenv("LATCHKEY_SCREENSHOTS"); folder != "" {
			tab.Screenshot(filepath.Join(folder, name+"-"+o.String()+".png"))
		}
	}
	tab.dress(tab.options)
}

// wear shows the page in another shape, in which nothing moves. A page that has just come
// again by itself is looked at once all of it is there.
func (tab *Tab) wear(o Options) {
	tab.t.Helper()
	o.still = true
	tab.dress(o)
	width, _ := o.size()
	tab.WaitUntil(fmt.Sprintf("document.readyState === 'complete' && matchMedia('(width: %dpx) and (prefers-color-scheme: %s) and (prefers-reduced-motion)').matches", width, o.scheme()))
}

// tooWide gives the first element that makes the page scroll sideways.
const tooWide = `(() => {
	const root = document.documentElement;
	if (root.scrollWidth <= root.clientWidth && document.body.scrollWidth <= root.clientWidth) return "";
	const one = [...document.querySelectorAll("body *")].find(e => e.getBoundingClientRect().right > root.clientWidth + 0.5);
	return root.scrollWidth + " px, " + (one?.outerHTML.slice(0, 300) ?? "nothing in sight");
})()`

// String names the shape: width and colours.
func (o Options) String() string {
	width, _ := o.size()
	return fmt.Sprintf("%d-%s", width, o.scheme())
}

func (o Options) scheme() string {
	if o.Dark {
		return "dark"
	}
	return "light"
}

func (o Options) size() (width, height int) {
	if o.Mobile {
		return cmp.Or(o.Width, 390), cmp.Or(o.Height, 844)
	}
	return cmp.Or(o.Width, 1280), cmp.Or(o.Height, 900)
}

// Screenshot writes a picture of the whole page, as PNG. A relative path is
// below the artifacts of the test, which go test -artifacts keeps.
func (tab *Tab) Screenshot(path string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		tab.t.Fatalf("screenshot: %v", err)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(tab.t.ArtifactDir(), path)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, picture, 0o644)); err != nil {
		tab.t.Fatalf("screenshot: %v", err)
	}
}

// PDF returns the page as it would be printed.
func (tab *Tab) PDF(paper chromedp.PaperSize) []byte {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	file, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPaper(paper), chromedp.PDFPrintBackground()))
	if err != nil {
		tab.t.Fatalf("print: %v", err)
	}
	return file
}

// Violation is one rule of accessibility that a page breaks.
type Violation struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"` // the elements, with what is wrong with them
}

func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s\n\t%s", v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n\t"))
}

// Axe returns what axe-core has to say against the page as it is shown now,
// best practices and WCAG 2.2's size of targets included; with rules, by these
// alone. The policy of the page does not hinder it.
func (tab *Tab) Axe(rules ...string) []Violation {
	tab.t.Helper()
	options := `rules: {"target-size": {enabled: true}}`
	if len(rules) > 0 {
		values, _ := json.Marshal(rules)
		options = `runOnly: {type: "rule", values: ` + string(values) + `}`
	}
	run := `!window.axe ? "" : axe.run(document, {resultTypes: ["violations"], ` + options + `}).then(r => JSON.stringify(r.violations.map(v => ({
		id: v.id, impact: v.impact ?? "", help: v.help,
		nodes: v.nodes.map(n => n.html + " " + (n.failureSummary ?? "").replaceAll("\n", " ")),
	}))))`
	// It is half a megabyte, and takes as long to read as to run: once a page, which may
	// have come again by itself.
	found := Eval[string](tab, run)
	for found == "" {
		tab.do("load axe", chromedp.Evaluate[chromedp.Void](axe))
		found = Eval[string](tab, run)
	}
	var violations []Violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		tab.t.Fatalf("axe: %v", err)
	}
	return violations
}

// Accessible fails the test for each of Axe's findings, and goes on.
func (tab *Tab) Accessible() {
	tab.t.Helper()
	for _, v := range tab.Axe() {
		tab.t.Errorf("%s: axe: %s", tab.URL(), v)
	}
}
