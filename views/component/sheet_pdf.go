package component

import (
	"context"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"github.com/a-h/templ"

	"latchkey/views/words"
)

// The sheet as a PDF file, in millimetres. It is small enough for A4 and for Letter paper.
const (
	sheetTop            = 26.0
	sheetWide, sheetPad = 124.0, 8.0
	sheetRow            = 9.5
	sheetQR             = 27.0
)

// SheetFile is one or more sheets of one size of paper as a PDF file that stands in the
// page itself, for the codes are in no other answer. It is empty where the fonts that come
// with it, which have Latin, Greek and Cyrillic letters, cannot write every word: then the
// page is printed.
func SheetFile(ctx context.Context, sheets ...Sheet) templ.SafeURL {
	return PDFLink(sheetsPDF(ctx, sheets))
}

// sheetsPDF draws sheets as the page shows them, each on a page of its own.
func sheetsPDF(ctx context.Context, sheets []Sheet) ([]byte, error) {
	for _, v := range sheets {
		if !Printable(strings.Join(append(v.sentences(ctx), v.TenantName, v.Serial, v.Person, strings.ReplaceAll(v.Instructions, "\n", " ")), "")) {
			return nil, nil
		}
	}
	size := "a4"
	if len(sheets) > 0 && sheets[0].Paper != "" {
		size = sheets[0].Paper
	}
	f := NewPDF(ctx, size)
	for _, v := range sheets {
		f.SetTitle(words.Say(ctx, "me.codes.title")+" "+v.Serial, true)
		if v.Many {
			f.SetTitle(words.Say(ctx, "me.codes.title"), true)
		}
		f.SetCreationDate(v.MadeAt)
		f.SetModificationDate(v.MadeAt)
		f.AddPage()
		v.draw(ctx, f)
	}
	return EndPDF(f)
}

// sentences are what stands on a sheet besides names and codes.
func (v Sheet) sentences(ctx context.Context) []string {
	all := []string{
		words.Say(ctx, "me.codes.title"), words.Say(ctx, "me.sheet.serial"), words.Say(ctx, "me.sheet.keep", "tenant", v.TenantName), words.Say(ctx, "me.sheet.made", "when", v.MadeOn),
		words.Say(ctx, "me.sheet.for"), words.Say(ctx, "me.sheet.confirm", "address", v.ConfirmAt),
	}
	return append(all, v.steps(ctx)...)
}

func (v Sheet) steps(ctx context.Context) []string {
	return []string{words.Say(ctx, "me.sheet.open", "address", v.Address), words.Say(ctx, "me.sheet.choose"), words.Say(ctx, "me.sheet.type")}
}

// draw draws one sheet in the middle of a page.
func (v Sheet) draw(ctx context.Context, f *fpdf.Fpdf) {
	title, serial := words.Say(ctx, "me.codes.title"), words.Say(ctx, "me.sheet.serial")
	keep, made := words.Say(ctx, "me.sheet.keep", "tenant", v.TenantName), words.Say(ctx, "me.sheet.made", "when", v.MadeOn)
	pageWide, _ := f.GetPageSize()
	sheetLeft := (pageWide - sheetWide) / 2
	left, wide := sheetLeft+sheetPad, sheetWide-2*sheetPad
	write := func(x, y float64, font, style string, points float64, text string) {
		f.SetFont(font, style, points)
		f.Text(x, y, text)
	}
	line := func(x1, y1, x2, y2, width float64, grey int) {
		f.SetDrawColor(grey, grey, grey)
		f.SetLineWidth(width)
		f.Line(x1, y1, x2, y2)
	}
	y := sheetTop + sheetPad + 4
	write(left, y, "text", "B", 10, v.TenantName)
	f.SetFont("text", "", 8)
	write(left+wide-f.GetStringWidth(serial), y, "text", "", 8, serial)
	y += 7
	write(left, y, "text", "B", 15, title)
	f.SetFont("code", "B", 13)
	write(left+wide-f.GetStringWidth(v.Serial), y, "code", "B", 13, v.Serial)
	if v.Person != "" {
		y += 7
		f.SetFont("text", "", 10)
		of := words.Say(ctx, "me.sheet.for") + " "
		indent := f.GetStringWidth(of)
		write(left, y, "text", "", 10, of)
		write(left+indent, y, "text", "B", 10, v.Person)
	}
	y += 6
	half := (len(v.Codes) + 1) / 2
	for i, code := range v.Codes {
		x, at := left, y+float64(i%half)*sheetRow
		if i >= half {
			x += wide/2 + 2
		}
		f.SetFont("text", "B", 11)
		write(x+6-f.GetStringWidth(code.Number), at+sheetRow*0.66, "text", "B", 11, code.Number)
		write(x+8, at+sheetRow*0.66, "code", "B", 10, code.Code)
		if i%half > 0 {
			line(x, at, x+wide/2-2, at, 0.15, 200)
		}
	}
	line(left, y, left+wide, y, 0.2, 120)
	y += float64(half) * sheetRow
	line(left, y, left+wide, y, 0.2, 120)
	y += 5
	bottom := y + sheetQR
	DrawQR(f, v.QR, left, y, sheetQR)
	text := func(indent float64, lead, words string) {
		f.SetFont("text", "", 9)
		f.Text(left+sheetQR+5, y+3, lead)
		f.SetXY(left+sheetQR+5+indent, y)
		f.MultiCell(wide-sheetQR-5-indent, 4.2, words, "", "L", false)
		y = f.GetY()
	}
	for i, step := range v.steps(ctx) {
		text(4, string(rune('1'+i))+".", step)
	}
	y += 1.5
	text(0, "", keep)
	y = max(y, bottom) + 3
	below := func(style, words string) {
		f.SetFont("text", style, 9)
		f.SetXY(left, y)
		f.MultiCell(wide, 4.2, words, "", "L", false)
		y = f.GetY() + 2
	}
	margin := f.GetCellMargin()
	f.SetCellMargin(0)
	if v.Confirms {
		below("B", words.Say(ctx, "me.sheet.confirm", "address", v.ConfirmAt))
	}
	if v.Instructions != "" {
		below("", v.Instructions)
	}
	f.SetCellMargin(margin) // of the next sheet
	y += 3
	write(left, y, "text", "", 8, made)
	v.cut(line, sheetLeft, y+sheetPad-2)
}

// cut draws the marks to cut along.
func (v Sheet) cut(line func(x1, y1, x2, y2, width float64, grey int), sheetLeft, bottom float64) {
	const long = 6.0
	right := sheetLeft + sheetWide
	for _, x := range []float64{sheetLeft, right} {
		line(x, sheetTop-long, x, sheetTop, 0.1, 0)
		line(x, bottom, x, bottom+long, 0.1, 0)
	}
	for _, y := range []float64{sheetTop, bottom} {
		line(sheetLeft-long, y, sheetLeft, y, 0.1, 0)
		line(right, y, right+long, y, 0.1, 0)
	}
}
