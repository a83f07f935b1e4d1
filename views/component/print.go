package component

import (
	"bytes"
	"context"
	"encoding/base64"

	"codeberg.org/go-pdf/fpdf"
	"github.com/a-h/templ"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"latchkey/views/words"
)

// NewPDF begins a file for pages of a size, in millimetres, with our fonts: "text", also in
// "B", and "code", in "B" alone.
func NewPDF(ctx context.Context, size string) *fpdf.Fpdf {
	f := fpdf.New("P", "mm", size, "")
	f.AddUTF8FontFromBytes("text", "", goregular.TTF)
	f.AddUTF8FontFromBytes("text", "B", gobold.TTF)
	f.AddUTF8FontFromBytes("code", "B", gomonobold.TTF)
	f.SetLang(words.Tag(ctx))
	f.SetAutoPageBreak(false, 0)
	return f
}

// EndPDF gives the file.
func EndPDF(f *fpdf.Fpdf) ([]byte, error) {
	var b bytes.Buffer
	err := f.Output(&b)
	return b.Bytes(), err
}

// PDFLink is the address of a file that stands in its page itself, for what it says is in
// no other answer; empty where there is no file.
func PDFLink(file []byte, err error) templ.SafeURL {
	if err != nil || len(file) == 0 {
		return ""
	}
	return templ.SafeURL("data:application/pdf;base64," + base64.StdEncoding.EncodeToString(file))
}

// DrawQR draws the dark parts of a QR code into a square; around it the paper is white.
func DrawQR(f *fpdf.Fpdf, dark [][]bool, x, y, side float64) {
	module := side / float64(len(dark))
	f.SetFillColor(0, 0, 0)
	for row, cells := range dark {
		for from := 0; from < len(cells); from++ {
			to := from
			for to < len(cells) && cells[to] {
				to++
			}
			if to > from {
				f.Rect(x+float64(from)*module, y+float64(row)*module, float64(to-from)*module, module, "F")
				from = to
			}
		}
	}
}

// Printable says whether our fonts have every letter of a text: they have Latin, Greek and
// Cyrillic ones.
func Printable(text string) bool {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return false
	}
	var b sfnt.Buffer
	for _, letter := range text {
		if glyph, err := font.GlyphIndex(&b, letter); err != nil || glyph == 0 {
			return false
		}
	}
	return true
}
