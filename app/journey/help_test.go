package journey

import (
	"strings"
	"testing"

	"latchkey/app/store"
)

// Help is there before anybody has signed in, leads on by links alone, and each page of
// it is one sheet of paper.
func TestHelpIsForEverybodyAndFitsOnPaper(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.Open(h.URL + "/signin")
	p.Follow(".foot a[href='/help']")
	p.WaitForURL("/help")
	p.look("help-topics")
	topics := Eval[[]string](p.Tab, "[...document.querySelectorAll('.way-list a')].map(a => a.getAttribute('href'))")
	if len(topics) < 8 {
		t.Errorf("there is help for %v", topics)
	}
	for _, topic := range topics {
		p.Follow(".way-list a[href='" + topic + "']")
		p.WaitForURL(topic)
		if name := strings.TrimPrefix(topic, "/help/"); name == "how" {
			p.look("help-topic-how")
		} else {
			p.Look("help-topic-"+name, PageShapes)
		}
		p.printsOnOnePage("help-" + strings.TrimPrefix(topic, "/help/"))
		p.Follow(".back a")
	}
	p.Open(h.URL + "/help/nothing")
	p.WaitFor("body[data-step=problem][data-state='404']")

	plain := h.pcLike(Options{NoScript: true})
	plain.Open(h.URL + topics[0])
	plain.WaitForText("h1", "How phone sign-in works")
	if plain.Has("[data-print]:not([hidden])") {
		t.Error("the button to print shows where it does nothing")
	}
}
